"""The server's own runner: a thread that catches up when it is woken, and by a timer in case nobody woke it."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

import psycopg
from psycopg_pool import PoolTimeout

from replay.engine import Engine

EVERY = 1.0
"""Seconds after which the runner looks for entries that nobody told it of."""

_log = logging.getLogger(__name__)


class Runner:
    """Catches up in the background; a context manager.

    Nothing depends on it: writers and readers catch up themselves when they must. It takes in what other processes
    recorded, and spares the next reader the wait. A database that is away is tried again at the next turn.
    """

    def __init__(self, engine: Engine, *, every: float = EVERY) -> None:
        self._engine = engine
        self._every = every
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projections", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._woken.set()
        self._thread.join()

    def wake(self) -> None:
        """Say that there is something to catch up with."""
        self._woken.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.clear()
            try:
                self._engine.catch_up()
            except (psycopg.OperationalError, PoolTimeout) as error:
                _log.warning("The projections could not catch up: %s", error)
            self._woken.wait(self._every)
