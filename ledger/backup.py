"""A backup in the native format: entries, directory, and a manifest that says what they hold; whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

from ledger.directory_file import written_of
from ledger.last_line import last_line
from ledger.releases import migrations, release
from ledger.store import Ledger

FORMAT: Final = 1
ENTRIES, DIRECTORY, MANIFEST = "ledger.jsonl", "people.jsonl", "manifest.json"
_PIECE = 1 << 20
_TOGETHER = 500
_BESIDE, _LONGEST_END = 1_000, 4_096
"""So many files beside another are looked at, and so many bytes at the end of each."""


class BackupIsDamaged(ValueError):
    """This is not a whole backup."""

    code = "backup_is_damaged"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup: its size and the SHA-256 of its bytes."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: the ledger up to a position, and the digest of each file."""

    ledger: UUID
    position: int
    recorded_at: str
    release: str
    migration: int
    files: dict[str, File]

    def as_dict(self) -> dict[str, Any]:
        """Return the manifest as it stands in its file."""
        return {
            "format": FORMAT,
            "ledger": str(self.ledger),
            "position": self.position,
            "recorded_at": self.recorded_at,
            "release": self.release,
            "migration": self.migration,
            "files": {name: {"bytes": one.bytes, "sha256": one.sha256} for name, one in self.files.items()},
        }


def back_up(ledger: Ledger, into: Path, *, progress: Callable[[int], object] | None = None) -> Path:
    """Write a backup of the ledger as it is now into a directory of its own below `into`, and return that directory.

    Writers go on meanwhile. The directory's file is read after the entries, so that it holds every key that they need.
    It is called by the position of its last entry, and is never overwritten: where there is one of this position and
    names, keys or tokens changed since (which makes no entry), the next is called by a number after it as well. Raises
    FileExistsError where nothing changed, OSError, MasterKeyError where there is no master key to seal with.
    """
    head = ledger.head()
    identifier = ledger.keys.ledger
    into.mkdir(parents=True, exist_ok=True)
    place = _free(ledger, into / f"{identifier}-{head.position:012d}")
    beside = Path(tempfile.mkdtemp(prefix=".backup.", dir=into))
    try:
        lines = _told(ledger.export(0, head.position), progress)
        files = {ENTRIES: _write(beside / ENTRIES, chain(lines, [last_line(identifier, head.position)]))}
        files[DIRECTORY] = _write(beside / DIRECTORY, ledger.directory.export())
        last = ledger.entry(head.position)
        manifest = Manifest(
            identifier,
            head.position,
            last.recorded_at.isoformat() if last is not None else "",
            release(),
            migrations()[-1].number,
            files,
        )
        _write(beside / MANIFEST, [orjson.dumps(manifest.as_dict(), option=orjson.OPT_INDENT_2), b"\n"])
        beside.rename(place)
        _settle(into)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return place


def read_manifest(place: Path) -> Manifest:
    """Return what a backup says of itself. Raises BackupIsDamaged."""
    try:
        told = orjson.loads((place / MANIFEST).read_bytes())
        if told["format"] != FORMAT:
            raise BackupIsDamaged(
                f"{place} is of format {told['format']}; this release reads format {FORMAT}."
            )
        return Manifest(
            UUID(told["ledger"]),
            int(told["position"]),
            str(told["recorded_at"]),
            str(told["release"]),
            int(told["migration"]),
            {name: File(int(one["bytes"]), str(one["sha256"])) for name, one in told["files"].items()},
        )
    except FileNotFoundError as error:
        within = sorted(one.parent.name for one in place.glob(f"*/{MANIFEST}"))
        hint = f" It holds backups; the last by its name is {place / within[-1]}." if within else ""
        raise BackupIsDamaged(
            f"{place} has no {MANIFEST}: it is no backup, or one that was not finished.{hint}"
        ) from error
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise BackupIsDamaged(f"{place / MANIFEST} cannot be read; take another backup.") from error
    except ValueError as error:
        if isinstance(error, BackupIsDamaged):
            raise
        raise BackupIsDamaged(f"{place / MANIFEST} cannot be read; take another backup.") from error


