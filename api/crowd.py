"""The crowd at the door: so many requests may be under way, and each waits so long at most until its work begins.

An overloaded server that takes everybody in makes everybody wait, longer and longer, and in the end answers nobody who
still waits. Who comes beyond the number is told to come again at once, who waits too long then; both have lost nothing
by asking. Whose work has begun is answered, however long that takes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.arrivals import arrival_of, has_said_all
from api.logs import SERVER, tell
from api.metrics import Figures
from api.problems import ServerIsBusy
from api.visits import VISIT, Visit

ALWAYS_ANSWERED: Final = frozenset({"/v1/health", "/v1/ready", "/v1/metrics", "/v1/stream"})
"""What tells how the server is, whatever it has to do; and the stream, whose listeners have a bound of their own."""
RETRY_SECONDS: Final = 2
RETRY: Final = {"Retry-After": str(RETRY_SECONDS)}
UNREAD: Final = 0.6
"""Who waited for this share of the time before the request was even read, would wait for nothing; the others have the
rest of it for themselves. A pause of five seconds takes less."""
TOLD_EVERY: Final = 1.0
"""Seconds between two lines of the log about a crowd that lasts."""


class Crowd:
    """Count the requests under way, and answer 503 where there are too many."""

    def __init__(
        self,
        app: ASGIApp,
        answer: Callable[[Request, Any], Any],
        most: int,
        figures: Figures,
        seconds: float = 0,
    ) -> None:
        """Let at most so many in, and each wait for so many seconds; 0 is no bound."""
        self.app = app
        self.answer = answer
        self.most = most
        self.figures = figures
        self.under_way = 0
        self.seconds = seconds
        self._refused = self._tired = 0
        """How many were refused since the last line of the log: at once, and after they waited."""
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        if scope["type"] != "http" or scope["path"] in ALWAYS_ANSWERED:
            await self.app(scope, receive, send)
            return
        if self.seconds and arrival_of(scope) + self.seconds * UNREAD < time.monotonic():
            await self._refuse_late(scope, receive, send)
            return
        if self.most and self.under_way >= self.most:
            self._refused += 1
            await self._refuse("at_once", ServerIsBusy(headers=RETRY), scope, receive, send)
            return
        self.under_way += 1
        self.figures.under_way.set(self.under_way)
        try:
            await self._visited(scope, receive, send)
        finally:
            self.under_way -= 1
            self.figures.under_way.set(self.under_way)

    async def _visited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and see to it that it does not wait too long, nor for somebody who has left."""
        visit = Visit(self.seconds, arrival_of(scope))
        if has_said_all(scope):
            visit.hurry()
        scope.setdefault("state", {})["visit"] = visit
        before = VISIT.set(visit)

        async def send_at_last(message: Message) -> None:
            visit.close()
            await send(message)

        try:
            await self.app(scope, receive, send_at_last)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if visit.ended is None or task is None:
                raise
            task.uncancel()
            if visit.ended == "waited":
                await self._refuse_late(scope, receive, send)
                return
            self.figures.left.inc()
            if visit.ended == "left":  # perhaps somebody reads it
                await self.answer(Request(scope), ServerIsBusy(headers=RETRY))(scope, receive, send)
        finally:
            visit.close()
            VISIT.reset(before)

    async def _refuse_late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 to one who waited too long."""
        self._tired += 1
        fault = ServerIsBusy(
            f"This request waited for {self.seconds:g} seconds and had not begun; nothing was done, so come again "
            "after Retry-After.",
            headers=RETRY,
        )
        await self._refuse("after_waiting", fault, scope, receive, send)

    async def _refuse(
        self, when: str, fault: ServerIsBusy, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer 503, and count it; the first is told at once, those after it together."""
        self.figures.turned_away.labels(when).inc()
        if self._timer is None:
            self._tell()
        await self.answer(Request(scope), fault)(scope, receive, send)

    def _tell(self) -> None:
        """Write how many were refused, and look again a second later; nothing where nobody was."""
        self._timer = None
        if not self._refused and not self._tired:
            return
        told = {"refused": self._refused, "waited_too_long": self._tired, "under_way": self.under_way}
        tell(SERVER, logging.WARNING, "more is asked than can be answered", told)
        self._refused = self._tired = 0
        self._timer = asyncio.get_running_loop().call_later(TOLD_EVERY, self._tell)
