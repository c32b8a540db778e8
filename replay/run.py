"""One page through every projection, in one transaction with the bookmarks; the page after it is read meanwhile."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import Connection, errors

from ledger.calls import Asked, CallFailed, roll_back
from ledger.errors import is_gone, is_lost
from ledger.pages import entries_in
from projections.base import Generation, PlainEntry, Projection, decode_page
from projections.writes import Packed
from replay.writer import WriteFailed, Writer

if TYPE_CHECKING:
    from replay.engine import Engine


FEW: Final = 20
"""Entries that come along with the beginning of a page; where there may be more, the page is read by itself."""


class Run:
    """The handlers of one generation and what they remember, good as long as nobody else moved the bookmarks."""

    def __init__(self, engine: Engine, generation: Generation) -> None:
        self._engine = engine
        self._generation = generation
        self._handlers: list[Projection] = []
        self._remembered: dict[str, int] = {}
        self._failed: dict[str, tuple[int, str]] = {}
        self._ahead = _Ahead(engine)
        self.is_read = True
        """Whether this release read the generation when the last page began."""

    def step(
        self, connection: Connection[Any], until: int | None, *, patience: float | None = None
    ) -> tuple[int, bool]:
        """Apply one page; return the position reached and whether there may be more.

        Statements that need no answer are sent together, for a page is mostly one entry of somebody who waits for it.
        Raises psycopg.errors.InvalidSqlStatementName where the connection forgot some of them; then it is closed.
        """
        try:
            try:
                return self._step(connection, until, patience)
            except BaseException:
                with suppress(psycopg.Error):  # a connection that was lost has lost its transaction as well
                    roll_back(connection)
                raise
        except _HandlerFailed as failed:
            if is_lost(failed.cause) or isinstance(failed.cause, MemoryError):  # no fault of the projection
                raise failed.cause from None
            self._remembered = {}
            self._failed[failed.name] = (failed.first, failed.sentence)
            return self.step(connection, until, patience=patience)
        except BaseException as error:
            self._remembered = {}
            if is_gone(error):  # not one table, but the ledger: the bookmarks cannot be read
                self._failed = {}
            raise

    def _step(
        self, connection: Connection[Any], until: int | None, patience: float | None
    ) -> tuple[int, bool]:
        bookmarks, generation = self._engine.bookmarks, self._generation
        along = self._along()
        asked_for = [] if along is None else [along[1]]
        marks, self.is_read, answers = bookmarks.begin_page(connection, generation, patience, asked_for)
        if not marks:
            raise GenerationIsGone
        for name, (position, sentence) in self._failed.items():
            bookmarks.stop(connection, generation, name, position, sentence)
        stopped = {name for name, mark in marks.items() if mark.stopped_at is not None} | set(self._failed)
        self._failed = {}
        running = {name: mark.position for name, mark in marks.items() if name not in stopped}
        if not running:
            bookmarks.end_page(connection, generation, [])
            return min(mark.position for mark in marks.values()), False
        if self._remembered != running:
            if not self._engine.holds(marks.values()):
                raise GenerationIsGone
            self._handlers = self._engine.new_projections()
        self._remembered = {}
        start = min(running.values())
        few = entries_in(answers[0]) if along is not None and along[0] == start else None
        if few is None or len(few) == FEW:  # there may be more
            page = self._ahead.take(start, until)
        else:
            page = decode_page(one for one in few if until is None or one.position <= until)
        if not page:
            if not self._engine.holds(marks.values()):
                raise GenerationIsGone
            bookmarks.end_page(connection, generation, [])
            self._remembered = running
            return start, False
        more = len(page) == self._engine.page
        reached, left = self._applied(page, running, connection, until, more=more)
        moved = []
        for position in set(reached.values()):
            names = [name for name, place in reached.items() if place == position]
            last = position - page[0]["position"]
            if last >= 0:
                moved.append((names, position, page[last]["recorded_at"]))
        asked = [(name, one) for name, write in left for one in write.asked()]
        try:
            after = bookmarks.end_page(connection, generation, moved, [one for _, one in asked])
        except CallFailed as failed:
            if failed.place >= len(asked) or isinstance(failed.cause, errors.InvalidSqlStatementName):
                raise failed.cause from None
            name = asked[failed.place][0]
            raise _HandlerFailed(name, running[name] + 1, failed.cause) from failed
        self._remembered = {name: mark.position for name, mark in after.items() if mark.stopped_at is None}
        if not self._remembered:
            return start, False
        return min(self._remembered.values()), more

    def _along(self) -> tuple[int, Asked] | None:
        """Return from where on the entries are asked for along with the beginning of a page, and the question; mostly
        they are the page. None where it is not known yet how far this is, or where a page was read ahead."""
        if not self._remembered or self._ahead.is_begun:
            return None
        after = min(self._remembered.values())
        asked = self._engine.ledger.page_asked(after, FEW)
        return None if asked is None else (after, asked)

    def _applied(
        self,
        page: list[PlainEntry],
        running: dict[str, int],
        connection: Connection[Any],
        until: int | None,
        *,
        more: bool,
    ) -> tuple[dict[str, int], list[tuple[str, Packed]]]:
        """Give the page to every projection that runs; return the positions reached and what is left to be written."""
        reached = dict(running)
        try:
            with Writer(connection) as writer:
                for place, handler in enumerate(self._handlers):
                    if handler.name in running:
                        self._apply(handler, page, reached, writer)
                    if more and place == 0:  # now the database has something to do
                        self._ahead.begin(page[-1]["position"], until)
                writer.finish()
                return reached, writer.left
        except WriteFailed as failed:
            raise _HandlerFailed(failed.name, running[failed.name] + 1, failed.cause) from failed

    def _apply(
        self, handler: Projection, page: list[PlainEntry], reached: dict[str, int], writer: Writer
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
            self._stop(writer.connection, handler.name, stranger["position"], sentence)
            part = part[:place]
        elif needed < last:
            sentence = f"{handler.name} stands on {' and '.join(handler.NEEDS)}, which stopped."
            self._stop(writer.connection, handler.name, needed + 1, sentence)
        if not part:
            return
        try:
            writer.take(handler.name, handler.apply(part, writer.connection, self._generation))
        except WriteFailed:
            raise
        except Exception as error:
            raise _HandlerFailed(handler.name, first, error) from error
        reached[handler.name] = part[-1]["position"]

    def _stop(self, connection: Connection[Any], name: str, position: int, sentence: str) -> None:
        self._engine.bookmarks.stop(connection, self._generation, name, position, sentence)


class GenerationIsGone(Exception):
    """These tables were dropped after a rebuild, or hold what the ledger does not; others are read."""


class _Ahead:
    """The page after the present one, read and decoded in a thread while the database takes the present one in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread: threading.Thread | None = None
        self._key: tuple[int, int | None] | None = None
        self._page: list[PlainEntry] | None = None

    @property
    def is_begun(self) -> bool:
        """Whether a page is read ahead that nobody has taken yet."""
        return self._thread is not None

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
