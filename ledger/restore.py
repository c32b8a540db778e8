"""Restore: the native lines of an export become a ledger again, byte for byte, in a schema that is still empty.

Lines are checked one by one while the database copies those before them; all of it is one transaction, so that a file
that is refused at its last line leaves nothing behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from ledger.collecting import without_collection
from ledger.copying import Progress, RestoreRefused, copy_entries, copy_receipts, indexed_at_the_end
from ledger.directory import import_directory
from ledger.directory_file import Written, unsealed
from ledger.disguise import PackedFileIsDamaged, disguise_of_file, disguise_of_line
from ledger.errors import LedgerExists
from ledger.keys import MasterKey, MasterKeyError
from ledger.limits import CLOCK_BOUND_SECONDS
from ledger.lines import LineCheck, first_line
from ledger.migrate import migrate_place
from ledger.place import Connection, Place
from ledger.settings import Settings


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
    until: int | None = None,
) -> Restored:
    """Restore native lines, each with its line break, into an empty ledger, with its owner's rights.

    `directory` are the lines of `Directory.export`. Positions, times and bytes are kept; the ledger is marked as
    restored (as a demonstration where it is one). Raises RestoreRefused with the line and what is wrong, also where the
    directory was written before the last entry (unless `older_directory` takes it all the same), LedgerExists where the
    ledger is not empty, MasterKeyError where the keys of the directory were wrapped by another master key.

    Where the lines neither end by one that says so (`ledger.last_line`) nor have to end at `until`, a note says that.
    """
    if directory is not None:
        directory = _bare(directory)
    with Place.open(settings) as place:
        notes = migrate_place(place)
        with place.as_owner() as connection:
            _refuse_unless_empty(connection)
            with tempfile.TemporaryFile() as receipts:
                check = LineCheck(receipts)
                try:
                    with without_collection(), indexed_at_the_end(connection):
                        ended = copy_entries(connection, check, lines, progress)
                    _count(connection)
                except psycopg.IntegrityError as error:
                    raise RestoreRefused(
                        0, "Two entries supersede the same one, or have the same reference."
                    ) from error
                except PackedFileIsDamaged as error:
                    raise RestoreRefused(0, str(error)) from error
                copy_receipts(connection, check, receipts)
            _check_whole(connection, check)
            notes.extend(_ending(check, until, ended=ended))
            _finish(connection, check, demonstration=demonstration)
            known, written = _restore_directory(
                connection, settings, check, directory, notes, older=older_directory
            )
    return Restored(check.ledger, check.position, known, tuple(notes), written)


def _bare(directory: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines of a directory's file. Raises RestoreRefused where its first bytes tell what befell it."""
    lines = iter(directory)
    first = next(lines, b"")
    if (what := disguise_of_file(first)) is not None:
        raise RestoreRefused(0, f"The directory's file {what}")
    if (what := disguise_of_line(first)) is not None:
        raise RestoreRefused(1, f"Of the directory's file: {what}")
    return chain([first] if first else [], lines)


def _refuse_unless_empty(connection: Connection) -> None:
    row = connection.execute(
        "select position, ledger, exists (select from entries) from head for update"
    ).fetchone()
    if row is None or row[0] != 0 or row[1] is not None or row[2]:
        raise LedgerExists("This ledger is not empty; a restore goes only into a schema that holds no entry.")


def _ending(check: LineCheck, until: int | None, *, ended: bool) -> Iterator[str]:
    """Give what is to be said where nothing tells that the last entry is the last one.

    Raises RestoreRefused where it is known that it is not.
    """
    if until is not None and until != check.position:
        raise RestoreRefused(
            0, f"The entries were written up to position {until}, and the file ends at {check.position}."
        )
    if until is None and not ended:
        yield (
            f"The file ends at position {check.position} without a line that says so: an earlier release wrote it, or "
            "it was cut off between two lines. Compare the position with what the export said."
        )


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
