"""The security log over HTTP."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auditing import told
from api.parameters import invalid, query, whole_number
from api.reading import Desk
from ledger.security import PAGE

router = APIRouter()


@router.get("/v1/security-log", operation_id="read_security_log", tags=["organisation"])
async def security_log(request: Request) -> Response:
    """Refused attempts, failed tokens, what was read by office only, exports, tokens given and taken."""
    desk: Desk = request.app.state.desk
    taken = query(request, ("after", "limit"))
    after = whole_number(taken.get("after", "0"), "/query/after", greatest=2**62)
    limit = whole_number(taken.get("limit", "100"), "/query/limit", greatest=PAGE)
    if limit == 0:
        raise invalid("/query/limit", f"This is a whole number from 1 to {PAGE}.")
    await desk.check_rights(request, await desk.probe.standing(), "read_security_log")
    body = await run_in_threadpool(told, desk.ledger, str(request.state.actor), after, limit)
    headers = {"Cache-Control": "no-store"}
    if len(body["lines"]) == limit:
        following = f"{request.url.path}?after={body['next_after']}&limit={limit}"
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")
