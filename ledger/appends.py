"""The call of the append function; threads that append at the same moment share one call and one flush to disk."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

import psycopg
from psycopg.pq.abc import PGresult

from aggregates.frozen import dataclass
from aggregates.refusals import Refusal
from ledger.calls import (
    Statement,
    bytea_array,
    instant,
    int4_array,
    int8,
    of_int8,
    text,
    text_array,
    two_numbers_and_instant,
)
from ledger.errors import LedgerIsBusy, refusal_for, refusal_of
from ledger.limits import BYTES_PER_APPEND, EVENTS_PER_APPEND, READS_PER_APPEND
from ledger.place import Connection
from ledger.plain import Plain, append_next

_ONE = Statement("append", "select append($1, $2, $3, $4)", 4)
_EACH = Statement(
    "append_each",
    "select first_position, last_position, recorded_at, state, message, detail, broken"
    "  from append_each($1, $2, $3, $4, $5)",
    5,
)
TOGETHER = 32
"""Appends that share one call."""
AHEAD = 100_000
"""Bytes that are sent ahead for who calls next: no more than are taken in without waiting."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What the database answered to an append: its first and last position and the time of the last."""

    first_position: int
    position: int
    recorded_at: datetime


class NotAtOnce(Exception):
    """What may only go the short way found it closed: nothing was recorded."""


