"""What a projection leaves to be written: said as values, in order, so that Python goes on while the database works."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from psycopg import Connection

from ledger.calls import Asked, Statement, statement


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows that are packed already as binary COPY wants them; the statement ends in `(format binary)`."""

    statement: bytes
    rows: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.rows)

    def run(self, connection: Connection[Any]) -> None:
        """Write the rows."""
        copy_packed(connection, self.statement, self.rows)

    def asked(self) -> list[Asked]:
        """Return the same as statements that can be sent with others: for few rows that is quicker."""
        insert = _insert(self.statement)
        return [(insert, _values(row)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for text COPY."""

    statement: bytes
    rows: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def run(self, connection: Connection[Any]) -> None:
        """Write the rows."""
        if self.rows:
            copy_text(connection, self.statement, self.rows)


@dataclass(frozen=True, slots=True)
class Update:
    """A statement over columns, as `update … from unnest(%s::bigint[], …)`; without a row nothing is done."""

    statement: bytes
    columns: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def run(self, connection: Connection[Any]) -> None:
        """Carry the statement out."""
        if len(self):
            connection.execute(self.statement, [list(column) for column in self.columns])


Write = Packed | Rows | Update
_TARGET: Final = re.compile(rb"copy (.+?) \(([^)]+)\)\s+from stdin \(format binary\)", re.DOTALL)


@lru_cache(maxsize=256)
def _insert(copy: bytes) -> Statement:
    """Return the insertion of one row into the columns of a COPY."""
    found = _TARGET.fullmatch(copy)
    assert found is not None  # noqa: S101 (so `Packed` says)
    table, columns = found.groups()
    number = columns.count(b",") + 1
    places = ", ".join(f"${place}" for place in range(1, number + 1))
    query = f"insert into {table.decode()} ({columns.decode()}) values ({places})"  # noqa: S608
    return statement(query, number)


def _values(row: bytes) -> list[bytes | None]:
    """Return the fields of a row that is packed for binary COPY; a statement's values are in the same form."""
    values: list[bytes | None] = []
    place = 2
    for _ in range(int.from_bytes(row[:2], "big")):
        size = int.from_bytes(row[place : place + 4], "big", signed=True)
        place += 4
        values.append(None if size < 0 else row[place : place + size])
        place += max(0, size)
    return values


def copy_packed(connection: Connection[Any], statement: bytes, rows: Sequence[bytes]) -> None:
    """Write packed rows with binary COPY.

    Packing them with `struct` costs a third of what the driver needs for a row of numbers and one bytea.
    """
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        whole = b"".join((b"PGCOPY\n\xff\r\n\x00", bytes(8), *rows, b"\xff\xff"))
        copy.write(
            memoryview(whole)
        )  # the driver sends it in pieces; of a view it makes them without copying


def copy_text(connection: Connection[Any], statement: bytes, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows with text COPY, for the few rows that hold json, arrays or days."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
