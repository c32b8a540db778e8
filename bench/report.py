"""What was measured, as a table on the terminal and as `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from bench.figures import FIGURES, Measure

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
LOAD = DOCUMENT.with_name("load.md")
_HEAD = ("figure", "required", "median", "spread", "rounds", "")
_ABOUT = """# Benchmarks

Measured by `make bench` on the machine below. Ratios count, figures do not: each ratio compares two ways within one
run on one machine, taking turns, so that a slow moment meets both. The median of the rounds has to meet what is
required; the spread is the least and the greatest round; what is only shown takes fewer rounds, and on a busy machine
so does what comes last. `fsync` and `synchronous_commit` are on.

A virtual machine's host takes cores for others while they have work, and so do other programs. Where one of the two
took more than 5 % of the time in which the cores had work, that stands beside the figure: a plain rate was lower by it,
and is still held to what is required. What is left alone by that stands below each required rate: entries per second
of processor time, of the own process and the database's processes together, which nobody waits for.
"""
_ABOUT_LOAD = """# A server under load

Measured by `make load` on the machine below: a served ledger is read and written for five minutes by a second process
on the same two cores, in an open loop. Requests begin at moments drawn beforehand, whatever became of those before
them, and a latency counts from the moment at which its request should have begun. The first ten seconds, in which a
server that has just begun is asked, stand apart. A host that takes the cores away for a moment leaves a queue, so its
share of the time is told; what is required holds all the same.
"""
_READING = """
## What is compared

- **One command** loads the states, decides by the real rules, and appends one check-in; beside it psycopg inserts the
  same bytes into a table with the same keys and commits.
- **Eight writers** are threads of one process that give such commands, each on objectives of its own; beside them
  threads that save the same bytes with the stock recorder of the eventsourcing library, in a table of its own.
- **Restore** reads, checks and copies native lines; beside it COPY of the same rows, packed beforehand, into the
  ledger's own table with its indexes and checks. The check by the rules reads and evolves every entry.
- **Import** carries commands out through the rules, in appends of 500 commands.
- **Export** writes every native line of the large ledger as the command line does, to nowhere.
- **From empty** brings all projections of the large ledger from no row to the last entry.
- **The fold** reads every entry from the log into the state of every item; beside it a fetch of the same rows and
  `orjson.loads`.
- **The board** is the complete answer of `Reader.ask`, without HTTP. The history holds quarters with weekly values and
  check-ins, changed targets and amendments; the small ledger is the beginning of the large one.
- **HTTP** answers the board kept as bytes, after a look at where the ledger stands; beside it an endpoint of the same
  application that answers the same bytes from memory.
"""


def table(measures: Sequence[Measure]) -> str:
    """Return the table as it is printed."""
    rows = [_HEAD, *(one.row() for one in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths).rstrip(), *lines[1:]])


def listing() -> str:
    """Return the figures with what each must reach."""
    width = max(len(figure.title) for figure in FIGURES)
    return "\n".join(f"{figure.title.ljust(width)}  {figure.required}" for figure in FIGURES)


def write(
    measures: Sequence[Measure], machine: Sequence[tuple[str, str]], sizes: str, *, path: Path = DOCUMENT
) -> None:
    """Write the document."""
    parts = [_ABOUT, "\n| Machine | |\n|---|---|\n", *(f"| {name} | {value} |\n" for name, value in machine)]
    parts.append(f"| Sizes | {sizes} |\n")
    for group, told in groupby(measures, key=lambda one: one.figure.group):
        parts += [
            f"\n## {group}\n\n",
            "| Figure | Required | Median | Spread | Rounds | |\n|---|---|---|---|---|---|\n",
        ]
        notes = []
        for one in told:
            parts.append(f"| {' | '.join(one.row())} |\n")
            if one.note:
                notes.append(f"- {one.figure.title}: {one.note}.\n")
        parts += ["\n", *notes] if notes else []
    path.write_text("".join([*parts, _READING]), encoding="utf-8")


def write_load(told: Sequence[str], machine: Sequence[tuple[str, str]], *, path: Path = LOAD) -> None:
    """Write the document of the load: what it ran on, and its lines as they are printed."""
    about = "".join(f"| {name} | {value} |\n" for name, value in machine)
    lines = "\n".join(told)
    path.write_text(
        f"{_ABOUT_LOAD}\n| Machine | |\n|---|---|\n{about}\n```\n{lines}\n```\n", encoding="utf-8"
    )
