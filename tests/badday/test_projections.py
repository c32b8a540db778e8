"""Tables of the projections that somebody holds or dropped: said at every door, and recovered from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from api.cli.codes import Code
from api.cli.faults import describe
from ledger.place import Place
from ledger.store import Ledger
from projections.trouble import ProjectionIsHeld, ProjectionsAreGone
from replay.asked import BoardOf, CommitmentsOf
from replay.engine import Engine
from replay.generations import rebuild
from replay.questions import Reader
from replay.runner import Runner
from replay.verify import verify
from tests.badday.test_faults import served
from tests.laws.shelf import Book, Shelf
from tests.laws.writer import give, item_of
from tests.waiting import held, until

HELD = "/v1/problems/projection_is_held"
GONE = "/v1/problems/projections_are_gone"
BOUND = "1s"
DAILY = 2.0
"""Seconds for which a server waits for answers, where the end of its patience is what is asked about."""


@pytest.fixture
def hasty(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Take ledgers from a shelf whose sessions wait for a table a short time only."""
    session = Place._session

    def bounded(place: Place) -> dict[str, Any]:
        return {**session(place), "options": f"-c lock_timeout={BOUND}"}

    monkeypatch.setattr(Place, "_session", bounded)
    return shelf


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def generations_after_a_sweep(book: Book) -> set[str]:
    with book.ledger.pool.connection() as connection:
        book.engine.control.sweep(connection)
    return {name.partition("_")[0] for name in tables_of(book)}


def tables_of(book: Book) -> list[str]:
    with book.ledger.pool.connection() as connection:
        rows = connection.execute(
            "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
            " and relname ~ '^g[0-9]+_' order by 1",
            [f'"{book.ledger.schema}"'],
        ).fetchall()
    return [name for (name,) in rows]


def drop_tables(book: Book, *names: str) -> None:
    with book.ledger.pool.connection() as connection:
        for name in names:
            connection.execute(f'drop table "{book.ledger.schema}".{name} cascade'.encode())


def answers_again(client: httpx.Client, position: int) -> None:
    def level() -> bool:
        return client.get("/v1/teams", params={"min_position": position}).status_code == 200

    until(level)


def test_every_session_waits_for_a_table_as_long_as_an_append_does(ledger: Any) -> None:
    for connection in (ledger.pool.connection, ledger.connection):
        with connection() as one:
            assert one.execute("show lock_timeout").fetchone() == ("10s",)


def test_a_reading_before_a_table_that_is_held_is_told_who_holds_it(hasty: Shelf) -> None:
    """Given an operator who keeps a table of the answers to themselves, then who needs it is told so, by the API and on
    the command line, while others are answered, commands are recorded, readiness says it; and then all goes on."""
    with hasty.company() as (book, company), served(book, company.steward) as client:
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        give(book.ledger, 1, steward, item)
        book.engine.catch_up()
        assert client.get("/v1/cycles/first/board").status_code == 200
        paths = [f"/v1/cycles/first/{name}" for name in ("commitments", "drift")] * 6
        with held(book.ledger, "g1_lines"), ThreadPoolExecutor(len(paths)) as threads:
            # when more ask for what stands there than there are threads, and others beside them for something else
            asked = [threads.submit(client.get, path) for path in paths]
            assert client.get("/v1/people").status_code == 200
            assert client.get("/v1/teams").status_code == 200
            for one in asked:
                answer = one.result()
                assert told(answer) == (503, HELD)
                assert "holds g1_lines" in answer.json()["detail"]
                assert answer.headers["retry-after"] == "1"
            formed = client.post("/v1/teams", json={"name": "Meanwhile"})
            assert formed.status_code == 201
            ready = client.get("/v1/ready").json()
            assert (ready["status"], "holds g1_lines" in ready["trouble"]) == ("projection_is_held", True)
            with pytest.raises(ProjectionIsHeld) as met:
                Reader(book.ledger, book.engine).ask(CommitmentsOf("first"))
            fault = describe(met.value)
            assert fault is not None
            assert fault.code == Code.UNAVAILABLE
            assert "holds g1_lines" in fault.sentence
            with pytest.raises(ProjectionIsHeld):
                verify(book.ledger)
        for path in paths:
            assert client.get(path).status_code == 200
        assert client.get("/v1/ready").json()["status"] == "ready"


def test_what_is_kept_is_not_completed_from_a_table_that_is_held(hasty: Shelf) -> None:
    """Given somebody who waited in vain for a table, then the next one does not wait as long for what changed."""
    with hasty.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        reader, question = Reader(book.ledger, book.engine, keeps=True), BoardOf("first")
        book.engine.catch_up()
        today = reader.ask(question).basis.effective_on
        give(book.ledger, 3, steward, item)
        book.engine.catch_up()
        found = reader.standing()
        kept = partial(
            reader.from_kept, question, found.generation, found.head, today=today, reader=reader.sight
        )
        with held(book.ledger, "g1_versions"):
            with pytest.raises(ProjectionIsHeld):
                Reader(book.ledger, book.engine).ask(question)
            assert kept() is None


