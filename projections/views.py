"""What plain SQL may read: views for tools that know no HTTP, stable while the tables behind them move.

They show the present state, as far as the projections are, of what is visible to everyone; what is not, is counted in
`v1_private`. A server makes them when it starts; they follow in the transaction that moves the pointer.
Their columns are a contract: within `v1_` a column is only ever added, at the end.
"""

from __future__ import annotations

import hashlib
from functools import cache
from string import Formatter
from typing import Any, LiteralString

from psycopg import Connection, errors, sql

from projections.base import Generation
from projections.tables import Control
from projections.view_items import (
    BASIS,
    CHECK_INS,
    CYCLES,
    KEY_RESULTS,
    OBJECTIVES_VIEW,
    PRIVATE,
    VALUES,
)
from projections.view_parts import FRAGMENTS, View
from projections.view_records import (
    CHANGES,
    COMMITMENTS,
    COMMITTED_KEY_RESULTS,
    DECISIONS,
    DIRECTORY,
    ENTRIES,
    FINDINGS,
    PEOPLE,
    TEAMS,
)

VIEWS: tuple[View, ...] = (
    BASIS, CYCLES, OBJECTIVES_VIEW, KEY_RESULTS, VALUES, CHECK_INS, COMMITMENTS, COMMITTED_KEY_RESULTS, CHANGES,
    DECISIONS, FINDINGS, PEOPLE, TEAMS, ENTRIES, PRIVATE, DIRECTORY,
)  # fmt: skip
"""Every view, in the order of the documentation."""

VERSION = 1
"""Raised with every change of the views, so that an older program leaves those of a newer one as they are."""
NEEDS = frozenset({"facts", "board", "commitments", "drift", "decisions", "findings"})
PATIENCE_MS = 300
"""How long a move of the pointer waits for somebody who reads a view; meanwhile new readers wait behind it."""
_BESIDE = frozenset({"entries", "head", "people"})
_CONTROL = frozenset({"bookmarks"})


class ViewsAreNewer(Exception):
    """The views for plain SQL were made by a later release; rebuild with that one."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def reader_role(schema: str) -> str:
    """Return the role that may read the views and do nothing else; migrations make it where roles may be made."""
    return f"{schema}_reader"


def ensure(connection: Connection[Any], control: Control, generation: Generation) -> None:
    """Make the views where they are not there, or of an earlier release, or of another generation.

    Views of a later release stay. Where somebody reads one of them just now, the next start tries again.
    """
    if not _wanted(control):
        return
    marker = _marker(connection, generation)
    found = _found(connection, generation.schema)
    if found == marker or _version(found) > VERSION:
        return
    try:
        with connection.transaction():
            control.lock(connection, "views")
            present = control.pointer(connection)
            if present is not None:
                _make(connection, present)
    except errors.LockNotAvailable:
        return


def follow(connection: Connection[Any], control: Control, generation: Generation) -> None:
    """Let the views show this generation, where they are there; the caller moves the pointer in this transaction.

    Raises ViewsAreNewer, and the driver's LockNotAvailable while somebody reads one of them.
    """
    version = _version(_found(connection, generation.schema))
    if version > VERSION:
        raise ViewsAreNewer
    if not version and not _some_are_there(connection, generation.schema):
        return
    control.lock(connection, "views")
    _make(connection, generation)


def _some_are_there(connection: Connection[Any], schema: str) -> bool:
    """Return whether any of the views is there, also where the one that tells their version is not."""
    row = connection.execute(
        "select exists (select from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'v'"
        " and relname = any (%s))",
        [f'"{schema}"', [view.name for view in VIEWS]],
    ).fetchone()
    return bool(row and row[0])


def _wanted(control: Control) -> bool:
    return {projection.name for projection in control.projections} >= NEEDS


def _make(connection: Connection[Any], generation: Generation) -> None:
    connection.execute("select set_config('lock_timeout', %s, true)", [f"{PATIENCE_MS}ms"])
    connection.execute(_script(generation.schema, generation.number))
    schema = sql.Identifier(generation.schema)
    if _reader(connection, generation.schema):
        names = sql.SQL(", ").join(
            sql.Identifier(generation.schema, view.name) for view in VIEWS if view.granted
        )
        role = sql.Identifier(reader_role(generation.schema))
        connection.execute(sql.SQL("grant select on {} to {}").format(names, role))
    comment = sql.Literal(_marker(connection, generation))
    connection.execute(sql.SQL("comment on view {}.v1_basis is {}").format(schema, comment))


@cache
def _script(schema: str, number: int) -> bytes:
    """Return the statements that make every view, with its comments."""
    parts: list[sql.Composable] = []
    for view in VIEWS:
        name = sql.Identifier(schema, view.name)
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in view.columns)
        query = _query(view, schema, number)
        parts.append(
            sql.SQL("create or replace view {} ({}) with (security_barrier) as {};").format(
                name, names, query
            )
        )
        parts.append(sql.SQL("comment on view {} is {};").format(name, sql.Literal(view.what)))
        parts += [
            sql.SQL("comment on column {}.{} is {};").format(
                name, sql.Identifier(column.name), sql.Literal(column.meaning)
            )
            for column in view.columns
        ]
    return sql.SQL("\n").join(parts).as_bytes(None)


def _query(view: View, schema: str, number: int) -> sql.Composed:
    """Return the query of a view, each `{table}` in it named in full, each column cast to its type."""
    columns = sql.SQL(", ").join(
        sql.SQL("{}::" + column.type).format(sql.Identifier(column.name)) for column in view.columns
    )
    return sql.SQL("select {} from ({}) as told").format(columns, _filled(view.query, schema, number))


def _filled(text: LiteralString, schema: str, number: int) -> sql.Composed:
    """Return a text with its fragments filled in and its tables named in full."""
    named: dict[str, sql.Composable] = {}
    for name in {name for _, name, _, _ in Formatter().parse(text) if name}:
        if name == "generation":
            named[name] = sql.Literal(number)
        elif name in FRAGMENTS:
            named[name] = _filled(FRAGMENTS[name], schema, number)
        else:
            kept, control = name in _BESIDE, name in _CONTROL
            table = name if kept else f"projections_{name}" if control else f"g{number}_{name}"
            named[name] = sql.Identifier(schema, table)
    return sql.SQL(text).format(**named)


def _reader(connection: Connection[Any], schema: str) -> bool:
    row = connection.execute("select to_regrole(%s) is not null", [f'"{reader_role(schema)}"']).fetchone()
    return bool(row and row[0])


def _marker(connection: Connection[Any], generation: Generation) -> str:
    """Return what the comment of `v1_basis` says: which views these are, of which generation, and for whom."""
    digest = hashlib.sha256(_script("schema", 0)).hexdigest()[:12]
    reader = reader_role(generation.schema) if _reader(connection, generation.schema) else "nobody else"
    return f"views {VERSION} ({digest}), generation {generation.number}, read by {reader}"


def _found(connection: Connection[Any], schema: str) -> str:
    row = connection.execute(
        "select obj_description(to_regclass(%s), 'pg_class')", [f'"{schema}".v1_basis']
    ).fetchone()
    return str(row[0]) if row and row[0] else ""


def _version(marker: str) -> int:
    words = marker.split()
    return int(words[1]) if len(words) > 1 and words[0] == "views" and words[1].isdigit() else 0
