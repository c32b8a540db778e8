"""A head that went backwards, as after a restore from an older backup: noticed and said at every door."""

from __future__ import annotations

from psycopg import sql

from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader
from tests.badday.test_faults import served
from tests.laws.shelf import Book, Shelf
from tests.laws.writer import give, item_of

TRIGGERS = (
    ("entries", "entries_stay_as_they_are"), ("entries", "entries_stay"), ("head", "head_stays"),
    ("head", "head_is_kept"),
)  # fmt: skip


def ends_at(book: Book, position: int) -> None:
    """Let the ledger be what it was at a position, as an older backup would."""
    with book.ledger.place.as_owner() as owner:
        for table in ("entries", "head"):
            owner.execute(sql.SQL("alter table {} disable trigger user").format(sql.Identifier(table)))
        owner.execute("delete from receipts where position > %s", [position])
        owner.execute("delete from entries where position > %s", [position])
        owner.execute(
            "update head set position = %s, recorded_at = (select recorded_at from entries where position = %s)",
            [position, position],
        )
        for table, trigger in TRIGGERS:
            enable = sql.SQL("alter table {} enable always trigger {}")
            owner.execute(enable.format(sql.Identifier(table), sql.Identifier(trigger)))


def test_a_head_that_went_backwards_is_said_and_recovered_from(shelf: Shelf) -> None:
    """Given a server and a client who have seen an end, when the ledger ends earlier, then the server says so until it
    is started again; the next one answers from what is there, and a client who asks for what was lost is told."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        kept = give(book.ledger, 1, steward, item).position
        lost = give(book.ledger, 2, steward, item)
        book.engine.catch_up()
        with served(book, company.steward) as client:
            assert client.get("/v1/cycles/first/board").headers["ledger-position"] == str(lost.position)
            assert client.get("/v1/ready").json()["status"] == "ready"
            ends_at(book, kept)
            board, ready = client.get("/v1/cycles/first/board"), client.get("/v1/ready")
            assert (board.status_code, ready.status_code) == (503, 503)
            assert board.json()["type"] == "/v1/problems/head_went_back"
            assert "restart the server" in board.json()["detail"]
            assert ready.json()["status"] == "head_went_back"

        with Ledger.open(book.settings) as ledger:
            engine = Engine(ledger)
            again = Book(book.settings, ledger, engine, Reader(ledger, engine))
            with served(again, company.steward) as client:
                board = client.get("/v1/cycles/first/board")
                assert (board.status_code, board.json()["basis"]["position"]) == (200, kept)
                ahead = client.get("/v1/cycles/first/board", params={"min_position": lost.position})
                assert ahead.status_code == 409
                assert ahead.json()["type"] == "/v1/problems/position_is_ahead"
                assert client.get("/v1/ready").json()["status"] == "ready"
            repeated = give(ledger, 2, steward, item)
            assert (repeated.replayed, repeated.position) == (False, lost.position)
            assert repeated.recorded_at > lost.recorded_at
