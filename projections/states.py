"""The states of objectives, key results, people and teams at a basis, read from what `facts` wrote.

JSON is passed through as it was written and put together once; nothing is decoded on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from psycopg import Connection

from projections import facets
from projections.base import ALWAYS, Generation, Until

# The latest version of each part at the position; (item, part, position) is unique, so there is no tie.
_AT_POSITIONS = """
    select l.ordinal, i.kind, i.item, i.number, i.head, d.state, v.state, c.state
      from unnest(%(objectives)s::bigint[], %(positions)s::bigint[]) with ordinality as l(root, position, ordinal)
      join {items} i on i.root = l.root and i.item <= l.position
     cross join lateral (select state from {versions}
                          where item = i.item and part = 0 and position <= l.position
                          order by position desc limit 1) d
      left join lateral (select state from {versions}
                          where item = i.item and part = 1 and position <= l.position and i.kind = 2
                          order by position desc limit 1) v on true
      left join lateral (select state from {versions}
                          where item = i.item and part = 2 and position <= l.position and i.kind = 2
                          order by position desc limit 1) c on true"""
_MEMBERS = """select item from {members}
               where cycle = %(cycle)s and left_at > %(position)s and position <= %(position)s"""
_CANDIDATES = """select distinct item from {members} where cycle = %(cycle)s and position <= %(position)s"""
_OTHERS = """select i.kind, i.id::text, d.state
               from {items} i
              cross join lateral (select state from {versions}
                                   where item = i.item and part = 0 and position <= %(position)s
                                   order by position desc limit 1) d
              where i.kind >= 3 and i.item <= %(position)s"""
# For each facet the fact with the greatest (effective, position) among those known at the position and true by the
# day. What an item is has few facts, read in one scan of the index; what is told every week is probed.
_FACTS = """
    select i.root, i.kind, i.item, i.number, i.head, d.state, t.state, s.state
      from {items} i
     cross join lateral (
           select string_agg(fact, ',') as state
             from (select distinct on (facet) fact from {facts}
                    where item = i.item and facet < 16 and effective <= %(end)s
                      and position <= %(position)s and superseded_at > %(position)s
                    order by facet, effective desc, position desc) as facts) d
     cross join lateral (
           select string_agg(found.fact, ',') as state
             from (values (16::smallint, %(day)s::bigint), (17, %(end)s), (18, %(end)s), (19, %(end)s))
                  as k(facet, bound)
            cross join lateral (select fact from {facts}
                                 where i.kind = 2 and item = i.item and facet = k.facet and effective <= k.bound
                                   and position <= %(position)s and superseded_at > %(position)s
                                 order by effective desc, position desc limit 1) as found) t
     cross join lateral (
           select string_agg(fact, ',') as state
             from (select distinct on (facet) fact from {facts}
                    where item = i.item and facet > 19 and effective <= %(end)s
                      and position <= %(position)s and superseded_at > %(position)s
                    order by facet, effective desc, position desc) as facts) s
     where i.item <= %(position)s and """
_FACTS_OF_OBJECTIVES = _FACTS + "i.root = any (%(roots)s)"
_FACTS_OF_OTHERS = _FACTS + "i.kind >= 3"

Row = tuple[int, int, int, int, bytes, bytes]
"""Group (an objective, or the place of a line), kind, item, number, head and facets as JSON members."""


def objectives_at_position(
    connection: Connection[Any], generation: Generation, cycle: str, position: int
) -> list[Row]:
    """Return the rows of a cycle's objectives and their key results as the ledger knew them at a position."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_MEMBERS), {"cycle": cycle, "position": position})
        roots = [root for (root,) in cursor]
    return rows_at_positions(connection, generation, roots, [position] * len(roots))


def rows_at_positions(
    connection: Connection[Any], generation: Generation, objectives: Sequence[int], positions: Sequence[int]
) -> list[Row]:
    """Return the rows of each objective at its own position; the group is the place in the lists, from 1."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            generation.query(_AT_POSITIONS), {"objectives": list(objectives), "positions": list(positions)}
        )
        return [
            (group, kind, item, number, head, b",".join([part for part in (state, value, said) if part]))
            for group, kind, item, number, head, state, value, said in cursor
            if state
        ]


def objectives_at(
    connection: Connection[Any], generation: Generation, cycle: str, position: int, until: Until
) -> list[Row]:
    """Return the rows of a cycle's objectives as true at the end of a day, as known at a position."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_CANDIDATES), {"cycle": cycle, "position": position})
        roots = [root for (root,) in cursor]
        asked = {"roots": roots, "position": position, "day": until.day, "end": until.end}
        cursor.execute(generation.query(_FACTS_OF_OBJECTIVES), asked)
        rows = _joined(cursor)
    member = b'"cycle":{"value":"%b",' % cycle.encode()
    here = {item for _, kind, item, _, _, state in rows if kind == facets.OBJECTIVE and member in state}
    return [row for row in rows if row[0] in here]


def objectives_by_root(
    connection: Connection[Any], generation: Generation, roots: Sequence[int], position: int, until: Until
) -> list[Row]:
    """Return the rows of these objectives, whatever cycle they are in, as true at the end of a day."""
    if until is ALWAYS:
        return rows_at_positions(connection, generation, roots, [position] * len(roots))
    with connection.cursor(binary=True) as cursor:
        asked = {"roots": list(roots), "position": position, "day": until.day, "end": until.end}
        cursor.execute(generation.query(_FACTS_OF_OBJECTIVES), asked)
        return _joined(cursor)


