"""The call of the append function; threads that append at the same moment share one call and one flush to disk."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ledger.errors import refusal_for, refusal_of
from ledger.limits import BYTES_PER_APPEND
from ledger.place import Connection

TOGETHER = 32
"""Appends that share one call."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What the database answered to an append: its first and last position and the time of the last."""

    first_position: int
    position: int
    recorded_at: datetime


@dataclass(slots=True, eq=False)
class _Ticket:
    data: list[bytes]
    reads: Mapping[str, int]
    answer: Appended | Exception | None = None


class Appends:
    """The appends of one process to one ledger.

    Whoever comes while a call is under way waits for its end; the first who wakes takes everybody's entries along.
    Each append is taken or refused for itself, in a transaction of the database that they share.
    """

    def __init__(self) -> None:
        self._waiting: list[_Ticket] = []
        self._guard = threading.Lock()
        self._calling = threading.Lock()

    def append(self, connection: Connection, data: list[bytes], reads: Mapping[str, int]) -> Appended:
        """Append entries; `reads` maps streams to the versions at which they were read.

        Raises the refusals of the function, psycopg.OperationalError where the connection was lost.
        """
        ticket = _Ticket(data, reads)
        with self._guard:
            self._waiting.append(ticket)
        with self._calling:
            if ticket.answer is None:
                _call(connection, self._take(ticket))
        if isinstance(ticket.answer, Appended):
            return ticket.answer
        raise ticket.answer or AssertionError("an append has an answer")

    def _take(self, own: _Ticket) -> list[_Ticket]:
        """Return the own ticket and as many others as fit into one call, in the order in which they came."""
        with self._guard:
            self._waiting.remove(own)
            taken, size = [own], sum(map(len, own.data))
            while self._waiting and len(taken) < TOGETHER:
                size += sum(map(len, self._waiting[0].data))
                if size > BYTES_PER_APPEND:
                    break
                taken.append(self._waiting.pop(0))
            return taken


def append(connection: Connection, data: list[bytes], reads: Mapping[str, int]) -> Appended:
    """Call the database's function once; its refusals come back as ours."""
    try:
        row = connection.execute(
            "select first_position, last_position, recorded_at from append(%b::bytea[], %b::text[], %b::int4[])",
            [data, list(reads), list(reads.values())],
            binary=True,
            prepare=True,
        ).fetchone()
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    assert row is not None  # noqa: S101 (a function with out arguments answers one row)
    return Appended(*row)


def _call(connection: Connection, tickets: list[_Ticket]) -> None:
    """Append what these tickets hold and write the answer on each."""
    try:
        if len(tickets) == 1:
            tickets[0].answer = append(connection, tickets[0].data, tickets[0].reads)
        else:
            _append_each(connection, tickets)
    except Exception as raised:  # noqa: BLE001 (whatever it is, it is the answer of everybody in this call)
        error = (refusal_of(raised) or raised) if isinstance(raised, psycopg.Error) else raised
        tickets[0].answer = error
        for ticket in tickets[1:]:
            ticket.answer = type(error)(*error.args) if isinstance(error, psycopg.Error) else error


def _append_each(connection: Connection, tickets: list[_Ticket]) -> None:
    rows = connection.execute(
        "select first_position, last_position, recorded_at, state, message, detail, broken"
        "  from append_each(%b::bytea[], %b::int4[], %b::text[], %b::int4[], %b::int4[])",
        [
            [data for ticket in tickets for data in ticket.data],
            [len(ticket.data) for ticket in tickets],
            [stream for ticket in tickets for stream in ticket.reads],
            [version for ticket in tickets for version in ticket.reads.values()],
            [len(ticket.reads) for ticket in tickets],
        ],
        binary=True,
        prepare=True,
    ).fetchall()
    for ticket, (first, last, recorded_at, state, message, detail, broken) in zip(tickets, rows, strict=True):
        if state is None:
            ticket.answer = Appended(first, last, recorded_at)
        else:
            refusal = refusal_for(state, message, detail, broken)
            ticket.answer = refusal or psycopg.errors.lookup(state)(message)
