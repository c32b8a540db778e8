"""The states of streams, kept in memory and brought up to date with the whole ledger in one round trip.

A state may still be behind when it is used: the append checks the version of everything that a decision looked at,
and a refusal, or a decision that nothing is to be done, is believed only after those versions were looked up again.
So a kept state costs a retry at worst, and what the database said a moment ago is good enough to decide on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregates.entry import Entry
from ledger.codec import RawEntry, decode_for_state
from ledger.library import COLUMNS, LedgerApplication, Loaded
from ledger.place import Connections

KEPT = 5_000
"""Streams whose states are kept."""
TAIL = 2_000
"""Entries up to which the kept states follow; further behind they are loaded anew."""
GOOD_FOR = 0.25
"""Seconds for which the database's clock and the states that were level with the ledger then are good to decide on."""
AHEAD = 1_000
"""Appends that are remembered while others before them are still missing."""

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

_STREAMS = f"select {COLUMNS} from entries where stream = any (%s::text[]) order by stream, version"  # noqa: S608


@dataclass(slots=True)
class _Behind:
    """A state and the entry after it, which is not followed yet."""

    loaded: Loaded
    entry: Entry
    version: int


class _Kept(dict[str, Loaded | _Behind]):
    """States by their streams, at most `most`; whoever changes it holds the lock, and anybody may look.

    What was kept first goes first: what is still asked for then costs one more reading.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def put(self, stream: str, state: Loaded | _Behind) -> None:
        """Keep a state."""
        if stream not in self:
            while len(self) >= self.most:
                del self[next(iter(self))]
        self[stream] = state


class States:
    """The present state of any stream, at most one refresh old."""

    def __init__(self, application: LedgerApplication, connections: Connections) -> None:
        self._application = application
        self._connections = connections
        self._kept = _Kept(KEPT)
        self._behind: deque[str] = deque()
        """The streams whose last entry was appended by this process and may not be followed yet."""
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._started = self._ended = 0
        self._now: datetime | None = None
        self._last = datetime.min.replace(tzinfo=UTC)
        self._level_at = -GOOD_FOR
        self._ahead: dict[int, int] = {}
        self._followed: list[set[str]] = []
        """For each reading under way, the streams that were followed since it began."""
        self.turn = 0
        """How often everything that was kept was dropped."""
        self.position: int | None = None
        """The last position that the kept states have followed to; None before the first refresh."""

    def present(self) -> tuple[datetime, bool]:
        """Return the database's clock, and whether it and the states are as of a moment after this call.

        They are not where the ledger was followed a moment ago: what is decided then is as if the append took
        that moment longer.
        """
        now = self._good_clock()
        return (self.refresh(), True) if now is None else (now, False)

    def clock(self) -> datetime:
        """Return the database's clock as of a moment ago, without following the ledger."""
        now = self._good_clock()
        if now is not None:
            return now
        with self._connections.use() as connection:
            row = connection.execute("select clock_timestamp()", prepare=True).fetchone()
        return row[0] if row else self._last

    def _good_clock(self) -> datetime | None:
        with self._lock:  # the clock and the moment at which it was read belong together
            return self._now if time.monotonic() - self._level_at < GOOD_FOR else None

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
            now = self._refresh()
            self._ended = number
            return now

    def _refresh(self) -> datetime:
        asked = time.monotonic()
        with self._connections.use() as connection:
            if self.position is None:
                turn = self.turn
                row = connection.execute("select coalesce(max(position), 0) from entries").fetchone()
                with self._lock:  # what was kept meanwhile may lie behind the position
                    if turn == self.turn:  # else this connection goes to a server that is gone
                        self._kept = _Kept(self._kept.most)
                        self.turn += 1
                        self.position = row[0] if row else 0
            rows = connection.execute(_REFRESH, [self.position, TAIL], binary=True, prepare=True).fetchall()
        with self._lock:
            if rows[0][1] is not None:
                self._follow([RawEntry(*row[1:]) for row in rows])
            self._level_at = asked
            now: datetime = max(rows[-1][0], self._last)
            self._now = now
        return now

    def get(self, stream: str) -> Loaded:
        """Return the state of a stream; version 0 and None where it is absent."""
        kept = self._kept.get(stream)
        if isinstance(kept, _Behind):
            kept = self._caught_up(stream)
        if kept is not None:
            return kept
        with self._reading() as read:
            loaded = read[stream] = self._application.load(stream)
        return loaded

    @contextmanager
    def keeping(self, most: int) -> Iterator[None]:
        """Keep at most so many states meanwhile: for who passes through many streams and leaves each behind."""
        with self._lock:
            usual, self._kept.most = self._kept.most, min(most, self._kept.most)
            for stream in list(self._kept)[: max(0, len(self._kept) - self._kept.most)]:
                self._drop(stream)
        try:
            yield
        finally:
            with self._lock:
                self._kept.most = usual

    def catch_up(self) -> None:
        """Follow what this process appended: work for the moments at which the database is at it."""
        while self._behind:
            try:
                stream = self._behind.popleft()
            except IndexError:  # another thread was faster
                return
            self._caught_up(stream)

    def _caught_up(self, stream: str) -> Loaded | None:
        """Return the state of a stream with its last entry, or None where it is not kept any longer."""
        with self._lock:
            kept = self._kept.get(stream)
            if isinstance(kept, _Behind):
                kept = self.evolve(kept.loaded, kept.entry)
                self._kept.put(stream, kept)
            return kept

    def look_up(self, streams: Collection[str]) -> None:
        """Keep the states of these streams, all that are not kept yet by one query."""
        wanted = [stream for stream in streams if not self._keeps(stream)][: self._kept.most // 2]
        if not wanted:
            return
        with self._reading() as read:
            with self._connections.use() as connection:
                rows = connection.execute(_STREAMS, [wanted], binary=True, prepare=True).fetchall()
            read.update((stream, Loaded(stream, 0, None)) for stream in wanted)
            for row in rows:
                entry = decode_for_state(RawEntry(*row))
                read[entry.stream] = self.evolve(read[entry.stream], entry)

    @contextmanager
    def _reading(self) -> Iterator[dict[str, Loaded]]:
        """Take states that are read meanwhile, and keep them but for those of streams that were followed meanwhile."""
        read: dict[str, Loaded] = {}
        followed: set[str] = set()
        with self._lock:
            self._followed.append(followed)
            turn = self.turn
        try:
            yield read
        except BaseException:
            read = {}
            raise
        finally:
            with self._lock:
                self._followed = [one for one in self._followed if one is not followed]
                if turn == self.turn:
                    for stream in read.keys() - followed:
                        self._kept.put(stream, read[stream])

    def _keeps(self, stream: str) -> bool:
        return self._kept_from(stream, 0)

    def _kept_from(self, stream: str, version: int) -> bool:
        """Return whether the state of a stream is kept, at this version or a later one."""
        kept = self._kept.get(stream)
        return kept is not None and kept.version >= version

    @property
    def last(self) -> datetime:
        """Return the time of the last entry that this process appended."""
        return self._last

    def take(self, entries: Sequence[Entry], turn: int, left: Sequence[Loaded] = ()) -> None:
        """Follow entries that were appended just now, without reading them back, unless `turn` has passed since.

        Of each stream the last entry is followed when its state is asked for, or while the next append is on its way.
        Threads come in any order: each stream is followed at once, the position when nothing lies between. `left` are
        states after these entries, where they are known already; where something later may have been followed before,
        they are not kept.
        """
        with self._lock:
            if turn != self.turn:  # they may be another history's, and where not, they are read
                return
            if not entries or self._ahead or entries[0].position - 1 != self.position:
                left = ()
            for loaded in left:
                self._note(loaded.stream)
                if not self._kept_from(loaded.stream, loaded.version):
                    self._kept.put(loaded.stream, loaded)
            followed = {loaded.stream for loaded in left}
            for entry in entries:
                if entry.stream not in followed:
                    self._step(entry)
                self._last = max(self._last, entry.recorded_at)
            if self.position is None or not entries:
                return
            if len(self._ahead) < AHEAD:
                self._ahead[entries[0].position] = entries[-1].position
            if entries[0].position == self.position + 1:
                while self.position + 1 in self._ahead:
                    self.position = self._ahead.pop(self.position + 1)
                self._now = max(self._now or self._last, self._last)
                self._level_at = time.monotonic()

    def forget(self, streams: Iterable[str]) -> None:
        """Drop states that turned out to be behind; the ledger is followed anew before the next decision."""
        with self._lock:
            self._level_at = -GOOD_FOR
            for stream in streams:
                self._drop(stream)

    def begin_anew(self) -> None:
        """Drop all that was heard: the server began anew, and may have been brought back to an earlier moment."""
        with self._lock:
            self._kept = _Kept(self._kept.most)
            self._behind.clear()
            self._ahead.clear()
            self.turn += 1
            self.position = None
            self._level_at = -GOOD_FOR

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
            self._kept = _Kept(self._kept.most)
            self._ahead.clear()
            self.turn += 1
            self.position = None
            return
        for raw in tail:
            if self.position is None or raw.position <= self.position:
                continue
            self._step(raw)
            self.position = raw.position
        self._ahead = {first: last for first, last in self._ahead.items() if first > (self.position or 0)}

    def _step(self, one: RawEntry | Entry) -> None:
        """Follow one entry, read only where the state of its stream is kept and is the one before."""
        self._note(one.stream)
        kept = self._kept.get(one.stream)
        if kept is None:
            return
        if kept.version == one.version - 1:
            loaded = self.evolve(kept.loaded, kept.entry) if isinstance(kept, _Behind) else kept
            if isinstance(one, Entry):
                self._kept.put(one.stream, _Behind(loaded, one, one.version))
                self._behind.append(one.stream)
            else:
                self._kept.put(one.stream, self.evolve(loaded, decode_for_state(one)))
        elif kept.version < one.version:
            self._drop(one.stream)

    def _note(self, stream: str) -> None:
        for followed in self._followed:
            followed.add(stream)

    def _drop(self, stream: str) -> None:
        self._kept.pop(stream, None)
