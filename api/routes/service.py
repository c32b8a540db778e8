"""What answers without a token: whether the server lives, whether it is ready, its description, its problems."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.openapi import described
from api.parameters import query
from api.problems import AddressIsUnknown, ProblemKind
from api.reading import Desk

router = APIRouter(tags=["service"])
JSON = "application/json"
_WHERE = "This projection stopped; `strategy-ledger verify` says where and why."
"""What anybody may know of it: the sentence itself can repeat what an entry says."""


@router.get("/v1/health", operation_id="read_health")
async def health(request: Request) -> Response:
    """Whether the server lives; it asks nobody else."""
    query(request, ())
    return Response(b'{"status":"alive"}', media_type=JSON)


@router.get("/v1/ready", operation_id="read_readiness")
async def ready(request: Request) -> Response:
    """Whether the server can answer: the database does, and how far the projections are behind it."""
    query(request, ())
    desk: Desk = request.app.state.desk
    standing = await desk.probe.standing()
    stopped = await run_in_threadpool(desk.stopped)
    body = {
        "status": "ready" if not stopped else "stopped",
        "position": standing.head,
        "projections": standing.position,
        "behind": max(0, standing.head - standing.position),
        "stopped": dict.fromkeys(stopped, _WHERE),
    }
    return Response(
        orjson.dumps(body), 200 if not stopped else 503, {"Retry-After": "5"} if stopped else None, JSON
    )


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


def shown(kind: ProblemKind) -> dict[str, Any]:
    """Return a problem's page."""
    return {
        "type": kind.address,
        "code": kind.code,
        "title": kind.title,
        "status": kind.status,
        "documentation": kind.documentation,
    }
