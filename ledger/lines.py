"""The check of native lines, one after the other, on their way into PostgreSQL's binary COPY format."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from aggregates.entry import Idempotency, Reason, Source
from aggregates.vocabulary import EVENTS
from ledger.codec import MEMBERS, read_moment
from ledger.limits import BYTES_PER_ENTRY

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_START_OF_ROW = struct.Struct("!hiqiqi")
_AFTER_STREAM = struct.Struct("!iii")
_LENGTH = struct.Struct("!i")
_BIG = struct.Struct("!iq")
_NULL = _LENGTH.pack(-1)
_STREAM = re.compile(r"[a-z_]+(:[a-z0-9-]{1,40})?")
_BY = re.compile(r"(person|service):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REQUEST = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = {"stream", "version", "name", "by", "request", "body"}
_MEMBERS = frozenset(MEMBERS)
LONGEST_LINE = 2 * BYTES_PER_ENTRY
"""Bytes of a line, more than an entry with its head can have: what is longer is not read to its end."""


def read_lines(source: IO[bytes], longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Give the lines of a file, each with its line break; of one that is too long only as much as shows it."""
    while line := source.readline(longest + 1):
        yield line


_CIRCUMSTANCES: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("effective_at", read_moment),
    ("reason", Reason.model_validate),
    ("decision", UUID),
    ("source", Source.model_validate),
    ("idempotency", Idempotency.model_validate),
)
"""What an entry may say beside who asked and what happened, and what reads it, as `read_circumstances` does."""


