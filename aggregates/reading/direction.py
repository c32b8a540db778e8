"""The direction of a change: softer if the same values would score higher, harder if lower, else neutral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aggregates.reading.figures import millionths

Direction = Literal["softer", "harder", "neutral"]

_STANDINGS: dict[str, Direction] = {
    "dropped": "softer",
    "withdrawn": "softer",
    "carried": "softer",
}
"""Giving up or going on later is softer; replaced, added late, closed and recorded in error are incomparable."""


def direction_of(
    facet: str,
    old: Any,
    new: Any,
    *,
    definition: Mapping[str, Any] | None = None,
    cycle_ends_on: str | None = None,
    cycle_ends: Mapping[str, str] | None = None,
) -> Direction:
    """Return the direction of one facet's change.

    `definition` holds `measure` and `baseline` as they stood before the change; `cycle_ends_on` the end of the
    cycle, which an absent `ends_on` means; `cycle_ends` the last day of each cycle by key, for a move to another.
    A change of weight is neutral: whether the same values would score higher depends on the values.
    """
    if old == new:
        return "neutral"
    definition = definition or {}
    if facet == "target":
        return target_direction(definition.get("measure"), definition.get("baseline"), old, new)
    if facet == "baseline":
        return _baseline(definition.get("measure"), old, new)
    if facet == "measure":
        return "neutral"
    if facet == "ends_on":
        return _later(old or cycle_ends_on, new or cycle_ends_on)
    if facet == "cycle":
        ends = cycle_ends or {}
        return _later(ends.get(old), ends.get(new))
    if facet == "ambition":
        return "softer" if new == "aspirational" else "harder"
    if facet == "standing":
        return _STANDINGS.get(new["word"] if isinstance(new, Mapping) else "", "neutral")
    return "neutral"


def target_direction(
    measure: Mapping[str, Any] | None, baseline: str | None, old: Any, new: Any
) -> Direction:
    """Return the direction of another target under one measure.

    A lower target is softer for increase and at or above, a higher one for decrease and at or below; a wider band
    is softer, a shifted one neutral; stages and steps are softer where no stage counts less, or no step asks more.
    """
    if measure is None or old is None or new is None or old.get("kind") != new.get("kind"):
        return "neutral"
    kind = measure["kind"]
    if kind in ("increase", "at_or_above"):
        return _signed(millionths(old["at"]) - millionths(new["at"]))
    if kind in ("decrease", "at_or_below"):
        return _signed(millionths(new["at"]) - millionths(old["at"]))
    if kind == "band":
        return _all_signed(
            [
                millionths(old["low"]) - millionths(new["low"]),
                millionths(new["high"]) - millionths(old["high"]),
            ]
        )
    if kind == "milestones":
        before = {stage["name"]: millionths(stage["weight"]) for stage in old["stages"]}
        after = {stage["name"]: millionths(stage["weight"]) for stage in new["stages"]}
        return _all_signed([after.get(name, 0) - before.get(name, 0) for name in {*before, *after}])
    if kind == "phased" and baseline is not None:
        return _steps(millionths(baseline), old["steps"], new["steps"])
    return "neutral"


def _steps(baseline: int, old: list[Mapping[str, str]], new: list[Mapping[str, str]]) -> Direction:
    """Compare what is asked on every day on which either steps."""
    rising = 1 if millionths(old[-1]["at"]) >= baseline else -1
    days = {step["on"] for step in (*old, *new)}
    return _all_signed([rising * (_asked(old, day, baseline) - _asked(new, day, baseline)) for day in days])


def _asked(steps: list[Mapping[str, str]], day: str, baseline: int) -> int:
    asked = baseline
    for step in steps:
        if step["on"] <= day:
            asked = millionths(step["at"])
    return asked


def _baseline(measure: Mapping[str, Any] | None, old: str | None, new: str | None) -> Direction:
    """For values short of the target: a lower baseline of an increase, a higher one of a decrease, is softer."""
    if measure is None or old is None or new is None:
        return "neutral"
    gap = millionths(new) - millionths(old)
    if measure["kind"] == "increase":
        return _signed(-gap)
    return _signed(gap) if measure["kind"] == "decrease" else "neutral"


def _later(old: str | None, new: str | None) -> Direction:
    if old is None or new is None or old == new:
        return "neutral"
    return "softer" if new > old else "harder"


def _signed(softening: int) -> Direction:
    return "softer" if softening > 0 else "harder" if softening < 0 else "neutral"


def _all_signed(softenings: list[int]) -> Direction:
    """Return softer where nothing is harder, harder where nothing is softer, neutral where they disagree."""
    if all(one >= 0 for one in softenings):
        return "softer" if any(softenings) else "neutral"
    return "harder" if all(one <= 0 for one in softenings) else "neutral"