def test_bookmarks_that_somebody_emptied_are_said(shelf: Shelf) -> None:
    with shelf.company() as (book, _):
        book.engine.catch_up()
        reader = Reader(book.ledger, book.engine)
        reader.ask(CommitmentsOf("first"))
        with book.ledger.pool.connection() as connection:
            connection.execute("delete from projections_bookmarks")
        with pytest.raises(ProjectionsAreGone):
            reader.ask(CommitmentsOf("first"))


@pytest.mark.parametrize("table", ["projections_bookmarks", "projections_generations"])
def test_nobody_waits_for_ever_before_the_tables_that_say_where_everything_stands(
    hasty: Shelf, table: str
) -> None:
    with hasty.company() as (book, company), served(book, company.steward, patience=DAILY) as client:
        assert client.get("/v1/teams").status_code == 200
        head = book.ledger.head().position
        with held(book.ledger, table):
            for path in ("/v1/teams", "/v1/cycles/first/board", "/v1/entries"):
                answer = client.get(path)
                assert told(answer) == (503, HELD)
                assert f"holds {table}" in answer.json()["detail"]
            formed = client.post("/v1/teams", json={"name": "Meanwhile"})
            assert (formed.status_code, formed.headers["projection"]) == (201, "behind")
            assert client.get("/v1/ready").json()["status"] == "projection_is_held"
            assert client.get("/v1/health").status_code == 200
        answers_again(client, head + 1)
        assert "Meanwhile" in client.get("/v1/teams").text
        assert client.get("/v1/ready").json()["status"] == "ready"


def test_the_projections_follow_by_themselves_once_a_table_is_let_go(
    hasty: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a table into which nothing can be written, when something is recorded, then the log and readiness say who
    holds it and how far behind the answers are, no projection stops, and they follow once it is let go."""
    with hasty.company() as (book, company), Runner(book.engine), served(book, company.steward) as client:
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        book.engine.catch_up()
        with held(book.ledger, "g1_items"):
            give(book.ledger, 1, steward, item)
            until(lambda: any("holds g1_items" in record.message for record in caplog.records))
            ready = client.get("/v1/ready").json()
            assert (ready["status"], ready["stopped"]) == ("projection_is_held", {})
            assert ready["behind"] > 0
        head = book.ledger.head().position
        answers_again(client, head)
        until(lambda: client.get("/v1/ready").json()["status"] == "ready")
        assert client.get("/v1/ready").json()["behind"] == 0


@pytest.mark.parametrize("with_runner", [True, False])
@pytest.mark.parametrize("what", ["one", "all of a generation", "bookmarks", "generations"])
def test_dropped_tables_of_the_answers_are_said_and_built_anew(
    shelf: Shelf, what: str, *, with_runner: bool
) -> None:
    """Given tables of the answers that somebody dropped, then nobody says that the ledger is gone, and nobody waits for
    ever: commands are recorded, readings are told what is missing, and a rebuild makes the answers anew."""
    with ExitStack() as stack:
        book, company = stack.enter_context(shelf.company())
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        give(book.ledger, 1, steward, item)
        book.engine.catch_up()
        book.engine.show_views()
        client = stack.enter_context(served(book, company.steward))
        before = client.get("/v1/cycles/first/board").json()
        tables = tables_of(book)
        gone = {
            "one": ["g1_lines"],
            "all of a generation": tables,
            "bookmarks": ["projections_bookmarks"],
            "generations": ["projections_bookmarks", "projections_generations"],
        }[what]
        drop_tables(book, *gone)
        if with_runner:
            stack.enter_context(Runner(book.engine))
        formed = client.post("/v1/teams", json={"name": "Meanwhile"})
        assert formed.status_code == 201
        answer = client.get("/v1/cycles/first/commitments")
        if what != "generations" or not with_runner:  # a runner begins anew where nothing tells of any
            assert told(answer) == (503, GONE)
            assert "run `strategy-ledger rebuild`" in answer.json()["detail"]
            assert client.get("/v1/ready").json()["status"] == "projections_are_gone"
            teams = client.get("/v1/teams")
            assert teams.status_code == 200 if what == "one" else told(teams) == (503, GONE)
            with pytest.raises(ProjectionsAreGone) as met:
                Reader(book.ledger, book.engine).ask(CommitmentsOf("first"))
            fault = describe(met.value)
            assert fault is not None
            assert (fault.code, "rebuild" in fault.sentence) == (Code.UNAVAILABLE, True)

        with Ledger.open(book.settings) as ledger:  # as the command line does
            engine = Engine(ledger)
            made = rebuild(engine)
            engine.show_views()
        assert made.number > 1
        answers_again(client, formed.json()["position"])
        assert "Meanwhile" in client.get("/v1/teams").text
        until(lambda: client.get("/v1/ready").json()["status"] == "ready")
        after = client.get("/v1/cycles/first/board").json()
        assert after["objectives"] == before["objectives"]
        until(
            lambda: generations_after_a_sweep(book) == {f"g{made.number}"}
        )  # what was read still goes by the next
        assert verify(book.ledger, pairs=3).clean