class LineCheck:
    """Checks one line after the other and turns each into a row of PostgreSQL's binary COPY format."""

    def __init__(self, receipts: IO[bytes]) -> None:
        self.position = 0
        self.recorded_at = ""
        self.ledger = UUID(int=0)
        self.zone = "UTC"
        self._zone = ZoneInfo("UTC")
        self.references = {"OBJ": 0, "KR": 0}
        self._second = ("", 0)
        self._versions: dict[str, int] = {}
        self._actors: set[str] = set()
        self._receipts = receipts
        self._key: tuple[str, str, str, int] | None = None
        self._validators = {
            name: cast("SchemaValidator", event.__pydantic_validator__).validate_python
            for name, event in EVENTS.items()
        }

    def row(self, line: bytes) -> bytes:
        """Return the row of a line. Raises ValueError with a sentence."""
        if len(line) > LONGEST_LINE:
            raise ValueError(f"the line has more than {LONGEST_LINE} bytes; no entry of a ledger has.")
        if line[-1:] != b"\n":
            raise ValueError("the line has no end; the file was cut off.")
        try:
            told = orjson.loads(line)
            position, recorded_at, stream = told["position"], told["recorded_at"], told["stream"]
            version, name, entry = told["version"], told["name"], told["data"]
            prefix = (
                f'{{"position":{position},"recorded_at":"{recorded_at}","stream":"{stream}",'
                f'"version":{version},"name":"{name}","data":'
            ).encode()
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError("this is not a line of a ledger's export.") from error
        data = line[len(prefix) : -2]
        if (
            not line.startswith(prefix)
            or len(told) != 6
            or (orjson.dumps(entry) != data and not _same(data, entry))
        ):
            raise ValueError("the line is not spelled as a ledger writes it.")
        self._check_place(position, recorded_at, stream, version)
        reference, supersedes = self._check_entry(position, recorded_at, stream, version, name, entry, data)
        return self._packed(position, recorded_at, stream, version, name, data, reference, supersedes)

    def _check_place(self, position: Any, recorded_at: str, stream: str, version: Any) -> None:
        if position != self.position + 1 or type(position) is not int:
            raise ValueError(
                f"position {position} follows {self.position}; entries are missing or out of order."
            )
        if recorded_at <= self.recorded_at:
            raise ValueError(f"the time {recorded_at} is not later than the one before, {self.recorded_at}.")
        before = self._versions.get(stream, 0)
        if not before and not _STREAM.fullmatch(stream):
            raise ValueError("the name of the stream is malformed.")
        if version != before + 1 or type(version) is not int:
            raise ValueError(f"version {version} of {stream} follows version {before}.")
        self.position, self.recorded_at, self._versions[stream] = position, recorded_at, version

    def _check_entry(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, entry: Any, data: bytes
    ) -> tuple[str | None, int | None]:
        if entry.get("stream") != stream or entry.get("version") != version or entry.get("name") != name:
            raise ValueError("the stored bytes do not say what the line says of them.")
        if (name == "ledger.created") is not (position == 1):
            raise ValueError("the first entry of a ledger, and no other, creates it.")
        validator = self._validators.get(name)
        if validator is None:
            raise ValueError(f"the name {name} is not known to this release; use a later one.")
        if len(data) > BYTES_PER_ENTRY:
            raise ValueError(f"the entry has {len(data)} bytes; at most {BYTES_PER_ENTRY} are kept.")
        body = entry.get("body")
        try:
            validator(body)
            self._check_circumstances(entry, recorded_at)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"the entry {name} cannot be read: {first_line(error)}.") from error
        if position == 1:
            self.ledger, self.zone = UUID(body["ledger"]), body["zone"]
            try:
                self._zone = ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"the time zone {self.zone} is not known.") from error
        if "idempotency" in entry:
            self._keep(entry["by"], entry["idempotency"], position)
        elif self._key is not None:
            self.flush(before=position)
        supersedes = entry.get("supersedes")
        if supersedes is not None:
            if not (type(supersedes) is int and 0 < supersedes < position):
                raise ValueError("an entry supersedes an earlier one.")
            return None, supersedes
        reference = body.get("reference")
        if reference is not None:
            kind, _, number = reference.partition("-")
            self.references[kind] = max(self.references.get(kind, 0), int(number))
        return reference, None

    def _check_circumstances(self, entry: dict[str, Any], recorded_at: str) -> None:
        """Check who and when by their spelling; whatever else is there by reading it."""
        by = entry["by"]
        if by not in self._actors:
            if not _BY.fullmatch(by):
                raise ValueError("by is malformed")
            self._actors.add(by)
        if not _REQUEST.fullmatch(entry["request"]):
            raise ValueError("request is malformed")
        if len(entry) > len(_PLAIN):
            if not entry.keys() <= _MEMBERS:
                raise ValueError(f"{min(entry.keys() - _MEMBERS)} is nothing that an entry says")
            for name, read in _CIRCUMSTANCES:
                if entry.get(name) is not None:
                    read(entry[name])
            effective_at, latest = entry.get("effective_at", ""), recorded_at
            if len(effective_at) == 10 and effective_at >= recorded_at[:10]:
                latest = self._day_of(recorded_at)  # a day before that of UTC is none to come anywhere
            if effective_at > latest:
                raise ValueError("it became true after it was recorded")

    def _day_of(self, recorded_at: str) -> str:
        """Return the organisation's day of a time."""
        return datetime.fromisoformat(recorded_at).astimezone(self._zone).date().isoformat()

    def _packed(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, data: bytes,
        reference: str | None, supersedes: int | None,
    ) -> bytes:  # fmt: skip
        """Return the eight fields of a row, each after its length."""
        if len(recorded_at) != 27 or recorded_at[-1] != "Z":
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        second, fraction = recorded_at[:19], recorded_at[20:26]
        if recorded_at[19] != "." or not (fraction.isascii() and fraction.isdigit()):
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        if second != self._second[0]:
            since = datetime.fromisoformat(f"{second}Z") - _EPOCH
            self._second = second, (since.days * 86_400 + since.seconds) * 1_000_000
        microseconds = self._second[1] + int(fraction)
        stream_bytes, name_bytes = stream.encode(), name.encode()
        return b"".join(
            (
                _START_OF_ROW.pack(8, 8, position, 8, microseconds, len(stream_bytes)),
                stream_bytes,
                _AFTER_STREAM.pack(4, version, len(name_bytes)),
                name_bytes,
                _LENGTH.pack(len(data)),
                data,
                _NULL if reference is None else _LENGTH.pack(len(reference)) + reference.encode(),
                _NULL if supersedes is None else _BIG.pack(8, supersedes),
            )
        )

    def _keep(self, actor: str, idempotency: dict[str, str], position: int) -> None:
        """Remember the idempotency key of an entry; entries that follow each other with one key are one receipt."""
        key = idempotency["key"]
        if self._key is not None and self._key[:2] == (actor, key):
            return
        self.flush(before=position)
        self._key = (actor, key, idempotency["fingerprint"], position)

    def flush(self, before: int) -> None:
        """Write the receipt that is being gathered, of entries before a position, to the side."""
        if self._key is None:
            return
        actor, key, fingerprint, first = self._key
        row = [struct.pack("!h", 5)]
        for text in (actor, key, fingerprint):
            encoded = text.encode()
            row += [_LENGTH.pack(len(encoded)), encoded]
        row += [_BIG.pack(8, first), _BIG.pack(8, before - 1)]
        self._receipts.write(b"".join(row))
        self._key = None


def _same(data: bytes, entry: Any) -> bool:
    """Return whether bytes that are spelled in another way are this one value."""
    try:
        return bool(orjson.loads(data) == entry)
    except ValueError:
        return False


def first_line(error: Exception) -> str:
    """Return what an error says, on one line and without its full stop."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error).splitlines()[0].rstrip(".")
