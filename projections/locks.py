"""The locks that the programs of a ledger take in turns, waited for so long and no longer; whoever holds one is named.

They are PostgreSQL's advisory locks, which every login of the database may take, one that only reads as well: a tool
that holds one keeps the answers from following, or from being read. That cannot be forbidden, so it is said.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors

from ledger.errors import LedgerIsBusy
from ledger.limits import LOCK_SECONDS

HELD_MS = 10_000
"""Milliseconds that a lock is waited for where its caller sets no bound of its own."""
_NO_BOUND = ("0", f"{LOCK_SECONDS}s")
"""How long a session waits for any lock of which nobody said more: for ever, or as every session of the application."""


def take(connection: Connection[Any], key: str, *, shared: bool = False) -> None:
    """Hold a lock until the transaction ends.

    Raises LedgerIsBusy with who holds it, or the driver's LockNotAvailable where the caller bounded the wait.
    """
    way = "_shared" if shared else ""
    got = connection.execute(
        f"select pg_try_advisory_xact_lock{way}(hashtextextended(%s, 0)),"
        "       current_setting('lock_timeout')".encode(),
        [key],
    ).fetchone()
    if got is None or got[0]:
        return
    is_ours = got[1] in _NO_BOUND
    try:
        with connection.transaction():
            if is_ours:
                connection.execute("select set_config('lock_timeout', %s, true)", [f"{HELD_MS}ms"])
            connection.execute(f"select pg_advisory_xact_lock{way}(hashtextextended(%s, 0))".encode(), [key])
            if is_ours:
                connection.execute("select set_config('lock_timeout', %s, true)", [got[1]])
    except errors.LockNotAvailable as error:
        if not is_ours:
            raise
        raise LedgerIsBusy(sentence(connection, key)) from error


def sentence(connection: Connection[Any], key: str) -> str:
    """Return who holds a lock, and what to do about it."""
    found = connection.execute(
        "select distinct format('%%s (process %%s%%s)', a.usename, a.pid,"
        "                       case when a.application_name <> '' then ', ' || a.application_name else '' end)"
        "  from pg_locks as l"
        "  join pg_stat_activity as a on a.pid = l.pid"
        " where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and l.pid <> pg_backend_pid()"
        "   and l.database = (select oid from pg_database where datname = current_database())"
        "   and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(%s, 0)",
        [key],
    ).fetchall()
    who = ", ".join(name for (name,) in found) or "A session that has just ended"
    return (
        f"{who} holds a lock that the programs of this ledger take in turns, for more than {HELD_MS // 1_000} seconds. "
        "If it is none of them, let an administrator end that session and point that tool at a copy of the database."
    )
