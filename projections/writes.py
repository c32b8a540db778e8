"""What a projection leaves to be written: said as values, in order, so that Python goes on while the database works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection


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
