"""The check of native lines, one after the other, on their way into PostgreSQL's binary COPY format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import ValidationError

from aggregates.entry import Idempotency, Reason, Source
from aggregates.values import AS_KEPT
from aggregates.vocabulary import EVENTS
from ledger.bodies import BodyCheck
from ledger.codec import MEMBERS, moment_text, read_moment
from ledger.disguise import is_gzip, unpacked
from ledger.limits import BYTES_PER_ENTRY
from ledger.rows import RowWriter, receipt_row

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
is_stream = re.compile(r"(?=.{1,60}\Z)[a-z_]+(:[a-z0-9-]+)?").fullmatch
is_actor = re.compile(f"(?:person|service):{_UUID}").fullmatch
is_request = re.compile(_UUID).fullmatch
_fields = itemgetter("position", "recorded_at", "stream", "version", "name", "data")
PLAIN = 6
"""Members of an entry that says nothing but stream, version, name, by, request and body."""
_MEMBERS = frozenset(MEMBERS)
LONGEST_LINE = 2 * BYTES_PER_ENTRY
"""Bytes of a line, more than an entry with its head can have: what is longer is not read to its end."""


def read_lines(source: IO[bytes], longest: int = LONGEST_LINE, *, unpacking: bool = False) -> Iterator[bytes]:
    """Give the lines of a file, each with its line break; of one that is too long only as much as shows it.

    A file packed by gzip is unpacked on the way, if that is wanted. Raises PackedFileIsDamaged.
    """
    with unpacked(source) if unpacking and is_gzip(source) else nullcontext(source) as content:
        while line := content.readline(longest + 1):
            yield line


def _spelled(as_stored: Callable[[str], object], told: Any) -> None:
    if not as_stored(told):
        raise ValueError(f"{told} is not spelled as a ledger writes it")


_CIRCUMSTANCES: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("on_behalf_of", lambda told: _spelled(is_actor, told)),
    ("reason", partial(Reason.model_validate, context=AS_KEPT)),
    ("decision", lambda told: _spelled(is_request, told)),
    ("source", partial(Source.model_validate, context=AS_KEPT)),
    ("idempotency", partial(Idempotency.model_validate, context=AS_KEPT)),
)
"""What an entry may say beside who, when and what happened, and what reads it, as `read_circumstances` does."""


class LineCheck:
    """Checks one line after the other and turns each into a row of PostgreSQL's binary COPY format."""

    def __init__(self, receipts: IO[bytes]) -> None:
        self.position = 0
        self.recorded_at = ""
        self.ledger = UUID(int=0)
        self.zone = "UTC"
        self.superseding = 0
        """How many of the lines supersede another."""
        self._zone = ZoneInfo("UTC")
        self._hour: tuple[str, str | None] = ("", None)
        self.references = {"OBJ": 0, "KR": 0}
        self.versions: dict[str, int] = {}
        self.actors: set[str] = set()
        self.days: set[str] = set()
        """Days that something became true on, rightly spelled."""
        self._receipts = receipts
        self._key: tuple[str, str, str, int] | None = None
        self.writer = RowWriter()
        identifiers = set[str]()
        self.bodies = {name: BodyCheck(event, identifiers) for name, event in EVENTS.items()}

    def row(self, line: bytes) -> bytes:
        """Return the row of a line. Raises ValueError with a sentence."""
        if len(line) > LONGEST_LINE:
            raise ValueError(f"the line has more than {LONGEST_LINE} bytes; no entry of a ledger has.")
        if line[-1:] != b"\n":
            raise ValueError("the line has no end; the file was cut off.")
        try:
            told = orjson.loads(line)
            position, recorded_at, stream, version, name, entry = _fields(told)
            prefix = (
                f'{{"position":{position},"recorded_at":"{recorded_at}","stream":"{stream}",'
                f'"version":{version},"name":"{name}","data":'
            ).encode()
            as_written = orjson.dumps(entry)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError("this is not a line of a ledger's export.") from error
        data = line[len(prefix) : -2]
        if not line.startswith(prefix) or len(told) != 6 or (as_written != data and not _same(data, entry)):
            raise ValueError("the line is not spelled as a ledger writes it.")
        before = self.versions.get(stream, 0)
        if (
            position != self.position + 1
            or type(position) is not int
            or recorded_at <= self.recorded_at
            or version != before + 1
            or type(version) is not int
            or (not before and not is_stream(stream))
        ):
            raise ValueError(self._misplaced(position, recorded_at, stream, version))
        self.position, self.recorded_at, self.versions[stream] = position, recorded_at, version
        reference, supersedes = self._check_entry(position, recorded_at, stream, version, name, entry, data)
        return self.writer.row(position, recorded_at, stream, version, name, data, reference, supersedes)

    def _misplaced(self, position: Any, recorded_at: str, stream: str, version: Any) -> str:
        """Say why a line does not follow the ones before it."""
        if position != self.position + 1 or type(position) is not int:
            return f"position {position} follows {self.position}; entries are missing or out of order."
        if recorded_at <= self.recorded_at:
            return f"the time {recorded_at} is not later than the one before, {self.recorded_at}."
        before = self.versions.get(stream, 0)
        if not before and not is_stream(stream):
            return "the name of the stream is malformed."
        return f"version {version} of {stream} follows version {before}."

    def _check_entry(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, entry: Any, data: bytes
    ) -> tuple[str | None, int | None]:
        """Check what the stored bytes say; return the reference that is given and the entry that is superseded."""
        if (
            type(entry) is not dict
            or (entry.get("stream"), entry.get("version"), entry.get("name")) != (stream, version, name)
            or not _is_whole(entry["version"])
        ):
            raise ValueError("the stored bytes do not say what the line says of them.")
        if (name == "ledger.created") is not (position == 1):
            raise ValueError("the first entry of a ledger, and no other, creates it.")
        known = self.bodies.get(name)
        if known is None:
            raise ValueError(f"the name {name} is not known to this release; use a later one.")
        if len(data) > BYTES_PER_ENTRY:
            raise ValueError(f"the entry has {len(data)} bytes; at most {BYTES_PER_ENTRY} are kept.")
        body: Any = entry.get("body")
        supersedes = None
        try:
            known.read(body)
            if entry["by"] not in self.actors:
                self._meet(entry["by"])
            if not is_request(entry["request"]):
                raise ValueError("request is malformed")
            if len(entry) > PLAIN:
                self.read_circumstances(entry, recorded_at)
                supersedes = entry.get("supersedes")
        except (ValidationError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise ValueError(f"the entry {name} cannot be read: {first_line(error)}.") from error
        if position == 1:
            self._found(body)
        self.gather(entry["by"], entry.get("idempotency"), position)
        if supersedes is not None:
            if not (_is_whole(supersedes) and 0 < supersedes < position):
                raise ValueError("an entry supersedes an earlier one.")
            self.superseding += 1
            return None, int(supersedes)
        reference = body.get("reference")
        if reference is not None:
            self.give(reference)
        return reference, None

    def give(self, reference: str) -> None:
        """Keep a reference, so that it is not given again."""
        kind, _, number = reference.partition("-")
        self.references[kind] = max(self.references.get(kind, 0), int(number))

    def _meet(self, by: str) -> None:
        """Check the spelling of somebody who recorded nothing before."""
        if not is_actor(by):
            raise ValueError("by is malformed")
        self.actors.add(by)

    def _found(self, body: dict[str, Any]) -> None:
        """Take ledger and time zone from the first entry."""
        self.ledger, self.zone = UUID(body["ledger"]), body["zone"]
        try:
            self._zone = ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"the time zone {self.zone} is not known.") from error
        self._hour = "", None

    def read_circumstances(self, entry: dict[str, Any], recorded_at: str) -> None:
        """Read what an entry says beside who, by which request, and what happened.

        Raises ValueError, KeyError, TypeError, OverflowError or pydantic's ValidationError where that cannot be.
        """
        effective_at = entry.get("effective_at")
        if effective_at is not None and moment_text(read_moment(effective_at)) != effective_at:
            raise ValueError(f"{effective_at} is no day and no instant as a ledger writes it")
        if not entry.keys() <= _MEMBERS:
            raise ValueError(f"{min(entry.keys() - _MEMBERS)} is nothing that an entry says")
        for name, read in _CIRCUMSTANCES:
            if (value := entry.get(name)) is not None:
                read(value)
        if effective_at is not None:
            latest = recorded_at
            if len(effective_at) == 10 and effective_at >= recorded_at[:10]:
                latest = self.day_of(recorded_at)  # a day before that of UTC is none to come anywhere
            if effective_at > latest:
                raise ValueError("it became true after it was recorded")

    def day_of(self, recorded_at: str) -> str:
        """Return the organisation's day of a time; mostly that of its whole hour, and the last one is remembered."""
        hour = recorded_at[:13]
        if hour != self._hour[0]:
            first, last = self._local(f"{hour}:00:00Z"), self._local(f"{hour}:59:59.999999Z")
            self._hour = hour, first if first == last else None
        return self._hour[1] or self._local(recorded_at)

    def _local(self, recorded_at: str) -> str:
        return datetime.fromisoformat(recorded_at).astimezone(self._zone).date().isoformat()

    @property
    def gathers_a_receipt(self) -> bool:
        """Whether the entry before had an idempotency key."""
        return self._key is not None

    def gather(self, actor: str, idempotency: dict[str, str] | None, position: int) -> None:
        """Remember the idempotency key of an entry; entries that follow each other with one key are one receipt."""
        if idempotency is None:
            self.flush(before=position)
            return
        key = idempotency["key"]
        if self._key is None or self._key[:2] != (actor, key):
            self.flush(before=position)
            self._key = (actor, key, idempotency["fingerprint"], position)

    def flush(self, before: int) -> None:
        """Write the receipt that is being gathered, of entries before a position, to the side."""
        if self._key is not None:
            self._receipts.write(receipt_row(*self._key, before - 1))
            self._key = None


def _is_whole(number: Any) -> bool:
    """Return whether this is a whole number, also one that the bytes spell with an exponent, as the append takes it."""
    return type(number) is int or (type(number) is float and number.is_integer())


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
