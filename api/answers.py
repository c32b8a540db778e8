"""Exceptions become problems: one catalogue, one handler for each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregates import refusals
from aggregates.refusals import Refusal
from aggregates.values import instant_text
from api import problems
from api.problems import (
    AddressIsUnknown,
    BodyIsNotJson,
    Fault,
    InternalFault,
    LedgerIsAway,
    MasterKeyIsAway,
    MethodIsNotAllowed,
    Mistake,
    ProblemKind,
    descendants,
    problem,
    problem_kind,
    status_of_refusal,
)
from ledger import directory, errors
from ledger.errors import StaleVersion, is_lost, passing
from ledger.keys import MasterKeyError
from projections import trouble
from replay import questions, renewal

_MODULES = frozenset(
    module.__name__ for module in (refusals, errors, directory, problems, questions, renewal, trouble)
)
_FAMILIES = frozenset(
    {"refusal", "unknown", "forbidden", "conflict", "closed", "unavailable", "too_large", "fault"}
)


def _catalogue() -> Iterator[ProblemKind]:
    for refusal in descendants(Refusal):
        if refusal.__module__ in _MODULES:
            yield problem_kind(refusal, status_of_refusal(refusal, "/"))  # type: ignore[arg-type]
    for fault in descendants(Fault):
        if fault.__module__ in _MODULES:
            yield problem_kind(fault, fault.status)  # type: ignore[attr-defined]


PROBLEMS: dict[str, ProblemKind] = {
    kind.code: kind for kind in sorted(_catalogue(), key=lambda kind: kind.code) if kind.code not in _FAMILIES
}
"""Every problem by its code."""


_HEADER_OF = {
    "stale_version": "If-Match",
    "idempotency_key_reused": "Idempotency-Key",
    "command_in_flight": "Idempotency-Key",
    "token_is_missing": "Authorization",
    "token_is_not_valid": "Authorization",
}
"""The header that is refused, for problems that are always about the same one."""


def register_problems(app: FastAPI) -> None:
    """Let every exception be answered as a problem, on the framework's way as on the straight one."""
    for family, answer in _ANSWERS.items():
        app.add_exception_handler(family, answer)


def answer_of(request: Request, error: Exception) -> Response | None:
    """Return the answer to what an endpoint raised; None for an accident."""
    for kind in type(error).__mro__:
        if kind in _ANSWERS:
            return _ANSWERS[kind](request, error)
    return None


def refusal_answer(request: Request, refusal: Refusal) -> Response:
    """Answer a refusal of the rules or the ledger."""
    pointer = pointer_of(request, refusal)
    status = status_of_refusal(type(refusal), pointer)
    return problem(
        request,
        kind=PROBLEMS.get(refusal.code()) or problem_kind(type(refusal), status),
        detail=refusal.detail,
        status=status,
        mistakes=[Mistake(pointer, refusal.detail)] if pointer else (),
        more=_more(refusal),
    )


def pointer_of(request: Request, refusal: Refusal) -> str:
    """Return where the refused thing stands: a parameter of a read is named without a slash."""
    if refusal.code() in _HEADER_OF:
        return f"/header/{_HEADER_OF[refusal.code()]}"
    field = refusal.field
    if not field or field.startswith("/"):
        return field
    if field in request.query_params:
        return f"/query/{field}"
    names = list(request.path_params)
    return f"/path/{field if field in names else names[-1]}" if names else f"/query/{field}"


def _more(refusal: Refusal) -> dict[str, Any]:
    """Return what a stale version says: where the stream is now, who changed what and when."""
    if not isinstance(refusal, StaleVersion):
        return {}
    return {
        "stream": refusal.moved.stream,
        "expected_version": refusal.moved.expected,
        "present_version": refusal.moved.present,
        "changed_by": refusal.changed_by,
        "changed_at": None if refusal.changed_at is None else instant_text(refusal.changed_at),
        "change": refusal.name,
    }


def fault_answer(request: Request, fault: Fault) -> Response:
    """Answer a fault of the request."""
    kind = PROBLEMS[problems.code_of(type(fault))]
    header = _HEADER_OF.get(kind.code)
    return problem(
        request,
        kind=kind,
        detail=fault.detail,
        mistakes=fault.mistakes or ([Mistake(f"/header/{header}", fault.detail)] if header else ()),
        headers=fault.headers,
        more=fault.more,
    )


def master_key_answer(request: Request, _: Exception) -> Response:
    """Answer that the master key is away; where it was looked for is not for the caller."""
    return fault_answer(request, MasterKeyIsAway())


def http_answer(request: Request, error: HTTPException) -> Response:
    """Answer what the framework refuses: an unknown address, a method that is not taken."""
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        told = "Nothing answers at this address; GET /v1/openapi.json describes those that answer."
        return fault_answer(request, AddressIsUnknown(told, headers=headers))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return fault_answer(
            request, MethodIsNotAllowed(headers={**headers, "Allow": ", ".join(_methods(request))})
        )
    own = BodyIsNotJson() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else InternalFault()
    return fault_answer(request, own)


def _methods(request: Request) -> list[str]:
    """Return the methods that this address takes, over all its routes."""
    taken: set[str] = set()
    for pattern, methods in request.app.state.addresses:
        if pattern.fullmatch(request.url.path):
            taken |= methods
    return sorted(taken)


def accident_answer(request: Request, error: Exception) -> Response:
    """Answer an accident; nothing of it leaks. The database's absence is told apart, because it passes."""
    refusal = passing(error)
    if refusal is not None:
        return refusal_answer(request, refusal)
    return fault_answer(request, LedgerIsAway() if is_lost(error) else InternalFault())


_ANSWERS: dict[type[Exception], Callable[[Request, Any], Response]] = {
    Refusal: refusal_answer,
    Fault: fault_answer,
    HTTPException: http_answer,
    MasterKeyError: master_key_answer,
}
