"""A whole series of versions of one page: its line, what changed before and after it, what could not be placed.

The line is the last version effective on or before commit-by, else the first, flagged *no record at the start*; its
lateness counts from effective_at (design, section 4 and settled cases 9 to 11).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from aggregates.refusals import CycleDatesAreImpossible, Refusal
from aggregates.snapshots.comparison import IdentifiedKeyResult, IdentifiedObjective, Step, compare_versions
from aggregates.snapshots.differences import MidScoreChanged
from aggregates.snapshots.page import Fault, Snapshot, SourceVersion
from aggregates.values import day_of, end_of_day


class NoVersionCanBeRead(Refusal):
    """A series needs at least one version that can be read."""

    kind = "unavailable"


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """A value whose day lies outside its cycle: listed with its original, neither recorded nor clamped."""

    version: SourceVersion
    key_result: str
    title: str
    line: int
    value: Decimal
    original: str
    day: date
    why: Literal["before the cycle", "after the cycle"]


@dataclass(frozen=True, slots=True)
class SeveralAssignees:
    """A row that assigns several persons (or another several): the people map names the one owner, nobody chooses."""

    version: SourceVersion
    key_result: str
    title: str
    line: int
    assignees: tuple[str, ...]
    original: str


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A row that names nobody, first seen in this version."""

    version: SourceVersion
    key_result: str
    title: str
    line: int
    original: str


@dataclass(frozen=True, slots=True)
class VersionFault:
    """A fault and the version that has it."""

    version: SourceVersion
    fault: Fault


@dataclass(frozen=True, slots=True)
class SourceNames:
    """Every name that a people map must cover, sorted without regard to case.

    `assignees` stand alone in some row, `combined` are several in one row, as `@a & @b`; `authors` wrote a version.
    """

    assignees: tuple[str, ...]
    combined: tuple[str, ...]
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemLine:
    """The line of one objective or key result: the series' line, or the version in which it came later."""

    key: str
    version: SourceVersion
    late_by_days: int


@dataclass(frozen=True, slots=True)
class SnapshotSeries:
    """What a series of versions says about one cycle; days are days in `zone`.

    `steps` holds every version; `line` is the index of the line among them. `lines` holds each item's own line.
    """

    start: date
    commit_by: date | datetime
    end: date
    zone: ZoneInfo
    steps: tuple[Step, ...]
    line: int
    no_record_at_start: bool
    late_by_days: int
    lines: tuple[ItemLine, ...]
    not_placed: tuple[NotPlaced, ...]
    several_assignees: tuple[SeveralAssignees, ...]
    unassigned: tuple[Unassigned, ...]
    faults: tuple[VersionFault, ...]
    names: SourceNames

    @property
    def line_version(self) -> SourceVersion:
        """Return the version that is the line."""
        return self.steps[self.line].later

    @property
    def commitments(self) -> tuple[IdentifiedObjective, ...]:
        """Return the page as it stood at the line."""
        return self.steps[self.line].page

    @property
    def before_line(self) -> tuple[Step, ...]:
        """Return the draft history: the steps up to the line, the line's own included."""
        return self.steps[: self.line + 1]

    @property
    def after_line(self) -> tuple[Step, ...]:
        """Return the steps after the line."""
        return self.steps[self.line + 1 :]

    def is_placed(self, change: MidScoreChanged) -> bool:
        """Return whether this value's day lies within the cycle."""
        return self.start <= change.day <= self.end


