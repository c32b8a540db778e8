"""The round trip of planning: write a sheet, edit it, see the difference, record it, propose it, find it stale."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from api.cli.codes import Code
from tests.cli.conftest import season, today
from tests.imports.conftest import CommandLine

__all__ = ["season", "today"]

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def plan(request: pytest.FixtureRequest, season: CommandLine, tmp_path: Path) -> Path:
    path = tmp_path / f"plan.{getattr(request, 'param', 'xlsx')}"
    typed = season("sheet", "spring", "--out", str(path))
    assert typed.code == 0, typed.err
    return path


both_formats = pytest.mark.parametrize("plan", ["xlsx", "csv"], indirect=True)


def edited(path: Path, changes: dict[int, dict[str, Any]], more: list[dict[str, Any]] | None = None) -> Path:
    """Return the sheet with some cells changed, by row and column, and with rows added."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows: list[list[Any]] = list(csv.reader(stream))
        names = rows[1]
        for row, cells in changes.items():
            for name, value in cells.items():
                rows[row - 1][names.index(name)] = value
        rows += [[told.get(name, "") for name in names] for told in more or ()]
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows(rows)
        return path
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    names = [cell.value for cell in sheet[2]]
    for row, cells in changes.items():
        for name, value in cells.items():
            sheet.cell(row, names.index(name) + 1).value = value
    for told in more or ():
        sheet.append([told.get(name) for name in names])
    book.save(path)
    return path


def rows(line: CommandLine, *words: str) -> list[str]:
    typed = line("import", "sheet", *words, "--json")
    return [f"{row['line']} {row['became']}: {row['words']}" for row in typed.json["rows"]]


def test_an_untouched_sheet_asks_for_nothing(season: CommandLine, plan: Path) -> None:
    typed = season("import", "sheet", str(plan), "--json")
    assert (typed.code, typed.json["rows"], typed.json["unchanged"]) == (0, [], 2)


def test_a_sheet_shows_why_an_objective_is_local(season: CommandLine, plan: Path) -> None:
    book = openpyxl.load_workbook(plan)
    sheet = book.active
    assert sheet is not None
    place = [cell.value for cell in sheet[2]].index("Local, because") + 1
    assert sheet.cell(3, place).value == "We are one shop."
    edited(plan, {3: {"Local, because": "We are two shops."}})
    (told,) = rows(season, str(plan), "--reason", "A second shop")
    assert "local, because We are two shops." in told
    edited(plan, {3: {"Local, because": None}})
    (told,) = rows(season, str(plan))
    assert "column Local, because: We are one shop. cannot be made blank" in told


@both_formats
def test_the_habits_of_spreadsheets_change_nothing(season: CommandLine, plan: Path) -> None:
    edited(plan, {4: {"Baseline": "120.0" if plan.suffix == ".csv" else 120.0, "Weight": 1.0}})
    assert rows(season, str(plan)) == []


def test_a_change_after_the_line_needs_a_reason_and_is_recorded_once(season: CommandLine, plan: Path) -> None:
    edited(plan, {4: {"Target": 180, "Title": "Loaves sold"}})
    assert rows(season, str(plan)) == [
        "4 refused: KR-1 reworded: “Loaves a day” → “Loaves sold”; KR-1 target 200 → 180: "
        "OBJ-1 is committed; say why it changes. Give --reason TEXT, and --class CLASS."
    ]
    why = ("--reason", "The oven came late.", "--class", "external")
    words = "KR-1 reworded: “Loaves a day” → “Loaves sold”; KR-1 target 200 → 180"
    assert rows(season, str(plan), *why) == [f"4 would record: {words}"]
    assert rows(season, str(plan), *why, "--record") == [f"4 recorded: {words}"]
    assert rows(season, str(plan), *why, "--record") == [], "it is as the sheet says"


