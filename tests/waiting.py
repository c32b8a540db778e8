"""Waiting in tests: for a state that stays once it came, never for one that may pass by unseen.

Nothing here says how fast something must be: the patience is that of a machine with much else to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from aggregates.values import day_of
from ledger.place import Place, session_name
from ledger.store import Ledger

IN_AN_APPEND = "wait_event_type = 'Lock' and query ~ 'append(_next)?[(]' and application_name = %s"
PATIENCE = 120.0
"""Seconds after which a test gives up on what it waits for."""
_PAUSE = 0.002
_OF_THE_SERVER = (
    "api.app.PATIENCE",
    "api.writing.WAIT_SECONDS",
    "api.reading.PATIENCE",
    "api.routes.service.ANSWER_SECONDS",
    "api.connection.LINGER_SECONDS",
    "replay.questions.PATIENCE",
)
"""How long a server waits for its projections, its database and its callers before it says so or goes on without."""


@contextmanager
def patient_server() -> Iterator[None]:
    """Let a server within this process be as patient as a test: what it answers must not depend on how fast it is."""
    with pytest.MonkeyPatch.context() as here:
        for name in _OF_THE_SERVER:
            here.setattr(name, PATIENCE)
        yield


def until(reached: Callable[[], object]) -> None:
    """Wait until something is so; it must stay so."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come to that in {PATIENCE:.0f} s")
        time.sleep(_PAUSE)


def until_blocked(place: Place, sessions: int) -> None:
    """Wait until so many sessions of the application wait for a lock in an append to this ledger."""
    blocked = f"select count(*) >= %s from pg_stat_activity where {IN_AN_APPEND}"
    with psycopg.connect(place.application_url, autocommit=True) as watcher:
        until(
            lambda: (
                watcher.execute(blocked.encode(), [sessions, session_name(place.schema)]).fetchone()
                == (True,)
            )
        )


@contextmanager
def held(ledger: Ledger, table: str) -> Iterator[Callable[..., None]]:
    """Hold a table so that nobody reads it; give what waits until somebody, or so many sessions, stand before it."""
    stands = (
        "select count(distinct pid) >= %s from pg_locks where not granted and relation = to_regclass(%s)"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    with ledger.pool.connection() as connection, ledger.pool.connection() as other:
        connection.execute("begin")
        connection.execute(f"lock table {table} in access exclusive mode".encode())
        try:
            yield lambda sessions=1: until(
                lambda: other.execute(stands, [sessions, table]).fetchone() == (True,)
            )
        finally:
            connection.execute("rollback")


def end_sessions(place: Place, *, in_an_append: bool = False) -> None:
    """End the application's sessions on a ledger, as a network or a server does; other ledgers keep theirs."""
    chosen = IN_AN_APPEND if in_an_append else "application_name = %s"
    with psycopg.connect(place.application_url, autocommit=True) as other:
        other.execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where {chosen}".encode(),
            [session_name(place.schema)],
        )


def day_that_lasts(ledger: Ledger, zone: ZoneInfo | None = None, seconds: float = 60) -> date:
    """Return today by the database's clock, in the ledger's zone; a day that ends within `seconds` is waited out."""
    return _lasting(lambda: ledger.head().now, zone or ledger.zone, seconds)


def day_that_lasts_at(url: str, zone: ZoneInfo, seconds: float) -> date:
    """Return today by the clock of the database at an address; a day that ends within `seconds` is waited out."""

    def clock() -> datetime:
        row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        now: datetime = row[0]
        return now

    with psycopg.connect(url, autocommit=True) as connection:
        return _lasting(clock, zone, seconds)


def _lasting(clock: Callable[[], datetime], zone: ZoneInfo, seconds: float) -> date:
    while (today := day_of(now := clock(), zone)) != day_of(now + timedelta(seconds=seconds), zone):
        time.sleep(0.5)
    return today
