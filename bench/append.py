"""How fast commands are recorded: beside a bare insert, and beside the library's stock recorder with eight writers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import sql

from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.team.events import TeamFormed, TeamRenamed
from ledger.lifecycle import initialise
from ledger.place import Place
from ledger.settings import Settings
from ledger.store import Ledger

ROUNDS = 5
SECONDS = 1.0


def one_command(settings: Settings) -> dict[str, float]:
    """Return medians of events per second: a bare insert and commit of the same bytes, and a command executed.

    The two take turns within one run; `ratio` is the median of the rounds' ratios.
    """
    settings = replace(settings, schema=f"{settings.schema}_one")
    with Place.open(settings) as place:
        _drop(place)
        created = initialise(settings, "Bench", "Europe/Berlin", steward_name="Bench")
        with Ledger.open(settings) as ledger:
            command = _renaming(ledger, f"person:{created.steward}")
            command()
            last = ledger.entry(ledger.head().position)
            assert last is not None
            with psycopg.connect(place.owner_url) as connection:
                connection.execute(
                    f"create table {settings.schema}.bare (position bigserial primary key,"
                    " recorded_at timestamptz not null default clock_timestamp(), stream text not null,"
                    " version integer not null, name text not null, data bytea not null, unique (stream, version))"
                )
                connection.commit()
                numbers = iter(range(1, 10**9))

                def bare() -> None:
                    connection.execute(
                        f"insert into {settings.schema}.bare (stream, version, name, data) values (%s, %s, %s, %s)",
                        [last.stream, next(numbers), last.name, last.data],
                        prepare=True,
                    )
                    connection.commit()

                rounds = [(_rate(bare), _rate(command)) for _ in range(ROUNDS)]
        _drop(place)
    return {
        "bare_insert_per_second": median(bare_rate for bare_rate, _ in rounds),
        "command_per_second": median(rate for _, rate in rounds),
        "ratio": median(rate / bare_rate for bare_rate, rate in rounds),
    }


def eight_writers(settings: Settings, writers: int = 8) -> dict[str, float]:
    """Return medians of events per second of writers side by side: the stock recorder's saves and our commands."""
    settings = replace(settings, schema=f"{settings.schema}_eight")
    with Place.open(settings) as place:
        _drop(place)
        created = initialise(settings, "Bench", "Europe/Berlin", steward_name="Bench")
        with psycopg.connect(place.owner_url, autocommit=True) as connection:
            connection.execute(f"create schema if not exists {settings.schema}_stock")
        address = _address(place.owner_url)
        stock = PostgresDatastore(
            **address, schema=f"{settings.schema}_stock", pool_size=writers, originator_id_type="text"
        )
        recorder = PostgresApplicationRecorder(stock, events_table_name="stock_events")
        recorder.create_table()
        with Ledger.open(settings) as ledger:
            commands = [_renaming(ledger, f"person:{created.steward}") for _ in range(writers)]
            saves = [_saving(recorder) for _ in range(writers)]
            rounds = [(_rates(saves), _rates(commands)) for _ in range(ROUNDS)]
        stock.close()
        with psycopg.connect(place.owner_url, autocommit=True) as connection:
            connection.execute(f"drop schema {settings.schema}_stock cascade")
        _drop(place)
    return {
        "stock_per_second": median(stock_rate for stock_rate, _ in rounds),
        "command_per_second": median(rate for _, rate in rounds),
        "ratio": median(rate / stock_rate for stock_rate, rate in rounds),
    }


def _renaming(ledger: Ledger, by: str) -> Callable[[], None]:
    """Return a command on a team of its own: load it, look at the actor, record one event."""
    team, names = ledger.new_id(), iter(range(10**9))

    def decide(world: Any, command: str, _occasion: Occasion) -> list[Recorded]:
        world.organisation()
        world.person(created_by)
        found = world.team(team)
        event = TeamFormed(name=command) if found is None else TeamRenamed(name=command)
        return [Recorded(stream_of("team", team), event)]

    created_by = type(team)(by.partition(":")[2])
    return lambda: ledger.execute(f"Team {next(names)}", decide, by=by) and None


def _saving(recorder: PostgresApplicationRecorder) -> Callable[[], None]:
    stream, versions = f"team:{uuid4()}", iter(range(1, 10**9))
    state = b'{"name":"' + b"x" * 280 + b'"}'

    def save() -> None:
        recorder.insert_events([StoredEvent(stream, next(versions), "team.renamed", state)])  # type: ignore[arg-type]

    return save


def _rate(work: Callable[[], None]) -> float:
    for _ in range(20):
        work()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        work()
        done += 1
    return done / (time.perf_counter() - start)


def _rates(works: list[Callable[[], None]]) -> float:
    counts = [0] * len(works)
    end = time.perf_counter() + SECONDS

    def run(number: int) -> None:
        while time.perf_counter() < end:
            works[number]()
            counts[number] += 1

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(works))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def _address(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    host = parts.hostname or unquote(parse_qs(parts.query)["host"][0])
    return {
        "dbname": parts.path.lstrip("/"),
        "host": host,
        "port": str(parts.port or 5432),
        "user": parts.username or "",
        "password": parts.password or "",
    }


def _drop(place: Place) -> None:
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(place.schema)))
        for role in (place.application_role, place.auditor_role, place.owner_role):
            if connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
                connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
