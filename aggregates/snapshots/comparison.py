"""Compares the versions of one page in their order and keeps the identity of each row over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from aggregates.refusals import Refusal
from aggregates.snapshots.differences import (
    AssigneesChanged,
    Difference,
    FinalChanged,
    KeyResultAppeared,
    KeyResultDisappeared,
    KeyResultMoved,
    KeyResultReworded,
    MidScoreChanged,
    ObjectiveAppeared,
    ObjectiveDisappeared,
    ObjectiveNotesChanged,
    ObjectiveReworded,
    PriorityChanged,
    ProjectedChanged,
)
from aggregates.snapshots.identity import SAME, STOOD_BEFORE, Identified, identify
from aggregates.snapshots.matching import Doubt, Item, Judgement, judge_key_result, judge_objective
from aggregates.snapshots.page import Snapshot, SnapshotKeyResult, SnapshotObjective, SourceVersion
from aggregates.values import day_of


class VersionsAreOutOfOrder(Refusal):
    """The versions of a page come in the order of their instants, each with an offset."""


@dataclass(frozen=True, slots=True)
class IdentifiedKeyResult:
    """A row and its identifier in this series, such as `o1k3`; it stays when the row is reworded or moved."""

    key: str
    row: SnapshotKeyResult


@dataclass(frozen=True, slots=True)
class IdentifiedObjective:
    """An objective, its identifier in this series, such as `o1`, and its rows with theirs."""

    key: str
    objective: SnapshotObjective
    key_results: tuple[IdentifiedKeyResult, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What a version changed: the version read before it (None for the first), its differences, its page.

    A version that could not be read (`unread`) changes nothing, and its page is the one before.
    """

    earlier: SourceVersion | None
    later: SourceVersion
    differences: tuple[Difference, ...]
    page: tuple[IdentifiedObjective, ...]
    unread: bool = False

    @property
    def not_before(self) -> datetime | None:
        """Return the earlier version's instant; None for the first version."""
        return self.earlier.instant if self.earlier else None

    @property
    def effective_at(self) -> datetime:
        """Return the later version's instant."""
        return self.later.instant


def compare_versions(snapshots: Sequence[Snapshot], *, zone: ZoneInfo) -> tuple[Step, ...]:
    """Return one step for each version, the first compared with an empty page.

    Raises VersionsAreOutOfOrder for an instant before the one that precedes it, or without an offset.
    """
    series = _Series(zone)
    steps: list[Step] = []
    for index, snapshot in enumerate(snapshots):
        instant = snapshot.version.instant
        if instant.tzinfo is None or (index and instant < snapshots[index - 1].version.instant):
            raise VersionsAreOutOfOrder(
                f"Version {snapshot.version.commit} does not follow the one before it."
            )
        steps.append(series.step(snapshot))
    return tuple(steps)


@dataclass(slots=True)
class _Objective:
    key: str
    last: SnapshotObjective
    present: bool = False
    rows: int = 0


@dataclass(slots=True)
class _KeyResult:
    """A key result with what is known of it; an unreadable cell leaves the last known value."""

    key: str
    home: str
    last: SnapshotKeyResult
    present: bool = False
    scored: bool = False


