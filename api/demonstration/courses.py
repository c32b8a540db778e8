"""How the figures of the demonstration company move: one course for each metric, from quarter to quarter."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from api.demonstration.calendar import WEEKS, Quarter
from api.demonstration.plan import Metric

_OUTCOMES = (1.2, 1.12, 1.06, 1.02, 1.0, 0.95, 0.88, 0.8, 0.7, 0.6, 0.45, 0.2, -0.05)
_WEIGHTS_OF_ENDED = (2, 4, 6, 9, 12, 13, 13, 12, 10, 8, 6, 3, 2)
_WEIGHTS_OF_RUNNING = (8, 14, 18, 15, 12, 9, 7, 5, 4, 3, 3, 1, 1)


@dataclass
class Course:
    """The course of one metric: where it stands, and how this quarter will end.

    `outcome` is the share of the way from baseline to target that the quarter ends at.
    """

    metric: Metric
    chance: random.Random
    last: Decimal | None = None
    baseline: Decimal | None = None
    target: Decimal | None = None
    outcome: float = 1.0
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    stages: tuple[str, ...] = field(default=())

    def begin(self, quarter: Quarter) -> dict[str, Any]:
        """Begin a quarter and return what the key result commits to: measure, baseline and target."""
        metric, goal = self.metric, self.metric.goals[quarter.number]
        if goal is None:
            raise ValueError(f"{metric.title} has no goal in quarter {quarter.number}")
        luck = _WEIGHTS_OF_RUNNING if quarter.number == 2 else _WEIGHTS_OF_ENDED
        self.outcome = self.chance.choices(_OUTCOMES, luck)[0]
        measure = {
            "kind": metric.kind,
            "unit": metric.unit,
            "indicator": metric.indicator,
            "path": metric.path,
        }
        committed: dict[str, Any] = {
            "measure": {key: value for key, value in measure.items() if value is not None}
        }
        match metric.kind:
            case "increase" | "decrease" | "phased":
                self._move(goal, quarter.number)
                committed["baseline"] = str(self.baseline)
                committed["target"] = self._steps(quarter) if metric.kind == "phased" else _point(self.target)
            case "at_or_above" | "at_or_below":
                self.target = Decimal(goal)
                committed["target"] = _point(self.target)
            case "band":
                self.low, self.high = (Decimal(edge) for edge in goal.split(".."))
                committed["target"] = {"kind": "band", "low": str(self.low), "high": str(self.high)}
            case "milestones":
                self.stages = tuple(goal.split("|"))
                weights = _shares(len(self.stages))
                named = [
                    {"name": name, "weight": weight}
                    for name, weight in zip(self.stages, weights, strict=True)
                ]
                committed["target"] = {"kind": "stages", "stages": named}
            case "yes_no":
                committed["target"] = {"kind": "done"}
        return committed

    def value(self, week: float) -> Any:
        """Return the value at the end of a week, as a check-in gives it."""
        share = min(week / WEEKS, 1.0)
        match self.metric.kind:
            case "increase" | "decrease" | "phased":
                return str(self._on_the_way(share))
            case "at_or_above" | "at_or_below":
                return str(self._kept(share))
            case "band":
                return str(self._within())
            case "milestones":
                finished = int(max(self.outcome, 0) * share * len(self.stages) + 0.3)
                return list(self.stages[:finished])
            case "yes_no":
                return share * max(self.outcome, 0.1) > 0.8

    def progress(self, week: float) -> float:
        """Return how far along the metric really is, for what its owner feels about it."""
        share = min(week / WEEKS, 1.0)
        return self.outcome * share

    def score(self) -> str:
        """Return the score that the owner gives at the end, from 0.0 to 1.0."""
        return f"{min(max(self.outcome, 0.0), 1.0):.1f}"

    def _move(self, goal: str, number: int) -> None:
        target = Decimal(goal)
        self.baseline = self.last if self.last is not None else Decimal(self.metric.start or "0")
        rising = self.metric.kind != "decrease"
        if (target - self.baseline) * (1 if rising else -1) <= 0:
            step = abs(target - Decimal(self.metric.goals[number - 1] or self.metric.start or "0"))
            step = step or abs(target) / 10
            target = self.baseline + step if rising else max(self.baseline - step, self.baseline / 2)
        self.target = _rounded(target, self._places())
        self.last = self.baseline

    def _on_the_way(self, share: float) -> Decimal:
        assert self.baseline is not None  # noqa: S101 (set by begin)
        assert self.target is not None  # noqa: S101 (set by begin)
        noise = self.chance.gauss(0, 0.03) if share < 1 else 0.0
        way = float(self.target - self.baseline) * (self.outcome * share**0.85 + noise)
        value = max(self.baseline + Decimal(repr(round(way, 6))), Decimal(0))
        self.last = _rounded(value, self._places())
        return self.last

    def _kept(self, share: float) -> Decimal:
        assert self.target is not None  # noqa: S101 (set by begin)
        good = self.outcome >= 0.7
        size = max(float(self.target) * 0.012, 0.4 if self.target > 20 else 0.0)
        if self.metric.kind == "at_or_above":
            drift = size * (0.4 if good else -1.4 * (0.3 + share))
            value = float(self.target) + drift + self.chance.gauss(0, size / 2)
            return min(
                _rounded(Decimal(repr(round(value, 6))), self._places()),
                Decimal(100) if self._percent() else value_limit,
            )
        if self.target <= 2:
            return Decimal(self.chance.choices((0, 1, 2, 3), (8, 2, 0, 0) if good else (3, 4, 2, 1))[0])
        value = float(self.target) * (0.93 if good else 1.04 + 0.1 * share) + self.chance.gauss(0, size)
        return max(_rounded(Decimal(repr(round(value, 6))), self._places()), Decimal(0))

    def _within(self) -> Decimal:
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        swing = self.chance.uniform(-0.8, 0.8) if self.outcome >= 0.6 else self.chance.uniform(-1.3, 1.3)
        return max(_rounded(middle + half * Decimal(repr(round(swing, 3))), self._places()), Decimal(0))

    def _steps(self, quarter: Quarter) -> dict[str, Any]:
        assert self.baseline is not None  # noqa: S101 (set by begin)
        assert self.target is not None  # noqa: S101 (set by begin)
        way, steps = self.target - self.baseline, []
        for part, day in (("0.25", 30), ("0.6", 60), ("1", 90)):
            at = _rounded(self.baseline + way * Decimal(part), self._places())
            steps.append({"on": (quarter.starts_on + timedelta(days=day)).isoformat(), "at": str(at)})
        return {"kind": "steps", "steps": steps}

    def _percent(self) -> bool:
        return self.metric.unit == "%"

    def _places(self) -> int:
        """Return how many digits after the point this metric is told with."""
        texts = [self.metric.start or "0", *(goal for goal in self.metric.goals if goal and ".." not in goal)]
        return max(len(text.partition(".")[2]) for text in texts)


value_limit = Decimal(10) ** 9


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places))


def _point(target: Decimal | None) -> dict[str, str]:
    return {"kind": "point", "at": str(target)}


def _shares(number: int) -> list[str]:
    """Return the weights of so many stages, which add up to exactly 1."""
    each = _rounded(Decimal(1) / number, 2)
    return [str(each)] * (number - 1) + [str(1 - each * (number - 1))]
