"""The generations of projection tables: which one is read, which is being built, and which nobody reads any more.

Each release reads the newest generation that has its own shape. During a rollout two releases so read, and keep level,
one each; what another release reads stays until `let_go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, LiteralString

from psycopg import Connection, errors, sql

from projections import locks
from projections.base import Generation, Projection

_CONTROL: LiteralString = """
    create table if not exists {generations} (
        number   integer     primary key,
        made_at  timestamptz not null default now(),
        standing text        not null check (standing in ('built', 'read', 'left'))
    );
    alter table {generations} add column if not exists revision integer not null default 0;
    alter table {generations} add column if not exists shape text not null default '';
    create table if not exists {bookmarks} (
        generation  integer not null references {generations} on delete cascade,
        projection  text    not null,
        position    bigint  not null default 0,
        stopped_at  bigint,
        sentence    text,
        primary key (generation, projection)
    );
    alter table {bookmarks} add column if not exists recorded_at timestamptz;
"""
_PREFIX = "projections_"
REVISION = 2
"""Raised when a projection writes other rows into the same tables, so that what stands is built anew."""


class Control:
    """The generations of one ledger; `Bookmarks` tells how far the projections of one are."""

    def __init__(self, schema: str, projections: Sequence[type[Projection]]) -> None:
        self.schema = schema
        self.projections = projections
        self._known: dict[str, bytes] = {}

    def query(self, query: LiteralString, **values: Any) -> bytes:
        """Return a statement with the names of the tables and these values in it; one without values is made once."""
        known = None if values else self._known.get(query)
        if known is None:
            known = self._named(query, values)
            if not values:
                self._known[query] = known
        return known

    def _named(self, query: LiteralString, values: Mapping[str, Any]) -> bytes:
        names = {name: sql.Identifier(self.schema, _PREFIX + name) for name in ("generations", "bookmarks")}
        names["head"] = sql.Identifier(self.schema, "head")
        literals = {name: sql.Literal(value) for name, value in values.items()}
        return sql.SQL(query).format(**names, **literals).as_bytes(None)

    def prepare(self, connection: Connection[Any]) -> Generation:
        """Return the generation that is read, making the tables of the first one where there is none."""
        found = self._prepared(connection)
        if found is not None:
            return found
        with connection.transaction():
            self.lock(connection, "generations")
            found = self._prepared(connection)  # whoever held the lock made them, and reads them now
            if found is None:
                connection.execute(self.query(_CONTROL))
                found = self.pointer(connection)
            if found is None:
                found = self.make(connection)
                self._stand(connection, found, "read")
        return found

    def _prepared(self, connection: Connection[Any]) -> Generation | None:
        """Return the generation that is read, or None where the control tables are not there or not of this release."""
        row = connection.execute(
            "select exists (select from pg_attribute where attrelid = to_regclass(%s) and attname = 'recorded_at')",
            [f'"{self.schema}".{_PREFIX}bookmarks'],
        ).fetchone()
        return self.pointer(connection) if row and row[0] else None

    @property
    def revision(self) -> int:
        """The number of the rows that this release writes."""
        return REVISION

    @cached_property
    def shape(self) -> str:
        """The digest of the tables that this release makes."""
        told = "".join(f"{projection.name} {projection.TABLES}" for projection in self.projections)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def fits(self, connection: Connection[Any], generation: Generation) -> bool:
        """Return whether a generation has the tables and rows of this release."""
        row = connection.execute(
            self.query("select revision, shape from {generations} where number = %s"), [generation.number]
        ).fetchone()
        return row is None or row == (self.revision, self.shape)

    def lock(self, connection: Connection[Any], what: str) -> None:
        """Hold a lock of this ledger until the transaction ends. Raises LedgerIsBusy where somebody keeps it."""
        locks.take(connection, self.key(what))

    def key(self, what: str) -> str:
        """Return the key of a lock of this ledger."""
        return f"strategy-ledger {self.schema} {what}"

    @contextmanager
    def alone(self, connection: Connection[Any]) -> Iterator[bool]:
        """Give whether this is the only rebuild of the ledger; the lock ends with the block or the connection."""
        key = [self.key("rebuild")]
        row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", key).fetchone()
        got = bool(row and row[0])
        try:
            yield got
        finally:
            if got:
                connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)

    def abandoned(self, connection: Connection[Any]) -> None:
        """Mark what an earlier rebuild left half done, so that the next sweep drops it."""
        connection.execute(self.query("update {generations} set standing = 'left' where standing = 'built'"))

    def analyse(self, connection: Connection[Any], generation: Generation) -> None:
        """Let the database count the rows of a generation, so that it plans the first reads well.

        A sample of 3,000 rows of each table is enough to choose indexes, and a tenth of the usual work.
        """
        with connection.transaction():
            connection.execute("set local default_statistics_target = 10")
            for projection in self.projections:
                for name in projection.TABLE_NAMES:
                    table = sql.Identifier(self.schema, f"g{generation.number}_{name}")
                    connection.execute(sql.SQL("analyze {}").format(table))

    def held(self, connection: Connection[Any]) -> Generation | None:
        """Return the generation that is read and keep it until the transaction ends; None if it was just dropped.

        Raises LedgerIsBusy where somebody keeps it from being read.
        """
        row = connection.execute(
            self.query(
                "select number, pg_try_advisory_xact_lock_shared(hashtextextended(%s || number, 0))"
                "  from (select max(number) as number from {generations}"
                "         where standing = 'read' and revision = %s and shape = %s) as own where number is not null"
            ),
            [self.key("readers "), self.revision, self.shape],
        ).fetchone()
        if row is None:
            return None
        if not row[1]:
            locks.take(connection, self.key(f"readers {row[0]}"), shared=True)
        kept = Generation(self.schema, row[0])
        return kept if self.is_there(connection, kept) else None

    def is_there(self, connection: Connection[Any], generation: Generation) -> bool:
        """Return whether anything is left of a generation: what a sweep drops, it drops whole."""
        names = [f'"{self.schema}".{name}' for name in self._tables(generation)]
        there = connection.execute(self._any_of(len(names)), names).fetchone()
        return bool(there and there[0])

    def missing(self, connection: Connection[Any], generation: Generation) -> list[str]:
        """Return the tables of a generation that are not there, and the bookmarks where they do not know of it."""
        rows = connection.execute(
            "select name from unnest(%s::text[]) as name where to_regclass(%s || name) is null",
            [self._tables(generation), f'"{self.schema}".'],
        ).fetchall()
        marks = connection.execute(
            self.query("select count(*) from {bookmarks} where generation = %s"), [generation.number]
        ).fetchone()
        unmarked = [] if marks and marks[0] else [_PREFIX + "bookmarks"]
        return [name for (name,) in rows] + unmarked

    def _tables(self, generation: Generation) -> list[str]:
        return [f"g{generation.number}_{name}" for one in self.projections for name in one.TABLE_NAMES]

    def _any_of(self, names: int) -> bytes:
        """Return the statement that asks for any of so many tables; it looks no further than to the first."""
        return b"select coalesce(%s) is not null" % b", ".join([b"to_regclass(%s)"] * names)

    def pointer(self, connection: Connection[Any]) -> Generation | None:
        """Return the generation that this release reads, else another's, or None before the first."""
        row = connection.execute(
            self.query(
                "select number from {generations} where standing = 'read'"
                " order by revision = %s and shape = %s desc, number desc limit 1"
            ),
            [self.revision, self.shape],
        ).fetchone()
        return Generation(self.schema, row[0]) if row else None

    def make(self, connection: Connection[Any]) -> Generation:
        """Make the tables of a new generation, empty; the caller owns the transaction."""
        row = connection.execute(
            self.query(
                "insert into {generations} (number, standing, revision, shape)"
                " select greatest(coalesce(max(number), 0), %s) + 1, 'built', %s, %s from {generations}"
                " returning number"
            ),
            [max(self._stray(connection), default=0), self.revision, self.shape],
        ).fetchone()
        assert row is not None  # noqa: S101 (insert … returning gives a row)
        generation = Generation(self.schema, row[0])
        for projection in self.projections:
            connection.execute(generation.query(projection.TABLES))
            connection.execute(
                self.query("insert into {bookmarks} (generation, projection) values (%s, %s)"),
                [generation.number, projection.name],
            )
        return generation

    def move(self, connection: Connection[Any], generation: Generation) -> None:
        """Let readers of this release read this generation from now on; the caller owns the transaction."""
        connection.execute(
            self.query(
                "update {generations} set standing = 'left'"
                " where standing = 'read' and revision = %s and shape = %s"
            ),
            [self.revision, self.shape],
        )
        self._stand(connection, generation, "read")

    def let_go(self, connection: Connection[Any]) -> None:
        """Mark what other releases read as no longer wanted; a program of theirs that still runs makes its own anew."""
        connection.execute(
            self.query(
                "update {generations} set standing = 'left'"
                " where standing = 'read' and (revision, shape) <> (%s, %s)"
            ),
            [self.revision, self.shape],
        )

    def _stand(self, connection: Connection[Any], generation: Generation, standing: str) -> None:
        connection.execute(
            self.query("update {generations} set standing = %s where number = %s"),
            [standing, generation.number],
        )

    def leave(self, connection: Connection[Any], generation: Generation) -> None:
        """Mark a generation as no longer wanted, so that the next sweep drops it."""
        self._stand(connection, generation, "left")

    def sweep(self, connection: Connection[Any], patience_ms: int = 1_000) -> list[int]:
        """Drop the generations that nobody reads any more; one that is still being read waits for the next sweep."""
        rows = connection.execute(
            self.query("select number from {generations} where standing = 'left' order by number")
        ).fetchall()
        dropped = []
        for number in [*self._stray(connection), *(number for (number,) in rows)]:
            try:
                with connection.transaction():
                    connection.execute("select set_config('lock_timeout', %s, true)", [f"{patience_ms}ms"])
                    self.lock(connection, f"generation {number}")
                    self.lock(connection, f"readers {number}")
                    self._drop(connection, Generation(self.schema, number))
                dropped.append(number)
            except (
                errors.LockNotAvailable,
                errors.DependentObjectsStillExist,
            ):  # it is read, or views show it
                continue
        return dropped

    def _stray(self, connection: Connection[Any]) -> list[int]:
        """Return the generations of which there are tables and nothing else: somebody dropped what tells of them."""
        rows = connection.execute(
            self.query(
                "select distinct substring(relname from '^g([0-9]{{1,9}})_')::integer as number from pg_class"
                " where relnamespace = to_regnamespace(%s) and relkind = 'r' and relname ~ '^g[0-9]{{1,9}}_'"
                "   and substring(relname from '^g([0-9]{{1,9}})_')::integer not in (select number from {generations})"
                " order by 1"
            ),
            [f'"{self.schema}"'],
        ).fetchall()
        return [number for (number,) in rows]

    def _drop(self, connection: Connection[Any], generation: Generation) -> None:
        """Drop every table of a generation, also those of an earlier release."""
        rows = connection.execute(
            "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
            " and relname ~ %s",
            [f'"{self.schema}"', rf"^g{generation.number}_"],
        ).fetchall()
        if rows:
            tables = sql.SQL(", ").join(sql.Identifier(self.schema, name) for (name,) in rows)
            connection.execute(sql.SQL("drop table {}").format(tables))
        connection.execute(self.query("delete from {generations} where number = %s"), [generation.number])
