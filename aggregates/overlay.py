"""A world with what a decision is about to record laid over it, so that several changes fit in one append."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from aggregates.cycle.state import Cycle
from aggregates.decision.state import Decision
from aggregates.entry import Circumstances, Entry, Occasion, Recorded, stream_of
from aggregates.evolve import evolve
from aggregates.objective.state import Objective
from aggregates.organisation.state import Organisation
from aggregates.person.state import Person, Service
from aggregates.sight import whole
from aggregates.team.state import Team
from aggregates.world import World, state_of

_FIRST = 2**61
_NO_REQUEST = UUID(int=0)


class Overlay:
    """A world in which the events of this append have already happened, at positions after every position."""

    def __init__(self, world: World, occasion: Occasion) -> None:
        self._world = world
        self._occasion = occasion
        self._states: dict[str, Any] = {}
        self._below: dict[str, Any] = {}
        """The states of the world itself, as far as they were asked for: it does not change under an overlay."""
        self._taken = 0

    def unveiled(self) -> Overlay:
        """Return the same events laid over the whole world."""
        behind = Overlay(whole(self._world), self._occasion)
        behind._states, behind._taken = self._states, self._taken
        return behind

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Let these events have happened."""
        for record in recorded:
            before = self._state(record.stream)
            self._taken += 1
            circumstances = Circumstances(
                by=self._occasion.by,
                request=_NO_REQUEST,
                effective_at=record.effective_at,
                reason=record.reason,
                decision=record.decision,
                supersedes=record.supersedes,
            )
            version = 1 if before is None else before.version + 1
            position, at = self._place(self._taken)
            entry = Entry(position, at, record.stream, version, circumstances, record.event)
            self._states[record.stream] = after = evolve(before, entry)
            self._laid(entry, before, after)

    def _place(self, number: int) -> tuple[int, datetime]:
        """Return position and time of the event of this number, counted from 1."""
        return _FIRST + number, self._occasion.at

    def _laid(self, entry: Entry, before: Any, after: Any) -> None:
        """Take note of what an event made of the state of its stream."""

    def _state(self, stream: str) -> Any:
        if stream in self._states:
            return self._states[stream]
        if stream not in self._below:
            self._below[stream] = state_of(self._world, stream)
        return self._below[stream]

    def organisation(self) -> Organisation:
        """Return the organisation."""
        found: Organisation = self._state("organisation")
        return found

    def person(self, person: UUID) -> Person | None:
        """Return a person."""
        found: Person | None = self._state(stream_of("person", person))
        return found

    def service(self, service: UUID) -> Service | None:
        """Return a service."""
        found: Service | None = self._state(stream_of("service", service))
        return found

    def team(self, team: UUID) -> Team | None:
        """Return a team."""
        found: Team | None = self._state(stream_of("team", team))
        return found

    def cycle(self, key: str) -> Cycle | None:
        """Return a cycle."""
        found: Cycle | None = self._state(stream_of("cycle", key))
        return found

    def objective(self, objective: UUID) -> Objective | None:
        """Return an objective."""
        found: Objective | None = self._state(stream_of("objective", objective))
        return found

    def decision(self, decision: UUID) -> Decision | None:
        """Return a decision."""
        found: Decision | None = self._state(stream_of("decision", decision))
        return found

    def entry(self, position: int) -> Entry | None:
        """Return an entry that stands in the ledger."""
        return self._world.entry(position)

    def superseded_by(self, position: int) -> int | None:
        """Return the position of the entry that supersedes this one."""
        return self._world.superseded_by(position)

    def teams_of(self, person: UUID) -> Collection[UUID]:
        """Return every team that a person was ever added to."""
        return self._world.teams_of(person)

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives whose visibility was ever set, in the ledger or just now."""
        laid = {one for one in objectives if stream_of("objective", one) in self._states}
        return {*self._world.restricted(objectives), *laid}
