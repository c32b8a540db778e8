"""Runs every story beside this file: console sessions that a customer could follow, compared line by line.

A story is Markdown. In its `console` blocks a line `$ …` is typed into one shell that lasts as long as the story, and
the lines after it are what is answered, on both outputs. A line `> …` goes on with the command before it. A
command that ends with another code than 0 is followed by `[exit n]`. What cannot be fixed stands in angle brackets:

    <id>  an identifier        <token>  a token           <moment>  2026-08-15 17:00
    <day> 2026-08-15           <n>      a whole number    <path>    a path without blanks
    <…>   anything on this line

The session of the README runs as well; it shows a real day's output, so its days, moments and identifiers stand for
those of the day of the run. Each story has a fresh ledger's place in its environment, and nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ledger.place import Place
from ledger.settings import Settings
from tests.waiting import day_that_lasts_at

README = Path(__file__).parent.parent.parent / "README.md"
LONG = {"past-day", "restore-drill"}
STORIES = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
    for path in [*sorted(Path(__file__).parent.glob("*.md")), README]
]
PLACEHOLDERS = {
    "id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "token": r"strategy_ledger_[ps]_[0-9A-Za-z]{49}",
    "moment": r"\d{4}-\d\d-\d\d \d\d:\d\d",
    "day": r"\d{4}-\d\d-\d\d",
    "n": r"\d+",
    "path": r"\S+",
    "…": r".*",
}
END = "--- end of the command, code "
SECONDS = 900


@dataclass(frozen=True)
class Step:
    """A command and the lines that it must answer, with the line of the story where it stands."""

    line: int
    command: str
    expected: tuple[str, ...]


def steps_of(text: str) -> Iterator[Step]:
    """Give the commands of a story in their order."""
    inside, start, command, expected = False, 0, "", list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if command:
                yield Step(start, command, tuple(expected))
            inside, command, expected = line.strip() == "```console", "", []
        elif inside and line.startswith("$ "):
            if command:
                yield Step(start, command, tuple(expected))
            start, command, expected = number, line[2:], []
        elif inside and line.startswith("> ") and not expected:
            command += "\n" + line[2:]
        elif inside and command:
            expected.append(line)


def answers_of(steps: list[Step], environ: dict[str, str], folder: Path) -> list[list[str]]:
    """Type the commands into one shell and return what each answered."""
    typed = "".join(f"{{\n{step.command}\n}} 2>&1\ncode=$?; echo; echo '{END}'$code\n" for step in steps)
    done = subprocess.run(
        ["/bin/bash"], input=typed, env=environ, cwd=folder, capture_output=True, text=True, timeout=SECONDS
    )
    found: list[list[str]] = [[]]
    for line in done.stdout.splitlines():
        if line.startswith(END):
            if found[-1] and found[-1][-1] == "":
                found[-1].pop()  # the line break that the shell adds before its mark
            if (code := line.removeprefix(END)) != "0":
                found[-1].append(f"[exit {code}]")
            found.append([])
        else:
            found[-1].append(line)
    return found[:-1]


def pattern_of(expected: str) -> re.Pattern[str]:
    """Return the pattern of an expected line: placeholders as above, everything else as it stands."""
    parts = re.split(r"<(id|token|moment|day|n|path|…)>", expected.rstrip())
    return re.compile(
        "".join(PLACEHOLDERS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))
    )


def of_any_day(line: str) -> str:
    """Return a line of real output with placeholders where another day shows something else."""
    line = re.sub(PLACEHOLDERS["id"], "<id>", line)
    line = re.sub(PLACEHOLDERS["token"], "<token>", line)
    line = re.sub(PLACEHOLDERS["moment"], "<moment>", line)
    return re.sub(PLACEHOLDERS["day"], "<day>", line)


def differing(step: Step, found: list[str]) -> str | None:
    """Return where an answer differs from the story, or None."""
    for place in range(max(len(step.expected), len(found))):
        wanted = step.expected[place].rstrip() if place < len(step.expected) else "(nothing)"
        got = found[place].rstrip() if place < len(found) else "(nothing)"
        if not pattern_of(wanted).fullmatch(got):
            answer = "\n".join(found)
            where = f"line {step.line + 1 + place}, after `{step.command}`"
            return f"{where}\n  story: {wanted}\n  found: {got}\n\n{answer}"
    return None


@pytest.mark.parametrize("story", STORIES)
def test_a_story_answers_what_it_says(
    story: Path, new_settings: Callable[[], Settings], tmp_path: Path
) -> None:
    settings = new_settings()
    with Place.open(settings) as place:
        day_that_lasts_at(place.owner_url, ZoneInfo("UTC"), 300)
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "STRATEGY_LEDGER_DATA_DIR": str(settings.data_dir),
        "STRATEGY_LEDGER_SCHEMA": settings.schema,
        "STRATEGY_LEDGER_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        **{
            name: value
            for name, value in os.environ.items()
            if name in ("STRATEGY_LEDGER_DATABASE_URL", "STRATEGY_LEDGER_MIGRATE_URL")
        },
    }
    steps = list(steps_of(story.read_text(encoding="utf-8")))
    if story == README:
        steps = [replace(step, expected=tuple(map(of_any_day, step.expected))) for step in steps]
    assert steps, "this story types nothing"
    found = answers_of(steps, environ, tmp_path)
    for step, answer in zip(steps, found, strict=True):
        assert (difference := differing(step, answer)) is None, difference
