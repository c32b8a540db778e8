"""The questions that every door asks, and the one reader that answers them at any basis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from aggregates.reading.triage import EVERY_FINDING, Grouping, Selection


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked of the ledger at a basis.

    What only chooses among the rows is left out of its representation, by which kept answers are known.
    """

    name: ClassVar[str] = ""
    stands_on: ClassVar[tuple[str, ...]] = ()
    """The projections that it is answered from; where another one stopped, it is answered all the same."""

    def chosen(self) -> dict[str, str]:
        """Return the parameters that choose among its rows, as its address says them."""
        return {}


@dataclass(frozen=True, slots=True)
class CyclesList(Question):
    """Which cycles are there, and where does each stand?"""

    name: ClassVar[str] = "cycles"
    stands_on: ClassVar[tuple[str, ...]] = ("board",)


@dataclass(frozen=True, slots=True)
class BoardOf(Question):
    """What does every objective of a cycle look like?"""

    name: ClassVar[str] = "board"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board")
    cycle: str


@dataclass(frozen=True, slots=True)
class CommitmentsOf(Question):
    """What was committed for a cycle, each objective at its own line?"""

    name: ClassVar[str] = "commitments"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board", "commitments")
    cycle: str


@dataclass(frozen=True, slots=True)
class DriftOf(Question):
    """How did the commitments of a cycle, or of one objective or key result, change since their lines?"""

    name: ClassVar[str] = "drift"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board", "commitments", "decisions", "drift")
    cycle: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryOf(Question):
    """What was recorded about an objective or a key result?"""

    name: ClassVar[str] = "history"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board", "history", "decisions")
    item: str


@dataclass(frozen=True, slots=True)
class DecisionsOf(Question):
    """Which decisions touch a cycle, an objective or a key result; or all of them?

    `to_confirm` is a person's identifier: only those that this person is said to have taken and has not confirmed.
    """

    name: ClassVar[str] = "decisions"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board", "commitments", "decisions")
    cycle: str | None = None
    item: str | None = None
    to_confirm: str | None = field(default=None, repr=False)

    def chosen(self) -> dict[str, str]:
        """Return the parameters that choose among its rows, as its address says them."""
        return {} if self.to_confirm is None else {"to_confirm": self.to_confirm}


@dataclass(frozen=True, slots=True)
class FindingsOf(Question):
    """What would an auditor ask about a cycle, an objective or a key result; or about anything?

    `select` leaves the others out, `group_by` adds the groups.
    """

    name: ClassVar[str] = "findings"
    stands_on: ClassVar[tuple[str, ...]] = ("facts", "board", "commitments", "decisions", "drift", "findings")
    cycle: str | None = None
    item: str | None = None
    select: Selection = field(default=EVERY_FINDING, repr=False)
    group_by: Grouping | None = field(default=None, repr=False)

    def chosen(self) -> dict[str, str]:
        """Return the parameters that choose among its rows, as its address says them."""
        return self.select.said() | ({} if self.group_by is None else {"group_by": self.group_by})


@dataclass(frozen=True, slots=True)
class PeopleList(Question):
    """Who is here, who left, who is on leave?"""

    name: ClassVar[str] = "people"
    stands_on: ClassVar[tuple[str, ...]] = ("facts",)


@dataclass(frozen=True, slots=True)
class TeamsList(Question):
    """Which teams are there?"""

    name: ClassVar[str] = "teams"
    stands_on: ClassVar[tuple[str, ...]] = ("facts",)


@dataclass(frozen=True, slots=True)
class PolicyOf(Question):
    """Which policy rules?"""

    name: ClassVar[str] = "policy"
    stands_on: ClassVar[tuple[str, ...]] = ("facts",)
