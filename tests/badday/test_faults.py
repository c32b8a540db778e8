"""Faults: a lost connection, an exhausted pool, a database that takes no writes, a clock that jumps, a full disk."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from aggregates.decide import decide
from api import middleware
from api.app import create_app
from api.door import WIDE_OPEN
from api.reading import Desk
from api.server import in_background
from ledger.embedded import EmbeddedServer
from ledger.errors import LedgerIsFull, LedgerIsReadOnly
from ledger.receipts import IdempotencyKey
from ledger.store import Ledger
from replay import presenting
from replay.verify import verify
from tests.conftest import TEST_MASTER_KEY
from tests.laws.proxy import proxy
from tests.laws.shelf import Book, Shelf
from tests.laws.test_attacks import through
from tests.laws.test_writers import held, is_in_order, live_equals_rebuilt, stands_once
from tests.laws.writer import give, item_of, numbered, told
from tests.waiting import PATIENCE, patient_server, until


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_is_lost_under_appends_that_share_a_call(shelf: Shelf, cut: str) -> None:
    """Given commands of one process that go to the database together, when that connection is cut before they arrive or
    after their commit, then each gets its own receipt and stands once."""
    with shelf.company() as (book, company), proxy(book.ledger.place.application_url) as gate:
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        before = book.ledger.head().position
        with through(book, gate) as ledger, ThreadPoolExecutor(8) as pool:
            give(ledger, 1, steward, item)
            with held(book) as wait:
                asked = [pool.submit(give, ledger, 2, steward, item)]
                wait(1)
                asked += [pool.submit(give, ledger, number, steward, item) for number in range(4, 11)]
                _until_together(ledger, 7)
                gate.cut, gate.mark = cut, b'"key":"number 7"'
            receipts = [one.result(PATIENCE) for one in asked]
        assert gate.cuts == 1
        for receipt in receipts:
            stands_once(book, told(receipt))
        assert len({receipt.position for receipt in receipts}) == len(receipts)
        assert book.ledger.head().position == max(receipt.position for receipt in receipts)
        assert before < min(receipt.first_position for receipt in receipts)
        is_in_order(book)
        live_equals_rebuilt(book)


def _until_together(ledger: Ledger, tickets: int) -> None:
    """Wait until so many appends wait behind the one that is with the database."""
    waiting = ledger._application.events.recorder.appends._waiting  # type: ignore[attr-defined]
    until(lambda: len(waiting) >= tickets)


@contextmanager
def served(book: Book, steward: UUID, *, patience: float | None = None) -> Iterator[httpx.Client]:
    """Give a client of a server of this ledger, as patient as a test; or as one is in its daily work, and for answers
    that are made anew it waits so long."""
    with serving(book, steward, patience=patience) as (client, _):
        yield client


@contextmanager
def serving(
    book: Book, steward: UUID, *, patience: float | None = None
) -> Iterator[tuple[httpx.Client, Desk]]:
    """Give a client of a server of this ledger, and what its routes talk to."""
    headers = {"Authorization": f"Bearer {book.ledger.tokens.issue(f'person:{steward}', 'client')}"}
    app = create_app(book.ledger, book.reader, book.engine, book.settings, door=WIDE_OPEN)
    book.engine.renewal.patience = PATIENCE if patience is None else patience
    with (
        patient_server() if patience is None else nullcontext(),
        in_background(app) as address,
        httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client,
    ):
        yield client, app.state.desk


def test_an_exhausted_pool_is_said_and_passes(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given connections that are all in use, then what is kept is answered, other readers and writers are told so and
    when to come again, nothing is half done, and it goes on by itself as soon as one comes free."""
    # neither the token nor the names are due to be looked up again meanwhile
    monkeypatch.setattr(middleware, "TOKEN_SECONDS", 1_000_000)
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 1_000_000)
    with shelf.company() as (book, company), serving(book, company.steward) as (client, desk):
        assert client.get("/v1/cycles").status_code == 200
        until(
            lambda: desk.probe._glance is not None
        )  # the connection by which it looks whether anything is new
        assert client.get("/v1/cycles").status_code == 200  # as it is kept from now on
        before = book.ledger.head().position
        with ExitStack() as stack, monkeypatch.context() as soon:
            stack.enter_context(book.ledger._connections.use())  # which may wait beside the pool
            for _ in range(book.ledger.pool.max_size - 1):
                stack.enter_context(book.ledger.pool.connection(timeout=PATIENCE))
            soon.setattr(book.ledger.pool, "timeout", 0.2)
            assert client.get("/v1/cycles").status_code == 200
            answers = [
                client.get("/v1/decisions"),
                client.post("/v1/teams", json={"name": "Later"}, headers={"Idempotency-Key": "k"}),
            ]
        for answer in answers:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["type"] == "/v1/problems/connections_are_taken"
            assert "Every connection to the database is in use" in answer.json()["detail"]
        assert book.ledger.head().position == before
        again = client.post("/v1/teams", json={"name": "Later"}, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["position"]) == (201, before + 1)


