"""Rows of `entries` and `receipts` in PostgreSQL's binary COPY format: big-endian fields, each after its length.

The format is described in PostgreSQL's documentation of COPY, section "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""What a file of this format begins with."""
END = b"\xff\xff"
"""What it ends with."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LENGTH = struct.Struct("!i")
_BIG = struct.Struct("!iq")
_NULL = _LENGTH.pack(-1)
_TWO_NULLS = _NULL + _NULL


class RowWriter:
    """Packs rows of `entries`; keeps what comes again and again."""

    def __init__(self) -> None:
        self._second, self._microseconds = "", 0
        self._packs: dict[tuple[str, int], Callable[..., bytes]] = {}

    def row(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, data: bytes,
        reference: str | None, supersedes: int | None,
    ) -> bytes:  # fmt: skip
        """Return the eight fields of a row. Raises ValueError where the time is not spelled as a ledger does."""
        fraction = recorded_at[20:26]
        if (
            len(recorded_at) != 27
            or recorded_at[26] != "Z"
            or not (fraction.isdigit() and fraction.isascii())
        ):
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        if recorded_at[:20] != self._second:
            self._tick(recorded_at)
        spelled, at = stream.encode(), self._microseconds + int(fraction)
        pack = self._packs.get((name, len(spelled))) or self._pack_of(name, len(spelled))
        return (
            pack(
                8, 8, position, 8, at, len(spelled), spelled, 4, version, len(name), name.encode(), len(data)
            )
            + data
            + (_TWO_NULLS if reference is None and supersedes is None else _given(reference, supersedes))
        )

    def _pack_of(self, name: str, length: int) -> Callable[..., bytes]:
        """Return what packs the fields before the data, for a name and a length of the stream's name."""
        pack = struct.Struct(f"!hiqiqi{length}siii{len(name.encode())}si").pack
        self._packs[name, length] = pack
        return pack

    def _tick(self, recorded_at: str) -> None:
        """Reckon the second of a time, in microseconds since PostgreSQL's epoch."""
        second = datetime.fromisoformat(f"{recorded_at[:19]}Z")
        if f"{second:%Y-%m-%dT%H:%M:%S}." != recorded_at[:20]:
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        since = second - _EPOCH
        self._second = recorded_at[:20]
        self._microseconds = (since.days * 86_400 + since.seconds) * 1_000_000


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
