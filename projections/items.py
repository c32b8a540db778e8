"""Items in memory while pages are applied: their winning facts, and all facts where one is superseded."""

from __future__ import annotations

import struct
from bisect import insort
from collections.abc import Collection
from typing import Any

import orjson
from psycopg import Connection

from projections import base, facets
from projections.base import FOREVER, Generation

Fact = tuple[int, int, bytes]
"""Sort key of its moment, position, and the fact as JSON; tuples compare by what wins."""

_ITEMS = """select i.id::text, i.item, i.kind, i.root, v.state
              from unnest(%s::uuid[]) as w(id)
              join {items} i on i.id = w.id
              left join lateral (select distinct on (part) state
                                   from {versions}
                                  where item = i.item
                                  order by part, position desc) v on true"""
_ROOTS = """select r.id::text, i.id::text, i.item, i.kind, i.root
              from unnest(%s::uuid[]) as w(id)
              join {items} r on r.id = w.id
              join {items} i on i.root = r.item"""
# Item by item through the index, also while the database has not counted the rows of a table that grows.
_TIMELINES = """select f.item, f.facet, f.effective, f.position, f.fact
                  from unnest(%s::bigint[]) as w(item)
                 cross join lateral (select item, facet, effective, position, fact
                                       from {facts}
                                      where item = w.item and superseded_at = 9223372036854775807
                                     offset 0) f"""


_KEY = struct.Struct(">iqi").pack


class Item:
    """One objective, key result, person or team: its number, kind, root, and the winning fact of each facet."""

    __slots__ = ("key", "kind", "number", "root", "winners")

    def __init__(self, number: int, kind: int, root: int) -> None:
        self.number = number
        self.key = _KEY(8, number, 2)
        """The number as binary COPY wants it, with its length before it and that of a smallint after it."""
        self.kind = kind
        self.root = root
        self.winners: dict[int, Fact] = {}

    def replace(self, code: int, fact: Fact | None) -> None:
        """Put the runner-up in the winner's place, or nothing."""
        if fact is None:
            self.winners.pop(code, None)
        else:
            self.winners[code] = fact

    def state(self, part: int) -> bytes:
        """Return the winning facts of a part as JSON members, without the braces."""
        codes = _CODES_OF_PART[self.kind][part]
        winners = self.winners
        if len(codes) == 1:
            return winners[codes[0]][2] if codes[0] in winners else b""
        return b",".join([winners[code][2] for code in codes if code in winners])


def _codes(kind: int, part: int) -> tuple[int, ...]:
    names = facets.FACETS_OF_KIND[kind]
    return tuple(facets.CODES[name] for name in names if facets.PART_OF.get(name, facets.DEFINITION) == part)


_CODES_OF_PART = {kind: tuple(_codes(kind, part) for part in range(3)) for kind in facets.FACETS_OF_KIND}


class Timelines:
    """All facts that were not superseded, of the items of those streams on which the page supersedes something."""

    def __init__(self) -> None:
        self._items: dict[str, list[Item]] = {}
        self._facts: dict[Item, dict[int, list[Fact]]] = {}

    def watch(self, root_key: str) -> None:
        """Follow a stream: items that it gets from now on are known with all their facts."""
        self._items.setdefault(root_key, [])

    def follow(self, item: Item, root_key: str) -> None:
        """Take an item in if its stream is followed."""
        if root_key in self._items:
            self._items[root_key].append(item)
            self._facts[item] = {}

    def follows(self, item: Item) -> bool:
        """Return whether all facts of an item are known."""
        return item in self._facts

    def add(self, item: Item, code: int, effective: int, position: int, fact: bytes) -> None:
        """Add a fact of a followed item in its place."""
        insort(self._facts[item].setdefault(code, []), (effective, position, fact))

    def of(self, root_key: str) -> list[Item]:
        """Return the items of a followed stream."""
        return self._items.get(root_key, [])

    def remove(self, item: Item, position: int) -> list[int]:
        """Take the facts of a position out; return the codes of their facets."""
        found: list[int] = []
        for code, facts in self._facts[item].items():
            for place, fact in enumerate(facts):
                if fact[1] == position:
                    found.append(code)
                    del facts[place]
                    break
        return found

    def latest(self, item: Item, code: int) -> Fact | None:
        """Return the fact that wins among those left, or None."""
        facts = self._facts[item].get(code)
        return facts[-1] if facts else None


class Members:
    """Which objectives enter and leave a cycle in a page."""

    def __init__(self) -> None:
        self.entered: list[list[Any]] = []
        self.left: dict[int, int] = {}
        """The first position of the page at which an objective leaves the cycle it was in."""

    def enter(self, item: int, cycle: str | None, position: int, *, won: bool) -> None:
        """Move an objective into a cycle (None: out of all); one that did not win is only noted as a candidate."""
        if not won:
            self.entered.append([cycle, item, position, position])
            return
        for row in self.entered:
            if row[1] == item and row[3] == FOREVER:
                row[3] = position
        self.left.setdefault(item, position)
        if cycle is not None:
            self.entered.append([cycle, item, position, FOREVER])


def load_items(connection: Connection[Any], generation: Generation, keys: Collection[str]) -> dict[str, Item]:
    """Return the known items among these identifiers, with their winning facts."""
    items: dict[str, Item] = {}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_ITEMS), [list(keys)])
        for key, number, kind, root, state in cursor:
            item = items.get(key)
            if item is None:
                item = items[key] = Item(number, kind, root)
            for name, fact in orjson.loads(b"{" + (state or b"") + b"}").items():
                item.winners[facets.CODES[name]] = _fact(name, fact)
    return items


def _fact(name: str, fact: dict[str, Any]) -> Fact:
    at = fact["effective_at"]
    effective = base.moment_key(at[:10] if name in facets.DAY_FACETS else at)
    return effective, fact["position"], b'"%b":%b' % (name.encode(), orjson.dumps(fact))


def load_timelines(
    connection: Connection[Any],
    generation: Generation,
    roots: Collection[str],
    items: dict[str, Item],
    timelines: Timelines,
) -> None:
    """Bring all facts of the items on these streams into memory, and follow the streams."""
    for root_key in roots:
        timelines.watch(root_key)
    rows = connection.execute(generation.query(_ROOTS), [list(roots)]).fetchall()
    missing = [key for _, key, *_ in rows if key not in items]
    if missing:
        items.update(load_items(connection, generation, missing))
    known: dict[int, Item] = {}
    for root_key, key, number, _, _ in rows:
        timelines.follow(items[key], root_key)
        known[number] = items[key]
    with connection.cursor(binary=True) as cursor:
        cursor.execute(generation.query(_TIMELINES), [list(known)])
        for number, code, effective, position, fact in cursor:
            timelines.add(known[number], code, effective, position, bytes(fact))
