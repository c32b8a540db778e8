"""The straight way of a request to what answers it: one look into a table, instead of every route one after another.

The framework matches an address against each route in turn and then prepares what its endpoints may depend on; ours
take the request and nothing else. What this table does not know (another method, a strange address) goes the
framework's own way, and comes to the same endpoints, as does a request that is traced. HEAD, which the framework does
not derive from GET, is known here alone; the server leaves the body out.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
_TRACED: Final = "fastapi.telemetry"
"""In the scope of a request whose route the framework tells a tracer."""
_NOT_MINE: Final[tuple[Match, Scope]] = (Match.NONE, {})


class Straight(BaseRoute):
    """All routes whose endpoints take the request alone, found by method, number of parts and first part."""

    def __init__(self, routes: Iterable[APIRoute], endless: Collection[BaseRoute] = ()) -> None:
        """Take routes; those that are `endless` have no head without a body."""
        self._found: dict[tuple[str, int, str], list[tuple[re.Pattern[str], APIRoute]]] = {}
        for route in routes:
            for method in methods_of(route, endless):
                key = (method, *_place(route.path_format))
                self._found.setdefault(key, []).append((route.path_regex, route))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the route of this address with the names in it, as the framework would."""
        if scope["type"] != "http" or (scope.get(_TRACED) is not None and scope["method"] != "HEAD"):
            return _NOT_MINE
        path: str = scope["path"]
        for pattern, route in self._found.get((scope["method"], *_place(path)), ()):
            found = pattern.match(path)
            if found is not None:
                return Match.FULL, {
                    "endpoint": route.endpoint,
                    "path_params": found.groupdict(),
                    "route": route,
                }
        return _NOT_MINE

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the endpoint answer."""
        endpoint: Endpoint = scope["endpoint"]
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sum(map(len, self._found.values()))} routes)"


class Shortcut:
    """The innermost layer: it lets the endpoint answer where the table knows one, past the framework's own layers."""

    def __init__(
        self,
        app: ASGIApp,
        table: Straight,
        answer_of: Callable[[Request, Exception], Response | None],
    ) -> None:
        """Go by a table; `answer_of` says how an exception is answered, None for an accident."""
        self.app = app
        self.table = table
        self.answer_of = answer_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope.get(_TRACED) is not None:
            await self.app(scope, receive, send)
            return
        match, found = self.table.matches(scope)
        if match is Match.NONE:
            await self.app(scope, receive, send)
            return
        scope.update(found)
        request = Request(scope, receive, send)
        try:
            response = await found["endpoint"](request)
        except Exception as error:
            answer = self.answer_of(request, error)
            if answer is None:
                raise
            error.__traceback__ = None  # one that is handed to many would collect the ways of all
            response = answer
        await response(scope, receive, send)


def methods_of(route: APIRoute, endless: Collection[BaseRoute] = ()) -> set[str]:
    """Return the methods that an address takes: what can be read can be asked for its head alone (RFC 9110)."""
    methods = set(route.methods or ())
    return methods | {"HEAD"} if "GET" in methods and route not in endless else methods


def _place(path: str) -> tuple[int, str]:
    """Return how many parts an address has, and the first after that of the version."""
    parts: list[Any] = path.split("/", 3)
    return path.count("/"), parts[2] if len(parts) > 2 else ""
