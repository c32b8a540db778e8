"""From when on a request waits: from the arrival of its last bytes, which may have lain in the system for a while."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import Any

import pytest

from api import arrivals
from api import crowd as crowd_module
from api.answers import fault_answer
from api.arrivals import arrival_of, note_arrival
from api.middleware import BodyLimit
from api.visits import Visit
from tests.api.busy import Served, served
from tests.waiting import PATIENCE, until

__all__ = ["served"]


@pytest.mark.skipif(sys.platform != "linux", reason="this system does not say when bytes arrived")
def test_what_waited_in_the_system_before_it_was_read_counts() -> None:
    """Given bytes that lie there unread, then the time since they came is a part of the request's."""

    class Transport:
        def get_extra_info(self, _: str) -> Any:
            return taken

    scope: dict[str, Any] = {}
    found: list[float] = []
    transport: Any = Transport()
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = time.monotonic()
        with socket.create_connection(server.getsockname()) as caller:
            caller.sendall(b"GET")
            taken, _ = server.accept()
            with taken:
                arrived = time.monotonic()
                until(lambda: time.monotonic() > arrived + 0.3)
                for _ in range(5):  # a pause of the machine in the middle of one makes that one late
                    note_arrival(scope, transport)
                    found.append(arrival_of(scope))
    assert before - 0.1 < min(found) < arrived + 0.1  # the system counts in steps
    assert arrival_of({}) >= arrived


def test_a_pause_of_the_machine_in_the_middle_of_the_look_counts_for_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, scope = time.monotonic(), dict[str, Any]()
    transport: Any = None

    def paused(_: Any) -> float:
        until(lambda: time.monotonic() > began + 0.05)
        return 0.0

    monkeypatch.setattr(arrivals, "_seconds_ago", paused)
    note_arrival(scope, transport)
    assert arrival_of(scope) > began + 0.05


def test_the_time_that_a_caller_takes_to_send_is_not_the_servers(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived: list[float] = []

    def noted(scope: Any) -> float:
        arrived.append(arrival_of(scope))
        return arrived[-1]

    monkeypatch.setattr(crowd_module, "arrival_of", noted)
    ada = served.ada
    with socket.create_connection((ada.base_url.host, ada.base_url.port)) as caller:
        # given half a head that was read
        caller.sendall(b"GET /v1/cycles HTTP/1.1\r\nHost: here\r\n")
        assert ada.get("/v1/teams").status_code == 200
        arrived.clear()
        paused = time.monotonic()
        until(lambda: time.monotonic() > paused + 0.2)
        # when the rest comes, then the request arrived now
        caller.sendall(f"Authorization: {ada.headers['authorization']}\r\n\r\n".encode())
        assert caller.recv(12) == b"HTTP/1.1 200"
    assert arrived
    assert min(arrived) > paused + 0.1  # the system counts in steps


def test_while_a_body_is_still_sent_no_time_is_counted() -> None:
    counted: list[bool] = []

    async def meeting() -> None:
        visit = Visit(PATIENCE, time.monotonic())

        async def receive() -> dict[str, Any]:
            counted.append(visit._timer is not None)
            return {"type": "http.request", "body": b""}

        async def app(*_: Any) -> None:
            counted.append(visit._timer is not None)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/teams",
            "headers": [],
            "state": {"visit": visit},
        }
        try:
            await BodyLimit(app, fault_answer)(scope, receive, app)
        finally:
            visit.close()

    asyncio.run(meeting())
    assert counted == [False, True]
