"""The server's own runner: it catches up when it is woken, and by a timer in case nobody woke it."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

import psycopg

from ledger.errors import LedgerIsBusy, Unavailable, is_gone, is_lost
from projections.trouble import ProjectionIsHeld, ProjectionsAreGone
from replay.engine import Engine
from replay.renewal import AnswersAreBeingMade

EVERY = 0.5
"""Seconds after which the runner looks for entries that nobody told it of."""

_log = logging.getLogger(__name__)


class Runner:
    """Catches up until it is told to stop: by `run` in a thread of somebody else's, or as a context manager in its own.

    Nothing depends on it: writers and readers catch up themselves when they must. It takes in what other processes
    recorded, and spares the next reader the wait. A database that is away is tried again at the next turn.
    """

    def __init__(self, engine: Engine, *, every: float = EVERY) -> None:
        self._engine = engine
        self._every = every
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self.run, args=(self._ended,), name="projections", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.wake()
        self._thread.join()

    def wake(self) -> None:
        """Say that there is something to catch up with."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Catch up at once and at each turn, until `stop` is set; whoever sets it may `wake` to be done sooner."""
        said = ""
        while not stop.is_set():
            self._woken.clear()
            try:
                self._engine.catch_up()
                said = ""
            except AnswersAreBeingMade:
                continue  # it has waited already
            except (LedgerIsBusy, ProjectionIsHeld, ProjectionsAreGone) as refusal:
                said = _warned(refusal, said)
            except psycopg.Error as error:
                if is_gone(error):  # those that were made now look for what comes in its place
                    self._engine.ledger.pool.drain()
                elif not is_lost(error):
                    raise
                _log.warning("The projections could not catch up: %s", error)
            self._woken.wait(self._every)


def _warned(refusal: Unavailable, said: str) -> str:
    """Write down why the projections cannot follow, unless that was said last; return what was."""
    if refusal.detail != said:
        _log.warning("The projections could not catch up: %s", refusal.detail)
    return refusal.detail
