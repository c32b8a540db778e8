"""Reconcile: where the ledger and another tool's export disagree, with both sides."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import season, today
from tests.imports.conftest import CommandLine

__all__ = ["season", "today"]

HEAD = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current\n"


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
