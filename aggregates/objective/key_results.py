"""Decisions about the key results of an objective: what they commit to."""

from __future__ import annotations

from decimal import Decimal

from aggregates.checks import act, check_present, moment_of
from aggregates.cycle.state import Cycle
from aggregates.entry import Occasion, Recorded
from aggregates.measures import Measure, Target
from aggregates.objective.events import (
    AmbitionChanged,
    BaselineCorrected,
    KeyResultAdded,
    KeyResultDropped,
    KeyResultRecordedInError,
    KeyResultRedated,
    KeyResultReowned,
    KeyResultReworded,
    MeasureChanged,
    TargetChanged,
    WeightChanged,
)
from aggregates.objective.guards import (
    active_key_result,
    changing,
    check_definition,
    check_horizon,
    key_result_of,
)
from aggregates.objective.key_result import KeyResult
from aggregates.objective.key_result_commands import (
    AddKeyResult,
    ChangeAmbition,
    ChangeMeasure,
    ChangeTarget,
    ChangeWeight,
    CorrectBaseline,
    DropKeyResult,
    KeyResultChange,
    RecordKeyResultInError,
    RedateKeyResult,
    ReownKeyResult,
    RewordKeyResult,
)
from aggregates.objective.state import Objective
from aggregates.refusals import IdentifierIsTaken, NothingChanges, TooManyKeyResults
from aggregates.world import World

MOST_KEY_RESULTS = 50


def add_key_result(world: World, command: AddKeyResult, occasion: Occasion) -> list[Recorded]:
    """Add a key result; after the objective's line it is scope and needs a reason.

    Raises:
        IdentifierIsTaken, TooManyKeyResults, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere,
        HorizonIsOutsideTheCycle, TargetDoesNotFitMeasure, TargetEqualsBaseline, NumberIsOutOfRange, and what
        `changing` raises.
    """
    objective, cycle = changing(world, command, occasion)
    if command.key_result in objective.key_results:
        raise IdentifierIsTaken(field="/key_result")
    if any(other.reference == command.reference for other in objective.key_results.values()):
        raise IdentifierIsTaken(f"{command.reference} already names a key result.", field="/reference")
    if len(objective.key_results) >= MOST_KEY_RESULTS and (
        len(objective.active_key_results()) >= MOST_KEY_RESULTS
    ):
        raise TooManyKeyResults(field="/objective")
    check_present(world, command.owner, moment_of(command, occasion), field="/owner")
    check_horizon(command.ends_on, cycle)
    _check_definition(world, command.measure, command.baseline, command.target, cycle, occasion)
    event = KeyResultAdded(
        key_result=command.key_result,
        reference=command.reference,
        title=command.title,
        owner=command.owner,
        measure=command.measure,
        baseline=command.baseline,
        target=command.target,
        weight=command.weight,
        ambition=command.ambition,
        ends_on=command.ends_on,
    )
    return [act(command, objective.stream, event)]


def reword_key_result(world: World, command: RewordKeyResult, occasion: Occasion) -> list[Recorded]:
    """Give the key result another wording."""
    objective, key_result, _ = _changing(world, command, occasion)
    if key_result.wording.now == command.title:
        raise NothingChanges(field="/title")
    event = KeyResultReworded(key_result=command.key_result, title=command.title)
    return [act(command, objective.stream, event)]


def reown_key_result(world: World, command: ReownKeyResult, occasion: Occasion) -> list[Recorded]:
    """Give the key result another owner, who is here at that time."""
    objective, key_result, _ = _changing(world, command, occasion)
    if key_result.owner.now == command.owner:
        raise NothingChanges(field="/owner")
    check_present(world, command.owner, moment_of(command, occasion), field="/owner")
    event = KeyResultReowned(key_result=command.key_result, owner=command.owner)
    return [act(command, objective.stream, event)]


def change_target(world: World, command: ChangeTarget, occasion: Occasion) -> list[Recorded]:
    """Give the key result another target that fits its measure."""
    objective, key_result, cycle = _changing(world, command, occasion)
    if key_result.target.now == command.target:
        raise NothingChanges(field="/target")
    _check_definition(
        world, key_result.measure.present, key_result.baseline.now, command.target, cycle, occasion
    )
    event = TargetChanged(key_result=command.key_result, target=command.target)
    return [act(command, objective.stream, event)]


