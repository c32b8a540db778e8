"""A command line to type into: a fresh ledger in the environment, a steward's token, a season with an objective."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.app import app
from ledger.settings import Settings, load_settings
from ledger.store import Ledger
from tests.waiting import day_that_lasts


@dataclass(frozen=True)
class Typed:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("strategy-ledger: ").strip()


class CommandLine:
    """Types commands into one ledger's command line; what nobody expected fails the test."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __call__(self, *words: str, typed: str | None = None, **environ: str) -> Typed:
        result = CliRunner(env={**self.environ, **environ}).invoke(app, list(words), input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Typed(result.exit_code, result.stdout, result.stderr)

    def record(self, *commands: dict[str, Any], **environ: str) -> Typed:
        """Record commands, each a line."""
        return self(
            "record", "-", typed="".join(f"{json.dumps(command)}\n" for command in commands), **environ
        )


@pytest.fixture
def empty(new_settings: Callable[[], Settings], tmp_path: Path) -> CommandLine:
    """A place where no ledger is yet."""
    return place_for(new_settings(), tmp_path)


def place_for(settings: Settings, folder: Path) -> CommandLine:
    """Return the command line of a place, with its master key in this folder."""
    addresses = {
        name: os.environ[name]
        for name in ("STRATEGY_LEDGER_DATABASE_URL", "STRATEGY_LEDGER_MIGRATE_URL")
        if name in os.environ
    }
    return CommandLine(
        {
            **addresses,
            "STRATEGY_LEDGER_DATA_DIR": str(settings.data_dir),
            "STRATEGY_LEDGER_SCHEMA": settings.schema,
            "STRATEGY_LEDGER_MASTER_KEY_FILE": str(folder / "master.key"),
            "STRATEGY_LEDGER_MASTER_KEY": "",
            "STRATEGY_LEDGER_TOKEN": "",
        }
    )


@pytest.fixture
def line(empty: CommandLine) -> CommandLine:
    """A ledger that Ada just created, with her token in the environment."""
    return created_at(empty)


def created_at(empty: CommandLine) -> CommandLine:
    """Let Ada create a ledger there; her token is in the environment from then on."""
    words = ("--organisation", "Corner Bakery", "--zone", "UTC", "--name", "Ada Marsh", "--handle", "ada")
    empty.environ["STRATEGY_LEDGER_TOKEN"] = empty("init", *words, "--json").json["token"]
    return empty


@pytest.fixture
def today(line: CommandLine) -> date:
    """The day by the database's clock, in the zone of the ledger that is typed to."""
    return day_of_ledger(line)


def day_of_ledger(line: CommandLine, seconds: float = 60) -> date:
    """Return today in the ledger that is typed to; a day that ends within `seconds` is waited out."""
    with Ledger.open(load_settings(line.environ)) as ledger:
        return day_that_lasts(ledger, seconds=seconds)


@pytest.fixture
def season(line: CommandLine, today: date) -> CommandLine:
    """The same ledger with an open season, one committed objective OBJ-1 of Ada's and its key result KR-1."""
    return with_season(line, today)


def with_season(line: CommandLine, today: date) -> CommandLine:
    """Plan and open a season there and commit one objective of Ada's to it."""
    typed = line.record(
        {
            "command": "plan_cycle",
            "cycle": "spring",
            "name": "Spring",
            "kind": "custom",
            "starts_on": str(today - timedelta(days=20)),
            "commit_by": str(today + timedelta(days=5)),
            "ends_on": str(today + timedelta(days=70)),
        },
        {"command": "open_cycle", "cycle": "spring"},
        {"command": "grant_role", "person": "ada", "role": "owner"},
        {
            "command": "draft_objective",
            "cycle": "spring",
            "title": "Good bread",
            "owner": "ada",
            "as": "bread",
        },
        {
            "command": "add_key_result",
            "objective": "$bread",
            "title": "Loaves a day",
            "owner": "ada",
            "measure": {"kind": "increase", "path": "straight"},
            "baseline": "120",
            "target": {"kind": "point", "at": "200"},
        },
        {"command": "declare_local", "objective": "$bread", "because": "We are one shop."},
        {"command": "commit_objective", "objective": "$bread", "confidence": "0.6"},
    )
    assert typed.code == 0, typed.err
    return line
