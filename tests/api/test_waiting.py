"""Who waits too long before the work has begun is told so, and nothing is done; what has begun is carried through."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.crowd import RETRY_SECONDS
from api.door import WAITING_SECONDS, Door
from api.reading import COMMANDS_AT_ONCE
from ledger.settings import SettingsError
from tests.api.busy import Served, appending_stands_still, counting, served, told
from tests.api.conftest import House
from tests.waiting import PATIENCE, held, until, until_blocked

__all__ = ["served"]
WAITING = "STRATEGY_LEDGER_WAITING_SECONDS"


def test_a_command_that_waits_too_long_is_not_carried_out_and_one_that_has_begun_is(
    house: House, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    head, ada, begun = house.ledger.head().position, served.ada, counting(served.app)
    with ThreadPoolExecutor(COMMANDS_AT_ONCE) as threads, appending_stands_still(house) as go_on:
        # given as many commands as are carried out at once, which cannot go on
        inside = [
            threads.submit(ada.post, "/v1/teams", json={"name": f"Begun {number}"})
            for number in range(COMMANDS_AT_ONCE)
        ]
        until(lambda: len(begun) == COMMANDS_AT_ONCE)
        until_blocked(house.ledger.place, 1)
        # when others come, then they hear after their time that nothing was done
        served.crowd.seconds = 0.05
        for number in range(2):
            late = ada.post("/v1/teams", json={"name": f"Late {number}"})
            assert late.status_code == 503
            assert late.headers["retry-after"] == str(RETRY_SECONDS)
            assert late.json()["type"] == "/v1/problems/server_is_busy"
            assert "waited for 0.05 seconds" in late.json()["detail"]
        # and those inside wait on, although their time is over as well
        served.their_time_is_over()
        assert not any(one.done() for one in inside)
        go_on()
        assert [one.result(PATIENCE).status_code for one in inside] == [201] * COMMANDS_AT_ONCE
    assert (told(served.app, "at_once"), told(served.app, "after_waiting")) == (0, 2)
    assert not any("Late" in one for one in begun)
    assert house.ledger.head().position == head + COMMANDS_AT_ONCE
    said = [getattr(record, "told", {}) for record in caplog.records]
    assert sum(one.get("waited_too_long", 0) for one in said) >= 1


def test_a_reader_whose_answer_cannot_begin_hears_so_in_time(house: House, served: Served) -> None:
    ada = served.ada
    with held(house.ledger, "projections_bookmarks"):
        served.crowd.seconds = 0.05
        for path in ("/v1/cycles/now/board", "/v1/teams", "/v1/entries"):
            late = ada.get(path)
            assert (late.status_code, late.headers["retry-after"]) == (503, str(RETRY_SECONDS))
        assert ada.get("/v1/health").status_code == 200
    served.crowd.seconds = PATIENCE
    assert ada.get("/v1/cycles/now/board").status_code == 200
    assert told(served.app, "after_waiting") == 3


def test_a_reader_whose_answer_has_begun_is_answered(served: Served) -> None:
    ada, desk, gate, begun = served.ada, served.app.state.desk, threading.Event(), threading.Event()
    page = desk._page

    def held(*asked: Any) -> Any:
        begun.set()
        assert gate.wait(PATIENCE)
        return page(*asked)

    desk._page = held
    with ThreadPoolExecutor(2) as threads:
        # given one whose answer is being made, and one who waits for the same
        asked = [threads.submit(ada.get, "/v1/cycles/now/drift")]
        assert begun.wait(PATIENCE)
        asked.append(threads.submit(ada.get, "/v1/cycles/now/drift"))
        (making,) = desk.latest._making.values()
        until(lambda: making.errand._waiting == len(asked))
        # when both have waited for as long as one may, then they wait on
        served.their_time_is_over()
        assert not any(one.done() for one in asked)
        gate.set()
        assert [one.result(PATIENCE).status_code for one in asked] == [200, 200]
    assert told(served.app, "after_waiting") == 0


def test_how_long_a_request_waits_is_a_setting() -> None:
    assert Door().waiting_seconds == WAITING_SECONDS
    assert Door.load({WAITING: "25"}).waiting_seconds == 25
    assert Door.load({WAITING: "0"}).waiting_seconds == 0
    with pytest.raises(SettingsError, match=WAITING):
        Door.load({WAITING: "soon"})
