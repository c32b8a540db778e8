"""With --json a program reads why: every command, whatever was wrong, gives one line of JSON on standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.cli.codes import NAMES, Code
from tests.cli.conftest import CommandLine, Typed
from tests.cli.test_misuse import commands

NOWHERE = "no-such-file.csv"
COMMANDS = [
    pytest.param(words, command, id=" ".join(words))
    for words, command in commands()
    if any("--json" in one.opts for one in command.params)
]
NEEDED = {
    "--cycle": "spring=2026-01-01..2026-12-31", "--answer": "accepted", "--text": "So.", "--decided-by": "nobody",
}  # fmt: skip
GOOD_WITHOUT_A_LEDGER = {("init",), ("version",)}
GOOD_WITH_A_LEDGER = {
    ("cycles",), ("people",), ("teams",), ("policy",), ("upgrade",), ("verify",), ("rebuild",), ("version",),
    ("security-log",), ("token", "list"), ("decisions", "show"), ("findings", "show"),
}  # fmt: skip
"""Commands that name nothing: there is nothing to call wrongly in them."""


def told(typed: Typed) -> dict[str, Any]:
    """Return what a program reads of a refusal: one line, which says what the sentence says."""
    assert typed.code not in (Code.DONE, None)
    assert typed.out.count("\n") == 1, typed
    body: dict[str, Any] = json.loads(typed.out)
    assert set(body) - {"errors"} == {"code", "detail"}
    assert body["code"] == body["code"].lower()
    assert body["detail"] == " ".join(body["detail"].split())
    return body


def words_of(command: Any, said: str) -> list[str]:
    """Return arguments that say `said` wherever a name is needed, and options without which nothing is tried."""
    arguments = [said for one in command.params if one.param_type_name == "argument" and one.required]
    options = [one.opts[0] for one in command.params if one.param_type_name == "option" and one.required]
    return [*arguments, *(word for one in options for word in (one, NEEDED[one]))]


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_a_line_that_is_not_understood(empty: CommandLine, words: tuple[str, ...], command: Any) -> None:
    wrong = empty(*words, *words_of(command, "spring"), "--json", "--no-such-thing")
    assert (wrong.code, told(wrong)["code"]) == (Code.USAGE, "not_understood")
    assert told(wrong)["detail"] == wrong.sentence
    if words_of(command, "spring"):
        assert told(empty(*words, "--json"))["detail"].startswith(f"{' '.join(words)} needs ")
    assert empty(*words, "--no-such-thing").out == ""


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_a_ledger_that_is_not_there(empty: CommandLine, words: tuple[str, ...], command: Any) -> None:
    if words not in GOOD_WITHOUT_A_LEDGER:
        assert told(empty(*words, *words_of(command, NOWHERE), "--json"))


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_a_name_or_a_file_that_nobody_knows(
    line: CommandLine, tmp_path: Path, words: tuple[str, ...], command: Any
) -> None:
    """Given a ledger, when a command names what is not there, then it says so to programs, as to people."""
    line.environ.pop("STRATEGY_LEDGER_TRACEBACK", None)
    asked = [*words, *words_of(command, NOWHERE), "--json"]
    if words not in GOOD_WITH_A_LEDGER:
        assert told(line(*asked))
    missing = str(tmp_path / "no.token")
    if any("--token-file" in one.opts for one in command.params):
        assert told(line(*asked, "--token-file", missing))
        assert told(line(*words, *words_of(command, str(tmp_path)), "--json", "--token-file", missing))
    for option in ("--as-of", "--profile", "--people"):
        if any(option in one.opts for one in command.params):
            assert told(line(*asked, option, str(tmp_path / "missing")))


def test_a_refusal_has_the_code_of_the_http_door(season: CommandLine, tmp_path: Path) -> None:
    codes = {
        "person_is_unknown": ["token", "issue", "nobody"],
        "not_found": ["token", "revoke", "none"],
        "cycle_is_unknown": ["board", "autumn"],
        "table_cannot_be_read": ["import", "csv", NOWHERE, "--cycle", "spring"],
        "not_understood": ["backup"],
        "unavailable": ["record", str(tmp_path / NOWHERE)],
    }
    assert {told(season(*words, "--json"))["code"]: words for words in codes.values()} == codes
    assert told(season("board", "spring", "--json", "--format", "csv"))["code"] == "not_understood"
    assert told(season("boards", "--json"))["detail"] == "There is no command 'boards'; near is board."
    without, unknown = {"STRATEGY_LEDGER_TOKEN": ""}, {"STRATEGY_LEDGER_TOKEN": "strategy_ledger_x"}
    check_in = ["check-in", "KR-1", "--value", "1", "--json"]
    assert told(season(*check_in, **without))["code"] == "token_is_missing"
    assert told(season(*check_in, **unknown))["code"] == "token_is_not_valid"


def test_a_report_is_the_answer_also_where_rows_were_refused(season: CommandLine, tmp_path: Path) -> None:
    """Given a table with a faulty row, then standard output holds the report alone: it says what was refused."""
    table = tmp_path / "table.csv"
    table.write_text("Objective ID,Objective,Owner\nO-1,Better bread,nobody at all\n")
    typed = season("import", "csv", str(table), "--cycle", "spring", "--json")
    assert (typed.code, typed.json["counts"]["refused"], typed.out.count("\n")) == (Code.REFUSED, 1, 1)


def test_each_exit_code_has_a_name() -> None:
    assert set(NAMES) == set(Code)
