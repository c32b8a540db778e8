"""What answers about the present share while nothing but check-ins is recorded: then only their objectives change.

A check-in or a measured value that supersedes nothing, cites no decision and names no source touches the states and
the history of its own objective; lines, changes, decisions, findings, cycles, people, teams and policies stay as they
are. Anything else begins a new stretch, in which everything is read anew.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import orjson

from ledger.codec import RawEntry
from replay.pieces import Book, Told

PLAIN: Final = frozenset({"key_result.checked_in", "key_result.measured"})
_MORE: Final = frozenset({"supersedes", "decision", "source"})
"""What an entry must not say to touch its own objective only."""
MOST_FOLLOWED: Final = 500
"""Entries that are read to follow the ledger; who is further behind begins anew."""
MOST_KEPT: Final = 20_000
THINGS_KEPT, TRIFLES_KEPT = 32, 4_096
TOLD_KEPT: Final = 16_000
"""Entries of histories, each of some 2.5 KB as it was read, completed and spelled."""
VERSIONS_KEPT: Final = 4
"""Of the states of a cycle: an answer that began a little earlier is given from an earlier version."""
T = TypeVar("T")


class LedgerToFollow(Protocol):
    """What a trail needs of a ledger."""

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]: ...


class LatestPage:
    """The entries that were read last, for all who follow the ledger and so ask for the same; safe for threads."""

    def __init__(self, ledger: LedgerToFollow) -> None:
        self._ledger = ledger
        self._kept: tuple[int, int, list[RawEntry]] | None = None

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]:
        """Return what the ledger's `read_page` does; what was asked for last is not read again."""
        kept = self._kept
        if kept is not None and kept[:2] == (after, until) and len(kept[2]) == kept[1] - kept[0] <= limit:
            return kept[2]
        rows = self._ledger.read_page(after, limit, until)
        if until is not None and len(rows) <= MOST_FOLLOWED:
            self._kept = after, until, rows
        return rows

    def forget(self) -> None:
        """Keep nothing any more: the ledger is of another past."""
        self._kept = None


class Trail:
    """Which objectives the latest entries touch, as far as they touch nothing else; safe for threads."""

    def __init__(self, ledger: LedgerToFollow) -> None:
        self._ledger = ledger
        self._reading = threading.Lock()
        self._guard = threading.Lock()
        """Never held while the database is asked: the event loop takes it."""
        self._from: int | None = None
        self._touched: list[str | None] = []
        self._turns: list[int] = []

    def follow(self, position: int) -> None:
        """Bring the trail up to a position that the ledger holds."""
        if self.reaches(position):
            return
        with self._reading:
            begin, after = self._from, self._reached
            if begin is not None and position <= after:  # somebody else read on meanwhile
                return
            rows: list[RawEntry] = []
            if begin is not None and position <= after + MOST_FOLLOWED:
                rows = self._ledger.read_page(after, MOST_FOLLOWED, position)
            touched = [_touched_by(row) for row in rows]
            with self._guard:
                if not rows or [row.position for row in rows] != list(range(after + 1, position + 1)):
                    self._from, self._touched, self._turns = position, [], []
                else:
                    self._take(rows, touched)

    def _take(self, rows: Sequence[RawEntry], touched: Sequence[str | None]) -> None:
        self._turns += [row.position for row, one in zip(rows, touched, strict=True) if one is None]
        self._touched += touched
        if self._from is not None and len(self._touched) > 2 * MOST_KEPT:
            self._from += MOST_KEPT
            del self._touched[:MOST_KEPT]
            self._turns = [one for one in self._turns if one > self._from]

    def forget(self) -> None:
        """Know nothing any more: the ledger is of another past."""
        with self._reading, self._guard:
            self._from, self._touched, self._turns = None, [], []

    @property
    def turn(self) -> int | None:
        """The last position known at which something else than a check-in was recorded."""
        with self._guard:
            return self._turns[-1] if self._turns else self._from

    def is_plain(self, after: int, until: int) -> bool:
        """Return whether nothing but check-ins was recorded after one position up to another; no is also *unknown*."""
        with self._guard:
            return self._is_plain(after, until)

    def touched(self, after: int, until: int) -> frozenset[str] | None:
        """Return the objectives checked in on after a position up to another; None where more was recorded."""
        with self._guard:
            if self._from is None or not self._is_plain(after, until):
                return None
            found = self._touched[after - self._from : until - self._from]
            return frozenset(one for one in found if one is not None)

    def reaches(self, position: int) -> bool:
        """Return whether the trail has come to a position."""
        with self._guard:
            return self._from is not None and position <= self._reached

    @property
    def _reached(self) -> int:
        return (self._from or 0) + len(self._touched)

    def _is_plain(self, after: int, until: int) -> bool:
        if self._from is None or not self._from <= after <= until <= self._reached:
            return False
        return bisect_right(self._turns, after) == bisect_right(self._turns, until)


