"""Rebuilding beside: a new generation from the first entry on, then the pointer, then the old one is dropped."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from projections.base import Generation
from replay.engine import Engine, Progress

MOST_ROUNDS = 1_000
"""How often a new generation runs after the one that is read before the rebuild gives up."""


class RebuildIsRunning(Exception):
    """Another rebuild of this ledger is running."""


class RebuildStopped(Exception):
    """The new generation stopped, so the old one goes on being read; the message names projection and entry."""


def rebuild(engine: Engine, *, progress: Progress | None = None) -> Generation:
    """Build every projection from empty beside the present ones, and let readers read the new ones when level.

    Readers and writers go on meanwhile. What is half done after a kill is dropped by the next rebuild.

    Raises:
        RebuildIsRunning, RebuildStopped.
    """
    control = engine.control
    with engine.connection() as connection, control.alone(connection) as alone:
        if not alone:
            raise RebuildIsRunning
        control.abandoned(connection)
        control.sweep(connection)
        before = control.prepare(connection)
        with connection.transaction():
            control.lock(connection, "generations")
            new = control.make(connection)
        try:
            _follow_until_level(engine, connection, before, new, progress)
        except BaseException:
            control.leave(connection, new)
            raise
        finally:
            control.sweep(connection)
        engine.forget(before)
        return new


def _follow_until_level(
    engine: Engine,
    connection: Connection[Any],
    before: Generation,
    new: Generation,
    progress: Progress | None,
) -> None:
    analysed = False
    for _ in range(MOST_ROUNDS):
        engine.follow(new, progress=progress)
        if not analysed:
            engine.control.analyse(connection, new)
            analysed = True
        if _move_if_level(engine, connection, before, new):
            return
    raise RebuildStopped("The new generation did not become level with the one that is read.")


def _move_if_level(engine: Engine, connection: Connection[Any], before: Generation, new: Generation) -> bool:
    """Move the pointer if no reader would go back by it; the generation that is read stands still meanwhile."""
    control = engine.control
    with connection.transaction():
        control.lock(connection, f"generation {before.number}")
        marks = control.bookmarks(connection, new)
        stopped = [mark.sentence for mark in marks.values() if mark.sentence is not None]
        if stopped:
            raise RebuildStopped(" ".join(stopped))
        old = control.bookmarks(connection, before)
        if min(mark.position for mark in marks.values()) < max(mark.position for mark in old.values()):
            return False
        control.move(connection, new)
        return True
