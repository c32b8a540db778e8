"""The connection that waits beside the pool: for whoever comes next, and never kept from somebody who waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout

from ledger import ending
from ledger.calls import CallFailed, statement, together
from ledger.ending import cut, end_soon, take_back
from ledger.errors import ConnectionsAreTaken, LedgerIsGone, ShutOut, is_gone, passing
from ledger.lifecycle import initialise
from ledger.place import Connection, Pool
from ledger.settings import Settings
from ledger.store import Ledger
from tests.waiting import PATIENCE, until


def test_who_waits_for_a_connection_gets_the_first_that_is_given_back(ledger: Ledger) -> None:
    """Given a pool that is taken, and one who waits, when a connection comes back, then it is not laid aside."""
    with ledger.place.pool(largest=1, kept=1) as pool, ThreadPoolExecutor(1) as threads:
        taken = pool.getconn()
        waiting = threads.submit(pool.getconn, PATIENCE)
        until(lambda: pool.get_stats().get("requests_waiting"))
        pool.putconn(taken)
        assert waiting.result(PATIENCE / 4) is taken
        pool.putconn(taken)
        with pool.connection(
            timeout=PATIENCE
        ) as again:  # whoever asks the pool itself gets what waits beside it
            assert again is taken


@pytest.mark.parametrize("closed_before", [False, True])
def test_a_connection_that_comes_back_while_the_pool_closes_is_closed(
    ledger: Ledger, closed_before: bool
) -> None:
    """Given a connection in use when the pool closes, or laid aside just then, then none is left open."""
    pool = ledger.place.pool(largest=1, kept=1)

    class Late(list[Connection]):
        def append(self, connection: Any) -> None:
            pool.close()
            super().append(connection)

    connection = pool.getconn()
    if closed_before:
        pool.close()
    else:
        pool._ready = Late()
    pool.putconn(connection)
    assert connection.closed


def test_a_connection_that_broke_beside_the_pool_is_not_given_out(ledger: Ledger) -> None:
    with ledger.place.pool(largest=1, kept=1) as pool:
        with pool.connection(timeout=PATIENCE) as broken:
            pass
        broken.close()
        with pool.connection(timeout=PATIENCE) as connection:
            assert connection is not broken
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_database_that_lets_nobody_in_is_not_one_whose_connections_are_in_use(ledger: Ledger) -> None:
    """Given a login that is not there, then whoever waited in vain is told that, the next one at once, and where the
    words say why that too; once somebody is let in, all are."""
    place = ledger.place
    nobody = make_conninfo(place.application_url, user="nobody_of_this_ledger")
    with Pool(
        nobody, place._configure, min_size=1, max_size=2, timeout=0.2, kwargs=place._session(), open=True
    ) as pool:
        for times in range(2):
            asked = pool.get_stats().get("requests_queued", 0)
            with pytest.raises(ShutOut, match="nobody_of_this_ledger") as met:
                pool.getconn()
            assert pool.get_stats().get("requests_queued", 0) == asked + (times == 0)
            assert is_gone(met.value) == place.embedded  # who asks for a password does not say who is there
            assert isinstance(passing(met.value), LedgerIsGone) == place.embedded
        pool.conninfo = place.application_url
        with pool.connection(timeout=PATIENCE) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
            with pool.connection(timeout=PATIENCE), pytest.raises(PoolTimeout) as taken:
                pool.getconn()
        assert isinstance(passing(taken.value), ConnectionsAreTaken)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("way", [take_back, cut])
def test_at_the_end_nobody_waits_for_a_database_that_does_not_answer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, way: Callable[[Connection], None], piped: bool
) -> None:
    """Given threads that wait, one of which asks again, when the process is to end, then they are let go."""
    monkeypatch.setattr(ending, "take_back", way)
    monkeypatch.setattr(ending, "CUT_SECONDS", 0.0 if way is cut else PATIENCE)
    lock = f"select pg_advisory_xact_lock(hashtextextended('the end of {ledger.schema}', 0))"
    key = statement

    def wait(times: int) -> list[Exception]:
        met: list[Exception] = []
        for _ in range(times):
            try:
                with pool.connection(timeout=PATIENCE) as connection:
                    if piped:
                        together(connection, [(key("select 1", 0), ()), (key(lock, 0), ())])
                    else:
                        connection.execute(lock.encode())
            except CallFailed as failed:
                met.append(failed.cause)
            except psycopg.Error as error:
                met.append(error)
        return met

    with ledger.place.pool(largest=5) as pool, ThreadPoolExecutor(2) as threads:
        with ledger.pool.connection() as holder, holder.transaction():
            holder.execute(lock.encode())
            waiting = [threads.submit(wait, times) for times in (1, 2)]
            end_soon(pool, 0.0)
            met = [error for one in waiting for error in one.result(PATIENCE)]
        assert len(met) == 3
        assert all(isinstance(error, psycopg.OperationalError) for error in met)
        cancelled = {isinstance(error, psycopg.errors.QueryCanceled) for error in met}
        assert cancelled == {way is take_back}


def test_how_a_login_writes_days_and_instants_does_not_matter(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a server, or a role, that writes instants as its country does, then a ledger is created and read."""
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    initialise(settings, "Example Works", "Europe/Berlin", steward_name="Ada Example")
    with Ledger.open(settings) as opened:
        assert opened.head().recorded_at == opened.read_page(0, 10)[-1].recorded_at
