"""What a cell says: numbers by the signs that are given, days by their order, and no guess where there is a doubt."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from aggregates.importing.cells import (
    Broken,
    Cell,
    Percent,
    Writing,
    read_day,
    read_done,
    read_line,
    read_number,
)
from aggregates.importing.rows import KeyResultRow, TableRow
from aggregates.measures import Measure, PointTarget, Stage, StagesTarget, Target
from aggregates.snapshots.cells import Unreadable
from api.imports.table_run import name_of


def answer(cell: Cell, **writing: Any) -> Decimal | str | None:
    try:
        return read_number(cell, Writing(**writing))
    except Unreadable as error:
        return error.code if error.what.endswith(".") and error.remedy else "said without a sentence"


@pytest.mark.parametrize(
    ("cell", "writing", "expected"),
    [
        ("1,234", {}, "number_is_doubtful"),
        ("1.234", {}, "number_is_doubtful"),
        ("1,234", {"decimal": "."}, "number_is_doubtful"),
        ("1,234", {"decimal": ".", "thousands": ","}, Decimal(1234)),
        ("1,234", {"decimal": ","}, Decimal("1.234")),
        ("1.234,5", {"decimal": ",", "thousands": "."}, Decimal("1234.5")),
        ("12,34,567", {"decimal": ".", "thousands": ","}, "number_is_doubtful"),
        ("0.125", {}, Decimal("0.125")),
        ("12.5", {}, Decimal("12.5")),
        ("12,5", {}, "number_is_doubtful"),
        ("€ 1\u00a0200", {"decimal": ",", "thousands": " "}, Decimal(1200)),
        ("(5)", {}, Decimal(-5)),
        ("\u22123", {}, Decimal(-3)),
        ("45 %", {}, "percent_is_doubtful"),
        ("45 %", {"percent": "points"}, Decimal(45)),
        ("45 %", {"percent": "fraction"}, Decimal("0.45")),
        (Percent(Decimal("0.45")), {"percent": "points"}, Decimal(45)),
        (0.1 + 0.2, {}, Decimal("0.3")),
        (1 / 3, {}, "number_is_out_of_range"),
        (1 / 3, {"digits": 6}, Decimal("0.333333")),
        (1.0, {}, Decimal(1)),
        (float("nan"), {}, "number_is_out_of_range"),
        ("9" * 16, {}, "number_is_out_of_range"),
        ("about ten of them", {}, "number_is_malformed"),
        ("#REF!", {}, "cell_is_an_error"),
        (Broken("#DIV/0!", "error"), {}, "cell_is_an_error"),
        (Broken("=A1", "formula"), {}, "formula_has_no_value"),
        (True, {}, "number_is_malformed"),
        ("n/a", {}, None),
        ("–", {}, None),
    ],
)
def test_numbers(cell: Cell, writing: dict[str, Any], expected: Decimal | str | None) -> None:
    assert answer(cell, **writing) == expected


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-07-01", "iso", date(2026, 7, 1)),
        ("2026-07-01T10:00:00Z", "iso", date(2026, 7, 1)),
        ("01/07/2026", "iso", "day_is_doubtful"),
        ("01/07/2026", "dmy", date(2026, 7, 1)),
        ("01/07/2026", "mdy", date(2026, 1, 7)),
        ("31.04.2026", "dmy", "day_is_impossible"),
        ("2026-02-30", "iso", "day_is_impossible"),
        ("01/07/26", "dmy", "day_is_doubtful"),
        ("next week", "dmy", "day_is_malformed"),
        ("2326-02-03", "iso", "day_is_out_of_range"),
    ],
)
def test_days(text: str, order: Any, expected: date | str) -> None:
    try:
        found: date | str | None = read_day(text, Writing(dates=order))
    except Unreadable as error:
        found = error.code
    assert found == expected


def test_a_text_that_begins_like_a_formula_stays_a_text() -> None:
    assert read_line("=cmd|' /C calc'!A0") == "=cmd|' /C calc'!A0"


def test_yes_and_no_and_nothing_else() -> None:
    assert (read_done("Done"), read_done("0.0"), read_done(None)) == (True, False, None)
    with pytest.raises(Unreadable):
        read_done("half")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (PointTarget(at=Decimal("99.50")), "row 13a598b4da24d7e4ebacc564"),
        (StagesTarget(stages=(Stage(name="“A”", weight=Decimal("0.4")),)), "row ecd2f090fa7329357ae49a81"),
    ],
)
def test_a_row_keeps_its_name_from_release_to_release(target: Target, name: str) -> None:
    """Else the second run of a version under a later release would not find what the first one recorded."""
    measure = Measure(kind="increase", unit="€")
    of = KeyResultRow(
        7, "O-1 › kr", "O-1", "Kr", ("a@example.org",), measure, Decimal("0.10"), target
    )  # fmt: skip
    assert name_of("row", TableRow(7, None, (of,)).said()) == name


@pytest.mark.parametrize("cell", ["", "  ", " N/A ", "\u00a0none\u2003", "–", " null", "\t-\n"])
def test_words_that_say_nothing_say_nothing_between_blanks_either(cell: str) -> None:
    assert read_line(cell) is None
