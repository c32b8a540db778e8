"""What is derived from the log: every projection from empty, and the fold beside a bare fetch of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import orjson

from bench.figures import Measure, measure
from bench.host import rate_of_processor, worked
from bench.house import Laps, seconds
from ledger.collecting import without_collection
from ledger.store import Ledger
from replay.engine import Engine
from replay.fold import Fold

ROUNDS = 10
_PAGE = 5_000
Row = tuple[int, datetime, bytes]


def catching_up(ledger: Ledger, *, entries: int) -> tuple[Engine, list[Measure]]:
    """Measure all projections of a ledger from empty, each tenth of its entries a round; return the engine."""
    engine, laps = Engine(ledger), Laps(entries // ROUNDS)

    def work() -> None:
        laps.begin()
        engine.catch_up(progress=lambda position, _: laps.reached(position))

    done = worked(work, ledger.settings)
    note = f"{entries:,} entries in one run, each {entries // ROUNDS:,} of them a round"
    by_processor = rate_of_processor(entries, done)
    return engine, [
        measure("catch_up", laps.rates, note),
        *([measure("catch_up_processor", by_processor)] if by_processor else []),
        measure("catch_up_large", [entries / done.passed]),
    ]


def folding(ledger: Ledger, entries: int, *, rounds: int) -> list[Measure]:
    """Measure fetching and folding all entries beside fetching them and `orjson.loads`, in the same pages."""
    bares, folds = [], []
    for _ in range(rounds):
        bares.append(seconds(lambda: _bare(ledger)))
        kept: list[Fold] = []
        folds.append(seconds(partial(_folded, ledger, kept)))
    note = (
        f"{entries:,} entries in pages of {_PAGE:,}: fetch and orjson.loads {_rate(entries, bares)}, "
        f"fetch and fold {_rate(entries, folds)}"
    )
    return [measure("fold", [bare / folded for bare, folded in zip(bares, folds, strict=True)], note)]


def _bare(ledger: Ledger) -> None:
    loads: Callable[[bytes], object] = orjson.loads
    for page in _pages(ledger):
        for row in page:
            loads(row[2])


def _folded(ledger: Ledger, kept: list[Fold]) -> None:
    """Fold as `verify` does, and keep the fold: it is made to be asked, so its end is not measured."""
    fold = Fold()
    with without_collection():
        for page in _pages(ledger):
            fold.apply_rows(page)
    kept.append(fold)


def _pages(ledger: Ledger) -> Iterator[list[Row]]:
    query = "select position, recorded_at, data from entries where position > %s order by position limit %s"
    after = 0
    with ledger.pool.connection() as connection, connection.cursor(binary=True) as cursor:
        while page := cursor.execute(query, [after, _PAGE]).fetchall():
            yield page
            after = page[-1][0]


def _rate(entries: int, passed: list[float]) -> str:
    return f"{entries / sorted(passed)[len(passed) // 2]:,.0f} a second"
