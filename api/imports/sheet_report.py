"""What a sheet asks for row by row, and the report of what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from aggregates.command import Command


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row of the sheet: `would record`, `recorded`, `refused`, `stale`, `not in the sheet`."""

    line: int
    became: Literal["would record", "recorded", "refused", "stale", "not in the sheet"]
    words: str
    position: int | None = None

    def body(self) -> dict[str, Any]:
        """Return the row ready for JSON."""
        return {"line": self.line, "became": self.became, "words": self.words, "position": self.position}


@dataclass
class SheetReport:
    """What a sheet asks for and what became of it."""

    cycle: str
    basis: int
    position: int
    unchanged: int = 0
    rows: list[RowResult] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Return how many rows were refused or stale."""
        return sum(row.became in ("refused", "stale") for row in self.rows)

    def body(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {
            "cycle": self.cycle, "basis": self.basis, "position": self.position, "unchanged": self.unchanged,
            "rows": [row.body() for row in self.rows],
        }  # fmt: skip

    def blocks(self) -> list[str]:
        """Return the report as lines for people."""
        asked = sum(row.became != "not in the sheet" for row in self.rows)
        lines = [
            f"Sheet of {self.cycle}, written at position {self.basis}, compared at {self.position}: {asked} rows ask "
            f"for something, {self.unchanged} are unchanged"
        ]
        return lines + [
            f"  {row.became}: {f'line {row.line}: ' if row.line else ''}{row.words}" for row in self.rows
        ]


@dataclass(slots=True)
class RowAsked:
    """One row's commands, decided together; `expected` is the version of its objective that was compared."""

    line: int
    commands: list[Command]
    words: list[str]
    objective: UUID | None = None
    expected: int | None = None
    after: int | None = None
    """The version of the objective once this row is decided."""
    before: RowAsked | None = None
    """The row before it that changes the same objective."""
