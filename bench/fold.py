"""Measures of the fold and of the readings: a fold against a bare fetch of the same rows, and the board completed."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection, sql

from aggregates.policy import DEFAULT_POLICY
from aggregates.reading.board import complete_board
from bench.projections import FIRST_DAY, WEEKS, ZONE, TableLedger
from replay.fold import Fold
from replay.folded import states_of

_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class FoldMeasure:
    """Medians over the rounds, in entries per second, and the ratio that counts."""

    entries: int
    bare: float
    fold: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Return the median of fold / bare, each pair measured one after the other."""
        return statistics.median(self.ratios)


def measure_fold(ledger: TableLedger, entries: int, *, rounds: int = 5) -> FoldMeasure:
    """Compare fetching and folding the entries with fetching them and `orjson.loads` alone, in the same pages."""
    bare, fold, ratios = [], [], []
    with ledger.pool.connection() as connection:
        for _ in range(rounds):
            one = _timed(lambda: _bare(connection, ledger.schema))
            other = _timed(lambda: _folded(connection, ledger.schema))
            bare.append(entries / one)
            fold.append(entries / other)
            ratios.append(one / other)
    return FoldMeasure(entries, statistics.median(bare), statistics.median(fold), tuple(ratios))


def measure_board(ledger: TableLedger, *, cycle: str = "cycle-0", rounds: int = 9) -> float:
    """Return the median milliseconds of completing the board of a cycle of 500 objectives in its eighth week."""
    fold = Fold()
    with ledger.pool.connection() as connection:
        for page in _pages(connection, ledger.schema):
            fold.apply_rows([(row[0], row[1], row[5]) for row in page])
    day = FIRST_DAY + timedelta(weeks=WEEKS - 5)
    states = states_of(fold, cycle, effective_on=day, zone=ZONE)
    return statistics.median(_timed(lambda: _board(states, day, ZONE)) for _ in range(rounds)) * 1000


def _board(states: dict[str, Any], day: date, zone: ZoneInfo) -> None:
    complete_board(states, policy=DEFAULT_POLICY, policy_version=1, day=day, zone=zone)


def _timed(work: Callable[[], None]) -> float:
    gc.collect()
    gc.freeze()
    gc.disable()
    begin = time.perf_counter()
    try:
        work()
        return time.perf_counter() - begin
    finally:
        gc.enable()
        gc.unfreeze()


def _bare(connection: Connection[Any], schema: str) -> None:
    loads = orjson.loads
    for page in _pages(connection, schema):
        for row in page:
            loads(row[5])


def _folded(connection: Connection[Any], schema: str) -> None:
    fold = Fold()
    for page in _pages(connection, schema):
        fold.apply_rows([(row[0], row[1], row[5]) for row in page])


def _pages(connection: Connection[Any], schema: str) -> Any:
    query = sql.SQL(
        "select position, recorded_at, stream, version, name, data from {}"
        " where position > %s order by position limit %s"
    ).format(sql.Identifier(schema, "entries"))
    after = 0
    with connection.cursor(binary=True) as cursor:
        while True:
            page = cursor.execute(query, [after, _PAGE]).fetchall()
            if not page:
                return
            yield page
            after = page[-1][0]