def test_a_database_that_takes_no_writes_is_read_and_says_so(shelf: Shelf) -> None:
    """Given a database that takes no writes, as a copy of another one does, then a command is refused in words, reading
    goes on, and so does writing once it takes writes again."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        give(book.ledger, 1, steward, item)
        before = book.ledger.head().position
        for connection in _pooled(book.ledger):
            connection.execute("set default_transaction_read_only = on")
        asked = numbered(4, steward, item)
        with pytest.raises(LedgerIsReadOnly, match="takes no writes just now"):
            book.ledger.execute(asked.command, decide, by=steward)
        assert book.ledger.head().position == before
        for connection in _pooled(book.ledger):
            connection.execute("set default_transaction_read_only = off")
        assert give(book.ledger, 4, steward, item).first_position == before + 1
        is_in_order(book)


def _pooled(ledger: Ledger) -> list[Any]:
    """Return every connection of the pool, and the one that may wait beside it."""
    with ExitStack() as stack:
        first = stack.enter_context(ledger._connections.use())
        return [
            first,
            *(stack.enter_context(ledger.pool.connection()) for _ in range(ledger.pool.max_size - 1)),
        ]


# -- a clock that jumps


def test_a_clock_that_jumps_back_is_said_and_it_goes_on_once_it_is_right(shelf: Shelf) -> None:
    """Given a database whose clock is an hour behind what was recorded, then commands are refused with both times,
    reading goes on, the figures say by how much, and a command sent again is recorded once the clock is right."""
    with shelf.company() as (book, company), served(book, company.steward) as client:
        book.engine.catch_up()
        before = book.ledger.head()
        ahead_of_the_clock(book, "clock_timestamp() + interval '1 hour'")
        refused = client.post("/v1/teams", json={"name": "Later"}, headers={"Idempotency-Key": "k"})
        assert (refused.status_code, refused.json()["type"]) == (503, "/v1/problems/clock_is_behind")
        assert "set the clock right" in refused.json()["detail"]
        board = client.get("/v1/cycles/first/board")
        assert board.status_code == 200, board.text
        assert board.json()["basis"]["position"] == before.position
        figures = client.get("/v1/metrics").text
        (said,) = re.findall(r"^strategy_ledger_head_ahead_seconds (\S+)$", figures, re.MULTILINE)
        assert 3_000 < float(said) <= 3_600
        ahead_of_the_clock(book, f"'{before.recorded_at}'")
        again = client.post("/v1/teams", json={"name": "Later"}, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["position"]) == (201, before.position + 1)
        is_in_order(book)


def ahead_of_the_clock(book: Book, moment: str) -> None:
    """Let the ledger's last time be this one, as a clock leaves it that jumped since."""
    with book.ledger.place.as_owner() as owner:
        owner.execute(f"update head set recorded_at = {moment}".encode())


# -- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room; only root can make one."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=220m,mode=0711", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("a small file system cannot be mounted here, which needs root")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_refuses_in_words_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    """Given a disk without room, when commands are given until the database has none left, then each is recorded whole
    or refused in words, reading goes on, and with room again writing goes on where it stood."""
    environ = {
        "STRATEGY_LEDGER_DATA_DIR": str(small_disk / "data"),
        "STRATEGY_LEDGER_MASTER_KEY": TEST_MASTER_KEY,
    }
    with EmbeddedServer.start(small_disk / "data") as server, Shelf(environ).company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("checkpoint")
        filler = small_disk / "filler"
        room = os.statvfs(small_disk)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
        refused, acknowledged = None, {}
        for number in range(20_000):
            try:
                acknowledged[number] = told(give(book.ledger, number, steward, item))
            except LedgerIsFull as full:
                refused = (number, full)
                break
        assert refused is not None
        assert "no room left" in refused[1].detail
        assert book.ledger.read_page(0, 3)[0].position == 1
        filler.unlink()
        again = book.ledger.execute(
            numbered(refused[0], steward, item).command, decide, by=steward,
            idempotency=IdempotencyKey(f"number {refused[0]}"),
        )  # fmt: skip
        assert not again.replayed
        stands_once(book, told(again))
        is_in_order(book)
        book.engine.catch_up()
        assert verify(book.ledger, pairs=2, engine=book.engine).clean
