"""Progress of one key result: how far the value is from the baseline to the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregates.measures import COMPUTED_KINDS
from aggregates.policy import Policy
from aggregates.reading.figures import ONE, ZERO, Ratio, millionths, ratio

NOT_COMPUTED = "not computed yet"
NO_VALUE = "no value yet"
BASELINE_IS_TARGET = "baseline equals target, counts 0"

Progress = tuple[Ratio | None, bool, str | None]
"""The exact ratio (None where there is none), whether the target is met, and a mark that says what is special."""


def progress_of(
    measure: Mapping[str, Any],
    baseline: str | None,
    target: Mapping[str, Any] | None,
    value: Any,
    policy: Policy,
) -> Progress:
    """Return the progress of a value, unclamped, as `(ratio, met, mark)`.

    increase (v−s)/(t−s) (Quantive, US agency goals), decrease (s−v)/(s−t) (Quantive), at or above and at or below
    1 or 0 where equal counts as the policy says (Quantive is strict). A band, milestones, yes/no or phased
    measure answers `(None, False, "not computed yet")`; no value answers `(None, False, "no value yet")`. An
    import accepted with faults may hold s = t: it counts 0 and is marked.
    """
    kind = measure["kind"]
    if kind not in COMPUTED_KINDS or target is None:
        return (None, False, NOT_COMPUTED)
    if value is None:
        return (None, False, NO_VALUE)
    if not isinstance(value, str):
        return (None, False, NOT_COMPUTED)
    actual, end = millionths(value), millionths(target["at"])
    if kind == "at_or_above":
        met = actual > end or (actual == end and policy.equal_counts_as_met)
        return (ONE if met else ZERO, met, None)
    if kind == "at_or_below":
        met = actual < end or (actual == end and policy.equal_counts_as_met)
        return (ONE if met else ZERO, met, None)
    if baseline is None:
        return (None, False, NOT_COMPUTED)
    start = millionths(baseline)
    if start == end:
        return (ZERO, False, BASELINE_IS_TARGET)
    found = ratio(actual - start, end - start)  # (s−v)/(s−t) is the same fraction
    return (found, found[0] >= found[1], None)
