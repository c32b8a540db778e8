"""What a server does before it says that it answers: what leaders ask first is asked once already.

A process that has just begun has nothing prepared, nothing kept and few connections, so the first of each kind costs
many times what the tenth does, and all who waited for the server ask at once. Nothing depends on it: what fails or
takes too long is left out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable
from typing import Any, Final

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from api.logs import SERVER, tell
from api.reading import Desk
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    Question,
    TeamsList,
)

WARMING_SECONDS: Final = 5.0
"""How long a start waits for it at most."""
RUNNING: Final = frozenset({"open", "scoring"})
MOST_CYCLES: Final = 3
"""Boards of so many cycles that run are made, the latest first."""


async def warm(app: FastAPI, seconds: float = WARMING_SECONDS) -> None:
    """Ask what leaders ask first, in that order, for so long at most; what fails is told in the log, once."""
    begun, left_out = time.monotonic(), ""
    try:
        async with asyncio.timeout(seconds):
            await _asked_once(app)
    except Exception as error:  # noqa: BLE001 (whoever asks for the same will hear it)
        left_out = type(error).__name__
    told: dict[str, Any] = {"seconds": round(time.monotonic() - begun, 3)}
    if left_out:
        told["left_out"] = left_out
    tell(SERVER, logging.INFO, "warmed up", told)


async def _asked_once(app: FastAPI) -> None:
    desk: Desk = app.state.desk
    listed = orjson.loads(bytes((await _ask(app, "/v1/cycles", CyclesList())).body))
    running = [row["key"] for row in listed["cycles"] if row["standing"] in RUNNING][-MOST_CYCLES:]
    boards = [
        await _ask(app, f"/v1/cycles/{cycle}/board", BoardOf(cycle), gzip=True) for cycle in reversed(running)
    ]
    await _together(
        _ask(app, f"/v1/cycles/{cycle}/{what.name}", what)
        for cycle in running[-1:]
        for what in (
            CommitmentsOf(cycle),
            DriftOf(cycle, None),
            FindingsOf(cycle, None),
            DecisionsOf(cycle, None),
        )
    )
    rows = orjson.loads(bytes(boards[0].body))["objectives"] if boards else []
    items = [str(row["reference"]) for row in rows[:1]]
    await _together(
        [
            *(_ask(app, f"/v1/objectives/{item}/history", HistoryOf(item)) for item in items),
            *(desk.bare(_request(app, f"/v1/objectives/{item}"), "objective", item) for item in items),
            _ask(app, "/v1/people", PeopleList()),
            _ask(app, "/v1/teams", TeamsList()),
            desk.looked_up(desk.ledger.tokens.caller_of, "nobody"),
        ]
    )


async def _together(asked: Iterable[Awaitable[Any]]) -> None:
    """Ask several things at once, as many readers do: each needs a connection of its own."""
    await asyncio.gather(*asked)


async def _ask(app: FastAPI, path: str, question: Question, *, gzip: bool = False) -> Response:
    """Ask as any reader may, from whom nothing is hidden that is for everyone."""
    desk: Desk = app.state.desk
    if gzip:
        await desk.answer(_request(app, path, (b"accept-encoding", b"gzip")), question)
    return await desk.answer(_request(app, path), question)


def _request(app: FastAPI, path: str, *headers: tuple[bytes, bytes]) -> Request:
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": list(headers), "app": app,
        "server": None, "state": {"actor": "", "request_id": str(app.state.desk.ledger.new_id())},
    }  # fmt: skip
    return Request(scope)
