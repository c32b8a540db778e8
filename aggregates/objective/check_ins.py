"""Decisions about where a key result stands: check-ins, values, final scores."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from aggregates.checks import act, check_decision, moment_of
from aggregates.cycle.state import Cycle
from aggregates.entry import Occasion, Recorded, Sealed
from aggregates.objective.events import CheckedIn, KeyResultMeasured, KeyResultScored
from aggregates.objective.guards import active_key_result, check_value, taking
from aggregates.objective.key_result import KeyResult, Value
from aggregates.objective.key_result_commands import CheckIn, RecordValue, ScoreKeyResult
from aggregates.objective.state import Objective
from aggregates.policy import Policy
from aggregates.refusals import (
    CheckInIsEmpty,
    KeyResultIsScored,
    LiesInTheFuture,
    NarrativeIsMissing,
    NothingChanges,
    ObjectiveIsNotCommitted,
    PersonIsUnknown,
    ValueIsOutsideTheCycle,
)
from aggregates.values import day_of
from aggregates.world import World


def check_in(world: World, command: CheckIn, occasion: Occasion) -> list[Recorded]:
    """Record a check-in, and with it the value of its day where one is given.

    Raises:
        CheckInIsEmpty, ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, KeyResultIsUnknown, KeyResultIsDropped,
        ValueDoesNotFitMeasure, ValueIsOutsideTheCycle, LiesInTheFuture, NumberIsOutOfRange, NarrativeIsMissing.
    """
    if command.value is None and command.confidence is None and command.said is None:
        raise CheckInIsEmpty(field="/confidence")
    if command.value is None and command.measured_on is not None:
        raise CheckInIsEmpty("A day belongs to a value; send the value too.", field="/measured_on")
    objective, cycle = taking(world, command, command.objective)
    key_result = active_key_result(objective, command.key_result)
    check_narrative(command.confidence, command.what_changed, pinned_policy(world, objective), occasion)
    for name, sealed in (("what_changed", command.what_changed), ("needs_decision", command.needs_decision)):
        if sealed is not None and world.person(sealed.author) is None:
            raise PersonIsUnknown("The author of this text is not in the ledger.", field=f"/{name}")
    checked_in = CheckedIn(
        key_result=command.key_result,
        confidence=command.confidence,
        said=command.said,
        what_changed=command.what_changed,
        needs_decision=command.needs_decision,
    )
    recorded = [act(command, objective.stream, checked_in)]
    if command.value is not None:
        day = _day(command, occasion)
        item = (objective, key_result, cycle)
        recorded.insert(0, _measured(world, command, command.value, day, item, occasion))
    return recorded


def record_value(world: World, command: RecordValue, occasion: Occasion) -> list[Recorded]:
    """Record the value of a day, without a check-in.

    Raises:
        NothingChanges, ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, KeyResultIsUnknown, KeyResultIsDropped,
        ValueDoesNotFitMeasure, ValueIsOutsideTheCycle, LiesInTheFuture, NumberIsOutOfRange.
    """
    objective, cycle = taking(world, command, command.objective, ordered=False)
    key_result = active_key_result(objective, command.key_result)
    day = _day(command, occasion)
    measured = _measured(world, command, command.value, day, (objective, key_result, cycle), occasion)
    fact = key_result.value.fact_at(day)
    said = None if fact is None or fact.effective_at != day else fact.value
    if said == command.value and type(said) is type(command.value):
        raise NothingChanges("This day already has this value.", field="/value")
    return [measured]


def score_key_result(world: World, command: ScoreKeyResult, _: Occasion) -> list[Recorded]:
    """Give the key result its final score; a later one is an amendment.

    Raises:
        ObjectiveIsNotCommitted, NothingChanges, KeyResultIsScored, ObjectiveIsUnknown, CycleIsClosed,
        ObjectiveIsOver, KeyResultIsUnknown, KeyResultIsDropped.
    """
    objective, _cycle = taking(world, command, command.objective)
    check_decision(world, command)
    key_result = active_key_result(objective, command.key_result)
    if not objective.is_committed:
        raise ObjectiveIsNotCommitted(field="/objective")
    scored = key_result.score.latest
    if scored is not None and scored.value == command.score:
        raise NothingChanges(field="/score")
    if scored is not None:
        raise KeyResultIsScored(f"Entry {scored.position} holds its score; amend that entry.", field="/score")
    event = KeyResultScored(key_result=command.key_result, score=command.score)
    return [act(command, objective.stream, event)]


def check_day(day: date, cycle: Cycle, occasion: Occasion, *, field: str = "/measured_on") -> None:
    """Refuse the day of a value that lies in the future or outside the cycle.

    Raises:
        LiesInTheFuture, ValueIsOutsideTheCycle.
    """
    if day > day_of(occasion.at, occasion.zone):
        raise LiesInTheFuture(f"{day} has not come yet.", field=field)
    if not cycle.starts_on <= day <= cycle.ends_on:
        raise ValueIsOutsideTheCycle(
            f"{day} lies outside {cycle.key}, which runs from {cycle.starts_on} to {cycle.ends_on}; "
            "name the day of the value.",
            field=field,
        )


def check_narrative(
    confidence: Decimal | None, what_changed: Sealed | None, policy: Policy, occasion: Occasion
) -> None:
    """Refuse a low confidence without a word on what changed, where the policy asks for one; an import may lack it.

    Raises:
        NarrativeIsMissing.
    """
    if not policy.narrative_when_low or occasion.imported or confidence is None or what_changed is not None:
        return
    if confidence < policy.confidence_low_below:
        raise NarrativeIsMissing(
            f"A confidence below {policy.confidence_low_below} needs a word on what changed.",
            field="/what_changed",
        )


def pinned_policy(world: World, objective: Objective) -> Policy:
    """Return the policy that the objective's latest line pins, or the ruling one before its line."""
    organisation = world.organisation()
    return (
        organisation.policy_of(objective.lines[-1].policy) if objective.lines else organisation.policy.policy
    )


def _day(command: CheckIn | RecordValue, occasion: Occasion) -> date:
    """Return the day of the value: as said, else the day of the command."""
    return command.measured_on or day_of(moment_of(command, occasion), occasion.zone)


def _measured(
    world: World,
    command: CheckIn | RecordValue,
    value: Value,
    day: date,
    item: tuple[Objective, KeyResult, Cycle],
    occasion: Occasion,
) -> Recorded:
    objective, key_result, cycle = item
    check_day(day, cycle, occasion)
    policy = world.organisation().policy.policy
    check_value(value, key_result.measure.present, key_result.target.present, policy)
    event = KeyResultMeasured(key_result=command.key_result, value=value)
    return Recorded(objective.stream, event, effective_at=day, source=command.source)
