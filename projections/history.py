"""What was recorded about an objective or a key result, entry by entry: who set what, when, why, by which decision?"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, LiteralString
from uuid import UUID

import orjson
from psycopg import Connection

from aggregates.values import instant_text
from projections import base, facets
from projections.base import ALWAYS, FOREVER, Generation, PlainEntry, Until
from projections.writes import Packed, Rows, Update, Write

_COPY = """copy {history} (objective, key_result, position, effective, superseded_at) from stdin (format binary)"""
_COPY_OWNERS = "copy {history_key_results} (key_result, objective) from stdin"
# An entry is superseded on its own stream, and by (objective, position) there is an index.
_SUPERSEDE = """update {history} h
                   set superseded_at = s.by
                  from unnest(%s::uuid[], %s::bigint[], %s::bigint[]) as s(objective, position, by)
                 where h.objective = s.objective
                   and h.position = s.position
                   and h.superseded_at = 9223372036854775807"""
_OBJECTIVE_OF = "select objective from {history_key_results} where key_result = %s"
# In the order in which the ledger was told. A retraction names no key result: it is about that of what it takes back.
_ROWS = """select h.position, e.recorded_at, h.superseded_at, e.data
             from {history} h
             join {entries} e on e.position = h.position
            where h.objective = %(objective)s and h.position > %(after)s and h.position <= %(position)s
              and (h.effective <= %(day)s or h.effective between 10000000 and %(end)s)
              and (h.key_result = %(key_result)s or %(key_result)s::uuid is null
                   or (h.key_result is null
                       and h.position in (select superseded_at from {history}
                                           where objective = %(objective)s and key_result = %(key_result)s)))
            order by h.position"""
_WITH_KEY_RESULT = struct.Struct(">hi16si16siqiqiq").pack
_WITHOUT = struct.Struct(">hi16siiqiqiq").pack


class History:
    """Which entries stand on the stream of an objective; what they say is read from the entries themselves."""

    name: ClassVar[str] = "history"
    NEEDS: ClassVar[tuple[str, ...]] = ()
    HANDLES: ClassVar[frozenset[str]] = base.OBJECTIVE_NAMES | {base.RETRACTION}
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.PRESENCE_NAMES | base.ACCESS_NAMES | base.TEAM_NAMES | base.CYCLE_NAMES
        | base.DECISION_NAMES | {base.ANSWER}
    )  # fmt: skip
    TABLE_NAMES: ClassVar[tuple[str, ...]] = ("history", "history_key_results")
    TABLES: ClassVar[LiteralString] = """
        create table {history} (
            objective      uuid    not null,
            key_result     uuid,
            position       bigint  not null,
            effective      bigint  not null,  -- microseconds since 1970, for a value the ordinal of its day
            superseded_at  bigint  not null
        );
        create index on {history} (objective, position);
        create table {history_key_results} (
            key_result  uuid primary key,
            objective   uuid not null
        );
    """

    def __init__(self) -> None:
        self._uuids = _Uuids()

    def apply(
        self,
        page: Sequence[PlainEntry],
        connection: Connection[Any],  # noqa: ARG002
        generation: Generation,
    ) -> Sequence[Write]:
        """Leave the entries of objectives to be written."""
        rows: list[bytes] = []
        uuid_of = self._uuids
        owners: list[tuple[str, str]] = []
        superseded: list[tuple[str, int, int]] = []
        handles = self.HANDLES
        for entry in page:
            name, stream = entry["name"], entry["stream"]
            if name not in handles or not stream.startswith("objective:"):
                continue
            objective, key_result = stream[10:], entry["body"].get("key_result")
            if name == "key_result.added":
                owners.append((key_result, objective))
            if "supersedes" in entry:
                superseded.append((objective, entry["supersedes"], entry["position"]))
            item = None if key_result is None else uuid_of[key_result]
            rows.append(_packed(entry, uuid_of[objective], item))
        if len(uuid_of) > MOST_REMEMBERED:
            uuid_of.clear()
        return [
            Packed(generation.query(_COPY), rows),
            Rows(generation.query(_COPY_OWNERS), owners),
            Update(generation.query(_SUPERSEDE), list(zip(*superseded, strict=True))),
        ]


MOST_REMEMBERED = 8_000
"""How many identifiers are remembered between pages."""


class _Uuids(dict[str, bytes]):
    """The sixteen bytes of each identifier, made once."""

    def __missing__(self, identifier: str) -> bytes:
        found = self[identifier] = bytes.fromhex(identifier.replace("-", ""))
        return found


def _packed(entry: PlainEntry, objective: bytes, item: bytes | None) -> bytes:
    position, effective = entry["position"], entry["effective"]
    if item is None:
        return _WITHOUT(5, 16, objective, -1, 8, position, 8, effective, 8, FOREVER)
    return _WITH_KEY_RESULT(5, 16, objective, 16, item, 8, position, 8, effective, 8, FOREVER)


def history(
    connection: Connection[Any],
    generation: Generation,
    position: int,
    until: Until = ALWAYS,
    *,
    objective: UUID | str | None = None,
    key_result: UUID | str | None = None,
    after: int = 0,
) -> list[dict[str, Any]]:
    """Return every entry about an objective (with its key results), or about one key result, by position.

    With `after` only those are returned that were recorded after that position.

    Shape of a row: `{objective, key_result, position, name, recorded_at, effective_at,
    by, on_behalf_of, reason, decision, source, supersedes, superseded_at, sets: {facet: value}}`.
    """
    if objective is None:
        found = connection.execute(generation.query(_OBJECTIVE_OF), [str(key_result)]).fetchone()
        if found is None:
            return []
        objective = found[0]
    wanted = {
        "objective": str(objective), "key_result": None if key_result is None else str(key_result),
        "after": after, "position": position, "day": until.day, "end": until.end,
    }  # fmt: skip
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_ROWS), wanted)
        return [_row(str(objective), position, *row) for row in cursor]


def _row(
    objective: str, known_at: int, position: int, recorded_at: datetime, superseded_at: int, data: bytes
) -> dict[str, Any]:
    entry = orjson.loads(data)
    name, body, recorded = entry["name"], entry["body"], instant_text(recorded_at)
    setter = facets.SETS.get(name)
    return {
        "objective": objective,
        "key_result": body.get("key_result"),
        "position": position,
        "name": name,
        "recorded_at": recorded,
        "effective_at": entry.get("effective_at", recorded),
        "by": entry["by"],
        "on_behalf_of": entry.get("on_behalf_of"),
        "reason": entry.get("reason"),
        "decision": entry.get("decision"),
        "source": entry.get("source"),
        "supersedes": entry.get("supersedes"),
        "superseded_at": base.told(superseded_at, known_at),
        "sets": dict(setter(body)) if setter else {},
    }
