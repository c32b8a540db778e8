"""Wrong use: every class of what the parser refuses, at every command, is said in words of ours with one code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.app import app
from api.cli.codes import Code
from tests.cli.conftest import CommandLine

PARSERS_WORDS = (
    "Usage:", "Error:", "Try '", "Missing ", "No such ", "Invalid value", "Got unexpected", "Did you mean",
    "Input should", "Possible options", "requires an argument", "Aborted",
)  # fmt: skip


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""

    def below(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name in group.commands:
            command = group.commands[name]
            if getattr(command, "callback", None) is not None or not hasattr(command, "commands"):
                yield (*words, name), command
            if hasattr(command, "commands"):
                yield from below(command, (*words, name))

    yield from below(typer.main.get_command(app), ())


ALL = [pytest.param(words, command, id=" ".join(words)) for words, command in commands()]


def refused(line: CommandLine, *words: str) -> str:
    """Return the one sentence with which the line was not understood."""
    typed = line(*words)
    assert typed.code == Code.USAGE, (words, typed)
    assert typed.out == ""
    assert not [word for word in PARSERS_WORDS if word in typed.err], typed.err
    return typed.sentence


def _fitting(option: Any) -> str:
    return str((option.type_descriptor.choices or ["1"])[0])


@pytest.mark.parametrize(("words", "command"), ALL)
def test_every_command_says_in_our_words_what_it_cannot_take(
    empty: CommandLine, words: tuple[str, ...], command: Any
) -> None:
    called = " ".join(words)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    filled = ["spring" for one in arguments if one.required]

    needed = [word for one in options if one.required for word in (one.opts[0], _fitting(one))]

    assert "option '--no-such-thing'" in refused(empty, *words, "--no-such-thing")
    if not hasattr(command, "commands"):
        if not any(one.nargs == -1 for one in arguments):
            given = ["x"] * len(arguments)
            assert "'one two' is too much" in refused(empty, *words, *given, "one", "two", *needed)
        if filled or any(one.required for one in options):
            assert refused(empty, *words).startswith(f"{called} needs ")
    for option in options:
        flag = option.opts[0]
        if option.is_flag:
            assert refused(empty, *words, f"{flag}=1") == (
                f"{flag} takes no value; leave out the = and what follows it."
            )
            continue
        assert refused(empty, *words, *filled, flag).startswith(f"{flag} needs a value after it")
        kind = option.type_descriptor
        if kind.choices or kind.annotation in (int, int | None):
            told = refused(empty, *words, *filled, flag, "banana")
            assert told.startswith(f"{flag} 'banana' is not "), told
        if option.min is not None or option.max is not None:
            wrong = str(option.max + 1 if option.max is not None else option.min - 1)
            assert f"{flag} '{wrong}' is not a whole number" in refused(empty, *words, *filled, flag, wrong)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["boards"], "There is no command 'boards'; near is board."),
        (["issue"], "There is no command 'issue'; near is token issue."),
        (["token", "isue"], "There is no command 'isue' below token; near is issue."),
        (["bo'ard"], 'There is no command "bo\'ard"; near is board.'),
        (["zzzz"], "There is no command 'zzzz'; `strategy-ledger --help` shows all."),
        (["board", "spring", "--as-if", "3"], "board has no option '--as-if'; near is --as-of."),
        (
            ["board", "spring", "--data-dir", "x"],
            "--data-dir stands before the command: `strategy-ledger --data-dir … board`.",
        ),
        (["serve", "--port", "70000"], "--port '70000' is not a whole number from 0 to 65535."),
        (["verify", "--samples", "-1"], "--samples '-1' is not a whole number, 0 or more."),
        (
            ["board", "q", "--format", "cvs"],
            "--format 'cvs' is not one of json, csv, xlsx, ndjson; near is csv.",
        ),
        (
            ["board"],
            "board needs CYCLE (key of a cycle, such as 2026-q3); "
            "`strategy-ledger board --help` shows how it is called.",
        ),
    ],
)
def test_a_refusal_names_what_is_near_and_what_to_do(
    empty: CommandLine, words: list[str], sentence: str
) -> None:
    assert refused(empty, *words) == sentence


def test_signs_that_steer_a_terminal_are_not_given_back_to_it(empty: CommandLine) -> None:
    assert "\x1b" not in refused(empty, "\x1b[31mboard")


CANNOT_BE_READ = """
cycles --as-of banana
cycles --as-of q3:end
cycles --as-of 2026-07-01T10:00:00
cycles --effective-at banana
findings --rule banana
check-in KR-1 --on banana
check-in KR-1 --confidence 7
check-in KR-1 --said happy
token issue ada --scope banana
token issue ada --expires-in 0
--schema Bad cycles
import csv {table} --cycle spring --delimiter ;;
import csv {table} --cycle spring --dates banana
import csv {table} --cycle spring --encoding banana
import csv {table} --cycle spring --profile banana
import csv {table} --cycle spring --on banana
import csv {table} --cycle spring=banana
"""
NAMES_NOTHING = ("cycles --as-of 999", "cycles --as-of q3:commit-by", "findings --person nobody")


def test_a_value_that_its_option_cannot_take_is_wrong_use_everywhere(
    line: CommandLine, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("Objective,Key Result\nA,B\n")
    for typed in CANNOT_BE_READ.strip().splitlines():
        assert "as_of" not in refused(line, *typed.format(table=table).split())
    for typed in NAMES_NOTHING:
        assert line(*typed.split()).code == Code.NOT_FOUND


def test_a_zone_that_there_is_not_is_wrong_use(empty: CommandLine) -> None:
    refused(empty, "init", "--organisation", "Bakery", "--zone", "Nowhere", "--name", "Ada")