def read_series(
    snapshots: Sequence[Snapshot], *, start: date, commit_by: date | datetime, end: date, zone: ZoneInfo
) -> SnapshotSeries:
    """Return the series of these versions, ordered by time, as the record of one cycle.

    `start` and `end` are the cycle's first and last day; a `commit_by` that is a day means its end in `zone`.
    Raises CycleDatesAreImpossible, NoVersionCanBeRead, VersionsAreOutOfOrder.
    """
    deadline = commit_by if isinstance(commit_by, datetime) else end_of_day(commit_by, zone)
    if deadline.tzinfo is None or not start <= day_of(deadline, zone) <= end:
        raise CycleDatesAreImpossible(field="/commit_by")
    steps = compare_versions(snapshots, zone=zone)
    read = [index for index, step in enumerate(steps) if not step.unread]
    if not read:
        raise NoVersionCanBeRead
    in_time = [index for index in read if steps[index].effective_at <= deadline]
    line = in_time[-1] if in_time else read[0]
    return SnapshotSeries(
        start=start,
        commit_by=commit_by,
        end=end,
        zone=zone,
        steps=steps,
        line=line,
        no_record_at_start=not in_time,
        late_by_days=days_late(steps[line].effective_at, deadline, zone),
        lines=tuple(_item_lines(steps[line:], deadline, zone)),
        not_placed=tuple(_not_placed(steps, start, end)),
        several_assignees=tuple(_several_assignees(steps)),
        unassigned=tuple(_unassigned(steps)),
        faults=tuple(
            VersionFault(snapshot.version, fault) for snapshot in snapshots for fault in snapshot.faults
        ),
        names=_names(steps),
    )


def days_late(instant: datetime, deadline: datetime, zone: ZoneInfo) -> int:
    """Return by how many calendar days an instant misses the deadline: 0 in time, at least 1 when missed."""
    if instant <= deadline:
        return 0
    return max(1, (day_of(instant, zone) - day_of(deadline, zone)).days)


def _item_lines(from_line: Sequence[Step], deadline: datetime, zone: ZoneInfo) -> Iterator[ItemLine]:
    seen: set[str] = set()
    for step in from_line:
        late = days_late(step.effective_at, deadline, zone)
        for objective in step.page:
            for key in (objective.key, *(item.key for item in objective.key_results)):
                if key not in seen:
                    seen.add(key)
                    yield ItemLine(key, step.later, late)


def _not_placed(steps: Sequence[Step], start: date, end: date) -> Iterator[NotPlaced]:
    for step in steps:
        titles = {item.key: item.row.title for item in _rows(step)}
        for change in step.differences:
            if not isinstance(change, MidScoreChanged) or change.after is None or start <= change.day <= end:
                continue
            yield NotPlaced(
                version=step.later,
                key_result=change.key_result,
                title=titles[change.key_result],
                line=change.line,
                value=change.after,
                original=change.original,
                day=change.day,
                why="before the cycle" if change.day < start else "after the cycle",
            )


def _several_assignees(steps: Sequence[Step]) -> Iterator[SeveralAssignees]:
    last: dict[str, tuple[str, ...]] = {}
    for step in steps:
        for item in _rows(step):
            row = item.row
            if len(row.assignees) > 1 and last.get(item.key) != row.assignees:
                original = row.original("assignees")
                yield SeveralAssignees(step.later, item.key, row.title, row.line, row.assignees, original)
            last[item.key] = row.assignees


def _unassigned(steps: Sequence[Step]) -> Iterator[Unassigned]:
    bare: set[str] = set()
    for step in steps:
        for item in _rows(step):
            row = item.row
            if row.assignees:
                bare.discard(item.key)
            elif item.key not in bare:
                bare.add(item.key)
                yield Unassigned(step.later, item.key, row.title, row.line, row.original("assignees"))


def _rows(step: Step) -> Iterator[IdentifiedKeyResult]:
    for objective in step.page:
        yield from objective.key_results


def _names(steps: Sequence[Step]) -> SourceNames:
    rows = [item.row.assignees for step in steps for item in _rows(step)]
    return SourceNames(
        assignees=_sorted(names[0] for names in rows if len(names) == 1),
        combined=_sorted(" & ".join(names) for names in rows if len(names) > 1),
        authors=_sorted(step.later.author for step in steps if step.later.author),
    )


def _sorted(names: Iterator[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first[key] for key in sorted(first))
