"""Which item is meant: by reference or identifier to the item, and from identifiers to the references people say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import Connection

from projections import facets, states
from projections.base import ALWAYS, Generation, Until

_FIND = """select i.kind, i.id::text, r.id::text, i.head
             from {items} i join {items} r on r.item = i.root
            where i.item <= %(position)s and i.kind in (1, 2)
              and (i.id = %(id)s::uuid or (i.number = %(number)s and i.kind = %(kind)s))"""
_NAMED = (
    """select i.id::text, i.kind, i.head from {items} i where i.id = any (%s::uuid[]) and i.kind in (1, 2)"""
)
_KINDS = {"OBJ": facets.OBJECTIVE, "KR": facets.KEY_RESULT}


@dataclass(frozen=True, slots=True)
class Found:
    """An item: its identifier, its reference, the objective that it belongs to (itself for an objective)."""

    id: str
    reference: str
    objective: str
    is_key_result: bool


def find_item(connection: Connection[Any], generation: Generation, text: str, position: int) -> Found | None:
    """Return the objective or key result of this reference (`OBJ-142`) or identifier, as known at a position."""
    kind, _, digits = text.partition("-")
    number = (
        int(digits) if kind in _KINDS and digits.isascii() and digits.isdigit() and len(digits) <= 9 else None
    )
    if number is None and len(text) != 36:
        return None
    asked = {
        "position": position,
        "id": None if number is not None else text,
        "number": number,
        "kind": _KINDS.get(kind, 0),
    }
    row = connection.execute(generation.query(_FIND), asked).fetchone()
    if row is None:
        return None
    found_kind, identifier, objective, head = row
    reference = orjson.loads(b"{" + head + b"}")["reference"]
    return Found(identifier, reference, objective, found_kind == facets.KEY_RESULT)


def references(connection: Connection[Any], generation: Generation, items: Sequence[str]) -> dict[str, str]:
    """Return the reference of each objective and key result among these identifiers."""
    rows = connection.execute(generation.query(_NAMED), [list(items)]).fetchall()
    return {identifier: orjson.loads(b"{" + head + b"}")["reference"] for identifier, _, head in rows}


def states_of_objectives(
    connection: Connection[Any],
    generation: Generation,
    objectives: Sequence[str],
    position: int,
    until: Until = ALWAYS,
) -> list[dict[str, Any]]:
    """Return the states of these objectives, whatever cycle they are in, by reference number."""
    return states_of_roots(connection, generation, roots(connection, generation, objectives), position, until)


def roots(connection: Connection[Any], generation: Generation, objectives: Sequence[str]) -> list[int]:
    """Return the item numbers of these objectives, which never change within a generation."""
    return list(states.roots_of(connection, generation, objectives).values())


def states_of_roots(
    connection: Connection[Any],
    generation: Generation,
    roots: Sequence[int],
    position: int,
    until: Until = ALWAYS,
) -> list[dict[str, Any]]:
    """Return the states of the objectives with these item numbers, by reference number."""
    rows = states.objectives_by_root(connection, generation, roots, position, until)
    texts = [text for _, text in sorted(states.objectives_json(rows).values())]
    parsed: list[dict[str, Any]] = orjson.loads(b"[" + b",".join(texts) + b"]")
    return parsed
