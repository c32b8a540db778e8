"""Rows of a workbook, read as a stream: typed cells, the values of formulas, errors and formulas without a value."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Generator, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

from aggregates.importing.cells import Broken, Cell, Percent
from aggregates.importing.rows import RawRow
from api.imports.tables.faults import TableCannotBeRead

LARGEST_UNPACKED = 2_000_000_000
MOST_COLUMNS = 1_000
MOST_ROWS = 1_048_576
FIRST_ROWS = 1_000
"""Rows that are given also where they are empty, because a header is looked for among them."""
_PERCENT = re.compile(r'^(?:[^"\[]|"[^"]*"|\[[^\]]*\])*%')


def xlsx_rows(path: Path, tab: str | None) -> Generator[RawRow, None, None]:
    """Give every row of a tab (the first where none is named) with its number. Raises TableCannotBeRead."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _check_size(path)
    try:
        values = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise TableCannotBeRead(f"{path.name} is not a workbook (.xlsx) that can be read.") from error
    formulas = openpyxl.load_workbook(path, read_only=True, data_only=False) if _has_formulas(path) else None
    try:
        sheet = values[_tab(values.sheetnames, tab, path)]
        sheet.reset_dimensions()
        beside: Iterator[Any] = iter(())
        if formulas is not None:
            other = formulas[sheet.title]
            other.reset_dimensions()
            beside = other.iter_rows(max_col=MOST_COLUMNS)
        rows = sheet.iter_rows(max_col=MOST_COLUMNS)
        for number, (row, told) in enumerate(zip_longest(rows, beside, fillvalue=()), 1):
            cells = [_cell(one, told[place] if place < len(told) else None) for place, one in enumerate(row)]
            while cells and cells[-1] is None:
                cells.pop()
            if cells or number <= FIRST_ROWS:
                yield RawRow(number, tuple(cells))
    finally:
        values.close()
        if formulas is not None:
            formulas.close()


def tabs_of(path: Path) -> list[str]:
    """Return the names of a workbook's tabs. Raises TableCannotBeRead."""
    import openpyxl

    _check_size(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise TableCannotBeRead(f"{path.name} is not a workbook (.xlsx) that can be read.") from error
    names = list(book.sheetnames)
    book.close()
    return names


def rows_of(path: Path, tab: str | None) -> int | None:
    """Return the last row that a tab says it has; None where it says none, or all that there can be.

    Raises TableCannotBeRead.
    """
    import openpyxl

    _check_size(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise TableCannotBeRead(f"{path.name} is not a workbook (.xlsx) that can be read.") from error
    last = book[_tab(book.sheetnames, tab, path)].max_row
    book.close()
    return last if last and last < MOST_ROWS else None


def _check_size(path: Path) -> None:
    """Refuse a workbook that unpacks to more than anybody wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise TableCannotBeRead(
            f"{path.name} is not a workbook (.xlsx) that can be read; a text with delimiters is taken by import csv."
        ) from error
    if size > LARGEST_UNPACKED:
        raise TableCannotBeRead(f"{path.name} unpacks to more than {LARGEST_UNPACKED:,} bytes.")


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with archive.open(name) as stream:
                before = b""
                while part := stream.read(1 << 20):
                    if b"<f>" in before + part or b"<f " in before + part:
                        return True
                    before = part[-3:]
    return False


def _tab(names: list[str], tab: str | None, path: Path) -> str:
    if tab is None:
        return names[0]
    found = next((name for name in names if name.strip().casefold() == tab.strip().casefold()), None)
    if found is None:
        raise TableCannotBeRead(
            f"{path.name} has no tab {tab!r}; it has {', '.join(names)}. Name one with --tab."
        )
    return found


def _cell(one: Any, told: Any) -> Cell:
    """Return a cell with its type; `told` is the same cell with its formula."""
    value = one.value
    formula = told is not None and getattr(told, "data_type", None) == "f"
    if value is None:
        return Broken(str(told.value)[:120], "formula") if formula else None
    if getattr(one, "data_type", None) == "e":
        return Broken(str(value), "error")
    if isinstance(value, bool | str | date | datetime):
        return value
    if isinstance(value, time | timedelta):
        return str(value)
    if isinstance(value, int | float):
        if _PERCENT.match(one.number_format or ""):
            return Percent(Decimal(f"{value:.15g}"))
        return value
    return str(value)
