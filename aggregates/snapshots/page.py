"""One dated version of a page of objectives, as the source wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Field = Literal["title", "assignees", "priority", "mid_score", "projected", "final"]


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """Which version of the page this is.

    `commit` names it in its source, `instant` is the source's time (always with an offset), `author` and `subject`
    are the source's own words, empty where the source does not say.
    """

    commit: str
    instant: datetime
    author: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something on the page that could not be understood; it is listed, never guessed.

    `line` counts from 1 (0 is the page as a whole), `column` is the header of the cell or empty, `text` the original
    in printable form, `what` was wrong and `remedy` is what to do. `loses_row` says that a key result or an
    objective may be missing from the page because of it, so that an absence proves nothing.
    """

    line: int
    column: str
    text: str
    code: str
    what: str
    remedy: str
    loses_row: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """The original text of one cell: the field it was read as, and its header as written."""

    field: Field
    header: str
    text: str


@dataclass(frozen=True, slots=True)
class SnapshotKeyResult:
    """One row of a table: a key result, its assignees and its three scores (0 to 1, or none).

    `unreadable` names the fields whose cell says something that was not understood: nothing is known about them
    in this version, which is not the same as blank.
    """

    title: str
    assignees: tuple[str, ...]
    priority: str | None
    mid_score: Decimal | None
    projected: Decimal | None
    final: Decimal | None
    line: int
    cells: tuple[Cell, ...] = ()
    unreadable: tuple[Field, ...] = ()

    def original(self, field: Field) -> str:
        """Return the cell's text as the source wrote it; empty where the page has no such column."""
        return next((cell.text for cell in self.cells if cell.field == field), "")


@dataclass(frozen=True, slots=True)
class SnapshotObjective:
    """One objective with the rows of its tables; `position` counts from 1 on the page, `line` is its heading's."""

    title: str
    position: int
    line: int
    notes: str = ""
    key_results: tuple[SnapshotKeyResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the page; `unread` when it could not be read at all, so that it says nothing of any row."""

    version: SourceVersion
    objectives: tuple[SnapshotObjective, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: str = ""
    unread: bool = False

    @property
    def loses_rows(self) -> bool:
        """Whether a row may be missing because it could not be read."""
        return self.unread or any(fault.loses_row for fault in self.faults)

    @property
    def key_results(self) -> tuple[SnapshotKeyResult, ...]:
        """Return every key result of the page in its order."""
        return tuple(row for objective in self.objectives for row in objective.key_results)
