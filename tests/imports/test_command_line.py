"""The imports as somebody types them: options, sentences, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.cli import session
from api.cli.codes import Code
from tests.cli.conftest import season, today
from tests.imports.conftest import CommandLine

__all__ = ["season", "today"]

HEAD = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current\n"


def test_a_table_is_tried_imported_and_imported_again(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\nQuiet,ada,Doors,ada,1,x,1\n", encoding="utf-8")
    words = ("import", "csv", str(path), "--cycle", "spring", "--save-profile", str(tmp_path / "ours.json"))
    dry = season(*words, "--dry-run", "--json")
    assert (dry.code, dry.json["counts"]["recorded"], dry.json["dry_run"]) == (1, 1, True)
    assert dry.sentence == "1 row would be refused, listed with the reason."
    typed = season(*words, "--report", str(tmp_path / "report.json"))
    assert "refused: line 3, column Target: 'x': This is not a number." in typed.out
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["counts"]["recorded"] == 1
    assert season("board", "spring", "--json").json["objectives"][1]["title"] == "Quiet"
    again = season(*words, "--profile", str(tmp_path / "ours.json"), "--json")
    assert (again.json["entries"], again.json["counts"]["unchanged"]) == (0, 1)


def test_what_an_import_writes_takes_no_place_unasked(season: CommandLine, tmp_path: Path) -> None:
    """A profile or a note that is there stays; the report of an earlier run gives way to that of the next."""
    path, ours, note = tmp_path / "rows.csv", tmp_path / "ours.json", tmp_path / "note.csv"
    path.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\n", encoding="utf-8")
    ours.write_text("{}", encoding="utf-8")
    note.write_text("Ask Ben\n", encoding="utf-8")
    asked = ("import", "csv", str(path), "--cycle", "spring", "--dry-run")
    for option, file in (("--save-profile", ours), ("--report", note)):
        before = file.read_bytes()
        refused = season(*asked, option, str(file))
        assert (refused.code, file.read_bytes()) == (Code.CONFLICT, before)
        assert "--replace" in refused.sentence
        assert season(*asked, option, str(file), "--replace").code == 0
        assert file.read_bytes() != before
        assert season(*asked, option, str(file)).code == 0
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    (tmp_path / "below").mkdir()
    for report in (path, link, tmp_path / "below" / ".." / "rows.csv"):
        refused = season(*asked, "--report", str(report), "--replace")
        assert (refused.code, path.read_text(encoding="utf-8")[:9]) == (Code.USAGE, "Objective")
    refused = season(*asked, "--profile", str(ours), "--report", str(ours), "--replace")
    assert refused.code == Code.USAGE


def test_a_file_that_only_begins_like_a_report_stays(season: CommandLine, tmp_path: Path) -> None:
    path, rows = tmp_path / "rows.csv", tmp_path / "rows.json"
    path.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\n", encoding="utf-8")
    rows.write_text('{"rows": [{"name": "Ben"}]}', encoding="utf-8")
    asked = ("import", "csv", str(path), "--cycle", "spring", "--dry-run", "--report", str(rows))
    assert season(*asked).code == Code.CONFLICT
    assert season(*asked, "--replace").code == 0
    assert season(*asked).code == 0


def test_what_cannot_be_read_is_one_sentence(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Objective,Target\n", encoding="utf-8")
    asked = ("import", "csv", str(path), "--cycle", "spring")
    assert "the days" not in season(*asked, "--profile", "nothing").sentence
    assert season(*asked, "--profile", "nothing").sentence.startswith("There is no profile 'nothing'")
    assert season(*asked, "--on", "yesterday").sentence == "--on 'yesterday' is not a day such as 2026-07-01."
    assert season(*asked, "--column", "target").sentence.startswith("--column 'target' cannot be read")
    assert season(*asked, "--on", "2199-01-01").sentence.startswith("2199-01-01 has not come yet")
    assert season("import", "xlsx", str(path), "--cycle", "spring").sentence.startswith(
        "rows.csv is not a workbook"
    )


def test_only_a_steward_imports(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\n", encoding="utf-8")
    season.record(
        {"command": "add_person", "name": "Ben", "handle": "ben"},
        {"command": "grant_role", "person": "ben", "role": "facilitator"},
    )
    token = season("token", "issue", "ben", "--json").json["token"]
    typed = season("import", "csv", str(path), "--cycle", "spring", STRATEGY_LEDGER_TOKEN=token)
    assert (typed.code, "note_source" in typed.sentence) == (7, True)


def test_options_that_cannot_be_read_are_named_as_they_are_written(
    season: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(HEAD, encoding="utf-8")
    asked = ("import", "csv", str(path), "--cycle", "spring")
    assert season(*asked, "--said", "Green=fine").sentence.startswith("--said Green=fine cannot be read: ")
    assert season(*asked, "--decimal", "x").sentence == "--decimal x cannot be read; it has to be '.' or ','."
    assert season(*asked, "--column", "targt=Soll").sentence.startswith(
        "--column targt=Soll: there is no column targt; ours are 'objective', "
    )
    path.write_bytes(b"PK\x03\x04rest of a workbook")
    assert season(*asked).sentence == "rows.csv is a workbook, whatever its name; use import xlsx."
    people = tmp_path / "people.csv"
    people.write_text("source,person\nBen,ben\nCleo\n", encoding="utf-8")
    path.write_text(HEAD, encoding="utf-8")
    assert season(*asked, "--people", str(people)).sentence.startswith("people.csv: Line 3: 1 cells stand")


def test_a_table_whose_key_results_are_not_found_says_so(season: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Goal,Result,Owner\nQuiet,Complaints,ada\n", encoding="utf-8")
    told = season("import", "csv", str(path), "--cycle", "spring", "--dry-run")
    assert "no column holds key results" in told.out
    assert "--column key_result=NAME names it" in told.out


def test_a_file_that_cannot_be_used_ends_with_one_code(season: CommandLine, tmp_path: Path) -> None:
    """Whichever the command and the option: 5 for the file as a whole, 1 for rows of it."""
    good, none, broken = tmp_path / "rows.csv", tmp_path / "none", tmp_path / "broken.csv"
    good.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\n", encoding="utf-8")
    broken.write_bytes(b"\xff\xfe\xfd")
    of, tables = ("--cycle", "spring"), ("csv", "xlsx", "jsonl")
    asked: list[tuple[str, ...]] = [
        *[("import", form, f"{none}.{form}", *of) for form in tables],
        ("import", "sheet", f"{none}.csv"),
        ("import", "snapshots", str(none)),
        ("reconcile", f"{none}.csv", *of),
        ("import", "csv", str(good), *of, "--people", str(none)),
        ("import", "csv", str(good), *of, "--profile", f"{none}.toml"),
        ("import", "csv", str(good), *of, "--profile", "sheet-tracker", "--check-ins", f"{none}.csv"),
        ("import", "csv", str(good), *of, "--token-file", str(none)),
        ("import", "csv", str(broken), *of),
        ("import", "csv", str(good), *of, "--column", "objective=Ziel"),
        ("record", str(none)),
        ("restore", str(none)),
    ]
    told = [(words, season(*words)) for words in asked]
    assert [(words, typed.err) for words, typed in told if typed.code != 5] == []
    assert all(typed.sentence for _, typed in told)


def test_a_board_is_not_taken_for_a_table_of_another_tool(season: CommandLine, tmp_path: Path) -> None:
    """Given an exported board, whose columns hold identifiers, when it is imported, then it says what to do."""
    board, sheet = tmp_path / "board.csv", tmp_path / "sheet.csv"
    assert season("board", "spring", "--out", str(board)).code == 0
    other = season("sheet", "spring", "--out", str(sheet.with_suffix(".txt")))
    assert other.code == Code.UNAVAILABLE
    assert other.sentence.startswith("A sheet is .xlsx or .csv;")
    assert season("sheet", "spring", "--out", str(sheet)).code == 0
    typed = season("import", "csv", str(board), "--cycle", "spring")
    assert (typed.code, "`sheet CYCLE --out FILE`" in typed.sentence) == (5, True), typed
    for words in (("import", "csv"), ("reconcile",)):
        typed = season(*words, str(sheet), "--cycle", "spring")
        assert (typed.code, "import sheet" in typed.sentence) == (5, True), typed


@pytest.mark.parametrize("form", ["csv", "snapshots"])
def test_an_import_says_how_far_it_is(
    season: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Given a terminal, when something is imported, then a bar is drawn that moves with what was recorded."""
    told: list[int] = []
    totals: list[int | None] = []

    @contextmanager
    def progress(_: str, total: int | None) -> Iterator[Callable[[int], None]]:
        totals.append(total)
        yield told.append

    monkeypatch.setattr(session, "progress", progress)
    if form == "csv":
        path = tmp_path / "rows.csv"
        path.write_text(f"{HEAD}Quiet,ada,Complaints,ada,9,0,5\n", encoding="utf-8")
        typed = season("import", "csv", str(path), "--cycle", "spring")
    else:
        path = tmp_path / "2026-q1"
        path.mkdir()
        page = (
            "## Objective: Bake\n\n| Key Result | Assignee |\n|---|---|\n| Loaves | ada |\n| Rolls | ada |\n"
        )
        (path / "2026-01-05T100000Z-0123abc.md").write_text(page, encoding="utf-8")
        typed = season("import", "snapshots", str(path), "--objective-owner", "ada")
    assert typed.code in (0, 1), typed.err  # Ada was not here in January
    assert totals[0] != 0, "a bar without an end moves, one of nothing is not drawn"
    assert told[0] < told[-1] or form == "csv"
    assert told == sorted(told)
