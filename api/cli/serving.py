"""`serve`: the HTTP door until interrupted."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from api.cli.listening import is_loopback, listening, not_listening
from api.cli.place import PLACE
from api.cli.session import Session, opened
from ledger.embedded import EmbeddedServerError
from ledger.migrate import prepare
from ledger.place import Place
from ledger.presence import is_starting
from ledger.settings import Settings
from replay.renewal import PATIENCE, AnswersAreBeingMade

if TYPE_CHECKING:
    from api.logs import LogFormat

logger = logging.getLogger(__name__)
STARTING = 60.0
"""Seconds that a start waits for a database that comes up."""
LOOK_AFTER = 0.5
"""Seconds between two looks whether the embedded server is still there."""


def serve(*, host: str, port: int, log_format: LogFormat, upgrade: bool = True) -> None:
    """Serve the ledger of this run, with its projections kept level beside; its log goes to standard error."""
    from api.logs import configure

    with listening(host, port) as bound:
        if not is_loopback(bound.getsockname()[0]):
            sys.stderr.write(
                f"strategy-ledger: {host} can be reached from other machines, and this server speaks no TLS: tokens "
                "would cross the network in the clear. Put a proxy that does in front of it.\n"
            )
        handler = configure(log_format)
        try:
            with _level(partial(prepare, upgrade=upgrade)) as session:
                run_server(session, bound, announce=say)
        finally:
            logging.getLogger().removeHandler(handler)


@contextmanager
def _level(prepare: Callable[[Settings], list[str]]) -> Iterator[Session]:
    """Open the ledger of this run and bring its projections level; a database that comes up just now is waited for."""
    deadline = time.monotonic() + STARTING
    while True:
        with ExitStack() as stack:
            try:
                session = stack.enter_context(opened(prepare=prepare))
                session.engine.renewal.patience = PATIENCE
                with suppress(
                    AnswersAreBeingMade
                ):  # whoever asks is told so; readiness says when they are there
                    session.catch_up()
            except Exception as error:
                embedded = PLACE.settings().embedded
                if not is_starting(error, embedded=embedded) or time.monotonic() > deadline:
                    raise
                logger.warning("The database does not answer yet: %s", " ".join(str(error).split()))
            else:
                yield session
                return
        time.sleep(LOOK_AFTER)


def run_server(session: Session, bound: socket.socket, *, announce: Callable[[str], object]) -> None:
    """Serve an open session on a bound socket until a signal ends it."""
    from api.app import create_app
    from api.door import Door
    from api.server import serve as run
    from api.warming import WARMING_SECONDS
    from replay.questions import Reader
    from replay.runner import Runner

    ledger, engine = session.ledger, session.engine
    with suppress(AnswersAreBeingMade):  # they come with the answers
        engine.show_views()
    app = create_app(
        ledger,
        Reader(ledger, engine, keeps=True),
        engine,
        ledger.settings,
        door=Door.load(os.environ),
        warming=WARMING_SECONDS,
    )
    host, port = bound.getsockname()[:2]
    try:
        with revived(ledger.place):
            run(app, Runner(engine), bound=bound, announce=announce, let_go=ledger.end_soon)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise not_listening(error, host, port) from error


@contextmanager
def revived(place: Place) -> Iterator[None]:
    """Look after the embedded server beside this block: one that was killed is started again."""
    ended = threading.Event()

    def look() -> None:
        said = ""
        while not ended.wait(LOOK_AFTER):
            try:
                if place.revive():
                    logger.warning("The embedded PostgreSQL was gone and was started again.")
                said = ""
            except (EmbeddedServerError, OSError) as error:
                if str(error) != said:
                    logger.error("The embedded PostgreSQL is gone: %s", error)
                said = str(error)

    thread = threading.Thread(target=look, name="embedded", daemon=True)
    if place.embedded:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if place.embedded:
            thread.join(LOOK_AFTER * 10)


def say(address: str) -> None:
    """Say where the ledger answers."""
    sys.stdout.write(f"Answering at {address} (interrupt to end)\n")
    sys.stdout.flush()
