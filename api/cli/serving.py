"""`serve`: the HTTP door until interrupted."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.session import Session, opened
from ledger.migrate import prepare


def serve(*, host: str, port: int) -> None:
    """Serve the ledger of this run, with its projections kept level beside."""
    with opened() as session:
        for weaker in prepare(session.ledger.settings):
            sys.stderr.write(f"strategy-ledger: {weaker}\n")
        session.catch_up()
        run_server(session, host=host, port=port, announce=say)


def run_server(session: Session, *, host: str, port: int, announce: Callable[[str], object]) -> None:
    """Serve an open session until a signal ends it."""
    from api.app import create_app
    from api.server import serve as run
    from replay.questions import Reader

    app = create_app(
        session.ledger, Reader(session.ledger, session.engine), session.engine, session.ledger.settings
    )
    try:
        run(app, _Runner(session), host=host, port=port, announce=announce)
    except OSError as error:
        raise Fault(
            Code.UNAVAILABLE, f"{host}:{port} cannot be listened on: {error.strerror}; choose another --port."
        ) from error


def say(address: str) -> None:
    """Say where the ledger answers."""
    sys.stdout.write(f"Answering at {address} (interrupt to end)\n")
    sys.stdout.flush()


class _Runner:
    """Keeps the projections level: a round at each tick, and none while nothing is new."""

    TICK_SECONDS = 0.5

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, stop: threading.Event) -> None:
        """Catch up again and again until told to stop."""
        reached = -1
        while not stop.wait(self.TICK_SECONDS):
            if self._session.ledger.head().position != reached:
                reached = self._session.engine.catch_up()
