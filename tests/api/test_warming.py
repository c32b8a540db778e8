"""A server that has just begun: what leaders ask first is there already, and nothing of that keeps it from starting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from api import warming
from api.app import create_app
from api.door import WIDE_OPEN
from api.server import in_background
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House
from tests.waiting import PATIENCE


@contextmanager
def begun(house: House, seconds: float = PATIENCE) -> Iterator[tuple[httpx.Client, list[str]]]:
    """A server that warmed up for so long at most; Rita's client, and which answers it made after that."""
    engine = Engine(house.ledger)
    app = create_app(
        house.ledger, Reader(house.ledger, engine, keeps=True), engine, house.ledger.settings,
        door=WIDE_OPEN, warming=seconds,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {house.tokens['rita']}"}
    with (
        in_background(app) as address,
        httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client,
    ):
        made: list[str] = []
        desk = app.state.desk
        page = desk._page

        def noted(listing: Any, *more: Any) -> Any:
            made.append(listing.question.name)
            return page(listing, *more)

        desk._page = noted
        yield client, made


def told(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (record,) = [one for one in caplog.records if one.getMessage() == "warmed up"]
    found: dict[str, Any] = getattr(record, "told", {})
    return found


def test_what_leaders_ask_first_is_made_before_the_server_answers(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house.objective("now", title="Warm from the start")
    house.ledger.security.settle()
    before = house.ledger.security.page()
    with begun(house) as (rita, made):
        board = rita.get("/v1/cycles/now/board")
        assert "Warm from the start" in board.text
        for path in ("/v1/cycles", "/v1/cycles/now/drift", "/v1/cycles/now/findings", "/v1/people"):
            assert rita.get(path).status_code == 200
        assert made == []  # all of it was made already
        assert rita.get("/v1/decisions").status_code == 200
        assert made == ["decisions"]  # and this one now
    assert "left_out" not in told(caplog)
    house.ledger.security.settle()
    assert house.ledger.security.page() == before  # nobody read by office, and nobody was refused


@pytest.mark.parametrize("way", ["fails", "never ends"])
def test_a_server_starts_whatever_becomes_of_its_warming(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.INFO)

    async def badly(_: Any) -> None:
        if way == "fails":
            raise ConnectionError("the database is away")
        await asyncio.Event().wait()

    monkeypatch.setattr(warming, "_asked_once", badly)
    with begun(house, 0.05) as (rita, made):
        assert rita.get("/v1/cycles/now/board").status_code == 200
        assert made == ["board"]
    assert told(caplog)["left_out"] == ("ConnectionError" if way == "fails" else "TimeoutError")
