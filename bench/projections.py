"""Measures of the projections: catching up from empty, and the board at other bases than the present."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psycopg
from psycopg import Connection, sql
from psycopg_pool import ConnectionPool

from ledger.codec import RawEntry
from projections import board
from replay.engine import Engine

ZONE = ZoneInfo("Europe/Oslo")
FIRST_DAY = date(2021, 1, 4)
WEEKS = 13
OBJECTIVES, KEY_RESULTS_EACH = 500, 3


class TableLedger:
    """Entries in a table of a schema of their own, read as the ledger reads them; for measures and laws only."""

    def __init__(self, pool: ConnectionPool[Connection[Any]], schema: str) -> None:
        self.pool = pool
        self.schema = schema
        self.zone = ZONE

    def create(self) -> None:
        with self.pool.connection() as connection:
            connection.execute(
                sql.SQL(
                    "drop schema if exists {0} cascade; create schema {0};"
                    "create table {0}.entries (position bigint primary key, recorded_at timestamptz not null,"
                    " stream text not null, version int not null, name text not null, data bytea not null)"
                ).format(sql.Identifier(self.schema))
            )

    def load(self, rows: Iterator[RawEntry] | list[RawEntry]) -> None:
        table = sql.Identifier(self.schema, "entries")
        with (
            self.pool.connection() as connection,
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("copy {} from stdin (format binary)").format(table)) as copy,
        ):
            copy.set_types(["int8", "timestamptz", "text", "int4", "text", "bytea"])
            for row in rows:
                copy.write_row((row.position, row.recorded_at, row.stream, row.version, row.name, row.data))

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]:
        query = sql.SQL(
            "select position, recorded_at, stream, version, name, data from {}"
            " where position > %s and position <= %s order by position limit %s"
        ).format(sql.Identifier(self.schema, "entries"))
        with self.pool.connection() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(query, [after, 2**62 if until is None else until, limit])
            return [RawEntry(*row) for row in cursor]


@contextmanager
def table_ledger(url: str, schema: str) -> Iterator[TableLedger]:
    """Give an empty ledger of this kind, dropped afterwards."""
    with ConnectionPool(
        url, min_size=1, max_size=4, kwargs={"autocommit": True, "options": "-c timezone=UTC"}, open=True
    ) as pool:
        ledger = TableLedger(pool, schema)
        ledger.create()
        try:
            yield ledger
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


class Company:
    """An invented company that keeps 500 objectives and 1,500 key results a quarter and checks in every week."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._position = 0
        self._at = datetime(2021, 1, 1, 8, tzinfo=UTC)
        self._versions: dict[str, int] = {}
        self._reference = {"OBJ": 0, "KR": 0}
        self.people = [self.identifier() for _ in range(100)]
        self.teams = [self.identifier() for _ in range(20)]

    def identifier(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def reference(self, kind: str) -> str:
        self._reference[kind] += 1
        return f"{kind}-{self._reference[kind]}"

    def entry(self, stream: str, name: str, body: dict[str, Any], **circumstances: Any) -> RawEntry:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self._position += 1
        self._at += timedelta(microseconds=1)
        by = f"person:{self.people[self._position % len(self.people)]}"
        data = {"stream": stream, "version": version, "name": name, "by": by, **circumstances}
        data["request"] = "01890a5d-ac96-774b-bcce-b302099a8057"
        data["body"] = body
        return RawEntry(self._position, self._at, stream, version, name, orjson.dumps(data))

    def entries(self, number: int) -> Iterator[RawEntry]:
        """Give this many entries, quarter after quarter."""
        story = self._story()
        for _, row in zip(range(number), story, strict=False):
            yield row

    def _story(self) -> Iterator[RawEntry]:
        yield self.entry(
            "organisation", "ledger.created",
            {"ledger": self.identifier(), "organisation": "Fjell", "zone": "Europe/Oslo", "format": 1},
        )  # fmt: skip
        for person in self.people:
            yield self.entry(f"person:{person}", "person.joined", {})
        for team in self.teams:
            yield self.entry(f"team:{team}", "team.formed", {"name": "Team"})
        quarter = 0
        while True:
            yield from self._quarter(quarter)
            quarter += 1

    def _quarter(self, quarter: int) -> Iterator[RawEntry]:
        starts_on = FIRST_DAY + timedelta(weeks=WEEKS * quarter)
        key = f"cycle-{quarter}"
        days = {
            "starts_on": starts_on.isoformat(),
            "commit_by": (starts_on + timedelta(days=10)).isoformat(),
            "ends_on": (starts_on + timedelta(weeks=WEEKS, days=-1)).isoformat(),
        }
        self._at = datetime.combine(starts_on, datetime.min.time(), tzinfo=UTC) - timedelta(days=5)
        yield self.entry(
            f"cycle:{key}", "cycle.planned", {"key": key, "name": key, "kind": "quarter", **days}
        )
        yield self.entry(f"cycle:{key}", "cycle.opened", {})
        objectives = [self.identifier() for _ in range(OBJECTIVES)]
        key_results: list[tuple[str, str]] = []
        for objective in objectives:
            yield from self._commit(key, objective, key_results)
        for week in range(WEEKS):
            self._at = datetime.combine(
                starts_on + timedelta(weeks=week, days=4), datetime.min.time(), tzinfo=UTC
            ) + timedelta(hours=9)  # fmt: skip
            yield from self._week(week, key_results)
        yield self.entry(f"cycle:{key}", "cycle.scoring_started", {})
        for objective, key_result in key_results:
            body = {"key_result": key_result, "score": "0.7"}
            yield self.entry(f"objective:{objective}", "key_result.scored", body)
        yield self.entry(f"cycle:{key}", "cycle.closed", {})

    def _commit(self, key: str, objective: str, key_results: list[tuple[str, str]]) -> Iterator[RawEntry]:
        stream, some = f"objective:{objective}", self._random.choice
        yield self.entry(
            stream, "objective.drafted",
            {
                "reference": self.reference("OBJ"), "cycle": key, "title": "Become the first choice of schools",
                "owner": some(self.people), "team": some(self.teams),
            },
        )  # fmt: skip
        yield self.entry(stream, "objective.declared_local", {"because": "It serves this team alone."})
        for _ in range(KEY_RESULTS_EACH):
            key_result = self.identifier()
            key_results.append((objective, key_result))
            yield self.entry(
                stream, "key_result.added",
                {
                    "key_result": key_result, "reference": self.reference("KR"), "owner": some(self.people),
                    "title": "Raise the share of schools that renew", "baseline": "10", "weight": "1",
                    "measure": {"kind": "increase", "unit": "%", "indicator": "leading", "path": "straight"},
                    "target": {"kind": "point", "at": "80"}, "ambition": "committed",
                },
            )  # fmt: skip
        line = {
            "line": 1,
            "confidence": "0.6",
            "policy": 1,
            "synthesised": False,
            "no_record_at_start": False,
        }
        yield self.entry(stream, "objective.committed", line)

    def _week(self, week: int, key_results: list[tuple[str, str]]) -> Iterator[RawEntry]:
        for objective, key_result in key_results:
            stream = f"objective:{objective}"
            chance = self._random.random()
            day = (self._at.date() - timedelta(days=int(chance * 5))).isoformat()
            value = {"key_result": key_result, "value": str(10 + week * 5)}
            yield self.entry(stream, "key_result.measured", value, effective_at=day)
            said: dict[str, Any] = {"key_result": key_result, "confidence": "0.6", "said": "on_track"}
            if chance < 0.3:
                said["what_changed"] = {
                    "author": self.people[0], "key_id": self.people[1], "commitment": "0" * 64,
                    "ciphertext": "QUJD" * 60,
                }  # fmt: skip
            yield self.entry(stream, "key_result.checked_in", said)
            if chance > 0.98:
                target = {"key_result": key_result, "target": {"kind": "point", "at": str(60 + week)}}
                reason = {"kind": "recalibration", "text": "The market moved."}
                yield self.entry(stream, "key_result.target_changed", target, reason=reason)


@dataclass(frozen=True)
class Measured:
    """Seconds of several runs of one thing."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


def times(call: Callable[[], Any], runs: int = 7) -> Measured:
    """Return how long a call takes, after one run that is not counted."""
    call()
    told = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        told.append(time.perf_counter() - start)
    return Measured(tuple(told))


def catch_up_rate(url: str, number: int = 100_000, schema: str = "bench_catch_up") -> float:
    """Return the events per second of all projections from empty."""
    with table_ledger(url, schema) as ledger:
        ledger.load(Company().entries(number))
        engine = Engine(ledger)
        start = time.perf_counter()
        engine.catch_up()
        return number / (time.perf_counter() - start)


def board_times(ledger: TableLedger, cycle: str, positions: list[int], on: date) -> dict[str, Measured]:
    """Return the times of a cycle's board at the last position, at earlier ones, and at an earlier effective day."""
    engine = Engine(ledger)
    engine.catch_up()
    with ledger.pool.connection() as connection:
        connection.execute("analyze")
    with engine.reading() as reading:
        connection, generation, head = reading.connection, reading.generation, reading.position

        def at(position: int) -> Callable[[], Any]:
            return lambda: board.states_at_position(connection, generation, cycle, position)

        told = {"present": times(at(head))}
        for position in positions:
            told[f"as of {position}"] = times(at(position))
        told["effective day"] = times(lambda: board.states_at(connection, generation, cycle, head, on, ZONE))
        return told
