"""What can be asked about the key results of an objective."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from uuid import UUID

from aggregates.command import Command, Day, Value
from aggregates.entry import Sealed
from aggregates.measures import Measure, Target
from aggregates.objective.commands import ObjectiveChange
from aggregates.objective.events import Ambition, Reference, Said
from aggregates.values import Confidence, Line, Number, Score, Weight


class KeyResultChange(ObjectiveChange):
    """A change of a key result."""

    key_result: UUID


class AddKeyResult(KeyResultChange):
    """Add a key result to the objective."""

    command: Literal["add_key_result"] = "add_key_result"
    reference: Reference
    title: Line
    owner: UUID
    measure: Measure
    baseline: Number | None = None
    target: Target
    weight: Weight = Decimal(1)
    ambition: Ambition = "committed"
    ends_on: Day | None = None


class RewordKeyResult(KeyResultChange):
    """Give the key result another wording."""

    command: Literal["reword_key_result"] = "reword_key_result"
    title: Line


class ReownKeyResult(KeyResultChange):
    """Give the key result another owner."""

    command: Literal["reown_key_result"] = "reown_key_result"
    owner: UUID


class ChangeTarget(KeyResultChange):
    """Give the key result another target."""

    command: Literal["change_target"] = "change_target"
    target: Target


class CorrectBaseline(KeyResultChange):
    """Give the key result another baseline."""

    command: Literal["correct_baseline"] = "correct_baseline"
    baseline: Number


class ChangeMeasure(KeyResultChange):
    """Measure the key result in another way, with a baseline and a target that fit."""

    command: Literal["change_measure"] = "change_measure"
    measure: Measure
    baseline: Number | None = None
    target: Target


class ChangeWeight(KeyResultChange):
    """Give the key result another weight."""

    command: Literal["change_weight"] = "change_weight"
    weight: Weight


class RedateKeyResult(KeyResultChange):
    """Give the key result another end; absent means the end of its cycle."""

    command: Literal["redate_key_result"] = "redate_key_result"
    ends_on: Day | None = None


class ChangeAmbition(KeyResultChange):
    """Make the key result committed or aspirational."""

    command: Literal["change_ambition"] = "change_ambition"
    ambition: Ambition


class DropKeyResult(KeyResultChange):
    """Give the key result up."""

    command: Literal["drop_key_result"] = "drop_key_result"


class RecordKeyResultInError(KeyResultChange):
    """Say that the key result should never have been recorded."""

    command: Literal["key_result_recorded_in_error"] = "key_result_recorded_in_error"


class ScoreKeyResult(KeyResultChange):
    """Give the key result its final score."""

    command: Literal["score_key_result"] = "score_key_result"
    score: Score


class CheckIn(Command):
    """Say where the key result stands: a value, a confidence, what changed, what needs a decision.

    `measured_on` is the day of the value; absent means the day of the check-in. The two narratives are sealed
    before they come here.
    """

    command: Literal["check_in"] = "check_in"
    objective: UUID
    key_result: UUID
    value: Value | None = None
    measured_on: Day | None = None
    confidence: Confidence | None = None
    said: Said | None = None
    what_changed: Sealed | None = None
    needs_decision: Sealed | None = None


class RecordValue(Command):
    """Record the value of a day, without a check-in."""

    command: Literal["record_value"] = "record_value"
    objective: UUID
    key_result: UUID
    value: Value
    measured_on: Day | None = None
