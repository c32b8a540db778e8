"""Rebuilding beside: a new generation from the first entry on, then the pointer, then the old one is dropped."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from psycopg import Connection, errors

from ledger.errors import Unavailable
from projections import views
from projections.base import Generation

if TYPE_CHECKING:
    from replay.engine import Engine, Progress

MOST_ROUNDS = 1_000
"""How often a new generation runs after the one that is read before the rebuild gives up."""


class RebuildIsRunning(Exception):
    """Another rebuild of this ledger is running."""


class RebuildStopped(Unavailable):
    """The new generation stopped, so the old one goes on being read; the message names projection and entry."""


def rebuild(engine: Engine, *, progress: Progress | None = None, alone: bool = False) -> Generation:
    """Build every projection from empty beside the present ones, and let readers read the new ones when level.

    Readers and writers go on meanwhile. What is half done after a kill is dropped by the next rebuild. With `alone`,
    what other releases read is dropped as well: no program of theirs runs any longer.

    Raises:
        RebuildIsRunning, RebuildStopped.
    """
    control = engine.control
    with (
        engine.renewal.left_alone(),
        engine.connection() as connection,
        control.alone(connection) as only_one,
    ):
        if not only_one:
            raise RebuildIsRunning
        before = control.prepare(connection)
        control.abandoned(connection)
        control.sweep(connection)
        with connection.transaction():
            control.lock(connection, "generations")
            new = control.make(connection)
        try:
            _follow_until_level(engine, connection, before, new, progress)
            if alone:
                control.let_go(connection)
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
        with suppress(
            errors.LockNotAvailable
        ):  # somebody reads a view just now; new readers wait only so long
            if _move_if_level(engine, connection, before, new):
                return
    raise RebuildStopped(
        "The new generation did not become level with the one that is read, or its views were read all the time."
    )


def _move_if_level(engine: Engine, connection: Connection[Any], before: Generation, new: Generation) -> bool:
    """Move the pointer if no reader would go back by it; the generation that is read stands still meanwhile."""
    control = engine.control
    with connection.transaction():
        control.lock(connection, f"generation {before.number}")
        marks = engine.bookmarks.of(connection, new)
        stopped = [mark.sentence for mark in marks.values() if mark.sentence is not None]
        if stopped:
            raise RebuildStopped(" ".join(stopped))
        old = engine.bookmarks.of(connection, before)
        if engine.holds(old.values()) and min(mark.position for mark in marks.values()) < max(
            (mark.position for mark in old.values()), default=0
        ):
            return False
        control.move(connection, new)
        try:
            views.follow(connection, control, new)
        except views.ViewsAreNewer as newer:
            raise RebuildStopped(str(newer)) from newer
        return True
