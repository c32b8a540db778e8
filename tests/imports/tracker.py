"""A tracker made by hand: a tab of key results and a tab of check-ins, with what people do to such sheets."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl


def tracker(path: Path) -> Path:
    """Write the workbook and return its path."""
    book = openpyxl.Workbook()
    okrs: Any = book.active
    okrs.title = "OKRs"
    okrs.append(
        [
            "Objective",
            "Key Result",
            "Owner",
            "Start Value",
            "Target Value",
            "Current Value",
            "Score",
            "Quarter",
        ]
    )
    okrs.append(
        [
            "Bread that people come back for",
            "Loaves sold in a day",
            "ben@bakery.example",
            120,
            200,
            150,
            0.375,
            "2026-Q3",
        ]
    )
    okrs.append(
        [None, "Guests who come back", "ben@bakery.example", 0.4, 0.6, 0.41, "=(F3-D3)/(E3-D3)", "2026-Q3"]
    )
    for column in "DEF":
        okrs[f"{column}3"].number_format = "0%"
    okrs.append(
        ["Quiet nights", "Complaints", "cleo@bakery.example", 9, 0, "=COUNTA(A1:A3)", None, "2026-Q3"]
    )
    okrs.append(["Quiet nights", "Doors closed", "cleo@bakery.example", 9, "#REF!", 3, None, "2026-Q3"])
    okrs["E5"].data_type = "e"
    okrs.append(["Last quarter", "Old", "cleo@bakery.example", 9, 0, 3, 1, "2026-Q2"])
    okrs.append([])
    okrs["A9"].number_format = "0.00"
    check_ins = book.create_sheet("Check-ins")
    check_ins.append(["Date", "Key Result", "Owner", "Current Value", "Confidence", "Notes"])
    for row in (
        [
            datetime.combine(date(2026, 8, 10), time()),
            "Loaves sold in a day",
            "ben@bakery.example",
            140,
            "Medium",
            "The oven\ncame late",
        ],
        [date(2026, 7, 13), "Loaves sold in a day", "ben@bakery.example", 125, "High", None],
        ["2026-07-20", "Guests who come back", "ben@bakery.example", 0.405, "Low", None],
        [45500, "Guests who come back", "ben@bakery.example", 0.5, "Low", None],
        ["2026-08-17", "Unknown", "ben@bakery.example", 1, "Low", None],
        [date(2026, 6, 1), "Loaves sold in a day", "ben@bakery.example", 118, "High", None],
        [date(2026, 8, 10), "Loaves sold in a day", "ben@bakery.example", 141, "High", None],
        [date(2026, 8, 20), "Loaves sold in a day", "ben@bakery.example", "many", "Purple", None],
        [date(2026, 9, 9), "Loaves sold in a day", "ben@bakery.example", 150, "High", None],
    ):
        check_ins.append(row)
    check_ins["D4"].number_format = "0%"
    book.save(path)
    return path
