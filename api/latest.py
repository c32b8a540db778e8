"""The newest answers about the present: kept as bytes, moved on where nothing changed them, made once for all."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from api.kept import Kept, Shelf
from api.visits import Making
from replay.questions import Reader

LATELY_SECONDS: Final = 0.5
"""How old a present answer may be while every place for answering is taken; its basis says its position."""
LATEST_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Lately:
    """The newest answer of its kind: since when it may be outdated, at which position, and where it is kept."""

    at: float
    position: int
    key: tuple[Any, ...]


class _Making(Making[Kept]):
    """An answer that is being made: for which position, under which names, and what is wanted after it."""

    __slots__ = ("following", "names", "position")

    def __init__(self, position: int, names: int, make: Callable[[], Awaitable[Kept]]) -> None:
        """Begin to make it."""
        self.position = position
        self.names = names
        self.following: tuple[int, Callable[[], Awaitable[Kept]]] | None = None
        super().__init__(make)

    def is_waited_for(self, position: int, make: Callable[[], Awaitable[Kept]]) -> None:
        """Remember what is wanted at the latest position, where this answer will not do."""
        if position > self.position and (self.following is None or position > self.following[0]):
            self.following = (position, make)

    def latest(
        self, position: int, make: Callable[[], Awaitable[Kept]]
    ) -> tuple[int, Callable[[], Awaitable[Kept]]]:
        """Return what is wanted after this one at the latest position, this position included."""
        return self.following if self.following and self.following[0] > position else (position, make)

    def for_who_waits(self, position: int, names: int) -> Kept | None:
        """Return what was made, for somebody who waits at this position; None where that is not good enough."""
        return None if self.position < position or self.names != names else self.found()

    def raise_for_who_waits(self, position: int) -> None:
        """Raise what kept it from being made, for somebody who waits at this position: each who tried it again would
        let all others wait for as long."""
        error = None if self.position < position or self.made.cancelled() else self.made.exception()
        if error is not None:
            raise error.with_traceback(None)


class Latest:
    """What was answered lately, by kind of answer; belongs to the event loop.

    A kind (`family`) is the question with everything that an answer depends on but the position.
    """

    def __init__(self, reader: Reader, is_busy: Callable[[], bool]) -> None:
        """Keep answers of a reader; `is_busy` says whether every place for answering is taken."""
        self.shelf = Shelf()
        self._reader = reader
        self._is_busy = is_busy
        self._known: OrderedDict[tuple[Any, ...], _Lately] = OrderedDict()
        self._making: dict[tuple[Any, ...], _Making] = {}

    def forget(self) -> None:
        """Keep nothing any more: the ledger is of another past."""
        self.shelf, self._known = Shelf(), OrderedDict()

    async def at(
        self, family: tuple[Any, ...], position: int, wanted: int, make: Callable[[], Awaitable[Kept]]
    ) -> Kept:
        """Return the answer at a position, made anew when it is older than it may be.

        Where every place is taken, one of just now will do that is at least at the `wanted` position. Of one kind one
        answer is made at a time, for whoever waits at the latest position; who waits at an earlier one takes that. So
        a queue never asks for answers that are outdated already.
        """
        kept = self._lately(family, wanted) or self._ready(family, position)
        last: _Making | None = None
        while kept is None:
            making = self._making.get(family)
            if making is None:
                following = (position, make) if last is None else last.latest(position, make)
                making = self._begin(family, *following)
                await making.wait()
                return making.made.result()
            last = making
            making.is_waited_for(position, make)
            await making.wait()
            kept = making.for_who_waits(position, self._reader.names_version) or self._ready(family, position)
            if kept is None:
                making.raise_for_who_waits(position)
        return kept

    def _begin(self, family: tuple[Any, ...], position: int, make: Callable[[], Awaitable[Kept]]) -> _Making:
        fresh = partial(self._fresh, family, position, make)
        making = self._making[family] = _Making(position, self._reader.names_version, fresh)
        making.made.add_done_callback(lambda _: self._making.pop(family, None))
        return making

    def _ready(self, family: tuple[Any, ...], position: int) -> Kept | None:
        """Return what is there at this position or a later one, or can be moved to it."""
        known = self._known.get(family)
        if known is not None and known.position > position and known.key[0] == self._reader.names_version:
            return self.shelf.get(known.key)
        key = (self._reader.names_version, position, *family)
        kept = self.shelf.get(key) or self._moved(known, key, position)
        if kept is not None:
            self._note(family, position, key, time.monotonic())
        return kept

    async def once(self, family: tuple[Any, ...], make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return an answer that stays as it is but for the names of people."""
        return await self.shelf.get_or_make((self._reader.names_version, *family), make)

    async def _fresh(
        self, family: tuple[Any, ...], position: int, make: Callable[[], Awaitable[Kept]]
    ) -> Kept:
        now = time.monotonic()
        key = (self._reader.names_version, position, *family)
        kept = self.shelf.get(key)
        if kept is None:
            kept = await make()
            self.shelf.put(key, kept)
        self._note(family, position, key, now)
        return kept

    def _note(self, family: tuple[Any, ...], position: int, key: tuple[Any, ...], at: float) -> None:
        """Remember the newest answer of a kind."""
        known = self._known.get(family)
        if known is not None and known.position >= position:
            return
        self._known[family] = _Lately(at, position, key)
        self._known.move_to_end(family)
        if len(self._known) > LATEST_KEPT:
            self._known.popitem(last=False)

    def _moved(self, known: _Lately | None, key: tuple[Any, ...], position: int) -> Kept | None:
        """Return the newest answer of its kind at this position where nothing was recorded since that changes it."""
        if known is None or known.key[0] != key[0] or known.position >= position:
            return None
        kept = self.shelf.get(known.key)
        if kept is None or kept.standpoint is None or kept.standpoint.basis["position"] != known.position:
            return None
        if not self._reader.is_as_it_was(kept.standpoint.rests_on, known.position, position):
            return None
        moved = kept.moved(position)
        self.shelf.put(key, moved)
        return moved

    def _lately(self, family: tuple[Any, ...], wanted: int) -> Kept | None:
        """Return an answer of just now while every place for answering is taken; None where a newer one is wanted.

        With many writers each answer is outdated as soon as it is made, and readers would wait for each other.
        """
        known = self._known.get(family)
        if known is None or not self._is_busy():
            return None
        if known.position < wanted or time.monotonic() - known.at > LATELY_SECONDS:
            return None
        return self.shelf.get(known.key)
