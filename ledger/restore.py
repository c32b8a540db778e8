"""Restore: the native lines of an export become a ledger again, byte for byte, in a schema that is still empty.

Lines are checked one by one while the database copies those before them; all of it is one transaction, so that a file
that is refused at its last line leaves nothing behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ledger.chunks import plain_rows
from ledger.collecting import without_collection
from ledger.directory import import_directory
from ledger.directory_file import Written, unsealed
from ledger.errors import LedgerExists
from ledger.keys import MasterKey, MasterKeyError
from ledger.limits import CLOCK_BOUND_SECONDS
from ledger.lines import LineCheck, first_line
from ledger.migrate import migrate_place
from ledger.place import Connection, Place
from ledger.rows import END, SIGNATURE
from ledger.settings import Settings

Progress = Callable[[int], None]
"""Called now and then with the number of lines that are done."""

_LINES = 128
"""Lines that are checked together and given to the database at once: few enough to be taken at once, so that neither
side waits."""
_BLOCK = 1 << 16
"""Bytes of receipts that are given to the database at once."""
_WHAT_TO_DO = "Nothing was restored; take another copy of the export, or make it again."


class RestoreRefused(Exception):
    """A file cannot be restored; `line` is the number of the line that is wrong, 0 for the file as a whole."""

    code = "restore_file_is_refused"

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(f"{f'Line {line}: ' if line else ''}{what} {_WHAT_TO_DO}")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the ledger's identifier, its entries, the lines of the directory, and notes to be told.

    `written` is when the directory was written down, None where there is none or its file does not say.
    """

    ledger: UUID
    entries: int
    directory: int
    notes: tuple[str, ...]
    written: Written | None = None


def restore(
    settings: Settings,
    lines: Iterable[bytes],
    directory: Iterable[bytes] | None = None,
    *,
    progress: Progress | None = None,
    demonstration: bool = False,
    older_directory: bool = False,
) -> Restored:
    """Restore native lines, each with its line break, into an empty ledger, with its owner's rights.

    `directory` are the lines of `Directory.export`. Positions, times and bytes are kept; the ledger is marked as
    restored (as a demonstration where it is one). Raises RestoreRefused with the line and what is wrong, also where the
    directory was written before the last entry (unless `older_directory` takes it all the same), LedgerExists where the
    ledger is not empty, MasterKeyError where the keys of the directory were wrapped by another master key.
    """
    with Place.open(settings) as place:
        notes = migrate_place(place)
        with place.as_owner() as connection:
            _refuse_unless_empty(connection)
            with tempfile.TemporaryFile() as receipts:
                check = LineCheck(receipts)
                try:
                    with without_collection(), _indexed_at_the_end(connection):
                        _copy_entries(connection, check, lines, progress)
                    _count(connection)
                except psycopg.IntegrityError as error:
                    raise RestoreRefused(
                        0, "Two entries supersede the same one, or have the same reference."
                    ) from error
                _copy_receipts(connection, check, receipts)
            _check_whole(connection, check)
            _finish(connection, check, demonstration=demonstration)
            known, written = _restore_directory(
                connection, settings, check, directory, notes, older=older_directory
            )
    return Restored(check.ledger, check.position, known, tuple(notes), written)


def _refuse_unless_empty(connection: Connection) -> None:
    row = connection.execute(
        "select position, ledger, exists (select from entries) from head for update"
    ).fetchone()
    if row is None or row[0] != 0 or row[1] is not None or row[2]:
        raise LedgerExists("This ledger is not empty; a restore goes only into a schema that holds no entry.")


def _copy_entries(
    connection: Connection, check: LineCheck, lines: Iterable[bytes], progress: Progress | None
) -> None:
    """Check the lines and copy them; while the database takes one piece in, the next is checked."""
    number = 0
    with connection.cursor().copy(
        "copy entries (position, recorded_at, stream, version, name, data, reference, supersedes)"
        " from stdin (format binary)"
    ) as copy:
        copy.write(SIGNATURE)
        for piece in _pieces(lines):
            if progress is not None and number:
                progress(number)
            copy.write(plain_rows(check, piece) or _rows_one_by_one(check, piece, number))
            number += len(piece)
        if number == 0:
            raise RestoreRefused(0, "The file is empty.")
        copy.write(END)
    if progress is not None:
        progress(number)


