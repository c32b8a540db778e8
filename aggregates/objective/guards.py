"""What must hold before an objective or a key result takes a change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from aggregates.checks import check_decision
from aggregates.command import Command
from aggregates.cycle.state import Cycle
from aggregates.entry import Occasion
from aggregates.measures import (
    BandTarget,
    Measure,
    PointTarget,
    StagesTarget,
    StepsTarget,
    Target,
    check_measure,
)
from aggregates.objective.commands import ObjectiveChange
from aggregates.objective.key_result import KeyResult
from aggregates.objective.state import Objective
from aggregates.policy import Policy
from aggregates.refusals import (
    ActIsBackDated,
    CycleIsClosed,
    CycleIsUnknown,
    HorizonIsOutsideTheCycle,
    KeyResultIsDropped,
    KeyResultIsUnknown,
    NumberIsOutOfRange,
    ObjectiveIsOver,
    ObjectiveIsUnknown,
    ReasonIsMissing,
    TargetDoesNotFitMeasure,
    ValueDoesNotFitMeasure,
)
from aggregates.world import World


def known(world: World, identifier: UUID, *, field: str = "/objective") -> Objective:
    """Return the objective.

    Raises:
        ObjectiveIsUnknown.
    """
    objective = world.objective(identifier)
    if objective is None:
        raise ObjectiveIsUnknown(field=field)
    return objective


def open_cycle_of(world: World, objective: Objective) -> Cycle:
    """Return the objective's cycle, which is not closed.

    Raises:
        CycleIsClosed.
    """
    return cycle_taking(world, objective.cycle.now or "", field="/objective")


def cycle_taking(world: World, key: str, *, field: str) -> Cycle:
    """Return the cycle of this key, which is not closed.

    Raises:
        CycleIsUnknown, CycleIsClosed.
    """
    cycle = world.cycle(key)
    if cycle is None:
        raise CycleIsUnknown(f"There is no cycle {key}.", field=field)
    if cycle.standing == "closed":
        raise CycleIsClosed(f"The cycle {key} is closed; only amendments are taken.", field=field)
    return cycle


def taking(
    world: World, command: Command, identifier: UUID, *, ordered: bool = True
) -> tuple[Objective, Cycle]:
    """Return an objective that still takes entries, and its cycle; an act (`ordered`) follows the acts before it.

    Raises:
        ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, ActIsBackDated.
    """
    objective = known(world, identifier)
    cycle = open_cycle_of(world, objective)
    if objective.is_over:
        raise ObjectiveIsOver(field="/objective")
    if ordered:
        check_order(objective, command)
    return objective, cycle


def check_order(objective: Objective, command: Command) -> None:
    """Refuse an imported act that is earlier than the latest act on the same objective.

    Raises:
        ActIsBackDated.
    """
    if command.effective_at is not None and command.effective_at < objective.last_act_at:
        raise ActIsBackDated(
            f"The latest act on {objective.reference} took effect at {objective.last_act_at}; "
            "bring its acts in their order.",
            field="/effective_at",
        )


def changing(world: World, command: ObjectiveChange, occasion: Occasion) -> tuple[Objective, Cycle]:
    """Return an objective that takes this change, and its cycle; after the line a change needs a reason.

    An import may lack the reason, for its source gives none.

    Raises:
        ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, ActIsBackDated, DecisionIsUnknown, ReasonIsMissing.
    """
    objective, cycle = taking(world, command, command.objective)
    check_decision(world, command)
    check_reason(objective, command, occasion)
    return objective, cycle


def check_reason(objective: Objective, command: ObjectiveChange, occasion: Occasion) -> None:
    """Refuse a change after the line without a reason.

    Raises:
        ReasonIsMissing.
    """
    if objective.lines and command.reason is None and not occasion.imported:
        raise ReasonIsMissing(f"{objective.reference} is committed; say why it changes.", field="/reason")


def key_result_of(objective: Objective, identifier: UUID, *, field: str = "/key_result") -> KeyResult:
    """Return a key result of the objective, whatever became of it.

    Raises:
        KeyResultIsUnknown.
    """
    key_result = objective.key_results.get(identifier)
    if key_result is None:
        raise KeyResultIsUnknown(field=field)
    return key_result


def active_key_result(objective: Objective, identifier: UUID) -> KeyResult:
    """Return a key result of the objective that still counts.

    Raises:
        KeyResultIsUnknown, KeyResultIsDropped.
    """
    key_result = key_result_of(objective, identifier)
    if key_result.standing.now == "recorded_in_error":
        raise KeyResultIsDropped(f"{key_result.reference} was recorded in error.", field="/key_result")
    if not key_result.is_active:
        raise KeyResultIsDropped(field="/key_result")
    return key_result


def check_horizon(ends_on: date | None, cycle: Cycle, *, field: str = "/ends_on") -> None:
    """Refuse a key result that ends outside its cycle.

    Raises:
        HorizonIsOutsideTheCycle.
    """
    if ends_on is not None and not cycle.starts_on <= ends_on <= cycle.ends_on:
        raise HorizonIsOutsideTheCycle(
            f"{cycle.key} runs from {cycle.starts_on} to {cycle.ends_on}; choose a day within it.",
            field=field,
        )


def check_definition(
    measure: Measure,
    baseline: Decimal | None,
    target: Target,
    policy: Policy,
    cycle: Cycle,
    *,
    faults: bool = False,
) -> None:
    """Refuse a measure, baseline and target that do not belong together, or whose numbers the policy cannot keep.

    Raises:
        TargetDoesNotFitMeasure, TargetEqualsBaseline, NumberIsOutOfRange.
    """
    check_measure(measure, baseline, target, faults=faults)
    if isinstance(target, StepsTarget) and not (
        cycle.starts_on <= target.steps[0].on and target.steps[-1].on <= cycle.ends_on
    ):
        raise TargetDoesNotFitMeasure("The steps of a target lie within the cycle.", field="/target/steps")
    if baseline is not None:
        check_digits(baseline, policy, field="/baseline")
    for number in _numbers(target):
        check_digits(number, policy, field="/target")


def _numbers(target: Target) -> list[Decimal]:
    match target:
        case PointTarget():
            return [target.at]
        case BandTarget():
            return [target.low, target.high]
        case StepsTarget():
            return [step.at for step in target.steps]
    return []


def check_digits(number: Decimal, policy: Policy, *, field: str) -> None:
    """Refuse a number with more digits than the policy keeps.

    Raises:
        NumberIsOutOfRange.
    """
    exponent = number.as_tuple().exponent
    after = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if after > policy.number_digits_after or number.adjusted() >= policy.number_digits_before:
        raise NumberIsOutOfRange(
            f"The policy keeps {policy.number_digits_before} digits before the point and "
            f"{policy.number_digits_after} after it.",
            field=field,
        )


def check_value(
    value: bool | tuple[str, ...] | Decimal,
    measure: Measure,
    target: Target,
    policy: Policy,
    *,
    field: str = "/value",
) -> None:
    """Refuse a value whose shape does not fit the kind of measure.

    Raises:
        ValueDoesNotFitMeasure, NumberIsOutOfRange.
    """
    if measure.kind == "yes_no":
        if not isinstance(value, bool):
            raise ValueDoesNotFitMeasure("A yes/no measure takes true or false.", field=field)
    elif measure.kind == "milestones":
        names = [stage.name for stage in target.stages] if isinstance(target, StagesTarget) else []
        wrong = [one for one in value if one not in names] if isinstance(value, tuple) else []
        if not isinstance(value, tuple) or wrong or len(set(value)) != len(value):
            said = f"; “{wrong[0][:60]}” is none of them" if wrong else ""
            stages = ", ".join(name[:60] for name in names)
            raise ValueDoesNotFitMeasure(
                f"A staged measure takes the names of its finished stages, each once: {stages}{said}.",
                field=field,
            )
    elif not isinstance(value, Decimal):
        raise ValueDoesNotFitMeasure(f"A measure of kind {measure.kind} takes a number.", field=field)
    else:
        check_digits(value, policy, field=field)
