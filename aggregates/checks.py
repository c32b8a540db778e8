"""Checks that many decisions share: both clocks, presence, teams, decisions named."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from aggregates.command import Change, Command
from aggregates.entry import Event, Occasion, Recorded
from aggregates.refusals import (
    ActIsBackDated,
    DecisionIsUnknown,
    LiesInTheFuture,
    OwnerIsATeam,
    PersonIsUnknown,
    PersonWasNotHere,
    SourceIsMissing,
    TeamIsClosed,
    TeamIsUnknown,
)
from aggregates.world import World

if TYPE_CHECKING:
    from aggregates.person.state import Person
    from aggregates.team.state import Team


def act(command: Command, stream: str, event: Event) -> Recorded:
    """Return what an act records: the event with the command's time, reason, decision and source."""
    if isinstance(command, Change):
        return Recorded(
            stream, event, command.effective_at, command.reason, command.decision, command.source, None
        )
    return Recorded(stream, event, command.effective_at, None, None, command.source, None)


def moment_of(command: Command, occasion: Occasion) -> datetime:
    """Return when what the command records becomes true: as its source says, else now."""
    return command.effective_at or occasion.at


def check_clock(command: Command, occasion: Occasion) -> None:
    """Refuse a time in the future, a back-dated act, and a source's times without an import or a source.

    Raises:
        LiesInTheFuture, ActIsBackDated, SourceIsMissing.
    """
    if command.source is not None and not occasion.imported:
        raise SourceIsMissing("Only an import names a source.", field="/source")
    if command.effective_at is None:
        return
    if command.effective_at > occasion.at:
        raise LiesInTheFuture(field="/effective_at")
    if command.back_dates:
        return
    if not occasion.imported:
        raise ActIsBackDated(field="/effective_at")
    if command.source is None:
        raise SourceIsMissing("Name the source of this time.", field="/source")


def check_present(world: World, identifier: UUID, moment: datetime, *, field: str) -> Person:
    """Return the person, who was with the organisation at this moment, on leave or not.

    Raises:
        PersonIsUnknown, OwnerIsATeam, PersonWasNotHere.
    """
    person = world.person(identifier)
    if person is None:
        if world.team(identifier) is not None:
            raise OwnerIsATeam(field=field)
        raise PersonIsUnknown(field=field)
    if not person.was_here(moment):
        raise PersonWasNotHere(field=field)
    return person


def check_team(world: World, identifier: UUID, *, field: str) -> Team:
    """Return the team, which still exists.

    Raises:
        TeamIsUnknown, TeamIsClosed.
    """
    team = world.team(identifier)
    if team is None:
        raise TeamIsUnknown(field=field)
    if team.is_closed:
        raise TeamIsClosed(field=field)
    return team


def check_decision(world: World, command: Change) -> None:
    """Refuse a decision that is not in the ledger, or was retracted.

    Raises:
        DecisionIsUnknown.
    """
    if command.decision is None:
        return
    decision = world.decision(command.decision)
    if decision is None:
        raise DecisionIsUnknown(field="/decision")
    if decision.content is None:
        raise DecisionIsUnknown("This decision was retracted.", field="/decision")
