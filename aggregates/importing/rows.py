"""What the rows of a table say, in our words: objectives, key results, check-ins, and rows that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from aggregates.frozen import dataclass
from aggregates.importing.cells import Cell
from aggregates.measures import Measure, Target
from aggregates.objective.events import Ambition, Said
from aggregates.snapshots.page import Fault

Named = tuple[tuple[str, tuple[str, ...]], ...]
"""The columns of a row that name owners, each with whom it names."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it: its line (counted from 1, where it begins) and its cells under the header."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """What a row says about an objective. `key` names it in its source; `parents` are keys of the same source."""

    line: int
    key: str
    title: str
    owners: tuple[str, ...] = ()
    description: str | None = None
    parents: tuple[str, ...] = ()
    local: str | None = None
    team: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyResultRow:
    """What a row says about a key result; `objective` is the key of its objective, `value` is of the day `on`."""

    line: int
    key: str
    objective: str
    title: str
    owners: tuple[str, ...]
    measure: Measure
    baseline: Decimal | None
    target: Target
    value: Decimal | bool | tuple[str, ...] | None = None
    on: date | None = None
    confidence: Decimal | None = None
    said: Said | None = None
    score: Decimal | None = None
    weight: Decimal | None = None
    ambition: Ambition | None = None
    ends_on: date | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckInRow:
    """What a row says about a key result on a day; `key_result` is its title, or its key where the source has one."""

    line: int
    key_result: str
    objective: str | None
    on: date
    value: Decimal | None = None
    confidence: Decimal | None = None
    said: Said | None = None
    notes: str | None = None
    owners: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not imported, and every reason for it that its cells give.

    `owners` and `days` are what else has to be looked at by those who know the people and the day.
    """

    line: int
    faults: tuple[Fault, ...]
    owners: Named = ()
    days: tuple[tuple[str, date], ...] = ()
    """The column and the day of each value that it measured."""


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A row, or a part of one, that is left out on purpose: listed with what it said and why."""

    line: int
    text: str
    why: str
    column: str = ""
    code: str = "left_out"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of the table with everything that it says, in the order in which it is recorded."""

    line: int
    objective: ObjectiveRow | None = None
    key_results: tuple[KeyResultRow, ...] = ()
    left: tuple[LeftRow, ...] = ()
    owners: Named = ()

    def said(self) -> dict[str, Any]:
        """Return what the row says and what of it is left out, without whom it names: its name comes from that."""
        return {
            "line": self.line, "objective": self.objective, "key_results": self.key_results, "left": self.left,
        }  # fmt: skip


Shaped = TableRow | RefusedRow
Kind = Literal["objective", "key_result"]
