"""The questions that every door asks, and the one reader that answers them completely at any basis."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import orjson
from psycopg import errors

from aggregates.refusals import DecisionIsUnknown, ObjectiveIsUnknown
from aggregates.values import day_of
from ledger.directory import Directory
from ledger.errors import Unavailable
from ledger.store import Ledger
from projections import base, board, lookups
from projections.base import Generation
from projections.bookmarks import Standing
from replay.answering import body_of
from replay.answers import KEPT_ROWS, Answer, rests_on_of
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    PolicyOf,
    Question,
    TeamsList,
)
from replay.bare import bare
from replay.basis import Basis, resolve
from replay.engine import Engine, Reading
from replay.pieces import Book, Told
from replay.place import Place
from replay.policies import Adopted, Policies
from replay.presenting import NAMES_SECONDS, LatelyNamed, described, identifiers_in
from replay.sight import EVERYTHING, Sight, Sights
from replay.stretch import LatestPage, Stretch, Stretches
from replay.veiling import masked

__all__ = [
    "Answer", "BoardOf", "CommitmentsOf", "CyclesList", "DecisionsOf", "DriftOf", "FindingsOf", "HistoryOf",
    "PeopleList", "PolicyOf", "ProjectionIsBehind", "Question", "Reader", "TeamsList",
]  # fmt: skip

PATIENCE = 2.0
"""Seconds that a reading waits for a position that the projections have not reached."""
FOUND_KEPT = 50_000
"""So many items are known by their references without asking the database."""


class ProjectionIsBehind(Unavailable):
    """The projections have not reached this position yet; ask again in a moment."""

    kind: ClassVar[str] = "unavailable"


class Reader:
    """Answers questions about one ledger, as far as somebody sees it; the house itself sees everything."""

    def __init__(self, ledger: Ledger, engine: Engine, *, keeps: bool = False) -> None:
        """Make a reader; one that `keeps` reads for the next answer only what changed since the last one."""
        self._ledger = ledger
        self._engine = engine
        self._pages = LatestPage(ledger)
        self._stretches = Stretches(self._pages) if keeps else None
        self._directory: Directory | LatelyNamed = (
            LatelyNamed(ledger.directory) if keeps else ledger.directory
        )
        self.sights = Sights(ledger, self._pages)
        self.sight = EVERYTHING
        self.told: Callable[[Answer], None] | None = None
        """Who is told of every answer, such as whoever notes what an office alone lets see."""
        self._found: dict[str, lookups.Found] = {}

    def seen_by(self, sight: Sight) -> Reader:
        """Return a reader of the same ledger whose answers hold what this sight does, unless told otherwise."""
        reader = copy(self)
        reader.sight = sight
        return reader

    def standing(self) -> Standing:
        """Return what is read now, how far it is and where the ledger ends. Raises LedgerIsEmpty."""
        found = self._engine.standing()
        if found is not None:
            return found
        with self._engine.reading() as reading:  # the generation was dropped just now
            positions = {name: mark.position for name, mark in reading.bookmarks.items()}
            generation = reading.generation
        head = self._ledger.head()
        return Standing(generation, positions, head.position, head.now)

    def ask(
        self,
        question: Question,
        *,
        as_of: str | None = None,
        effective_at: str | None = None,
        min_position: int | None = None,
        reader: Sight | None = None,
        at_most: int | None = None,
    ) -> Answer:
        """Return the answer at the basis that `as_of` and `effective_at` name, as the reader may see it.

        What is hidden from the reader is taken out before anything is derived, and counted as `private`. With
        `min_position` the answer has seen that position. It stands no later than at `at_most`, the end at which the
        reader's sight was taken: that sight hides nothing of what was hidden since. Raises BasisIsUnknown,
        CycleIsUnknown, ObjectiveIsUnknown, KeyResultIsUnknown, and ProjectionIsBehind after two seconds of waiting.
        """
        reader = self.sight if reader is None else reader
        wanted = min_position or 0
        if as_of is not None:
            wanted = max(wanted, resolve(self._ledger, as_of=as_of, effective_at=effective_at).position)
        self._wait(wanted)
        with self._engine.reading() as reading:
            present = reading.position_of(*question.stands_on)
            present = present if at_most is None else min(present, at_most)
            is_present = as_of is None and effective_at is None
            stretch = self._stretch(reading, present) if is_present else None
            policies = self._policies(stretch)
            basis = resolve(
                self._ledger, as_of=as_of, effective_at=effective_at, present=present, policies=policies
            )
            if max(basis.position, wanted) > present:
                raise ProjectionIsBehind(_behind(reading, question, max(basis.position, wanted)))
            return self._answered(
                question, reading, basis, policies, self._until(basis, effective_at), reader, stretch
            )

    def from_kept(
        self, question: Question, generation: Generation, position: int, *, today: date, reader: Sight
    ) -> Answer | None:
        """Return the answer about the present from what is kept and what changed since; None where it must be asked.

        The caller saw the projections at this position or further, and the organisation's day. It takes no snapshot:
        what the projections say of a position stays, whatever they take in later, until the generation is dropped.
        """
        if self._stretches is None or self._ledger.identifier is None or self._engine.was_held:
            return None  # a snapshot waits for a table that is held no longer than it should
        stretch = self._stretches.at(generation.number, position)
        if stretch is None or stretch.since == position:
            return None
        self._name_anew()  # whoever asked may have waited since the look
        try:
            with self._engine.connection() as connection:
                reading = Reading(connection, generation, position, {})
                policies = self._policies(stretch)
                version = policies.ruling(position, today, self._ledger.zone).version
                basis = Basis(self._ledger.identifier, position, today, version)
                return self._answered(question, reading, basis, policies, base.ALWAYS, reader, stretch)
        except errors.UndefinedTable:
            return None

    def _answered(
        self,
        question: Question,
        reading: Reading,
        basis: Basis,
        policies: Policies,
        until: base.Until,
        sight: Sight,
        stretch: Stretch | None,
    ) -> Answer:
        names = self.names_version  # before anything is opened
        policy = self._ruling(question, basis, reading, policies)
        basis = replace(basis, policy_version=policy.version)
        place = Place(self._ledger, reading, basis, policy, until, sight, stretch, names)
        body = {"basis": basis.as_dict(), **body_of(question, place)}
        answer = self._shown(question, body, place)
        if self.told is not None:
            self.told(answer)
        return answer

    def _shown(self, question: Question, body: dict[str, Any], place: Place) -> Answer:
        """Return an answer without what is hidden, with the names of those whom it speaks of."""
        rests_on = None if place.stretch is None else rests_on_of(question, body)
        book = None if place.stretch is None else _book_of(question, body, place)
        if book is None:
            named = frozenset(identifiers_in(orjson.dumps(body)))
            if not named.isdisjoint(place.sight.names):
                body = masked(body, place.sight)
                named = frozenset(identifiers_in(orjson.dumps(body)))
            body = described(body, self._directory, named)
            return Answer(place.basis, body, named, rests_on=rests_on)
        member, name = KEPT_ROWS[type(question)]
        pieces = [book.piece(row[name], row) for row in body[member]]
        if isinstance(book, Told):
            place.weigh(book, body["item"])
        rest = {**body, member: ()}
        own = identifiers_in(orjson.dumps(rest))
        if not own.isdisjoint(place.sight.names):
            rest = masked(rest, place.sight)
            own = identifiers_in(orjson.dumps(rest))
        if place.sight.names:
            pieces = [book.shown(piece, place.sight) for piece in pieces]
        body = {**rest, member: [piece.row for piece in pieces]}
        named = frozenset(own).union(*(piece.named for piece in pieces))
        body = described(body, self._directory, named)
        return Answer(place.basis, body, named, tuple(piece.content for piece in pieces), rests_on, member)

    def follow(self, position: int) -> None:
        """Look at what was recorded up to a position, so that rights and `is_as_it_was` know it."""
        self.sights.follow(position)
        if self._stretches is not None:
            self._stretches.trail.follow(position)
            self._name_anew()

    def follows(self, position: int) -> bool:
        """Return whether `follow` would read nothing; never waits."""
        if not self.sights.reaches(position):
            return False
        if self._stretches is None:
            return True
        trail, directory = self._stretches.trail, self._directory
        return trail.reaches(position) and (
            not isinstance(directory, LatelyNamed) or directory.is_fresh(trail.turn)
        )

    @property
    def names_version(self) -> int:
        """The version of the names: answers given under the same one name everybody as they would now."""
        directory = self._directory
        return (
            directory.version if isinstance(directory, LatelyNamed) else int(time.monotonic() / NAMES_SECONDS)
        )

    def forget(self) -> None:
        """Keep nothing of what was read: the ledger is of another past."""
        self._pages.forget()
        if self._stretches is not None:
            self._stretches.forget()

    def is_as_it_was(self, rests_on: frozenset[str] | None, after: int, until: int) -> bool:
        """Return whether nothing that was recorded after one position up to another changes such an answer."""
        if rests_on is None or self._stretches is None:
            return False
        touched = self._stretches.trail.touched(after, until)
        return touched is not None and touched.isdisjoint(rests_on)

    def find(self, item: str, *, reader: Sight | None = None) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself of a reference or identifier, as known now; None for none."""
        found = self._found.get(item)
        if found is None:
            with self._engine.reading() as reading:
                present = reading.position_of("facts")
                found = lookups.find_item(reading.connection, reading.generation, item, present)
            if found is not None:  # a reference is never given to anything else
                if len(self._found) >= FOUND_KEPT:
                    self._found.clear()
                self._found[item] = found
        if found is None or found.objective in (reader or self.sight).hidden:
            return None
        return UUID(found.objective), UUID(found.id)

    def bare(self, stream: str, *, reader: Sight | None = None) -> dict[str, Any]:
        """Return the bare aggregate of `kind:identifier` with its stream version, without derived figures."""
        reader = self.sight if reader is None else reader
        kind, _, name = stream.partition(":")
        if kind == "objective":
            found = self.find(name.upper() if "-" in name and len(name) < 20 else name.lower(), reader=reader)
            if found is None:
                raise ObjectiveIsUnknown(f"There is no objective {name}.", field="/path/objective")
            name = str(found[0])
        if kind == "decision" and name.lower() in reader.decisions:
            raise DecisionIsUnknown(f"There is no decision {name[:60]}.", field="/path/decision")
        body = bare(self._ledger.world(), kind, name)
        if not reader.names.isdisjoint(identifiers_in(orjson.dumps(body))):
            body = masked(body, reader)
        return described(body, self._directory)

    # -- what the readings share

    def _wait(self, position: int) -> None:
        if position:
            self._engine.wait_for(min(position, self._ledger.head().position), PATIENCE)

    def _stretch(self, reading: Reading, position: int) -> Stretch | None:
        if self._stretches is None:
            return None
        found = self._stretches.at(reading.generation.number, position)
        self._name_anew()
        return found

    def _name_anew(self) -> None:
        """Read the names again where they are due or where somebody may have come since."""
        if isinstance(self._directory, LatelyNamed) and self._stretches is not None:
            self._directory.refresh(self._stretches.trail.turn)

    def _policies(self, stretch: Stretch | None) -> Policies:
        def read() -> Policies:
            return Policies.of(self._ledger.read_stream("organisation"))

        return read() if stretch is None else stretch.get("policies", read)

    def _ruling(self, question: Question, basis: Basis, reading: Reading, policies: Policies) -> Adopted:
        """Return the policy that rules an answer; one adopted after a cycle's last day does not reach the cycle."""
        key = getattr(question, "cycle", None)
        if len(policies.adopted) > 1:
            if isinstance(question, DriftOf) and question.item is not None:
                key = self._cycle_of(question.item, basis.position, reading)
            cycle = key and board.cycle_at(reading.connection, reading.generation, key, basis.position)
            if cycle:
                day = min(basis.effective_on, date.fromisoformat(cycle["ends_on"]))
                return policies.ruling(basis.position, day, self._ledger.zone)
        return policies.version(basis.policy_version)

    def _cycle_of(self, item: str, position: int, reading: Reading) -> str | None:
        """Return the key of the cycle that an item stood in at a position; None for an unknown item."""
        connection, generation = reading.connection, reading.generation
        found = lookups.find_item(connection, generation, item.upper() if len(item) != 36 else item, position)
        if found is None:
            return None
        objectives = lookups.states_of_objectives(
            connection, generation, [found.objective], position, base.ALWAYS
        )
        return str(objectives[0]["facets"]["cycle"]["value"]) if objectives else None

    def _until(self, basis: Basis, effective_at: str | None) -> base.Until:
        """Return the bound of the effective day; none where the day is not before that of the position.

        No fact is ever effective after it was recorded, so the bound only matters for an earlier day.
        """
        if effective_at is None:
            return base.ALWAYS
        entry = self._ledger.entry(basis.position)
        if entry is None or basis.effective_on >= day_of(entry.recorded_at, self._ledger.zone):
            return base.ALWAYS
        return base.until(basis.effective_on, self._ledger.zone)


def _book_of(question: Question, body: dict[str, Any], place: Place) -> Book | None:
    """Return the book in which the rows of an answer are kept; None where they are not."""
    if isinstance(question, HistoryOf):
        return place.told(body["item"])
    cycle: str | None = getattr(question, "cycle", None)
    return None if cycle is None or type(question) not in KEPT_ROWS else place.book(question.name, cycle)


def _behind(reading: Reading, question: Question, wanted: int) -> str:
    present = reading.position_of(*question.stands_on)
    told = f"The {question.name} is answered up to position {present}, not yet up to {wanted}"
    stopped = [
        mark for name in question.stands_on if (mark := reading.bookmarks[name]).stopped_at is not None
    ]
    if stopped:
        where = ", ".join(f"{mark.projection} at entry {mark.stopped_at}" for mark in stopped)
        return f"{told}: {where} stopped; it goes on after an upgrade and a rebuild."
    return f"{told}; ask again in a moment."
