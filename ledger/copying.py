"""Lines and receipts on their way into the tables: a piece is checked while the database copies the one before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO

import psycopg
from psycopg.copy import LibpqWriter

from ledger.chunks import plain_rows
from ledger.disguise import disguise_of_file, disguise_of_line
from ledger.last_line import check_last, is_last
from ledger.lines import LineCheck
from ledger.place import Connection
from ledger.rows import END, SIGNATURE

Progress = Callable[[int], None]
"""Called now and then with the number of lines that are done."""

_LINES = 256
"""Lines that are checked together and given to the database at once: about as much as a socket holds."""
_AHEAD = 1 << 23
"""Bytes after which the database is waited for: a wait ends only when nearly all is taken, so it shall come seldom."""
_BLOCK = 1 << 16
"""Bytes of receipts that are given to the database at once."""
_WHAT_TO_DO = "Nothing was restored; take another copy of the export, or make it again."


class RestoreRefused(Exception):
    """A file cannot be restored; `line` is the number of the line that is wrong, 0 for the file as a whole."""

    code = "restore_file_is_refused"

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(f"{f'Line {line}: ' if line else ''}{what} {_WHAT_TO_DO}")


def copy_entries(
    connection: Connection, check: LineCheck, lines: Iterable[bytes], progress: Progress | None
) -> bool:
    """Check the lines and copy them; while the database takes one piece in, the next is checked.

    Returns whether the last one says that it is.
    """
    number, ended, cursor = 0, False, connection.cursor()
    writer = LibpqWriter(cursor)
    writer.flush_threshold = _AHEAD
    with cursor.copy(
        "copy entries (position, recorded_at, stream, version, name, data, reference, supersedes)"
        " from stdin (format binary)",
        writer=writer,
    ) as copy:
        copy.write(SIGNATURE)
        for piece in _pieces(lines):
            if progress is not None and number:
                progress(number)
            ended = is_last(piece[-1])
            entries = piece[:-1] if ended else piece
            copy.write(plain_rows(check, entries) or _rows_one_by_one(check, entries, number))
            number += len(piece)
            if ended:
                _rows_one_by_one(check, piece[-1:], number - 1)
        if number == 0:
            raise RestoreRefused(0, "The file is empty.")
        copy.write(END)
    if progress is not None:
        progress(number)
    return ended


def _pieces(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    coming = iter(lines)
    while piece := list(islice(coming, _LINES)):
        yield piece


def _rows_one_by_one(check: LineCheck, lines: Sequence[bytes], before: int) -> bytes:
    """Return the rows of lines that are not plain. Raises RestoreRefused with the first that is wrong."""
    rows = []
    for number, line in enumerate(lines, before + 1):
        try:
            if is_last(line):
                check_last(line, check.ledger, check.position)
            else:
                rows.append(check.row(line))
        except ValueError as error:
            if number == 1 and (what := disguise_of_file(line)) is not None:
                raise RestoreRefused(0, f"The file {what}") from error
            raise RestoreRefused(number, _capital(disguise_of_line(line) or str(error))) from error
    return b"".join(rows)


@contextmanager
def indexed_at_the_end(connection: Connection) -> Iterator[None]:
    """Make the one index whose order is not that of the entries after them, by sorting, instead of entry by entry.

    Positions, references and superseding entries keep theirs meanwhile: what those refuse is refused by the line.
    Stream and version need none to be unique, because every line was held to the version before.
    """
    row = connection.execute("select pg_get_indexdef('entries_stream_version'::regclass)").fetchone()
    assert row is not None  # noqa: S101 (the cast raises where there is no such index)
    connection.execute("drop index entries_stream_version")
    yield
    connection.execute(row[0].encode())


def copy_receipts(connection: Connection, check: LineCheck, receipts: IO[bytes]) -> None:
    """Copy the receipts that were gathered beside the lines. Raises RestoreRefused."""
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


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
