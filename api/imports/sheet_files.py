"""The sheet of a cycle as a file: written from a board at a basis, read back with the line of each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from aggregates.importing.cells import (
    Cell,
    Writing,
    is_blank,
    read_day,
    read_line,
    read_number,
    read_text,
    shown,
)
from aggregates.importing.header import plain
from aggregates.importing.profile import Profile
from aggregates.importing.rows import RawRow
from aggregates.importing.sheet import COLUMNS, SheetItem
from aggregates.snapshots.cells import Unreadable, quote
from aggregates.snapshots.page import Fault
from aggregates.values import number_text
from api.exporting.lines import FORMULA_SIGNS, neutral
from api.imports.tables.csv_rows import csv_rows
from api.imports.tables.faults import TableCannotBeRead
from api.imports.tables.reading import check_file, format_of
from api.imports.tables.xlsx_rows import xlsx_rows

MARK = "strategy-ledger sheet"
_NUMBERS = frozenset({"baseline", "target", "low", "high", "weight", "version"})
_DAYS = frozenset({"on", "ends_on"})
_EXACT = 15
"""Digits that a spreadsheet program keeps of a number; one with more is written as text."""
_WIDTHS = {"title": 60, "description": 40, "owner": 22, "id": 12}


@dataclass(frozen=True, slots=True)
class SheetBasis:
    """What a sheet was written from: its ledger, its position, its effective day and its cycle."""

    ledger: str
    position: int
    effective_at: str
    cycle: str

    def cells(self) -> list[str]:
        """Return the first row of the file."""
        return [
            MARK,
            "cycle",
            self.cycle,
            "ledger",
            self.ledger,
            "position",
            str(self.position),
            "effective",
            self.effective_at,
        ]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a sheet: its line, the cells that could be read, and what could not."""

    line: int
    values: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


def write_csv(basis: SheetBasis, items: Iterable[tuple[SheetItem, Mapping[str, Any]]]) -> Iterator[bytes]:
    """Give the sheet as CSV in UTF-8 with its mark; texts that a spreadsheet would compute are neutralised."""
    yield b"\xef\xbb\xbf"
    yield _line(basis.cells())
    yield _line(list(COLUMNS.values()))
    for item, more in items:
        values = {**item.values, **more}
        yield _line([_text(name, values.get(name)) for name in COLUMNS])


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return number_text(value)
    return str(value) if name in _NUMBERS | _DAYS else neutral(str(value))


def write_xlsx(basis: SheetBasis, items: Iterable[tuple[SheetItem, Mapping[str, Any]]]) -> bytes:
    """Return the sheet as a workbook: numbers and days typed, texts as texts whatever they begin with."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Plan")
    sheet.freeze_panes = "D3"
    for place, name in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 13)

    def cell(value: Any, *, bold: bool = False) -> Any:
        kept = value
        if isinstance(value, Decimal):
            kept = value if len(value.as_tuple().digits) <= _EXACT else number_text(value)
        made = WriteOnlyCell(sheet, kept)
        if isinstance(kept, str):
            made.data_type = "s"
        if isinstance(value, date):
            made.number_format = "yyyy-mm-dd"
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(text) for text in basis.cells()])
    sheet.append([cell(text, bold=True) for text in COLUMNS.values()])
    for item, more in items:
        values = {**item.values, **more}
        sheet.append([cell(values.get(name)) for name in COLUMNS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_sheet(path: Path, profile: Profile) -> tuple[SheetBasis, list[SheetRow]]:
    """Return basis and rows of a sheet; `profile` says how an edited CSV writes. Raises TableCannotBeRead."""
    check_file(path)
    rows = xlsx_rows(path, profile.tab) if format_of(path) == "xlsx" else csv_rows(path, profile)
    with closing(rows):
        basis = _basis(next(rows, None), path)
        columns = _columns(next(rows, None), path)
        read = [
            _row(raw, columns, profile.writing())
            for raw in rows
            if any(not is_blank(cell) for cell in raw.cells)
        ]
    return basis, read


def _basis(row: RawRow | None, path: Path) -> SheetBasis:
    cells = [] if row is None else [shown(cell).strip() for cell in row.cells]
    if not cells or cells[0] != MARK:
        raise TableCannotBeRead(
            f"{path.name} does not begin with {MARK!r}; write a sheet with `strategy-ledger sheet CYCLE --out FILE`, "
            "and leave its first row as it is."
        )
    told = dict(zip(cells[1::2], cells[2::2], strict=False))
    try:
        position = int(told["position"].removesuffix(".0"))
        return SheetBasis(told["ledger"], position, told["effective"][:10], told["cycle"])
    except (KeyError, ValueError) as error:
        raise TableCannotBeRead(
            f"{path.name}, row 1: the basis was changed; write the sheet anew."
        ) from error


def _columns(row: RawRow | None, path: Path) -> dict[str, int]:
    names = {} if row is None else {plain(shown(cell)): place for place, cell in enumerate(row.cells)}
    columns = {name: names[plain(title)] for name, title in COLUMNS.items() if plain(title) in names}
    missing = [COLUMNS[name] for name in ("level", "title", "owner", "id") if name not in columns]
    if missing:
        raise TableCannotBeRead(
            f"{path.name}, row 2 names no column {', '.join(missing)}; a column may be left out, not these."
        )
    return columns


def _row(raw: RawRow, columns: Mapping[str, int], writing: Writing) -> SheetRow:
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    kind = _at(raw, columns.get("kind"))
    for name, place in columns.items():
        cell = _at(raw, place)
        try:
            values[name] = _value(name, cell, writing, done=plain(shown(kind)) == "yes_no")
        except Unreadable as error:
            faults.append(
                Fault(raw.line, COLUMNS[name], quote(shown(cell)), error.code, error.what, error.remedy)
            )
    return SheetRow(raw.line, values, tuple(faults))


def _at(raw: RawRow, place: int | None) -> Cell:
    return raw.cells[place] if place is not None and place < len(raw.cells) else None


def _value(name: str, cell: Cell, writing: Writing, *, done: bool) -> Any:
    if cell is None or cell == "":
        return None
    if name in _NUMBERS:
        return read_number(cell, writing)
    if name in _DAYS:
        return read_day(cell, writing)
    if name == "value":
        if not done:
            return read_number(cell, writing)
        text = shown(cell).strip().casefold()
        return {"true": "yes", "false": "no", "1": "yes", "0": "no"}.get(text, text)
    if isinstance(cell, str) and cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_SIGNS):
        cell = cell[1:]
    if name in ("description", "local"):
        return read_text(cell)
    line = read_line(cell)
    return line.casefold().replace(" ", "_") if line and name in ("kind", "ambition") else line
