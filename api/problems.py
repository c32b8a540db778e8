"""Problems: how the HTTP door says no, as `application/problem+json` of RFC 9457.

Every refusal of the rules, every error of the ledger and every fault of a request has one code, one status and one
page under `/v1/problems/{code}` that is made from the docstring of its class. A pointer names the place in the body
(`/target/at`); what came by the address or a header is named `/query/…`, `/path/…` and `/header/…`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from aggregates.refusals import Refusal

MEDIA_TYPE = "application/problem+json"
STATUS_OF_KIND = {
    "invalid": 422,
    "unknown": 422,
    "forbidden": 403,
    "conflict": 409,
    "closed": 409,
    "too_large": 413,
    "unavailable": 503,
}
"""The status of a refusal by its kind; something unknown that the address names is 404."""
STATUS_OF_CODE = {"stale_version": 412}
RETRY_SECONDS = "1"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: where it stands and what to do; within a body also its stable code."""

    pointer: str
    detail: str
    code: str = ""


class Fault(Exception):
    """The request could not be taken."""

    status: ClassVar[int] = 400

    def __init__(
        self,
        detail: str = "",
        *,
        mistakes: Iterable[Mistake] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.mistakes = tuple(mistakes)
        self.detail = detail or _the_one_of(self.mistakes) or sentence_of(type(self))
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(self.detail)


def _the_one_of(mistakes: tuple[Mistake, ...]) -> str:
    """Return the one thing that is wrong with its place, for who reads no list; else nothing."""
    if len(mistakes) != 1:
        return ""
    return mistakes[0].detail + (f" (at {mistakes[0].pointer})" if mistakes[0].pointer else "")


class RequestIsMalformed(Fault):
    """This is no request of HTTP/1.1."""


class MethodIsUnknown(Fault):
    """This is no method that anything here takes."""

    status = 501


class VersionIsNotSpoken(Fault):
    """This version of HTTP is not spoken here; send HTTP/1.1."""

    status = 505


class BodyIsNotJson(Fault):
    """The body is not one JSON object in UTF-8."""


class BodyIsInvalid(Fault):
    """The body does not say what this command needs; each mistake is listed with its place."""

    status = 422


class ParameterIsInvalid(Fault):
    """A parameter of the address or a header cannot be read."""

    status = 422


class ParameterIsUnknown(Fault):
    """This address does not know the parameter; nothing is ignored in silence."""

    status = 422


class ParameterIsRepeated(Fault):
    """A parameter was given twice; it is not clear which one is meant."""

    status = 422


class TokenIsMissing(Fault):
    """A token is needed: send `Authorization: Bearer strategy_ledger_…`."""

    status = 401


class TokenIsNotValid(Fault):
    """This token is not known or was revoked."""

    status = 401


class TooManyRequests(Fault):
    """This token asks more often than it may; wait for the seconds of Retry-After."""

    status = 429


class TooManyListeners(Fault):
    """As many listen to the stream as may; end one of them first."""

    status = 429


class PositionIsAhead(Fault):
    """The ledger has not reached this position.

    It is either the position of another ledger, or the ledger was restored from a backup that is older than what was
    read of it. Whoever keeps a copy then begins anew, or compares from the last entry that both hold.
    """

    status = 409


class LastEventIdIsMalformed(Fault):
    """Last-Event-ID is the position of the last entry that was taken: a whole number."""


class CursorIsNotValid(Fault):
    """This cursor is not one that this list gave; send `next_cursor` as it was given, with the same parameters."""


class TokenHasExpired(Fault):
    """This token has expired; a steward issues another."""

    status = 401


class AddressIsUnknown(Fault):
    """Nothing answers at this address."""

    status = 404


class MethodIsNotAllowed(Fault):
    """This address does not take the method; `Allow` names those that it takes."""

    status = 405


class BodyIsTooLarge(Fault):
    """The body is larger than 64 KiB."""

    status = 413


class NoneOfTheseTypes(Fault):
    """This answer is not written in any of the media types that Accept names."""

    status = 406


class TooManyRows(Fault):
    """A sheet holds at most 1,048,575 rows, and this answer has more; take csv or ndjson."""

    status = 422


class MediaTypeIsNotTaken(Fault):
    """A command is sent as application/json."""

    status = 415


class LedgerIsAway(Fault):
    """The ledger's database does not answer just now; try again."""

    status = 503


class ServerIsBusy(Fault):
    """More is asked of this server than it can answer; nothing was done, so come again after Retry-After.

    As many requests are under way as may be, or this one waited for its work to begin for as long as may be waited. A
    command that is sent again with the same Idempotency-Key is carried out once, whatever became of it before.
    """

    status = 503


class MasterKeyIsAway(Fault):
    """The ledger's master key is missing or is another's; without it no personal text and no idempotency key is taken.

    Whoever runs the server puts the key back where it was; everything else goes on meanwhile.
    """

    status = 503


class InternalFault(Fault):
    """Something went wrong inside; the request's identifier finds it in the log."""

    status = 500


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What a problem is, for its page and for the description of the API."""

    code: str
    status: int
    title: str
    documentation: str
    exception: type[Exception] = field(repr=False)

    @property
    def address(self) -> str:
        """Return the address that answers with this documentation."""
        return f"/v1/problems/{self.code}"


def sentence_of(exception: type[Exception]) -> str:
    """Return the first line of a class's docstring."""
    return (exception.__doc__ or "").strip().splitlines()[0]


def code_of(exception: type[Exception]) -> str:
    """Return the stable code of an exception: its class name in snake case, unless it names its own."""
    own = getattr(exception, "code", None)
    if callable(own):
        return str(own())
    return own if isinstance(own, str) else re.sub(r"(?<!^)(?=[A-Z])", "_", exception.__name__).lower()


def problem_kind(exception: type[Exception], status: int) -> ProblemKind:
    """Return the kind of problem that a class stands for."""
    return ProblemKind(
        code=code_of(exception),
        status=status,
        title=sentence_of(exception),
        documentation=inspect.cleandoc(exception.__doc__ or ""),
        exception=exception,
    )


def descendants(parent: type[Exception]) -> Iterator[type[Exception]]:
    """Return every class below this one, each once, in the order of definition."""
    seen: set[type[Exception]] = set()
    waiting = list(parent.__subclasses__())
    while waiting:
        child = waiting.pop(0)
        if child not in seen:
            seen.add(child)
            waiting.extend(child.__subclasses__())
            yield child


def names_nothing(exception: type[Exception]) -> bool:
    """Return whether something was named that the ledger does not know: 404 for an address, 422 within a body."""
    return issubclass(exception, Refusal) and exception.kind == "unknown"


def status_of_refusal(refusal: type[Refusal], pointer: str = "") -> int:
    """Return the status of a refusal; what the address names and the ledger does not know is 404."""
    if names_nothing(refusal) and (not pointer or pointer.startswith("/path/")):
        return 404
    return STATUS_OF_CODE.get(refusal.code(), STATUS_OF_KIND.get(refusal.kind, 422))


def problem(
    request: Request,
    *,
    kind: ProblemKind,
    detail: str,
    status: int | None = None,
    mistakes: Iterable[Mistake] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return the answer that carries a problem; `more` adds members of its own, such as a present version."""
    chosen = kind.status if status is None else status
    request.scope.setdefault("state", {})["problem"] = kind.code
    body: dict[str, Any] = {
        "type": kind.address,
        "title": kind.title,
        "status": chosen,
        "detail": detail,
        "instance": str(request.url.path),
        "request": request.scope.get("state", {}).get("request_id", ""),
    }
    listed = [
        {"pointer": mistake.pointer, "detail": mistake.detail}
        | ({"code": mistake.code} if mistake.code else {})
        for mistake in mistakes
    ]
    if listed:
        body["errors"] = listed
    body.update(more or {})
    sent = {"Cache-Control": "no-store", **(headers or {})}
    if chosen == 503:
        sent.setdefault("Retry-After", RETRY_SECONDS)
    return Response(orjson.dumps(body), status_code=chosen, media_type=MEDIA_TYPE, headers=sent)
