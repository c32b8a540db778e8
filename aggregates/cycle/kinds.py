"""The kinds of cycles: how long each lasts, and where one ends that begins on a day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from aggregates.cycle.events import CycleKind


class Length(NamedTuple):
    """How long a kind of cycle lasts: its calendar months, or its weeks; and the fewest and most days it may have."""

    months: int
    weeks: int
    fewest: int
    most: int


LENGTHS: Mapping[CycleKind, Length] = {
    "quarter": Length(3, 0, 12 * 7, 14 * 7),
    "trimester": Length(4, 0, 16 * 7, 18 * 7),
    "rolling_12_weeks": Length(0, 12, 12 * 7, 12 * 7),
    "year": Length(12, 0, 51 * 7, 53 * 7),
}
"""The length of each kind; a custom cycle has any. The bounds leave room for calendars of whole weeks: a quarter of 13
weeks, one of 14 in a year of 53, and a first one that begins after its holidays."""


def end_of(kind: CycleKind, starts_on: date) -> date | None:
    """Return the last day of a cycle that begins on a day, None for a custom one.

    Months are calendar months (a quarter from 1 April ends on 30 June); where the month has no such day, its last one
    counts.
    """
    length = LENGTHS.get(kind)
    if length is None:
        return None
    if length.weeks:
        return starts_on + timedelta(weeks=length.weeks, days=-1)
    year, month = divmod(starts_on.year * 12 + starts_on.month - 1 + length.months, 12)
    day = min(starts_on.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


def fits(kind: CycleKind, starts_on: date, ends_on: date) -> bool:
    """Return whether these days make a cycle of this kind."""
    length = LENGTHS.get(kind)
    return length is None or length.fewest <= (ends_on - starts_on).days + 1 <= length.most


def length_told(kind: CycleKind) -> str:
    """Return how long a kind lasts, in words: `a quarter lasts 84 to 98 days`."""
    length = LENGTHS[kind]
    days = (
        f"{length.fewest} days" if length.fewest == length.most else f"{length.fewest} to {length.most} days"
    )
    return f"a {'cycle of 12 rolling weeks' if length.weeks else kind} lasts {days}"