class _Ticket:
    """One append on its way: its thread waits at the gate until there is an answer, or until it is its turn to call.

    `taken` are those that it is to call for, itself the first, where that was settled for it; `sent` is what the
    database was asked for them on its connection, where it was asked already.
    """

    __slots__ = (
        "answer", "at_once", "calls", "connection", "data", "gate", "keys", "known", "plain", "reads", "sent", "taken",
        "writes",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        data: list[bytes],
        writes: Collection[str],
        reads: Mapping[str, int],
        keys: Collection[tuple[str, str]],
        known: int | None = None,
    ) -> None:
        self.connection = connection
        self.data = data
        self.writes = writes
        self.reads = reads
        self.keys = keys
        self.known = known
        self.plain: Plain | None = None
        self.at_once = False
        self.answer: Appended | Exception | None = None
        self.calls = False
        self.taken: list[_Ticket] | None = None
        self.sent: list[bytes] | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class Appends:
    """The appends of one process to one ledger.

    One thread calls at a time, and takes the entries of everybody along who came before it began; who came meanwhile
    waits, and the first of them calls next. Each append is taken or refused for itself, in a transaction of the
    database that they share. Who has an answer sends what the next one calls for before anybody goes on, so that the
    database need not wait for Python. `meanwhile` is done in each call while the database is at it.
    """

    def __init__(self, meanwhile: Callable[[], object] | None = None) -> None:
        self.meanwhile = meanwhile
        self._waiting: deque[_Ticket] = deque()
        self._guard = threading.Lock()
        self._calling = False
        self._last = 0
        self._level = True
        """Whether the last append found the ledger as this process knew it: nobody else seems to write."""

    @property
    def is_alone(self) -> bool:
        """Whether who appends now is likely to go the short way: nobody else of this or another process writes."""
        return self._level and self._last < 2 and not self._calling

    def append(
        self,
        connection: Connection,
        data: list[bytes],
        writes: Collection[str],
        reads: Mapping[str, int],
        keys: Collection[tuple[str, str]] = (),
        known: int | None = None,
        plain: Plain | None = None,
        *,
        at_once: bool = False,
    ) -> Appended:
        """Append entries of the streams in `writes`; `reads` maps streams to the versions at which they were read.

        `keys` are the idempotency keys in these entries, each with its actor; `known` is a position up to which all
        that was read had followed the ledger; `plain` gives the parts of one plain entry, and is for who writes alone;
        with `at_once` nothing else is done, and NotAtOnce raised where it does not do.
        Raises the refusals of the function, psycopg.OperationalError where the connection was lost.
        """
        ticket = _Ticket(connection, data, writes, reads, keys, known)
        try:
            with self._guard:
                if at_once and not (plain and self.is_alone):
                    raise NotAtOnce
                self._waiting.append(ticket)
                ticket.calls = not self._calling
                self._calling = True
                if at_once:  # by itself, whoever comes before it calls
                    ticket.at_once = True
                    self._take(ticket)
            if ticket.calls and self._level and self._last < 2:
                ticket.plain = plain
            if not ticket.calls:
                ticket.gate.acquire()
            if ticket.answer is None:
                self._call(ticket)
        except BaseException:  # a thread that is interrupted keeps nobody waiting
            self._leave(ticket)
            raise
        finally:
            ticket.taken = None  # itself among them: its entries would stay until the collector comes
        if isinstance(ticket.answer, Appended):
            self._level = known is None or ticket.answer.first_position == known + 1
            ticket.taken = None  # which holds the ticket itself: a circle would wait for the collector
            return ticket.answer
        if isinstance(ticket.answer, NotAtOnce):  # what closed the short way is likely to be there still
            self._level = False
            raise NotAtOnce
        raise ticket.answer or AssertionError("an append has an answer")

    def _call(self, ticket: _Ticket) -> None:
        """Append what waits, the own ticket first, and let the others go: with their answers, or to call next."""
        if ticket.taken is None:
            with self._guard:
                self._take(ticket)
        try:
            _call(ticket.taken or [ticket], self.meanwhile)
        finally:
            self._go_on(ticket)

    def _go_on(self, ticket: _Ticket) -> None:
        """Let the others go: one of them to call next, which comes first, as the database shall not wait for them.

        Who is interrupted here begins again, and finds what is done already.
        """
        try:
            self._hand_over(ticket)
        finally:
            _let_go((ticket.taken or [])[1:])

    def _hand_over(self, ticket: _Ticket) -> None:
        """Let the first who waits call next, and send what it will call for."""
        with self._guard:
            if not ticket.calls:
                return
            if not self._waiting:
                ticket.calls = self._calling = False
                return
            following = self._waiting[0]
            try:
                self._take(following)
                following.sent = _sent(following.taken or [])
            finally:
                if following.taken is not None:
                    following.calls, ticket.calls = True, False
                    following.gate.release()

    def _leave(self, ticket: _Ticket) -> None:
        """Take back what no call has taken along yet, and the turn to call, with what was to be called for."""
        with self._guard, suppress(ValueError):
            self._waiting.remove(ticket)
        if ticket.sent is not None:  # nobody reads the answer any more
            ticket.connection.close()
        self._go_on(ticket)

    def _take(self, ticket: _Ticket) -> None:
        """Take as many tickets as fit into one call, this first one first, in their order; the guard is held.

        Of those who write it is half: while the database has their entries, the others decide.
        """
        most = min(TOGETHER, (len(self._waiting) + self._last + 1) // 2)
        taken = [ticket]
        size = sum(map(len, ticket.data))
        for one in islice(self._waiting, 1, most):
            size += sum(map(len, one.data))
            if size > BYTES_PER_APPEND:
                break
            taken.append(one)
        number = len(taken)
        rest = deque(islice(self._waiting, number, None))
        ticket.taken, self._waiting, self._last = taken, rest, number  # in one step, whoever is interrupted


def _let_go(tickets: list[_Ticket]) -> None:
    """Let the threads of these tickets go on; what has no answer was broken off."""
    for ticket in tickets:
        if ticket.answer is None:
            ticket.answer = psycopg.OperationalError("The append was broken off.")
        with suppress(RuntimeError):  # it was let go before
            ticket.gate.release()


def append(
    connection: Connection,
    data: list[bytes],
    reads: Mapping[str, int],
    known: int | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Appended:
    """Call the database's function once; its refusals come back as ours."""
    try:
        return _appended(_ONE.call(connection, _values(data, reads, known), meanwhile))
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def _values(data: list[bytes], reads: Mapping[str, int], known: int | None) -> list[bytes]:
    return [
        bytea_array(data),
        text_array(reads),
        int4_array(reads.values()),
        of_int8(-1 if known is None or len(reads) > READS_PER_APPEND else known),
    ]


def _appended(answer: PGresult) -> Appended:
    last, first, recorded_at = two_numbers_and_instant(answer.get_value(0, 0))
    return Appended(first, last, recorded_at)


def _sent(tickets: list[_Ticket]) -> list[bytes] | None:
    """Send what these tickets hold as if it were one append, and return it; None where that waits for its call."""
    if sum(len(one) for ticket in tickets for one in ticket.data) > AHEAD:
        return None
    try:
        reads = _together(tickets)
        if reads is None:
            return None
        known = tickets[0].known if len(tickets) == 1 else None
        values = _values([one for ticket in tickets for one in ticket.data], reads, known)
        return values if _ONE.send(tickets[0].connection, values) else None
    except Exception:  # noqa: BLE001 (the call will meet it too, and say so to those whose it is)
        return None


def _call(tickets: list[_Ticket], meanwhile: Callable[[], object] | None) -> None:
    """Append what these tickets hold and write the answer on each."""
    try:
        if not _append_as_one(tickets, meanwhile):
            _append_each(tickets[0].connection, tickets)
    except Exception as raised:  # noqa: BLE001 (whatever it is, it is the answer of everybody in this call)
        error = (refusal_of(raised) or raised) if isinstance(raised, psycopg.Error) else raised
        tickets[0].answer = error
        for ticket in tickets[1:]:
            ticket.answer = type(error)(*error.args) if isinstance(error, psycopg.Error) else error


def _append_as_one(tickets: list[_Ticket], meanwhile: Callable[[], object] | None) -> bool:
    """Append what these tickets hold as if it were one append; return False where each has to be asked for itself."""
    first_of_them, is_alone = tickets[0], len(tickets) == 1
    sent, first_of_them.sent = first_of_them.sent, None
    try:
        if is_alone and sent is None and _append_next(first_of_them, meanwhile):
            return True
        if first_of_them.at_once:
            first_of_them.answer = NotAtOnce()
            return True
        if sent is not None:
            whole = _appended(_ONE.answer(first_of_them.connection, sent, meanwhile))
        else:
            reads = first_of_them.reads if is_alone else _together(tickets)
            if reads is None:
                return False
            data = [one for ticket in tickets for one in ticket.data]
            known = first_of_them.known if is_alone else None
            whole = append(first_of_them.connection, data, reads, known, meanwhile)
    except (psycopg.Error, Refusal) as error:
        refusal = refusal_of(error) if isinstance(error, psycopg.Error) else error
        if is_alone or refusal is None or isinstance(refusal, LedgerIsBusy):
            raise
        return False
    first = whole.first_position
    for ticket in tickets:
        last = first + len(ticket.data) - 1
        recorded_at = whole.recorded_at - timedelta(microseconds=whole.position - last)
        ticket.answer = Appended(first, last, recorded_at)
        first = last + 1
    return True


def _append_next(ticket: _Ticket, meanwhile: Callable[[], object] | None) -> bool:
    """Append one plain entry right after what its caller knew; return False where `append` has to look closer."""
    parts = None if ticket.plain is None else ticket.plain()
    if parts is None or ticket.known is None:
        return False
    place = ticket.known + 1
    at = append_next(ticket.connection, place, parts, meanwhile)
    if at is None:
        return False
    ticket.answer = Appended(place, place, at)
    return True


def _together(tickets: list[_Ticket]) -> dict[str, int] | None:
    """Return what these tickets read, or None where one of them has to see what another of them writes.

    Entries with one key that follow one another are one command to the function, so no two tickets share a key.
    """
    reads: dict[str, int] = {}
    written: set[str] = set()
    keys: set[tuple[str, str]] = set()
    for ticket in tickets:
        if not written.isdisjoint(ticket.reads) or not written.isdisjoint(ticket.writes):
            return None
        if not keys.isdisjoint(ticket.keys):
            return None
        keys.update(ticket.keys)
        for stream, version in ticket.reads.items():
            if reads.setdefault(stream, version) != version:
                return None
        written.update(ticket.writes)
    if sum(len(ticket.data) for ticket in tickets) > EVENTS_PER_APPEND or len(reads) > READS_PER_APPEND:
        return None
    return reads


def _append_each(connection: Connection, tickets: list[_Ticket]) -> None:
    answer = _EACH.call(
        connection,
        [
            bytea_array([data for ticket in tickets for data in ticket.data]),
            int4_array([len(ticket.data) for ticket in tickets]),
            text_array([stream for ticket in tickets for stream in ticket.reads]),
            int4_array([version for ticket in tickets for version in ticket.reads.values()]),
            int4_array([len(ticket.reads) for ticket in tickets]),
        ],
    )
    for row, ticket in enumerate(tickets):
        first, last, recorded_at, *refused = (answer.get_value(row, column) for column in range(7))
        state, message, detail, broken = map(text, refused)
        if state is None:
            ticket.answer = Appended(int8(first), int8(last), instant(recorded_at))
        else:
            refusal = refusal_for(state, message or "", detail or "", broken or "")
            ticket.answer = refusal or _error_of(state)(message or "")


def _error_of(state: str) -> type[psycopg.Error]:
    try:
        return psycopg.errors.lookup(state)
    except KeyError:  # of a server that is younger than the list
        return psycopg.DatabaseError
