"""Sifts the rows of a table: who owns what, what stands twice, and what lies in the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from aggregates.importing.compact import Numbers
from aggregates.importing.header import Header
from aggregates.importing.rows import Named, ObjectiveRow, RefusedRow, TableRow
from aggregates.snapshots.cells import Unreadable, quote
from aggregates.snapshots.page import Fault
from api.imports.asked import FIRST
from api.imports.owners import OwnersOf
from api.imports.teams import TeamsOf


class Sieve:
    """What was seen of one table so far. `repeats` says that rows repeat their objective; `given` is who owns
    objectives for which the source names nobody: a person, or the word for the owner of the first key result.
    """

    def __init__(
        self,
        owners: OwnersOf,
        today: date,
        header: Header,
        *,
        repeats: bool,
        given: str | None,
        person: UUID | None,
        teams: TeamsOf,
    ) -> None:
        self._owners, self._today, self._header, self._teams = owners, today, header, teams
        self._repeats, self._given, self._owner_given = repeats, given, person
        self._places = {quote(name): place for place, name in reversed(list(enumerate(header.names)))}
        self.objectives, self.key_results = Numbers(), Numbers()
        """The line on which each was first seen, by its key."""

    def refused(self, row: RefusedRow) -> list[Fault]:
        """Return everything that is wrong with a row: what its cells say, whom they name, and days to come."""
        found = list(row.faults)
        for column, names in row.owners:
            found += self._nobody(row.line, names, column)
        found += [self._to_come(row.line, column, day) for column, day in row.days if day > self._today]
        return self._in_order(found)

    def sifted(self, row: TableRow) -> tuple[TableRow, UUID | None, list[UUID]]:
        """Return the row without an objective that was told before, and the owners of what it says.

        Raises RowIsFaulty with everything that is wrong with it; nobody is added for such a row.
        """
        objective = row.objective
        found = self._faults(row)
        known = None if objective is None else self.objectives.known(objective.key)
        if (
            objective is not None
            and known not in (None, row.line)
            and not (self._repeats and row.key_results)
        ):
            column = self._header.name("objective_key") or self._header.name("objective")
            found.append(_repeated(row.line, column, objective.title, known or row.line))
        if found:
            raise RowIsFaulty(self._in_order(found))
        owners = [self._owner(one.line, one.owners, row.owners) for one in row.key_results]
        if objective is None:
            return row, None, owners
        owner = self._owner(row.line, objective.owners, row.owners) if objective.owners else None
        if self.objectives.first(objective.key, row.line) != row.line:
            return TableRow(row.line, None, row.key_results, row.left, row.owners), None, owners
        if objective.line != row.line:
            objective = replace(objective, line=row.line)
        if owner is None:
            owner, objective = self._unnamed(objective, owners)
        return TableRow(row.line, objective, row.key_results, row.left, row.owners), owner, owners

    def _faults(self, row: TableRow) -> list[Fault]:
        found: list[Fault] = []
        keys = {one.key for one in row.key_results}
        for one in row.key_results:
            first = self.key_results.first(one.key, one.line)
            if first != one.line or len(keys) < len(row.key_results):
                found.append(_repeated(one.line, self._telling(), one.title, first))
            found += self._nobody(one.line, one.owners, self._column(one.owners, row.owners))
            if one.on is not None and one.on > self._today:
                found.append(self._to_come(one.line, self._header.name("on"), one.on))
        if row.objective is not None and row.objective.owners:
            named = row.objective.owners
            found += self._nobody(row.line, named, self._column(named, row.owners))
        return found

    def _telling(self) -> str:
        """Return the column by which key results are told apart; empty where each has columns of its own."""
        name = self._header.name
        if "key_result" in self._header.columns:
            return name("key_result_key") or name("key_result")
        return "" if self._header.pairs else name("objective_key") or name("objective")

    def _nobody(self, line: int, names: tuple[str, ...], column: str) -> list[Fault]:
        why = self._owners.unknown(names)
        return [] if why is None else [_fault(line, column, " & ".join(names), why)]

    def _to_come(self, line: int, column: str, day: date) -> Fault:
        told = ("day_lies_in_the_future", f"{day} has not come yet.", "Correct the day in the source.")
        return Fault(line, column, str(day), *told)

    def _column(self, names: tuple[str, ...], owners: Named) -> str:
        """Return the column that names these owners."""
        return next((column for column, told in owners if told == names), self._header.name("owner"))

    def _in_order(self, faults: list[Fault]) -> list[Fault]:
        """Return faults in the order of the columns, each once."""
        return sorted(dict.fromkeys(faults), key=lambda fault: self._places.get(quote(fault.column), -1))

    def team(self, objective: ObjectiveRow) -> UUID | None:
        """Return the team of an objective, None where the source names none. Raises RowIsFaulty for that cell."""
        try:
            return self._teams.team(objective.team)
        except Unreadable as why:
            column = self._header.name("team")
            raise RowIsFaulty([_fault(objective.line, column, objective.team or "", why)]) from why

    def _unnamed(self, objective: ObjectiveRow, owners: list[UUID]) -> tuple[UUID | None, ObjectiveRow]:
        """Return who owns an objective for which the source names nobody: as was asked for, else nobody."""
        if self._given == FIRST and owners:
            doubt = "the source names no owner of an objective: the owner of its first key result"
            return owners[0], replace(objective, doubts=(*objective.doubts, doubt))
        if self._owner_given is not None:
            doubt = "the source names no owner of an objective: given with the import"
            return self._owner_given, replace(objective, doubts=(*objective.doubts, doubt))
        return None, objective

    def _owner(self, line: int, names: tuple[str, ...], owners: Named) -> UUID:
        person = self._owners.person(names)
        if person is None:  # somebody who could not be added under this name
            why = self._owners.fault(names)
            raise RowIsFaulty([_fault(line, self._column(names, owners), " & ".join(names), why)])
        return person


class RowIsFaulty(Exception):
    """A row cannot be taken over; `faults` is everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(faults[0].what)


def _fault(line: int, column: str, text: str, why: Unreadable) -> Fault:
    return Fault(line, column, text, why.code, why.what, why.remedy)


def _repeated(line: int, column: str, title: str, first: int) -> Fault:
    where = "in this row" if first == line else f"on line {first}"
    what = f"This already stands {where}."
    return Fault(
        line, column, title, "row_is_repeated", what, "Keep one of the two, or give each its own identifier."
    )
