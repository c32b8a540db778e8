"""What can be asked about people and services."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from aggregates.command import Actor, Command, Day
from aggregates.person.events import Role
from aggregates.values import Line


class PresenceCommand(Command):
    """A command about who was here; such facts may be back-dated."""

    back_dates: ClassVar[bool] = True
    person: UUID


class AddPerson(PresenceCommand):
    """Record that a person joined; names and addresses go to the directory."""

    command: Literal["add_person"] = "add_person"


class PersonLeaves(PresenceCommand):
    """Record that a person left the organisation."""

    command: Literal["person_leaves"] = "person_leaves"


class StartLeave(PresenceCommand):
    """Record that a person went on leave, and who acts as owner meanwhile."""

    command: Literal["start_leave"] = "start_leave"
    acting_owner: UUID
    expected_back_on: Day | None = None


class EndLeave(PresenceCommand):
    """Record that a person came back from leave."""

    command: Literal["end_leave"] = "end_leave"


class RegisterService(Command):
    """Register a program that may act on the ledger."""

    command: Literal["register_service"] = "register_service"
    service: UUID
    name: Line


class GrantRole(Command):
    """Give a role to a person or a service."""

    command: Literal["grant_role"] = "grant_role"
    actor: Actor
    role: Role


class RevokeRole(Command):
    """Take a role from a person or a service."""

    command: Literal["revoke_role"] = "revoke_role"
    actor: Actor
    role: Role


class GrantDelegation(Command):
    """Let a person or a service act on somebody's behalf."""

    command: Literal["grant_delegation"] = "grant_delegation"
    actor: Actor
    principal: UUID


class RevokeDelegation(Command):
    """Let a person or a service no longer act on somebody's behalf."""

    command: Literal["revoke_delegation"] = "revoke_delegation"
    actor: Actor
    principal: UUID
