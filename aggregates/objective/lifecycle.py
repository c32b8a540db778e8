"""Decisions that end an objective or move it: withdrawn, replaced, carried, moved, in error, closed."""

from __future__ import annotations

from uuid import UUID

from aggregates.checks import act, check_decision, check_present, moment_of
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.measures import StepsTarget
from aggregates.objective.commands import (
    CarryObjective,
    CloseObjective,
    MoveObjectiveToCycle,
    RecordObjectiveInError,
    ReplaceObjective,
    WithdrawObjective,
)
from aggregates.objective.events import (
    KeyResultAdded,
    ObjectiveCarried,
    ObjectiveClosed,
    ObjectiveDrafted,
    ObjectiveMovedToCycle,
    ObjectiveRecordedInError,
    ObjectiveReplaced,
    ObjectiveWithdrawn,
)
from aggregates.objective.guards import (
    active_key_result,
    changing,
    check_horizon,
    check_order,
    check_reason,
    cycle_taking,
    known,
    open_cycle_of,
    taking,
)
from aggregates.objective.state import Objective
from aggregates.refusals import (
    IdentifierIsTaken,
    NothingChanges,
    ObjectiveIsNotCommitted,
    ObjectiveIsOver,
    TargetDoesNotFitMeasure,
)
from aggregates.sight import whole
from aggregates.values import AS_KEPT
from aggregates.world import World


def withdraw_objective(world: World, command: WithdrawObjective, occasion: Occasion) -> list[Recorded]:
    """Give the objective up.

    Raises:
        What `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    return [act(command, objective.stream, ObjectiveWithdrawn())]


def replace_objective(world: World, command: ReplaceObjective, occasion: Occasion) -> list[Recorded]:
    """Let another objective, which is not over, take the place of this one.

    Raises:
        NothingChanges, ObjectiveIsOver, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if command.successor == command.objective:
        raise NothingChanges("An objective cannot replace itself.", field="/successor")
    successor = known(world, command.successor, field="/successor")
    if successor.is_over:
        raise ObjectiveIsOver(f"{successor.reference} is over; choose another successor.", field="/successor")
    return [act(command, objective.stream, ObjectiveReplaced(successor=command.successor))]


def carry_objective(world: World, command: CarryObjective, occasion: Occasion) -> list[Recorded]:
    """Let the objective go on in another cycle; its successor is drafted in the same append.

    The successor takes wording, owner, team and visibility, and of each key result named its definition as it
    stands, without an own end. It declares its alignment anew.

    Raises:
        NothingChanges, IdentifierIsTaken, CycleIsUnknown, CycleIsClosed, PersonWasNotHere, KeyResultIsUnknown,
        KeyResultIsDropped, TargetDoesNotFitMeasure, and what `changing` raises.
    """
    objective, cycle = changing(world, command, occasion)
    if command.into == cycle.key:
        raise NothingChanges("An objective is carried into another cycle.", field="/into")
    cycle_taking(world, command.into, field="/into")
    if whole(world).objective(command.successor) is not None:
        raise IdentifierIsTaken(field="/successor")
    wording, owner = objective.wording.present, objective.owner.present
    check_present(world, owner, moment_of(command, occasion), field="/objective")
    stream = stream_of("objective", command.successor)
    draft = ObjectiveDrafted.model_validate(
        {
            "reference": command.reference,
            "cycle": command.into,
            "title": wording.title,
            "description": wording.description,
            "owner": owner,
            "team": objective.team.now,
            "carried_from": command.objective,
        },
        context=AS_KEPT,
    )
    copies, shown = _copies(objective, command), objective.visibility.now
    return [
        act(command, stream, draft),
        *([act(command, stream, shown)] if shown is not None else ()),
        *(act(command, stream, copy) for copy in copies),
        act(command, objective.stream, ObjectiveCarried(successor=command.successor, into=command.into)),
    ]


def _copies(objective: Objective, command: CarryObjective) -> list[KeyResultAdded]:
    copies: list[KeyResultAdded] = []
    seen: set[UUID] = set()
    for index, carried in enumerate(command.key_results):
        field = f"/key_results/{index}"
        old = active_key_result(objective, carried.key_result)
        if carried.successor in seen or carried.key_result in seen:
            raise IdentifierIsTaken(field=field)
        seen |= {carried.successor, carried.key_result}
        target = old.target.present
        if isinstance(target, StepsTarget):
            raise TargetDoesNotFitMeasure(
                f"The steps of {old.reference} lie in its own cycle; add it anew in {command.into}.",
                field=field,
            )
        copies.append(
            KeyResultAdded.model_validate(
                {
                    "key_result": carried.successor,
                    "reference": carried.reference,
                    "title": old.wording.present,
                    "owner": old.owner.present,
                    "measure": old.measure.present,
                    "baseline": old.baseline.present,
                    "target": target,
                    "weight": old.weight.present,
                    "ambition": old.ambition.present,
                },
                context=AS_KEPT,
            )
        )
    return copies


def move_objective_to_cycle(
    world: World, command: MoveObjectiveToCycle, occasion: Occasion
) -> list[Recorded]:
    """Move the objective to another cycle that is not closed and that its key results' own ends fit.

    Raises:
        NothingChanges, CycleIsUnknown, HorizonIsOutsideTheCycle, and what `changing` raises.
    """
    objective, cycle = changing(world, command, occasion)
    if command.cycle == cycle.key:
        raise NothingChanges(field="/cycle")
    other = cycle_taking(world, command.cycle, field="/cycle")
    for key_result in objective.active_key_results():
        check_horizon(key_result.ends_on.now, other, field="/cycle")
        target = key_result.target.now
        if isinstance(target, StepsTarget):
            check_horizon(target.steps[0].on, other, field="/cycle")
            check_horizon(target.steps[-1].on, other, field="/cycle")
    return [act(command, objective.stream, ObjectiveMovedToCycle(cycle=command.cycle))]


def objective_recorded_in_error(
    world: World, command: RecordObjectiveInError, occasion: Occasion
) -> list[Recorded]:
    """Say that the objective should never have been recorded, whatever became of it.

    Raises:
        NothingChanges, ObjectiveIsUnknown, CycleIsClosed, ActIsBackDated, DecisionIsUnknown, ReasonIsMissing.
    """
    objective = known(world, command.objective)
    open_cycle_of(world, objective)
    check_order(objective, command)
    check_decision(world, command)
    check_reason(objective, command, occasion)
    standing = objective.standing.now
    if standing is not None and standing.word == "recorded_in_error":
        raise NothingChanges(field="/objective")
    return [act(command, objective.stream, ObjectiveRecordedInError())]


def close_objective(world: World, command: CloseObjective, _: Occasion) -> list[Recorded]:
    """End a committed objective with its cycle.

    Raises:
        ObjectiveIsNotCommitted, ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, ActIsBackDated, DecisionIsUnknown.
    """
    objective, _cycle = taking(world, command, command.objective)
    check_decision(world, command)
    if not objective.is_committed:
        raise ObjectiveIsNotCommitted("A draft is withdrawn, not closed.", field="/objective")
    return [act(command, objective.stream, ObjectiveClosed(score=command.score))]
