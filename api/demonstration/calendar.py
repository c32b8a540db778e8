"""The days of the demonstration, counted back from the day on which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKS = 13
RUNNING_WEEK = 8
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Quarter:
    """One of the three quarters: 0 and 1 are closed, 2 is running."""

    number: int
    key: str
    name: str
    starts_on: date

    @property
    def commit_by(self) -> date:
        """The Friday of the second week."""
        return self.starts_on + 11 * _DAY

    @property
    def ends_on(self) -> date:
        """The Sunday of the thirteenth week."""
        return self.starts_on + WEEKS * _WEEK - _DAY

    def day(self, week: int, weekday: int) -> date:
        """Return a day of a week, counted from 1; weekday 0 is Monday."""
        return self.starts_on + (week - 1) * _WEEK + weekday * _DAY


def quarters(today: date) -> tuple[Quarter, Quarter, Quarter]:
    """Return the three quarters, the last of which is in its eighth week on this day.

    Quarters last 91 days and begin on a Monday; they are named after the calendar quarter that holds the middle of
    the running one, and count back from there.
    """
    monday = today - today.weekday() * _DAY
    running = monday - (RUNNING_WEEK - 1) * _WEEK
    middle = running + 45 * _DAY
    index = middle.year * 4 + (middle.month - 1) // 3
    made = []
    for number in range(3):
        year, quarter = divmod(index - (2 - number), 4)
        start = running - (2 - number) * WEEKS * _WEEK
        made.append(Quarter(number, f"{year}-q{quarter + 1}", f"Quarter {quarter + 1} of {year}", start))
    return made[0], made[1], made[2]


def instant(day: date, clock: str, zone: str) -> datetime:
    """Return the moment at which the company's clocks show this time (`09:30`) on this day."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=ZoneInfo(zone)).astimezone(UTC)
