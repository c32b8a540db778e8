"""The world that a rehearsal leaves behind it: nothing of it is recorded, and of what is long past only bytes are kept.

A rehearsal of a long import would otherwise hold every state and every event until its end, some 50 KB for each
objective. Here an objective that was not touched for long is held as the native lines of its entries, compressed, which
are about 1.5 KB, and is followed anew from these when it is asked for: the way by which recorded entries are read.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from aggregates.entry import Entry
from ledger.codec import RawEntry, decode, decode_for_state, export_line, read_line
from ledger.library import Loaded
from ledger.place import Connections
from ledger.states import States
from ledger.worlds import LedgerWorld

STATES_KEPT: Final = 2_000
"""Objectives whose states and entries are kept as they are."""
_OBJECTIVE: Final = "objective:"
_FAST: Final = 1


class ForeseenWorld(LedgerWorld):
    """The ledger with what one order after the other would have recorded; no versions are noted, as none is checked."""

    def __init__(self, states: States, connections: Connections) -> None:
        super().__init__(states, connections)
        self._most = STATES_KEPT
        self._touched: dict[str, None] = {}
        """The objectives whose states are kept, the one that was not touched for longest first."""
        self._told: dict[str, list[RawEntry] | bytes] = {}
        """What each stream was foreseen to be told: entries, or their lines, compressed."""
        self._numbers: dict[str, int] = {}
        self._streams = array("L")
        """The number of the stream of each entry, from the first position that was foreseen."""
        self._names: list[str] = []
        self._first = 0
        self._remarkable: list[Entry] = []

    def foresee(self, entries: Sequence[Entry], told: Sequence[bytes]) -> None:
        """Make decided events part of the world, in the order of their positions; `told` are the bytes of each."""
        self.absorb(list(entries))
        self._absorbed.clear()
        for entry, data in zip(entries, told, strict=True):
            self._note(entry, data)
        for stream in dict.fromkeys(entry.stream for entry in entries):
            self._touch(stream)

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None."""
        if not self.has_absorbed(position):
            if len(self._entries) >= self._most:
                self._entries.clear()
            return super().entry(position)
        stream = self._names[self._streams[position - self._first]]
        return next(decode(raw) for raw in self._entries_of(stream) if raw.position == position)

    def has_absorbed(self, position: int | None) -> bool:
        """Return whether the entry at this position is foreseen."""
        return position is not None and 0 <= position - self._first < len(self._streams)

    def _note(self, entry: Entry, data: bytes) -> None:
        if not self._streams:
            self._first = entry.position
        number = self._numbers.setdefault(entry.stream, len(self._names))
        if number == len(self._names):
            self._names.append(entry.stream)
        self._streams.append(number)
        raw = RawEntry(
            entry.position, entry.recorded_at, entry.stream, entry.version, entry.event.stored_name, data
        )
        self._entries_of(entry.stream).append(raw)
        if (
            entry.circumstances.supersedes is not None
            or entry.stream.startswith("team:")
            or raw.name == "objective.visibility_set"
        ):
            self._remarkable.append(entry)

    def _foreseen(self) -> Iterator[Entry]:
        """Give those of the foreseen entries that are looked for by what they say."""
        yield from self._remarkable

    def _load(self, stream: str) -> Loaded:
        seen = self._seen.get(stream)
        if seen is None:
            seen = self._seen[stream] = self._followed(stream)
            self._touch(stream)
        return seen

    def _followed(self, stream: str) -> Loaded:
        """Return the state of a stream as the ledger has it, with what was foreseen since."""
        told = self._entries_of(stream) if stream in self._told else []
        if not told or told[0].version > 1:
            loaded = self._states.get(stream)
        else:
            loaded = Loaded(stream, 0, None)
        for raw in told:
            loaded = self._states.evolve(loaded, decode_for_state(raw))
        return loaded

    def _entries_of(self, stream: str) -> list[RawEntry]:
        """Return what a stream was foreseen to be told, ready for more."""
        told = self._told.setdefault(stream, [])
        if isinstance(told, bytes):
            told = self._told[stream] = [read_line(line) for line in zlib.decompress(told).split(b"\n")]
            self._touch(stream)
        return told

    def _touch(self, stream: str) -> None:
        """Keep this state, and of the one that was not touched for longest only the bytes."""
        if not stream.startswith(_OBJECTIVE):
            return
        self._touched.pop(stream, None)
        self._touched[stream] = None
        while len(self._touched) > self._most:
            oldest = next(iter(self._touched))
            del self._touched[oldest]
            self._seen.pop(oldest, None)
            told = self._told.get(oldest)
            if isinstance(told, list):
                self._told[oldest] = zlib.compress(b"\n".join(map(export_line, told)), _FAST)
