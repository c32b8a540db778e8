"""Small pages for tests: a version, a table row, a page, a series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aggregates.snapshots.comparison import Step, compare_versions
from aggregates.snapshots.markdown import parse_markdown
from aggregates.snapshots.page import Snapshot, SourceVersion

ZONE = ZoneInfo("UTC")
FIRST = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HEADER = (
    "| Key Result | Assignee | Priority | Mid-Q Score | Projected Score | Final Score |\n"
    "| ---------- | -------- | -------- | ----------- | --------------- | ----------- |\n"
)


def version(number: int = 1) -> SourceVersion:
    """Return the n-th version: one week after the other."""
    return SourceVersion(f"{number:07x}", FIRST + timedelta(weeks=number - 1), "Ada", f"version {number}")


def objective(title: str, *rows: str) -> str:
    """Return an objective with its table; a row is the text between the outer pipes."""
    return f"## Objective: {title}\n\n{HEADER}" + "".join(f"| {row} |\n" for row in rows) + "\n"


def page(*objectives: str, number: int = 1) -> Snapshot:
    """Return the n-th version of a page of these objectives."""
    return parse_markdown("".join(objectives).encode(), version(number))


def steps(*pages: str, zone: ZoneInfo = ZONE) -> tuple[Step, ...]:
    """Return what changed over these pages, one week after the other."""
    return compare_versions([page(text, number=number) for number, text in enumerate(pages, 1)], zone=zone)
