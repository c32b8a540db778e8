"""What a decision may look at: the states of the streams that it names, and single entries.

A world remembers which streams were looked at; the append checks their versions after it holds the lock, so
that whatever a decision read is still so when its events are recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from aggregates.entry import Entry

if TYPE_CHECKING:
    from aggregates.cycle.state import Cycle
    from aggregates.decision.state import Decision
    from aggregates.objective.state import Objective
    from aggregates.organisation.state import Organisation
    from aggregates.person.state import Person, Service
    from aggregates.team.state import Team


class World(Protocol):
    """The present state of every stream, by identifier; None where a stream has no entry."""

    def organisation(self) -> Organisation: ...

    def person(self, person: UUID) -> Person | None: ...

    def service(self, service: UUID) -> Service | None: ...

    def team(self, team: UUID) -> Team | None: ...

    def cycle(self, key: str) -> Cycle | None: ...

    def objective(self, objective: UUID) -> Objective | None: ...

    def decision(self, decision: UUID) -> Decision | None: ...

    def entry(self, position: int) -> Entry | None: ...

    def superseded_by(self, position: int) -> int | None:
        """Return the position of the entry that supersedes this one, or None."""
        ...

    def teams_of(self, person: UUID) -> Collection[UUID]:
        """Return every team that a person was ever added to."""
        ...

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives whose visibility was ever set."""
        ...


@lru_cache(maxsize=10_000)
def _uuid(text: str) -> UUID:
    return UUID(text)


def state_of(world: World, stream: str) -> Any:
    """Return the state of a stream by its name, or None where it has no entry."""
    by_stream = getattr(world, "state", None)
    if by_stream is not None:
        return by_stream(stream)
    kind, _, identifier = stream.partition(":")
    match kind:
        case "organisation":
            return world.organisation()
        case "cycle":
            return world.cycle(identifier)
        case "person":
            return world.person(_uuid(identifier))
        case "service":
            return world.service(_uuid(identifier))
        case "team":
            return world.team(_uuid(identifier))
        case "objective":
            return world.objective(_uuid(identifier))
        case "decision":
            return world.decision(_uuid(identifier))
    return None
