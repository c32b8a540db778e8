"""Catching up: pages of entries in their order, through every projection, with the bookmarks in one transaction.

Whoever needs an answer may run the loop: the server's own runner, a command line, a writer that waits for its
entry. A lock per generation, held for one page, lets one of them work at a time; who waited finds the work done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg import Connection, errors

from ledger.codec import RawEntry
from projections.base import Generation, PlainEntry, Projection, decode_page, without_collection
from projections.catalogue import PROJECTIONS
from projections.tables import Bookmark, Control

PAGE = 5_000
"""Entries in a page."""
COUNTED_AFTER = 20_000
"""Entries after which the database counts the rows of tables that grow; then after four times as many, and so on."""
PAUSE = 0.005
"""Seconds before somebody who waits for an entry that is not there looks again."""
Progress = Callable[[int, int], None]
"""Called after each page with the position reached and the position aimed at."""


class LedgerToRead(Protocol):
    """What the engine needs of a ledger."""

    schema: str
    pool: Any

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]: ...


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
        self.page = page
        self._projections = projections
        self._runs: dict[int, Run] = {}
        self._mutex = threading.Lock()
        self._prepared = False

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Give a connection of the ledger's pool, with the control tables in place."""
        with self.ledger.pool.connection() as connection:
            if not self._prepared:
                self.control.prepare(connection)
                self._prepared = True
            yield connection

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
            with self.connection() as connection:
                return run.step(connection, until, patience=patience)
        except GenerationIsGone:
            self._runs.pop(generation.number, None)
            raise

    def _count(self, generation: Generation) -> None:
        """Let the database count: without, it reads whole tables where an index would do."""
        with self.connection() as connection:
            self.control.analyse(connection, generation)

    def _present(self) -> Generation:
        with self.connection() as connection:
            return self.control.prepare(connection)

    def wait_for(self, position: int, timeout: float = 5.0) -> bool:
        """Wait until every running projection has an entry; return whether it has within the seconds given.

        Runs the catch-up itself when nobody else does, else waits for whoever does.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self.connection() as connection:
                generation = self.control.prepare(connection)
                level = self._level(connection, generation, position)
            left = deadline - time.monotonic()
            if level or left <= 0 or not self._mutex.acquire(timeout=left):
                return level
            try:
                with suppress(GenerationIsGone, errors.LockNotAvailable):
                    reached, more = self._step(generation, None, patience=left)
                    if reached < position and not more:  # it is not visible yet, or never will be
                        time.sleep(min(left, PAUSE))
            finally:
                self._mutex.release()

    def _level(self, connection: Connection[Any], generation: Generation, position: int) -> bool:
        marks = self.control.bookmarks(connection, generation).values()
        return all(mark.position >= position or mark.stopped_at is not None for mark in marks)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Give all projections at one basis, in one snapshot that stays as it is."""
        with self.connection() as connection:
            while True:
                with connection.transaction():
                    connection.execute("set transaction isolation level repeatable read, read only")
                    generation = self.control.held(connection)
                    if generation is None:
                        continue
                    marks = self.control.bookmarks(connection, generation)
                    yield Reading(
                        connection, generation, min(mark.position for mark in marks.values()), marks
                    )
                    return

    def forget(self, generation: Generation) -> None:
        """Drop what is remembered of a generation."""
        with self._mutex:
            self._runs.pop(generation.number, None)

    def new_projections(self) -> list[Projection]:
        """Return one new instance of each projection, in the order of their needs."""
        return [kind() for kind in self._projections]


