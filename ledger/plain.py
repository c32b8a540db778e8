"""The short way into the ledger: one plain entry, in parts, right after the last position that its caller knew.

Plain is an entry that says nothing beside who, which request and what. The database writes its bytes from the parts,
the same that `codec.encode` gives, which spares it to take them apart; what it judges is in `append_next`, and why in
docs/decisions/0015.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import psycopg

from aggregates.entry import Circumstances, Event
from ledger.calls import Statement, instant, of_actor, of_int4, of_int8
from ledger.codec import plain_body
from ledger.place import Connection

NEXT = Statement("append_next", "select append_next($1, $2, $3, $4, $5, $6, $7, $8)", 8)

Plain = Callable[[], list[bytes] | None]
"""Gives what `append_next` asks of one entry beside its position, or None where it is not for that."""


def plain_parts(
    stream: str, version: int, circumstances: Circumstances, event: Event, data: bytes
) -> list[bytes] | None:
    """Return what `append_next` asks of an entry beside its position, or None where it is not for that.

    `data` are the bytes that `codec.encode` gave for it.
    """
    body, actor = plain_body(stream, version, circumstances, event, data), of_actor(circumstances.by)
    if body is None or actor is None:
        return None
    name, request = event.stored_name.encode(), circumstances.request.bytes
    return [stream.encode(), of_int4(version), name, *actor, request, body]


def append_next(
    connection: Connection, place: int, parts: list[bytes], meanwhile: Callable[[], object] | None
) -> datetime | None:
    """Append one plain entry at this position and return its time, or None where `append` has to look closer.

    Raises what `Statement.call` does.
    """
    try:
        told = NEXT.call(connection, [of_int8(place), *parts], meanwhile).get_value(0, 0)
    except psycopg.errors.UniqueViolation:  # the stream has moved on, and which way is for the other to say
        return None
    return None if told is None else instant(told)
