"""Sifts the rows of a table: who owns what, what stands twice, and what lies in the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from aggregates.importing.rows import ObjectiveRow, TableRow
from aggregates.snapshots.cells import Unreadable
from aggregates.snapshots.page import Fault
from api.imports.asked import FIRST
from api.imports.owners import OwnersOf
from api.imports.table_run import Seen
from api.imports.teams import TeamsOf


class Sieve:
    """What was seen of one table so far. `repeats` says that rows repeat their objective; `given` is who owns
    objectives for which the source names nobody: a person, or the word for the owner of the first key result.
    """

    def __init__(
        self,
        owners: OwnersOf,
        today: date,
        owner_column: str,
        *,
        repeats: bool,
        given: str | None,
        person: UUID | None,
        teams: TeamsOf,
        team_column: str,
    ) -> None:
        self._teams, self._team_column = teams, team_column
        self._owners, self._today, self._owner_column = owners, today, owner_column
        self._repeats, self._given, self._owner_given = repeats, given, person
        self.objectives, self.key_results = Seen(), Seen()

    def sifted(self, row: TableRow) -> tuple[TableRow, UUID | None, list[UUID]]:
        """Return the row without an objective that was told before, and the owners of what it says."""
        objective = row.objective
        owners = []
        for one in row.key_results:
            first = self.key_results.first(one.key, one.line)
            if first != one.line or len({key.key for key in row.key_results}) < len(row.key_results):
                raise _repeated(one.line, one.title, first)
            owners.append(self._owner(one.line, one.owners))
            if one.on is not None and one.on > self._today:
                told = (
                    "day_lies_in_the_future",
                    f"{one.on} has not come yet.",
                    "Correct the day in the source.",
                )
                raise RowIsFaulty(Fault(one.line, "", str(one.on), *told))
        if objective is None:
            return row, None, owners
        owner = self._owner(row.line, objective.owners) if objective.owners else None
        first = self.objectives.first(objective.key, row.line)
        if first != row.line:
            if not self._repeats or not row.key_results:
                raise _repeated(row.line, objective.title, first)
            return replace(row, objective=None), None, owners
        objective = replace(objective, line=row.line)
        if owner is None:
            owner, objective = self._unnamed(objective, owners)
        return replace(row, objective=objective), owner, owners

    def team(self, objective: ObjectiveRow) -> UUID | None:
        """Return the team of an objective, None where the source names none. Raises RowIsFaulty for that cell."""
        try:
            return self._teams.team(objective.team)
        except Unreadable as why:
            raise _fault(objective.line, self._team_column, objective.team or "", why) from why

    def _unnamed(self, objective: ObjectiveRow, owners: list[UUID]) -> tuple[UUID | None, ObjectiveRow]:
        """Return who owns an objective for which the source names nobody: as was asked for, else nobody."""
        if self._given == FIRST and owners:
            doubt = "the source names no owner of an objective: the owner of its first key result"
            return owners[0], replace(objective, doubts=(*objective.doubts, doubt))
        if self._owner_given is not None:
            doubt = "the source names no owner of an objective: given with the import"
            return self._owner_given, replace(objective, doubts=(*objective.doubts, doubt))
        return None, objective

    def _owner(self, line: int, names: tuple[str, ...]) -> UUID:
        person = self._owners.person(names)
        if person is None:
            raise _fault(line, self._owner_column, " & ".join(names), self._owners.fault(names))
        return person


class RowIsFaulty(Exception):
    """A row cannot be taken over."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.what)


def _fault(line: int, column: str, text: str, why: Unreadable) -> RowIsFaulty:
    return RowIsFaulty(Fault(line, column, text, why.code, why.what, why.remedy))


def _repeated(line: int, title: str, first: int) -> RowIsFaulty:
    where = "in this row" if first == line else f"on line {first}"
    what = f"This already stands {where}."
    return RowIsFaulty(
        Fault(
            line, "", title, "row_is_repeated", what, "Keep one of the two, or give each its own identifier."
        )
    )
