"""The crowd at the door: so many requests may be under way; who comes beyond that is told to come again, at once.

An overloaded server that takes everybody in makes everybody wait, longer and longer, and in the end answers nobody who
still waits. Who is inside is answered, however long that takes; who is not has lost nothing by asking.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.logs import SERVER, tell
from api.metrics import Figures
from api.problems import ServerIsBusy

ALWAYS_ANSWERED: Final = frozenset({"/v1/health", "/v1/ready", "/v1/metrics", "/v1/stream"})
"""What tells how the server is, whatever it has to do; and the stream, whose listeners have a bound of their own."""
RETRY_SECONDS: Final = 2
TOLD_EVERY: Final = 1.0
"""Seconds between two lines of the log about a crowd that lasts."""


class Crowd:
    """Count the requests under way, and answer 503 where there are too many."""

    def __init__(
        self, app: ASGIApp, answer: Callable[[Request, Any], Any], most: int, figures: Figures
    ) -> None:
        """Let at most so many in; 0 is no bound."""
        self.app = app
        self.answer = answer
        self.most = most
        self.figures = figures
        self.under_way = 0
        self._refused = 0
        """How many were refused since the last line of the log."""
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        if scope["type"] != "http" or scope["path"] in ALWAYS_ANSWERED:
            await self.app(scope, receive, send)
            return
        if self.most and self.under_way >= self.most:
            self._refuse()
            fault = ServerIsBusy(headers={"Retry-After": str(RETRY_SECONDS)})
            await self.answer(Request(scope), fault)(scope, receive, send)
            return
        self.under_way += 1
        self.figures.under_way.set(self.under_way)
        try:
            await self.app(scope, receive, send)
        finally:
            self.under_way -= 1
            self.figures.under_way.set(self.under_way)

    def _refuse(self) -> None:
        """Count one who is refused; the first is told at once, those after it together."""
        self.figures.turned_away.inc()
        self._refused += 1
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        """Write how many were refused, and look again a second later; nothing where nobody was."""
        self._timer = None
        if not self._refused:
            return
        told = {"refused": self._refused, "under_way": self.under_way}
        tell(SERVER, logging.WARNING, "more is asked than can be answered", told)
        self._refused = 0
        self._timer = asyncio.get_running_loop().call_later(TOLD_EVERY, self._tell)
