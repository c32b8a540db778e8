"""What a comparison stands on: one version of one source, and what the ledger and the source said before.

A field is compared three ways: what the row says, what the ledger says, and what this source said last. Where only the
source changed, the change is recorded; where only the ledger changed, it stays; where both did, nobody is overruled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from aggregates.command import Command
from aggregates.entry import Source
from aggregates.frozen import dataclass
from aggregates.measures import Measure, Target, check_measure
from aggregates.objective import commands as of_objective
from aggregates.objective.state import Objective
from aggregates.refusals import Refusal
from aggregates.timeline import Fact, Timeline
from aggregates.values import LINE_LENGTH
from aggregates.world import World

T = TypeVar("T")
Build = Callable[[], Command]
ATTRIBUTES = 20
GONE = "it no longer stands in this version"
DECIDER = "changed by source, decider unknown"
"""What is said of an imported change after the line: the source does not say who decided it."""


PREVIEWED = 900_000_000
"""References of a dry run count from here: none is drawn."""


def is_previewed(reference: str) -> bool:
    """Return whether a reference was made up by a dry run."""
    return int(reference.rpartition("-")[2]) > PREVIEWED


@dataclass(frozen=True, slots=True)
class Change:
    """One command and what it changes, in words."""

    command: Command
    words: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that the source says and the ledger does not take over, because the ledger was changed here."""

    field: str
    here: str
    there: str
    why: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One version of one source: when it was, which cycle it speaks of, and whom and what its names mean.

    `at` is the version's instant and `day` its day; `since` is the earliest trace of the items, from which on what
    is new is taken to have stood; `not_before` is the instant of the version before.
    """

    source: str
    version: str
    at: datetime
    day: date
    since: datetime
    cycle: str
    starts_on: date
    ends_on: date
    identity: Callable[[str, str], UUID]
    """From `objective` or `key_result` and a key of the source to the identifier in this ledger."""
    person: Callable[[tuple[str, ...]], UUID | None]
    reference: Callable[[str], str]
    not_before: datetime | None = None
    _said: dict[tuple[int, tuple[str, ...]], Source] = field(default_factory=dict)
    """The source of the row under way: each of its entries comes from there."""

    def said(self, line: int, doubts: tuple[str, ...] = ()) -> Source:
        """Return where an entry comes from."""
        last = self._said.get((line, doubts))
        if last is None:
            self._said.clear()
            last = self._said[line, doubts] = Source(
                name=self.source,
                version=self.version,
                row=f"line {line}" if line else None,
                not_before=self.not_before,
                doubt="; ".join(doubts)[:LINE_LENGTH] or None,
            )
        return last

    def holds(self, day: date) -> bool:
        """Return whether a day lies within the cycle."""
        return self.starts_on <= day <= self.ends_on


class Comparing:
    """Compares a row with the world; what is not overruled is kept in `kept`."""

    def __init__(self, world: World, frame: Frame) -> None:
        self._world, self._frame = world, frame
        self.kept: list[Kept] = []

    def acts(self, line: int, doubts: tuple[str, ...]) -> dict[str, Any]:
        """Return the time and the source of an act of this version."""
        return {"effective_at": self._frame.at, "source": self._frame.said(line, doubts)}

    def new_or_now(self, state: Objective, line: int) -> dict[str, Any]:
        """Return the time of an act that completes a new item: no earlier than what was already recorded of it."""
        return {"effective_at": max(self._frame.since, state.last_act_at), "source": self._frame.said(line)}

    def changed(self, field: str, known: Timeline[T], wanted: T, words: Callable[[T], str]) -> bool:
        """Return whether the source changed a field; what was changed here is kept and noted."""
        latest = known.latest
        if latest is None or latest.value == wanted:
            return latest is None
        last = self.last_of_source(known)
        if last is None or last.position == latest.position:
            return True
        if last.value != wanted:
            why = "changed here and in the source; decide, and record it here"
            self.kept.append(Kept(field, words(latest.value), words(wanted), why))
        else:
            self.kept.append(
                Kept(field, words(latest.value), words(wanted), "changed here, not in the source")
            )
        return False

    def said_last(self, known: Timeline[T]) -> T | None:
        """Return what this source said last of an attribute."""
        last = self.last_of_source(known)
        return None if last is None else last.value

    def last_of_source(self, known: Timeline[T], until: date | None = None) -> Fact[T] | None:
        """Return the latest fact that this source told, up to a day."""
        for fact in reversed(known.facts):
            if until is not None and fact.effective_at > until:
                continue
            entry = self._world.entry(fact.position)
            source = None if entry is None else entry.circumstances.source
            if source is not None and source.name == self._frame.source:
                return fact
        return None

    def note(
        self, line: int, home: UUID, key_result: UUID | None, attributes: Any, known: Timeline[Any] | None
    ) -> Iterator[Change]:
        """Give what is kept of a row as the source has it, where it is something else than before."""
        if not attributes:
            return
        told = dict(list(attributes.items())[:ATTRIBUTES])
        if known is not None and known.now == tuple(sorted(told.items())):
            return
        state = self._world.objective(home)
        at = (
            self._frame.at
            if known is not None or state is None
            else max(self._frame.since, state.last_act_at)
        )
        command = of_objective.NoteSource(
            objective=home,
            key_result=key_result,
            attributes=told,
            effective_at=at,
            source=self._frame.said(line),
        )
        yield Change(command, f"kept from the source: {', '.join(told)}")


def fits(measure: Measure, baseline: Decimal | None, target: Target) -> bool:
    """Return whether a baseline and a target fit a measure: which of two changes has to come first."""
    try:
        check_measure(measure, baseline, target)
    except Refusal:
        return False
    return True
