"""How a lost connection is told from what the database says."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest

from ledger.errors import is_lost
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
