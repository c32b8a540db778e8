"""What was set on each item, on both clocks: the ground on which the board and the commitments stand.

`facts` holds every fact of every facet (for any pair of position and effective day); `versions` holds what an item
looked like from a position on, in parts, so that the state at a position is one index probe per part.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, LiteralString

import orjson
from psycopg import Connection

from projections import base, facets
from projections.base import FOREVER, Generation, PlainEntry
from projections.items import Item, Members, Timelines, load_items, load_timelines
from projections.writes import Packed, Rows, Update, Write

_COPY_ITEMS = "copy {items} (item, id, kind, root, number, head) from stdin"
_COPY_FACTS = """copy {facts} (item, facet, effective, position, superseded_at, fact)
                 from stdin (format binary)"""
_COPY_VERSIONS = "copy {versions} (item, part, position, state) from stdin (format binary)"
_COPY_MEMBERS = "copy {members} (cycle, item, position, left_at) from stdin"
# A fact that is superseded in the page that wrote it was copied just before; brin on position finds both.
_SUPERSEDE = """update {facts} f
                   set superseded_at = s.by
                  from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as s(item, position, by)
                 where f.item = s.item
                   and f.position = s.position
                   and f.superseded_at = 9223372036854775807"""
_LEAVE = """update {members} m
               set left_at = l.at
              from unnest(%s::bigint[], %s::bigint[]) as l(item, at)
             where m.item = l.item and m.left_at = 9223372036854775807 and m.position < l.at"""

# Binary COPY: the number of columns, then each column's length and bytes.
_FACT = struct.Struct(">h16shiqiqiqi").pack
_VERSION = struct.Struct(">h16shiqi").pack
_FACETS = {
    name: (
        code,
        b'"%b":{"value":' % name.encode(),
        facets.PART_OF.get(name, facets.DEFINITION),
        name in facets.DAY_FACETS,
    )
    for name, code in facets.CODES.items()
}
"""Code, the first bytes of a fact, part, and whether its moments are days."""
_CYCLE = facets.CODES["cycle"]
_json = orjson.dumps
Setter = Callable[[facets.Body], facets.Sets]


class Facts:
    """Every fact and every version of objectives, key results, people and teams."""

    name: ClassVar[str] = "facts"
    NEEDS: ClassVar[tuple[str, ...]] = ()
    HANDLES: ClassVar[frozenset[str]] = (
        base.PRESENCE_NAMES | base.TEAM_NAMES | base.OBJECTIVE_NAMES | {base.RETRACTION}
    )
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.ACCESS_NAMES | base.CYCLE_NAMES | base.DECISION_NAMES | {base.ANSWER}
    )
    TABLE_NAMES: ClassVar[tuple[str, ...]] = ("items", "facts", "versions", "members")
    TABLES: ClassVar[LiteralString] = """
        create table {items} (
            item    bigint   primary key,  -- the position of its first entry
            id      uuid     not null unique,
            kind    smallint not null,     -- 1 objective, 2 key result, 3 person, 4 team
            root    bigint   not null,     -- the item whose stream it lives on
            number  bigint   not null,     -- of its reference, for sorting
            head    bytea    not null      -- "id":…,"reference":… as JSON
        );
        create index on {items} (root);
        create index on {items} (kind, item) where kind >= 3;
        create table {facts} (
            item           bigint   not null,
            facet          smallint not null,
            effective      bigint   not null,  -- microseconds since 1970, for `value` the ordinal of the day
            position       bigint   not null,
            superseded_at  bigint   not null,
            fact           bytea    not null   -- the facet with value, effective_at and position as a JSON member
        );
        create index on {facts} (item, facet, effective desc, position desc);
        create index on {facts} using brin (position);
        create table {versions} (
            item      bigint   not null,
            part      smallint not null,   -- 0 what it is, 1 its value, 2 what its owner said
            position  bigint   not null,
            state     bytea    not null,   -- the facts of the part, joined by commas
            primary key (item, part, position)
        );
        create table {members} (
            cycle     text   not null collate "C",
            item      bigint not null,     -- an objective
            position  bigint not null,
            left_at   bigint not null
        );
        create index on {members} (cycle, left_at);
        create index on {members} (item);
    """

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Iterator[Write]:
        """Leave to be written: the facts, versions and memberships that the page sets, piece by piece as they are made.

        The connection is asked before the first piece, and no more after it.
        """
        work = _Page(self._items)
        concerned = work.load(page, connection, generation)
        for start in range(0, len(concerned), PIECE):
            work.take(concerned[start : start + PIECE])
            yield from work.made(generation)
        _forget(self._items)
        yield from work.rest(generation)


PIECE = 1_000
"""Entries whose facts are written while those of the next ones are made."""
MOST_REMEMBERED = 8_000
"""How many items' states are remembered between pages."""