@both_formats
def test_new_rows_and_actions(season: CommandLine, plan: Path) -> None:
    more: list[dict[str, Any]] = [
        {"Level": "key result", "Title": "Rolls a day", "Owner": "ada", "Baseline": 10, "Target": 30},
        {"Level": "objective", "Title": "=A quiet shop", "Owner": "ada", "Local, because": "It is ours."},
        {"Level": "key result", "Title": "Complaints", "Owner": "ada", "Kind": "at or below", "Target": 3},
        {"Level": "key result", "Title": "Nobody's", "Owner": "nobody", "Kind": "at or below", "Target": 3},
    ]
    edited(plan, {4: {"Action": "drop"}}, more)
    if plan.suffix == ".xlsx":
        book = openpyxl.load_workbook(plan)
        sheet = book.active
        assert sheet is not None
        sheet["C6"].data_type = "s"
        book.save(plan)
    expected = [
        "4 recorded: KR-1 dropped",
        "5 recorded: new key result “Rolls a day”",
        "6 recorded: new objective “=A quiet shop”",
        "7 recorded: new key result “Complaints”",
        "8 refused: column Owner: Nobody here is called 'nobody'; write a handle, an address or a whole name",
    ]
    assert rows(season, str(plan), "--reason", "Autumn", "--record") == expected
    again = rows(season, str(plan), "--reason", "Autumn", "--record")
    assert again == [expected[-1]], "what was asked for has happened"


@both_formats
def test_nothing_that_a_sheet_says_is_passed_over_in_silence(season: CommandLine, plan: Path) -> None:
    more: list[dict[str, Any]] = [{"Level": "key result", "Title": "Rolls a day"}]
    edited(plan, {3: {"Team": "Bakers", "Title": "Better bread"}, 4: {"Standing": "achieved"}}, more)
    read = "this column is only read;"
    ended = "to end an item, write withdraw or drop in the column Action"
    assert rows(season, str(plan)) == [
        f"3 refused: column Team: 'Bakers': {read} a team is changed with the command reteam_objective (it was none)",
        f"4 refused: column Standing: 'achieved': {read} {ended} (it was active)",
        "5 refused: column Owner: a new row has a title and one owner; this is blank",
    ]


@both_formats
def test_a_row_that_cannot_be_read_stands_in_the_sheet_all_the_same(season: CommandLine, plan: Path) -> None:
    edited(plan, {3: {"Identifier": None if plan.suffix == ".xlsx" else ""}, 4: {"Target": "a lot"}})
    told = rows(season, str(plan))
    assert told[0].startswith("3 refused: column Identifier: OBJ-1 has lost its identifier; copy it back")
    assert told[1].startswith("4 refused: column Target: 'a lot'")
    assert len(told) == 2, "neither is missing from the sheet"


def test_the_figures_of_stages_are_not_edited_in_a_sheet(season: CommandLine, tmp_path: Path) -> None:
    stages = [{"name": "Plan", "weight": "0.5"}, {"name": "Build", "weight": "0.5"}]
    added = season.record(
        {
            "command": "add_key_result", "objective": "OBJ-1", "title": "A new oven", "owner": "ada",
            "measure": {"kind": "milestones"}, "target": {"kind": "stages", "stages": stages},
            "reason": {"kind": "scope", "text": "The old one smokes."},
        }
    )  # fmt: skip
    assert added.code == 0, added.err
    path = tmp_path / "stages.csv"
    assert season("sheet", "spring", "--out", str(path)).code == 0
    edited(path, {5: {"Value": "1"}})
    (told,) = rows(season, str(path))
    assert told.startswith(
        "5 refused: column Value: '1': a row cannot say this of a measure of kind milestones"
    )


def test_a_sheet_names_the_team_of_each_objective(season: CommandLine, tmp_path: Path) -> None:
    formed = season.record({"command": "form_team", "name": "Bakers", "as": "team"}, {
        "command": "reteam_objective", "objective": "OBJ-1", "team": "$team",
        "reason": {"kind": "scope", "text": "They bake it."},
    })  # fmt: skip
    assert formed.code == 0, formed.err
    path = tmp_path / "teams.csv"
    assert season("sheet", "spring", "--out", str(path)).code == 0
    assert ",Bakers," in path.read_text(encoding="utf-8-sig").splitlines()[2]
    assert rows(season, str(path)) == []


