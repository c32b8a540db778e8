"""A table file: which format it has, its header, and its rows as often as they are asked for, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Literal

from aggregates.importing.cells import shown
from aggregates.importing.header import Header, HeaderDoesNotFit, looks_like_header, read_header
from aggregates.importing.profile import ColumnOf, Profile
from aggregates.importing.rows import RawRow
from api.imports.tables.csv_rows import csv_rows
from api.imports.tables.faults import TableCannotBeRead
from api.imports.tables.json_rows import json_header, json_objects
from api.imports.tables.xlsx_rows import rows_of, xlsx_rows

Format = Literal["csv", "xlsx", "jsonl"]
FORMATS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
LARGEST_FILE = 1_000_000_000
LOOKED_AT = 10
"""Rows in which a header is looked for where the one named does not fit."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table of a file; `tab` is a workbook's, the profile's where it is not given."""

    path: Path
    format: Format
    profile: Profile
    tab: str | None = None
    needed: tuple[ColumnOf, ...] | None = None
    """The columns without which nothing can be read, where they are not those of the profile's layout."""

    def header(self) -> Header:
        """Return the header. Raises TableCannotBeRead, HeaderDoesNotFit."""
        check_file(self.path)
        if self.format == "jsonl":
            with closing(json_objects(self.path, self.profile)) as objects:
                return read_header(json_header(objects), self.profile, needed=self.needed)
        with closing(self._cells()) as rows:
            first = list(islice(rows, self.profile.header - 1 + LOOKED_AT))
        at = self.profile.header - 1
        if len(first) <= at:
            raise TableCannotBeRead(f"{self.path.name} has no row {at + 1}, where its header should stand.")
        try:
            return read_header(first[at].cells, self.profile, row=first[at].line, needed=self.needed)
        except HeaderDoesNotFit as fault:
            other = next(
                (
                    n
                    for n, row in enumerate(first, 1)
                    if looks_like_header(row.cells, self.profile, self.needed)
                ),
                None,
            )
            if other is None:
                raise
            raise HeaderDoesNotFit(
                f"{fault.detail} Row {other} looks like the header: --header-row {other}."
            ) from None

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns as they are written, whatever they hold. Raises TableCannotBeRead."""
        check_file(self.path)
        if self.format == "jsonl":
            with closing(json_objects(self.path, self.profile)) as objects:
                return tuple(json_header(objects))
        with closing(self._cells()) as rows:
            head = next(islice(rows, self.profile.header - 1, None), RawRow(1, ()))
        return tuple(shown(cell) for cell in head.cells)

    def rows(self) -> Iterator[RawRow]:
        """Give the rows under the header, each with the line where it begins; constant memory."""
        if self.format == "jsonl":
            columns = self.header().names
            with closing(json_objects(self.path, self.profile)) as objects:
                for line, told in objects:
                    yield RawRow(line, tuple(told.get(name) for name in columns))
        else:
            with closing(self._cells()) as rows:
                yield from islice(rows, self.profile.header, None)

    def digest(self) -> str:
        """Return the first twelve digits of the SHA-256 of the file: which version of it this is."""
        return digest_of(self.path)

    def _cells(self) -> Generator[RawRow, None, None]:
        if self.format == "xlsx":
            return xlsx_rows(self.path, self.tab or self.profile.tab)
        return csv_rows(self.path, self.profile)


def format_of(path: Path) -> Format:
    """Return the format that a file's name tells. Raises TableCannotBeRead."""
    found = FORMATS.get(path.suffix.casefold())
    if found is None:
        raise TableCannotBeRead(
            f"{path.name} is neither .csv nor .xlsx nor .jsonl; rename it, or convert it."
        )
    return found


def check_file(path: Path) -> None:
    """Refuse what is no file, or one that is too large. Raises TableCannotBeRead."""
    if not path.is_file():
        raise TableCannotBeRead(f"{path} is not a file.")
    if path.stat().st_size > LARGEST_FILE:
        raise TableCannotBeRead(f"{path.name} has more than {LARGEST_FILE:,} bytes; split it.")


def digest_of(path: Path) -> str:
    """Return the first twelve digits of the SHA-256 of a file."""
    check_file(path)
    digest = sha256()
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()[:12]


def count_rows(table: TableFile) -> int | None:
    """Return about how many lines a table has, for a progress bar; None where that is not told cheaply."""
    check_file(table.path)
    if table.format == "xlsx":
        return rows_of(table.path, table.tab or table.profile.tab)
    with table.path.open("rb") as stream:
        return sum(part.count(b"\n") for part in iter(lambda: stream.read(1 << 20), b""))
