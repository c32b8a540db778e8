"""Asking on the command line: the same questions, the same bytes, past and present."""

from __future__ import annotations

import io
import sys
from typing import Any

import orjson
import pytest

from api.cli.answers import address, ask, scope
from api.cli.codes import Code
from ledger.settings import load_settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader
from tests.cli.conftest import CommandLine

QUESTIONS: list[tuple[str, str | None]] = [
    ("cycles", None),
    ("people", None),
    ("teams", None),
    ("policy", None),
    ("board", "spring"),
    ("commitments", "spring"),
    ("drift", "spring"),
    ("drift", "OBJ-1"),
    ("history", "OBJ-1"),
    ("history", "KR-1"),
    ("decisions", None),
    ("decisions", "spring"),
    ("findings", None),
    ("findings", "KR-1"),
]


def test_every_question_is_answered_in_the_bytes_of_the_reader(season: CommandLine) -> None:
    with Ledger.open(load_settings(season.environ)) as ledger:
        engine = Engine(ledger)
        engine.catch_up()
        reader = Reader(ledger, engine)
        for question, subject in QUESTIONS:
            typed = season(question, *([subject] if subject else []), "--json")
            assert typed.code == Code.DONE, typed.err
            assert typed.out.encode() == orjson.dumps(reader.ask(ask(question, subject)).body) + b"\n", (
                question
            )


def test_the_page_ends_with_its_basis_its_address_and_its_command_line(season: CommandLine) -> None:
    for question, subject in QUESTIONS:
        typed = season(question, *([subject] if subject else []))
        assert typed.code == Code.DONE, typed.err
        basis, json_address, again = typed.out.splitlines()[-3:]
        assert basis.startswith("position 11 · effective ")
        assert f"GET {address(question, subject)}?as_of=11&effective_at=" in json_address
        assert again.startswith(f"again  strategy-ledger {question}")


def test_the_command_line_of_the_footer_gives_the_same_page_again(season: CommandLine) -> None:
    first = season("board", "spring")
    words = first.out.splitlines()[-1].removeprefix("again  strategy-ledger ").split()
    season("check-in", "KR-1", "--value", "150", "--confidence", "0.8")
    assert season(*words).out == first.out
    assert season("board", "spring").out != first.out


def test_a_past_position_shows_what_was_known_then(season: CommandLine) -> None:
    season("check-in", "KR-1", "--value", "150", "--confidence", "0.8")
    now = season("board", "spring", "--json").json["objectives"][0]["key_results"][0]
    then = season("board", "spring", "--as-of", "11", "--json").json["objectives"][0]["key_results"][0]
    assert now["value"]["value"] == "150"
    assert then["value"] is None


def test_an_unknown_cycle_item_or_basis_is_not_found(season: CommandLine) -> None:
    for words in (
        ("board", "winter"),
        ("history", "OBJ-99"),
        ("history", "KR-99"),
        ("board", "spring", "--as-of", "999"),
        ("board", "spring", "--as-of", "spring:closed"),
        ("board", "spring", "--effective-at", "2199-01-01"),
    ):
        typed = season(*words)
        assert typed.code == Code.NOT_FOUND, words
        assert typed.sentence.endswith((".", ")")), typed.err
        assert not typed.out
    assert season("board", "spring", "--as-of", "yesterday").code == Code.USAGE
    assert season("board", "Sprng").sentence == "There is no cycle Sprng at this basis; near is spring."


def test_a_subject_is_a_cycle_or_an_item() -> None:
    assert scope(None) == (None, None)
    assert scope("2026-q3") == ("2026-q3", None)
    assert scope("obj-12") == (None, "OBJ-12")
    assert scope("KR-3") == (None, "KR-3")
    assert scope("objective-7") == ("objective-7", None)
    assert scope("01990f5e-7c00-7000-8000-00000000000a") == (None, "01990f5e-7c00-7000-8000-00000000000a")


def test_a_table_is_drawn_on_a_terminal_only(season: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.cli import page

    table = page.Table(("ref", ">score"), [("OBJ-1", "0.7")])
    assert page.plain(table) == "ref    score\nOBJ-1    0.7"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal: Any = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    page.show([table, "a line"])
    assert "─" in terminal.getvalue()
    assert "a line" in terminal.getvalue()


def test_the_history_of_an_objective_names_the_key_result_of_each_entry(season: CommandLine) -> None:
    season("check-in", "KR-1", "--value", "131", "--confidence", "0.6")
    assert "KR-1 measured, " in season("history", "OBJ-1").out
    assert "key result measured, " in season("history", "KR-1").out
