"""A team as the rules see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from aggregates.entry import Entry
from aggregates.finding.events import FindingAnswered
from aggregates.organisation.state import UnknownEvent
from aggregates.team.events import (
    MemberAdded,
    MemberRemoved,
    TeamClosed,
    TeamFormed,
    TeamMoved,
    TeamRenamed,
)
from aggregates.timeline import EMPTY, Timeline


@dataclass(frozen=True, slots=True)
class Team:
    """A team: its name, the team that it lies within, whether it still exists, and its members now."""

    stream: str
    version: int
    name: Timeline[str] = EMPTY
    parent: Timeline[UUID | None] = EMPTY
    standing: Timeline[Literal["formed", "closed"]] = EMPTY
    members: frozenset[UUID] = frozenset()

    @property
    def is_closed(self) -> bool:
        """Return whether the team no longer exists."""
        return self.standing.now == "closed"


def evolve(state: Team | None, entry: Entry) -> Team:
    """Return the team after this entry."""
    at, position = entry.effective_at, entry.position
    if state is None:
        if not isinstance(entry.event, TeamFormed):
            raise UnknownEvent(f"A team does not begin with {entry.event.stored_name}.")
        state = Team(entry.stream, 0)
    match entry.event:
        case TeamFormed(name=name, parent=parent):
            return Team(
                entry.stream,
                entry.version,
                state.name.with_fact(at, position, name),
                state.parent.with_fact(at, position, parent),
                state.standing.with_fact(at, position, "formed"),
            )
        case TeamRenamed(name=name):
            return replace(state, version=entry.version, name=state.name.with_fact(at, position, name))
        case TeamMoved(parent=parent):
            return replace(state, version=entry.version, parent=state.parent.with_fact(at, position, parent))
        case TeamClosed():
            standing = state.standing.with_fact(at, position, "closed")
            return replace(state, version=entry.version, standing=standing)
        case MemberAdded(person=person):
            return replace(state, version=entry.version, members=state.members | {person})
        case MemberRemoved(person=person):
            return replace(state, version=entry.version, members=state.members - {person})
        case FindingAnswered():
            return replace(state, version=entry.version)
    raise UnknownEvent(f"A team has no event {entry.event.stored_name}.")
