"""Where the measurements run: ledgers in schemas of their own, on a server that is thrown away afterwards."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ledger.embedded import EmbeddedServer
from ledger.place import Place
from ledger.settings import Settings, load_settings

MASTER_KEY = "c3RyYXRlZ3ktbGVkZ2VyLWJlbmNoLW1hc3Rlci1rZXk="
"""The key of the measurements: base64 of 32 readable bytes, of no use anywhere else."""
_ADDRESSES = ("STRATEGY_LEDGER_DATABASE_URL", "STRATEGY_LEDGER_MIGRATE_URL")


@contextmanager
def house() -> Iterator[Settings]:
    """Give settings on the server that the environment names, else on an embedded one in a directory of its own."""
    named = {name: os.environ[name] for name in _ADDRESSES if os.environ.get(name)}
    with tempfile.TemporaryDirectory(
        prefix="strategy-ledger-bench-", ignore_cleanup_errors=True
    ) as directory:
        environ = {
            "STRATEGY_LEDGER_DATA_DIR": directory,
            "STRATEGY_LEDGER_MASTER_KEY": MASTER_KEY,
            "STRATEGY_LEDGER_SCHEMA": f"bench_{os.getpid()}",
            **named,
        }
        settings = load_settings(environ)
        if named:
            yield settings
            return
        with EmbeddedServer.start(Path(directory)):
            yield settings


@contextmanager
def room(settings: Settings, name: str) -> Iterator[Settings]:
    """Give settings of a schema of its own, which holds nothing yet and is dropped afterwards."""
    own = replace(settings, schema=f"{settings.schema}_{name}")
    drop(own)
    try:
        yield own
    finally:
        drop(own)


@contextmanager
def slower_flush(settings: Settings) -> Iterator[bool]:
    """Let every flush of the server take a millisecond more, as on a disk; gives False where that is not allowed.

    PostgreSQL's own `commit_delay` waits before it flushes; with `commit_siblings` 0 it always does.
    """
    with Place.open(settings) as place, psycopg.connect(place.owner_url, autocommit=True) as connection:
        try:
            connection.execute("alter system set commit_siblings = 0")
            connection.execute("alter system set commit_delay = 1000")
        except psycopg.errors.InsufficientPrivilege:
            yield False
            return
        try:
            connection.execute("select pg_reload_conf()")
            yield True
        finally:
            connection.execute("alter system reset commit_delay")
            connection.execute("alter system reset commit_siblings")
            connection.execute("select pg_reload_conf()")


def drop(settings: Settings) -> None:
    """Drop a schema with everything in it, and its roles."""
    with Place.open(settings) as place, psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(place.schema)))
        superuser = connection.execute("select from pg_roles where rolname = current_user and rolsuper")
        for role in (place.application_role, place.auditor_role, place.reader_role, place.owner_role):
            if connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
                if not superuser.rowcount:  # to drop what a role owns, one must be a member of it
                    connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
                connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def seconds(work: Callable[[], Any]) -> float:
    """Return how long a piece of work takes, with what was there before out of the collector's way."""
    gc.collect()
    gc.freeze()
    try:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin
    finally:
        gc.unfreeze()


def rate(work: Callable[[], Any], lasting: float) -> float:
    """Return how often a second a piece of work is done, over this many seconds."""
    begin, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - begin) < lasting:
        work()
        done += 1
    return done / passed


class Laps:
    """The rates of the rounds of one long piece of work, each so many entries long."""

    def __init__(self, length: int) -> None:
        self.rates: list[float] = []
        self._length = length
        self._position, self._at = 0, 0.0

    def begin(self) -> None:
        """Begin now, before the first entry."""
        self._at = time.perf_counter()

    def reached(self, position: int) -> None:
        """Note that the work has come to a position; a round ends where it is long enough."""
        if position - self._position >= self._length:
            now = time.perf_counter()
            self.rates.append((position - self._position) / (now - self._at))
            self._position, self._at = position, now
