"""The days of a cycle that an import speaks of: the source does not say them, so they are parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from aggregates.cycle.events import CycleKind
from aggregates.cycle.kinds import fits
from aggregates.refusals import Refusal
from aggregates.values import KEY_PATTERN

_QUARTER = re.compile(r"(?P<year>\d{4})-q(?P<quarter>[1-4])", re.IGNORECASE)


class CycleIsNotDated(Refusal):
    """The days of this series are not known; name them with `--cycle NAME=START..END[,COMMIT-BY]`."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a cycle, which the source does not say."""

    start: date
    commit_by: date
    end: date


def quarter(name: str) -> Days | None:
    """Return the days of a quarter named like `2019-q3`, its first day as commit-by; None for any other name."""
    found = _QUARTER.fullmatch(name)
    if found is None:
        return None
    year, month = int(found["year"]), int(found["quarter"]) * 3 - 2
    start = date(year, month, 1)
    following = date(year + (month == 10), (month + 3) if month < 10 else 1, 1)
    return Days(start, start, following - timedelta(days=1))


def read_days(text: str) -> tuple[str, Days]:
    """Return name and days of `NAME=START..END[,COMMIT-BY]`. Raises CycleIsNotDated."""
    name, _, told = text.partition("=")
    try:
        days, _, told_by = told.partition(",")
        start, end = (date.fromisoformat(day.strip()) for day in days.split(".."))
        commit_by = date.fromisoformat(told_by.strip()) if told_by else start
    except ValueError:
        raise CycleIsNotDated(
            f"--cycle {text!r} cannot be read; write 2019-q3=2019-07-01..2019-09-30, and a commit-by after a comma "
            "where it is not the first day.",
            unreadable=True,
        ) from None
    return name.strip(), Days(start, commit_by, end)


def cycle_key(name: str) -> str:
    """Return the key of a cycle that a series or an option names. Raises CycleIsNotDated."""
    key = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:40]
    if not re.fullmatch(KEY_PATTERN, key):
        raise CycleIsNotDated(f"{name!r} gives no key for a cycle; rename the folder.", field="/cycle")
    return key


def cycle_kind(name: str, start: date, end: date) -> CycleKind:
    """Return the kind of a cycle: a quarter where its name says so and its days make one."""
    return "quarter" if _QUARTER.fullmatch(name) and fits("quarter", start, end) else "custom"
