"""The newest answers about the present: kept as bytes, moved on where nothing changed them, made once for all."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from api.kept import Kept, Shelf
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

    def forget(self) -> None:
        """Keep nothing any more: the ledger is of another past."""
        self.shelf, self._known = Shelf(), OrderedDict()

    async def at(
        self, family: tuple[Any, ...], position: int, wanted: int, make: Callable[[], Awaitable[Kept]]
    ) -> Kept:
        """Return the answer at a position, made anew when it is older than it may be.

        Where every place is taken, one of just now will do that is at least at the `wanted` position.
        """
        return self._lately(family, wanted) or await self._fresh(family, position, make)

    async def once(self, family: tuple[Any, ...], make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return an answer that stays as it is but for the names of people."""
        return await self.shelf.get_or_make((self._reader.names_version, *family), make)

    async def _fresh(
        self, family: tuple[Any, ...], position: int, make: Callable[[], Awaitable[Kept]]
    ) -> Kept:
        now = time.monotonic()
        key = (self._reader.names_version, position, *family)
        known = self._known.get(family)
        kept = self.shelf.get(key) or self._moved(known, key, position)
        if kept is None:
            kept = await self.shelf.get_or_make(key, make)
        known = self._known.get(family)
        if known is None or known.position < position:
            self._known[family] = _Lately(now, position, key)
            self._known.move_to_end(family)
            if len(self._known) > LATEST_KEPT:
                self._known.popitem(last=False)
        return kept

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
