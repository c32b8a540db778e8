"""What is known of every row of a table, in a few dozen bytes each: names are kept as fingerprints."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct
from uuid import UUID

_FEWEST = 64
"""Places of a new table; it doubles when two thirds of them are taken."""
_HEAD = Struct("!16sIH")


def fingerprint(text: str) -> int:
    """Return eight bytes of a text as a number."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


class Numbers:
    """A number for each of many names, the one that was told first: 18 to 36 bytes a name (twice as much while the
    table doubles), 24 to 48 where the numbers are `large`.

    Two names with the same fingerprint would be taken for one: of a million names, once in thirty million tables.
    """

    def __init__(self, *, large: bool = False) -> None:
        self._kind = "Q" if large else "I"
        self._keys, self._numbers, self._used = self._room(_FEWEST), self._room(_FEWEST, self._kind), 0

    def first(self, name: str, number: int) -> int:
        """Return the number that was first told with this name: this one where it is new."""
        key = fingerprint(name) or 1
        place = self._place(key)
        if self._keys[place]:
            return self._numbers[place]
        self._keys[place], self._numbers[place] = key, number
        self._used += 1
        if 3 * self._used > 2 * len(self._keys):
            self._grow()
        return number

    def known(self, name: str) -> int | None:
        """Return the number that was first told with this name, None where there is none."""
        return self.of(fingerprint(name))

    def of(self, mark: int) -> int | None:
        """Return the number that was first told with the name of this fingerprint, None where there is none."""
        place = self._place(mark or 1)
        return self._numbers[place] if self._keys[place] else None

    def __contains__(self, name: str) -> bool:
        return self.known(name) is not None

    def __len__(self) -> int:
        return self._used

    def _place(self, key: int) -> int:
        """Return where a key stands, or where it would."""
        keys = self._keys
        last = len(keys) - 1
        place = key & last
        while (found := keys[place]) and found != key:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        keys, numbers = self._keys, self._numbers
        self._keys, self._numbers = self._room(2 * len(keys)), self._room(2 * len(keys), self._kind)
        for key, number in zip(keys, numbers, strict=True):
            if key:
                place = self._place(key)
                self._keys[place], self._numbers[place] = key, number

    @staticmethod
    def _room(places: int, kind: str = "Q") -> array[int]:
        return array(kind, bytes(places * array(kind).itemsize))


class Objectives:
    """The objectives of a table in the order of their rows: identifier and line, twenty bytes each."""

    def __init__(self, block: int) -> None:
        self._block = block
        self._identifiers = bytearray()
        self._lines = array("I")

    def add(self, identity: UUID, line: int) -> None:
        """Take note of one objective."""
        self._identifiers += identity.bytes
        self._lines.append(line)

    def __iter__(self) -> Iterator[tuple[UUID, int]]:
        """Give the last ones first, whose states are still kept, a block at a time; these in their order."""
        for end in range(len(self._lines), 0, -self._block):
            for place in range(max(0, end - self._block), end):
                identity = UUID(bytes=bytes(self._identifiers[16 * place : 16 * place + 16]))
                yield identity, self._lines[place]


class Parents:
    """Which objectives name a parent, in the order of their rows: identifier, the parent's key, line; 22 bytes each and
    the bytes of the key."""

    def __init__(self) -> None:
        self._told = bytearray()

    def add(self, child: UUID, parent: str, line: int) -> None:
        """Take note of one objective and the key of its parent."""
        key = parent.encode()
        self._told += _HEAD.pack(child.bytes, line, len(key)) + key

    def __iter__(self) -> Iterator[tuple[UUID, str, int]]:
        at = 0
        while at < len(self._told):
            child, line, size = _HEAD.unpack_from(self._told, at)
            at += _HEAD.size + size
            yield UUID(bytes=child), self._told[at - size : at].decode(), line
