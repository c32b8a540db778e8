"""The server: uvicorn on a loopback socket, the projections kept level beside it, an end that loses nothing."""

from __future__ import annotations

import gc
import logging
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI

from api.connection import PunctualProtocol
from api.logs import SERVER
from api.release import RELEASE
from api.stream import Tail

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
GRACE_SECONDS = 10
LET_GO_SECONDS = GRACE_SECONDS + 5
"""When nobody waits for the database any longer, who would keep the process from ending."""
BACKLOG = 2_048
"""Connections that the system keeps until they are taken, during a pause of the machine."""
MOST_OPEN = 16_384
"""Files and connections that the process may have open, where the system lets it: each request may have its own."""
TURN_SECONDS = 0.001
"""How long a thread computes while others wait: what completes an answer must not hold up the rest."""
COLLECTED_AFTER = (20_000, 20, 2_400)
"""Objects more than there were, young collections, middle ones: after so many the next older ones are looked at; at all
of them every ten minutes, for that may hold everybody up for a tenth of a second."""
YOUNG_SECONDS = 0.25
"""How often what is new is looked at. What is kept changes and does not grow: by the number of objects alone there
would be a look every ten seconds, at so much that everybody waits for it."""


class Runner(Protocol):
    """What keeps the projections level: it runs until it is told to stop."""

    def run(self, stop: threading.Event) -> None:
        """Catch up, then wait for the next entry, until `stop` is set."""
        ...


class Server(uvicorn.Server):
    """uvicorn that says when it answers."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None] | None = None
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let those who listen to the stream go, then finish what is in flight; a second SIGINT waits for nobody."""
        if self._ending is not None:
            self._ending()
        await super().shutdown(sockets=sockets)
        if self.force_exit:  # what stands beside the requests ends in a moment, and else would be broken off
            await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to end, and return after it: what stands around the server ends too."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def listening_socket(host: str = HOST, port: int = 0) -> socket.socket:
    """Return a bound socket; port 0 takes a free one. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    at = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4] if "%" in host else (host, port)
    bound = socket.socket(
        family, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # asyncio sends at once only if told TCP
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(at)
    except OSError:
        bound.close()
        raise
    return bound


def address_of(bound: socket.socket) -> str:
    """Return the address that a browser opens for this socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(
    app: FastAPI, ready: Callable[[], None], let_go: Callable[[float], None] | None = None
) -> Server:
    """Return a server for the application; its own log of addresses is off, for addresses name people."""
    tail: Tail | None = getattr(app.state, "tail", None)

    def ending() -> None:
        if tail is not None:
            tail.end()
        if let_go is not None:
            let_go(LET_GO_SECONDS)

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        backlog=BACKLOG,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        http=PunctualProtocol,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
    )
    return Server(config, ready, ending)


def serve(
    app: FastAPI,
    runner: Runner,
    *,
    bound: socket.socket | None = None,
    announce: Callable[[str], Any],
    let_go: Callable[[float], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called with the address once it answers.

    A socket that was bound before is closed at the end; without one a free port of this machine is taken.

    Requests in flight are finished (at most ten seconds), then the runner ends after its page. `let_go` is told at the
    wish to end in how many seconds nobody may wait for the database any longer.
    """
    bound = bound or listening_socket()

    def ready() -> None:
        SERVER.info("answering", extra={"told": {"release": RELEASE, "port": bound.getsockname()[1]}})
        announce(address_of(bound))

    open_enough()
    with running(runner), bound, many_served():
        make_server(app, ready, let_go).run(sockets=[bound])
    SERVER.info("ended")


def open_enough() -> None:
    """Let this process have as many connections as the system allows it: the usual bound is 1,024."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN if most == resource.RLIM_INFINITY else min(MOST_OPEN, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):  # then it stays as it is
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def many_served() -> Iterator[None]:
    """Serve many at once: threads take short turns, the garbage collector looks often at little and seldom at all.

    Answers and states that are kept are many small objects without cycles; each look holds up every request.
    """
    before, turns = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    sys.setswitchinterval(TURN_SECONDS)
    ended = threading.Event()
    collector = threading.Thread(target=_collect, args=(ended,), name="collector", daemon=True)
    collector.start()
    try:
        yield
    finally:
        ended.set()
        collector.join()
        sys.setswitchinterval(turns)
        gc.set_threshold(*before)
        gc.unfreeze()


def _collect(ended: threading.Event) -> None:
    """Look at what is new, again and again, before it is much; what stays is old from then on.

    Looks at what is old are counted here too: Python makes one only while it makes many objects within such a moment,
    and what a connection leaves would wait for that for ever.
    """
    while not ended.wait(YOUNG_SECONDS):
        gc.collect(2 if gc.get_count()[2] > COLLECTED_AFTER[2] else 1)


@contextmanager
def running(runner: Runner) -> Iterator[threading.Event]:
    """Keep the projections level in a thread beside this block."""
    stop = threading.Event()
    thread = threading.Thread(target=_run_on, args=(runner, stop), name="projections", daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(GRACE_SECONDS)
        if thread.is_alive():
            logger.warning("The projections did not end within %s seconds.", GRACE_SECONDS)


def _run_on(runner: Runner, stop: threading.Event) -> None:
    """Run until told to stop, also over a database that goes away and comes back."""
    while not stop.is_set():
        try:
            runner.run(stop)
        except Exception:
            logger.exception("The projections are interrupted; they go on in a second.")
            stop.wait(1)


@contextmanager
def in_background(app: FastAPI, *, host: str = HOST, port: int = 0) -> Iterator[str]:
    """Serve in a thread beside this block, and give the address; for tests, measurements and the demonstration."""
    bound = listening_socket(host, port)
    answering = threading.Event()
    server = make_server(app, answering.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="server", daemon=True)
    thread.start()
    try:
        while not answering.wait(0.05):
            if not thread.is_alive():
                raise RuntimeError("The server ended before it answered.")
        yield address_of(bound)
    finally:
        server.should_exit = True
        thread.join(GRACE_SECONDS + 5)
        bound.close()
