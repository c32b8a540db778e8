"""Whether the tables of the answers are of this release and of this ledger, and building them anew where they are not.

A program that answers others has patience: it builds in a thread beside and says meanwhile that the answers are being
made. A command line builds itself, with all the time that takes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from ledger.errors import Unavailable
from projections import trouble
from projections.base import Generation
from replay.generations import RebuildIsRunning, RebuildStopped, rebuild

if TYPE_CHECKING:
    from replay.engine import Engine

LOOK_AGAIN = 0.2
"""Seconds before somebody who waits for another process's rebuild looks again."""
PATIENCE = 2.0
"""Seconds that a program which answers others lets them wait for answers that are being made."""
ANOTHER_RELEASE = (
    "The tables of the answers are those of another release; this one builds its own beside them."
)
ANOTHER_PAST = (
    "The answers were made from entries that this ledger does not hold: it was restored from an older backup, or "
    "replaced. They are built anew."
)
_log = logging.getLogger(__name__)


class AnswersAreBeingMade(Unavailable):
    """The answers are being made anew from the entries, for this release; nothing is lost, ask again in a moment."""


class _Attempt(threading.Thread):
    """One building in a thread of its own, with what went wrong in it."""

    def __init__(self, build: Callable[[], None]) -> None:
        super().__init__(name="renewal", daemon=True)
        self.error: BaseException | None = None
        self._build = build

    def run(self) -> None:
        """Build; whoever waited raises what went wrong."""
        try:
            self._build()
        except BaseException as error:  # noqa: BLE001 (raised to whoever waits)
            self.error = error


class Renewal:
    """Looks once whether the tables fit; if not, whoever comes waits until they are built, or is told to come again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.patience: float | None = None
        """Seconds that whoever comes waits; None is for as long as it takes."""
        self._ready = False
        self._building = threading.RLock()
        self._builder: int | None = None
        self._guard = threading.Lock()
        self._attempt: _Attempt | None = None
        self._unfit: RebuildStopped | None = None
        self._position = 0

    @property
    def is_done(self) -> bool:
        """Whether the tables fitted when they were looked at last: whoever comes need not wait."""
        return self._ready

    def look_again(self) -> None:
        """Say that the tables are not what they were: the next one who comes looks."""
        self._ready = False

    def see_to(self) -> None:
        """Return once the tables fit; what the building itself asks for goes through.

        Raises AnswersAreBeingMade after the patience given, RebuildStopped, ProjectionsAreGone.
        """
        if self._ready or self._builder == threading.get_ident():
            return
        if self.patience is None:
            self._build()
            return
        with self._guard:
            if self._attempt is None or not self._attempt.is_alive():
                self._attempt = _Attempt(self._build)
                self._attempt.start()
            attempt = self._attempt  # what becomes of another one is not for those who wait for this one
        attempt.join(self.patience)
        if attempt.is_alive():
            raise AnswersAreBeingMade(
                f"The answers are being made anew from the entries, up to position {self._position} so far. Nothing is "
                "lost, and what is recorded meanwhile is in them; ask again in a moment."
            )
        if attempt.error is not None:
            raise attempt.error

    def _build(self) -> None:
        with self._building:  # taken before a connection, so that who waits here keeps none from the building
            if self._ready:
                return
            if self._unfit is not None:
                raise self._unfit
            self._builder = threading.get_ident()
            try:
                self._until_they_fit()
                self._ready = True
            finally:
                self._builder = None

    def _until_they_fit(self) -> None:
        engine, control = self._engine, self._engine.control
        while True:
            with engine.ledger.pool.connection() as connection:
                generation = control.prepare(connection)
                fits = control.fits(connection, generation)
                if fits and self._is_gone(connection, generation):
                    raise trouble.gone(trouble.missing(connection, control))
                if fits and engine.holds(engine.bookmarks.of(connection, generation).values()):
                    return
            _log.warning(ANOTHER_PAST if fits else ANOTHER_RELEASE)
            try:
                rebuild(engine, progress=self._reached)
            except RebuildIsRunning:
                time.sleep(LOOK_AGAIN)
            except RebuildStopped as stopped:
                self._unfit = stopped  # the next one would stop at the same entry
                raise

    def _is_gone(self, connection: Connection[Any], generation: Generation) -> bool:
        """Return whether nothing is left of a generation, or nothing says how far it is.

        It is not built anew by itself: whoever dropped it may be about to put something else in its place.
        """
        engine = self._engine
        marks = engine.bookmarks.of(connection, generation)
        return not marks or not engine.control.is_there(connection, generation)

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """Let this thread ask without a look whether the tables fit: it builds others in their place."""
        with self._building:
            before, self._builder = self._builder, threading.get_ident()
            try:
                yield
            finally:
                self._builder = before

    def _reached(self, position: int, _: int) -> None:
        self._position = position
