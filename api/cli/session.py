"""One run's use of a ledger: opened, caught up, closed again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.place import PLACE

if TYPE_CHECKING:
    from ledger.settings import Settings
    from ledger.store import Ledger
    from replay.engine import Engine
    from replay.questions import Reader

_WORTH_A_BAR = 5_000
"""So many entries behind, catching up shows a progress bar on a terminal."""


class Session:
    """An open ledger with its engine and its reader, each made when it is first used."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The projections of the ledger."""
        if self._engine is None:
            from replay.engine import Engine

            self._engine = Engine(self.ledger)
        return self._engine

    def reader(self) -> Reader:
        """Return a reader over projections that are level with the ledger as it is now."""
        from replay.questions import Reader

        self.catch_up()
        return Reader(self.ledger, self.engine)

    def catch_up(self) -> int:
        """Bring the projections level, with a progress bar where it lasts; a server beside does no harm."""
        head = self.ledger.head().position
        with self.engine.reading() as reading:
            behind = head - reading.position
        with progress("Catching up", head if behind > _WORTH_A_BAR else 0) as step:
            return self.engine.catch_up(progress=lambda position, _: step(position))


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Session]:
    """Open the ledger of this run, which exists; nothing is created where there is none."""
    from ledger.place import Place
    from ledger.presence import is_there, may_be_there
    from ledger.store import Ledger

    settings = settings or PLACE.settings()
    if not may_be_there(settings):
        raise _nothing_there(settings)
    with Place.open(settings) as place:  # held until the end, so that an embedded server starts once
        if not is_there(place):
            raise _nothing_there(settings)
        with Ledger.open(settings) as ledger:
            yield Session(ledger)


def _nothing_there(settings: Settings) -> Fault:
    where = str(settings.data_dir) if settings.embedded else "this database"
    return Fault(
        Code.UNAVAILABLE,
        f"There is no ledger {settings.schema!r} in {where}; run `{PLACE.command('init')}` to create one, "
        f"`{PLACE.command('restore', 'FILE')}` to bring one back, or `strategy-ledger demo` to see one.",
    )


def writer(session: Session, token_file: Path | None) -> str:
    """Return who the token of this run names, as an actor.

    Raises:
        Fault: there is no token, or the ledger does not know it.
    """
    token = read_token(token_file)
    actor = session.ledger.tokens.actor_of(token)
    if actor is None:
        raise Fault(
            Code.NOT_ALLOWED,
            f"This ledger does not know the token, or it was revoked; a steward issues one with "
            f"`{PLACE.command('token', 'issue', 'HANDLE')}`.",
        )
    return actor


def read_token(token_file: Path | None) -> str:
    """Return the token of the file, else of the environment."""
    if token_file is not None:
        token = token_file.read_text(encoding="utf-8").strip()
    else:
        token = PLACE.settings().token or ""
    if not token:
        raise Fault(
            Code.NOT_ALLOWED,
            "Every write names who writes, also on this machine: set STRATEGY_LEDGER_TOKEN or give --token-file FILE.",
        )
    return token


@contextmanager
def progress(what: str, total: int) -> Iterator[Any]:
    """Give a function that takes how much is done; it draws a bar on a terminal when there is a total."""
    if not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
