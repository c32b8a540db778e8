"""The questions that every door asks, and the one reader that answers them at any basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked of the ledger at a basis."""

    name: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class CyclesList(Question):
    """Which cycles are there, and where does each stand?"""

    name: ClassVar[str] = "cycles"


@dataclass(frozen=True, slots=True)
class BoardOf(Question):
    """What does every objective of a cycle look like?"""

    name: ClassVar[str] = "board"
    cycle: str


@dataclass(frozen=True, slots=True)
class CommitmentsOf(Question):
    """What was committed for a cycle, each objective at its own line?"""

    name: ClassVar[str] = "commitments"
    cycle: str


@dataclass(frozen=True, slots=True)
class DriftOf(Question):
    """How did the commitments of a cycle, or of one objective or key result, change since their lines?"""

    name: ClassVar[str] = "drift"
    cycle: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryOf(Question):
    """What was recorded about an objective or a key result?"""

    name: ClassVar[str] = "history"
    item: str


@dataclass(frozen=True, slots=True)
class DecisionsOf(Question):
    """Which decisions touch a cycle, an objective or a key result; or all of them?"""

    name: ClassVar[str] = "decisions"
    cycle: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class FindingsOf(Question):
    """What would an auditor ask about a cycle, an objective or a key result; or about anything?"""

    name: ClassVar[str] = "findings"
    cycle: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class PeopleList(Question):
    """Who is here, who left, who is on leave?"""

    name: ClassVar[str] = "people"


@dataclass(frozen=True, slots=True)
class TeamsList(Question):
    """Which teams are there?"""

    name: ClassVar[str] = "teams"


@dataclass(frozen=True, slots=True)
class PolicyOf(Question):
    """Which policy rules?"""

    name: ClassVar[str] = "policy"
