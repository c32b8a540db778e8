"""The doors of the commands, made from their table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response

from api.commands import DOORS, Door
from api.metrics import Figures
from api.parameters import (
    expected_version,
    idempotency_key,
    invalid,
    on_behalf_of,
    printable,
    query,
    switch,
)
from api.reading import Desk
from api.receipts import Outcome
from api.writing import Asked

router = APIRouter()


def endpoint(door: Door) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a door."""

    async def take(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        outcome = await desk.carry_out(await asked(door, request))
        noted(request, outcome)
        content = orjson.dumps(outcome.body)
        return Response(content, outcome.status, dict(outcome.headers), media_type="application/json")

    return take


def noted(request: Request, outcome: Outcome) -> None:
    """Count what became of a command, and wake whoever follows the ledger."""
    figures: Figures = request.app.state.figures
    events = len(outcome.body.get("events", ()))
    if outcome.headers.get("Idempotency-Replayed"):
        figures.command("replayed")
    elif outcome.body.get("dry_run"):
        figures.command("dry_run")
    elif not events:
        figures.command("nothing_new")
    else:
        figures.command("recorded", events)
        request.app.state.tail.wake()


async def asked(door: Door, request: Request) -> Asked:
    """Return the command as it was sent."""
    taken = query(request, ("dry_run",))
    version = expected_version(request)
    if version is not None and not door.stream:
        raise invalid("/header/If-Match", "This command begins something new; there is no version to match.")
    return Asked(
        door=door,
        path=request.url.path,
        names={name: printable(str(text), f"/path/{name}") for name, text in request.path_params.items()},
        content=await request.body(),
        content_type=request.headers.get("content-type"),
        by=request.state.actor,
        request=UUID(request.state.request_id),
        key=idempotency_key(request),
        version=version,
        dry_run=switch(taken, "dry_run"),
        on_behalf_of=on_behalf_of(request),
    )


for _door in DOORS:
    router.add_api_route(
        _door.path,
        endpoint(_door),
        methods=["POST"],
        operation_id=_door.operation_id,
        tags=[_door.tag],
        status_code=201,
    )
