"""The short way into the ledger: one plain entry, in parts, right after the last position that its caller knew.

Plain is an entry that says nothing beside who, which request, under which idempotency key and what. The database writes
its bytes from the parts, the same that `codec.encode` gives, which spares it to take them apart; what it judges is in
`append_next`, and why in docs/decisions/0015. The key is claimed, looked up and kept with them: see 0017.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import psycopg

from aggregates.entry import Circumstances, Event, Idempotency
from ledger.calls import Statement, instant, of_actor, of_int4, of_int8
from ledger.codec import plain_body
from ledger.place import Connection

NEXT = Statement("append_next", "select append_next($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", 10)

Plain = Callable[[], list[bytes] | None]
"""Gives what `append_next` asks of one entry beside its position, or None where it is not for that."""


def plain_parts(
    stream: str, version: int, circumstances: Circumstances, event: Event, data: bytes
) -> list[bytes] | None:
    """Return what `append_next` asks of an entry beside its position, or None where it is not for that.

    `data` are the bytes that `codec.encode` gave for it.
    """
    if version == 1:  # no entry before it vouches for the stream
        return None
    body, actor = plain_body(stream, version, circumstances, event, data), of_actor(circumstances.by)
    if body is None or actor is None:
        return None
    name, request, mark = event.stored_name.encode(), circumstances.request.bytes, circumstances.idempotency
    key = (b"", b"") if mark is None else _of_mark(mark)
    return None if key is None else [stream.encode(), of_int4(version), name, *actor, request, body, *key]


def _of_mark(mark: Idempotency) -> tuple[bytes, bytes] | None:
    """Return an idempotency key as a `text` and its fingerprint as a `bytea`; None where that is spelled oddly."""
    try:
        fingerprint = bytes.fromhex(mark.fingerprint)
    except ValueError:
        return None
    return (mark.key.encode(), fingerprint) if mark.key and fingerprint.hex() == mark.fingerprint else None


def append_next(
    connection: Connection, place: int, parts: list[bytes], meanwhile: Callable[[], object] | None
) -> datetime | None:
    """Append one plain entry at this position and return its time, or None where `append` has to look closer.

    Raises what `Statement.call` does.
    """
    try:
        told = NEXT.call(connection, [of_int8(place), *parts], meanwhile).get_value(0, 0)
    except (
        psycopg.errors.UniqueViolation
    ):  # the stream has moved on or the key was used: the other says which
        return None
    return None if told is None else instant(told)
