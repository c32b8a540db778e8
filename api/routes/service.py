"""The service itself: whether the server lives, whether it is ready, its figures, its description, its problems."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import partial
from typing import Any, Final

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.metrics import MEDIA_TYPE, Figures
from api.openapi import described
from api.parameters import query
from api.probe import Standing
from api.problems import AddressIsUnknown, ProblemKind, names_nothing
from api.readiness import ANSWER_SECONDS, AWAY, BEING_MADE, GONE, RETRY, state_of
from api.reading import Desk
from ledger.errors import HeadWentBack, is_gone, is_lost
from replay.renewal import AnswersAreBeingMade

router = APIRouter(tags=["service"])
JSON = "application/json"
_LOOKS = CapacityLimiter(2)
"""How many looks at a database that may be away wait at once; the others are answered that it is."""


@router.get("/v1/health", operation_id="read_health")
async def health(request: Request) -> Response:
    """Whether the server lives; it asks nobody else."""
    query(request, ())
    return Response(b'{"status":"alive"}', media_type=JSON)


@router.get("/v1/ready", operation_id="read_readiness")
async def ready(request: Request) -> Response:
    """Whether requests should be sent here, in a word and a sentence; in full to whoever may operate the server."""
    query(request, ())
    desk: Desk = request.app.state.desk
    look = partial(state_of, desk.ledger, desk.engine, request.app.state.past)
    whole = False
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            state = await to_thread.run_sync(look, abandon_on_cancel=True, limiter=_LOOKS)
            whole = await _operates(request, state.rights_at)
    except AnswersAreBeingMade:
        state = BEING_MADE
    except Exception as error:
        if not (isinstance(error, TimeoutError) or _is_the_database(error)):
            raise
        state = GONE if is_gone(error) else AWAY
    body = orjson.dumps(state.body(whole=whole))
    return Response(body, 200, None, JSON) if state.ready else Response(body, 503, RETRY, JSON)


@router.get("/v1/metrics", operation_id="read_metrics")
async def metrics(request: Request) -> Response:
    """The server's figures in the text form of Prometheus, for whoever may operate the server."""
    query(request, ())
    desk: Desk = request.app.state.desk
    await desk.check_rights(request, await desk.probe.standing(), "operate")
    figures: Figures = request.app.state.figures
    content = await run_in_threadpool(figures.text)
    return Response(content, headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})


async def _operates(request: Request, head: int | None) -> bool:
    """Return whether whoever asks may operate the server, by the rights at this head or at the present one; without a
    token nobody does."""
    if getattr(request.state, "actor", None) is None:
        return False
    desk: Desk = request.app.state.desk
    try:
        standing = await desk.probe.standing() if head is None else Standing(0, head, date.min)
        return (await desk.sight(request, standing)).may("operate")
    except HeadWentBack:  # rights that this process remembers are of another past
        return False


def _is_the_database(error: Exception) -> bool:
    return is_lost(error) or type(error).__module__.startswith("psycopg")


@router.get("/v1/openapi.json", operation_id="read_description")
async def description(request: Request) -> Response:
    """This description."""
    query(request, ())
    return Response(await run_in_threadpool(described), media_type=JSON)


@router.get("/v1/problems", operation_id="list_problems")
async def problems(request: Request) -> Response:
    """Every problem that this API answers with."""
    query(request, ())
    listed = [shown(kind) for kind in request.app.state.problems.values()]
    return Response(orjson.dumps({"problems": listed}), media_type=JSON)


@router.get("/v1/problems/{code}", operation_id="read_problem")
async def one_problem(request: Request) -> Response:
    """What a problem means and what to do about it; the `type` of a problem leads here."""
    query(request, ())
    kind = request.app.state.problems.get(request.path_params["code"])
    if kind is None:
        raise AddressIsUnknown("There is no problem of this code.")
    return Response(orjson.dumps(shown(kind)), media_type=JSON)


_AT_AN_ADDRESS: Final = " Where the address names it, and not the body, the status is 404."


def shown(kind: ProblemKind) -> dict[str, Any]:
    """Return a problem's page."""
    return {
        "type": kind.address,
        "code": kind.code,
        "title": kind.title,
        "status": kind.status,
        "documentation": kind.documentation + (_AT_AN_ADDRESS if names_nothing(kind.exception) else ""),
    }
