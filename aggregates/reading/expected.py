"""Expected progress: where a declared path says that a key result should be on a day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from aggregates.reading.figures import ONE, ZERO, Ratio


@lru_cache(maxsize=4_096)
def straight_line(first: int, last: int, day: int) -> Ratio:
    """Return days elapsed / total days: 0 on the first day and before, 1 on the last and after (Viva Goals).

    The three are ordinals of days (`date.toordinal`); a one-day cycle is 1 on its day. Days are counted in the
    calendar, so a day of 23 or 25 hours is one day. The line of a key result that was added late runs from the cycle's
    first day as well, and that of one with an own end up to it.
    """
    if day < first:
        return ZERO
    if day >= last:
        return ONE
    return (day - first, last - first)


@lru_cache(maxsize=4_096)
def ordinal(day: str) -> int:
    """Return the ordinal of an ISO date."""
    return date.fromisoformat(day).toordinal()
