"""Who leaves before the work has begun is not worked for, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.lines import Line
from api.reading import COMMANDS_AT_ONCE
from api.visits import ERRAND, Making
from tests.api.busy import Served, appending_stands_still, counting, served, told
from tests.api.conftest import House
from tests.waiting import PATIENCE, until

__all__ = ["served"]


@pytest.mark.parametrize("way", ["says no more", "is cut off"])
def test_who_leaves_before_the_work_begins_is_not_worked_for(house: House, served: Served, way: str) -> None:
    head, ada, begun = house.ledger.head().position, served.ada, counting(served.app)
    body = f'{{"name":"Leaves: {way}"}}'
    request = (
        f"POST /v1/teams HTTP/1.1\r\nHost: here\r\nAuthorization: {ada.headers['authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    with ThreadPoolExecutor(COMMANDS_AT_ONCE) as threads, appending_stands_still(house) as go_on:
        inside = [
            threads.submit(ada.post, "/v1/teams", json={"name": f"Stays: {way} {number}"})
            for number in range(COMMANDS_AT_ONCE)
        ]
        until(lambda: len(begun) == COMMANDS_AT_ONCE)
        # given one whose command waits, when they leave, then it is not given
        with socket.create_connection((ada.base_url.host, ada.base_url.port)) as caller:
            caller.sendall(request.encode())
            until(lambda: len(served.visits) > COMMANDS_AT_ONCE and served.visits[-1]._errand is not None)
            if way == "is cut off":
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                caller.shutdown(socket.SHUT_WR)
                assert caller.recv(9) == b"HTTP/1.1 "
                assert caller.recv(3) == b"503"
        until(lambda: told(served.app, "left") == 1)
        go_on()
        assert [one.result(PATIENCE).status_code for one in inside] == [201] * COMMANDS_AT_ONCE
    assert ada.post("/v1/teams", json={"name": f"Comes after: {way}"}).status_code == 201
    assert len(begun) == COMMANDS_AT_ONCE + 1
    assert house.ledger.head().position == head + COMMANDS_AT_ONCE + 1


def test_whoever_leaves_a_line_that_stands_still_leaves_nothing_in_it() -> None:
    async def meeting() -> tuple[int, int]:
        line, gate, begun = Line("test", 1), threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            assert gate.wait(PATIENCE)

        inside = asyncio.ensure_future(line.run(hold))
        await asyncio.to_thread(begun.wait, PATIENCE)
        # given a place that is taken, when many come and leave, then nothing of them is kept
        for _ in range(20):
            waiting = [asyncio.ensure_future(line.run(int)), asyncio.ensure_future(line.look(int))]
            await asyncio.sleep(0)
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)
        kept, stays = len(line._jobs), asyncio.ensure_future(line.run(lambda: 7))
        await asyncio.sleep(0)
        # and whoever stays is served
        gate.set()
        await inside
        found = await stays
        line.close()
        return kept, found

    assert asyncio.run(meeting()) == (0, 7)


def test_what_nobody_waits_for_any_longer_is_given_up_unless_it_has_begun() -> None:
    async def meeting() -> list[bool]:
        given_up = []
        for begins in (False, True):
            gate = asyncio.Event()

            async def make(gate: asyncio.Event = gate, *, begins: bool = begins) -> int:
                errand = ERRAND.get()
                assert errand is not None
                if begins:
                    assert errand.begin()
                await gate.wait()
                return 7

            making = Making(make)
            waiting = [asyncio.ensure_future(making.wait()) for _ in range(2)]
            await asyncio.sleep(0)
            for one in waiting:
                assert not making.made.cancelled()
                one.cancel()
                await asyncio.wait([one])
            gate.set()
            await asyncio.wait([making.made])
            given_up.append(making.made.cancelled())
            assert making.found() == (7 if begins else None)
        return given_up

    assert asyncio.run(meeting()) == [True, False]