def _pieces(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    coming = iter(lines)
    while piece := list(islice(coming, _LINES)):
        yield piece


def _rows_one_by_one(check: LineCheck, lines: Sequence[bytes], before: int) -> bytes:
    """Return the rows of lines that are not plain. Raises RestoreRefused with the first that is wrong."""
    rows = []
    for number, line in enumerate(lines, before + 1):
        try:
            rows.append(check.row(line))
        except ValueError as error:
            raise RestoreRefused(number, _capital(str(error))) from error
    return b"".join(rows)


@contextmanager
def _indexed_at_the_end(connection: Connection) -> Iterator[None]:
    """Make the one index whose order is not that of the entries after them, by sorting, instead of entry by entry.

    Positions, references and superseding entries keep theirs meanwhile: what those refuse is refused by the line.
    Stream and version need none to be unique, because every line was held to the version before.
    """
    row = connection.execute("select pg_get_indexdef('entries_stream_version'::regclass)").fetchone()
    assert row is not None  # noqa: S101 (the cast raises where there is no such index)
    connection.execute("drop index entries_stream_version")
    yield
    connection.execute(row[0].encode())


def _count(connection: Connection) -> None:
    """Give the database a first idea of the entries for what is asked next; autovacuum gives it a better one."""
    connection.execute("set local default_statistics_target = 10")
    connection.execute("analyze entries")


def _check_whole(connection: Connection, check: LineCheck) -> None:
    """Refuse what no single line shows: times to come, and entries that supersede those of another stream."""
    told = connection.execute(
        "with superseding as materialized"  # found by their index, not by a walk along the positions
        " (select position, stream, supersedes from entries where %s and supersedes is not null) "
        "select %s::timestamptz > clock_timestamp() + make_interval(secs => %s::double precision),"
        "       (select min(e.position) from superseding as e"
        "         where e.stream <> (select s.stream from entries as s where s.position = e.supersedes))",
        [check.superseding > 0, check.recorded_at, CLOCK_BOUND_SECONDS],
    ).fetchone()
    if told is not None and told[0]:
        raise RestoreRefused(
            check.position, f"The time {check.recorded_at} lies in the future by the database's clock."
        )
    if told is not None and told[1] is not None:
        raise RestoreRefused(told[1], "The entry supersedes one of another stream.")


def _copy_receipts(connection: Connection, check: LineCheck, receipts: IO[bytes]) -> None:
    check.flush(before=check.position + 1)
    receipts.seek(0)
    try:
        with connection.cursor().copy(
            "copy receipts (actor, key, fingerprint, first_position, position) from stdin (format binary)"
        ) as copy:
            copy.write(SIGNATURE)
            while chunk := receipts.read(_BLOCK):
                copy.write(chunk)
            copy.write(END)
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
            connection.execute(
                "select pg_catalog.setval(%s::regclass, %s::bigint)", [f"reference_{kind.lower()}", last]
            )
    connection.execute(
        "insert into settings (name, value) values"
        " ('restored', %s::jsonb || pg_catalog.jsonb_build_object('at', pg_catalog.clock_timestamp()))",
        [Jsonb({"entries": check.position, "demonstration": demonstration})],
    )


def _restore_directory(
    connection: Connection,
    settings: Settings,
    check: LineCheck,
    lines: Iterable[bytes] | None,
    notes: list[str],
    *,
    older: bool,
) -> tuple[int, Written | None]:
    number, written = 0, list[Written | None]()
    if lines is not None:
        try:
            master = _master_key(settings)
            if master is None:
                notes.append(
                    "The seal of the directory's file could not be checked, because there is no master key: compare "
                    "people and tokens with what you expect."
                )
            number = import_directory(connection, unsealed(lines, check.ledger, master, written.append))
        except (ValueError, psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            raise RestoreRefused(0, f"The directory's file: {first_line(error)}.") from error
        notes.extend(_fitting(written[0], check, older=older))
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
            return number, written[0] if written else None
    connection.execute(
        "insert into settings (name, value) values ('master_key_check', %s)",
        [Jsonb(master.check(check.ledger))],
    )
    return number, written[0] if written else None


def _fitting(written: Written | None, check: LineCheck, *, older: bool) -> Iterator[str]:
    """Give what is to be said where the directory was not written with these entries, or may not have been.

    Raises RestoreRefused where it was surely written before them, unless an `older` one is asked for.
    """
    if written is None:
        yield (
            "The directory's file does not say when it was written; make sure that it was written with these entries."
        )
    elif written.position < check.position:
        told = (
            f"The directory's file was written at {written.at}, when the ledger stood at position {written.position}, "
            f"and the entries go on to {check.position}: names, keys and tokens given since are missing, and what was "
            "erased or revoked since counts again."
        )
        if not older:
            raise RestoreRefused(
                0, f"{told} Look for the file that was written with these entries, or give --older-directory."
            )
        yield told
    elif datetime.fromisoformat(written.at) < datetime.fromisoformat(check.recorded_at).replace(
        microsecond=0
    ):
        yield (
            f"The directory's file says that it was written at {written.at}, before the last entry was recorded at "
            f"{check.recorded_at}, and that this entry was there: the database's clock was set back in between."
        )


def _master_key(settings: Settings) -> MasterKey | None:
    """Return the master key, or None where there is none yet. Raises MasterKeyError where it cannot be read."""
    if settings.master_key is None and not settings.master_key_file.exists():
        return None
    return MasterKey.load(settings)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
