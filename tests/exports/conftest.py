"""A ledger that was kept, restored for each module: two quarters with every kind of entry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
import psycopg
import pytest
from psycopg import sql

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger.lifecycle import restore
from ledger.settings import load_settings
from ledger.store import Ledger
from replay.asked import Question
from replay.engine import Engine
from replay.questions import Reader
from tests.conftest import drop
from tests.fixtures import make


@dataclass
class Kept:
    """An open ledger with its engine and its reader."""

    ledger: Ledger
    engine: Engine
    reader: Reader

    def ask(self, question: Question) -> dict[str, Any]:
        """Return the present answer."""
        return self.reader.ask(question).body

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Return what plain SQL finds, as the application."""
        with self.ledger.pool.connection() as connection:
            cursor = connection.execute(statement.encode(), values)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def do(self, command: str, **fields: Any) -> int:
        """Carry a command out as the first steward; return its position."""
        first = self.ledger.entry(1)
        assert first is not None
        by = orjson.loads(first.data)["by"]
        position = self.ledger.execute(COMMANDS[command].model_validate(fields), decide, by=by).position
        self.engine.catch_up()
        return position

    def as_reader(self, statement: str) -> list[Any]:
        """Return what the reader's role finds; skip where this server's login may not make roles."""
        place = self.ledger.place
        with psycopg.connect(place.owner_url) as connection:
            there = connection.execute("select from pg_roles where rolname = %s", [place.reader_role])
            if not there.rowcount:
                pytest.skip("this server's login may not create roles, as a sentence at start-up says")
            role = sql.Identifier(place.reader_role)
            if not connection.execute(
                "select from pg_roles where rolname = current_user and rolsuper"
            ).rowcount:
                connection.execute(sql.SQL("grant {} to current_user").format(role))
            connection.execute(
                sql.SQL("set local search_path = {}").format(sql.Identifier(self.ledger.schema))
            )
            connection.execute(sql.SQL("set local role {}").format(role))
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def kept(server_environ: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Kept]:
    """The kept ledger, level, with the views of this release."""
    name = f"kept{os.getpid()}_{request.module.__name__.rpartition('_')[2]}"
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": name})
    try:
        with make.path_of("ledger").open("rb") as lines, make.path_of("directory").open("rb") as beside:
            restore(settings, lines, beside)
        with Ledger.open(settings) as ledger:
            engine = Engine(ledger)
            engine.catch_up()
            engine.show_views()
            yield Kept(ledger, engine, Reader(ledger, engine))
    finally:
        drop(settings)


def day(text: str | None) -> date | None:
    """Return a day that an answer says."""
    return None if text is None else date.fromisoformat(text)
