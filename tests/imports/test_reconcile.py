"""Reconcile: where the ledger and another tool's export disagree, with both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.cli.conftest import season, today
from tests.imports.conftest import CommandLine

__all__ = ["season", "today"]

HEAD = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current\n"
WHY = {"kind": "recalibration", "text": "Flour got dear."}


def several(line: CommandLine) -> None:
    """Record an objective with a key result of each further kind, and what a spreadsheet would take for a formula."""
    measures = (
        ("Rolls", {"kind": "band"}, {"kind": "band", "low": "1.5", "high": "3"}),
        ("Oven", {"kind": "yes_no"}, {"kind": "done"}),
        ("Crust", {"kind": "at_or_above", "unit": "%"}, {"kind": "point", "at": "90"}),
        ("-Waste", {"kind": "decrease"}, {"kind": "point", "at": "-5"}),
        ("Shop", {"kind": "milestones"}, {"kind": "stages", "stages": [
            {"name": "Plan", "weight": "0.4"}, {"name": "Build", "weight": "0.6"}]}),
        ("'=Flour", {"kind": "increase"}, {"kind": "point", "at": "1000000.5"}),
    )  # fmt: skip
    commands: list[dict[str, Any]] = [
        {"command": "draft_objective", "cycle": "spring", "title": "=Cake", "owner": "ada", "as": "cake",
         "description": "Two\nlines; and, more"},
    ]  # fmt: skip
    for title, measure, target in measures:
        told = {
            "command": "add_key_result",
            "objective": "$cake",
            "title": title,
            "owner": "ada",
            "as": title[-3:],
        }
        baseline = {"baseline": "0"} if measure["kind"] in ("increase", "decrease") else {}
        commands.append({**told, **baseline, "measure": measure, "target": target})
    commands.append({"command": "record_value", "key_result": "KR-1", "value": "150.25"})
    typed = line.record(*commands)
    assert typed.code == 0, typed.err


def asked(line: CommandLine, path: Path, rows: str) -> tuple[int, list[tuple[str, ...]]]:
    path.write_text(HEAD + rows, encoding="utf-8")
    typed = line("reconcile", str(path), "--cycle", "spring", "--json")
    keys = ("what", "item", "title", "field", "here", "there")
    return typed.code, [tuple(str(one.get(key, "")) for key in keys) for one in typed.json["disagreements"]]


def test_the_two_agree_or_each_difference_is_named_with_both_sides(
    season: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    assert asked(season, path, "Good bread,ada,Loaves a day,ada,120,200,\n") == (0, [])
    code, told = asked(
        season,
        path,
        "Good bread,ada,loaves  a day,ben,100,180,150\nGood bread,ada,Rolls,ada,1,2,1\nOthers,ada,X,ada,1,y,\n",
    )
    assert code == 1
    assert told == [
        ("differs", "KR-1", "Loaves a day", "owner", "Ada Marsh", "ben"),
        ("differs", "KR-1", "Loaves a day", "target", "200", "180"),
        ("differs", "KR-1", "Loaves a day", "baseline", "120", "100"),
        ("differs", "KR-1", "Loaves a day", "value", "none", "150"),
        ("missing here", "", "Rolls", "", "", ""),
        ("unreadable", "", "Target: y", "", "", "This is not a number."),
    ]


def test_what_stands_here_only_is_missing_there(season: CommandLine, tmp_path: Path) -> None:
    code, told = asked(season, tmp_path / "export.csv", "Another,ada,X,ada,1,2,\n")
    assert code == 1
    assert [(one[0], one[1] or one[2]) for one in told] == [
        ("missing here", "Another"), ("missing here", "X"), ("missing there", "OBJ-1"), ("missing there", "KR-1"),
    ]  # fmt: skip


def test_a_page_for_people_says_the_basis(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(HEAD + "Good bread,ada,Loaves a day,ada,120,180,\n", encoding="utf-8")
    typed = season("reconcile", str(path), "--cycle", "spring")
    assert "KR-1 “Loaves a day”: target is 200 here and 180 there, line 2 there" in typed.out
    assert "position" in typed.out.splitlines()[0]
    assert typed.sentence == "The two disagree in 1 places."


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson"])
def test_a_board_that_was_exported_agrees_until_something_differs(
    season: CommandLine, tmp_path: Path, form: str
) -> None:
    """Given items of every kind and texts like formulas, when nothing changed, then nothing disagrees."""
    several(season)
    path = tmp_path / f"board.{form}"
    assert season("board", "spring", "--out", str(path)).code == 0
    typed = season("reconcile", str(path), "--cycle", "spring", "--json")
    assert (typed.code, typed.json["disagreements"], typed.json["agree"]) == (0, [], 9), typed.err
    change = {"command": "reword_objective", "objective": "OBJ-1", "title": "Better bread", "reason": WHY}
    target = {
        "command": "change_target",
        "key_result": "KR-1",
        "target": {"kind": "point", "at": "180"},
        "reason": WHY,
    }
    added = {"command": "draft_objective", "cycle": "spring", "title": "Cakes", "owner": "ada"}
    assert season.record(change, target, added).code == 0
    typed = season("reconcile", str(path), "--cycle", "spring", "--json")
    assert typed.code == 1
    assert [tuple(one.get(key, "") for key in ("what", "item", "field", "here", "there")) for one in
            typed.json["disagreements"]] == [
        ("differs", "OBJ-1", "title", "Better bread", "Good bread"),
        ("differs", "KR-1", "target", "180", "200"),
        ("missing there", "OBJ-3", "", "", ""),
    ]  # fmt: skip
    assert season("reconcile", str(path), "--cycle", "autumn").code != 0


def test_a_board_of_another_cycle_or_ledger_is_refused(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    assert season("board", "spring", "--out", str(path)).code == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("spring,", "autumn,"), encoding="utf-8")
    typed = season("reconcile", str(path), "--cycle", "spring")
    assert (typed.code, typed.sentence) == (
        5, "board.csv, line 2: this row is of autumn; name it with --cycle autumn, one cycle at a time.",
    )  # fmt: skip
    ledger = season("board", "spring", "--json").json["basis"]["ledger"]
    path.write_text(text.replace(ledger, str(UUID(int=7))), encoding="utf-8")
    typed = season("reconcile", str(path), "--cycle", "spring")
    assert (typed.code, "of another ledger" in typed.sentence) == (5, True)
