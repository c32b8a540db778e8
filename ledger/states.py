"""The states of streams, kept in memory and brought up to date with the whole ledger in one round trip.

A state may still be behind when it is used: the append checks the version of everything that a decision looked at,
and a refusal is believed only after those versions were looked up again. So a kept state costs a retry at worst.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from eventsourcing.application import LRUCache

from aggregates.entry import Entry
from ledger.codec import RawEntry, decode
from ledger.library import LedgerApplication, Loaded
from ledger.place import Connections

KEPT = 20_000
"""Streams whose states are kept."""
TAIL = 2_000
"""Entries up to which the kept states follow; further behind they are loaded anew."""

_REFRESH = """
    select greatest(clock_timestamp(), (select recorded_at from head)),
           e.position, e.recorded_at, e.stream, e.version, e.name, e.data
      from (select 1) as always
      left join (select * from entries where position > %s order by position limit %s) as e on true
     order by e.position
"""
_VERSIONS = """
    select stream, coalesce((select max(version) from entries as e where e.stream = asked.stream), 0)
      from unnest(%s::text[]) as asked (stream)
"""


class States:
    """The present state of any stream, at most one refresh old."""

    def __init__(self, application: LedgerApplication, connections: Connections) -> None:
        self._application = application
        self._connections = connections
        self._kept: LRUCache[str, Loaded] = LRUCache(KEPT)
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._started = self._ended = 0
        self._now: datetime | None = None
        self.position: int | None = None
        """The last position that the kept states have followed to; None before the first refresh."""

    def refresh(self) -> datetime:
        """Follow the ledger and return the database's clock (never before the last entry's time), in one round trip.

        Threads that ask while another's round trip is under way share the next one.
        """
        came = self._started
        with self._refreshing:
            if self._ended > came and self._now is not None:
                return self._now
            self._started += 1
            number = self._started
            self._now = self._refresh()
            self._ended = number
            return self._now

    def _refresh(self) -> datetime:
        with self._connections.use() as connection:
            if self.position is None:
                row = connection.execute("select coalesce(max(position), 0) from entries").fetchone()
                with self._lock:
                    if self.position is None:
                        self.position = row[0] if row else 0
            rows = connection.execute(_REFRESH, [self.position, TAIL], binary=True, prepare=True).fetchall()
        if rows[0][1] is not None:
            with self._lock:
                self._follow([RawEntry(*row[1:]) for row in rows])
        now: datetime = rows[-1][0]
        return now

    def get(self, stream: str) -> Loaded:
        """Return the state of a stream; version 0 and None where it is absent."""
        try:
            return self._kept.get(stream)
        except KeyError:
            pass
        before = self.position
        loaded = self._application.load(stream)
        with self._lock:
            if before is not None and before == self.position:
                self._kept.put(stream, loaded)
        return loaded

    def take(self, entries: Sequence[Entry]) -> None:
        """Follow entries that were appended just now, without reading them back, where nothing lies between."""
        with self._lock:
            if self.position is None or not entries or entries[0].position != self.position + 1:
                return
            for entry in entries:
                self._step(entry)
                self.position = entry.position

    def forget(self, streams: Iterable[str]) -> None:
        """Drop states that turned out to be behind."""
        with self._lock:
            for stream in streams:
                self._drop(stream)

    def moved(self, looked: Mapping[str, int]) -> dict[str, int]:
        """Return the present versions of those streams that are no longer at the version that was looked at."""
        if not looked:
            return {}
        with self._connections.use() as connection:
            rows = connection.execute(_VERSIONS, [list(looked)], prepare=True).fetchall()
        return {stream: version for stream, version in rows if version != looked[stream]}

    def evolve(self, loaded: Loaded, entry: Entry) -> Loaded:
        """Return the state of a stream after one more entry."""
        return self._application.evolve(loaded if loaded.version else None, entry)

    def _follow(self, tail: list[RawEntry]) -> None:
        if len(tail) >= TAIL:
            self._kept = LRUCache(KEPT)
            self.position = None
            return
        for raw in tail:
            if self.position is None or raw.position <= self.position:
                continue
            self._step(raw)
            self.position = raw.position

    def _step(self, one: RawEntry | Entry) -> None:
        """Follow one entry, read only where the state of its stream is kept and is the one before."""
        try:
            loaded = self._kept.get(one.stream)
        except KeyError:
            return
        if loaded.version == one.version - 1:
            entry = one if isinstance(one, Entry) else decode(one)
            self._kept.put(one.stream, self.evolve(loaded, entry))
        elif loaded.version < one.version:
            self._drop(one.stream)

    def _drop(self, stream: str) -> None:
        try:
            self._kept.get(stream, evict=True)
        except KeyError:
            return
