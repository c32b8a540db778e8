"""Calls of the append functions in libpq's own terms: a statement prepared once a connection, bytes in, bytes out.

A command is one such call, and psycopg's cursors would cost it more than the database does: they look at every value
to choose its type, and wait in Python. What is sent here has known types, and libpq waits by itself, without holding
up other threads. Arrays and rows are in PostgreSQL's binary format (send and receive functions of `array`, `record`).
"""

from __future__ import annotations

import hashlib
import select
import struct
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from ledger.place import Connection

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEAD = struct.Struct("!iiiii")
_NONE = struct.Struct("!iii")
_HEAD_AND_LENGTH = struct.Struct("!iiiiii")
_LENGTH = struct.Struct("!i")
_BIG = struct.Struct("!q")
_RECORD = struct.Struct("!iiiqiiqiiq")
_BYTEA, _TEXT, _INT4 = 17, 25, 23
_POLLS = hasattr(select, "poll")
_MICROSECOND = timedelta(microseconds=1)
_FORGOTTEN = "26000"
"""The SQLSTATE of a statement that is not prepared (any longer): nothing was carried out."""


class Statement:
    """A statement whose parameters are all sent in binary and whose rows come back in binary."""

    def __init__(self, name: str, query: str, parameters: int) -> None:
        self._name = name.encode()
        self._query = query.encode()
        self._formats = [1] * parameters
        self._prepared: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()

    def call(
        self,
        connection: Connection,
        values: Sequence[bytes],
        meanwhile: Callable[[], object] | None = None,
    ) -> PGresult:
        """Carry the statement out and return its rows; `meanwhile` is done once, while the database is at it.

        Raises psycopg's error of what the database said, psycopg.OperationalError where the connection was lost, or
        where somebody who was interrupted left an answer on it: libpq would drop that one unread.
        """
        if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            connection.close()
            raise psycopg.OperationalError("The answer to an earlier call was still to come.")
        if connection not in self._prepared:
            self._prepare(connection)
        try:
            return self._carried_out(connection, values, meanwhile)
        except psycopg.Error as error:
            if error.sqlstate != _FORGOTTEN:
                raise
        self._prepare(connection)
        return self._carried_out(connection, values, None)

    def _carried_out(
        self, connection: Connection, values: Sequence[bytes], meanwhile: Callable[[], object] | None
    ) -> PGresult:
        if meanwhile is None or not _POLLS:
            result = connection.pgconn.exec_prepared(self._name, values, self._formats, 1)
        else:
            result = self._answered(connection, values, meanwhile)
        return _checked(connection, result, ExecStatus.TUPLES_OK)

    def send(self, connection: Connection, values: Sequence[bytes]) -> bool:
        """Send the statement without waiting for its answer, which is `answer`; return whether that is possible."""
        if connection not in self._prepared or not _POLLS:
            return False
        connection.pgconn.send_query_prepared(self._name, values, self._formats, result_format=1)
        return True

    def taken(self, connection: Connection, arrived: list[PGresult]) -> PGresult | None:
        """Return the rows of the statement that was sent once they are there, else None; never waits.

        `arrived` keeps what came so far, and is empty for a statement that was just sent. Raises psycopg's error of
        what the database said, psycopg.OperationalError where the connection was lost.
        """
        wire = connection.pgconn
        wire.consume_input()
        while not wire.is_busy():
            told = wire.get_result()
            if told is not None:
                arrived.append(told)
            elif arrived:
                return _checked(connection, arrived[-1], ExecStatus.TUPLES_OK)
            else:
                raise psycopg.OperationalError("The database gave no answer.")
        return None

    def answer(
        self,
        connection: Connection,
        values: Sequence[bytes],
        meanwhile: Callable[[], object] | None,
    ) -> PGresult:
        """Return the rows of the statement that was sent with these values. Raises what `call` does."""
        try:
            return _checked(connection, self._awaited(connection, meanwhile or int), ExecStatus.TUPLES_OK)
        except psycopg.Error as error:
            if error.sqlstate != _FORGOTTEN:
                raise
        self._prepare(connection)
        return self._carried_out(connection, values, None)

    def _answered(
        self, connection: Connection, values: Sequence[bytes], meanwhile: Callable[[], object]
    ) -> PGresult:
        """Send the statement, do something else, and return what the database answered."""
        connection.pgconn.send_query_prepared(self._name, values, self._formats, result_format=1)
        return self._awaited(connection, meanwhile)

    def _awaited(self, connection: Connection, meanwhile: Callable[[], object]) -> PGresult:
        """Do something else, then wait for the answer to what was sent."""
        wire, result = connection.pgconn, None
        try:
            meanwhile()
            ready = select.poll()
            ready.register(wire.socket, select.POLLIN)
            while wire.flush():  # the rest of what was too much to be sent at once
                ready.modify(wire.socket, select.POLLIN | select.POLLOUT)
                ready.poll()
                wire.consume_input()
                ready.modify(wire.socket, select.POLLIN)
            while True:
                while wire.is_busy():  # else `get_result` would wait, and hold up every other thread
                    ready.poll()
                    wire.consume_input()
                told = wire.get_result()
                if told is None:
                    break
                result = told
        except psycopg.Error:
            raise
        except BaseException:  # nobody reads the answer any more
            connection.close()
            raise
        if result is None:
            raise psycopg.OperationalError("The database gave no answer.")
        return result

    def ready(self, connection: Connection) -> None:
        """Have the statement prepared on this connection. Raises psycopg.Error."""
        if connection not in self._prepared:
            self._prepare(connection)

    def put(self, connection: Connection, values: Sequence[bytes | None]) -> None:
        """Send the statement, which is ready, as one of many."""
        connection.pgconn.send_query_prepared(self._name, values, self._formats, result_format=1)

    def _prepare(self, connection: Connection) -> None:
        result = connection.pgconn.prepare(self._name, self._query)
        with suppress(psycopg.errors.DuplicatePreparedStatement):
            _checked(connection, result, ExecStatus.COMMAND_OK)
        self._prepared[connection] = True


