"""Decisions about people, services and their roles."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from aggregates.checks import act, check_present, moment_of
from aggregates.entry import Event, Occasion, Recorded, stream_of
from aggregates.person.commands import (
    AddPerson,
    EndLeave,
    GrantDelegation,
    GrantRole,
    PersonLeaves,
    PresenceCommand,
    RegisterService,
    RevokeDelegation,
    RevokeRole,
    StartLeave,
)
from aggregates.person.events import (
    DelegationGranted,
    DelegationRevoked,
    LeaveEnded,
    LeaveStarted,
    PersonJoined,
    PersonLeft,
    RoleGranted,
    RoleRevoked,
    ServiceRegistered,
)
from aggregates.person.state import Person, Presence, Service, presence_of
from aggregates.refusals import (
    DelegationIsGiven,
    DelegationIsNotGiven,
    IdentifierIsTaken,
    LastSteward,
    PersonIsAlreadyHere,
    PersonIsNotOnLeave,
    PersonIsOnLeave,
    PersonIsUnknown,
    PersonWasNotHere,
    RoleIsHeld,
    RoleIsNotHeld,
    ServiceIsUnknown,
)
from aggregates.timeline import Timeline
from aggregates.world import World

_AFTER_ALL = 2**62
"""A position after every position: where a fact that is being decided will stand."""


def check_presence(timeline: Timeline[Presence]) -> None:
    """Refuse a timeline of presence in which a fact contradicts the one before it.

    Raises:
        PersonIsAlreadyHere, PersonWasNotHere, PersonIsOnLeave, PersonIsNotOnLeave.
    """
    before: str | None = None
    for fact in timeline:
        told_by = fact.value.told_by
        if told_by == "joined" and before in ("here", "on_leave"):
            raise PersonIsAlreadyHere(field="/person")
        if told_by != "joined" and before in (None, "left"):
            raise PersonWasNotHere("This person was not here just before that.", field="/effective_at")
        if told_by == "leave_started" and before == "on_leave":
            raise PersonIsOnLeave(field="/effective_at")
        if told_by == "leave_ended" and before != "on_leave":
            raise PersonIsNotOnLeave(field="/effective_at")
        before = fact.value.word


def check_steward_stays(person: Person, timeline: Timeline[Presence], occasion: Occasion) -> None:
    """Refuse that a steward records their own departure, so that one steward always stays.

    Raises:
        LastSteward.
    """
    now = timeline.at(occasion.at)
    gone = now is None or now.word == "left"
    if gone and "steward" in person.roles and person.stream in (occasion.by, occasion.on_behalf_of):
        raise LastSteward("A steward's departure is recorded by another steward.", field="/person")


def add_person(world: World, command: AddPerson, occasion: Occasion) -> list[Recorded]:
    """Record that a person joined, or joined again.

    Raises:
        PersonIsAlreadyHere.
    """
    person = world.person(command.person) or Person(stream_of("person", command.person), 0)
    return _presence(person, command, PersonJoined(), occasion)


def person_leaves(world: World, command: PersonLeaves, occasion: Occasion) -> list[Recorded]:
    """Record that a person left; what they own stays theirs and is listed.

    Raises:
        PersonIsUnknown, PersonWasNotHere, LastSteward.
    """
    return _presence(_known(world, command.person), command, PersonLeft(), occasion)


def start_leave(world: World, command: StartLeave, occasion: Occasion) -> list[Recorded]:
    """Record that a person went on leave; somebody who is here acts as owner.

    Raises:
        PersonIsUnknown, PersonWasNotHere, PersonIsOnLeave.
    """
    person = _known(world, command.person)
    check_acting_owner(world, person, command.acting_owner, moment_of(command, occasion))
    event = LeaveStarted(acting_owner=command.acting_owner, expected_back_on=command.expected_back_on)
    return _presence(person, command, event, occasion)


def check_acting_owner(
    world: World, person: Person, acting_owner: UUID, moment: datetime, *, field: str = "/acting_owner"
) -> None:
    """Refuse an acting owner who is the person themselves, was not here at this moment, or was on leave.

    Raises:
        PersonIsOnLeave, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere.
    """
    if stream_of("person", acting_owner) == person.stream:
        raise PersonIsOnLeave("Somebody else acts as owner during a leave.", field=field)
    if check_present(world, acting_owner, moment, field=field).acting_owner(moment) is not None:
        raise PersonIsOnLeave(field=field)


def end_leave(world: World, command: EndLeave, occasion: Occasion) -> list[Recorded]:
    """Record that a person came back from leave.

    Raises:
        PersonIsUnknown, PersonWasNotHere, PersonIsNotOnLeave.
    """
    return _presence(_known(world, command.person), command, LeaveEnded(), occasion)


def register_service(world: World, command: RegisterService, _: Occasion) -> list[Recorded]:
    """Register a program.

    Raises:
        IdentifierIsTaken.
    """
    if world.service(command.service) is not None:
        raise IdentifierIsTaken("This service is already registered.", field="/service")
    return [act(command, stream_of("service", command.service), ServiceRegistered(name=command.name))]


def grant_role(world: World, command: GrantRole, _: Occasion) -> list[Recorded]:
    """Give a role to a person or a service.

    Raises:
        PersonIsUnknown, ServiceIsUnknown, RoleIsHeld.
    """
    if command.role in _actor(world, command.actor).roles:
        raise RoleIsHeld(field="/role")
    return [act(command, command.actor, RoleGranted(role=command.role))]


def revoke_role(world: World, command: RevokeRole, occasion: Occasion) -> list[Recorded]:
    """Take a role; nobody takes the role of steward from themselves, so that one steward always stays.

    Raises:
        PersonIsUnknown, ServiceIsUnknown, RoleIsNotHeld, LastSteward.
    """
    if command.role not in _actor(world, command.actor).roles:
        raise RoleIsNotHeld(field="/role")
    if command.role == "steward" and command.actor == occasion.by:
        raise LastSteward(
            "Another steward takes this role from you, so that one always stays.", field="/actor"
        )
    return [act(command, command.actor, RoleRevoked(role=command.role))]


def grant_delegation(world: World, command: GrantDelegation, occasion: Occasion) -> list[Recorded]:
    """Let a person or a service act on behalf of a person who is here.

    Raises:
        PersonIsUnknown, OwnerIsATeam, PersonWasNotHere, ServiceIsUnknown, DelegationIsGiven.
    """
    holder = _actor(world, command.actor)
    check_present(world, command.principal, occasion.at, field="/principal")
    if command.actor == stream_of("person", command.principal):
        raise DelegationIsGiven("Everybody acts for themselves.", field="/principal")
    if command.principal in holder.delegations:
        raise DelegationIsGiven(field="/principal")
    return [act(command, command.actor, DelegationGranted(principal=command.principal))]


def revoke_delegation(world: World, command: RevokeDelegation, _: Occasion) -> list[Recorded]:
    """Let a person or a service no longer act on somebody's behalf.

    Raises:
        PersonIsUnknown, ServiceIsUnknown, DelegationIsNotGiven.
    """
    if command.principal not in _actor(world, command.actor).delegations:
        raise DelegationIsNotGiven(field="/principal")
    return [act(command, command.actor, DelegationRevoked(principal=command.principal))]


def _presence(person: Person, command: PresenceCommand, event: Event, occasion: Occasion) -> list[Recorded]:
    timeline = person.presence
    if (presence := presence_of(event)) is not None:
        timeline = timeline.with_fact(moment_of(command, occasion), _AFTER_ALL, presence)
    check_presence(timeline)
    check_steward_stays(person, timeline, occasion)
    return [act(command, person.stream, event)]


def _known(world: World, identifier: UUID) -> Person:
    person = world.person(identifier)
    if person is None:
        raise PersonIsUnknown(field="/person")
    return person


def _actor(world: World, actor: str) -> Person | Service:
    kind, _, identifier = actor.partition(":")
    state = world.person(UUID(identifier)) if kind == "person" else world.service(UUID(identifier))
    if state is None:
        raise PersonIsUnknown(field="/actor") if kind == "person" else ServiceIsUnknown(field="/actor")
    return state
