"""What can be asked about cycles."""

from __future__ import annotations

from typing import Literal

from aggregates.command import Change, Day
from aggregates.cycle.events import CycleKind
from aggregates.values import Key, Line


class PlanCycle(Change):
    """Plan a cycle with its first day, its commit-by and its last day, before it starts.

    Without its last day it has that of its kind; without its commit-by, its first day is it.
    """

    command: Literal["plan_cycle"] = "plan_cycle"
    cycle: Key
    name: Line
    kind: CycleKind
    starts_on: Day
    commit_by: Day | None = None
    ends_on: Day | None = None
    parent: Key | None = None


class CycleCommand(Change):
    """A command about a planned cycle."""

    cycle: Key


class MoveCommitBy(CycleCommand):
    """Move the commit-by; the first-recorded one keeps marking the lines."""

    command: Literal["move_commit_by"] = "move_commit_by"
    commit_by: Day


class OpenCycle(CycleCommand):
    """Open the cycle."""

    command: Literal["open_cycle"] = "open_cycle"


class VoidOpening(CycleCommand):
    """Void an opening made in error, with reason and decision; it stays listed."""

    command: Literal["void_opening"] = "void_opening"


class StartScoring(CycleCommand):
    """Start scoring; values effective up to the end are still taken."""

    command: Literal["start_scoring"] = "start_scoring"


class CloseCycle(CycleCommand):
    """Close the cycle; from then on it takes only amendments."""

    command: Literal["close_cycle"] = "close_cycle"


class ReopenCycle(CycleCommand):
    """Reopen a closed cycle for scoring, beside its closing."""

    command: Literal["reopen_cycle"] = "reopen_cycle"
