"""Expected progress: where a declared path says that a key result should be on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from aggregates.reading.figures import ONE, ZERO, Ratio


@lru_cache(maxsize=4_096)
def straight_line(first: int, last: int, day: int) -> Ratio:
    """Return days elapsed / total days: 0 on the first day and before, 1 on the last and after (Viva Goals).

    The three are ordinals of days (`date.toordinal`); a one-day cycle is 1 on its day. Days are counted in the
    calendar, so a day of 23 or 25 hours is one day.
    """
    if day < first:
        return ZERO
    if day >= last:
        return ONE
    return (day - first, last - first)


def expected_progress(
    measure: Mapping[str, Any], *, first: int, last: int, ends_on: str | None, day: int
) -> Ratio | None:
    """Return the expected fraction on a day, or None where no straight line was declared.

    `first` and `last` are the ordinals of the cycle's days, `ends_on` the key result's own horizon, if any. The
    line runs from the cycle's first day also for a key result that was added late.
    """
    if measure.get("path") != "straight":
        return None
    if ends_on is not None:
        last = ordinal(ends_on)
    return straight_line(first, last, day)


@lru_cache(maxsize=4_096)
def ordinal(day: str) -> int:
    """Return the ordinal of an ISO date."""
    return date.fromisoformat(day).toordinal()
