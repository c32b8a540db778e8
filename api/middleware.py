"""What every request passes before its route: the actor of its token, the token's rate, a bound on its body.

Pure ASGI throughout: one layer of the convenient kind costs two thirds of the rate of a light route.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.arrivals import arrival_of
from api.door import Door
from api.metrics import Figures
from api.problems import BodyIsTooLarge, Fault, TokenIsMissing, TokenIsNotValid, TooManyRequests
from api.rates import Buckets
from api.readiness import ANSWER_SECONDS
from api.visits import Making, visit_of

logger = logging.getLogger(__name__)

BODY_LIMIT = 64 * 1024
TOKEN_SECONDS = 2.0
"""How long a token that was good is taken for good without asking again: a revocation counts after at most this."""
TOKENS_KEPT = 4_096
OPEN_ADDRESSES = ("/v1/health", "/v1/ready", "/v1/openapi.json", "/v1/problems")
"""What answers without a token: none of it says anything about an organisation."""
READINESS = "/v1/ready"
"""What says more to those who bring a token."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})

Answer = Callable[[Request, Fault], Any]


class Accidents:
    """Answer what nobody else caught; nothing of it leaks into the answer, and no personal text into the log."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Any]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an accident before the answer began is answered as a problem."""
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            if scope["type"] != "http":
                raise
            identifier = scope["state"]["request_id"]
            logger.error("Request %s: %s", identifier, told(error), extra={"told": {"request": identifier}})
            if not begun:
                await self.answer(Request(scope), error)(scope, receive, send)


def told(error: BaseException) -> str:
    """Return an accident for the log: where it happened and what it says, unless that would repeat what was sent."""
    says = "" if isinstance(error, ValidationError) else f": {_said(error)}"
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__module__}.{type(error).__name__}{says}\n{frames}"


def _said(error: BaseException) -> str:
    """Return an error's own words; of the database's only its first sentence, for the others repeat values."""
    first = getattr(getattr(error, "diag", None), "message_primary", None)
    return f"{getattr(error, 'sqlstate', '')} {first}" if first else str(error)


class _CutOff(Exception):
    """The connection ended before the body did."""


class BodyLimit:
    """Refuse a body over the limit, by what it declares and by what arrives; nothing larger is ever held."""

    def __init__(self, app: ASGIApp, answer: Answer, limit: int = BODY_LIMIT) -> None:
        self.app = app
        self.answer = answer
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a request that has one, within the limit, and pass it on whole."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        declared, visit = _header(scope, b"content-length"), visit_of(scope)
        if visit is not None:
            visit.rest()
        try:
            body = (
                None
                if declared and declared.isdigit() and int(declared) > self.limit
                else await self._read(receive)
            )
        except _CutOff:
            return  # nobody is left to answer, and half a command is none
        if body is None:
            response = self.answer(Request(scope), BodyIsTooLarge(headers={"Connection": "close"}))
            await response(scope, receive, send)
            return
        handed = False
        if visit is not None:
            visit.count_from(arrival_of(scope))

        async def receive_whole() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receive_whole, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the whole body, or None as soon as it is over the limit. Raises _CutOff where it ends too early."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _CutOff
            part = message.get("body", b"")
            size += len(part)
            if size > self.limit:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


