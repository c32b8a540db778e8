"""What an amendment or a retraction on an objective's stream must leave in order."""

from __future__ import annotations

from datetime import date, datetime

from aggregates.entry import Entry, Event, Occasion
from aggregates.objective.check_ins import check_day, check_narrative, pinned_policy
from aggregates.objective.events import (
    BaselineCorrected,
    CheckedIn,
    KeyResultMeasured,
    KeyResultRedated,
    KeyResultReowned,
    KeyResultReworded,
    ObjectiveReowned,
    ObjectiveReteamed,
    ObjectiveReworded,
    TargetChanged,
    WeightChanged,
)
from aggregates.objective.guards import check_definition, check_horizon, check_value, key_result_of
from aggregates.objective.key_result import KeyResult
from aggregates.objective.state import Objective
from aggregates.refusals import CycleIsUnknown
from aggregates.world import World

_DEFINITIONS = (
    ObjectiveReworded,
    ObjectiveReowned,
    ObjectiveReteamed,
    KeyResultReworded,
    KeyResultReowned,
    TargetChanged,
    BaselineCorrected,
    WeightChanged,
    KeyResultRedated,
)


def is_definition(event: Event) -> bool:
    """Return whether the event says what is committed to, so that a change of it after the line needs a reason."""
    return isinstance(event, _DEFINITIONS)


def check_value_amendment(
    world: World, before: Objective, event: KeyResultMeasured, day: date, entry: Entry, occasion: Occasion
) -> None:
    """Refuse an amended value that does not fit the measure when it was recorded, or a day outside the cycle.

    Raises:
        ValueDoesNotFitMeasure, NumberIsOutOfRange, ValueIsOutsideTheCycle, LiesInTheFuture.
    """
    key_result = key_result_of(before, event.key_result)
    measure = key_result.measure.at(entry.recorded_at) or key_result.measure.present
    target = key_result.target.at(entry.recorded_at) or key_result.target.present
    policy = world.organisation().policy.policy
    check_value(event.value, measure, target, policy, field="/body/value")
    cycle = world.cycle(before.cycle.now or "")
    if cycle is not None and day != entry.effective_at:
        check_day(day, cycle, occasion)


def check_objective(world: World, after: Objective, entry: Entry, tried: Entry, occasion: Occasion) -> None:
    """Refuse an amendment or a retraction that leaves a key result with a measure, target or end that do not fit.

    Raises:
        TargetDoesNotFitMeasure, TargetEqualsBaseline, NumberIsOutOfRange, HorizonIsOutsideTheCycle,
        NarrativeIsMissing.
    """
    event = tried.event
    if isinstance(event, CheckedIn):
        check_narrative(event.confidence, event.what_changed, pinned_policy(world, after), occasion)
    if isinstance(event, KeyResultRedated):
        cycle = world.cycle(after.cycle.now or "")
        if cycle is None:
            raise CycleIsUnknown(field="/position")
        check_horizon(event.ends_on, cycle, field="/body/ends_on")
    if isinstance(entry.event, TargetChanged | BaselineCorrected):
        faults = occasion.imported and occasion.accept_faults
        _check_throughout(world, after, key_result_of(after, entry.event.key_result), tried, faults=faults)


def _check_throughout(
    world: World, after: Objective, key_result: KeyResult, tried: Entry, *, faults: bool
) -> None:
    """Check measure, baseline and target together at each moment from the amended one on."""
    cycle, since = world.cycle(after.cycle.now or ""), tried.effective_at
    policy = world.organisation().policy.policy
    if cycle is None or not isinstance(since, datetime):
        raise CycleIsUnknown(field="/position")
    moments = {
        fact.effective_at
        for timeline in (key_result.measure, key_result.baseline, key_result.target)
        for fact in timeline
        if fact.effective_at >= since
    }
    for moment in sorted({since, *moments}):
        measure, target = key_result.measure.at(moment), key_result.target.at(moment)
        if measure is not None and target is not None:
            check_definition(measure, key_result.baseline.at(moment), target, policy, cycle, faults=faults)
