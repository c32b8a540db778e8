"""A page for people: lines and tables, drawn with rich on a terminal and as plain aligned text elsewhere."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Table:
    """A table; a column whose head begins with `>` is aligned to the right (numbers)."""

    heads: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    wide: Sequence[str] = ()
    """Heads of the columns that may be broken over lines on a terminal."""

    def row(self, *cells: Any) -> None:
        """Add a row; None shows as nothing."""
        self.rows.append(["" if cell is None else str(cell) for cell in cells])


Block = Table | str


def show(blocks: Iterable[Block]) -> None:
    """Write the blocks to standard output."""
    if sys.stdout.isatty():
        _draw(blocks)
        return
    for block in blocks:
        text = block if isinstance(block, str) else plain(block)
        sys.stdout.write(text + "\n")


def write_json(body: Any) -> None:
    """Write a body as the HTTP door sends it, followed by a line break."""
    import orjson

    data = body if isinstance(body, bytes) else orjson.dumps(body)
    sys.stdout.flush()
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.buffer.flush()


def plain(table: Table) -> str:
    """Return a table as aligned text, two blanks between columns, nothing cut off."""
    heads = [head.removeprefix(">") for head in table.heads]
    widths = [max(map(width, column)) for column in zip(heads, *table.rows, strict=True)]
    lines = []
    for cells in (heads, *table.rows):
        parts = [
            _pad(cell, size, right=head.startswith(">"))
            for cell, size, head in zip(cells, widths, table.heads, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _pad(text: str, size: int, *, right: bool) -> str:
    blanks = " " * (size - width(text))
    return blanks + text if right else text + blanks


def _draw(blocks: Iterable[Block]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    console = Console(highlight=False)
    for block in blocks:
        if isinstance(block, str):
            console.print(Text(block))
            continue
        drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for head in block.heads:
            right = head.startswith(">")
            name = head.removeprefix(">")
            drawn.add_column(
                name, justify="right" if right else "left", no_wrap=not (name in block.wide or not block.wide)
            )
        for cells in block.rows:
            drawn.add_row(*(Text(cell) for cell in cells))
        console.print(drawn)
