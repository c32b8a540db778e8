"""Too much at once: who is inside is answered, who is not is told so at once, and the server says how it is."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from api import crowd as crowd_module
from api.answers import fault_answer
from api.app import create_app
from api.crowd import ALWAYS_ANSWERED, RETRY_SECONDS, Crowd
from api.door import UNDER_WAY, Door
from api.metrics import Figures
from api.probe import Probe, Standing
from api.server import in_background, open_enough
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House
from tests.waiting import PATIENCE

STALL_SECONDS, A_SECOND = 5, 220
"""A pause of the machine, and what 200 readers and 20 writers a second send during it."""


class Held:
    """A probe whose look takes until it is let go."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.gate = asyncio.Event()
        self.waiting = 0

    async def standing(self) -> Standing:
        self.waiting += 1
        await self.gate.wait()
        return await self.probe.standing()

    def close(self) -> None:
        self.probe.close()


@contextmanager
def served(house: House, most: int) -> Iterator[tuple[str, Any]]:
    """Serve the ledger of a house a second time, for at most so many at once; give the address and the application."""
    engine = Engine(house.ledger)
    app = create_app(
        house.ledger, Reader(house.ledger, engine, keeps=True), engine, house.ledger.settings,
        door=Door(0, 0, 0, 0, most, 0),
    )  # fmt: skip
    with in_background(app) as address:
        yield address, app


async def nobody_is_under_way(app: Any) -> None:
    """Wait until every place is free."""
    end = time.monotonic() + PATIENCE
    while app.state.figures.under_way._value.get():
        assert time.monotonic() < end, "a place was not given back"
        await asyncio.sleep(0.005)


def test_who_comes_beyond_the_bound_is_turned_away_at_once_and_who_is_inside_is_answered(
    house: House,
) -> None:
    headers = {"Authorization": f"Bearer {house.tokens['ada']}"}

    async def meeting(address: str, app: Any) -> None:
        desk = app.state.desk
        held = desk.probe = Held(desk.probe)
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE) as client:
            # given two requests that wait, which is as many as may
            inside = [asyncio.ensure_future(client.get("/v1/cycles")) for _ in range(2)]
            while held.waiting < 2:
                await asyncio.sleep(0.005)
            # then the third, a command or a question, hears so, and nothing is recorded
            head = house.ledger.head().position
            for answer in (
                await client.get("/v1/cycles"),
                await client.post("/v1/teams", json={"name": "Too many"}),
            ):
                assert answer.status_code == 503
                assert answer.headers["retry-after"] == str(RETRY_SECONDS)
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["type"] == "/v1/problems/server_is_busy"
                assert answer.headers["x-request-id"] == answer.json()["request"]
            assert house.ledger.head().position == head
            # and who asks how the server is, is told
            assert (await client.get("/v1/health")).status_code == 200
            assert app.state.figures.under_way._value.get() == 2
            assert app.state.figures.turned_away.labels("at_once")._value.get() == 2
            # when those inside are answered, then there is room again
            app_loop = next(iter(held.gate._waiters)).get_loop()
            app_loop.call_soon_threadsafe(held.gate.set)
            assert [answer.status_code for answer in await asyncio.gather(*inside)] == [200, 200]
            await nobody_is_under_way(app)  # an answer goes out before its place is free
            assert (await client.get("/v1/cycles")).status_code == 200
            await nobody_is_under_way(app)

    with served(house, 2) as (address, app):
        asyncio.run(meeting(address, app))


async def _nothing(*_: Any) -> Any:
    """Send nothing anywhere."""


def scope_of(path: str) -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "server": ("host", 80),
        "state": {"request_id": "one"},
    }  # fmt: skip


def test_a_pause_of_five_seconds_under_the_usual_load_turns_nobody_away() -> None:
    """Given that nobody is answered for five seconds, then the default bound takes in all who come meanwhile."""
    assert STALL_SECONDS * A_SECOND < UNDER_WAY == Door().under_way

    async def meeting() -> tuple[int, float]:
        gate, figures = asyncio.Event(), Figures()

        async def stalled(*_: Any) -> None:
            await gate.wait()

        crowd = Crowd(stalled, fault_answer, Door().under_way, figures)
        tasks = [
            asyncio.ensure_future(crowd(scope_of("/v1/cycles"), _nothing, _nothing))
            for _ in range(STALL_SECONDS * A_SECOND)
        ]
        await asyncio.sleep(0)
        most = crowd.under_way
        gate.set()
        await asyncio.gather(*tasks)
        return most, figures.turned_away.labels("at_once")._value.get()

    assert asyncio.run(meeting()) == (STALL_SECONDS * A_SECOND, 0)


def test_a_crowd_that_lasts_is_told_by_few_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crowd_module, "TOLD_EVERY", 0.2)
    caplog.set_level(logging.INFO)

    async def meeting() -> None:
        gate = asyncio.Event()

        async def stalled(*_: Any) -> None:
            await gate.wait()

        crowd = Crowd(stalled, fault_answer, 1, Figures())
        inside = asyncio.ensure_future(crowd(scope_of("/v1/cycles"), _nothing, _nothing))
        await asyncio.sleep(0)
        for _ in range(500):
            await crowd(scope_of("/v1/cycles"), _nothing, _nothing)
        while crowd._timer is not None:
            await asyncio.sleep(0.01)
        gate.set()
        await inside

    asyncio.run(meeting())
    told = [record.told["refused"] for record in caplog.records if hasattr(record, "told")]
    assert told[0] == 1
    assert sum(told) == 500
    assert len(told) < 50


def test_what_says_how_the_server_is_is_never_turned_away() -> None:
    async def meeting() -> list[str]:
        seen: list[str] = []

        async def app(scope: Any, *_: Any) -> None:
            seen.append(scope["path"])

        crowd = Crowd(app, fault_answer, 1, Figures())
        crowd.under_way = 1
        for path in sorted(ALWAYS_ANSWERED):
            await crowd(scope_of(path), _nothing, _nothing)
        return seen

    assert asyncio.run(meeting()) == sorted(ALWAYS_ANSWERED)


def test_the_server_may_have_as_many_connections_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        open_enough()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(UNDER_WAY, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
