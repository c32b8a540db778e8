"""Each entry by itself and against the one before: columns against bytes, no gap in positions, times and versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from ledger.codec import RawEntry
from replay.difference import Difference, Differs

Copies = Mapping[int, tuple[str | None, int | None]]
"""Reference and supersedes by position, as the columns beside the bytes have them."""
_NONE = (None, None)


class Columns:
    """The checks of each entry by itself and against the one before."""

    def __init__(self) -> None:
        self._last: RawEntry | None = None
        self._versions: dict[str, int] = {}

    @property
    def last(self) -> RawEntry | None:
        """Return the last entry that was checked."""
        return self._last

    def of(self, entries: Iterable[RawEntry], copies: Copies | None = None) -> Iterator[RawEntry]:
        """Pass entries on, each after it was checked; `copies` are the columns reference and supersedes."""
        for raw in entries:
            self._check(raw, copies)
            self._last = raw
            yield raw

    def _check(self, raw: RawEntry, copies: Copies | None) -> None:
        last = self._last
        data = orjson.loads(raw.data)
        for facet in ("stream", "version", "name"):
            if data.get(facet) != getattr(raw, facet):
                self._differs(raw, facet, data.get(facet), getattr(raw, facet))
        expected = 1 if last is None else last.position + 1
        if raw.position != expected:
            self._differs(raw, "position", expected, raw.position)
        if last is not None and raw.recorded_at <= last.recorded_at:
            after = f"a time after {last.recorded_at.isoformat()}"
            self._differs(raw, "recorded_at", after, raw.recorded_at.isoformat())
        version = self._versions.get(raw.stream, 0) + 1
        if raw.version != version:
            self._differs(raw, "version", version, raw.version)
        self._versions[raw.stream] = version
        supersedes = data.get("supersedes")
        if supersedes is not None and not (isinstance(supersedes, int) and 0 < supersedes < raw.position):
            self._differs(raw, "supersedes", "an earlier position", supersedes)
        if copies is not None:
            told = (None if supersedes is not None else data["body"].get("reference"), supersedes)
            for facet, left, right in zip(
                ("reference", "supersedes"), told, copies.get(raw.position, _NONE), strict=True
            ):
                if left != right:
                    self._differs(raw, facet, left, right)

    def _differs(self, raw: RawEntry, facet: str, expected: Any, found: Any) -> None:
        raise Differs(Difference("entries", f"entry {raw.position}", facet, expected, found, raw.position))
