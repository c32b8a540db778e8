"""What keeps the tables of the projections from being read: somebody holds one, or somebody dropped them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from ledger.errors import Unavailable
from projections.tables import Control

_OURS: Final = r"^(g[0-9]+|projections)_"
_MOST_NAMED: Final = 3


class ProjectionIsHeld(Unavailable):
    """Somebody keeps a table of the answers to themselves for too long; ask again once they are done.

    Nothing is lost, commands are recorded, and what does not need that table goes on. An administrator ends the session
    that holds it, or waits for its end; then the answers follow by themselves.
    """


class ProjectionsAreGone(Unavailable):
    """Tables of the answers are not in the database any more; `strategy-ledger rebuild` makes them anew.

    Nothing of the ledger is lost, for the answers follow from its entries; commands are recorded meanwhile, and what
    does not need those tables goes on.
    """


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that keeps others from a table, or stands before them for it."""

    table: str
    who: str
    is_ours: bool
    """Whether the table is one of the projections."""


def holders(connection: Connection[Any], schema: str) -> list[Holder]:
    """Return who keeps others from tables of this ledger; asks only what nobody can hold."""
    rows = connection.execute(
        "select distinct c.relname, format('%%s (process %%s%%s)', a.usename, a.pid,"
        "                       case when a.application_name <> '' then ', ' || a.application_name else '' end),"
        "       c.relname ~ %s"
        "  from pg_locks as l"
        "  join pg_class as c on c.oid = l.relation and c.relkind = 'r'"
        "  join pg_stat_activity as a on a.pid = l.pid"
        " where l.locktype = 'relation' and l.pid <> pg_backend_pid()"
        "   and l.database = (select oid from pg_database where datname = current_database())"
        "   and c.relnamespace = to_regnamespace(%s)"
        "   and (l.mode = 'AccessExclusiveLock'"
        "        or l.granted and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock'))"
        " order by 1, 2",
        [_OURS, f'"{schema}"'],
    ).fetchall()
    return [Holder(*row) for row in rows]


def held(found: Iterable[Holder]) -> ProjectionIsHeld | None:
    """Return what is said of these sessions; None where they hold other tables than those of the projections.

    Where nobody holds anything (any more) nobody is named.
    """
    found = list(found)
    ours = [one for one in found if one.is_ours]
    if found and not ours:
        return None
    who = _listed(sorted({one.who for one in ours})) or "A session that has just ended"
    tables = _listed(sorted({one.table for one in ours})) or "a table of the answers"
    return ProjectionIsHeld(
        f"{who} holds {tables}, so that answers cannot be read from there. Nothing is lost, commands are recorded, and "
        "what does not need that table goes on. Let an administrator end that session or wait for its end; then all "
        "goes on by itself."
    )


def missing(connection: Connection[Any], control: Control) -> list[str]:
    """Return the tables of the answers that ought to be there and are not; none where the ledger itself is not."""
    prefix = f'"{control.schema}".'
    names = ("head", "projections_generations", "projections_bookmarks")
    row = connection.execute(
        "select to_regclass(%s) is null, to_regclass(%s) is null, to_regclass(%s) is null",
        [prefix + name for name in names],
    ).fetchone()
    assert row is not None  # noqa: S101 (a select of values gives one row)
    if row[0]:
        return []
    gone = [name for name, is_gone in zip(names, row, strict=True) if is_gone]
    if gone:
        return gone
    generation = control.pointer(connection)
    return [] if generation is None else control.missing(connection, generation)


def gone(tables: Sequence[str]) -> ProjectionsAreGone:
    """Return what is said of tables that are not there."""
    is_one = len(tables) == 1
    return ProjectionsAreGone(
        f"{_listed(tables)} {'is' if is_one else 'are'} not in the database any more, from where answers are read. "
        "Nothing of the ledger is lost and commands are recorded; run `strategy-ledger rebuild`, which makes the "
        "answers anew from the entries."
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
