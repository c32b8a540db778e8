"""Commands beside bare inserts, and eight writers beside eight of the library's stock recorder.

Both ways record the same bytes: a check-in of a committed objective that has three key results.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count, cycle
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from aggregates.command import Command
from aggregates.commands import COMMANDS
from aggregates.decide import decide
from aggregates.objective.key_result_commands import CheckIn
from aggregates.values import day_of
from bench.figures import Measure, measure
from bench.house import rate, room, slower_flush
from ledger.execute import Order
from ledger.lifecycle import initialise
from ledger.receipts import IdempotencyKey
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine

WRITERS = 8
OBJECTIVES = 25
"""Objectives of each writer; their key results take turns, so that no stream grows longer than a real one."""


@dataclass(slots=True)
class Company:
    """A running cycle in a ledger: who records, and the key results of each writer as (objective, key result)."""

    ledger: Ledger
    owner: str
    key_results: list[list[tuple[UUID, UUID]]]

    def check_in(self, writer: int, *, keyed: bool = False) -> Callable[[], Any]:
        """Return what records one check-in of this writer's key results through the rules; it gives the receipt.

        With `keyed` each bears an idempotency key, as over HTTP.
        """
        numbers = count(1)
        turns = cycle(self.key_results[writer])
        confidences = cycle([Decimal("0.6"), Decimal("0.7")])

        def work() -> Any:
            objective, key_result = next(turns)
            command = CheckIn(
                objective=objective, key_result=key_result, confidence=next(confidences), said="on_track"
            )
            key = IdempotencyKey(f"bench {next(numbers)}") if keyed else None
            return self.ledger.execute(command, decide, by=self.owner, idempotency=key)

        return work


@contextmanager
def company(settings: Settings, writers: int) -> Iterator[Company]:
    """Give a ledger with a running cycle and this many writers' committed objectives."""
    created = initialise(settings, "Bench", "Europe/Oslo", steward_name="Steward")
    steward = f"person:{created.steward}"
    with Ledger.open(settings) as ledger:
        today = day_of(ledger.head().now, ledger.zone)
        owner = ledger.new_id()
        found = Company(ledger, f"person:{owner}", [])
        days = {"starts_on": -30, "commit_by": 10, "ends_on": 60}
        commands: list[dict[str, Any]] = [
            {"command": "add_person", "person": owner},
            {"command": "grant_role", "actor": found.owner, "role": "owner"},
            {"command": "plan_cycle", "cycle": "now", "name": "Now", "kind": "custom"}
            | {name: today + timedelta(days=number) for name, number in days.items()},
            {"command": "open_cycle", "cycle": "now"},
        ]
        carry_out(ledger, map(read, commands), by=steward)
        for _ in range(writers):
            mine: list[tuple[UUID, UUID]] = []
            carry_out(ledger, committed(ledger, owner, OBJECTIVES, mine), by=found.owner)
            found.key_results.append(sorted(mine, key=lambda pair: pair[1].int & 0xFFFF))
        yield found


def committed(
    ledger: Ledger, owner: UUID, objectives: int, key_results: list[tuple[UUID, UUID]]
) -> Iterator[Command]:
    """Give the commands of objectives with three key results each, up to their lines; note their key results."""
    for reference in ledger.next_references("OBJ", objectives):
        objective = ledger.new_id()
        name = {"objective": objective}
        told = {
            "title": "Become the first choice of schools",
            "owner": owner,
            "cycle": "now",
            "reference": reference,
        }
        yield read({"command": "draft_objective", **name, **told})
        for number in ledger.next_references("KR", 3):
            key_result = ledger.new_id()
            key_results.append((objective, key_result))
            yield read(
                {
                    "command": "add_key_result", **name, "key_result": key_result, "reference": number,
                    "title": "Raise the share of schools that renew", "owner": owner, "baseline": "10",
                    "measure": {"kind": "increase", "unit": "%"}, "target": {"kind": "point", "at": "80"},
                }
            )  # fmt: skip
        yield read({"command": "declare_local", **name, "because": "It serves this team alone."})
        yield read({"command": "commit_objective", **name, "confidence": "0.6"})


def read(fields: dict[str, Any]) -> Command:
    """Return the command of these fields."""
    return COMMANDS[fields["command"]].model_validate(fields)


