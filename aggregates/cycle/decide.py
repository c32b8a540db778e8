"""Decisions about cycles."""

from __future__ import annotations

from aggregates.checks import act, check_decision
from aggregates.cycle.commands import (
    CloseCycle,
    CycleCommand,
    MoveCommitBy,
    OpenCycle,
    PlanCycle,
    ReopenCycle,
    StartScoring,
    VoidOpening,
)
from aggregates.cycle.events import (
    CommitByMoved,
    CycleClosed,
    CycleOpened,
    CycleOpeningVoided,
    CyclePlanned,
    CycleReopened,
    CycleScoringStarted,
)
from aggregates.cycle.kinds import end_of, fits, length_told
from aggregates.cycle.state import Cycle
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.refusals import (
    CycleDatesAreImpossible,
    CycleDaysDoNotFitItsKind,
    CycleEndIsMissing,
    CycleHasStarted,
    CycleIsAlreadyOpen,
    CycleIsClosed,
    CycleIsNotClosed,
    CycleIsNotOpen,
    CycleIsOutsideItsParent,
    CycleIsUnknown,
    CycleKeyIsTaken,
    DecisionIsMissing,
    NothingChanges,
    ReasonIsMissing,
)
from aggregates.values import LAST_YEAR, start_of_day
from aggregates.world import World

LONGEST_CYCLE_DAYS = 3_660


def plan_cycle(world: World, command: PlanCycle, occasion: Occasion) -> list[Recorded]:
    """Plan a cycle before it starts; one that had started when the ledger was created may be planned late.

    Raises:
        CycleKeyIsTaken, CycleEndIsMissing, CycleDatesAreImpossible, CycleDaysDoNotFitItsKind, CycleHasStarted,
        CycleIsUnknown, CycleIsOutsideItsParent.
    """
    if world.cycle(command.cycle) is not None:
        raise CycleKeyIsTaken(
            f"{command.cycle} already names a cycle; keys are never reused.", field="/cycle"
        )
    check_decision(world, command)
    planned = _planned(command)
    _check_days(planned)
    starts_at = start_of_day(command.starts_on, occasion.zone)
    created_before = world.organisation().created_at < starts_at
    if occasion.at >= starts_at and created_before and not occasion.imported:
        raise CycleHasStarted(f"The cycle began on {command.starts_on}; plan it before.", field="/starts_on")
    if planned.parent is not None:
        _check_parent(world, planned, planned.parent)
    return [act(command, stream_of("cycle", command.cycle), planned)]


def _planned(command: PlanCycle) -> CyclePlanned:
    """Return the plan with the days that its kind gives where the command leaves them out."""
    ends_on = command.ends_on or end_of(command.kind, command.starts_on)
    if ends_on is None:
        raise CycleEndIsMissing(
            "Nothing says how long a custom cycle lasts; name its last day.", field="/ends_on"
        )
    return CyclePlanned(
        key=command.cycle,
        name=command.name,
        kind=command.kind,
        starts_on=command.starts_on,
        commit_by=command.commit_by or command.starts_on,
        ends_on=ends_on,
        parent=command.parent,
    )


def _check_days(planned: CyclePlanned) -> None:
    if not planned.starts_on <= planned.commit_by <= planned.ends_on:
        raise CycleDatesAreImpossible(
            f"The cycle starts on {planned.starts_on}, commits by {planned.commit_by}, ends on {planned.ends_on}; "
            "put the three days in this order.",
            field="/commit_by" if planned.starts_on <= planned.ends_on else "/ends_on",
        )
    days = (planned.ends_on - planned.starts_on).days + 1
    if planned.ends_on.year > LAST_YEAR:
        raise CycleDatesAreImpossible(f"A cycle ends in {LAST_YEAR} at the latest.", field="/starts_on")
    if days > LONGEST_CYCLE_DAYS:
        raise CycleDatesAreImpossible(f"A cycle lasts at most {LONGEST_CYCLE_DAYS} days.", field="/ends_on")
    if not fits(planned.kind, planned.starts_on, planned.ends_on):
        said = f"are {days} days" if days > 1 else "is 1 day"
        raise CycleDaysDoNotFitItsKind(
            f"From {planned.starts_on} to {planned.ends_on} {said}, and "
            f"{length_told(planned.kind)}; correct the days, leave ends_on out, or call the cycle custom.",
            field="/ends_on",
        )