def correct_baseline(world: World, command: CorrectBaseline, occasion: Occasion) -> list[Recorded]:
    """Give the key result another baseline that fits its target."""
    objective, key_result, cycle = _changing(world, command, occasion)
    if key_result.baseline.now == command.baseline:
        raise NothingChanges(field="/baseline")
    _check_definition(
        world, key_result.measure.present, command.baseline, key_result.target.present, cycle, occasion
    )
    event = BaselineCorrected(key_result=command.key_result, baseline=command.baseline)
    return [act(command, objective.stream, event)]


def change_measure(world: World, command: ChangeMeasure, occasion: Occasion) -> list[Recorded]:
    """Measure the key result in another way, with a baseline and a target that fit."""
    objective, key_result, cycle = _changing(world, command, occasion)
    before = (key_result.measure.now, key_result.baseline.now, key_result.target.now)
    if before == (command.measure, command.baseline, command.target):
        raise NothingChanges(field="/measure")
    _check_definition(world, command.measure, command.baseline, command.target, cycle, occasion)
    event = MeasureChanged(
        key_result=command.key_result,
        measure=command.measure,
        baseline=command.baseline,
        target=command.target,
    )
    return [act(command, objective.stream, event)]


def change_weight(world: World, command: ChangeWeight, occasion: Occasion) -> list[Recorded]:
    """Give the key result another weight."""
    objective, key_result, _ = _changing(world, command, occasion)
    if key_result.weight.now == command.weight:
        raise NothingChanges(field="/weight")
    return [
        act(command, objective.stream, WeightChanged(key_result=command.key_result, weight=command.weight))
    ]


def redate_key_result(world: World, command: RedateKeyResult, occasion: Occasion) -> list[Recorded]:
    """Give the key result another end within its objective's cycle."""
    objective, key_result, cycle = _changing(world, command, occasion)
    if key_result.ends_on.now == command.ends_on:
        raise NothingChanges(field="/ends_on")
    check_horizon(command.ends_on, cycle)
    event = KeyResultRedated(key_result=command.key_result, ends_on=command.ends_on)
    return [act(command, objective.stream, event)]


def change_ambition(world: World, command: ChangeAmbition, occasion: Occasion) -> list[Recorded]:
    """Make the key result committed or aspirational."""
    objective, key_result, _ = _changing(world, command, occasion)
    if key_result.ambition.now == command.ambition:
        raise NothingChanges(field="/ambition")
    event = AmbitionChanged(key_result=command.key_result, ambition=command.ambition)
    return [act(command, objective.stream, event)]


def drop_key_result(world: World, command: DropKeyResult, occasion: Occasion) -> list[Recorded]:
    """Give the key result up; its record is closed and stays."""
    objective, _, _ = _changing(world, command, occasion)
    return [act(command, objective.stream, KeyResultDropped(key_result=command.key_result))]


def key_result_recorded_in_error(
    world: World, command: RecordKeyResultInError, occasion: Occasion
) -> list[Recorded]:
    """Say that the key result should never have been recorded, also when it was dropped."""
    objective, _ = changing(world, command, occasion)
    key_result = key_result_of(objective, command.key_result)
    if key_result.standing.now == "recorded_in_error":
        raise NothingChanges(field="/key_result")
    return [act(command, objective.stream, KeyResultRecordedInError(key_result=command.key_result))]


def _changing(
    world: World, command: KeyResultChange, occasion: Occasion
) -> tuple[Objective, KeyResult, Cycle]:
    objective, cycle = changing(world, command, occasion)
    return objective, active_key_result(objective, command.key_result), cycle


def _check_definition(
    world: World, measure: Measure, baseline: Decimal | None, target: Target, cycle: Cycle, occasion: Occasion
) -> None:
    policy = world.organisation().policy.policy
    faults = occasion.imported and occasion.accept_faults
    check_definition(measure, baseline, target, policy, cycle, faults=faults)
