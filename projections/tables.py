"""The generations of projection tables: which one is read, how far each projection is, and which stopped where.

Each release reads the newest generation that has its own shape. During a rollout two releases so read, and keep level,
one each; what another release reads stays until `let_go`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString

from psycopg import Connection, errors, sql
from psycopg.pq.abc import PGresult

from ledger.calls import (
    Asked,
    CallFailed,
    Statement,
    instant,
    int8,
    new_text_array,
    of_instant,
    of_int4,
    of_int8,
    roll_back,
    statement,
    text,
    together,
)
from ledger.errors import LedgerIsBusy
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


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a projection is, and where and why it stopped (None, None while it runs).

    `recorded_at` is when the entry at its position was recorded, to tell that entry from another at the same place.
    """

    projection: str
    position: int
    stopped_at: int | None
    sentence: str | None
    recorded_at: datetime | None = None


Reached = tuple[Sequence[str], int, datetime]
"""Names of projections, the position that they have come to, the time of its entry."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The generation that is read, how far its projections are, the ledger's last position, the database's clock."""

    generation: Generation
    positions: dict[str, int]
    head: int
    now: datetime


_LOCK_OF_PAGE = 1
"""Which of the statements that begin a page waits for its lock; another may wait for a table."""
_BEGIN = statement("begin", 0)
_COMMIT = statement("commit", 0)
_ALONE = statement(
    "select set_config('synchronous_commit', 'off', true),"
    " set_config('lock_timeout', coalesce($1, nullif(current_setting('lock_timeout'), '0'), $3), true),"
    " pg_advisory_xact_lock(hashtextextended($2, 0))",
    3,
)


def _marks(rows: PGresult) -> dict[str, Bookmark]:
    """Return the bookmarks of an answer."""
    found: dict[str, Bookmark] = {}
    for row in range(rows.ntuples):
        name, position, stopped_at, sentence, recorded_at = (rows.get_value(row, one) for one in range(5))
        found[text(name) or ""] = Bookmark(
            text(name) or "",
            int8(position),
            None if stopped_at is None else int8(stopped_at),
            text(sentence),
            None if recorded_at is None else instant(recorded_at),
        )
    return found


