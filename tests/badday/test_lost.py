"""How a lost connection is told from what the database says."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import psycopg
import pytest

from api.found import Found
from api.reading import Desk
from api.writing import Writer
from ledger.errors import is_lost
from ledger.store import Ledger
from projections.bookmarks import Standing
from replay.engine import Engine
from replay.questions import ProjectionIsBehind, Reader
from tests.laws.shelf import Shelf


def test_a_server_that_is_killed_under_a_query_is_a_lost_connection(own_shelf: Shelf) -> None:
    """Given a query that runs, when the process that works for it is killed, then that is no fault of the query."""
    with own_shelf.company() as (book, _), psycopg.connect(book.ledger.place.owner_url) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        os.kill(int(str(row[0])), signal.SIGKILL)
        with pytest.raises(psycopg.Error) as lost:
            connection.execute("select pg_sleep(5)")
        assert is_lost(lost.value)


def test_what_the_database_or_the_driver_refuses_is_no_lost_connection(shelf: Shelf) -> None:
    with shelf.company() as (book, _), book.ledger.pool.connection() as connection:
        for query, values in (("select 1 / 0", []), ("select nothing", []), ("select %s", ["a\x00b"])):
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(query, values)
            assert not is_lost(refused.value), query
    assert is_lost(psycopg.DatabaseError("server closed the connection unexpectedly"))


def test_who_read_further_does_not_read_back_when_the_database_lost_the_last_page(shelf: Shelf) -> None:
    """Given a server that said how far it is, when its database comes back without the projections' last page, which
    does not wait for the disk, then the page is taken in again before anything is answered.
    """
    with shelf.company() as (book, _), Ledger.open(book.settings) as ledger:
        engine = Engine(ledger)
        engine.catch_up()
        reader = Reader(ledger, engine, keeps=True)
        desk = Desk(ledger, reader, engine, Writer(ledger, Found(reader), engine))
        standing, before = reader.standing, desk._look()
        waited: list[int] = []

        def as_it_came_back() -> Standing:
            found = standing()
            lost = 0 if waited else 1
            return replace(found, positions={name: place - lost for name, place in found.positions.items()})

        reader.standing = as_it_came_back  # type: ignore[method-assign]

        def wait_for(position: int, timeout: float = 5.0) -> bool:
            waited.append(position)
            return True

        engine.wait_for = wait_for  # type: ignore[method-assign]
        assert desk._look().position == before.position
        assert waited == [before.position]
        # and where the page is not there in time, that is said
        waited.clear()
        engine.wait_for = lambda position, timeout=5.0: False  # type: ignore[method-assign]
        with pytest.raises(ProjectionIsBehind):
            desk._look()
        desk.close()
