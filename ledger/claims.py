"""Idempotency keys that a session claims: of those who send one command at the same moment, one decides it.

The short way (`ledger.plain`) claims by the same lock, until its transaction ends. That a key is used only once does
not rest on it: the append says so behind the lock of the head.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from ledger.calls import CallFailed, Statement, together
from ledger.place import Connection
from ledger.receipts import FIND, Kept, kept_of

_LOCK = "hashtextextended(current_schema() || ' ' || $1::text, 0)"
_CLAIM = Statement("claim_key", f"select pg_try_advisory_lock({_LOCK})", 1)
_GIVE_BACK = Statement("give_back_key", f"select pg_advisory_unlock({_LOCK})", 1)


@contextmanager
def claimed(connection: Connection, actor: str, key: str) -> Iterator[tuple[bool, Kept | None]]:
    """Hold an actor's key for this session, and look it up behind that, in one round trip.

    Gives whether the key is held here, and what it recorded: another session may hold it, and the database may take its
    time to notice that a session is lost.
    """
    bound = [f"{actor} {key}".encode()]
    try:
        held, found = together(connection, [(_CLAIM, bound), (FIND, [actor.encode(), key.encode()])])
    except CallFailed as failed:
        connection.close()  # which gives back what was claimed
        raise psycopg.OperationalError(str(failed.cause)) from failed.cause
    if held.get_value(0, 0) != b"\1":
        yield False, kept_of(found)
        return
    try:
        yield True, kept_of(found)
    finally:
        with suppress(psycopg.Error):  # a lost connection has lost its locks as well
            _GIVE_BACK.call(connection, bound)