class Control:
    """The rows beside the projection tables of one ledger: generations and bookmarks."""

    def __init__(self, schema: str, projections: Sequence[type[Projection]]) -> None:
        self.schema = schema
        self.projections = projections
        self._known: dict[str, bytes] = {}

    def _query(self, query: LiteralString, **values: Any) -> bytes:
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
                connection.execute(self._query(_CONTROL))
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

    @cached_property
    def shape(self) -> str:
        """The digest of the tables that this release makes."""
        told = "".join(f"{projection.name} {projection.TABLES}" for projection in self.projections)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def fits(self, connection: Connection[Any], generation: Generation) -> bool:
        """Return whether a generation has the tables and rows of this release."""
        row = connection.execute(
            self._query("select revision, shape from {generations} where number = %s"), [generation.number]
        ).fetchone()
        return row is None or row == (REVISION, self.shape)

    def lock(self, connection: Connection[Any], what: str) -> None:
        """Hold a lock of this ledger until the transaction ends. Raises LedgerIsBusy where somebody keeps it."""
        locks.take(connection, self._key(what))

    def _key(self, what: str) -> str:
        return f"strategy-ledger {self.schema} {what}"

    @contextmanager
    def alone(self, connection: Connection[Any]) -> Iterator[bool]:
        """Give whether this is the only rebuild of the ledger; the lock ends with the block or the connection."""
        key = [self._key("rebuild")]
        row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", key).fetchone()
        got = bool(row and row[0])
        try:
            yield got
        finally:
            if got:
                connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)

    def abandoned(self, connection: Connection[Any]) -> None:
        """Mark what an earlier rebuild left half done, so that the next sweep drops it."""
        connection.execute(self._query("update {generations} set standing = 'left' where standing = 'built'"))

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
            self._query(
                "select number, pg_try_advisory_xact_lock_shared(hashtextextended(%s || number, 0))"
                "  from (select max(number) as number from {generations}"
                "         where standing = 'read' and revision = %s and shape = %s) as own where number is not null"
            ),
            [self._key("readers "), REVISION, self.shape],
        ).fetchone()
        if row is None:
            return None
        if not row[1]:
            locks.take(connection, self._key(f"readers {row[0]}"), shared=True)
        kept = Generation(self.schema, row[0])
        name = f'"{self.schema}"."g{kept.number}_{self.projections[0].TABLE_NAMES[0]}"'
        there = connection.execute("select to_regclass(%s) is not null", [name]).fetchone()
        return kept if there and there[0] else None

    def pointer(self, connection: Connection[Any]) -> Generation | None:
        """Return the generation that this release reads, else another's, or None before the first."""
        row = connection.execute(
            self._query(
                "select number from {generations} where standing = 'read'"
                " order by revision = %s and shape = %s desc, number desc limit 1"
            ),
            [REVISION, self.shape],
        ).fetchone()
        return Generation(self.schema, row[0]) if row else None

    def make(self, connection: Connection[Any]) -> Generation:
        """Make the tables of a new generation, empty; the caller owns the transaction."""
        row = connection.execute(
            self._query(
                "insert into {generations} (number, standing, revision, shape)"
                " select coalesce(max(number), 0) + 1, 'built', %s, %s from {generations} returning number"
            ),
            [REVISION, self.shape],
        ).fetchone()
        assert row is not None  # noqa: S101 (insert … returning gives a row)
        generation = Generation(self.schema, row[0])
        for projection in self.projections:
            connection.execute(generation.query(projection.TABLES))
            connection.execute(
                self._query("insert into {bookmarks} (generation, projection) values (%s, %s)"),
                [generation.number, projection.name],
            )
        return generation

    def begin_page(
        self, connection: Connection[Any], generation: Generation, patience: float | None
    ) -> tuple[dict[str, Bookmark], bool]:
        """Begin the transaction of a page, alone on this generation, in one round trip.

        Returns how far each projection is and whether this release reads the generation. A page that is lost is applied
        again, so it waits for no disk. Raises psycopg.errors.LockNotAvailable after `patience` seconds; without such a
        bound LedgerIsBusy with who holds the lock.
        """
        wait = None if patience is None else b"%dms" % max(1, int(patience * 1_000))
        key, bound = self._key(f"generation {generation.number}"), b"%dms" % locks.HELD_MS
        asked = [
            (_BEGIN, ()),
            (_ALONE, (wait, key.encode(), bound)),
            (self._marks, (of_int4(generation.number),)),
        ]
        try:
            *_, rows = together(connection, asked)
        except CallFailed as failed:
            if (
                wait is None
                and failed.place == _LOCK_OF_PAGE
                and isinstance(failed.cause, errors.LockNotAvailable)
            ):
                roll_back(connection)
                raise LedgerIsBusy(locks.sentence(connection, key)) from failed.cause
            raise failed.cause from None
        return _marks(rows), any(rows.get_value(row, 5) == b"\x01" for row in range(rows.ntuples))

    def end_page(
        self,
        connection: Connection[Any],
        generation: Generation,
        reached: Iterable[Reached] = (),
        left: Sequence[Asked] = (),
    ) -> dict[str, Bookmark]:
        """Write what is left, move bookmarks, end the transaction, and say how far each projection is: one round trip.

        `reached` are names of projections, each set with a position and the time of its entry. Raises CallFailed.
        """
        number = of_int4(generation.number)
        moves = [
            (self._move, (of_int8(position), of_instant(recorded_at), number, new_text_array(names)))
            for names, position, recorded_at in reached
        ]
        results = together(connection, [*left, *moves, (self._marks, (number,)), (_COMMIT, ())])
        return _marks(results[-2])

    @cached_property
    def _marks(self) -> Statement:
        query = self._query(
            "select projection, position, stopped_at, sentence, recorded_at, generation = (select max(number)"
            "   from {generations} where standing = 'read' and revision = {revision} and shape = {shape})"
            "  from {bookmarks} where generation = $1",
            revision=REVISION,
            shape=self.shape,
        )
        return statement(query.decode(), 1)

    @cached_property
    def _move(self) -> Statement:
        query = self._query(
            "update {bookmarks} set position = $1, recorded_at = $2 where generation = $3 and projection = any ($4)"
        )
        return statement(query.decode(), 4)

    def bookmarks(self, connection: Connection[Any], generation: Generation) -> dict[str, Bookmark]:
        """Return how far each projection of a generation is."""
        rows = connection.execute(
            self._query(
                "select projection, position, stopped_at, sentence, recorded_at from {bookmarks} where generation = %s"
            ),
            [generation.number],
        ).fetchall()
        return {row[0]: Bookmark(*row) for row in rows}

    def standing(self, connection: Connection[Any]) -> Standing | None:
        """Return what is read now, how far it is and where the ledger ends, in one round trip; None for nothing."""
        rows = connection.execute(
            self._query(
                "select b.projection, b.position, b.generation, h.position, clock_timestamp()"
                "  from {head} h, {bookmarks} b where b.generation = (select max(number) from {generations}"
                "    where standing = 'read' and revision = %s and shape = %s)"
            ),
            [REVISION, self.shape],
        ).fetchall()
        if not rows:
            return None
        *_, generation, head, now = rows[0]
        return Standing(Generation(self.schema, generation), {row[0]: row[1] for row in rows}, head, now)

    @cached_property
    def glance(self) -> bytes:
        """The same question as a statement without parameters: one row with the head, the clock, the generation and
        `projection position` for each of its projections, or no row."""
        return self._query(
            "select h.position, clock_timestamp(), b.generation, b.marks from {head} h,"
            " (select generation::bigint, string_agg(projection || ' ' || position, ',' order by projection) as marks"
            "    from {bookmarks} where generation = (select max(number) from {generations}"
            "     where standing = 'read' and revision = {revision} and shape = {shape}) group by generation) as b",
            revision=REVISION,
            shape=self.shape,
        )

    def level(self, connection: Connection[Any], position: int) -> tuple[Generation | None, bool]:
        """Return the generation that this release reads and whether all that runs of it has reached a position."""
        row = connection.execute(
            self._query(
                "select generation, bool_and(position >= %s or stopped_at is not null) from {bookmarks}"
                " where generation = (select max(number) from {generations}"
                "  where standing = 'read' and revision = %s and shape = %s) group by generation"
            ),
            [position, REVISION, self.shape],
        ).fetchone()
        return (None, False) if row is None else (Generation(self.schema, row[0]), bool(row[1]))

    def stop(
        self, connection: Connection[Any], generation: Generation, name: str, position: int, sentence: str
    ) -> None:
        """Note where and why a projection stopped; it goes on in the next generation."""
        connection.execute(
            self._query(
                "update {bookmarks} set stopped_at = %s, sentence = %s where generation = %s and projection = %s"
            ),
            [position, sentence, generation.number, name],
        )

    def move(self, connection: Connection[Any], generation: Generation) -> None:
        """Let readers of this release read this generation from now on; the caller owns the transaction."""
        connection.execute(
            self._query(
                "update {generations} set standing = 'left'"
                " where standing = 'read' and revision = %s and shape = %s"
            ),
            [REVISION, self.shape],
        )
        self._stand(connection, generation, "read")

    def let_go(self, connection: Connection[Any]) -> None:
        """Mark what other releases read as no longer wanted; a program of theirs that still runs makes its own anew."""
        connection.execute(
            self._query(
                "update {generations} set standing = 'left'"
                " where standing = 'read' and (revision, shape) <> (%s, %s)"
            ),
            [REVISION, self.shape],
        )

    def _stand(self, connection: Connection[Any], generation: Generation, standing: str) -> None:
        connection.execute(
            self._query("update {generations} set standing = %s where number = %s"),
            [standing, generation.number],
        )

    def leave(self, connection: Connection[Any], generation: Generation) -> None:
        """Mark a generation as no longer wanted, so that the next sweep drops it."""
        self._stand(connection, generation, "left")

    def sweep(self, connection: Connection[Any], patience_ms: int = 1_000) -> list[int]:
        """Drop the generations that nobody reads any more; one that is still being read waits for the next sweep."""
        rows = connection.execute(
            self._query("select number from {generations} where standing = 'left' order by number")
        ).fetchall()
        dropped = []
        for (number,) in rows:
            try:
                with connection.transaction():
                    connection.execute("select set_config('lock_timeout', %s, true)", [f"{patience_ms}ms"])
                    self.lock(connection, f"generation {number}")
                    self.lock(connection, f"readers {number}")
                    self._drop(connection, Generation(self.schema, number))
                dropped.append(number)
            except errors.LockNotAvailable:
                continue
        return dropped

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
        connection.execute(self._query("delete from {generations} where number = %s"), [generation.number])
