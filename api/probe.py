"""The probe: where the ledger stands just now, asked once for all who wait.

A probe serves every request that arrived before it began, never one that arrived after: that one waits for the next.
So no request is ever answered from before its own arrival, and a hundred readers cost the database one question.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from queue import SimpleQueue
from typing import TypeGuard

from projections.base import Generation


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the ledger stands: the smallest bookmark, the last position, the day by the database's clock.

    `bookmarks` says how far each projection of the `generation` that is read is, for a question that does not stand on
    all of them.
    """

    position: int
    head: int
    today: date
    bookmarks: Mapping[str, int] = field(default_factory=dict)
    generation: Generation | None = None

    def position_of(self, names: Iterable[str]) -> int:
        """Return the smallest bookmark among these projections."""
        return min((self.bookmarks[name] for name in names if name in self.bookmarks), default=self.position)


_Flight = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Standing]"]


class Probe:
    """Ask `look` in a thread of its own, at most one at a time."""

    def __init__(self, look: Callable[[], Standing]) -> None:
        self._look = look
        self._boarding: asyncio.Future[Standing] | None = None
        self._is_flying = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flights: SimpleQueue[_Flight | None] | None = None
        """What the thread is told; None without one."""

    async def standing(self) -> Standing:
        """Return where the ledger stands at a moment after this call began."""
        if self._loop is not None and self._loop.is_closed():  # with it ended whoever was on the way
            self._boarding, self._is_flying = None, False
        self._loop = asyncio.get_running_loop()
        if self._boarding is None:
            self._boarding = asyncio.get_running_loop().create_future()
        flight = self._boarding
        if not self._is_flying:
            self._is_flying = True
            flight.get_loop().call_soon(self._depart)  # whoever comes in the same turn comes along
        return await asyncio.shield(flight)

    def _depart(self) -> None:
        """Let the thread look for those who wait; those who come from now on wait for the next look."""
        flight, self._boarding = self._boarding, None
        self._is_flying = flight is not None
        if flight is None:
            return
        if self._flights is None:
            self._flights = SimpleQueue()
            threading.Thread(target=self._fly, args=(self._flights,), name="probe", daemon=True).start()
        self._flights.put((flight.get_loop(), flight))

    def _fly(self, flights: SimpleQueue[_Flight | None]) -> None:
        """Look each time that somebody waits, until the end."""
        while (asked := flights.get()) is not None:
            loop, flight = asked
            found: Standing | Exception
            try:
                found = self._look()
            except BaseException as error:  # noqa: BLE001 (handed to everyone who waits)
                found = error if _can_be_handed(error) else RuntimeError(f"The look ended: {error!r}")
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(self._land, flight, found)

    def _land(self, flight: asyncio.Future[Standing], found: Standing | Exception) -> None:
        """Hand over what was found, and look again for those who came meanwhile."""
        self._depart()
        if flight.done():
            return
        if isinstance(found, Exception):
            flight.set_exception(found)
            flight.exception()  # whoever waits raises it; a flight that everybody left is not worth a warning
        else:
            flight.set_result(found)

    def close(self) -> None:
        """End the thread once it has looked; whoever still asks gets another."""
        if self._flights is not None:
            self._flights.put(None)
            self._flights = None


def _can_be_handed(error: BaseException) -> TypeGuard[Exception]:
    """Return whether an error may be raised by whoever waits; one that ends a loop or a generator may not."""
    return isinstance(error, Exception) and not isinstance(error, (StopIteration, StopAsyncIteration))
