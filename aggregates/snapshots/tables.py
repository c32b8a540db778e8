"""The tables of key results on a page: which columns a header names, and what a row under it says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from aggregates.snapshots.cells import (
    HEADERS,
    Unreadable,
    is_rule,
    one_line,
    quote,
    read_assignees,
    read_priority,
    read_score,
    split_row,
)
from aggregates.snapshots.page import Cell, Fault, Field, SnapshotKeyResult
from aggregates.values import LINE_LENGTH, clean_text

T = TypeVar("T")
Columns = tuple[tuple[str, Field | None], ...]
"""Each column's header as written and the field it holds; None for a column that is not read."""

LONGEST_CELL = 4_000
_CORRECT = "Correct the row in the source, or leave this version out."
_NO_SCORE: Decimal | None = None


def read_header(
    number: int, text: str, following: str, *, inside: bool
) -> tuple[Columns | None, tuple[Fault, ...]]:
    """Return the columns that this line sets out, or None where it is not the header of key results.

    `following` is the next line, which must be the line of dashes; `inside` says whether an objective stands above.
    A header that is half understood gives no columns and a fault.
    """
    cells = split_row(text)
    fields = [HEADERS.get(one_line(cell).casefold()) for cell in cells]
    known = [name for name in fields if name is not None]
    rule = split_row(following)
    ruled = is_rule(rule) and len(rule) == len(cells)
    if len(known) < 2 and not ("title" in known and ruled):
        return None, ()
    if not ruled:
        said = ("table_has_no_rule", "No line of dashes with as many columns follows this header.", _CORRECT)
    elif "title" not in known:
        said = ("table_has_no_key_results", "This table has no column Key Result.", "Give it one.")
    elif len(set(known)) != len(known):
        said = ("column_is_repeated", "Two columns of this table mean the same.", "Keep one of them.")
    elif not inside:
        said = ("table_has_no_objective", "No heading `Objective: …` stands above this table.", "Add one.")
    else:
        columns = tuple(zip(cells, fields, strict=True))
        unknown = ("column_is_unknown", "This column is not read.", "Rename it or leave it out.")
        return columns, tuple(
            Fault(number, quote(cell), quote(cell), *unknown) for cell, name in columns if name is None
        )
    return None, (Fault(number, "", quote(text), *said, loses_row=True),)


def read_row(columns: Columns, number: int, text: str) -> tuple[SnapshotKeyResult | None, tuple[Fault, ...]]:
    """Return the key result on a line under a header, with what was not understood in it.

    Cells missing at the end are blank; a row of blank cells is none. A row without a readable title, with words
    beyond the last column or without any pipe is lost, and the fault says so.
    """
    cells = split_row(text)
    if "|" not in text or any(cells[len(columns) :]):
        what = "This line under a table is not a row." if "|" not in text else "This row has too many cells."
        remedy = r"Leave an empty line after the table; write \| for a pipe inside a cell."
        return None, (Fault(number, "", quote(text), "row_is_malformed", what, remedy, loses_row=True),)
    if not any(cells):
        return None, ()
    filled = [*cells, *[""] * len(columns)][: len(columns)]
    row = _Row(
        number,
        tuple(
            Cell(name, head, cell)
            for (head, name), cell in zip(columns, filled, strict=True)
            if name is not None
        ),
    )
    title = row.read("title", _title, "")
    if not title:
        return None, tuple(row.faults)
    key_result = SnapshotKeyResult(
        title=title,
        assignees=row.read("assignees", read_assignees, ()),
        priority=row.read("priority", read_priority, None),
        mid_score=row.read("mid_score", read_score, _NO_SCORE),
        projected=row.read("projected", read_score, _NO_SCORE),
        final=row.read("final", read_score, _NO_SCORE),
        line=number,
        cells=row.cells,
        unreadable=tuple(row.unreadable),
    )
    return key_result, tuple(row.faults)


class _Row:
    """The cells of one row; what cannot be understood becomes a fault and an unreadable field."""

    def __init__(self, number: int, cells: tuple[Cell, ...]) -> None:
        self.number, self.cells = number, cells
        self.faults: list[Fault] = []
        self.unreadable: list[Field] = []

    def read(self, field: Field, how: Callable[[str], T], blank: T) -> T:
        """Return what the field's cell says; `blank` where there is no such column or it is not understood."""
        cell = next((cell for cell in self.cells if cell.field == field), None)
        if cell is None:
            return blank
        try:
            if cell.text:
                clean_text(cell.text, longest=LONGEST_CELL, newlines=False)
            return how(cell.text)
        except Unreadable as error:
            said = (error.code, error.what, error.remedy)
        except ValueError as error:
            said = ("cell_is_unreadable", str(error), _CORRECT)
        column = quote(cell.header)
        self.faults.append(Fault(self.number, column, quote(cell.text), *said, loses_row=field == "title"))
        self.unreadable.append(field)
        return blank


def _title(text: str) -> str:
    try:
        return clean_text(one_line(text), longest=LINE_LENGTH, newlines=False)
    except ValueError as error:
        remedy = "Give the key result one printable line as its title."
        raise Unreadable("key_result_is_unreadable", str(error), remedy) from error
