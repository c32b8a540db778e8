"""The seal on the second file of a backup: its last line proves that nobody added, changed or cut a line.

The last line is `{"table":"end","ledger":…,"lines":…,"position":…,"at":…,"key":…,"seal":…}`: the ledger's identifier,
how many lines come before, where the ledger stood when they were read, what recognises the master key, and HMAC-SHA256
(RFC 2104), under a key derived from the master key, over every byte before it and over this line without the seal. A
file without the place was written before there was one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from uuid import UUID

import orjson

from ledger.keys import LOSS, MasterKey, MasterKeyError

END = "end"
"""Stands in the last line where the others name their table."""
_FIRST, _PLACE, _LAST = ("table", "ledger", "lines"), ("position", "at"), ("key",)


@dataclass(frozen=True, slots=True)
class Written:
    """When a directory was written down: the ledger's last position then, and the database's clock, ISO 8601."""

    position: int
    at: str


def written_of(end: bytes) -> Written | None:
    """Return when a directory was written by its last line, unproven; None where that does not say."""
    try:
        told = orjson.loads(end)
        return Written(int(told["position"]), str(told["at"])) if told["table"] == END else None
    except (ValueError, KeyError, TypeError):
        return None


def sealed(
    lines: Iterable[bytes], ledger: UUID, master: MasterKey, written: Callable[[], Written] | None = None
) -> Iterator[bytes]:
    """Give the lines and, after them, the one that seals them; `written` is asked once the lines are through."""
    number, seal = 0, _begun(ledger, master)
    for line in lines:
        number += 1
        seal.update(line)
        yield line
    place = {} if written is None else asdict(written())
    told = {
        "table": END, "ledger": str(ledger), "lines": number, **place, "key": master.check(ledger),
    }  # fmt: skip
    seal.update(orjson.dumps(told))
    yield orjson.dumps({**told, "seal": seal.hexdigest()}) + b"\n"


def unsealed(
    lines: Iterable[bytes], ledger: UUID, master: MasterKey | None, tell: Callable[[Written | None], object]
) -> Iterator[bytes]:
    """Give the lines without the last, which is held against them; without a master key its seal is not.

    What was given counts only once the end is reached: until then nothing is proven. Then `tell` is called with the
    place at which they were written, None where the file does not say. Raises ValueError with a sentence
    where the file was changed or cut, or belongs to another ledger, MasterKeyError where another key sealed it.
    """
    seal = None if master is None else _begun(ledger, master)
    number, end = 0, None
    for line in lines:
        if end is not None:
            raise ValueError(f"line {number + 2} comes after its end.")
        if line.startswith(b'{"table":"end",'):
            end = line
            continue
        number += 1
        if seal is not None:
            seal.update(line)
        yield line
    if end is None:
        raise ValueError("it has no last line that seals it; it was cut, or not written by `export`.")
    tell(_check_end(end, number, ledger, master, seal))


def _check_end(
    end: bytes, number: int, ledger: UUID, master: MasterKey | None, seal: hmac.HMAC | None
) -> Written | None:
    try:
        told = orjson.loads(end)
        given = told.pop("seal")
        whole = (*told,) in (_FIRST + _LAST, _FIRST + _PLACE + _LAST) and isinstance(given, str)
        whole = whole and given.isascii()
        written = Written(int(told["position"]), str(told["at"])) if "position" in told else None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("its last line cannot be read; it was cut or changed.") from error
    if not whole or orjson.dumps({**told, "seal": given}) + b"\n" != end:
        raise ValueError("its last line is not spelled as `export` writes it; it was cut or changed.")
    if told["ledger"] != str(ledger):
        raise ValueError(f"it belongs to ledger {told['ledger']}, the entries to {ledger}.")
    if told["lines"] != number:
        raise ValueError(
            f"it has {number} lines, and says that they were {told['lines']}; it was cut or changed."
        )
    if master is None or seal is None:
        return written
    if told["key"] != master.check(ledger):
        raise MasterKeyError(f"This is not the master key that sealed the directory's file. {LOSS}")
    seal.update(orjson.dumps(told))
    if not hmac.compare_digest(seal.hexdigest(), given):
        raise ValueError("its seal does not fit its lines; something was changed, added or taken away.")
    return written


def _begun(ledger: UUID, master: MasterKey) -> hmac.HMAC:
    return hmac.new(master.sealing, ledger.bytes, hashlib.sha256)