@dataclass(slots=True)
class _Series:
    """Everything seen so far, present or gone."""

    zone: ZoneInfo
    objectives: dict[str, _Objective] = field(default_factory=dict)
    key_results: dict[str, _KeyResult] = field(default_factory=dict)
    read: Snapshot | None = None
    page: tuple[IdentifiedObjective, ...] = ()

    def step(self, snapshot: Snapshot) -> Step:
        """Take in one version and return what it changed."""
        earlier = self.read.version if self.read else None
        if snapshot.unread:
            return Step(earlier, snapshot.version, (), self.page, unread=True)
        lost = snapshot.loses_rows or (self.read is not None and self.read.loses_rows)
        differences: list[Difference] = []
        keys, gone = self._objectives(snapshot, differences, rows_are_lost=lost)
        self._key_results(snapshot, keys, differences, rows_are_lost=lost)
        for key, judgement in gone.items():
            last = self.objectives[key].last
            differences.append(ObjectiveDisappeared(key, last.line, last.title, judgement))
        self.read = snapshot
        return Step(earlier, snapshot.version, tuple(differences), self.page)

    def _objectives(
        self, snapshot: Snapshot, out: list[Difference], *, rows_are_lost: bool
    ) -> tuple[list[str], dict[str, Judgement]]:
        """Return the key of each objective of the page, and the judgements on those gone."""
        known = {key: (_objective_item(one.last), one.present) for key, one in self.objectives.items()}
        found = identify(
            {key: item for key, (item, present) in known.items() if present},
            {key: item for key, (item, present) in known.items() if not present},
            [_objective_item(objective) for objective in snapshot.objectives],
            judge_objective,
            rows_are_lost=rows_are_lost,
        )
        keys: list[str] = []
        for index, objective in enumerate(snapshot.objectives):
            key = found.keys.get(index) or f"o{len(self.objectives) + 1}"
            keys.append(key)
            one = self.objectives.setdefault(key, _Objective(key, objective))
            title, notes, line = objective.title, objective.notes, objective.line
            if not one.present:
                judgement = found.added.get(index, STOOD_BEFORE)
                out.append(ObjectiveAppeared(key, line, title, notes, judgement, again=index in found.again))
            else:
                if index in found.reworded:
                    out.append(ObjectiveReworded(key, line, one.last.title, title, found.reworded[index]))
                if notes != one.last.notes:
                    out.append(ObjectiveNotesChanged(key, line, one.last.notes, notes))
            one.last, one.present = objective, True
        for key in found.dropped:
            self.objectives[key].present = False
        return keys, found.dropped

    def _key_results(
        self, snapshot: Snapshot, homes: list[str], out: list[Difference], *, rows_are_lost: bool
    ) -> None:
        """Add what changed in the rows, and set the page."""
        rows = [
            (home, row)
            for home, objective in zip(homes, snapshot.objectives, strict=True)
            for row in objective.key_results
        ]
        known = {key: (_row_item(one.home, one.last), one.present) for key, one in self.key_results.items()}
        found = identify(
            {key: item for key, (item, present) in known.items() if present},
            {key: item for key, (item, present) in known.items() if not present},
            [_row_item(home, row) for home, row in rows],
            judge_key_result,
            rows_are_lost=rows_are_lost,
        )
        placed: dict[str, list[IdentifiedKeyResult]] = {home: [] for home in homes}
        for index, (home, row) in enumerate(rows):
            key = found.keys.get(index) or self._next_key(home)
            placed[home].append(IdentifiedKeyResult(key, row))
            out += self._row(key, home, row, found, index, snapshot.version.instant)
        for key, judgement in found.dropped.items():
            one = self.key_results[key]
            one.present = False
            whole = not self.objectives[one.home].present
            out.append(
                KeyResultDisappeared(one.home, key, one.last.line, one.last, judgement, with_objective=whole)
            )
        self.page = tuple(
            IdentifiedObjective(home, objective, tuple(placed[home]))
            for home, objective in zip(homes, snapshot.objectives, strict=True)
        )

    def _next_key(self, home: str) -> str:
        self.objectives[home].rows += 1
        return f"{home}k{self.objectives[home].rows}"

    def _row(
        self, key: str, home: str, row: SnapshotKeyResult, found: Identified, index: int, instant: datetime
    ) -> Iterator[Difference]:
        """Yield what changed in one row that stands on the page."""
        one = self.key_results.get(key)
        if one is None or not one.present:
            judgement = found.added.get(index, STOOD_BEFORE)
            yield KeyResultAppeared(home, key, row.line, row, judgement, again=one is not None)
        elif index in found.reworded:
            yield KeyResultReworded(home, key, row.line, one.last.title, row.title, found.reworded[index])
        if one is None:
            one = _KeyResult(key, home, _without_scores(row))
            self.key_results[key] = one
        if one.present and one.home != home:
            same = _names(row.assignees) == _names(one.last.assignees)
            doubt = Doubt.CERTAIN if same else Doubt.LIKELY
            moved = Judgement(SAME, doubt, "the same title stands under another objective")
            yield KeyResultMoved(home, key, row.line, one.home, found.reworded.get(index, moved))
        row = _keep_known(row, one.last)
        yield from self._cells(one, home, row, instant)
        one.home, one.last, one.present = home, row, True

    def _cells(
        self, one: _KeyResult, home: str, row: SnapshotKeyResult, instant: datetime
    ) -> Iterator[Difference]:
        """Yield what changed in the cells of one row."""
        key, line, last = one.key, row.line, one.last
        if _names(row.assignees) != _names(last.assignees):
            yield AssigneesChanged(home, key, line, last.assignees, row.assignees)
        if row.priority != last.priority:
            yield PriorityChanged(home, key, line, last.priority, row.priority)
        if row.mid_score != last.mid_score:
            day, text = day_of(instant, self.zone), row.original("mid_score")
            yield MidScoreChanged(home, key, line, last.mid_score, row.mid_score, text, day)
        if row.projected != last.projected:
            text = row.original("projected")
            yield ProjectedChanged(home, key, line, last.projected, row.projected, text)
        if row.final != last.final:
            text = row.original("final")
            if row.final is None:
                yield FinalChanged(home, key, line, last.final, None, text, "cleared")
            else:
                kind: Literal["score", "amendment"] = "amendment" if one.scored else "score"
                yield FinalChanged(home, key, line, last.final, row.final, text, kind)
                one.scored = True


def _objective_item(objective: SnapshotObjective) -> Item:
    return Item(objective.title, objective.line, "", frozenset(row.title for row in objective.key_results))


def _row_item(home: str, row: SnapshotKeyResult) -> Item:
    return Item(row.title, row.line, home, _names(row.assignees))


def _names(assignees: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in assignees)


def _without_scores(row: SnapshotKeyResult) -> SnapshotKeyResult:
    return replace(row, mid_score=None, projected=None, final=None)


def _keep_known(row: SnapshotKeyResult, last: SnapshotKeyResult) -> SnapshotKeyResult:
    """Return the row with what was known before in place of each cell that could not be understood."""
    known = {name: getattr(last, name) for name in row.unreadable}
    return replace(row, **known) if known else row