class Bearer:
    """Know the actor of a request by its token, before any route runs; a token has a rate."""

    def __init__(
        self,
        app: ASGIApp,
        answer: Answer,
        actor_of: Callable[[str], Awaitable[str | None]],
        door: Door,
        figures: Figures,
    ) -> None:
        self.app = app
        self.answer = answer
        self.actor_of = actor_of
        self.figures = figures
        self.reads = Buckets("reads", door.reads_per_second)
        self.writes = Buckets("writes", door.writes_per_second)
        self.known: dict[bytes, tuple[str, float]] = {}
        self._asking: dict[bytes, tuple[Making[str | None], float]] = {}
        """What is asked about tokens, and since when."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `actor`, `token` and `verify` in its state, or answer 401 or 429.

        `token` is the digest of the token, `verify()` raises once the token is no longer good.
        """
        if scope["type"] != "http" or _is_open(scope):
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        try:
            token = _token_of(scope)
            state["token"] = hashlib.sha256(token.encode("latin-1", "replace")).digest()
            whose = self._actor if scope["path"] != READINESS else self._actor_if_known
            state["actor"] = self._known(state["token"]) or await whose(token)
            self._count(scope)
        except Fault as fault:
            await self.answer(Request(scope), fault)(scope, receive, send)
            return
        # it knows the token and not the request: a circle would be left for the collector with each request
        state["verify"] = partial(self._verify, token)
        await self.app(scope, receive, send)

    def _count(self, scope: MutableMapping[str, Any]) -> None:
        """Take one permission of the token's rate. Raises TooManyRequests."""
        buckets = self.reads if scope["method"] in _READS else self.writes
        taken = scope["state"]["rate"] = buckets.take(scope["state"]["token"])
        if taken is None or not taken.wait:
            return
        self.figures.limited(taken.kind)
        raise TooManyRequests(
            f"This token may make {taken.rate} {taken.kind} in a second, and {taken.most} at once; "
            "wait for Retry-After seconds.",
            headers={"Retry-After": str(math.ceil(taken.wait))},
        )

    def _known(self, digest: bytes) -> str | None:
        """Return whose token this is, where it was good just now."""
        actor, until = self.known.get(digest, ("", 0.0))
        return actor if until > time.monotonic() else None

    async def _verify(self, token: str) -> None:
        """Look whether a token is good, at most `TOKEN_SECONDS` ago. Raises TokenIsNotValid."""
        if self._known(hashlib.sha256(token.encode("latin-1", "replace")).digest()) is None:
            await self._actor(token)

    async def _actor(self, token: str) -> str:
        """Return whose token this is, as the ledger says. Raises TokenIsNotValid."""
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        is_one = len(token) <= 200 and token.isascii() and token.isprintable()
        found, since = await self._asked(digest, token) if is_one else (None, 0.0)
        if found is None:
            self.known.pop(digest, None)
            challenge = 'Bearer realm="strategy-ledger", error="invalid_token"'
            raise TokenIsNotValid(headers={"WWW-Authenticate": challenge})
        if len(self.known) >= TOKENS_KEPT:
            self.known.clear()
        self.known[digest] = (
            found,
            since + TOKEN_SECONDS,
        )  # it may have been revoked while it was asked about
        return found

    async def _actor_if_known(self, token: str) -> str | None:
        """Return whose token this is, and None where the database does not say it in time: how the server stands is
        told all the same. Raises TokenIsNotValid."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._actor(token)
        except Fault:
            raise
        except Exception:  # noqa: BLE001 (what it is, readiness says)
            return None

    async def _asked(self, digest: bytes, token: str) -> tuple[str | None, float]:
        """Ask whom a token names, once for all who bring it meanwhile, and since when; one that is not good is asked
        about, and noted, each time."""
        asking, since = self._asking.get(digest, (None, time.monotonic()))
        if asking is not None:
            await asking.wait()
            found = asking.found()
            if found is not None:
                return found, since
            since = time.monotonic()
            return await self.actor_of(token), since
        asking = Making(partial(self.actor_of, token))
        self._asking[digest] = asking, since
        asking.made.add_done_callback(lambda _: self._asking.pop(digest, None))
        await asking.wait()
        return asking.made.result(), since


def _token_of(scope: MutableMapping[str, Any]) -> str:
    """Return the token that a request brings. Raises TokenIsMissing."""
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = (sent[0].decode("latin-1") if sent else "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(sent) > 1:
        raise TokenIsMissing(headers={"WWW-Authenticate": 'Bearer realm="strategy-ledger"'})
    return str(token)


def _is_open(scope: MutableMapping[str, Any]) -> bool:
    path = scope["path"]
    if path == READINESS and _header(scope, b"authorization") is not None:
        return False
    return path in OPEN_ADDRESSES or path.startswith("/v1/problems/")


def _header(scope: MutableMapping[str, Any], name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
