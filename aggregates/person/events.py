"""What happens to people and services: presence and roles. Names live in the directory, never here."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from aggregates.entry import Event
from aggregates.values import Line

Role = Literal["reader", "owner", "facilitator", "steward", "auditor", "operator"]


class PersonJoined(Event):
    """A person is with the organisation from the entry's effective_at on."""

    stored_name: ClassVar[str] = "person.joined"
    presence: ClassVar[bool] = True
    amendable: ClassVar[bool] = True


class PersonLeft(Event):
    """A person is no longer with the organisation from the entry's effective_at on."""

    stored_name: ClassVar[str] = "person.left"
    presence: ClassVar[bool] = True
    amendable: ClassVar[bool] = True


class LeaveStarted(Event):
    """A person went on leave, with somebody who acts as owner meanwhile."""

    stored_name: ClassVar[str] = "person.leave_started"
    presence: ClassVar[bool] = True
    amendable: ClassVar[bool] = True
    acting_owner: UUID
    expected_back_on: date | None = None


class LeaveEnded(Event):
    """A person came back from leave."""

    stored_name: ClassVar[str] = "person.leave_ended"
    presence: ClassVar[bool] = True
    amendable: ClassVar[bool] = True


class RoleGranted(Event):
    """A person or service holds a role."""

    stored_name: ClassVar[str] = "access.role_granted"
    role: Role


class RoleRevoked(Event):
    """A person or service no longer holds a role."""

    stored_name: ClassVar[str] = "access.role_revoked"
    role: Role


class DelegationGranted(Event):
    """This person or service may act on behalf of the principal, a person."""

    stored_name: ClassVar[str] = "access.delegation_granted"
    principal: UUID


class DelegationRevoked(Event):
    """This person or service may no longer act on behalf of the principal."""

    stored_name: ClassVar[str] = "access.delegation_revoked"
    principal: UUID


class ServiceRegistered(Event):
    """A program that may act on the ledger was registered."""

    stored_name: ClassVar[str] = "service.registered"
    name: Line
