"""What these tests share: the tests' server, a schema for each ledger on paper, and one long story."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.codec import RawEntry
from ledger.place import Place
from ledger.settings import load_settings
from replay.engine import Engine
from tests.projections.paper import Paper
from tests.projections.story import Story, year

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def paper_pool(server_environ: dict[str, str]) -> Iterator[ConnectionPool[Any]]:
    """Connections of the role that owns the tests' server."""
    with (
        Place.open(load_settings(server_environ)) as place,
        ConnectionPool(
            place.owner_url,
            min_size=1,
            max_size=8,
            kwargs={"autocommit": True, "options": "-c timezone=UTC"},
            open=True,
        ) as pool,
    ):
        yield pool


@pytest.fixture
def on_paper(paper_pool: ConnectionPool[Any]) -> Iterator[Callable[[Sequence[RawEntry]], Paper]]:
    """Make ledgers on paper; their schemas are dropped afterwards."""
    made: list[str] = []

    def make(entries: Sequence[RawEntry]) -> Paper:
        schema = f"paper{os.getpid()}_{next(_numbers)}"
        made.append(schema)
        with paper_pool.connection() as connection:
            connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        return Paper(paper_pool, schema, entries)

    yield make
    with paper_pool.connection() as connection:
        for schema in made:
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


@pytest.fixture
def engine_on(on_paper: Callable[[Sequence[RawEntry]], Paper]) -> Callable[..., Engine]:
    """Make an engine that has caught up with these entries."""

    def make(entries: Sequence[RawEntry], **options: Any) -> Engine:
        engine = Engine(on_paper(entries), **options)
        engine.catch_up()
        return engine

    return make


@pytest.fixture(scope="session")
def story() -> Story:
    """One long story with most of what can happen."""
    return year()
