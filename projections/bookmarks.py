"""The bookmarks of a generation: how far each projection is and which stopped where, and the transaction of a page,
which moves them with what the page changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from psycopg import Connection, errors
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
from projections.base import Generation
from projections.tables import Control


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


class Bookmarks:
    """How far the projections of one ledger are, in the generations that `Control` keeps."""

    def __init__(self, control: Control) -> None:
        self.schema = control.schema
        self._control = control

    def begin_page(
        self,
        connection: Connection[Any],
        generation: Generation,
        patience: float | None,
        more: Sequence[Asked] = (),
    ) -> tuple[dict[str, Bookmark], bool, list[PGresult]]:
        """Begin the transaction of a page, alone on this generation, in one round trip.

        Returns how far each projection is, whether this release reads the generation, and what was answered to what was
        asked for `more`, once alone. A page that is lost is applied again, so it waits for no disk. Raises
        psycopg.errors.LockNotAvailable after `patience` seconds; without such a bound LedgerIsBusy with who holds the
        lock.
        """
        wait = None if patience is None else b"%dms" % max(1, int(patience * 1_000))
        key, bound = self._control.key(f"generation {generation.number}"), b"%dms" % locks.HELD_MS
        asked: list[Asked] = [
            (_BEGIN, ()),
            (_ALONE, (wait, key.encode(), bound)),
            (self._marks, (of_int4(generation.number),)),
            *more,
        ]
        try:
            _, _, rows, *answers = together(connection, asked)
        except CallFailed as failed:
            if (
                wait is None
                and failed.place == _LOCK_OF_PAGE
                and isinstance(failed.cause, errors.LockNotAvailable)
            ):
                roll_back(connection)
                raise LedgerIsBusy(locks.sentence(connection, key)) from failed.cause
            raise failed.cause from None
        is_read = any(rows.get_value(row, 5) == b"\x01" for row in range(rows.ntuples))
        return _marks(rows), is_read, answers

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
        query = self._control.query(
            "select projection, position, stopped_at, sentence, recorded_at, generation = (select max(number)"
            "   from {generations} where standing = 'read' and revision = {revision} and shape = {shape})"
            "  from {bookmarks} where generation = $1",
            revision=self._control.revision,
            shape=self._control.shape,
        )
        return statement(query.decode(), 1)

    @cached_property
    def _move(self) -> Statement:
        query = self._control.query(
            "update {bookmarks} set position = $1, recorded_at = $2 where generation = $3 and projection = any ($4)"
        )
        return statement(query.decode(), 4)

    def of(self, connection: Connection[Any], generation: Generation) -> dict[str, Bookmark]:
        """Return how far each projection of a generation is."""
        rows = connection.execute(
            self._control.query(
                "select projection, position, stopped_at, sentence, recorded_at from {bookmarks} where generation = %s"
            ),
            [generation.number],
        ).fetchall()
        return {row[0]: Bookmark(*row) for row in rows}

    def standing(self, connection: Connection[Any]) -> Standing | None:
        """Return what is read now, how far it is and where the ledger ends, in one round trip; None for nothing."""
        rows = connection.execute(
            self._control.query(
                "select b.projection, b.position, b.generation, h.position, clock_timestamp()"
                "  from {head} h, {bookmarks} b where b.generation = (select max(number) from {generations}"
                "    where standing = 'read' and revision = %s and shape = %s)"
            ),
            [self._control.revision, self._control.shape],
        ).fetchall()
        if not rows:
            return None
        *_, generation, head, now = rows[0]
        return Standing(Generation(self.schema, generation), {row[0]: row[1] for row in rows}, head, now)

    @cached_property
    def glance(self) -> bytes:
        """The same question as a statement without parameters: one row with the head, the clock, the generation and
        `projection position` for each of its projections, or no row."""
        return self._control.query(
            "select h.position, clock_timestamp(), b.generation, b.marks from {head} h,"
            " (select generation::bigint, string_agg(projection || ' ' || position, ',' order by projection) as marks"
            "    from {bookmarks} where generation = (select max(number) from {generations}"
            "     where standing = 'read' and revision = {revision} and shape = {shape}) group by generation) as b",
            revision=self._control.revision,
            shape=self._control.shape,
        )

    def level(self, connection: Connection[Any], position: int) -> tuple[Generation | None, bool]:
        """Return the generation that this release reads and whether all that runs of it has reached a position."""
        row = connection.execute(
            self._control.query(
                "select generation, bool_and(position >= %s or stopped_at is not null) from {bookmarks}"
                " where generation = (select max(number) from {generations}"
                "  where standing = 'read' and revision = %s and shape = %s) group by generation"
            ),
            [position, self._control.revision, self._control.shape],
        ).fetchone()
        return (None, False) if row is None else (Generation(self.schema, row[0]), bool(row[1]))

    def stop(
        self, connection: Connection[Any], generation: Generation, name: str, position: int, sentence: str
    ) -> None:
        """Note where and why a projection stopped; it goes on in the next generation."""
        connection.execute(
            self._control.query(
                "update {bookmarks} set stopped_at = %s, sentence = %s where generation = %s and projection = %s"
            ),
            [position, sentence, generation.number, name],
        )
