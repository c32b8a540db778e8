"""What is known of every request: an identifier, a line in the log, a figure, and what its span may say.

Pure ASGI, and the outermost layer: it sees each answer as it is sent, those of accidents included.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import REQUESTS, tell
from api.metrics import NOWHERE, Figures
from api.problems import ServerIsBusy, code_of

GONE: Final = 499
"""The status in log and figures of a request whose caller left before it was answered."""
BUSY: Final = code_of(ServerIsBusy)
QUIET: Final = frozenset({"/v1/health", "/v1/ready", "/v1/metrics"})
"""What machines ask every few seconds: it is logged only when it is refused."""


@dataclass(slots=True)
class _Seen:
    """What one request came to."""

    status: int = GONE
    sent: int = 0
    position: int | None = None
    route: str = NOWHERE
    begun: float = field(default_factory=time.perf_counter)


class Watch:
    """Give each request an identifier, under which its entries and its log lines stand; tell what became of it."""

    def __init__(self, app: ASGIApp, new_id: Callable[[], UUID], figures: Figures) -> None:
        self.app = app
        self.new_id = new_id
        self.figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `request_id` in its state."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier = str(self.new_id())
        state = scope.setdefault("state", {})
        state["request_id"] = identifier
        seen = _Seen()
        span = trace.get_current_span()
        traced = span.is_recording()
        if traced:
            span.set_attributes({"url.path": "", "url.query": "", "strategy_ledger.request_id": identifier})

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_own(identifier, state)]
                seen.status = message["status"]
                seen.position = _position(message["headers"])
                seen.route = route_of(scope)
                if traced:
                    _name(span, scope, seen)
            else:
                seen.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        finally:
            self._tell(scope, seen, span)

    def _tell(self, scope: Scope, seen: _Seen, span: trace.Span) -> None:
        """Count the request and write its line."""
        state, seconds = scope["state"], time.perf_counter() - seen.begun
        if seen.status == GONE:
            seen.route = route_of(scope)
            _name(span, scope, seen)
        self.figures.answered(
            scope["method"], seen.route, seen.status, None if state.get("listens") else seconds
        )
        code = state.get("problem")
        if code is not None:
            self.figures.problem(code)
        level = logging.INFO if seen.status < 500 else logging.WARNING
        if seen.route in QUIET and seen.status < 300:
            level = logging.DEBUG
        if code == BUSY or not REQUESTS.isEnabledFor(level):
            return  # those who are turned away are told together
        told: dict[str, Any] = {
            "method": scope["method"][:20],
            "route": seen.route,
            "status": seen.status,
            "duration_ms": round(seconds * 1_000, 3),
            "request": state["request_id"],
            "actor": str(state["actor"]) if state.get("actor") else None,
            "position": seen.position,
            "bytes": seen.sent,
        }
        if code is not None:
            told["problem"] = code
        context = span.get_span_context()
        if context.is_valid:
            told["trace"] = trace.format_trace_id(context.trace_id)
        tell(REQUESTS, level, "answered", told)


def route_of(scope: Scope) -> str:
    """Return the template of a request's route, never the address that was sent."""
    route = getattr(scope.get("route"), "path_format", None)
    if route is not None:
        return str(route)
    app = scope.get("app")
    for pattern, template in getattr(app.state, "templates", ()) if app is not None else ():
        if pattern.fullmatch(scope["path"]):
            return str(template)
    return NOWHERE


def _own(identifier: str, state: dict[str, Any]) -> Iterable[tuple[bytes, bytes]]:
    """Give the headers of every answer: the request's identifier, and what is left of the token's rate."""
    yield (b"x-request-id", identifier.encode())
    yield (b"x-content-type-options", b"nosniff")
    taken = state.get("rate")
    if taken is not None:
        for name, value in taken.headers().items():
            yield (name.lower().encode(), value.encode())


def _position(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == b"ledger-position" and value.isdigit():
            return int(value)
    return None


def _name(span: trace.Span, scope: Scope, seen: _Seen) -> None:
    """Name a span by the route, which the framework does where one was reached, not for who was refused before it."""
    if seen.route != NOWHERE:
        span.update_name(f"{scope['method'][:20]} {seen.route}")
        span.set_attribute("http.route", seen.route)
    span.set_attribute("url.path", seen.route)
    if seen.position is not None:
        span.set_attribute("strategy_ledger.position", seen.position)