@pytest.mark.parametrize("plan", ["csv"], indirect=True)
def test_an_edited_sheet_is_not_written_over_unasked(season: CommandLine, plan: Path) -> None:
    edited(plan, {3: {"Title": "Better bread"}})
    refused = season("sheet", "spring", "--out", str(plan))
    assert refused.code == 4
    assert "--replace" in refused.err
    assert "Better bread" in plan.read_text(encoding="utf-8-sig")
    assert season("sheet", "spring", "--out", str(plan), "--replace").code == 0
    assert "Better bread" not in plan.read_text(encoding="utf-8-sig")


def test_the_token_of_the_file_also_reads(season: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(season.environ["STRATEGY_LEDGER_TOKEN"], encoding="utf-8")
    hidden = season.record(
        {
            "command": "set_visibility", "objective": "OBJ-1", "visibility": "people", "people": ["ada"],
            "reason": {"kind": "scope", "text": "Not yet."},
        }
    )  # fmt: skip
    assert hidden.code == 0, hidden.err
    season.environ["STRATEGY_LEDGER_TOKEN"] = ""
    assert season("board", "spring", "--json").json["private"] == 1
    assert season("board", "spring", "--json", "--token-file", str(file)).json["private"] == 0
    path = tmp_path / "hidden.csv"
    assert season("sheet", "spring", "--out", str(path), "--token-file", str(file)).code == 0
    edited(path, {3: {"Title": "Better bread"}})
    assert rows(season, str(path), "--token-file", str(file), "--reason", "Autumn") == [
        "3 would record: OBJ-1 reworded: “Good bread” → “Better bread”"
    ]
    assert season("board", "spring", "--token-file", str(tmp_path / "none")).code == 5


def test_what_was_changed_meanwhile_is_named_row_by_row(season: CommandLine, plan: Path) -> None:
    change = {"command": "change_target", "key_result": "KR-1", "target": {"kind": "point", "at": "190"}}
    season.record({**change, "reason": {"kind": "external", "text": "Flour is dear."}})
    edited(plan, {3: {"Title": "Better bread"}, 4: {"Target": 180}})
    assert rows(season, str(plan), "--reason", "Autumn") == [
        "3 would record: OBJ-1 reworded: “Good bread” → “Better bread”",
        "4 stale: KR-1 was changed meanwhile: Target is 190 now; write the sheet anew, or take it up here",
    ]


def test_a_proposal_is_recorded_by_somebody_else_and_only_once(
    season: CommandLine, plan: Path, tmp_path: Path
) -> None:
    edited(plan, {4: {"Target": 180}})
    file = tmp_path / "proposal.jsonl"
    assert rows(season, str(plan), "--reason", "Autumn", "--propose", str(file)) == [
        "4 would record: KR-1 target 200 → 180"
    ]
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[0])["proposal"] == 1
    propose, made = ("import", "sheet", str(plan), "--reason", "Winter", "--propose"), file.read_bytes()
    assert season(*propose, str(file)).code == Code.CONFLICT
    assert season(*propose, str(plan), "--replace").code == Code.USAGE
    assert (file.read_bytes() == made, plan.is_file()) == (True, True)
    assert season(*propose, str(file), "--replace").code == 0
    assert rows(season, str(file), "--record-proposal") == ["4 recorded: KR-1 target 200 → 180"]
    (told,) = rows(season, str(file), "--record-proposal")
    assert "stale" in told
    assert "compare the sheet again" in told


def test_a_value_is_measured_today_unless_its_day_is_written(
    season: CommandLine, plan: Path, today: date
) -> None:
    day = today - timedelta(days=2)
    edited(plan, {4: {"Value": 130, "Value on": str(day) if plan.suffix == ".csv" else day}})
    assert rows(season, str(plan), "--record") == [f"4 recorded: KR-1 value 130 on {day}"]


def test_a_sheet_of_another_ledger_or_without_its_first_row_is_refused(
    season: CommandLine, plan: Path
) -> None:
    edited(plan, {4: {"Identifier": "019f1af9-0000-7000-8000-000000000000", "Target": "a lot"}})
    (told,) = rows(season, str(plan))
    assert told.startswith("4 refused: column Target: 'a lot': This is not a number.")
    path = plan.with_name("other.csv")
    path.write_text("Level,Title\nobjective,Bread\n", encoding="utf-8")
    typed = season("import", "sheet", str(path))
    assert (typed.code, "leave its first row as it is" in typed.sentence) == (5, True)
