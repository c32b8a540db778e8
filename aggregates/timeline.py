"""A timeline: the facts of one attribute, ordered by the clock on which they became true."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from aggregates.frozen import dataclass

T = TypeVar("T")
Moment = date | datetime


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One value of an attribute: from when it is true, and the position that says so."""

    effective_at: Moment
    position: int
    value: T

    def order(self) -> tuple[Moment, int]:
        """Return what decides between two facts: the later moment, then the later position."""
        return (self.effective_at, self.position)


def _order(fact: Fact[T]) -> tuple[Moment, int]:
    return fact.order()


@dataclass(frozen=True, slots=True)
class Timeline(Generic[T]):
    """The facts of one attribute, without those that were superseded; a timeline holds instants or days, never both."""

    facts: tuple[Fact[T], ...] = ()

    def with_fact(self, effective_at: Moment, position: int, value: T) -> Timeline[T]:
        """Return the timeline with one more fact in its place."""
        fact = Fact(effective_at, position, value)
        if not self.facts:
            return Timeline((fact,))
        latest = self.facts[-1]
        if (latest.effective_at, latest.position) <= (effective_at, position):
            return Timeline((*self.facts, fact))
        facts = list(self.facts)
        insort(facts, fact, key=_order)
        return Timeline(tuple(facts))

    def without(self, position: int | None) -> Timeline[T]:
        """Return the timeline without the fact recorded at this position."""
        if position is None or all(fact.position != position for fact in self.facts):
            return self
        return Timeline(tuple(fact for fact in self.facts if fact.position != position))

    def fact_at(self, moment: Moment) -> Fact[T] | None:
        """Return the fact that is true at this moment, or None before the first."""
        place = bisect_right(self.facts, moment, key=lambda fact: fact.effective_at)
        return self.facts[place - 1] if place else None

    def at(self, moment: Moment) -> T | None:
        """Return the value that is true at this moment, or None before the first."""
        fact = self.fact_at(moment)
        return fact.value if fact else None

    @property
    def latest(self) -> Fact[T] | None:
        """Return the fact with the greatest (moment, position)."""
        return self.facts[-1] if self.facts else None

    @property
    def now(self) -> T | None:
        """Return the value of the latest fact."""
        return self.facts[-1].value if self.facts else None

    @property
    def present(self) -> T:
        """Return the value of the latest fact of an attribute that is set from the beginning.

        Raises:
            LookupError: the timeline is empty.
        """
        if not self.facts:
            raise LookupError("Nothing is known of this attribute yet.")
        return self.facts[-1].value

    def __iter__(self) -> Iterator[Fact[T]]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)


EMPTY: Timeline[Any] = Timeline()
"""The timeline of an attribute of which nothing is known yet."""
