"""The end of a process that a database keeps waiting: what is asked is taken back, then the connections are cut.

A thread that waits for an answer keeps its process from ending. Where somebody holds a table, or the database is stuck,
the answer may never come.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg.pq import TransactionStatus

from ledger.place import Connection, Pool

CUT_SECONDS = 3.0
"""How long the database has to take back what is asked; then its connections are cut."""
_ROUND_SECONDS = 0.2
"""Who was interrupted may ask again: so often it is looked for."""


def end_soon(pool: Pool, after: float) -> None:
    """Let nobody wait for the database any longer, in so many seconds; return at once.

    What is asked then is taken back: the database undoes it. Where it does not even do that, `CUT_SECONDS` later the
    connections are cut. Only for the end of a process: this goes on until the pool is closed and all was given back.
    """
    for seconds, way in ((after, take_back), (after + CUT_SECONDS, cut)):
        threading.Thread(target=_interrupt, args=(pool, seconds, way), name="ending", daemon=True).start()


def _interrupt(pool: Pool, after: float, way: Callable[[Connection], None]) -> None:
    time.sleep(after)
    while (made := pool.made()) or not pool.closed:
        for connection in made:
            if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
                way(connection)
        time.sleep(_ROUND_SECONDS)


def take_back(connection: Connection) -> None:
    """Have the database take back what is asked on a connection; whoever waits for it meets QueryCanceled."""
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=CUT_SECONDS)


def cut(connection: Connection) -> None:
    """Cut a connection; whoever waits for its answer meets an OperationalError."""
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
        line.shutdown(socket.SHUT_RDWR)
