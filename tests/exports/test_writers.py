"""What a file holds: text that no spreadsheet runs, numbers to their last digit, the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import openpyxl
import pytest

from api.exporting import sheets
from api.exporting.lines import csv_of, ndjson_of, neutral
from api.exporting.table import Column, Row
from api.problems import TooManyRows

COLUMNS = (
    Column("title", "text", "its wording"),
    Column("value", "number", "a decimal"),
    Column("position", "whole", "a position"),
    Column("kept", "flag", "yes or no"),
    Column("due_on", "day", "a day"),
    Column("told_at", "instant", "an instant"),
)
EXACT = "123456789012345.678901"
ROWS: list[Row] = [
    ('=cmd|" /C calc"!A0', "-5", 7, True, "2026-03-01", "2026-03-01T09:30:00.250000Z"),
    ("+49 30, “Bäckerei”", "0.1", 8, False, "1899-12-31", "2026-03-01T09:30:00.000000Z"),
    ("#REF!", EXACT, None, None, None, None),
    ("two\nlines", None, 0, None, None, None),
]


def workbook(rows: list[Row]) -> Any:
    data = b"".join(sheets.xlsx_of("board", COLUMNS, iter(rows), [("question", "board"), ("about", "=1+1")]))
    return openpyxl.load_workbook(io.BytesIO(data))


def test_csv_is_what_rfc_4180_says_and_no_cell_is_a_formula() -> None:
    data = b"".join(csv_of(COLUMNS, ROWS))
    assert data.startswith(b"title,value,position,kept,due_on,told_at\r\n")
    assert data.count(b"\r\n") == 1 + len(ROWS)
    read = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert read[1] == ["'" + str(ROWS[0][0]), "-5", "7", "true", "2026-03-01", "2026-03-01T09:30:00.250000Z"]
    assert read[2][:4] == ["'+49 30, “Bäckerei”", "0.1", "8", "false"]
    assert read[3] == ["#REF!", EXACT, "", "", "", ""]
    assert read[4][0] == "two\nlines"
    assert b"".join(csv_of(COLUMNS, ROWS, bom=True)) == b"\xef\xbb\xbf" + data


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'="])
def test_a_text_that_begins_like_a_formula_is_neutralised_and_can_be_read_back(start: str) -> None:
    told = neutral(f"{start}SUM(A1)")
    assert told[0] == "'"
    assert told[1:] == f"{start}SUM(A1)"
    assert neutral("'quoted'") == "'quoted'"
    assert neutral("plain = text") == "plain = text"


def test_ndjson_keeps_decimals_as_strings() -> None:
    rows = [json.loads(line) for line in b"".join(ndjson_of(COLUMNS, ROWS)).splitlines()]
    assert rows[0]["title"] == ROWS[0][0]
    assert [row["value"] for row in rows] == ["-5", "0.1", EXACT, None]
    assert rows[0]["position"] == 7
    assert rows[0]["kept"] is True


def test_a_workbook_has_typed_cells_and_no_formula() -> None:
    sheet = workbook(ROWS)["board"]
    first, second, third = (list(row) for row in sheet.iter_rows(min_row=2, max_row=4))
    assert (first[0].value, first[0].data_type) == (ROWS[0][0], "s")
    assert [cell.value for cell in first[1:4]] == [-5, 7, True]
    assert first[4].value.isoformat() == "2026-03-01T00:00:00"
    assert first[4].number_format == "yyyy-mm-dd"
    assert first[5].value.isoformat() == "2026-03-01T09:30:00.250000"
    assert (second[1].value, second[4].value) == (0.1, "1899-12-31")
    assert (third[0].value, third[0].data_type) == ("#REF!", "s")
    assert (third[1].value, third[1].data_type) == (EXACT, "s")  # a binary number would lose its end
    assert sheet.freeze_panes == "A2"


def test_the_sheet_basis_says_what_it_stands_on_and_what_the_columns_mean() -> None:
    sheet = workbook(ROWS)["basis"]
    told = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert told[:2] == [["question", None, "board"], ["about", None, "=1+1"]]
    assert sheet["C2"].data_type == "s"
    assert ["value", "number", "a decimal"] in told


def test_the_same_rows_give_the_same_workbook_whenever_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an hour later by the clock that archives use, then the bytes are the same."""
    before = b"".join(sheets.xlsx_of("board", COLUMNS, iter(ROWS), []))
    now = time.localtime(time.mktime((2031, 1, 2, 3, 4, 6, 0, 1, -1)))
    monkeypatch.setattr(time, "localtime", lambda *_: now)
    assert b"".join(sheets.xlsx_of("board", COLUMNS, iter(ROWS), [])) == before


def test_more_rows_than_a_sheet_holds_are_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    with pytest.raises(TooManyRows, match="take csv or ndjson"):
        b"".join(sheets.xlsx_of("board", COLUMNS, iter(ROWS), []))
