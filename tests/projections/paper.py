"""A ledger on paper: entries in a list, projection tables in a schema of their own on the tests' server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.codec import RawEntry
from projections import base, board, commitments, decisions, drift, findings, history
from projections.catalogue import PROJECTIONS
from replay.engine import Engine, Reading

ZONE = ZoneInfo("Europe/Berlin")


class Paper:
    """What the engine needs of a ledger, over entries that a rehearsal recorded."""

    def __init__(self, pool: ConnectionPool[Any], schema: str, entries: Sequence[RawEntry]) -> None:
        self.pool = pool
        self.schema = schema
        self.entries = list(entries)
        self._table = sql.Identifier(schema, "entries")
        self._recorded = 0
        with pool.connection() as connection:
            connection.execute(
                sql.SQL(
                    "create table {} (position bigint primary key, recorded_at timestamptz, data bytea)"
                ).format(self._table)
            )

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]:
        end = len(self.entries) if until is None else min(until, len(self.entries))
        self._record(end)
        return self.entries[after : min(after + limit, end)]

    def page_asked(self, after: int, limit: int) -> None:
        """Give no question: these entries are in no table before they are read."""

    def _record(self, end: int) -> None:
        """Let the entries up to a position stand in a table as well: answers take their bytes from there."""
        if end <= self._recorded:
            return
        with self.pool.connection() as connection, connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL("insert into {} values (%s, %s, %s) on conflict do nothing").format(self._table),
                [(raw.position, raw.recorded_at, raw.data) for raw in self.entries[self._recorded : end]],
            )
        self._recorded = end


def strange(entries: Sequence[RawEntry], position: int) -> list[RawEntry]:
    """Give an entry a name that this release has never heard of."""
    changed = list(entries)
    raw = changed[position - 1]
    data = raw.data.replace(raw.name.encode(), b"objective.sung")
    changed[position - 1] = raw._replace(name="objective.sung", data=data)
    return changed


def caught_up(ledger: Paper) -> Engine:
    """Return an engine that took in all of a paper, in pages of 50."""
    engine = Engine(ledger, page=50)
    engine.catch_up()
    return engine


def every_row(engine: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables of the generation that is read."""
    with engine.reading() as reading:
        return {
            name: [
                row
                for (row,) in reading.connection.execute(
                    reading.generation.query(f"select t::text from {{{name}}} t order by 1")
                )
            ]
            for projection in PROJECTIONS
            for name in projection.TABLE_NAMES
        }


def every_answer(
    reading: Reading, position: int, on: date | None, cycles: Sequence[str], zone: ZoneInfo = ZONE
) -> dict[str, Any]:
    """Return what every question answers at a pair of both clocks."""
    connection, generation = reading.connection, reading.generation
    until = base.until(on, zone)
    boards = {
        cycle: board.states_at_position(connection, generation, cycle, position)
        if on is None
        else board.states_at(connection, generation, cycle, position, on, zone)
        for cycle in cycles
    }
    objectives = [row["id"] for found in boards.values() if found for row in found["objectives"]]
    return {
        "board": boards,
        "commitments": commitments.commitments(connection, generation, position, until),
        "drift": drift.changes(connection, generation, position, until),
        "drift with superseded": drift.changes(connection, generation, position, until, superseded=True),
        "history": [
            history.history(connection, generation, position, until, objective=objective)
            for objective in sorted(objectives)
        ],
        "decisions": decisions.decisions(connection, generation, position, until),
        "findings": findings.findings(connection, generation, position, until),
    }
