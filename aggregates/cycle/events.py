"""What happens to a cycle."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from aggregates.entry import Event
from aggregates.values import Key, Line

CycleKind = Literal["quarter", "trimester", "rolling_12_weeks", "year", "custom"]


class CyclePlanned(Event):
    """A cycle was planned with its first day, its commit-by and its last day."""

    stored_name: ClassVar[str] = "cycle.planned"
    key: Key
    name: Line
    kind: CycleKind
    starts_on: date
    commit_by: date
    """Commitments recorded up to the end of this day are on time."""
    ends_on: date
    parent: Key | None = None


class CommitByMoved(Event):
    """The commit-by of the cycle was moved; the first-recorded one keeps marking the line."""

    stored_name: ClassVar[str] = "cycle.commit_by_moved"
    commit_by: date


class CycleOpened(Event):
    """The cycle was opened."""

    stored_name: ClassVar[str] = "cycle.opened"


class CycleOpeningVoided(Event):
    """An opening made in error was voided; it stays listed."""

    stored_name: ClassVar[str] = "cycle.opening_voided"
    opening: int
    """Position of the voided opening."""


class CycleScoringStarted(Event):
    """The cycle ended and is being scored; values effective up to its end are still taken."""

    stored_name: ClassVar[str] = "cycle.scoring_started"


class CycleClosed(Event):
    """The cycle was closed; only amendments are taken."""

    stored_name: ClassVar[str] = "cycle.closed"


class CycleReopened(Event):
    """The cycle was reopened beside its closing, which stays."""

    stored_name: ClassVar[str] = "cycle.reopened"
