"""Catching up: pages of entries in their order, through every projection, with the bookmarks in one transaction.

Whoever needs an answer may run the loop: the server's own runner, a command line, a writer that waits for its
entry. A lock per generation, held for one page, lets one of them work at a time; who waited finds the work done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg import Connection, errors

from ledger.calls import Asked
from ledger.codec import RawEntry
from ledger.collecting import without_collection
from projections import trouble, views
from projections.base import Generation, Projection
from projections.bookmarks import Bookmark, Bookmarks, Standing
from projections.catalogue import PROJECTIONS
from projections.glance import Glance
from projections.tables import Control
from projections.trouble import ProjectionIsHeld, ProjectionsAreGone
from replay.renewal import AnswersAreBeingMade, Renewal
from replay.run import GenerationIsGone, Run

PAGE = 5_000
"""Entries in a page."""
COUNTED_AFTER = 20_000
"""Entries after which the database counts the rows of tables that grow; then after four times as many, and so on."""
PAUSE = 0.005
"""Seconds before somebody who waits for an entry that is not there looks again."""
CONNECTIONS = 12
"""Connections that may have forgotten what was prepared on them, one after the other: a pool and two."""
HELD_SECONDS = 10.0
"""So long after somebody waited in vain for a table that is held, the next wait for it only `SHORTLY`: a few who wait
for one table would take the places of all who need another."""
SHORTLY = 0.5
FOUND_SECONDS = 2.0
"""How long it may take to find out who holds a table."""
Progress = Callable[[int, int], None]
"""Called after each page with the position reached and the position aimed at."""


class LedgerToRead(Protocol):
    """What the engine needs of a ledger."""

    schema: str
    pool: Any

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]: ...
    def page_asked(self, after: int, limit: int) -> Asked | None: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """All projections at one basis, in one snapshot: `position` is the smallest bookmark among them.

    `stopped` names the projections that stopped, each with its sentence; `connection` lives as long as the reading.
    """

    connection: Connection[Any]
    generation: Generation
    position: int
    bookmarks: dict[str, Bookmark]

    @property
    def stopped(self) -> dict[str, str]:
        """Return the sentence of each projection that stopped, by name."""
        return {name: mark.sentence for name, mark in self.bookmarks.items() if mark.sentence is not None}

    def position_of(self, *names: str) -> int:
        """Return the smallest bookmark among these projections."""
        return min(self.bookmarks[name].position for name in names)


class Engine:
    """The projections of one ledger: catching up, waiting, reading."""

    def __init__(
        self, ledger: LedgerToRead, projections: Sequence[type[Projection]] = PROJECTIONS, *, page: int = PAGE
    ) -> None:
        self.ledger = ledger
        self.control = Control(ledger.schema, projections)
        self.bookmarks = Bookmarks(self.control)
        self.page = page
        self._projections = projections
        self._runs: dict[int, Run] = {}
        self._stepped: dict[int, int] = {}
        """How far this engine brought each generation; whoever waited for it need not look again."""
        self._stepping: Generation | None = None
        """The generation of the last page, where it was the one that is read."""
        self._mutex = threading.Lock()
        self.renewal = Renewal(self)
        self._was_held = -3_600.0

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Give a connection of the ledger's pool, with the control tables in place.

        The first one looks whether the tables of the answers are those of this release; if not, whoever comes waits
        until they are built anew, as long as the renewal's patience lasts; so with tables that were made from entries
        which the ledger does not hold. Raises RebuildStopped, AnswersAreBeingMade, and where a table is held or gone
        ProjectionIsHeld, ProjectionsAreGone.
        """
        try:
            with self._plain() as connection:
                yield connection
        except (errors.LockNotAvailable, errors.UndefinedTable) as error:
            told = self._told(error)
            if told is None:
                raise
            raise told from error

    @contextmanager
    def _plain(self) -> Iterator[Connection[Any]]:
        """Give such a connection; what the database says is left as it is."""
        self.renewal.see_to()
        with self.ledger.pool.connection() as connection:
            yield connection

    def _told(self, error: psycopg.Error) -> ProjectionIsHeld | ProjectionsAreGone | None:
        """Return what is the matter with the tables of the projections; None where it is something else."""
        try:
            with self.ledger.pool.connection(timeout=FOUND_SECONDS) as connection:
                if isinstance(error, errors.UndefinedTable):
                    gone = trouble.missing(connection, self.control)
                    return trouble.gone(gone) if gone else None
                held = trouble.held(trouble.holders(connection, self.ledger.schema))
        except psycopg.Error:
            return None
        if held is not None:
            self._was_held = time.monotonic()
        return held

    def trouble(self) -> ProjectionIsHeld | ProjectionsAreGone | None:
        """Return what keeps tables of the projections from being read or written just now; None for nothing.

        A table counts as held once somebody waited for it in vain. Raises psycopg.Error.
        """
        with self.ledger.pool.connection(timeout=FOUND_SECONDS) as connection:
            if time.monotonic() - self._was_held < 3 * HELD_SECONDS:
                found = [one for one in trouble.holders(connection, self.ledger.schema) if one.is_ours]
                if found:
                    return trouble.held(found)
            gone = trouble.missing(connection, self.control)
            return trouble.gone(gone) if gone else None

    @property
    def was_held(self) -> bool:
        """Whether somebody waited in vain for a table a short time ago: the next wait for it is bounded."""
        return time.monotonic() - self._was_held < HELD_SECONDS

    @property
    def _patience(self) -> float | None:
        """How long a reading waits for a table that somebody holds; None is for as long as its session does."""
        return SHORTLY if self.was_held else None

    def holds(self, marks: Iterable[Bookmark]) -> bool:
        """Return whether the ledger holds the entries that these bookmarks have come to: a restored one may not."""
        reached = {mark.position: mark.recorded_at for mark in marks if mark.position and mark.recorded_at}
        return all(
            [row.recorded_at for row in self.ledger.read_page(position - 1, 1, position)] == [recorded_at]
            for position, recorded_at in reached.items()
        )

    def show_views(self) -> None:
        """Make the views for plain SQL where they are not there, or are those of an earlier release."""
        with self.connection() as connection:
            views.ensure(connection, self.control, self.control.prepare(connection))

    def catch_up(self, until: int | None = None, *, progress: Progress | None = None) -> int:
        """Bring the generation that is read up to a position, or to the head; return the position reached.

        A projection that stopped stays behind; the position returned is that of those that run.
        """
        while True:
            with suppress(GenerationIsGone):
                return self.follow(self._present(), until, progress=progress)

    def follow(
        self, generation: Generation, until: int | None = None, *, progress: Progress | None = None
    ) -> int:
        """Bring one generation up to a position, or until no entry is left; return the position reached."""
        reached, counted, due = -1, 0, COUNTED_AFTER
        with without_collection():
            while True:
                self.renewal.see_to()  # whoever builds needs the mutex
                with self._mutex:
                    position, more = self._step(generation, until)
                if progress is not None and position > reached:
                    progress(position, until or position)
                counted = position if reached < 0 else counted
                reached = position
                if position - counted >= (due if more else COUNTED_AFTER):
                    self._count(generation)
                    counted, due = position, due * 4
                if not more:
                    return position

    def _step(
        self, generation: Generation, until: int | None, *, patience: float | None = None
    ) -> tuple[int, bool]:
        """Apply one page; the caller holds the mutex, so that who waits for it holds no connection meanwhile."""
        run = self._runs.setdefault(generation.number, Run(self, generation))
        try:
            position, more = self._paged(run, until, patience)
            self._stepped[generation.number] = position
            self._stepping = generation if run.is_read else None
            return position, more
        except GenerationIsGone:
            self._stepping = None
            self._runs.pop(generation.number, None)
            self._stepped.pop(generation.number, None)
            self.renewal.look_again()  # look again which one is read, and build one where there is none
            raise

    def _paged(self, run: Run, until: int | None, patience: float | None) -> tuple[int, bool]:
        """Apply one page, on another connection where one forgot what was prepared on it."""
        used = self.connection if patience is None else self._plain  # who is patient knows what it waits for
        for _ in range(CONNECTIONS):
            with suppress(errors.InvalidSqlStatementName), used() as connection:
                return run.step(connection, until, patience=patience)
        with used() as connection:
            return run.step(connection, until, patience=patience)

    def _count(self, generation: Generation) -> None:
        """Let the database count: without, it reads whole tables where an index would do."""
        with suppress(ProjectionIsHeld), self.connection() as connection:
            self.control.analyse(connection, generation)

    def _present(self) -> Generation:
        with self.connection() as connection:
            return self.control.prepare(connection)

    def wait_for(self, position: int, timeout: float = 5.0) -> bool:
        """Wait until every running projection has an entry; return whether it has within the seconds given.

        Runs the catch-up itself when nobody else does, else waits for whoever does.
        """
        try:
            return self._wait_for(position, time.monotonic() + timeout)
        except (AnswersAreBeingMade, ProjectionIsHeld, ProjectionsAreGone):
            return False
        except errors.UndefinedTable as error:
            if self._told(error) is None:
                raise
            return False

    def _wait_for(self, position: int, deadline: float) -> bool:
        while True:
            before = dict(self._stepped)
            generation, level, is_sure = self._level(position)
            left = deadline - time.monotonic()
            if level or left <= 0 or not self._mutex.acquire(timeout=left):
                return level
            try:
                with suppress(GenerationIsGone, errors.LockNotAvailable):
                    reached = self._stepped.get(generation.number, 0)
                    lost = before.get(generation.number, 0) >= position  # with a database that went down
                    if reached < position or lost:  # else somebody took it in while this one waited
                        reached, more = self._step(generation, None, patience=left)
                        if reached < position and not more:  # it is not visible yet, or never will be
                            time.sleep(min(left, PAUSE))
                    if reached >= position and (is_sure or self._stepping == generation):
                        return True
            finally:
                self._mutex.release()

    def _level(self, position: int) -> tuple[Generation, bool, bool]:
        """Return the generation to bring up to a position, whether it is there already, and whether it is sure that
        this is the one that is read.

        The one that was read when this engine last applied a page, and is not there, is not asked for: the next page
        tells whether it still is.
        """
        known = self._stepping
        if (
            known is not None
            and self._stepped.get(known.number, position) < position
            and self.renewal.is_done
        ):
            return known, False, False
        with self.connection() as connection:
            generation, level = self.bookmarks.level(connection, position)
            return generation or self.control.prepare(connection), level, True

    @contextmanager
    def reading(self, patience: float | None = None) -> Iterator[Reading]:
        """Give all projections at one basis, in one snapshot that stays as it is.

        It waits `patience` seconds for a table that somebody holds, or as long as its session does. Raises
        ProjectionIsHeld, ProjectionsAreGone.
        """
        while True:
            bound = patience or self._patience
            with self.connection() as connection, _snapshot(connection, bound):
                generation = self.control.held(connection)
                marks = {} if generation is None else self.bookmarks.of(connection, generation)
                if generation is None or not marks:
                    self.renewal.look_again()  # it was dropped just now, and another one is read or none is
                    continue
                yield Reading(connection, generation, min(mark.position for mark in marks.values()), marks)
                return

    def standing(self) -> Standing | None:
        """Return what is read now, how far it is and where the ledger ends; None where nothing is read just now."""
        bound = self._patience
        if bound is None:
            with self.connection() as connection:
                return self.bookmarks.standing(connection)
        with self.connection() as connection, _snapshot(connection, bound):
            return self.bookmarks.standing(connection)

    def glance(self, connect: Callable[[], Connection[Any]]) -> Glance:
        """Return a look at the same without waiting, on a connection that is made for it. Raises psycopg.Error."""
        connection = connect()
        try:
            return Glance(connection, self.bookmarks)
        except BaseException:
            connection.close()
            raise

    def forget(self, generation: Generation) -> None:
        """Drop what is remembered of a generation."""
        with self._mutex:
            self._runs.pop(generation.number, None)
            self._stepped.pop(generation.number, None)

    def new_projections(self) -> list[Projection]:
        """Return one new instance of each projection, in the order of their needs."""
        return [kind() for kind in self._projections]


@contextmanager
def _snapshot(connection: Connection[Any], patience: float | None = None) -> Iterator[None]:
    """Keep one snapshot for this block, begun and ended in one round trip each; the connection is in autocommit.

    Nothing was written, so it ends with a commit: after a rollback the driver has the database forget all that is
    prepared on the connection, and whoever comes next prepares it again. `patience` bounds what it waits for.
    """
    begin = "begin isolation level repeatable read, read only"
    if patience is not None:
        begin += f"; set local lock_timeout = {max(1, int(patience * 1_000))}"
    connection.execute(begin.encode())
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a connection that was lost has lost its snapshot as well
            connection.execute("commit")
