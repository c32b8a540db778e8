"""Rows of `entries` and `receipts` in PostgreSQL's binary COPY format: big-endian fields, each after its length.

The format is described in PostgreSQL's documentation of COPY, section "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat
from operator import add, call

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""What a file of this format begins with."""
END = b"\xff\xff"
"""What it ends with."""
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 (in UTC, as every time of a ledger)
_LENGTH = struct.Struct("!i")
_BIG = struct.Struct("!iq")
_NULL = _LENGTH.pack(-1)
_TWO_NULLS = _NULL + _NULL
_TIME = 27
"""Characters of a time as a ledger writes it."""
_EIGHT_FIELDS = struct.pack("!hi", 8, 8)
"""How many fields a row has, and the length of the first."""


class RowWriter:
    """Packs rows of `entries`; keeps what comes again and again."""

    def __init__(self) -> None:
        self._packs: dict[int, Callable[..., bytes]] = {}

    def row(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, data: bytes,
        reference: str | None, supersedes: int | None,
    ) -> bytes:  # fmt: skip
        """Return the eight fields of a row. Raises ValueError where the time is not spelled as a ledger does."""
        at = recorded_at.encode()
        if len(at) != _TIME or at[-1:] != b"Z" or not at[20:26].isdigit():
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        return self.rows(
            [position], instants([at[:20]], [at[20:26]]), [stream.encode()], [version], [name.encode()], [data],
            {} if reference is None else {position: reference}, {} if supersedes is None else {position: supersedes},
        )  # fmt: skip

    def rows(
        self, positions: Sequence[int], at: Sequence[int], streams: Sequence[bytes], versions: Sequence[int],
        names: Sequence[bytes], stored: Sequence[bytes], references: Mapping[int, str], supersedes: Mapping[int, int],
    ) -> bytes:  # fmt: skip
        """Return rows one after the other; references and what is superseded by position, where there is any.

        `at` are their times in microseconds since PostgreSQL's epoch.
        """
        lengths = list(map(len, streams))
        fields = repeat(_EIGHT_FIELDS), positions, repeat(8), at, lengths, streams, repeat(4), versions
        if lengths.count(lengths[0]) == len(lengths):  # one way to pack them all
            heads = map(self._pack_of(lengths[0]), *fields)
        else:
            heads = map(call, map(self._pack_of, lengths), *fields)
        named = {name: _LENGTH.pack(len(name)) + name for name in set(names)}
        after, sizes = map(named.__getitem__, names), map(_LENGTH.pack, map(len, stored))
        tails = [_TWO_NULLS] * len(lengths)
        for position in (*references, *supersedes):
            tails[position - positions[0]] = _given(references.get(position), supersedes.get(position))
        return b"".join(chain.from_iterable(zip(heads, after, sizes, stored, tails, strict=True)))

    def _pack_of(self, stream: int) -> Callable[..., bytes]:
        """Return what packs the fields before the name, for this length of the stream's name."""
        pack = self._packs.get(stream)
        if pack is None:
            pack = self._packs[stream] = struct.Struct(f"!6sqiqi{stream}sii").pack
        return pack


def instants(seconds: Sequence[bytes], fractions: Sequence[bytes]) -> list[int]:
    """Return times, each as a second with the point after it and six digits, in microseconds since PostgreSQL's epoch.

    Raises ValueError where a second is not spelled as a ledger does.
    """
    began = {second: _microseconds(second.decode()) for second in set(seconds)}
    return list(map(add, map(began.__getitem__, seconds), map(int, fractions)))


def _microseconds(second: str) -> int:
    """Return a second, with the point after it, in microseconds since PostgreSQL's epoch."""
    at = datetime.fromisoformat(second[:19])
    if f"{at.isoformat()}." != second:
        raise ValueError(f"the time {second} is not spelled as a ledger writes it.")
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000


def receipt_row(actor: str, key: str, fingerprint: str, first: int, last: int) -> bytes:
    """Return the five fields of a row of `receipts`."""
    return b"".join(
        (
            struct.pack("!h", 5),
            _text(actor),
            _text(key),
            _text(fingerprint),
            _BIG.pack(8, first),
            _BIG.pack(8, last),
        )
    )


def _given(reference: str | None, supersedes: int | None) -> bytes:
    return (_NULL if reference is None else _text(reference)) + (
        _NULL if supersedes is None else _BIG.pack(8, supersedes)
    )


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
