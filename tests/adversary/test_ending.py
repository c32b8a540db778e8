"""The end of a server in the middle of its work: what is under way is answered, and it ends in bounded time."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.adversary.test_connection import asked, rest_of
from tests.api.conftest import House, house
from tests.waiting import PATIENCE, held, until

__all__ = ["house"]
ROOT = Path(__file__).parents[2]
PROGRAM = """
from api import connection
from api.cli import main

connection.TAKING_SECONDS = 1_000_000.0
main()
"""
"""The command line; who takes nothing is never cut off, so that nothing but the server's own end ends it."""


@contextmanager
def serving(house: House) -> Iterator[tuple[subprocess.Popen[str], Callable[[], socket.socket]]]:
    """A server of its own on the ledger of the house, and what makes a connection to it."""
    settings = house.ledger.settings
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_")},
        "PYTHONPATH": str(ROOT),
        "STRATEGY_LEDGER_DATA_DIR": str(settings.data_dir),
        "STRATEGY_LEDGER_SCHEMA": settings.schema,
        "STRATEGY_LEDGER_MASTER_KEY": settings.master_key or "",
        "STRATEGY_LEDGER_DATABASE_URL": settings.database_url or "",
        "STRATEGY_LEDGER_MIGRATE_URL": settings.migrate_url or "",
    }
    program = [sys.executable, "-c", PROGRAM, "serve", "--port", "0"]
    with (
        subprocess.Popen(
            program, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process,
        killed(process),
    ):
        assert process.stdout is not None
        place = urlsplit(process.stdout.readline().split()[2])

        def line() -> socket.socket:
            return socket.create_connection((place.hostname, place.port or 80), timeout=PATIENCE)

        with line() as raw:  # so that the event loop looks by itself from now on
            raw.sendall(asked(house, "GET /v1/cycles") + asked(house, "GET /v1/cycles", "Connection: close"))
            assert rest_of(raw).count(b"HTTP/1.1 200 ") == 2
        yield process, line


@contextmanager
def killed(process: subprocess.Popen[str]) -> Iterator[None]:
    """Leave no process, whatever became of the test."""
    try:
        yield
    finally:
        process.kill()


def ended(process: subprocess.Popen[str]) -> None:
    """Wait for the end; it is a good one."""
    assert process.wait(PATIENCE) == 0


def sessions(house: House) -> set[int]:
    """The sessions of the ledger."""
    with house.ledger.place.as_owner() as connection:
        rows = connection.execute(
            "select pid from pg_stat_activity where application_name like %s", [f"%{house.ledger.schema}%"]
        ).fetchall()
    return {pid for (pid,) in rows}


def test_a_look_that_is_under_way_at_the_end_is_answered(house: House) -> None:
    house.get("/v1/cycles")
    until(
        lambda: house.desk.probe._glance is not None
    )  # the last of the house's own sessions beside its pool
    before = sessions(house)
    with serving(house) as (process, line), line() as raw:
        with held(house.ledger, "projections_bookmarks") as stood_before:
            # given somebody who waits for a look, and the wish to end
            raw.sendall(asked(house, "GET /v1/cycles/now/board"))
            stood_before(2)  # the look, and what keeps the projections level beside it
            process.send_signal(signal.SIGTERM)
        # when the database answers, then so does the server, whole, and it is gone
        found = rest_of(raw)
        assert found.startswith(b"HTTP/1.1 200 ")
        length = re.search(rb"content-length: (\d+)", found)
        assert length
        assert len(found.partition(b"\r\n\r\n")[2]) == int(length[1])
        ended(process)
    until(lambda: sessions(house) <= before | sessions_of_pool(house))


def sessions_of_pool(house: House) -> set[int]:
    """The sessions of the house's own server."""
    return {
        connection.info.backend_pid for connection in (*house.ledger.pool._pool, *house.ledger.pool._ready)
    }


def test_a_command_that_is_under_way_at_the_end_is_recorded_and_answered(house: House) -> None:
    body = b'{"name":"At the very end"}'
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = house.ledger.head().position
    with serving(house) as (process, line), line() as raw, line() as half:
        half.sendall(asked(house, "POST /v1/teams", *lines))  # half a command is none, and keeps nobody
        with held(house.ledger, "projections_bookmarks") as stood_before:
            raw.sendall(asked(house, "POST /v1/teams", *lines) + body)
            until(lambda: house.ledger.head().position == head + 1)
            stood_before()  # it is recorded, and waits until the projections have read it
            process.send_signal(signal.SIGTERM)
        found = rest_of(raw)
        assert found.startswith(b"HTTP/1.1 201 ")
        assert b"ledger-position: %d\r\n" % (head + 1) in found
        ended(process)
        assert rest_of(half) == b""
    assert house.ledger.head().position == head + 1


def test_whoever_is_not_waited_for_any_longer_is_told_nothing(house: House) -> None:
    body = b'{"name":"At the very end"}'
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = house.ledger.head().position
    with serving(house) as (process, line), line() as raw, line() as half:
        # given a command that is recorded and waits, and half a one
        half.sendall(asked(house, "POST /v1/teams", *lines))
        with held(house.ledger, "projections_bookmarks") as stood_before:
            raw.sendall(asked(house, "POST /v1/teams", *lines) + body)
            until(lambda: house.ledger.head().position == head + 1)
            stood_before()
            # when somebody wishes the end, and then to wait for nobody
            process.send_signal(signal.SIGINT)
            until(lambda: is_closed(line))
            process.send_signal(signal.SIGINT)
            # then nothing is said of what may be recorded or not
            assert rest_of(raw) == rest_of(half) == b""
        ended(process)
    assert house.ledger.head().position == head + 1


def is_closed(line: Callable[[], socket.socket]) -> bool:
    """Whether a server takes no connections any more."""
    try:
        line().close()
    except ConnectionError:
        return True
    return False


def test_listeners_who_take_nothing_do_not_hold_up_the_end(house: House) -> None:
    """Given listeners who never read, with the whole ledger on its way to them, then the server ends all the same."""
    with serving(house) as (process, line):
        listeners = [line() for _ in range(5)]
        try:
            for raw in listeners:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
                raw.sendall(asked(house, "GET /v1/stream?after=0"))
            for raw in listeners:
                assert raw.recv(12) == b"HTTP/1.1 200"
            process.send_signal(signal.SIGTERM)
            ended(process)
        finally:
            for raw in listeners:
                raw.close()


@pytest.mark.slow
@pytest.mark.parametrize("table", ["projections_bookmarks", "projections_generations"])
def test_a_database_that_never_answers_does_not_hold_up_the_end(house: House, table: str) -> None:
    """Given commands and questions that wait for a table which somebody keeps, then the server ends all the same."""
    body = b'{"name":"At the very end"}'
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    with serving(house) as (process, line), held(house.ledger, table) as stood_before, ExitStack() as open_:
        callers = [open_.enter_context(line()) for _ in range(6)]
        for number, raw in enumerate(callers):
            command = asked(house, "POST /v1/teams", *lines) + body
            raw.sendall(command if number % 2 else asked(house, "GET /v1/cycles/now/board?at=5"))
        stood_before()
        process.send_signal(signal.SIGTERM)
        ended(process)
