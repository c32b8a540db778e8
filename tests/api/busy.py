"""A server whose requests wait for as long as a test wants: who stands where in it, and what was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from api import crowd as crowd_module
from api.app import create_app
from api.crowd import Crowd
from api.door import Door
from api.metrics import Figures
from api.server import in_background
from api.visits import Visit
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House
from tests.waiting import PATIENCE


@dataclass
class Served:
    """The ledger of a house, served a second time: Ada's client, what serves, and who came."""

    ada: httpx.Client
    app: Any
    crowd: Crowd
    visits: list[Visit]

    def their_time_is_over(self) -> None:
        """Let everybody who came have waited for as long as one may."""
        for visit in self.visits:
            visit._loop.call_soon_threadsafe(visit._over, "waited")
        assert self.ada.get("/v1/health").status_code == 200  # and the loop has come to that


@pytest.fixture
def served(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server where a request waits for as long as the test has patience, unless `crowd.seconds` says otherwise."""
    visits: list[Visit] = []

    def visit(*asked: Any) -> Visit:
        visits.append(Visit(*asked))
        return visits[-1]

    monkeypatch.setattr(crowd_module, "Visit", visit)
    engine = Engine(house.ledger)
    app = create_app(
        house.ledger, Reader(house.ledger, engine, keeps=True), engine, house.ledger.settings,
        door=Door(0, 0, 0, 0, 0, PATIENCE),
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {house.tokens['ada']}"}
    with (
        in_background(app) as address,
        httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client,
    ):
        assert client.get("/v1/cycles/now/board").status_code == 200
        layer: Any = app.middleware_stack
        while not isinstance(layer, Crowd):
            layer = layer.app
        visits.clear()
        yield Served(client, app, layer, visits)


@contextmanager
def appending_stands_still(house: House) -> Iterator[Callable[[], None]]:
    """Let nobody append until the function is called or the block ends; reading goes on."""
    with psycopg.connect(house.ledger.place.owner_url) as holder:
        holder.execute(f"select from {house.ledger.schema}.head for update".encode())
        yield holder.rollback


def counting(app: Any) -> list[str]:
    """Note each command whose work begins."""
    writer, begun = app.state.desk.writer, list[str]()
    carry_out = writer.carry_out

    def carried_out(asked: Any) -> Any:
        begun.append(str(asked.content))
        return carry_out(asked)

    writer.carry_out = carried_out
    return begun


def told(app: Any, when: str) -> float:
    figures: Figures = app.state.figures
    counter = figures.left if when == "left" else figures.turned_away.labels(when)
    return float(counter._value.get())
