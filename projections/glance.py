"""The look at where everything stands, sent and taken without waiting: for whoever must not wait, an event loop."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection, OperationalError
from psycopg.pq.abc import PGresult

from ledger.calls import Statement, instant, int8, text
from projections.base import Generation
from projections.bookmarks import Bookmarks, Standing

_BETWEEN: Final = ","
HELD_SECONDS: Final = 1
"""How long a look waits for whoever holds a table; who looks after it waits longer, and says who it is."""


class Glance:
    """One connection on which nothing is asked but where everything stands; it belongs to one thread at a time.

    `send`, then `take` whenever something can be read from `fileno`, until there is an answer. After an error, or
    where nobody waits for the answer any more, it is of no use and has to be closed.
    """

    def __init__(self, connection: Connection[Any], bookmarks: Bookmarks) -> None:
        """Take a connection and prepare the question on it. Raises psycopg.Error."""
        self._connection = connection
        self._question = Statement("glance", bookmarks.glance.decode(), 0)
        self._told: tuple[bytes | None, bytes | None] = (None, None)
        self._positions: dict[str, int] = {}
        self._generation: Generation | None = None
        self._schema = bookmarks.schema
        self._arrived: list[PGresult] = []
        connection.execute(f"set lock_timeout = '{HELD_SECONDS}s'".encode())
        self._question.call(connection, [])
        self._socket = connection.pgconn.socket
        """Remembered: a connection that is lost has none any more."""

    def fileno(self) -> int:
        """Return the number of the socket."""
        return self._socket

    def send(self) -> None:
        """Ask. Raises psycopg.Error."""
        self._arrived = []
        if not self._question.send(self._connection, []):
            raise OperationalError("Here nothing can be sent without waiting.")
        if self._connection.pgconn.flush():  # a question of a hundred bytes that the kernel does not take
            raise OperationalError("The connection takes nothing.")

    def take(self) -> tuple[Standing | None] | None:
        """Return what stands, None within it where no generation is read; None while the answer is on its way.

        Raises psycopg.Error.
        """
        rows = self._question.taken(self._connection, self._arrived)
        if rows is None:
            return None
        if rows.ntuples != 1:
            return (None,)
        told = rows.get_value(0, 2), rows.get_value(0, 3)
        if told != self._told or self._generation is None:
            self._generation = Generation(self._schema, int8(told[0]))
            marks = (mark.rpartition(" ") for mark in (text(told[1]) or "").split(_BETWEEN))
            self._positions = {name: int(position) for name, _, position in marks}
            self._told = told
        head, now = int8(rows.get_value(0, 0)), instant(rows.get_value(0, 1))
        return (Standing(self._generation, self._positions, head, now),)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
