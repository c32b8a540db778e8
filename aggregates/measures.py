"""What a key result measures: the kind of measure, its baseline and its target, as a tagged union."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aggregates.refusals import TargetDoesNotFitMeasure, TargetEqualsBaseline
from aggregates.values import Line, Number, Weight

MOST_STAGES = 20
MOST_STEPS = 60

Kind = Literal["increase", "decrease", "at_or_above", "at_or_below", "band", "milestones", "yes_no", "phased"]
COMPUTED_KINDS = frozenset({"increase", "decrease", "at_or_above", "at_or_below"})
"""The kinds whose progress is computed; the others are stored and say *not computed yet*."""


class Frozen(BaseModel):
    """A value that cannot change and that knows each of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PointTarget(Frozen):
    """One number to reach or to keep."""

    kind: Literal["point"] = "point"
    at: Number


class BandTarget(Frozen):
    """A band to stay within."""

    kind: Literal["band"] = "band"
    low: Number
    high: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError("The low edge of a band lies below its high edge.")
        return self


class Stage(Frozen):
    """One stage of a staged measure and its share of the whole."""

    name: Line
    weight: Weight


class StagesTarget(Frozen):
    """Stages to finish; their weights add up to at most 1."""

    kind: Literal["stages"] = "stages"
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=MOST_STAGES)

    @model_validator(mode="after")
    def _weights(self) -> Self:
        if sum((stage.weight for stage in self.stages), Decimal(0)) > 1:
            raise ValueError("The weights of the stages add up to at most 1.")
        if len({stage.name for stage in self.stages}) != len(self.stages):
            raise ValueError("Each stage has a name of its own.")
        return self


class DoneTarget(Frozen):
    """A yes: done or not done."""

    kind: Literal["done"] = "done"


class Step(Frozen):
    """One step of a phased target: the number to have reached on a day."""

    on: date
    at: Number


class StepsTarget(Frozen):
    """A target reached by steps; the last step is the target itself."""

    kind: Literal["steps"] = "steps"
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        days = [step.on for step in self.steps]
        if days != sorted(set(days)):
            raise ValueError("The steps are in the order of their days, one for each day.")
        return self


Target = Annotated[
    PointTarget | BandTarget | StagesTarget | DoneTarget | StepsTarget, Field(discriminator="kind")
]

TARGET_OF_KIND: dict[str, type[BaseModel]] = {
    "increase": PointTarget,
    "decrease": PointTarget,
    "at_or_above": PointTarget,
    "at_or_below": PointTarget,
    "band": BandTarget,
    "milestones": StagesTarget,
    "yes_no": DoneTarget,
    "phased": StepsTarget,
}


class Measure(Frozen):
    """How a key result is measured, apart from its baseline and target.

    `path` says whether a straight line of expected progress was declared; a lagging measure has none unless
    one was declared. `unit` is a word such as `%` or `EUR`.
    """

    kind: Kind
    unit: Line | None = None
    indicator: Literal["leading", "lagging"] = "leading"
    path: Literal["straight", "none"] = "none"


def check_measure(
    measure: Measure, baseline: Decimal | None, target: BaseModel, *, faults: bool = False
) -> None:
    """Refuse a target that does not fit its kind, or that equals the baseline.

    With `faults` (an import under `--accept-faults`) an equal baseline and target pass; they count 0.

    Raises:
        TargetDoesNotFitMeasure, TargetEqualsBaseline.
    """
    expected = TARGET_OF_KIND[measure.kind]
    if not isinstance(target, expected):
        raise TargetDoesNotFitMeasure(
            f"A measure of kind {measure.kind} takes a target of kind {expected.model_fields['kind'].default}.",
            field="/target",
        )
    if measure.kind not in ("increase", "decrease", "phased"):
        return
    if baseline is None:
        raise TargetDoesNotFitMeasure(
            f"A measure of kind {measure.kind} needs a baseline.", field="/baseline"
        )
    end = target_number(target)
    if end == baseline and not faults:
        raise TargetEqualsBaseline(
            f"Baseline and target are both {baseline}; name another target, or use at_or_above.",
            field="/target",
        )
    if end is not None and not faults:
        if measure.kind == "increase" and end < baseline:
            raise TargetDoesNotFitMeasure("An increase has its target above its baseline.", field="/target")
        if measure.kind == "decrease" and end > baseline:
            raise TargetDoesNotFitMeasure("A decrease has its target below its baseline.", field="/target")


def target_number(target: BaseModel) -> Decimal | None:
    """Return the number that a point or phased target ends at, else None."""
    if isinstance(target, PointTarget):
        return target.at
    if isinstance(target, StepsTarget):
        return target.steps[-1].at
    return None