def others_at_position(
    connection: Connection[Any], generation: Generation, position: int
) -> list[tuple[int, str, bytes]]:
    """Return kind, identifier and facets of every person and team as the ledger knew them at a position."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_OTHERS), {"position": position})
        return [(kind, key, state) for kind, key, state in cursor if state]


def others_at(
    connection: Connection[Any], generation: Generation, position: int, until: Until
) -> list[tuple[int, str, bytes]]:
    """Return kind, identifier and facets of every person and team as true at the end of a day."""
    asked = {"position": position, "day": until.day, "end": until.end}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_FACTS_OF_OTHERS), asked)
        return [(kind, head[6:42].decode(), state) for _, kind, _, _, head, state in _joined(cursor)]


def _joined(cursor: Iterable[tuple[Any, ...]]) -> list[Row]:
    return [
        (root, kind, item, number, head, b",".join([part for part in parts if part]))
        for root, kind, item, number, head, *parts in cursor
        if any(parts)
    ]


def objectives_json(rows: Iterable[Row]) -> dict[int, tuple[int, bytes]]:
    """Return number and JSON of each objective with its key results, by group; both in the order of their numbers."""
    heads: dict[int, tuple[int, bytes]] = {}
    key_results: dict[int, list[tuple[int, bytes]]] = {}
    for group, kind, _, number, head, state in rows:
        if kind == facets.OBJECTIVE:
            heads[group] = (number, b'{%b,"facets":{%b}' % (head, state))
        else:
            key_results.setdefault(group, []).append((number, b'{%b,"facets":{%b}}' % (head, state)))
    return {
        group: (
            number,
            b'%b,"key_results":[%b]}'
            % (text, b",".join([row for _, row in sorted(key_results.get(group, ()))])),
        )
        for group, (number, text) in heads.items()
    }


_ROOTS = "select id::text, item from {items} where id = any (%s::uuid[])"
_DEFINITIONS = """
    select w.ordinal, d.state
      from unnest(%s::uuid[], %s::bigint[]) with ordinality as w(id, position, ordinal)
      join {items} i on i.id = w.id
     cross join lateral (select state from {versions}
                          where item = i.item and part = 0 and position <= w.position
                          order by position desc limit 1) d"""
_SUPERSEDED = """select w.by, i.id::text, f.facet
                   from unnest(%s::bigint[], %s::bigint[]) as w(position, by)
                   join {facts} f on f.position = w.position and f.superseded_at = w.by
                   join {items} i on i.item = f.item
                  order by w.by, i.item, f.facet"""


def roots_of(
    connection: Connection[Any], generation: Generation, objectives: Sequence[str]
) -> dict[str, int]:
    """Return the item numbers of these objectives."""
    rows = connection.execute(generation.query(_ROOTS), [list(objectives)]).fetchall()
    return dict(rows)


def definitions_at(
    connection: Connection[Any], generation: Generation, wanted: Sequence[tuple[str, int]]
) -> list[dict[str, Any]]:
    """Return the facets, without values and check-ins, of each (item, position) wanted; {} where there were none."""
    found: list[dict[str, Any]] = [{} for _ in wanted]
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            generation.query(_DEFINITIONS), [[key for key, _ in wanted], [place for _, place in wanted]]
        )
        for place, state in cursor:
            found[place - 1] = orjson.loads(b"{" + state + b"}")
    return found


def superseded_facets(
    connection: Connection[Any], generation: Generation, pairs: Sequence[tuple[int, int]]
) -> dict[int, list[tuple[str, str]]]:
    """Return (item, facet) of what was taken away, by the superseding position; pairs are (superseded, by)."""
    found: dict[int, list[tuple[str, str]]] = {}
    rows = connection.execute(
        generation.query(_SUPERSEDED), [[old for old, _ in pairs], [new for _, new in pairs]]
    )
    for by, item, code in rows:
        found.setdefault(by, []).append((item, facets.NAMES[code]))
    return found


_STANDING = """
    select w.ordinal, f.fact
      from unnest(%s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[]) with ordinality
           as w(id, facet, effective, position, ordinal)
      join {items} i on i.id = w.id
     cross join lateral (select fact from {facts}
                          where item = i.item and facet = w.facet and effective <= w.effective
                            and position <= w.position and superseded_at > w.position
                          order by effective desc, position desc limit 1) f"""


def standing_values(
    connection: Connection[Any], generation: Generation, wanted: Sequence[tuple[str, str, int, int]]
) -> list[Any]:
    """Return the value of each (item, facet, sort key of a moment, position): what was true then, as known there."""
    found: list[Any] = [None] * len(wanted)
    columns: list[list[Any]] = [[], [], [], []]
    for item, facet, effective, position in wanted:
        for column, value in zip(columns, (item, facets.CODES[facet], effective, position), strict=True):
            column.append(value)
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_STANDING), columns)
        for place, fact in cursor:
            ((_, told),) = orjson.loads(b"{" + fact + b"}").items()
            found[place - 1] = told["value"]
    return found
