"""The organisation as the rules see it: its ledger, its zone and its policies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from aggregates.entry import Entry
from aggregates.finding.events import FindingAnswered
from aggregates.organisation.events import LedgerCreated, PolicyAdopted
from aggregates.policy import Policy


class UnknownEvent(Exception):
    """An event that this kind of stream does not have; nothing is skipped."""


@dataclass(frozen=True, slots=True)
class AdoptedPolicy:
    """A policy with its version and the position that adopted it."""

    version: int
    position: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Organisation:
    """The ledger's creation and every policy adopted since."""

    stream: str
    version: int
    ledger: UUID
    name: str
    zone: str
    created_at: datetime
    demonstration: bool = False
    policies: tuple[AdoptedPolicy, ...] = ()

    @property
    def policy(self) -> AdoptedPolicy:
        """Return the policy that rules now."""
        return self.policies[-1]

    def policy_of(self, version: int) -> Policy:
        """Return the policy of this version (versions count from 1)."""
        return self.policies[version - 1].policy


def evolve(state: Organisation | None, entry: Entry) -> Organisation:
    """Return the organisation after this entry."""
    event = entry.event
    if state is None:
        if not isinstance(event, LedgerCreated):
            raise UnknownEvent(f"A ledger does not begin with {event.stored_name}.")
        return Organisation(
            entry.stream, entry.version, event.ledger, event.organisation, event.zone,
            entry.recorded_at, event.demonstration,
        )  # fmt: skip
    if isinstance(event, PolicyAdopted):
        adopted = AdoptedPolicy(event.version, entry.position, event.policy)
        return replace(state, version=entry.version, policies=(*state.policies, adopted))
    if isinstance(event, FindingAnswered):
        return replace(state, version=entry.version)
    raise UnknownEvent(f"An organisation has no event {event.stored_name}.")
