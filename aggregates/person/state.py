"""People and services as the rules see them: presence and roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, TypeVar
from uuid import UUID

from aggregates.entry import Entry, Event
from aggregates.finding.events import FindingAnswered
from aggregates.objective.events import EntryRetracted
from aggregates.organisation.state import UnknownEvent
from aggregates.person.events import (
    DelegationGranted,
    DelegationRevoked,
    LeaveEnded,
    LeaveStarted,
    PersonJoined,
    PersonLeft,
    Role,
    RoleGranted,
    RoleRevoked,
    ServiceRegistered,
)
from aggregates.timeline import EMPTY, Timeline

S = TypeVar("S", "Person", "Service")


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a person was here, and what told so."""

    word: Literal["here", "left", "on_leave"]
    told_by: Literal["joined", "left", "leave_started", "leave_ended"]
    acting_owner: UUID | None = None
    expected_back_on: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person: when they were here, the roles that they hold now, on whose behalf they may act."""

    stream: str
    version: int
    presence: Timeline[Presence] = EMPTY
    roles: frozenset[Role] = frozenset()
    delegations: frozenset[UUID] = frozenset()

    def was_here(self, moment: datetime) -> bool:
        """Return whether the person was with the organisation at this moment, on leave or not."""
        presence = self.presence.at(moment)
        return presence is not None and presence.word != "left"

    def acting_owner(self, moment: datetime) -> UUID | None:
        """Return who acts for this person at this moment, if they are on leave."""
        presence = self.presence.at(moment)
        return presence.acting_owner if presence is not None else None


@dataclass(frozen=True, slots=True)
class Service:
    """A program that may act on the ledger, the roles that it holds now, on whose behalf it may act."""

    stream: str
    version: int
    name: str
    roles: frozenset[Role] = frozenset()
    delegations: frozenset[UUID] = frozenset()


def presence_of(event: Event) -> Presence | None:
    """Return what an event says about presence, or None when it says nothing."""
    match event:
        case PersonJoined():
            return Presence("here", "joined")
        case PersonLeft():
            return Presence("left", "left")
        case LeaveStarted():
            return Presence("on_leave", "leave_started", event.acting_owner, event.expected_back_on)
        case LeaveEnded():
            return Presence("here", "leave_ended")
    return None


def evolve(state: Person | None, entry: Entry) -> Person:
    """Return the person after this entry."""
    event = entry.event
    if state is None:
        state = Person(entry.stream, 0)
    presence = presence_of(event)
    if presence is not None or isinstance(event, EntryRetracted):
        timeline = state.presence.without(entry.circumstances.supersedes)
        if presence is not None:
            timeline = timeline.with_fact(entry.effective_at, entry.position, presence)
        return replace(state, version=entry.version, presence=timeline)
    return _with_role(state, entry)


def evolve_service(state: Service | None, entry: Entry) -> Service:
    """Return the service after this entry."""
    if state is None:
        if not isinstance(entry.event, ServiceRegistered):
            raise UnknownEvent(f"A service does not begin with {entry.event.stored_name}.")
        return Service(entry.stream, entry.version, entry.event.name)
    return _with_role(state, entry)


def _with_role(state: S, entry: Entry) -> S:
    match entry.event:
        case RoleGranted(role=role):
            return replace(state, version=entry.version, roles=state.roles | {role})
        case RoleRevoked(role=role):
            return replace(state, version=entry.version, roles=state.roles - {role})
        case DelegationGranted(principal=person):
            return replace(state, version=entry.version, delegations=state.delegations | {person})
        case DelegationRevoked(principal=person):
            return replace(state, version=entry.version, delegations=state.delegations - {person})
        case FindingAnswered():
            return replace(state, version=entry.version)
    raise UnknownEvent(f"{entry.stream} has no event {entry.event.stored_name}.")
