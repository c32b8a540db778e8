"""Rows as an XLSX workbook: typed cells, no formula, a second sheet with the basis and the meaning of each column."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from api.exporting.table import Column, Row
from api.problems import TooManyRows

MOST_ROWS = 1_048_575
"""Rows that a sheet of Excel holds under its head."""
LONGEST_CELL = 32_767
_CHUNK = 1 << 16
_IN_MEMORY = 4 << 20
_FIRST_YEAR = 1901  # before it Excel and the calendar count days apart
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DAY, _INSTANT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_WIDTHS = {"text": 24, "number": 12, "whole": 10, "flag": 8, "day": 12, "instant": 20}
_LONG = ("title", "text", "description", "sentence", "reason", "words", "because")
_FIXED = (1980, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"<dcterms:modified[^>]*>[^<]*</dcterms:modified>")


def xlsx_of(
    title: str, columns: Sequence[Column], rows: Iterable[Row], about: Sequence[tuple[str, Any]]
) -> Iterator[bytes]:
    """Give a workbook: the rows in a sheet of this title, what they stand on in the sheet `basis`.

    Rows go to disk one at a time. A recorded decimal that a binary number cannot hold to its last digit stays text.
    The same rows give the same bytes. Raises TooManyRows.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        _write(file, title, columns, rows, about)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(
    file: IO[bytes],
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    about: Sequence[tuple[str, Any]],
) -> None:
    book = Workbook(write_only=True)
    book.properties.creator = "Strategy Ledger"
    book.properties.created = datetime(*_FIXED)  # noqa: DTZ001 (the format knows no zones)
    try:
        _rows(book.create_sheet(title), columns, rows)
        _basis(book.create_sheet("basis"), columns, about)
    except BaseException:
        book.save(file)  # what was written of the sheets lies in files of their own, which go with this
        raise
    with _SteadyArchive(file, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).save()


def _rows(sheet: Any, columns: Sequence[Column], rows: Iterable[Row]) -> None:
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, start=1):
        wide = 48 if column.name.endswith(_LONG) else _WIDTHS[column.kind]
        sheet.column_dimensions[get_column_letter(place)].width = max(wide, len(column.name) + 2)
    sheet.append([_head(sheet, column.name) for column in columns])
    kinds = [column.kind for column in columns]
    last = 0
    for last, row in enumerate(rows, start=1):
        if last > MOST_ROWS:
            raise TooManyRows
        sheet.append([_cell(sheet, kind, value) for kind, value in zip(kinds, row, strict=True)])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last + 1}"


def _basis(sheet: Any, columns: Sequence[Column], about: Sequence[tuple[str, Any]]) -> None:
    for letter, width in (("A", 28), ("B", 12), ("C", 100)):
        sheet.column_dimensions[letter].width = width
    for name, value in about:
        sheet.append([_head(sheet, name), None, text_cell(sheet, "" if value is None else str(value))])
    sheet.append([])
    sheet.append([_head(sheet, "column"), _head(sheet, "kind"), _head(sheet, "meaning")])
    for column in columns:
        sheet.append([text_cell(sheet, part) for part in (column.name, column.kind, column.meaning)])


def _head(sheet: Any, text: str) -> Any:
    cell = text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def text_cell(sheet: Any, text: str) -> Any:
    """Return a cell that holds this text as text, whatever it begins with."""
    cell = WriteOnlyCell(sheet)
    cell.value = _UNPRINTABLE.sub("\ufffd", text)[:LONGEST_CELL]
    cell.data_type = "s"
    return cell


def _cell(sheet: Any, kind: str, value: Any) -> Any:
    """Return the typed cell of a value; what the type cannot hold stays text."""
    if value is None:
        return None
    if kind in ("whole", "flag"):
        return value
    if kind == "number":
        found = float(value)
        return found if Decimal(repr(found)) == Decimal(value) else text_cell(sheet, value)
    if kind in ("day", "instant") and int(value[:4]) >= _FIRST_YEAR:
        cell = WriteOnlyCell(sheet)
        if kind == "day":
            cell.value, cell.number_format = date.fromisoformat(value), _DAY
        else:
            cell.value = datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
            cell.number_format = _INSTANT
        return cell
    return text_cell(sheet, str(value))


class _SteadyArchive(ZipFile):
    """An archive that remembers no hour: the same workbook has the same bytes whenever it is written."""

    def writestr(
        self,
        zinfo_or_arcname: str | ZipInfo,
        data: Any,
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        name = str(zinfo_or_arcname)
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if name == "docProps/core.xml":
            raw = _STAMP.sub(b"", raw)
        super().writestr(_entry(name), raw, compress_type, compresslevel)

    def write(
        self,
        filename: Any,
        arcname: Any = None,
        compress_type: int | None = None,  # noqa: ARG002 (the signature is the archive's)
        compresslevel: int | None = None,  # noqa: ARG002
    ) -> None:
        with open(filename, "rb") as source, self.open(_entry(str(arcname)), "w", force_zip64=True) as target:  # noqa: PTH123
            while chunk := source.read(_CHUNK):
                target.write(chunk)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _FIXED)
    entry.compress_type = ZIP_DEFLATED
    return entry
