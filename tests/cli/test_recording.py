"""Recording on the command line: with a token always, one sentence for each refusal, nothing half done."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.app import app
from api.cli.codes import Code
from tests.cli.conftest import CommandLine

LOWER = {"command": "change_target", "key_result": "KR-1", "target": {"kind": "point", "at": "160"}}
WHY = {"kind": "external", "text": "The second oven comes in summer."}


def position(line: CommandLine) -> int:
    return int(line("version", "--json").json["position"])


def test_a_check_in_is_recorded_and_read_at_once(season: CommandLine) -> None:
    typed = season(
        "check-in", "kr-1", "--value", "131", "--confidence", "0.6", "--said", "on_track", "--json"
    )
    assert typed.json["events"] == ["key_result.measured", "key_result.checked_in"]
    row = season("board", "spring", "--json").json["objectives"][0]["key_results"][0]
    assert (row["value"]["value"], row["status"]["said"]) == ("131", "on_track")


def test_a_dry_run_records_nothing(season: CommandLine) -> None:
    typed = season("check-in", "KR-1", "--value", "131", "--confidence", "0.6", "--dry-run")
    assert typed.out == "would record: key_result.measured, key_result.checked_in\n"
    assert position(season) == 11


def test_without_a_token_nothing_is_recorded_also_locally(season: CommandLine) -> None:
    typed = season.record({**LOWER, "reason": WHY}, STRATEGY_LEDGER_TOKEN="")
    assert typed.code == Code.NOT_ALLOWED
    assert "STRATEGY_LEDGER_TOKEN" in typed.sentence
    assert season.record(LOWER, STRATEGY_LEDGER_TOKEN="strategy_ledger_p_unknown").code == Code.NOT_ALLOWED
    assert position(season) == 11


def test_a_token_may_lie_in_a_file(season: CommandLine, tmp_path) -> None:
    kept = tmp_path / "token"
    kept.write_text(season.environ["STRATEGY_LEDGER_TOKEN"] + "\n")
    words = ("check-in", "KR-1", "--confidence", "0.6", "--token-file", str(kept))
    assert season(*words, STRATEGY_LEDGER_TOKEN="").code == Code.DONE


def test_somebody_without_the_role_may_not(season: CommandLine) -> None:
    season.record({"command": "add_person", "name": "Ben Osei", "handle": "ben"})
    token = season("token", "issue", "ben", "--json").json["token"]
    typed = season.record({**LOWER, "reason": WHY}, STRATEGY_LEDGER_TOKEN=token)
    assert typed.code == Code.NOT_ALLOWED
    assert season("token", "list", STRATEGY_LEDGER_TOKEN=token).code == Code.NOT_ALLOWED


BAD: list[tuple[dict[str, Any], Code, str]] = [
    (LOWER, Code.REFUSED, "/reason"),
    ({**LOWER, "target": {"kind": "point", "at": "120"}, "reason": WHY}, Code.REFUSED, "/target"),
    ({**LOWER, "target": {"kind": "point", "at": "NaN"}, "reason": WHY}, Code.REFUSED, "/target/at"),
    ({**LOWER, "reason": {"kind": "mood", "text": "x"}}, Code.REFUSED, "/reason/kind"),
    ({**LOWER, "colour": "red"}, Code.REFUSED, "/colour"),
    ({**LOWER, "key_result": "KR-9"}, Code.NOT_FOUND, "KR-9"),
    (
        {"command": "reown_objective", "objective": "OBJ-1", "owner": "nobody", "reason": WHY},
        Code.NOT_FOUND,
        "/owner",
    ),
    (
        {"command": "reword_objective", "objective": "OBJ-1", "title": "a\u0000b", "reason": WHY},
        Code.REFUSED,
        "/title",
    ),
    (
        {"command": "reword_objective", "objective": "OBJ-1", "title": "\u200b\u3164", "reason": WHY},
        Code.REFUSED,
        "/title",
    ),
    (
        {"command": "reword_objective", "objective": "OBJ-1", "title": "x" * 201, "reason": WHY},
        Code.REFUSED,
        "/title",
    ),
    ({"command": "reword_objective", "title": "Bread", "reason": WHY}, Code.REFUSED, "/objective"),
    ({"command": "open_cycle", "cycle": "spring"}, Code.REFUSED, "opened"),
    ({"command": "dance"}, Code.REFUSED, "/command"),
    ({"objective": "OBJ-1"}, Code.REFUSED, "/command"),
]


def test_bad_input_is_refused_with_its_place(season: CommandLine) -> None:
    for command, code, place in BAD:
        typed = season.record(command)
        assert typed.code == code, (command, typed.err)
        assert typed.sentence.startswith("Line 1: ")
        assert place in typed.sentence
    assert position(season) == 11


def test_what_is_no_command_is_refused(season: CommandLine) -> None:
    for typed in ("{", "[1]", "3", '{"command": "open_cycle"', "\xff"):
        answered = season("record", "-", typed=typed)
        assert answered.code == Code.REFUSED
        assert answered.sentence.startswith("Line 1: ")


def test_a_command_misspelt_is_told_what_is_near(season: CommandLine) -> None:
    typed = season.record({**LOWER, "command": "change_targe"})
    assert "There is no command 'change_targe'; near are change_target" in typed.sentence
    assert "open_cycle" not in typed.sentence


def test_the_example_of_the_help_is_taken(season: CommandLine) -> None:
    help_text = " ".join(season("record", "--help").out.split())
    shown = help_text[help_text.index('{"command"') : help_text.index("}}.") + 2]
    typed = season.record(json.loads(shown.replace("KR-311", "KR-1").replace('"40"', '"160"')))
    assert (typed.code, typed.out) == (Code.DONE, "position 12: key_result.target_changed\n")


def test_a_text_that_begins_like_a_label_is_a_text(season: CommandLine) -> None:
    typed = season.record(
        {"command": "reword_objective", "objective": "OBJ-1", "title": "$5 for a loaf", "reason": WHY}
    )
    assert typed.code == Code.DONE
    assert season("board", "spring", "--json").json["objectives"][0]["title"] == "$5 for a loaf"


def test_a_value_is_a_number_a_yes_or_the_name_of_one_stage(season: CommandLine) -> None:
    for at, measure, target in (
        ("stages", "milestones", {"kind": "stages", "stages": [{"name": "dough", "weight": "0.5"}]}),
        ("done", "yes_no", {"kind": "done"}),
    ):
        given = {"title": at, "owner": "ada", "measure": {"kind": measure}, "target": target, "reason": WHY}
        assert season.record({"command": "add_key_result", "objective": "OBJ-1", **given}).code == Code.DONE
    assert season("check-in", "KR-2", "--value", "dough").code == Code.DONE
    assert season("check-in", "KR-3", "--value", "yes").code == Code.DONE
    rows = season("board", "spring", "--json").json["objectives"][0]["key_results"]
    assert [row["value"]["value"] for row in rows[1:]] == [["dough"], True]
    page = season("board", "spring").out
    assert "stages: dough (1 stage)" in page
    assert "done: yes (to be done)" in page
    refused = season("check-in", "KR-1", "--value", "many")
    assert refused.sentence == "A measure of kind increase takes a number. (at --value)"
    assert "a number such as 1234.5" in season("check-in", "KR-1", "--value", "1 5").sentence


def test_the_first_refusal_ends_the_run_and_names_its_line(season: CommandLine) -> None:
    good = {**LOWER, "reason": WHY}
    typed = season.record(good, LOWER, {**good, "target": {"kind": "point", "at": "170"}})
    assert typed.code == Code.REFUSED
    assert typed.out == "position 12: key_result.target_changed\n"
    assert typed.sentence.startswith("Line 2: ")
    assert position(season) == 12


def test_a_later_line_names_what_an_earlier_one_made(season: CommandLine) -> None:
    typed = season.record(
        {"command": "draft_objective", "cycle": "spring", "title": "Good cake", "owner": "ada", "as": "cake"},
        {"command": "align_objective", "objective": "$cake", "parent": "OBJ-1"},
        {"command": "align_objective", "objective": "$tart", "parent": "OBJ-1"},
    )
    assert typed.out.splitlines()[0] == "position 12: objective.drafted (OBJ-2)"
    assert typed.sentence == "Line 3: No earlier line makes '$tart'."


def test_values_lie_in_their_cycle_and_not_in_the_future(season: CommandLine, today: date) -> None:
    for day in (today + timedelta(days=1), today - timedelta(days=21)):
        typed = season("check-in", "KR-1", "--value", "150", "--on", str(day), "--confidence", "0.6")
        assert typed.code == Code.REFUSED
        assert "(at --on)" in typed.sentence
    assert season("check-in", "KR-1").code == Code.REFUSED
    assert season("check-in", "KR-1", "--value", "many").code == Code.REFUSED
    assert season("check-in", "KR-1", "--confidence", "0.65").code == Code.USAGE
    assert position(season) == 11


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--value", "11,5"], "its decimal sign is a point, as in 11.5. (at --value)"),
        (["--confidence", "0,6"], "its decimal sign is a point, as in 0.6. (at --confidence)"),
        (["--confidence", "60"], "must lie between 0 and 1; 60 per cent is 0.6. (at --confidence)"),
        (
            ["--confidence", "60%"],
            "leave the sign for per cent out, and write a share as 0.6. (at --confidence)",
        ),
        (["--value", "11", "--on", "2199-01-01"], "2199-01-01 has not come yet. (at --on)"),
        (["--value", "11 loaves"], "A value is a number such as"),
    ],
)
def test_a_check_in_says_how_it_is_written(season: CommandLine, words: list[str], sentence: str) -> None:
    typed = season("check-in", "KR-1", *words)
    assert typed.code == (Code.REFUSED if "has not come" in sentence else Code.USAGE)
    assert sentence in typed.sentence


def test_a_line_without_a_command_or_in_another_encoding(season: CommandLine, tmp_path: Path) -> None:
    assert season("record", "-", typed='{"cycle": "spring"}\n').sentence == (
        "Line 1: This line names no command; write its name there. (at /command)"
    )
    file = tmp_path / "commands.jsonl"
    file.write_bytes("{}\n".encode("utf-16"))
    assert season("record", str(file)).sentence == "Line 1: This is not UTF-8; save the file as UTF-8."


def test_nothing_to_record_is_said(season: CommandLine) -> None:
    typed = season("record", "-", typed="\n \n")
    assert (typed.code, typed.out) == (Code.DONE, "")
    assert typed.err == "There was no command to record; one is a JSON object on a line of its own.\n"


def test_a_dry_run_refuses_what_would_be_refused_of_somebody_new(season: CommandLine) -> None:
    taken = {"command": "add_person", "name": "Ada Again", "handle": "ADA"}
    malformed = {"command": "add_person", "name": "Ben", "handle": "a b"}
    for told in (taken, malformed):
        tried = season("record", "-", "--dry-run", typed=json.dumps(told))
        assert tried.code != 0
        assert tried.sentence == season.record(told).sentence
    free = {"command": "add_person", "name": "Ben", "handle": "ben"}
    assert season("record", "-", "--dry-run", typed=json.dumps(free)).out == "would record: person.joined\n"
    assert season.record(free).code == 0


def test_a_key_result_is_named_as_people_type_it(season: CommandLine) -> None:
    for number, word in enumerate(("kr-1", "KR1", "kr1"), 150):
        assert season("check-in", word, "--value", str(number), "--confidence", "0.6").code == 0
    wrong = season("check-in", "kr1", "--value", "151 loaves")
    assert wrong.sentence == (
        "A value is a number such as 1234.5, yes or no, or the names of finished stages with | between. (at --value)"
    )


def test_a_refusal_has_its_code_for_programs(season: CommandLine, tmp_path: Path) -> None:
    """Given --json, when a rule, a reading or a restore says no, then its code and its place are on standard output."""
    change = {"command": "change_target", "key_result": "KR-1", "target": {"kind": "point", "at": "9"}}
    typed = season("record", "-", "--json", typed=f"{json.dumps(change)}\n")
    assert (typed.code, typed.json["code"]) == (Code.REFUSED, "reason_is_missing")
    assert typed.json["errors"] == [{"pointer": "/reason", "detail": typed.json["detail"]}]
    assert typed.json["detail"] in typed.sentence
    typed = season("record", "-", "--json", typed=f"{json.dumps({**change, 'target': 5})}\n")
    assert (typed.json["code"], typed.json["errors"][0]["pointer"]) == ("body_is_invalid", "/target")
    typed = season("board", "spring", "--as-of", "9999", "--json")
    assert (typed.json["code"], typed.json["errors"][0]["pointer"]) == ("basis_is_unknown", "/query/as_of")
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert season("restore", str(empty), "--json").json["code"] == "ledger_exists"
    assert season("board", "spring", "--as-of", "9999").out == ""


def test_what_programs_read_of_a_refusal_is_utf_8_on_any_terminal(season: CommandLine) -> None:
    """Given a terminal that has no such letters, then the line of JSON is whole and the code is the refusal's own."""
    words = ["check-in", "KR-東", "--value", "1", "--json"]
    answer = CliRunner(charset="ascii", env=season.environ).invoke(app, words)
    assert answer.exit_code == Code.NOT_FOUND
    assert "KR-東" in json.loads(answer.stdout_bytes.decode())["detail"]