def check(place: Path) -> Manifest:
    """Hold every file of a backup against its manifest and return that. Raises BackupIsDamaged."""
    manifest = read_manifest(place)
    for name in (ENTRIES, DIRECTORY):
        said = manifest.files.get(name)
        if said is None:
            raise BackupIsDamaged(f"{place / MANIFEST} names no {name}; take another backup.")
        try:
            found = _measured(place / name)
        except FileNotFoundError as error:
            packed = sorted(one.name for one in place.glob(f"{name}.*"))
            what = f"unpack {packed[0]} first" if packed else "take another backup"
            raise BackupIsDamaged(f"{place / name} is missing; {what}.") from error
        if found != said:
            raise BackupIsDamaged(
                f"{place / name} is not the file that was written: {found.bytes:,} bytes instead of {said.bytes:,}, or "
                "others in their place; take another backup."
            )
    return manifest


def _alike(place: Path) -> list[Path]:
    """Return the backups beside this one that are called by the same position, this one among them."""
    named = place.name.partition(".")[0]
    return sorted(one for one in place.parent.glob(f"{named}*") if one.name.partition(".")[0] == named)


def _free(ledger: Ledger, place: Path) -> Path:
    """Return where a backup of this position goes. Raises FileExistsError where one holds the directory as it is."""
    others = _alike(place)
    if not others:
        return place
    now = _unsealed(b"".join(ledger.directory.export()))
    for other in others:
        try:
            if _unsealed((other / DIRECTORY).read_bytes()) == now:
                raise FileExistsError(17, "There is a backup of this position already", str(other))
        except FileNotFoundError:
            continue
    return place.with_name(f"{place.name}.{len(others) + 1}")


def _unsealed(lines: bytes) -> bytes:
    """Return the lines of a directory without the last, which says when they were written."""
    return lines[: lines.rstrip(b"\n").rfind(b"\n") + 1]


def later_beside(place: Path) -> Path | None:
    """Return the backup of the same position beside this one whose directory was written last, None where it is this.

    Names, keys and tokens change without an entry: of two directories of one position the earlier one would let what
    was revoked or erased in between count again.
    """
    written = {one: _written(one) for one in _alike(place.absolute())}
    own = written.get(place.absolute())
    later = [(at, one) for one, at in written.items() if at is not None and own is not None and at > own]
    return max(later)[1] if later else None


def later_file_beside(directory: Path) -> Path | None:
    """Return the file beside this one that holds the same ledger's directory of the same position as it was last.

    None where it is this one, or where this one does not say when it was written. Only last lines are read.
    """
    own = _end_of(directory)
    if own is None:
        return None
    others = {one: _end_of(one) for one in islice(directory.absolute().parent.iterdir(), _BESIDE)}
    later = [(end[1], one) for one, end in others.items() if end and end[0] == own[0] and end[1] > own[1]]
    return max(later)[1] if later else None


def _end_of(file: Path) -> tuple[tuple[str, int], datetime] | None:
    """Return ledger, position and time that a directory's file says in its last line; None for any other file."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as source:
            source.seek(max(0, file.stat().st_size - _LONGEST_END))
            end = source.read().rstrip(b"\n").rpartition(b"\n")[2]
        told = written_of(end)
        return (
            None
            if told is None
            else ((orjson.loads(end)["ledger"], told.position), datetime.fromisoformat(told.at))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _written(place: Path) -> datetime | None:
    """Return when the directory of a backup was written, None where that cannot be read."""
    try:
        with (place / DIRECTORY).open("rb") as file:
            told = written_of(deque(file, maxlen=1).pop())
        return None if told is None else datetime.fromisoformat(told.at)
    except (OSError, IndexError, ValueError):
        return None


def _told(lines: Iterable[bytes], progress: Callable[[int], object] | None) -> Iterable[bytes]:
    for number, line in enumerate(lines, 1):
        if progress is not None and number % _TOGETHER == 0:
            progress(number)
        yield line


def _write(path: Path, chunks: Iterable[bytes]) -> File:
    """Write a file that only its owner can read, down to the disk, and return what was written."""
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.filename or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    return File(size, digest.hexdigest())


def _measured(path: Path) -> File:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return File(size, digest.hexdigest())


def _settle(directory: Path) -> None:
    """Bring a directory's names down to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
