"""A place in the record: one reading at one basis, and what every answer needs of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection

from aggregates.near import HOW_ITEMS_ARE_NAMED, near, near_is, reference_of
from aggregates.refusals import BasisIsUnknown, CycleIsUnknown, KeyResultIsUnknown, ObjectiveIsUnknown
from aggregates.values import instant_text
from ledger.store import Ledger
from projections import base, board, commitments, decisions, drift, lookups
from projections.base import Generation
from replay.basis import Basis
from replay.engine import Reading
from replay.pieces import Book, Told
from replay.policies import Adopted
from replay.presenting import versions_named
from replay.sight import EVERYTHING, Sight
from replay.stretch import Stretch
from replay.veiling import parted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A reading at a basis: where the queries run, up to where they look, and what the reader does not see.

    `stretch` keeps what answers about the present share; None at any other basis. `names` is the version of names and
    erasures under which texts that were opened are good.
    """

    ledger: Ledger
    reading: Reading
    basis: Basis
    policy: Adopted
    until: base.Until
    sight: Sight = EVERYTHING
    stretch: Stretch | None = None
    names: int = 0

    def states(self, cycle: str) -> dict[str, Any]:
        """Return the states of a cycle with everybody's. Raises CycleIsUnknown."""
        if self.stretch is None:
            return self._states(cycle)
        connection, generation, position = self._at()

        def some(objectives: Sequence[str]) -> list[dict[str, Any]]:
            roots = self._trifle(
                ("root", *objectives), lambda: lookups.roots(connection, generation, objectives)
            )
            return lookups.states_of_roots(connection, generation, roots, position)

        return self.stretch.states(cycle, position, lambda: self._states(cycle), some)

    def _states(self, cycle: str) -> dict[str, Any]:
        connection, generation, position = self._at()
        if self.until is base.ALWAYS:
            found = board.states_at_position(connection, generation, cycle, position)
        else:
            found = board.states_at(
                connection, generation, cycle, position, self.basis.effective_on, self.ledger.zone
            )
        if found is None:
            raise self._no_cycle(cycle)
        return found

    def shown_states(self, cycle: str) -> tuple[dict[str, Any], list[str]]:
        """Return the states of a cycle without objectives that are hidden, and which these are."""
        states = self.states(cycle)
        hidden = [one["id"] for one in states["objectives"] if one["id"] in self.sight.hidden]
        if not hidden:
            return states, hidden
        shown = [one for one in states["objectives"] if one["id"] not in self.sight.hidden]
        return {**states, "objectives": shown}, hidden

    def shown_lines(self, **which: str) -> tuple[list[dict[str, Any]], set[str]]:
        """Return lines of objectives that are not hidden, and which objectives with such lines are."""
        lines = self.lines(**which)
        hidden = {row["objective"] for row in lines} & self.sight.hidden
        return parted(lines, lambda row: row["objective"] in hidden)[0], hidden

    def states_of(self, objectives: list[str]) -> dict[str, Any]:
        """Return the states of these objectives with everybody's, without a cycle."""
        connection, generation, position = self._at()
        people, teams = board.people_and_teams(connection, generation, position, self.until)
        found = lookups.states_of_objectives(connection, generation, objectives, position, self.until)
        cycle = self.cycle_state(found[0]["facets"]["cycle"]["value"]) if found else None
        return {"cycle": cycle, "objectives": found, "people": people, "teams": teams}

    def book(self, kind: str, cycle: str) -> Book:
        """Return the rows of a cycle's answer that are kept for this day and this policy; empty where none are."""
        if self.stretch is None:
            return Book()
        return self.stretch.book(kind, cycle, self.policy.version, self.basis.effective_on)

    def told(self, item: str) -> Told:
        """Return what is kept of the history of an item; nothing where nothing is."""
        return Told() if self.stretch is None else self.stretch.told(*self._told_key(item))

    def weigh(self, told: Told, item: str) -> None:
        """Count what is kept of the history of an item, once it was brought up."""
        if self.stretch is not None:
            self.stretch.weigh(told, *self._told_key(item))

    def _told_key(self, item: str) -> tuple[Hashable, ...]:
        return item, self.names, self.basis.effective_on

    def _kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what check-ins do not change, read once for a stretch."""
        return make() if self.stretch is None else self.stretch.get(key, make)

    def _trifle(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return something small that never changes, read once for a stretch."""
        return make() if self.stretch is None else self.stretch.trifle(key, make)

    def cycle_state(self, key: str) -> dict[str, Any] | None:
        """Return a cycle as it stood; None where there was none."""
        connection, generation, position = self._at()
        return board.cycle_at(connection, generation, key, position, self.until)

    def cycle(self, key: str) -> dict[str, Any]:
        """Return a cycle as it stood. Raises CycleIsUnknown."""
        found = self.cycle_state(key)
        if found is None:
            raise self._no_cycle(key)
        return found

    def _no_cycle(self, key: str) -> CycleIsUnknown:
        """Return the refusal of a key that names no cycle, with those that are spelled nearly so."""
        known = self.cycle_ends()
        told = near_is(near(key, sorted(known)))
        if (reference := reference_of(key)) is not None:
            named = reference == key.upper()
            told = (
                "it names an item, and a cycle is needed"
                if named
                else told or f"an item is written {reference}"
            )
        if not told and known:
            told = f"there {'is' if len(known) == 1 else 'are'} {', '.join(sorted(known, key=known.__getitem__)[-3:])}"
        hint = f"; {told}" if told else ""
        return CycleIsUnknown(f"There is no cycle {key} at this basis{hint}.", field="/path/cycle")

    def cycle_ends(self) -> dict[str, str]:
        """Return the last day of every cycle, by key."""
        known = self._kept("cycles", lambda: board.cycles(*self._at()))
        return {cycle["key"]: cycle["ends_on"] for cycle in known}

    def lines(
        self,
        *,
        cycle: str | None = None,
        objective: str | None = None,
        moved_from: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the lines of a cycle, of an objective, of what has left a cycle, or all."""

        def read() -> list[dict[str, Any]]:
            return commitments.commitments(
                *self._at(), self.until, cycle=cycle, objective=objective, moved_from=moved_from
            )

        if cycle is None and moved_from is None:
            return read()
        return self._kept(("lines", cycle, objective, moved_from), read)

    def lines_of(self, objectives: list[str]) -> list[dict[str, Any]]:
        """Return the lines of these objectives."""
        return commitments.commitments(*self._at(), self.until, objectives=objectives)

    def changes(self, objectives: list[str]) -> list[dict[str, Any]]:
        """Return what changed of these objectives after their lines, superseded or not.

        What changed of a single one is read each time: kept, it would take the room of what whole cycles share.
        """

        def read() -> list[dict[str, Any]]:
            return drift.changes(*self._at(), self.until, objectives=objectives, superseded=True)

        return read() if len(objectives) == 1 else self._kept(("changes", tuple(objectives)), read)

    def decided(self, objectives: list[str] | None = None) -> list[dict[str, Any]]:
        """Return the decisions that touch these objectives, or all."""

        def read() -> list[dict[str, Any]]:
            return decisions.decisions(*self._at(), self.until, objectives=objectives)

        return read() if objectives is not None else self._kept("decisions", read)

    def scope(self, cycle: str | None, item: str | None) -> list[str] | None:
        """Return the objectives of a cycle or the objective of an item; None for no restriction."""
        if item is not None:
            return [self.item(item).objective]
        if cycle is None:
            return None
        held = {one["id"] for one in self.states(cycle)["objectives"]}
        return sorted(held | {row["objective"] for row in self.lines(cycle=cycle)})

    def item(self, text: str) -> lookups.Found:
        """Return the item of a reference or identifier. Raises ObjectiveIsUnknown, KeyResultIsUnknown."""
        try:
            wanted = str(UUID(text)) if len(text) == 36 else reference_of(text) or ""
        except ValueError:
            wanted = ""
        connection, generation, position = self._at()
        found = None
        if wanted:
            found = self._trifle(
                ("item", wanted), lambda: lookups.find_item(connection, generation, wanted, position)
            )
        if found is None or found.objective in self.sight.hidden:
            how = "" if wanted else f"; {HOW_ITEMS_ARE_NAMED}"
            if wanted.startswith("KR-"):
                raise KeyResultIsUnknown(
                    f"There is no key result {wanted} at this basis.", field="/path/key_result"
                )
            raise ObjectiveIsUnknown(
                f"There is no objective {wanted or text[:60]} at this basis{how}.", field="/path/objective"
            )
        return found

    def references(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        """Return the reference of every item that the rows name."""
        items: set[str] = set()
        for row in rows:
            for name in ("objective", "key_result"):
                if row.get(name):
                    items.add(row[name])
            value = row.get("value") or {}
            if isinstance(value, dict):
                items.update(one for one in (value.get("successor"), value.get("parent")) if one)
        wanted = tuple(sorted(items))
        return self._trifle(
            ("references", wanted),
            lambda: lookups.references(self.reading.connection, self.reading.generation, wanted),
        )

    def versions(self, rows: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        """Return what the source's versions in these rows were called by those who wrote them."""
        return versions_named(rows, self.ledger.directory)

    def created_at(self) -> str:
        """Return when the ledger was created. Raises BasisIsUnknown where it is empty."""

        def read() -> str:
            first = self.ledger.entry(1)
            if first is None:
                raise BasisIsUnknown("This ledger holds no entry yet, so there is nothing to read.")
            return instant_text(first.recorded_at)

        return self._kept("created", read)

    def _at(self) -> tuple[Connection[Any], Generation, int]:
        return self.reading.connection, self.reading.generation, self.basis.position
