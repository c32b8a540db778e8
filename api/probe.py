"""The probe: where the ledger stands just now, asked once for all who wait.

A probe serves every request that arrived before it began, never one that arrived after: that one waits for the next.
So no request is ever answered from before its own arrival, and a hundred readers cost the database one question.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from queue import SimpleQueue
from typing import Final, Protocol, TypeGuard

from projections.base import Generation
from projections.bookmarks import Standing as Stand

AGAIN_SECONDS: Final = 1.0
"""How long after a glance was made, or could not be made, another one is made at the earliest."""


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


class Glances(Protocol):
    """A question that is sent and whose answer is taken without waiting; any error means that it is of no use."""

    def fileno(self) -> int: ...
    def send(self) -> None: ...
    def take(self) -> tuple[Stand | None] | None: ...
    def close(self) -> None: ...


Look = Callable[[], Standing]
Judge = Callable[[Stand | None], "Standing | Look"]
"""Takes what a glance found; returns where the ledger stands, or the look that it takes to know."""
_Flight = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Standing]", Look]


class Probe:
    """Ask `look`, at most one at a time, in a thread of its own.

    With `glance` and `judge` the event loop asks by itself, on a connection of its own which `glance` makes once a look
    went well; the thread looks only where that does not suffice, as after an entry that nobody has read yet.
    """

    def __init__(
        self, look: Look, glance: Callable[[], Glances] | None = None, judge: Judge | None = None
    ) -> None:
        self._look = look
        self._make_glance = glance if judge is not None else None
        self._judge = judge
        self._boarding: asyncio.Future[Standing] | None = None
        self._is_flying = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flights: SimpleQueue[_Flight | None] | None = None
        """What the thread is told; None without one."""
        self._glance: Glances | None = None
        self._glancing: asyncio.Future[Standing] | None = None
        """The flight for which the glance was sent."""
        self._tried_at = -AGAIN_SECONDS
        self._opening: threading.Thread | None = None

    async def standing(self) -> Standing:
        """Return where the ledger stands at a moment after this call began."""
        loop = asyncio.get_running_loop()
        if self._loop is not None and self._loop.is_closed():  # with it ended whoever was on the way
            self._boarding, self._is_flying = None, False
            self._shut()
        self._loop = loop
        if self._boarding is None:
            self._boarding = loop.create_future()
        flight = self._boarding
        if not self._is_flying:
            self._is_flying = True
            flight.get_loop().call_soon(self._depart)  # whoever comes in the same turn comes along
        return await asyncio.shield(flight)

    def _depart(self) -> None:
        """Look for those who wait; those who come from now on wait for the next look."""
        flight, self._boarding = self._boarding, None
        self._is_flying = flight is not None
        if flight is None:
            return
        if self._glance is not None:
            try:
                self._glance.send()
            except Exception:  # noqa: BLE001 (the look will meet it too, or it was this connection alone)
                self._shut()
            else:
                self._glancing = flight
                return
        self._send(flight, self._look)

    def _send(self, flight: asyncio.Future[Standing], look: Look) -> None:
        """Let the thread look."""
        if self._flights is None:
            self._flights = SimpleQueue()
            threading.Thread(target=self._fly, args=(self._flights,), name="probe", daemon=True).start()
        self._flights.put((flight.get_loop(), flight, look))

    def _fly(self, flights: SimpleQueue[_Flight | None]) -> None:
        """Look each time that somebody waits, until the end."""
        while (asked := flights.get()) is not None:
            loop, flight, look = asked
            found: Standing | Exception
            try:
                found = look()
            except BaseException as error:  # noqa: BLE001 (handed to everyone who waits)
                found = error if _can_be_handed(error) else RuntimeError(f"The look ended: {error!r}")
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(self._land, flight, found)
            if self._glance is None and isinstance(found, Standing):
                self._open(loop)

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

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a glance made for the event loop, beside the thread, which goes on looking: it may take long."""
        make, now = self._make_glance, time.monotonic()
        is_opening = self._opening is not None and self._opening.is_alive()
        if make is None or is_opening or now - self._tried_at < AGAIN_SECONDS:
            return
        self._tried_at = now
        self._opening = threading.Thread(target=self._made, args=(make, loop), name="glance", daemon=True)
        self._opening.start()

    def _made(self, make: Callable[[], Glances], loop: asyncio.AbstractEventLoop) -> None:
        """Make a glance and hand it to the event loop."""
        with suppress(Exception):
            glance = make()
            try:
                loop.call_soon_threadsafe(self._watch, glance)
            except RuntimeError:  # the loop was closed
                glance.close()

    def _watch(self, glance: Glances) -> None:
        """Ask by this glance from now on."""
        loop = asyncio.get_running_loop()
        if self._make_glance is None or self._glance is not None or loop is not self._loop:
            glance.close()
            return
        self._glance = glance
        loop.add_reader(glance.fileno(), self._seen)

    def _seen(self) -> None:
        """Take what was answered; where it does not say enough, let the thread look."""
        glance, judge = self._glance, self._judge
        if glance is None or judge is None:
            return
        flight = self._glancing
        try:
            answer = glance.take()
            if answer is None:
                return
            found = judge(answer[0])
        except Exception:  # noqa: BLE001 (whatever it was, the look says it to those who wait)
            self._shut()
            found = self._look
        self._glancing = None
        if flight is None:
            return
        if isinstance(found, Standing):
            self._land(flight, found)
        else:
            self._send(flight, found)

    def _shut(self) -> None:
        """Give the glance up."""
        glance, self._glance, self._glancing = self._glance, None, None
        if glance is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(glance.fileno())
        glance.close()

    def close(self) -> None:
        """End the thread once it has looked, and the glance; whoever still asks gets another thread."""
        self._make_glance = None
        flight = self._glancing
        self._shut()
        if flight is not None:
            self._send(flight, self._look)
        if self._flights is not None:
            self._flights.put(None)
            self._flights = None


def _can_be_handed(error: BaseException) -> TypeGuard[Exception]:
    """Return whether an error may be raised by whoever waits; one that ends a loop or a generator may not."""
    return isinstance(error, Exception) and not isinstance(error, (StopIteration, StopAsyncIteration))
