"""The command line as such: its help is quick because nothing heavy is imported, its reference is its definitions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.app import app
from api.cli.codes import MEANINGS, Code
from api.cli.reference import reference
from tests.cli.conftest import CommandLine, Typed
from tests.waiting import PATIENCE

HEAVY = ("psycopg", "fastapi", "starlette", "uvicorn", "rich", "eventsourcing", "cryptography", "orjson")
NAMES = (
    "init", "demo", "serve", "cycles", "board", "commitments", "drift", "history", "decisions", "findings", "people",
    "teams", "policy", "verify", "rebuild", "export", "restore", "check-in", "record", "version", "import", "token",
)  # fmt: skip


@pytest.mark.parametrize("words", [["--help"], ["board", "--help"], ["token", "issue", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    heavy = {*HEAVY, "pydantic"} if len(words) == 1 else set(HEAVY)  # typer reads parameters with pydantic
    program = (
        "import sys\n"
        f"sys.argv[1:] = {words!r}\n"
        "from api.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"found = sorted({heavy!r} & {{name.partition('.')[0] for name in sys.modules}})\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_help_names_every_command_and_every_exit_code(empty: CommandLine) -> None:
    shown = empty("--help")
    assert shown.code == 0
    assert not [name for name in NAMES if f"  {name} " not in shown.out]
    assert not [meaning for meaning in MEANINGS.values() if meaning not in shown.out]


def test_every_code_has_its_meaning() -> None:
    assert set(MEANINGS) == set(Code)


def test_the_reference_in_the_docs_is_made_from_the_definitions() -> None:
    written = Path(__file__).parents[2] / "docs" / "commands.md"
    assert written.read_text(encoding="utf-8") == reference(), (
        "docs/commands.md is not what the command line says; run `python -m api.cli.reference > docs/commands.md`."
    )


def test_every_command_that_asks_takes_both_clocks_and_json(empty: CommandLine) -> None:
    for name in ("cycles", "board", "commitments", "drift", "history", "decisions", "findings", "people"):
        shown: Typed = empty(name, "--help")
        assert all(option in shown.out for option in ("--as-of", "--effective-at", "--json")), name


def test_a_call_makes_only_the_command_that_is_asked_for(
    empty: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = typer.main.get_command_from_info

    def noting(command_info: Any, **told: Any) -> Any:
        made.append(command_info.name)
        return make(command_info, **told)

    monkeypatch.setattr(typer.main, "get_command_from_info", noting)
    assert empty("policy", "--help").code == 0
    assert made == ["policy"]
    assert empty("token", "list", "--help").code == 0
    assert made == ["policy", "issue", "list", "revoke"]


def test_what_is_not_understood_is_usage(empty: CommandLine) -> None:
    assert empty("boards").code == Code.USAGE
    assert empty("board").code == Code.USAGE
    assert empty("board", "spring", "--as-if", "3").code == Code.USAGE
    assert app is not None


def test_the_release_is_told_where_everybody_looks_for_it(empty: CommandLine) -> None:
    told = empty("--version")
    assert told.code == 0
    assert told.out.startswith("strategy-ledger ")
    assert told.out.split() == empty("version").out.splitlines()[0].split()


def test_no_sign_of_a_value_ends_a_cell_of_the_reference() -> None:
    rows = [line.replace("\\|", "") for line in reference().splitlines() if line.startswith("| `")]
    assert not [row for row in rows if row.count("|") != 3]


def test_a_ledger_that_cannot_be_opened_is_not_said_to_be_missing(
    empty: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert empty("version").out.splitlines()[1].startswith("No ledger in ")
    monkeypatch.setattr("ledger.schema.difference", lambda _: "The schema is of a later release.")
    words = ("--organisation", "Corner Bakery", "--zone", "UTC", "--name", "Ada Marsh", "--handle", "ada")
    assert empty("init", *words).code == 0
    assert empty("version").out.splitlines()[1:] == ["The schema is of a later release."]
