"""A request on its way to what it asks for: how long it waits for its work to begin, and what if it does not.

Who waits too long is told so, and nothing was done; who leaves is not worked for. What has begun is carried through:
of a command nobody may be in doubt.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Generic, Literal, TypeVar

T = TypeVar("T")
End = Literal["waited", "left", "gone"]
"""Why a request is not worked for: it waited too long, its caller said nothing more and left, or is gone for sure."""
HURRIED_SECONDS: Final = 1.0
"""How long whoever says nothing more may wait: half a connection and none look the same until an answer is sent."""
LOOK_AGAIN: Final = 1.0
"""Seconds after which it is looked again whether somebody waits whose work had begun when the time was over."""
VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)
"""The request that this task answers; None in what is made for many."""
ERRAND: ContextVar[Errand | None] = ContextVar("errand", default=None)
"""The work that this task is made for, where many may wait for it."""


class Errand:
    """One piece of work that somebody waits for: it begins, or all who waited leave before; never both."""

    __slots__ = ("_guard", "_has_begun", "_is_over", "_waiting", "_when_over")

    def __init__(self, when_over: Callable[[], object] | None = None) -> None:
        """Make one for which nobody waits yet; `when_over` is called where all left before it began."""
        self._guard = threading.Lock()
        self._waiting = 0
        self._has_begun = self._is_over = False
        self._when_over = when_over

    def join(self) -> bool:
        """Wait for it; return False where all have left before it began, so that it never will."""
        with self._guard:
            self._waiting += not self._is_over
            return not self._is_over

    def leave(self) -> bool:
        """Wait no longer, unless it has begun; return whether it had not."""
        with self._guard:
            if self._has_begun:
                return False
            self._waiting -= 1
            self._is_over = over = self._waiting <= 0
        if over and self._when_over is not None:
            self._when_over()
        return True

    def forget(self) -> None:
        """Tell nobody any more that all have left: it is done."""
        self._when_over = None

    def begin(self) -> bool:
        """Begin, from any thread; return False where nobody waits any longer."""
        with self._guard:
            self._has_begun = self._has_begun or not self._is_over
            return self._has_begun


class Visit:
    """One request, from the moment at which it is whole until its answer begins; belongs to the event loop."""

    __slots__ = ("_errand", "_loop", "_seconds", "_task", "_timer", "ended", "is_hurried")

    def __init__(self, seconds: float, since: float) -> None:
        """Let the task that runs wait for its work for so many seconds since then; 0 is no bound."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._seconds = seconds
        self._errand: Errand | None = None
        self.ended: End | None = None
        """Why the task was cancelled."""
        self.is_hurried = False
        """Whether the caller says nothing more."""
        self._timer: asyncio.TimerHandle | None = None
        self.count_from(since)

    def count_from(self, since: float) -> None:
        """Count from this moment of the loop's clock: what the caller took to send the request is not the server's."""
        if self.is_hurried:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._seconds:
            self._timer = self._loop.call_at(since + self._seconds, self._over, "waited")

    def rest(self) -> None:
        """Count no longer until `count_from`: the caller is still sending the request."""
        if self._timer is not None and not self.is_hurried:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Count no longer: the answer begins, or there is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._task = None

    def leave(self) -> None:
        """Hear that the caller has left: what has not begun is not begun any more."""
        self._end("gone")

    def hurry(self) -> None:
        """Hear that the caller says nothing more: most who do that have left, some wait for their answer."""
        self.is_hurried = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(HURRIED_SECONDS, self._over, "left")

    @contextmanager
    def aboard(self, errand: Errand) -> Iterator[None]:
        """Wait for this work within the block."""
        joined = errand.join()
        self._errand = errand if joined else None
        try:
            yield
        finally:
            if joined and self._errand is errand:
                errand.leave()
            self._errand = None

    def _over(self, why: End) -> None:
        self._timer = None
        if not self._end(why):
            self._timer = self._loop.call_later(LOOK_AGAIN, self._over, why)

    def _end(self, why: End) -> bool:
        """Cancel what waits, unless its work has begun; return whether it is done with."""
        if self._task is None or self.ended is not None:
            return True
        if self._errand is not None:
            if not self._errand.leave():
                return False
            self._errand = None
        self.ended = why
        self._task.cancel()
        return True


@contextmanager
def aboard(errand: Errand) -> Iterator[None]:
    """Let the request that this task answers, or this task itself, wait for some work within the block."""
    visit = VISIT.get()
    if visit is not None:
        with visit.aboard(errand):
            yield
        return
    joined = errand.join()
    try:
        yield
    finally:
        if joined:
            errand.leave()


class Making(Generic[T]):
    """Something that is made once for all who wait for it; it is given up where all leave before its work begins."""

    __slots__ = ("errand", "made")

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        """Begin to make it in a task of its own, which no visitor's end ends."""
        self.errand = Errand(self._give_up)
        self.made: asyncio.Task[T] = asyncio.ensure_future(self._run(make))
        self.made.add_done_callback(self._ended)

    async def _run(self, make: Callable[[], Awaitable[T]]) -> T:
        VISIT.set(None)
        ERRAND.set(self.errand)
        return await make()

    def _give_up(self) -> None:
        self.made.cancel()

    def _ended(self, made: asyncio.Task[T]) -> None:
        """Take note of an error, for whoever waited may have left; and leave no circle."""
        self.errand.forget()
        if not made.cancelled():
            made.exception()

    async def wait(self) -> None:
        """Wait until it is made, has failed, or was given up."""
        with aboard(self.errand):
            await asyncio.wait([self.made])

    def found(self) -> T | None:
        """Return what was made; None where it failed or was given up."""
        return None if self.made.cancelled() or self.made.exception() else self.made.result()


def visit_of(scope: Any) -> Visit | None:
    """Return the visit of a request by its scope, where it has one."""
    found: Visit | None = scope.get("state", {}).get("visit")
    return found