def _forget(items: dict[str, Item]) -> None:
    """Drop the longest known half when too many items are remembered; they are loaded again when touched."""
    if len(items) > MOST_REMEMBERED:
        for key in list(items)[: len(items) - MOST_REMEMBERED // 2]:
            del items[key]


class _Page:
    """The rows that one page writes."""

    def __init__(self, items: dict[str, Item]) -> None:
        self._items = items
        self._timelines = Timelines()
        self._members = Members()
        self._new: list[tuple[Any, ...]] = []
        self._facts: list[bytes] = []
        self._versions: list[bytes] = []
        self._superseded: list[tuple[int, int, int]] = []

    def load(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> list[tuple[PlainEntry, str]]:
        """Bring the items that the page touches into memory, with all their facts where one is superseded.

        Returns the entries that say something of an item, each with the item's identifier.
        """
        handled = Facts.HANDLES
        concerned: list[tuple[PlainEntry, str]] = []
        amended: set[str] = set()
        roots: set[str] = set()
        for entry in page:
            name = entry["name"]
            if name not in handled:
                continue
            concerned.append((entry, entry["body"].get("key_result") or base.stream_id(entry["stream"])))
            if "supersedes" in entry:
                amended.add(base.stream_id(entry["stream"]))
            elif name == "key_result.added":
                roots.add(base.stream_id(entry["stream"]))
        wanted = roots.union([key for _, key in concerned])
        missing = [key for key in wanted | amended if key not in self._items]
        if missing:
            self._items.update(load_items(connection, generation, missing))
        if amended:
            load_timelines(connection, generation, amended, self._items, self._timelines)
        return concerned

    def take(self, concerned: Iterable[tuple[PlainEntry, str]]) -> None:
        """Add what entries set, each of the item with this identifier."""
        items, setters, look = self._items, facets.SETS, self._look
        for entry, key in concerned:
            setter = setters.get(entry["name"])
            if "supersedes" in entry:
                self._amend(entry, key, setter)
            elif setter is not None:
                item = items.get(key) or self._begin(entry, key)
                look(item, self._set(item, setter(entry["body"]), entry), entry["position"])

    def _amend(self, entry: PlainEntry, key: str, setter: Setter | None) -> None:
        """Add what an entry sets in the place of an earlier one."""
        changed: dict[Item, list[int]] = {}
        self._supersede(base.stream_id(entry["stream"]), entry["supersedes"], entry["position"], changed)
        if setter is not None:
            item = self._items.get(key) or self._begin(entry, key)
            known = changed.setdefault(item, [])
            parts = self._set(item, setter(entry["body"]), entry)
            known += [part for part in parts if part not in known]
        for item, parts in changed.items():
            self._look(item, parts, entry["position"])

    def _look(self, item: Item, parts: Iterable[int], position: int) -> None:
        """Add what the parts of an item look like from a position on."""
        for part in parts:
            state = item.state(part)
            self._versions.append(_VERSION(4, item.key, part, 8, position, len(state)) + state)

    def _set(self, item: Item, pairs: facets.Sets, entry: PlainEntry) -> list[int]:
        """Add a fact for each facet that an entry sets; return the parts of the item that look different now."""
        position, at, key, winners = entry["position"], entry["at"], item.key, item.winners
        tail = f',"effective_at":"{at}","position":{position}}}'.encode()
        follows, add = self._timelines.follows(item), self._facts.append
        parts: list[int] = []
        for facet, value in pairs:
            code, start, part, is_day = _FACETS[facet]
            effective = entry["effective"]
            if is_day and len(at) != 10:
                effective = base.moment_key(at[:10])
            fact = start + _json(value) + tail
            add(_FACT(6, key, code, 8, effective, 8, position, 8, FOREVER, len(fact)) + fact)
            if follows:
                self._timelines.add(item, code, effective, position, fact)
            before = winners.get(code)
            won = before is None or before[0] <= effective
            if won:
                winners[code] = (effective, position, fact)
                if part not in parts:
                    parts.append(part)
            if code == _CYCLE:
                self._members.enter(item.number, value, position, won=won)
        return parts

    def _begin(self, entry: PlainEntry, key: str) -> Item:
        """Take in an item of which nothing was told before."""
        position, stream = entry["position"], entry["stream"]
        reference = entry["body"].get("reference")
        head = orjson.dumps({"id": key, "reference": reference} if reference else {"id": key})[1:-1]
        number = int(reference.split("-")[1]) if reference else 0
        if entry["name"] == "key_result.added":
            root_key = base.stream_id(stream)
            item = Item(position, facets.KEY_RESULT, self._items[root_key].number)
            self._timelines.follow(item, root_key)
        else:
            kind = {"objective": facets.OBJECTIVE, "person": facets.PERSON, "team": facets.TEAM}
            item = Item(position, kind[stream.split(":")[0]], position)
            self._timelines.follow(item, key)
        self._items[key] = item
        self._new.append((item.number, key, item.kind, item.root, number, "\\x" + head.hex()))
        return item

    def _supersede(
        self, root_key: str, superseded: int, position: int, changed: dict[Item, list[int]]
    ) -> None:
        """Take the facts of an earlier entry away and let the runners-up win."""
        for item in self._timelines.of(root_key):
            found = self._timelines.remove(item, superseded)
            if not found:
                continue
            self._superseded.append((item.number, superseded, position))
            for code in found:
                before = item.winners.get(code)
                if before is None or before[1] != superseded:
                    continue
                runner_up = self._timelines.latest(item, code)
                item.replace(code, runner_up)
                name = facets.NAMES[code]
                parts, part = changed.setdefault(item, []), facets.PART_OF.get(name, facets.DEFINITION)
                if part not in parts:
                    parts.append(part)
                if name == "cycle":
                    cycle = orjson.loads(b"{" + runner_up[2] + b"}")["cycle"]["value"] if runner_up else None
                    self._members.enter(item.number, cycle, position, won=True)

    def made(self, generation: Generation) -> Sequence[Write]:
        """Return the facts and versions made since the last time."""
        facts, self._facts = self._facts, []
        versions, self._versions = self._versions, []
        return [
            Packed(generation.query(_COPY_FACTS), facts),
            Packed(generation.query(_COPY_VERSIONS), versions),
        ]

    def rest(self, generation: Generation) -> Sequence[Write]:
        """Return what is left at the end of the page, set by set."""
        query, members = generation.query, self._members
        return [
            Rows(query(_COPY_ITEMS), self._new),
            Update(query(_SUPERSEDE), list(zip(*self._superseded, strict=True))),
            Update(query(_LEAVE), [list(members.left), list(members.left.values())]),
            Rows(query(_COPY_MEMBERS), members.entered),
        ]