def carry_out(ledger: Ledger, commands: Iterator[Command], *, by: str) -> int:
    """Carry commands out as an import does and return how many entries that gave; a refusal is raised."""
    entries = 0
    for answer in ledger.execute_many((Order(command, by) for command in commands), decide):
        if isinstance(answer, Exception):
            raise answer
        entries += answer.position - answer.first_position + 1
    return entries


def one_command(settings: Settings, *, rounds: int, fewer: int, lasting: float) -> list[Measure]:
    """Measure a command beside a bare insert and commit of its bytes, and the wait for its projections apart.

    What is only shown takes the fewer rounds.
    """
    with room(settings, "one") as own, company(own, 1) as found:
        work, keyed = found.check_in(0), found.check_in(0, keyed=True)
        bares, statements, commands, with_keys = [], [], [], []
        with _bare(found.ledger, work().position) as (insert_and_commit, statement):
            for _ in range(50):
                insert_and_commit()
                work()
                keyed()
            for number in range(rounds):
                bares.append(rate(insert_and_commit, lasting))
                commands.append(rate(work, lasting))
                if number < fewer:
                    statements.append(rate(statement, lasting / 2))
                    with_keys.append(rate(keyed, lasting / 2))
            slow: list[tuple[float, float]] = []
            with slower_flush(settings) as is_slower:
                slow += [
                    (rate(work, lasting / 2), rate(insert_and_commit, lasting / 2))
                    for _ in range(fewer if is_slower else 0)
                ]
        engine = Engine(found.ledger)
        engine.catch_up()
        waits = []
        for _ in range(20 * rounds):
            position = work().position
            begin = time.perf_counter()
            engine.wait_for(position)
            waits.append((time.perf_counter() - begin) * 1000)
    note = (
        f"inserts with their commits {_per_second(bares)}, commands {_per_second(commands)}; one connection"
    )
    autocommit = f"the insert alone commits: {_per_second(statements)}, in one round trip instead of three"
    claimed = "the key is claimed, looked up and kept in the append's own round trip"
    return [
        measure("command", [mine / bare for mine, bare in zip(commands, bares, strict=True)], note),
        measure(
            "command_statement",
            [mine / bare for mine, bare in zip(commands, statements, strict=False)],
            autocommit,
        ),
        measure(
            "command_keyed", [mine / bare for mine, bare in zip(with_keys, bares, strict=False)], claimed
        ),
        *_slower("command_slow", slow),
        measure("command_time", [1000 / one for one in commands]),
        measure("wait_time", waits, "the writer catches up itself; each command is one round"),
    ]


@contextmanager
def _bare(ledger: Ledger, position: int) -> Iterator[tuple[Callable[[], Any], Callable[[], Any]]]:
    """Give what inserts the bytes of an entry into a table with the same keys and commits, as psycopg does both.

    The second does it by a statement that commits itself.
    """
    entry = ledger.entry(position)
    assert entry is not None
    url, table, versions = ledger.place.owner_url, f"{ledger.schema}.bare", count(1)
    with psycopg.connect(url) as connection, psycopg.connect(url, autocommit=True) as other:
        other.execute(
            f"create table {table} (position bigserial primary key, recorded_at timestamptz not null"
            " default clock_timestamp(), stream text not null, version integer not null, name text not null,"
            " data bytea not null, unique (stream, version))".encode()
        )
        insert = f"insert into {table} (stream, version, name, data) values (%s, %s, %s, %b)".encode()

        def insert_and_commit() -> None:
            values = [entry.stream, next(versions), entry.name, entry.data]
            connection.execute(insert, values, prepare=True)
            connection.commit()

        def statement() -> None:
            other.execute(insert, [entry.stream, next(versions), entry.name, entry.data], prepare=True)

        yield insert_and_commit, statement


