"""Decisions about the organisation, and the first entries of a ledger."""

from __future__ import annotations

from uuid import UUID

from aggregates.checks import act
from aggregates.entry import ORGANISATION, Occasion, Recorded, stream_of
from aggregates.organisation.commands import AdoptPolicy
from aggregates.organisation.events import LedgerCreated, PolicyAdopted
from aggregates.person.events import PersonJoined, RoleGranted
from aggregates.policy import DEFAULT_POLICY, Policy
from aggregates.refusals import NothingChanges, PolicyContradictsItself
from aggregates.world import World


def found(
    ledger: UUID,
    organisation: str,
    zone: str,
    steward: UUID,
    *,
    policy: Policy = DEFAULT_POLICY,
    demonstration: bool = False,
) -> list[Recorded]:
    """Return the first entries of a ledger: its creation, its first policy and its first steward."""
    person = stream_of("person", steward)
    created = LedgerCreated(ledger=ledger, organisation=organisation, zone=zone, demonstration=demonstration)
    return [
        Recorded(ORGANISATION, created),
        Recorded(ORGANISATION, PolicyAdopted(version=1, policy=policy)),
        Recorded(person, PersonJoined()),
        Recorded(person, RoleGranted(role="steward")),
    ]


def adopt_policy(world: World, command: AdoptPolicy, _: Occasion) -> list[Recorded]:
    """Adopt a policy that differs from the ruling one.

    Raises:
        NothingChanges, PolicyContradictsItself.
    """
    organisation, policy = world.organisation(), command.policy
    if policy == organisation.policy.policy:
        raise NothingChanges("This policy rules already.", field="/policy")
    if policy.confidence_low_below > policy.confidence_high_from:
        raise PolicyContradictsItself(
            "Low confidence ends above where high confidence begins.", field="/policy/confidence_low_below"
        )
    if policy.score_yellow_from > policy.score_green_from:
        raise PolicyContradictsItself("Yellow begins above green.", field="/policy/score_yellow_from")
    adopted = PolicyAdopted(version=organisation.policy.version + 1, policy=policy)
    return [act(command, ORGANISATION, adopted)]
