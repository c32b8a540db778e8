"""A board that this ledger exported, compared cell by cell with the board as it is: what is recorded, not figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from aggregates.importing.cells import Cell, shown
from aggregates.importing.header import Header, plain
from aggregates.values import number_text
from api.exporting.board import BOARD
from api.exporting.lines import FORMULA_SIGNS
from api.exporting.names import Names
from api.imports.disagreements import Disagreement, Reconciled
from api.imports.sheet_files import MARK
from api.imports.tables.faults import TableCannotBeRead
from api.imports.tables.reading import TableFile
from ledger.store import Ledger

SIGNS = frozenset(
    {
        "objective",
        "objective_reference",
        "objective_title",
        "key_result",
        "key_result_reference",
        "key_result_title",
    }
)
"""Columns by which an exported board is known."""
FIELDS: Mapping[str, Mapping[str, str]] = {
    "objective": {
        "objective_title": "title", "objective_description": "description", "objective_owner": "owner", "team": "team",
        "parent": "parent", "local_because": "local", "objective_standing": "standing",
    },
    "key_result": {
        "key_result_title": "title", "key_result_owner": "owner", "key_result_standing": "standing",
        "measure": "measure", "unit": "unit", "indicator": "indicator", "path": "path", "baseline": "baseline",
        "target": "target", "target_words": "target", "value": "value", "value_words": "value",
        "value_on": "day of the value", "weight": "weight", "ambition": "ambition", "ends_on": "end",
        "confidence": "confidence", "said": "status", "score": "score",
    },
}  # fmt: skip
"""The columns that are compared, and what each is called; what follows from the day or the policy is not."""
_SAID_BY = {
    "objective_owner": "objective_owner_name", "key_result_owner": "key_result_owner_name", "team": "team_name",
    "parent": "parent_reference",
}  # fmt: skip
"""Columns of identifiers, and the column that says whom or what each means."""
_KINDS = {column.name: column.kind for column in BOARD.all_columns}
_Row = dict[str, Cell]


def is_own_board(table: TableFile) -> bool:
    """Return whether a table has the columns of an exported board. Raises TableCannotBeRead."""
    return {plain(name) for name in table.names()} >= SIGNS


def header_of(table: TableFile) -> Header:
    """Return the header of a table of another tool; a sheet or a board of a ledger has a way of its own.

    Raises TableCannotBeRead, HeaderDoesNotFit.
    """
    refuse_sheet(table)
    header = table.header()
    if header.name("objective") == "objective" and is_own_board(table):
        raise TableCannotBeRead(
            f"{table.path.name} is a board that a ledger exported: its columns objective and key_result hold "
            "identifiers, no titles. `sheet CYCLE --out FILE` writes what can be edited and imported; to take the "
            "board over all the same, give --column objective=objective_title --column key_result=key_result_title."
        )
    return header


def refuse_sheet(table: TableFile) -> None:
    """Refuse a sheet that a ledger wrote. Raises TableCannotBeRead."""
    if table.names()[:1] == (MARK,):
        raise TableCannotBeRead(
            f"{table.path.name} is a sheet that a ledger wrote; `import sheet {table.path.name}` shows what differs."
        )


def compare(ledger: Ledger, table: TableFile, cycle: str, body: Mapping[str, Any]) -> Reconciled:
    """Return where an exported board and the board of a cycle disagree. Raises TableCannotBeRead.

    Items are found by their identifiers. It is refused where it is of another ledger or another cycle.
    """
    found = Reconciled(cycle, body["basis"])
    columns = [column.name for column in BOARD.all_columns]
    here: dict[tuple[str, str], _Row] = {}
    for cells in BOARD.rows(body, Names(body, ledger.zone)):
        row = dict(zip(columns, cells, strict=True))
        here[_text(row, "objective"), ""] = row
        if _text(row, "key_result"):
            here[_text(row, "objective"), _text(row, "key_result")] = row
    seen: set[tuple[str, str]] = set()
    for line, there in _rows(table):
        _check(ledger, table, cycle, line, there)
        home = _text(there, "objective")
        for identity in dict.fromkeys([(home, ""), (home, _text(there, "key_result"))]):
            if identity in seen:
                continue
            seen.add(identity)
            kind = "key_result" if identity[1] else "objective"
            title = _text(there, f"{kind}_title")
            known = here.get(identity)
            if known is None:
                found.found.append(
                    Disagreement("missing here", _text(there, f"{kind}_reference"), title, line=line)
                )
                continue
            item, title = _text(known, f"{kind}_reference"), _text(known, f"{kind}_title")
            told = [
                Disagreement("differs", item, title, *one, line) for one in _differences(kind, known, there)
            ]
            found.found += told
            found.agree += not told
    for identity, row in here.items():
        if identity not in seen:
            kind = "key_result" if identity[1] else "objective"
            found.found.append(
                Disagreement("missing there", _text(row, f"{kind}_reference"), _text(row, f"{kind}_title"))
            )
    return found


def _rows(table: TableFile) -> Iterator[tuple[int, _Row]]:
    names = [plain(name) for name in table.names()]
    for raw in replace(table, needed=()).rows():
        row = dict(zip(names, raw.cells, strict=False))
        if table.format == "csv":
            row = {name: _as_it_was(cell) for name, cell in row.items()}
        if any(shown(cell) for cell in row.values()):
            yield raw.line, row


def _check(ledger: Ledger, table: TableFile, cycle: str, line: int, row: _Row) -> None:
    where = f"{table.path.name}, line {line}"
    of = _text(row, "basis_ledger")
    if of and of != str(ledger.identifier):
        raise TableCannotBeRead(
            f"{where}: this board is of another ledger ({of}), whose identifiers mean nothing here; to compare by "
            "titles, delete the columns objective and key_result and give --column objective=objective_title and so on."
        )
    told = _text(row, "cycle")
    if told and told != cycle:
        raise TableCannotBeRead(
            f"{where}: this row is of {told}; name it with --cycle {told}, one cycle at a time."
        )


def _differences(kind: str, here: _Row, there: _Row) -> Iterator[tuple[str, str, str]]:
    """Give each compared field that says something else: its name, and what stands here and there."""
    named: set[str] = set()
    for column, field in FIELDS[kind].items():
        if column not in there or field in named:
            continue
        ours, theirs = _same_spelling(column, here[column]), _same_spelling(column, there[column])
        if ours != theirs:
            named.add(field)
            yield field, _words(column, here), _words(column, there)


def _words(column: str, row: _Row) -> str:
    by = _SAID_BY.get(column)
    return (_text(row, by) if by is not None else "") or _text(row, column)


def _same_spelling(column: str, cell: Cell) -> str:
    """Return a cell as it is compared: a number without needless digits, a day as a day, a text by its words."""
    text = shown(cell).strip()
    if _KINDS[column] in ("number", "whole"):
        try:
            return number_text(Decimal(text))
        except (InvalidOperation, ValueError):
            return text
    if _KINDS[column] == "day":
        return (
            (cell.date() if isinstance(cell, datetime) else cell).isoformat()
            if isinstance(cell, date)
            else text[:10]
        )
    return plain(text)


def _text(row: Mapping[str, Any], column: str) -> str:
    cell = row.get(column)
    return "" if cell is None else shown(cell).strip()


def _as_it_was(cell: Cell) -> Cell:
    """Return a text without the apostrophe that keeps spreadsheets from taking it for a formula."""
    if isinstance(cell, str) and cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_SIGNS):
        return cell[1:]
    return cell
