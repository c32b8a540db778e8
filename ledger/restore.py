"""Restore: the native lines of an export become a ledger again, byte for byte, in a schema that is still empty.

Lines are checked one by one while the database copies those before them; all of it is one transaction, so that a file
that is refused at its last line leaves nothing behind.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, cast
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import Jsonb
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from aggregates.vocabulary import EVENTS
from ledger.codec import read_circumstances
from ledger.directory import import_directory
from ledger.errors import LedgerExists
from ledger.keys import MasterKey, MasterKeyError
from ledger.limits import BYTES_PER_ENTRY
from ledger.migrate import migrate_place
from ledger.place import Connection, Place
from ledger.settings import Settings

Progress = Callable[[int], None]
"""Called now and then with the number of lines that are done."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_START_OF_ROW = struct.Struct("!hiqiqi")
_AFTER_STREAM = struct.Struct("!iii")
_LENGTH = struct.Struct("!i")
_BIG = struct.Struct("!iq")
_NULL = _LENGTH.pack(-1)
_CHUNK = 1 << 20
_KEYS = {"position", "recorded_at", "stream", "version", "name", "data"}
_STREAM = re.compile(r"[a-z_]+(:[a-z0-9-]{1,40})?")
_BY = re.compile(r"(person|service):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REQUEST = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = {"stream", "version", "name", "by", "request", "body"}
_WHAT_TO_DO = "Nothing was restored; take another copy of the export, or make it again."


class RestoreRefused(Exception):
    """A file cannot be restored; `line` is the number of the line that is wrong, 0 for the file as a whole."""

    code = "restore_file_is_refused"

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(f"{f'Line {line}: ' if line else ''}{what} {_WHAT_TO_DO}")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the ledger's identifier, its entries, the lines of the directory, and notes to be told."""

    ledger: UUID
    entries: int
    directory: int
    notes: tuple[str, ...]


def restore(
    settings: Settings,
    lines: Iterable[bytes],
    directory: Iterable[bytes] | None = None,
    *,
    progress: Progress | None = None,
    demonstration: bool = False,
) -> Restored:
    """Restore native lines, each with its line break, into an empty ledger, with its owner's rights.

    `directory` are the lines of `Directory.export`. Positions, times and bytes are kept; the ledger is marked as
    restored (as a demonstration where it is one). Raises RestoreRefused with the line and what is wrong, LedgerExists
    where the ledger is not empty, MasterKeyError where the keys of the directory were wrapped by another master key.
    """
    with Place.open(settings) as place:
        notes = migrate_place(place)
        with place.as_owner() as connection:
            _refuse_unless_empty(connection)
            with tempfile.TemporaryFile() as receipts:
                check = LineCheck(receipts)
                _copy_entries(connection, check, lines, progress)
                _copy_receipts(connection, check, receipts)
            _finish(connection, check, demonstration=demonstration)
            known = _restore_directory(connection, settings, check, directory, notes)
        with place.as_owner() as connection:
            connection.execute("analyze entries")
            connection.commit()
    return Restored(check.ledger, check.position, known, tuple(notes))


class LineCheck:
    """Checks one line after the other and turns each into a row of PostgreSQL's binary COPY format."""

    def __init__(self, receipts: IO[bytes]) -> None:
        self.position = 0
        self.recorded_at = ""
        self.ledger = UUID(int=0)
        self.zone = "UTC"
        self.references = {"OBJ": 0, "KR": 0}
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
            raise ValueError(f"the entry {name} cannot be read: {_first_line(error)}.") from error
        if position == 1:
            self.ledger, self.zone = UUID(body["ledger"]), body["zone"]
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
            read_circumstances(entry)
            effective_at = entry.get("effective_at", "")
            if len(effective_at) != 10 and effective_at > recorded_at:
                raise ValueError("it became true after it was recorded")

    def _packed(
        self, position: int, recorded_at: str, stream: str, version: int, name: str, data: bytes,
        reference: str | None, supersedes: int | None,
    ) -> bytes:  # fmt: skip
        """Return the eight fields of a row, each after its length."""
        if len(recorded_at) != 27 or recorded_at[-1] != "Z":
            raise ValueError(f"the time {recorded_at} is not spelled as a ledger writes it.")
        since = datetime.fromisoformat(recorded_at) - _EPOCH
        microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
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


def _refuse_unless_empty(connection: Connection) -> None:
    row = connection.execute(
        "select position, ledger, exists (select from entries) from head for update"
    ).fetchone()
    if row is None or row[0] != 0 or row[1] is not None or row[2]:
        raise LedgerExists("This ledger is not empty; a restore goes only into a schema that holds no entry.")


def _copy_entries(
    connection: Connection, check: LineCheck, lines: Iterable[bytes], progress: Progress | None
) -> None:
    """Check the lines and copy them; while the database takes one chunk in, the next is checked."""
    number = 0
    with (
        connection.cursor().copy(
            "copy entries (position, recorded_at, stream, version, name, data, reference, supersedes)"
            " from stdin (format binary)"
        ) as copy,
        ThreadPoolExecutor(1) as sender,
    ):
        waiting, size, sent = [_SIGNATURE], 0, sender.submit(lambda: None)
        try:
            for number, line in enumerate(lines, 1):
                row = check.row(line)
                waiting.append(row)
                size += len(row)
                if size > _CHUNK:
                    sent.result()
                    sent = sender.submit(copy.write, b"".join(waiting))
                    waiting, size = [], 0
                    if progress is not None:
                        progress(number)
        except ValueError as error:
            raise RestoreRefused(number, f"{_capital(str(error))}") from error
        if number == 0:
            raise RestoreRefused(0, "The file is empty.")
        sent.result()
        copy.write(b"".join(waiting) + _END)
    if progress is not None:
        progress(number)


def _copy_receipts(connection: Connection, check: LineCheck, receipts: IO[bytes]) -> None:
    check.flush(before=check.position + 1)
    receipts.seek(0)
    try:
        with connection.cursor().copy(
            "copy receipts (actor, key, fingerprint, first_position, position) from stdin (format binary)"
        ) as copy:
            copy.write(_SIGNATURE)
            while chunk := receipts.read(_CHUNK):
                copy.write(chunk)
            copy.write(_END)
    except psycopg.errors.UniqueViolation as error:
        raise RestoreRefused(0, "One idempotency key stands on two commands.") from error


def _finish(connection: Connection, check: LineCheck, *, demonstration: bool) -> None:
    """Set the head, the references and the mark of a restored ledger."""
    connection.execute(
        "update head set position = %s, recorded_at = %s, ledger = %s, zone = %s",
        [check.position, datetime.fromisoformat(check.recorded_at), check.ledger, check.zone],
    )
    for kind, last in check.references.items():
        if last and kind in ("OBJ", "KR"):
            connection.execute("select setval(%s::regclass, %s)", [f"reference_{kind.lower()}", last])
    connection.execute(
        "insert into settings (name, value) values ('restored', %s || jsonb_build_object('at', clock_timestamp()))",
        [Jsonb({"entries": check.position, "demonstration": demonstration})],
    )


def _restore_directory(
    connection: Connection,
    settings: Settings,
    check: LineCheck,
    lines: Iterable[bytes] | None,
    notes: list[str],
) -> int:
    number = 0
    if lines is not None:
        try:
            number = import_directory(connection, lines)
        except (ValueError, psycopg.DataError, psycopg.IntegrityError) as error:
            raise RestoreRefused(0, f"The directory's file: {_first_line(error)}") from error
    else:
        notes.append(
            "No directory was restored: people show by their identifiers, and no personal text can be read."
        )
    row = connection.execute(
        "select key_id, person, wrapped from person_keys where wrapped is not null"
    ).fetchone()
    if row is not None:
        master = MasterKey.load(settings)
        master.unwrap(row[2], b"strategy-ledger\x00" + check.ledger.bytes + row[1].bytes + row[0].bytes)
    else:
        try:
            master = MasterKey.load_or_make(settings)
        except MasterKeyError as error:
            notes.append(str(error))
            return number
    connection.execute(
        "insert into settings (name, value) values ('master_key_check', %s)",
        [Jsonb(master.check(check.ledger))],
    )
    return number


def _same(data: bytes, entry: Any) -> bool:
    """Return whether bytes that are spelled in another way are this one value."""
    try:
        return bool(orjson.loads(data) == entry)
    except ValueError:
        return False


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error).splitlines()[0].rstrip(".")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