class Run:
    """The handlers of one generation and what they remember, good as long as nobody else moved the bookmarks."""

    def __init__(self, engine: Engine, generation: Generation) -> None:
        self._engine = engine
        self._generation = generation
        self._handlers: list[Projection] = []
        self._remembered: dict[str, int] = {}
        self._failed: dict[str, tuple[int, str]] = {}
        self._ahead = _Ahead(engine)

    def step(
        self, connection: Connection[Any], until: int | None, *, patience: float | None = None
    ) -> tuple[int, bool]:
        """Apply one page; return the position reached and whether there may be more."""
        try:
            with connection.transaction():
                return self._step(connection, until, patience)
        except _HandlerFailed as failed:
            if isinstance(failed.cause, psycopg.OperationalError | psycopg.InterfaceError | MemoryError):
                raise failed.cause from None
            self._remembered = {}
            self._failed[failed.name] = (failed.first, failed.sentence)
            return self.step(connection, until, patience=patience)
        except BaseException:
            self._remembered = {}
            raise

    def _step(
        self, connection: Connection[Any], until: int | None, patience: float | None
    ) -> tuple[int, bool]:
        control, generation = self._engine.control, self._generation
        connection.execute("set local synchronous_commit = off")  # a lost page is applied again
        if patience is not None:
            connection.execute(
                "select set_config('lock_timeout', %s, true)", [f"{max(1, int(patience * 1000))}ms"]
            )
        control.lock(connection, f"generation {generation.number}")
        marks = control.bookmarks(connection, generation)
        if not marks:
            raise GenerationIsGone
        for name, (position, sentence) in self._failed.items():
            control.stop(connection, generation, name, position, sentence)
        stopped = {name for name, mark in marks.items() if mark.stopped_at is not None} | set(self._failed)
        self._failed = {}
        running = {name: mark.position for name, mark in marks.items() if name not in stopped}
        if not running:
            return min(mark.position for mark in marks.values()), False
        if self._remembered != running:
            self._handlers = self._engine.new_projections()
        self._remembered = {}
        start = min(running.values())
        page = self._ahead.take(start, until)
        if not page:
            self._remembered = running
            return start, False
        more = len(page) == self._engine.page
        if more:
            self._ahead.begin(page[-1]["position"], until)
        reached = dict(running)
        for handler in self._handlers:
            if handler.name in running:
                self._apply(handler, page, reached, connection)
        for position in set(reached.values()):
            names = [name for name, place in reached.items() if place == position]
            control.advance(connection, generation, names, position)
        after = control.bookmarks(connection, generation)
        self._remembered = {name: mark.position for name, mark in after.items() if mark.stopped_at is None}
        if not self._remembered:
            return start, False
        return min(self._remembered.values()), more

    def _apply(
        self,
        handler: Projection,
        page: list[PlainEntry],
        reached: dict[str, int],
        connection: Connection[Any],
    ) -> None:
        """Give a projection its part of the page: what it has not seen, up to an entry that it does not know."""
        first, last = reached[handler.name] + 1, page[-1]["position"]
        needed = min([last, *(reached.get(need, first - 1) for need in handler.NEEDS)])
        part = page[first - page[0]["position"] : needed - page[0]["position"] + 1]
        known = handler.HANDLES | handler.PASSES_BY
        if {entry["name"] for entry in part} - known:
            place, stranger = next((n, e) for n, e in enumerate(part) if e["name"] not in known)
            sentence = (
                f"{handler.name} does not know {stranger['name']} (entry {stranger['position']}); "
                "it goes on after an upgrade and a rebuild."
            )
            self._stop(connection, handler.name, stranger["position"], sentence)
            part = part[:place]
        elif needed < last:
            sentence = f"{handler.name} stands on {' and '.join(handler.NEEDS)}, which stopped."
            self._stop(connection, handler.name, needed + 1, sentence)
        if not part:
            return
        try:
            handler.apply(part, connection, self._generation)
        except Exception as error:
            raise _HandlerFailed(handler.name, first, error) from error
        reached[handler.name] = part[-1]["position"]

    def _stop(self, connection: Connection[Any], name: str, position: int, sentence: str) -> None:
        self._engine.control.stop(connection, self._generation, name, position, sentence)


class GenerationIsGone(Exception):
    """These tables were dropped after a rebuild; the pointer names others."""


class _Ahead:
    """The page after the present one, read and decoded in a thread while the database takes the present one in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread: threading.Thread | None = None
        self._key: tuple[int, int | None] | None = None
        self._page: list[PlainEntry] | None = None

    def begin(self, after: int, until: int | None) -> None:
        """Begin to read the page after a position."""
        self._key, self._page = (after, until), None
        self._thread = threading.Thread(target=self._read, args=(after, until), daemon=True)
        self._thread.start()

    def _read(self, after: int, until: int | None) -> None:
        with suppress(Exception):  # whoever takes the page then reads it itself, and meets the same error
            self._page = decode_page(self._engine.ledger.read_page(after, self._engine.page, until))

    def take(self, after: int, until: int | None) -> list[PlainEntry]:
        """Return the page after a position, read ahead or read now."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        page, self._page = self._page, None
        if page is not None and self._key == (after, until) and len(page) == self._engine.page:
            return page
        return decode_page(self._engine.ledger.read_page(after, self._engine.page, until))


class _HandlerFailed(Exception):
    """A projection could not apply a page."""

    def __init__(self, name: str, first: int, cause: Exception) -> None:
        self.name = name
        self.first = first
        self.cause = cause
        self.sentence = (
            f"{name} could not apply the entries from {first} on: {type(cause).__name__}: {cause}; "
            "it goes on after an upgrade and a rebuild."
        )
        super().__init__(self.sentence)