def _touched_by(row: RawEntry) -> str | None:
    """Return the objective of a plain check-in; None for any other entry."""
    if row.name not in PLAIN or not row.stream.startswith("objective:"):
        return None
    return None if orjson.loads(row.data).keys() & _MORE else row.stream.partition(":")[2]


@dataclass(frozen=True, slots=True)
class _Version:
    position: int
    states: dict[str, Any]
    places: Mapping[str, int]


class Stretch:
    """What was read since a position, after which nothing but check-ins was recorded; safe for threads."""

    def __init__(self, trail: Trail, generation: int, since: int) -> None:
        self.generation = generation
        self.since = since
        self._trail = trail
        self._guard = threading.RLock()
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self._trifles: OrderedDict[Hashable, Any] = OrderedDict()
        self._told: OrderedDict[Hashable, Told] = OrderedDict()
        self._told_rows = 0

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what check-ins do not change, made once."""
        return self._made(self._things, key, make, THINGS_KEPT)

    def trifle(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return something small that check-ins do not change, made once; None is not kept."""
        return self._made(self._trifles, key, make, TRIFLES_KEPT)

    def _made(self, kept: OrderedDict[Hashable, Any], key: Hashable, make: Callable[[], T], most: int) -> T:
        with self._guard:
            if key in kept:
                kept.move_to_end(key)
                found: T = kept[key]
                return found
        made = make()
        if made is None:
            return made
        with self._guard:
            made = kept.setdefault(key, made)
            while len(kept) > most:
                kept.popitem(last=False)
        return made

    def book(self, *key: Hashable) -> Book:
        """Return the book in which the rows of one kind of answer are kept."""
        return self.get(("book", *key), Book)

    def told(self, *key: Hashable) -> Told:
        """Return what is kept of the history of an item; `weigh` it once it was brought up."""
        with self._guard:
            found = self._told.setdefault(key, Told())
            self._told.move_to_end(key)
            return found

    def weigh(self, told: Told, *key: Hashable) -> None:
        """Count the entries of a history; leave those out that were not asked for longest, where there are too many."""
        with self._guard:
            if self._told.get(key) is not told:
                return
            rows = len(told.read[1])
            self._told_rows += rows - told.weight
            told.weight = rows
            while self._told_rows > TOLD_KEPT:
                _, oldest = self._told.popitem(last=False)
                self._told_rows -= oldest.weight

    def states(
        self,
        cycle: str,
        position: int,
        read: Callable[[], dict[str, Any]],
        read_some: Callable[[Sequence[str]], Iterable[dict[str, Any]]],
    ) -> dict[str, Any]:
        """Return the states of a cycle at a position; only those are read that changed since a kept version."""
        versions: list[_Version] = self.get(("states", cycle), list)
        base = max((one for one in tuple(versions) if one.position <= position), default=None, key=_place)
        if base is not None and base.position == position:
            return base.states
        states = None if base is None else self._moved(base, position, read_some)
        if states is None:
            states = read()
        if base is None or states is not base.states:
            places = {one["id"]: place for place, one in enumerate(states["objectives"])}
            with self._guard:
                versions.append(_Version(position, states, places))
                versions.sort(key=_place)
                del versions[:-VERSIONS_KEPT]
        return states

    def _moved(
        self,
        base: _Version,
        position: int,
        read_some: Callable[[Sequence[str]], Iterable[dict[str, Any]]],
    ) -> dict[str, Any] | None:
        """Return a version brought up to a position; None where that is not known."""
        touched = self._trail.touched(base.position, position)
        if touched is None:
            return None
        touched = touched & base.places.keys()
        if not touched:
            return base.states
        objectives = list(base.states["objectives"])
        changed = {one["id"]: one for one in read_some(sorted(touched))}
        if changed.keys() != touched:
            return None
        for name, state in changed.items():
            objectives[base.places[name]] = state
        return {**base.states, "objectives": objectives}


def _place(version: _Version) -> int:
    return version.position


class Stretches:
    """The present stretch of one ledger."""

    def __init__(self, ledger: LedgerToFollow) -> None:
        self.trail = Trail(ledger)
        self._guard = threading.Lock()
        self._present: Stretch | None = None

    def forget(self) -> None:
        """Keep nothing any more: the ledger is of another past."""
        self.trail.forget()
        with self._guard:
            self._present = None

    def at(self, generation: int, position: int) -> Stretch | None:
        """Return the stretch in which a position lies; None for one before it."""
        self.trail.follow(position)
        with self._guard:
            found = self._present
            if found is not None and found.generation == generation:
                if self.trail.is_plain(found.since, position):
                    return found
                if position < found.since:
                    return None
            self._present = Stretch(self.trail, generation, position)
            return self._present