Asked = tuple[Statement, Sequence[bytes | None]]
"""A statement and its values."""


class CallFailed(Exception):
    """One of several statements failed, and nothing after it was carried out: which, and what the database said."""

    def __init__(self, place: int, cause: psycopg.Error) -> None:
        super().__init__(place, cause)
        self.place = place
        self.cause = cause


def together(connection: Connection, asked: Sequence[Asked]) -> list[PGresult]:
    """Send several statements at once and return what each was answered: one round trip, one wait.

    Where one is not prepared any longer, the connection is closed. Raises CallFailed, also for one that cannot be
    prepared, and psycopg.OperationalError where the connection was lost.
    """
    for place, (one, _) in enumerate(asked):
        try:
            one.ready(connection)
        except psycopg.Error as error:
            raise CallFailed(place, error) from error
    wire = connection.pgconn
    wire.enter_pipeline_mode()
    try:
        for one, values in asked:
            one.put(connection, values)
        wire.pipeline_sync()
        results = _gathered(wire, len(asked))
        wire.exit_pipeline_mode()
    except psycopg.Error:
        raise
    except BaseException:  # nobody reads the answers any more
        connection.close()
        raise
    for place, result in enumerate(results):
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            try:
                _checked(connection, result, ExecStatus.TUPLES_OK)
            except psycopg.Error as error:
                if (
                    error.sqlstate == _FORGOTTEN
                ):  # what else is, cannot be asked: another connection knows nothing yet
                    connection.close()
                raise CallFailed(place, error) from error
    return results


def roll_back(connection: Connection) -> None:
    """End a transaction that failed. psycopg's own way would have everything forgotten that is prepared."""
    if not connection.closed:
        connection.pgconn.exec_(b"rollback")


def _gathered(wire: PGconn, number: int) -> list[PGresult]:
    """Return the answers to so many statements, as they come; raises psycopg.OperationalError."""
    while wire.flush():  # the rest of what was too much to be sent at once
        _wait(wire.socket, writes=True)
        wire.consume_input()
    results: list[PGresult] = []
    while True:
        while wire.is_busy():
            _wait(wire.socket)
            wire.consume_input()
        told = wire.get_result()
        if told is None:  # between the answers of two statements
            if wire.status == ConnStatus.BAD:
                raise psycopg.OperationalError("The connection was lost.")
            continue
        if told.status == ExecStatus.PIPELINE_SYNC:
            break
        results.append(told)
    if len(results) != number:
        raise psycopg.OperationalError("The database gave no answer.")
    return results


