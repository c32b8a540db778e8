"""A cycle as the rules see it: its days, its openings and closings, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from aggregates.cycle.events import (
    CommitByMoved,
    CycleClosed,
    CycleKind,
    CycleOpened,
    CycleOpeningVoided,
    CyclePlanned,
    CycleReopened,
    CycleScoringStarted,
)
from aggregates.entry import Entry
from aggregates.finding.events import FindingAnswered
from aggregates.organisation.state import UnknownEvent
from aggregates.timeline import EMPTY, Timeline

CycleStanding = Literal["planned", "open", "scoring", "closed"]


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening, and the position that voided it, if any."""

    position: int
    recorded_at: datetime
    voided_by: int | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """One closing; reopening stands beside it and removes nothing."""

    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle: `commit_by` is the first-recorded one, `commit_by_now` every one since."""

    stream: str
    version: int
    key: str
    name: str
    kind: CycleKind
    starts_on: date
    commit_by: date
    ends_on: date
    parent: str | None
    planned: int
    commit_by_now: Timeline[date]
    standing: CycleStanding = "planned"
    openings: tuple[Opening, ...] = ()
    closed: tuple[Closing, ...] = ()
    reopened: tuple[int, ...] = ()

    @property
    def opening(self) -> Opening | None:
        """Return the opening that was not voided."""
        return next((opening for opening in self.openings if opening.voided_by is None), None)


def evolve(state: Cycle | None, entry: Entry) -> Cycle:
    """Return the cycle after this entry."""
    event, version = entry.event, entry.version
    if state is None:
        if not isinstance(event, CyclePlanned):
            raise UnknownEvent(f"A cycle does not begin with {event.stored_name}.")
        return _planned(entry, event)
    match event:
        case CommitByMoved(commit_by=day):
            days = state.commit_by_now.with_fact(entry.effective_at, entry.position, day)
            return replace(state, version=version, commit_by_now=days)
        case CycleOpened():
            opening = Opening(entry.position, entry.recorded_at)
            return replace(state, version=version, standing="open", openings=(*state.openings, opening))
        case CycleOpeningVoided(opening=position):
            openings = tuple(
                replace(opening, voided_by=entry.position) if opening.position == position else opening
                for opening in state.openings
            )
            return replace(state, version=version, standing="planned", openings=openings)
        case CycleScoringStarted():
            return replace(state, version=version, standing="scoring")
        case CycleClosed():
            closing = Closing(entry.position, entry.recorded_at)
            return replace(state, version=version, standing="closed", closed=(*state.closed, closing))
        case CycleReopened():
            reopened = (*state.reopened, entry.position)
            return replace(state, version=version, standing="scoring", reopened=reopened)
        case FindingAnswered():
            return replace(state, version=version)
    raise UnknownEvent(f"A cycle has no event {event.stored_name}.")


def _planned(entry: Entry, event: CyclePlanned) -> Cycle:
    return Cycle(
        stream=entry.stream,
        version=entry.version,
        key=event.key,
        name=event.name,
        kind=event.kind,
        starts_on=event.starts_on,
        commit_by=event.commit_by,
        ends_on=event.ends_on,
        parent=event.parent,
        planned=entry.position,
        commit_by_now=EMPTY.with_fact(entry.effective_at, entry.position, event.commit_by),
    )
