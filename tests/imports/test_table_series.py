"""Dated exports of one tool become history: what changed between two of them took effect at the later one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aggregates.importing.profiles import PROFILES
from api.imports.sources import SourceCannotBeRead
from api.imports.table_series import dated_files, import_series, is_dated_tables
from api.imports.tables.reading import TableFile, format_of
from tests.imports.conftest import Bakery

HEAD = "Objective,Key Result,Owner,Baseline,Target,Current\n"
JULY = (
    "Bread,Loaves sold in a day,ben@bakery.example,120,200,120\n"
    "Bread,Guests who come back,ben@bakery.example,40,60,40\n"
    "Quiet nights,Complaints,cleo@bakery.example,9,0,9\n"
)
AUGUST = (
    "Bread,Loaves sold in a day,ben@bakery.example,120,180,140\n"
    "Bread,Guests who come back again,ben@bakery.example,40,60,40\n"
    "Quiet nights,Complaints,cleo@bakery.example,9,0,5\n"
)
SEPTEMBER = (
    "Bread,Loaves sold in a day,cleo@bakery.example,120,180,150\n"
    "Bread,Guests who come back again,ben@bakery.example,40,60,45\n"
)


def exports(bakery: Bakery, last: str = SEPTEMBER) -> Path:
    folder = bakery.room / "exports"
    folder.mkdir(exist_ok=True)
    for name, rows in (
        ("okrs-2026-07-01.csv", JULY),
        ("okrs_20260801.csv", AUGUST),
        ("2026.09.01 okrs.csv", last),
    ):
        (folder / name).write_text(HEAD + rows, encoding="utf-8")
    return folder


def take(bakery: Bakery, folder: Path, **asked: Any) -> list[int]:
    from dataclasses import replace

    ask = replace(bakery.ask, objective_owner="first", on=None, **asked)
    reports = import_series(
        bakery.ledger, dated_files(folder), lambda path: TableFile(path, format_of(path), PROFILES["table"]), ask,
        by=bakery.steward,
    )  # fmt: skip
    return [report.entries for report in reports]


def test_differences_become_history_and_a_second_run_records_nothing(bakery: Bakery) -> None:
    folder, before = exports(bakery), bakery.head
    assert is_dated_tables(folder)
    assert take(bakery, folder) == [10, 4, 4]
    owner = "  [the source names no owner of an objective: the owner of its first key result]"
    gone = "  [it no longer stands in this version]"
    assert bakery.entries(before) == [
        "2026-07-01 cycle.planned  key=2026-q3 name=2026-q3 kind=quarter starts_on=2026-07-01 "
        "commit_by=2026-07-01 ends_on=2026-09-30",
        f"2026-07-01 objective.drafted OBJ-1 cycle=2026-q3 title=Bread owner=ben{owner}",
        "2026-07-01 key_result.added KR-1 title=Loaves sold in a day owner=ben measure={kind increase} baseline=120 "
        "target={at 200} weight=1 ambition=committed",
        "2026-07-01 key_result.measured KR-1 value=120",
        "2026-07-01 key_result.added KR-2 title=Guests who come back owner=ben measure={kind increase} baseline=40 "
        "target={at 60} weight=1 ambition=committed",
        "2026-07-01 key_result.measured KR-2 value=40",
        f"2026-07-01 objective.drafted OBJ-2 cycle=2026-q3 title=Quiet nights owner=cleo{owner}",
        "2026-07-01 key_result.added KR-3 title=Complaints owner=cleo measure={kind decrease} baseline=9 target={at 0} "
        "weight=1 ambition=committed",
        "2026-07-01 key_result.measured KR-3 value=9",
        "2026-07-01 objective.committed OBJ-1 policy=1 synthesised=True",
        "2026-07-01 objective.committed OBJ-2 policy=1 synthesised=True",
        "2026-08-01 key_result.target_changed KR-1 target={at 180}",
        "2026-08-01 key_result.measured KR-1 value=140",
        "2026-08-01 key_result.reworded KR-2 title=Guests who come back again",
        "2026-08-01 key_result.measured KR-3 value=5",
        "2026-09-01 key_result.reowned KR-1 owner=cleo",
        "2026-09-01 key_result.measured KR-1 value=150",
        "2026-09-01 key_result.measured KR-2 value=45",
        f"2026-09-01 objective.withdrawn OBJ-2 {gone}",
        "2026-09-30 cycle.scoring_started",
    ]
    assert take(bakery, folder) == [0, 0, 0]


def test_a_dry_run_shows_the_whole_series(bakery: Bakery) -> None:
    """Given three exports of which the first names somebody unknown, when they are tried, then each shows what it
    would change on what the ones before it would have left, and nothing is recorded.
    """
    folder, before = exports(bakery), bakery.head
    first = folder / "okrs-2026-07-01.csv"
    first.write_text(first.read_text("utf-8").replace("ben@bakery.example", "dora@bakery.example"), "utf-8")
    tried = take(bakery, folder, dry_run=True, create_people=True)
    assert (tried, bakery.head) == ([10, 6, 4], before)
    assert take(bakery, folder, create_people=True) == [10, 6, 4]
    assert take(bakery, folder, dry_run=True, create_people=True) == [0, 0, 0]


def test_an_absence_proves_nothing_where_rows_could_not_be_read(bakery: Bakery) -> None:
    folder = exports(bakery, SEPTEMBER + "Quiet nights,Complaints,cleo@bakery.example,9,zero,5\n")
    take(bakery, folder)
    assert not any("withdrawn" in one or "dropped" in one for one in bakery.entries())


def test_days_are_in_the_names_or_in_a_file(bakery: Bakery) -> None:
    folder = exports(bakery)
    (folder / "latest.csv").write_text(HEAD + JULY, encoding="utf-8")
    with pytest.raises(SourceCannotBeRead, match="carries no day"):
        dated_files(folder)
    days = bakery.file("days.csv", "file,day\nlatest.csv,2026-09-15\n")
    assert dated_files(folder, days)[-1].day == date(2026, 9, 15)
    (folder / "latest.csv").unlink()
    (folder / "okrs-2026-13-01.csv").write_text(HEAD, encoding="utf-8")
    with pytest.raises(SourceCannotBeRead, match="impossible day"):
        dated_files(folder)
