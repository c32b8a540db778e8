"""The words in which the demonstration company's plan is written down: metrics and themes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["increase", "decrease", "at_or_above", "at_or_below", "band", "milestones", "yes_no", "phased"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One key result as it is planned in each of the three quarters; None where a quarter does without it.

    `start` is the value before the first quarter. A goal is the target as a number's text; for a band its two edges
    with `..` between them; for milestones the stages with `|` between them; for yes/no the word `done`.
    """

    title: str
    kind: Kind
    goals: tuple[str | None, str | None, str | None]
    unit: str | None = None
    start: str | None = None
    path: Literal["straight", "none"] = "straight"
    indicator: Literal["leading", "lagging"] = "leading"
    aspirational: bool = False
    weight: str = "1"


@dataclass(frozen=True, slots=True)
class Theme:
    """One objective that a team renews each quarter: its wordings, its parent or why it has none, its metrics."""

    key: str
    titles: tuple[str, str, str]
    metrics: tuple[Metric, ...]
    parent: str | None = None
    local: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A team: its name, its people (the first leads it), its themes."""

    key: str
    name: str
    people: tuple[str, ...]
    themes: tuple[Theme, ...] = field(default=())


def up(title: str, unit: str | None, start: str, *goals: str, **more: object) -> Metric:
    """Return a metric that is to rise from quarter to quarter."""
    return _moving("increase", title, unit, start, goals, more)


def down(title: str, unit: str | None, start: str, *goals: str, **more: object) -> Metric:
    """Return a metric that is to fall from quarter to quarter."""
    return _moving("decrease", title, unit, start, goals, more)


def phased(title: str, unit: str | None, start: str, *goals: str, **more: object) -> Metric:
    """Return a metric that is to rise by monthly steps."""
    return _moving("phased", title, unit, start, goals, more)


def above(title: str, unit: str | None, *goals: str, **more: object) -> Metric:
    """Return a metric that is to stay at or above its target."""
    return _moving("at_or_above", title, unit, None, goals, {"path": "none", **more})


def below(title: str, unit: str | None, *goals: str, **more: object) -> Metric:
    """Return a metric that is to stay at or below its target."""
    return _moving("at_or_below", title, unit, None, goals, {"path": "none", **more})


def within(title: str, unit: str | None, *goals: str, **more: object) -> Metric:
    """Return a metric that is to stay within a band, written `low..high`."""
    return _moving("band", title, unit, None, goals, {"path": "none", **more})


def stages(title: str, quarter: int, *names: str) -> Metric:
    """Return a staged metric of one quarter (0, 1 or 2)."""
    return _once("milestones", title, quarter, "|".join(names))


def done(title: str, quarter: int) -> Metric:
    """Return a yes/no metric of one quarter (0, 1 or 2)."""
    return _once("yes_no", title, quarter, "done")


def _moving(
    kind: Kind,
    title: str,
    unit: str | None,
    start: str | None,
    goals: tuple[str, ...],
    more: dict[str, object],
) -> Metric:
    padded = [goal or None for goal in goals] + [goals[-1]] * (3 - len(goals))
    return Metric(title, kind, (padded[0], padded[1], padded[2]), unit, start, **more)  # type: ignore[arg-type]


def _once(kind: Kind, title: str, quarter: int, goal: str) -> Metric:
    goals = [goal if number == quarter else None for number in range(3)]
    return Metric(title, kind, (goals[0], goals[1], goals[2]), path="none")
