"""Receipts: what a command recorded, and the answer that a repeated command gets again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.pq.abc import PGresult

from aggregates.frozen import dataclass
from ledger.calls import Statement, int8, new_text_array, text, text_array
from ledger.place import Connection

FIND = Statement(
    "find_key", "select fingerprint, first_position, position from receipts where actor = $1 and key = $2", 2
)
"""Looks up an actor's key; its answer is read by `kept_of`."""
_KEYS = Statement(
    "find_keys",
    "select place, fingerprint, first_position, position"
    "  from unnest($1::text[], $2::text[]) with ordinality as asked (actor, key, place)"
    "  join receipts using (actor, key)",
    2,
)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one command, and the bytes of what was asked under it (empty: the command itself).

    `first` says that the key is claimed and looked up before anything is decided: for where deciding leaves something
    behind, as a reference that is drawn.
    """

    key: str
    asked: bytes = b""
    first: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a command's events stand: positions, the time of the last, streams with their versions, stored names.

    A command that changed nothing has no names and the position of the ledger's end. `replayed` says that this
    is the first receipt of a command that was sent again. `entries` are the events as they stand in the ledger, each
    with its stream, where they were recorded just now; a receipt that was read has none.
    """

    position: int
    first_position: int
    recorded_at: datetime
    streams: dict[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    request: UUID | None = None
    replayed: bool = False
    entries: tuple[tuple[str, bytes], ...] = field(default=(), compare=False, repr=False)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Return the identifiers of the streams written, in the order of writing."""
        return tuple(stream.partition(":")[2] or stream for stream in self.streams)

    def again(self) -> Receipt:
        """Return this receipt as the answer to a repeated command."""
        return replace(self, replayed=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the ledger remembers of an idempotency key."""

    fingerprint: str
    first_position: int
    position: int


def find_key(connection: Connection, actor: str, key: str) -> Kept | None:
    """Return what an actor's key recorded, or None where it is new."""
    return kept_of(FIND.call(connection, [actor.encode(), key.encode()]))


def kept_of(found: PGresult) -> Kept | None:
    """Return what the answer to `FIND` says."""
    if not found.ntuples:
        return None
    fingerprint, first, last = (found.get_value(0, column) for column in range(3))
    return Kept(text(fingerprint) or "", int8(first), int8(last))


def find_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Kept]:
    """Return what several actors' keys recorded."""
    found = _KEYS.call(
        connection, [text_array([actor for actor, _ in keys]), new_text_array([key for _, key in keys])]
    )
    told: dict[tuple[str, str], Kept] = {}
    for row in range(found.ntuples):
        place, fingerprint, first, last = (found.get_value(row, column) for column in range(4))
        told[keys[int8(place) - 1]] = Kept(text(fingerprint) or "", int8(first), int8(last))
    return told


def read_receipt(connection: Connection, first: int, last: int) -> Receipt:
    """Return the receipt of the entries from one position to another, as they were recorded together."""
    return read_receipts(connection, [(first, last)])[last]


def read_receipts(connection: Connection, spans: Sequence[tuple[int, int]]) -> dict[int, Receipt]:
    """Return the receipts of several commands, each by the position of its last entry."""
    if not spans:
        return {}
    rows = connection.execute(
        "select asked.first, asked.last, recorded_at, stream, version, name,"
        "       (convert_from(data, 'UTF8')::jsonb ->> 'request')::uuid"
        "  from unnest(%s::bigint[], %s::bigint[]) as asked (first, last)"
        "  join entries on position between asked.first and asked.last order by asked.last, position",
        [[first for first, _ in spans], [last for _, last in spans]],
    ).fetchall()
    told: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    for row in rows:
        told.setdefault((row[0], row[1]), []).append(row[2:])
    return {
        last: Receipt(
            position=last,
            first_position=first,
            recorded_at=found[-1][0],
            streams={row[1]: row[2] for row in found},
            names=tuple(row[3] for row in found),
            request=found[-1][4],
        )
        for (first, last), found in told.items()
    }


def find_request(connection: Connection, after: int, request: UUID) -> Receipt | None:
    """Return the receipt of a request among the entries after a position, or None where it recorded nothing."""
    row = connection.execute(
        "select min(position), max(position) from entries"
        " where position > %s and convert_from(data, 'UTF8')::jsonb ->> 'request' = %s",
        [after, str(request)],
    ).fetchone()
    return read_receipt(connection, row[0], row[1]) if row and row[0] is not None else None