def _wait(socket: int, *, writes: bool = False) -> None:
    """Wait until a socket can be read from, or written to as well where that is asked for."""
    if not _POLLS:
        select.select([socket], [socket] if writes else [], [])
        return
    ready = select.poll()
    ready.register(socket, select.POLLIN | select.POLLOUT if writes else select.POLLIN)
    ready.poll()


@lru_cache(maxsize=1_024)
def statement(query: str, parameters: int) -> Statement:
    """Return the statement of a text, one for all who ask it: within a transaction none may be prepared twice."""
    return Statement(hashlib.sha256(query.encode()).hexdigest()[:24], query, parameters)


def _checked(connection: Connection, result: PGresult, wanted: ExecStatus) -> PGresult:
    if result.status == wanted:
        return result
    error = error_from_result(result)
    if connection.pgconn.status == ConnStatus.BAD and not isinstance(error, psycopg.OperationalError):
        raise psycopg.OperationalError(str(error)) from error
    raise error


def bytea_array(items: Sequence[bytes]) -> bytes:
    """Return a `bytea[]`."""
    if len(items) == 1:  # far the most frequent
        return _HEAD_AND_LENGTH.pack(1, 0, _BYTEA, 1, 1, len(items[0])) + items[0]
    if not items:
        return _NONE.pack(0, 0, _BYTEA)
    parts = [_HEAD.pack(1, 0, _BYTEA, len(items), 1)]
    for item in items:
        parts += (_LENGTH.pack(len(item)), item)
    return b"".join(parts)


def text_array(items: Collection[str]) -> bytes:
    """Return a `text[]`."""
    if not items:
        return _NONE.pack(0, 0, _TEXT)
    return _HEAD.pack(1, 0, _TEXT, len(items), 1) + b"".join(map(_text_item, items))


def new_text_array(items: Collection[str]) -> bytes:
    """Return a `text[]` of texts that are hardly ever sent again."""
    if not items:
        return _NONE.pack(0, 0, _TEXT)
    parts = [_HEAD.pack(1, 0, _TEXT, len(items), 1)]
    for item in items:
        encoded = item.encode()
        parts += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(parts)


@lru_cache(maxsize=10_000)  # commands look at the same few streams again and again
def _text_item(item: str) -> bytes:
    encoded = item.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def int4_array(items: Collection[int]) -> bytes:
    """Return an `int4[]`."""
    if not items:
        return _NONE.pack(0, 0, _INT4)
    told = [4] * (2 * len(items))
    told[1::2] = items
    return struct.pack(f"!5i{len(told)}i", 1, 0, _INT4, len(items), 1, *told)


def of_int4(number: int) -> bytes:
    """Return an `integer`."""
    return _LENGTH.pack(number)


def of_instant(moment: datetime) -> bytes:
    """Return a `timestamptz`."""
    return _BIG.pack((moment - _EPOCH) // _MICROSECOND)


def of_int8(number: int) -> bytes:
    """Return a `bigint`."""
    return _BIG.pack(number)


def int8(told: bytes | None) -> int:
    """Return the number of a `bigint`."""
    number: int = _BIG.unpack(told or b"")[0]
    return number


def int4(told: bytes | None) -> int:
    """Return the number of an `integer`."""
    number: int = _LENGTH.unpack(told or b"")[0]
    return number


def instant(told: bytes | None) -> datetime:
    """Return the instant of a `timestamptz`."""
    return _EPOCH + timedelta(microseconds=int8(told))


@lru_cache(maxsize=10_000)
def of_actor(actor: str) -> tuple[bytes, bytes] | None:
    """Return an actor as a `boolean`, whether it is a person, and a `uuid`; None where it is spelled in another way."""
    kind, _, identifier = actor.partition(":")
    try:
        told = UUID(identifier)
    except ValueError:
        return None
    if kind not in ("person", "service") or str(told) != identifier:
        return None
    return b"\1" if kind == "person" else b"\0", told.bytes


def two_numbers_and_instant(told: bytes | None) -> tuple[int, int, datetime]:
    """Return the two numbers and the instant of a record `(bigint, bigint, timestamptz)`."""
    _, _, _, one, _, _, other, _, _, at = _RECORD.unpack(told or b"")
    return one, other, _EPOCH + timedelta(microseconds=at)


def text(told: bytes | None) -> str | None:
    """Return a `text`, or None for a null."""
    return None if told is None else told.decode()