def _check_parent(world: World, planned: CyclePlanned, key: str) -> None:
    parent = world.cycle(key)
    if parent is None:
        raise CycleIsUnknown(f"There is no cycle {key}.", field="/parent")
    if parent.standing == "closed":
        raise CycleIsClosed(f"The cycle {key} is closed.", field="/parent")
    if not (parent.starts_on <= planned.starts_on and planned.ends_on <= parent.ends_on):
        raise CycleIsOutsideItsParent(
            f"{key} runs from {parent.starts_on} to {parent.ends_on}, this one from {planned.starts_on} to "
            f"{planned.ends_on}; choose days within it.",
            field="/parent",
        )


def move_commit_by(world: World, command: MoveCommitBy, _: Occasion) -> list[Recorded]:
    """Move the commit-by within the cycle.

    Raises:
        CycleIsUnknown, CycleIsClosed, CycleDatesAreImpossible, NothingChanges.
    """
    cycle = _not_closed(world, command)
    if cycle.commit_by_now.now == command.commit_by:
        raise NothingChanges(field="/commit_by")
    if not cycle.starts_on <= command.commit_by <= cycle.ends_on:
        raise CycleDatesAreImpossible(
            f"The cycle runs from {cycle.starts_on} to {cycle.ends_on}; choose a day within it.",
            field="/commit_by",
        )
    return [act(command, cycle.stream, CommitByMoved(commit_by=command.commit_by))]


def open_cycle(world: World, command: OpenCycle, _: Occasion) -> list[Recorded]:
    """Open a planned cycle.

    Raises:
        CycleIsUnknown, CycleIsClosed, CycleIsAlreadyOpen.
    """
    cycle = _not_closed(world, command)
    if cycle.standing != "planned":
        opening = cycle.opening
        said = f" by entry {opening.position}" if opening is not None else " and is being scored"
        raise CycleIsAlreadyOpen(f"The cycle {cycle.key} has already been opened{said}.", field="/cycle")
    return [act(command, cycle.stream, CycleOpened())]


def void_opening(world: World, command: VoidOpening, _: Occasion) -> list[Recorded]:
    """Void the opening of an open cycle, which is planned again; the opening stays listed.

    Raises:
        CycleIsUnknown, CycleIsClosed, CycleIsNotOpen, ReasonIsMissing, DecisionIsMissing, DecisionIsUnknown.
    """
    cycle = _not_closed(world, command)
    if cycle.standing != "open" or cycle.opening is None:
        raise CycleIsNotOpen(field="/cycle")
    if command.reason is None:
        raise ReasonIsMissing("An opening is voided with a reason.", field="/reason")
    if command.decision is None:
        raise DecisionIsMissing("An opening is voided by a decision; name it.", field="/decision")
    return [act(command, cycle.stream, CycleOpeningVoided(opening=cycle.opening.position))]


def start_scoring(world: World, command: StartScoring, occasion: Occasion) -> list[Recorded]:
    """Start scoring an open cycle; an imported cycle, of which no opening is known, is scored as planned.

    Raises:
        CycleIsUnknown, CycleIsClosed, CycleIsNotOpen, NothingChanges.
    """
    cycle = _not_closed(world, command)
    if cycle.standing == "scoring":
        raise NothingChanges("The cycle is already being scored.", field="/cycle")
    if cycle.standing == "planned" and not occasion.imported:
        raise CycleIsNotOpen(field="/cycle")
    return [act(command, cycle.stream, CycleScoringStarted())]


def close_cycle(world: World, command: CloseCycle, _: Occasion) -> list[Recorded]:
    """Close a cycle that is open or being scored.

    Raises:
        CycleIsUnknown, CycleIsClosed, CycleIsNotOpen.
    """
    cycle = _not_closed(world, command)
    if cycle.standing == "planned":
        raise CycleIsNotOpen(field="/cycle")
    return [act(command, cycle.stream, CycleClosed())]


def reopen_cycle(world: World, command: ReopenCycle, _: Occasion) -> list[Recorded]:
    """Reopen a closed cycle for scoring, with a reason; its closing stays.

    Raises:
        CycleIsUnknown, CycleIsNotClosed, ReasonIsMissing.
    """
    cycle = _known(world, command)
    if cycle.standing != "closed":
        raise CycleIsNotClosed(field="/cycle")
    if command.reason is None:
        raise ReasonIsMissing("A closed cycle is reopened with a reason.", field="/reason")
    return [act(command, cycle.stream, CycleReopened())]


def _known(world: World, command: CycleCommand) -> Cycle:
    cycle = world.cycle(command.cycle)
    if cycle is None:
        raise CycleIsUnknown(f"There is no cycle {command.cycle}.", field="/cycle")
    check_decision(world, command)
    return cycle


def _not_closed(world: World, command: CycleCommand) -> Cycle:
    cycle = _known(world, command)
    if cycle.standing == "closed":
        raise CycleIsClosed(field="/cycle")
    return cycle