def eight_writers(settings: Settings, *, rounds: int, fewer: int, lasting: float) -> list[Measure]:
    """Measure eight threads of one process that give commands beside eight that save with the stock recorder.

    What is only shown takes the fewer rounds.
    """
    with room(settings, "eight") as own, company(own, WRITERS) as found:
        works = [found.check_in(writer) for writer in range(WRITERS)]
        receipts = [work() for work in works]
        entry = found.ledger.entry(receipts[-1].position)
        assert entry is not None
        with _stock(found.ledger) as recorder, _stock_application(found.ledger) as application:
            saves = [_saving(recorder, writer, entry.name, entry.data) for writer in range(WRITERS)]
            tells = [_telling(application, entry.data.decode()) for _ in range(WRITERS)]
            for warming in (saves, tells, works):
                _together(warming, lasting / 2)
            stock, applications, ours = [], [], []
            for number in range(rounds):
                stock.append(_together(saves, lasting))
                ours.append(_together(works, lasting))
                if number < fewer:
                    applications.append(_together(tells, lasting))
            slow: list[tuple[float, float]] = []
            with slower_flush(settings) as is_slower:
                slow += [
                    (_together(works, lasting / 2), _together(saves, lasting / 2))
                    for _ in range(fewer if is_slower else 0)
                ]
    note = f"eight threads of one process on both sides; stock recorder {_per_second(stock)}"
    return [
        measure("writers", [mine / theirs for mine, theirs in zip(ours, stock, strict=True)], note),
        measure(
            "writers_application",
            [mine / theirs for mine, theirs in zip(ours, applications, strict=False)],
            f"the library's application loads, triggers and saves: {_per_second(applications)}",
        ),
        *_slower("writers_slow", slow),
        measure("writers_rate", ours),
    ]


@contextmanager
def _stock(ledger: Ledger) -> Iterator[PostgresApplicationRecorder]:
    """Give the library's recorder as it comes, with a table of its own in the same schema."""
    parts = urlsplit(ledger.place.owner_url)
    datastore = PostgresDatastore(
        dbname=parts.path.lstrip("/"),
        host=parts.hostname or unquote(parse_qs(parts.query)["host"][0]),
        port=str(parts.port or 5432),
        user=parts.username or "",
        password=unquote(parts.password or ""),
        schema=ledger.schema,
        pool_size=WRITERS,
        originator_id_type="text",
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="stock_events")
    recorder.create_table()
    try:
        yield recorder
    finally:
        datastore.close()


class _Item(Aggregate):
    """The smallest aggregate that keeps what it is told."""

    @event("Told")
    def tell(self, data: str) -> None:
        """Keep it."""
        self.data = data


@contextmanager
def _stock_application(ledger: Ledger) -> Iterator[Application[UUID]]:
    """Give the library's application as it comes, on its stock recorder, with its cache of aggregates switched on."""
    parts = urlsplit(ledger.place.owner_url)
    application = Application[UUID](
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": parts.hostname or unquote(parse_qs(parts.query)["host"][0]),
            "POSTGRES_PORT": str(parts.port or 5432),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": unquote(parts.password or "") or "none",
            "POSTGRES_SCHEMA": ledger.schema,
            "POSTGRES_POOL_SIZE": str(WRITERS),
            "AGGREGATE_CACHE_MAXSIZE": "1000",
            "AGGREGATE_CACHE_FASTFORWARD": "y",
        }
    )
    try:
        yield application
    finally:
        application.close()


def _telling(application: Application[UUID], data: str) -> Callable[[], Any]:
    """Return what loads an aggregate of this writer's own, lets it decide and saves one event of the same bytes."""
    items = []
    for _ in range(OBJECTIVES):
        item = _Item()
        application.save(item)
        items.append(item.id)
    turns = cycle(items)

    def work() -> Any:
        item: _Item = application.repository.get(next(turns))
        item.tell(data)
        return application.save(item)

    return work


def _saving(recorder: PostgresApplicationRecorder, writer: int, name: str, state: bytes) -> Callable[[], Any]:
    versions = count(1)
    stream = f"objective:{UUID(int=writer)}"
    return lambda: recorder.insert_events([StoredEvent(stream, next(versions), name, state)])


def _together(works: list[Callable[[], Any]], lasting: float) -> float:
    """Return how often a second all threads together do their work."""
    counts = [0] * len(works)
    failures: list[BaseException] = []
    begin = time.perf_counter()

    def run(number: int) -> None:
        try:
            while time.perf_counter() - begin < lasting:
                works[number]()
                counts[number] += 1
        except BaseException as failure:  # noqa: BLE001 (raised in the thread that measures)
            failures.append(failure)

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - begin)


def _per_second(rates: list[float]) -> str:
    return f"{sorted(rates)[len(rates) // 2]:,.0f} a second"


def _slower(key: str, slow: list[tuple[float, float]]) -> list[Measure]:
    """Return the ratio of ours to theirs where flushes were made slower; nothing where that was not allowed."""
    if not slow:
        return []
    ours, theirs = ([pair[number] for pair in slow] for number in (0, 1))
    note = f"by commit_delay; ours {_per_second(ours)}, beside it {_per_second(theirs)}"
    return [measure(key, [mine / other for mine, other in slow], note)]
