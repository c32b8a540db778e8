"""What a reading needs beside the facts: the policy, the day, the zone and the days of the cycle."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.policy import Policy
from aggregates.reading.expected import ordinal, straight_line
from aggregates.reading.figures import MILLION, Ratio, millionths
from aggregates.values import instant_text, number_text, start_of_day

_MARGIN = 92
"""Days before and after a cycle whose bounds are kept at hand."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The day, the policy and the cycle under which facts are read; days are ordinals (`date.toordinal`).

    `window` is the number of days without a sign after which an item is silent, `today` the text of the day,
    `elapsed` the straight line of the cycle on the day, `bounds` the instants at which days begin in the zone.
    """

    policy: Policy
    policy_version: int
    today: str
    day: int
    zone: ZoneInfo
    starts_on: int
    ends_on: int
    window: int
    confidence_low: int
    confidence_high: int
    no_value_counts: Ratio
    elapsed: Ratio
    first_bound: int
    bounds: tuple[str, ...]

    def day_of(self, moment: str) -> int:
        """Return the ordinal of the organisation's day of an instant or a day, given as stored text."""
        if len(moment) == 10:
            return ordinal(moment)
        place = bisect_right(self.bounds, moment)
        if 0 < place < len(self.bounds):
            return self.first_bound + place - 1
        return datetime.fromisoformat(moment).astimezone(self.zone).toordinal()


def frame_of(
    cycle: Mapping[str, Any], *, policy: Policy, policy_version: int, day: date, zone: ZoneInfo
) -> Frame:
    """Return the frame of a cycle (with `starts_on` and `ends_on` as ISO dates) on a day."""
    starts_on, ends_on = ordinal(cycle["starts_on"]), ordinal(cycle["ends_on"])
    elapsed = straight_line(starts_on, ends_on, day.toordinal())
    first = max(starts_on - _MARGIN, 1)
    return Frame(
        policy=policy,
        policy_version=policy_version,
        today=day.isoformat(),
        day=day.toordinal(),
        zone=zone,
        starts_on=starts_on,
        ends_on=ends_on,
        window=policy.check_in_every_days + policy.grace_days,
        confidence_low=millionths(number_text(policy.confidence_low_below)),
        confidence_high=millionths(number_text(policy.confidence_high_from)),
        no_value_counts=(millionths(number_text(policy.no_value_counts)), MILLION),
        elapsed=elapsed,
        first_bound=first,
        bounds=_bounds(first, ends_on + _MARGIN, zone),
    )


@lru_cache(maxsize=256)
def _bounds(first: int, last: int, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the first instant of each organisation's day, as stored text (a day may last 23 or 25 hours)."""
    return tuple(instant_text(start_of_day(date.fromordinal(day), zone)) for day in range(first, last + 1))
