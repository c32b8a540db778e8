"""A row that is refused says everything that is wrong with it, at once; what cannot be kept of a good row is said."""

from __future__ import annotations

import json

import openpyxl
import pytest

from aggregates.decide import decide
from aggregates.person.commands import AddPerson
from tests.imports.conftest import FILES, Bakery, refused
from tests.imports.tracker import tracker

HEAD = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current,Date,Weight"
BAD = "Bread,zoe@bakery.example,Loaves,yan@bakery.example,much,200,12x,2199-01-01,heavy"
ALL = [
    "2 Objective Owner: owner_is_unknown",
    "2 Owner: owner_is_unknown",
    "2 Baseline: number_is_malformed",
    "2 Current: number_is_malformed",
    "2 Date: day_lies_in_the_future",
    "2 Weight: number_is_malformed",
]


def rows(*lines: str) -> str:
    return "\n".join([HEAD, *lines]) + "\n"


def test_a_row_lists_all_its_faults_in_the_order_of_its_columns(bakery: Bakery) -> None:
    """Given a row with faults in six cells, then all are in the report, on the screen and in its file, counted once."""
    path = bakery.file("rows.csv", rows(BAD))
    report = bakery.takes(path, report=bakery.room / "report.json")
    assert refused(report) == ALL
    assert report.refused == 1
    assert report.missing == ["zoe@bakery.example", "yan@bakery.example"]
    assert refused(bakery.takes(path, report=bakery.room / "report.csv")) == ALL
    told = json.loads((bakery.room / "report.json").read_text(encoding="utf-8"))
    assert [f"{one['line']} {one['column']}: {one['code']}" for one in told["rows"]] == ALL
    assert all(one["reason"].endswith(".") and one["remedy"] for one in told["rows"])
    assert len((bakery.room / "report.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(ALL)
    shown = "\n".join(report.blocks())
    for one in ALL:
        assert f"line 2, column {one.split(':')[0][2:]}:" in shown
    assert [f"{one['line']} {one['column']}: {one['code']}" for one in report.body()["rows"]] == ALL


def test_a_row_without_titles_still_says_what_else_is_wrong(bakery: Bakery) -> None:
    line = ",zoe@bakery.example,\u200b,yan@bakery.example,much,,1,2026-08-01,"
    assert refused(bakery.takes(bakery.file("rows.csv", rows(line)))) == [
        "2 Objective: objective_is_missing",
        "2 Objective Owner: owner_is_unknown",
        "2 Key Result: text_is_unreadable",
        "2 Owner: owner_is_unknown",
        "2 Baseline: number_is_malformed",
        "2 Target: target_is_missing",
    ]


def test_nobody_is_added_for_a_row_that_is_refused(bakery: Bakery) -> None:
    """Given people who may be added, when a row that names two of them is refused, then neither is."""
    path = bakery.file("rows.csv", rows(BAD))
    report = bakery.takes(path, create_people=True)
    assert refused(report) == ALL[2:]
    assert report.people == []
    assert bakery.ledger.directory.lookup("zoe@bakery.example") is None
    twice = rows(
        "Bread,zoe@bakery.example,Loaves,yan@bakery.example,1,2,1,2026-08-01,",
        "Bread,zoe@bakery.example,Loaves,xia@bakery.example,1,2,1,2026-08-01,",
    )
    report = bakery.takes(bakery.file("twice.csv", twice), create_people=True)
    assert refused(report) == ["3 Key Result: row_is_repeated"]
    assert sorted(report.people) == ["yan@bakery.example", "zoe@bakery.example"]


def test_a_good_row_after_one_that_is_refused_still_brings_the_objective(bakery: Bakery) -> None:
    good = "Bread,ada@bakery.example,Guests,ben@bakery.example,1,2,1,2026-08-01,"
    lines = rows("Bread,ada@bakery.example,Loaves,yan@bakery.example,1,2,1,2199-01-01,", good)
    report = bakery.takes(bakery.file("rows.csv", lines))
    assert refused(report) == ["2 Owner: owner_is_unknown", "2 Date: day_lies_in_the_future"]
    assert report.counts["recorded"] == 1
    assert any("objective.committed OBJ-1" in one for one in bakery.entries())


@pytest.mark.parametrize("profile", ["peoplebox", "betterworks", "culture-amp"])
def test_no_cell_is_told_twice(bakery: Bakery, profile: str) -> None:
    report = bakery.takes(
        FILES / f"{profile}.csv", profile, {"decimal": ","} if profile == "culture-amp" else {}
    )
    told = [(one.line, one.column, one.code) for one in report.rows if one.became == "refused"]
    assert len(told) == len(set(told))


def test_what_cannot_be_kept_of_a_good_row_is_left_out_in_words(bakery: Bakery) -> None:
    """Given kept columns with a formula that was never computed and an error, then the row is taken over without."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*HEAD.split(",")[:7], "Comment", "Forecast", "Share"])
    cells = ["Bread", "ada@bakery.example", "Loaves", "ben@bakery.example", 1, 2, 1, "slow", "=F2*2", "#REF!"]
    sheet.append(cells)
    sheet["J2"].data_type = "e"
    path = bakery.room / "kept.xlsx"
    book.save(path)
    report = bakery.takes(path, options={"keep": ["Comment", "Forecast", "Share"]})
    assert (report.counts["recorded"], report.refused) == (1, 0)
    left = {one.column: one for one in report.rows if one.became == "left out"}
    assert {column: one.code for column, one in left.items()} == {
        "Forecast": "formula_has_no_value", "Share": "cell_is_an_error",
    }  # fmt: skip
    assert left["Forecast"].sentence() == (
        "left out: line 2, column Forecast: '=F2*2': this cell holds a formula whose value was never computed: "
        "not placed (formula_has_no_value)"
    )
    assert any("Comment" in one and "slow" in one for one in bakery.entries())


def test_a_thirteenth_kept_text_is_left_out_in_words(bakery: Bakery) -> None:
    names = [f"Kept {number}" for number in range(1, 14)]
    head = f"Objective,Key Result,Owner,Baseline,Target,{','.join(names)}"
    line = f"Bread,Loaves,ben@bakery.example,1,2,{','.join('x' for _ in names)}"
    path = bakery.file("rows.csv", f"{head}\n{line}\n")
    report = bakery.takes(path, options={"keep": names}, objective_owner="first")
    assert [(one.column, one.code) for one in report.rows if one.became == "left out"] == [
        ("Kept 13", "too_many_texts")
    ]


def test_notes_of_somebody_unknown_are_left_out_in_words(bakery: Bakery) -> None:
    """Given a check-in whose notes nobody here wrote, then it is recorded without them, and that is said."""
    path = tracker(bakery.room / "tracker.xlsx")
    book = openpyxl.load_workbook(path)
    book["Check-ins"]["C2"] = "zoe@bakery.example"
    book.save(path)
    options = {"only": {"Quarter": "2026-Q3"}, "fill_down": True, "percent": "points"}
    report = bakery.takes(path, "sheet-tracker", options, objective_owner="first")
    (left,) = [one for one in report.rows if one.column == "Check-ins: Notes"]
    assert (left.line, left.became, left.code) == (2, "left out", "not_placed")
    assert "zoe@bakery.example" in left.reason
    assert any("2026-08-10 key_result.checked_in" in one for one in bakery.entries())


def test_rows_that_are_refused_or_unchanged_use_up_no_reference(bakery: Bakery) -> None:
    """Given rows that the rules refuse between good ones, then theirs go to the next rows, and a later version that
    brings a few among many draws no more than it needs; only what was drawn ahead of the last rows is left over."""
    head = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Ends On"
    lines = [
        f"Bread,ada@bakery.example,KR {number},ben@bakery.example,1,2,{'2027-01-01' if number % 4 == 2 else ''}"
        for number in range(1, 13)
    ]
    report = bakery.takes(bakery.file("rows.csv", "\n".join([head, *lines])))
    assert (report.counts["recorded"], report.refused) == (9, 3)
    assert refused(report)[0] == "3 Ends On: horizon_is_outside_the_cycle"
    more = [line.replace("2027-01-01", "2026-08-31") for line in lines]
    bakery.takes(bakery.file("more.csv", "\n".join([head, *more])))
    added = [one for one in bakery.entries() if " key_result.added " in one]
    given = sorted(int(one.split("KR-")[1].split(" ")[0]) for one in added)
    assert given[:9] == list(range(1, 10))
    assert given[-1] - len(given) <= 1
    assert bakery.ledger.next_reference("KR") == f"KR-{given[-1] + 1}"


def test_a_row_lists_each_no_of_the_rules_that_does_not_follow_from_another(bakery: Bakery) -> None:
    """Given a key result, when a later version gives it an owner who was not here and an end after the cycle, then both
    are told, counted as one row, and nothing of the row is recorded."""
    head = "Objective,Objective Owner,Key Result,Owner,Kind,Baseline,Target,Current,Ends On"
    good = "Bread,ada@bakery.example,Loaves,ben@bakery.example,increase,1,20,2,"
    assert bakery.takes(bakery.file("rows.csv", f"{head}\n{good}\n")).refused == 0
    late = bakery.ledger.new_id()
    bakery.ledger.execute(AddPerson(person=late), decide, by=bakery.steward)
    bakery.ledger.directory.add(late, "Dora", email="dora@bakery.example")
    before = bakery.head
    bad = "Bread,ada@bakery.example,Loaves,dora@bakery.example,increase,1,30,3,2027-01-01"
    report = bakery.takes(
        bakery.file("rows.csv", f"{head}\n{bad}\n"), people=None, report=bakery.room / "report.json"
    )
    assert refused(report) == ["2 Owner: person_was_not_here", "2 Ends On: horizon_is_outside_the_cycle"]
    assert (report.refused, bakery.head) == (1, before)
    told = json.loads((bakery.room / "report.json").read_text(encoding="utf-8"))
    assert [one["code"] for one in told["rows"]] == ["person_was_not_here", "horizon_is_outside_the_cycle"]
    assert "dora@bakery.example" in told["rows"][0]["found"]
    new = "Bread,ada@bakery.example,Rolls,ben@bakery.example,increase,1,30,3,2027-01-01"
    newer = "Cake,dora@bakery.example,Tarts,ben@bakery.example,increase,1,30,3,2027-01-01"
    report = bakery.takes(bakery.file("rows.csv", f"{head}\n{new}\n{newer}\n"), people=None)
    assert refused(report) == [
        "2 Ends On: horizon_is_outside_the_cycle",
        "3 Objective Owner: person_was_not_here",
    ]


def test_a_weight_and_a_day_out_of_range_are_faults_of_their_cells(bakery: Bakery) -> None:
    """Given what spreadsheets write for nothing or for never, then the row is refused and the import goes on."""
    head = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Ends On,Weight"
    lines = [
        f"Bread,ada@bakery.example,{name},ben@bakery.example,1,2,{day},{weight}"
        for name, day, weight in (
            ("A", "9999-12-31", "0"),
            ("B", "1899-12-30", "1000.5"),
            ("C", "2026-09-01", "2"),
        )
    ]
    report = bakery.takes(bakery.file("rows.csv", "\n".join([head, *lines])))
    wrong = ["Ends On: day_is_out_of_range", "Weight: number_is_out_of_range"]
    assert refused(report) == [f"{line} {one}" for line in (2, 3) for one in wrong]
    assert report.counts["recorded"] == 1
