"""The facilitator's morning after the quarter: list, group, answer, ratify; the decider confirms."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from api.cli.codes import Code
from tests.cli.conftest import CommandLine, Typed

SCOPE = {"kind": "scope", "text": "One oven is broken."}


class Morning:
    """A season after some changes; Cleo facilitates, Ben decided."""

    def __init__(self, line: CommandLine) -> None:
        self.line = line
        self.tokens: dict[str, str] = {"ada": line.environ["STRATEGY_LEDGER_TOKEN"]}
        for handle, role in (("cleo", "facilitator"), ("ben", "reader")):
            self.record(
                {"command": "add_person", "name": handle.title(), "handle": handle},
                {"command": "grant_role", "person": handle, "role": role},
            )
            self.tokens[handle] = line("token", "issue", handle, "--json").json["token"]
        self.record(
            {"command": "change_target", "key_result": "KR-1", "target": {"kind": "point", "at": "180"},
             "reason": SCOPE},
            {"command": "change_weight", "key_result": "KR-1", "weight": "2", "reason": SCOPE},
        )  # fmt: skip

    def record(self, *commands: dict[str, Any]) -> None:
        typed = self.line.record(*commands)
        assert typed.code == 0, typed.err

    def __call__(self, who: str, *words: str, typed: str | None = None) -> Typed:
        return self.line(*words, typed=typed, STRATEGY_LEDGER_TOKEN=self.tokens.get(who, ""))

    def rows(self, *words: str) -> list[dict[str, Any]]:
        answered = self("cleo", "findings", "spring", *words, "--json")
        assert answered.code == 0, answered.err
        rows: list[dict[str, Any]] = answered.json["findings"]
        return rows


@pytest.fixture
def morning(season: CommandLine) -> Morning:
    """The morning."""
    return Morning(season)


def test_findings_are_shown_in_groups_and_can_be_asked_again(morning: Morning) -> None:
    shown = morning("cleo", "findings", "spring", "--by", "person", "--rule", "change_without_decision")
    assert shown.code == 0, shown.err
    assert "Ada Marsh: 2 open, 0 answered, 1 softer, 1 neutral" in shown.out
    assert "Target changed from 200 to 180 after its line, without a decision; softer." in shown.out
    again = shown.out.splitlines()[-1].split()[1:]
    assert again[-4:] == ["--rule", "change_without_decision", "--by", "person"]
    assert morning("cleo", *again[1:]).out.splitlines()[0] == shown.out.splitlines()[0]
    assert "&rule=change_without_decision&group_by=person" in shown.out.splitlines()[-2]
    assert morning("cleo", "findings", "show", "spring", "--direction", "softer").out.startswith("1 finding:")
    assert morning("cleo", "findings", "spring", "--person", "me").out.startswith("0 findings:")
    assert morning("nobody", "findings", "--person", "me").code == Code.NOT_ALLOWED
    strange = morning("cleo", "findings", "--rule", "rain")
    assert strange.code == Code.USAGE
    assert strange.sentence.startswith("'rain' is none of change_without_decision, ")
    assert morning("cleo", "findings", "--format", "csv", "--direction", "softer").out.count("\n") == 2


def test_people_and_teams_are_named_as_they_are_called(morning: Morning) -> None:
    """By handle, address or the name that one alone has; what is near is said, and where several have it, which."""
    line = morning.line
    join = {"command": "add_person", "name": "Ada Marsh", "handle": "marsh.ada"}
    teams = [{"command": "form_team", "name": name} for name in ("Ovens", "Shop front", "Shop front")]
    assert line.record(*teams).code == 0
    for word in ("Ada Marsh", "ada  marsh", "@ada"):
        assert morning.rows("--person", word) == morning.rows("--person", "ada")
    assert morning("cleo", "findings", "--team", "ovens").code == 0
    near = morning("cleo", "findings", "--team", "Ovns")
    assert (near.code, near.sentence) == (
        Code.NOT_FOUND,
        "No team is called 'Ovns'; near is Ovens; send a whole name or an identifier.",
    )
    several = morning("cleo", "findings", "--team", "shop front").sentence
    assert several.startswith("2 teams are called 'shop front': ")
    typo = morning("cleo", "findings", "--owner", "Ada Mash")
    assert (typo.code, typo.sentence.partition(";")[2][:26]) == (Code.NOT_FOUND, " near is Ada Marsh (@ada);")
    assert line("token", "issue", "Ada Mash").sentence.startswith(
        "Nobody here is called 'Ada Mash'; near is Ada"
    )
    assert line.record(join).code == 0
    several = morning("cleo", "findings", "--owner", "Ada Marsh").sentence
    assert several.startswith("2 people are called 'Ada Marsh': ")
    assert all(handle in several for handle in ("@ada", "@marsh.ada"))


def test_a_name_as_it_is_spelled_comes_before_one_that_is_only_like_it(line: CommandLine) -> None:
    """Given Strauß and Strauss, then each is found by the own spelling, and a third one asks who is meant."""
    names = {"Jan Strauß": "jan", "Jan Strauss": "jans", "Jan STRAUSS": "js"}
    people = [{"command": "add_person", "name": name, "handle": handle} for name, handle in names.items()]
    assert line.record(*people).code == 0
    for name, handle in {**names, "jan  strauß": "jan"}.items():
        assert line("token", "issue", name, "--json").json == {
            **line("token", "issue", f"@{handle}", "--json").json, "token": ANY
        }  # fmt: skip
    assert line("token", "issue", "JAN STRAUSS").sentence.startswith("2 people are called 'JAN STRAUSS': ")


def test_a_handle_that_is_somebody_elses_whole_name_means_neither(line: CommandLine) -> None:
    """Given Robin Ek, whose handle is robin, and Robin, then `Robin` is asked about, and each is named by a mark."""
    both = [("Robin Ek", "robin"), ("Robin", "r.berg"), ("Ines", "ines")]
    people = [{"command": "add_person", "name": name, "handle": handle} for name, handle in both]
    assert line.record(*people).code == 0
    for word in ("Robin", "robin"):
        asked = line("token", "issue", word)
        assert asked.code == Code.NOT_FOUND
        assert asked.sentence.startswith(
            f"{word!r} is the handle of Robin Ek and the whole name of somebody else; write @robin for the handle, "
            "@r.berg for who is called so;"
        )
    for word in ("@robin", "@r.berg", "Robin Ek", "r.berg", "Ines", "ines"):
        assert line("token", "issue", word).code == 0, word
    grant = {"command": "grant_role", "person": "robin", "role": "reader"}
    assert "write @robin for the handle" in line.record(grant).sentence
    assert line.record({**grant, "person": "@robin"}).code == 0


def test_many_are_answered_at_once_after_a_look(morning: Morning) -> None:
    words = (
        "findings",
        "answer",
        "spring",
        "--direction",
        "softer",
        "--answer",
        "accepted",
        "--text",
        "Agreed.",
    )
    looked = morning("cleo", *words, "--dry-run")
    assert looked.code == 0, looked.err
    assert "would record: finding.answered" in looked.out
    assert [row["standing"] for row in morning.rows("--direction", "softer")] == ["open"]
    asked = morning("cleo", *words)
    assert asked.code == Code.USAGE
    assert asked.sentence.startswith("Answer 1 finding as accepted? Say --yes")
    assert morning("ben", *words, "--yes").code == Code.NOT_ALLOWED
    done = morning("cleo", *words, "--yes")
    assert done.code == 0, done.err
    assert [row["standing"] for row in morning.rows("--direction", "softer")] == ["accepted"]
    nothing = morning("cleo", *words, "--yes", "--only-open")
    assert (nothing.code, nothing.out) == (0, "No finding is meant; nothing to record.\n")
    one = f"change_without_decision:{morning.rows('--direction', 'neutral')[0]['cause']}"
    answer = ("findings", "answer", "--answer", "explained", "--text", "So it was.", "--yes")
    assert morning("cleo", *answer).code == Code.USAGE
    assert morning("cleo", *answer, "--finding", "seventeen").code == Code.USAGE
    assert morning("cleo", *answer, "--finding", "late_line:1").code == Code.NOT_FOUND
    recorded = morning("cleo", *answer, "--finding", one, "--json")
    assert recorded.json["events"] == ["finding.answered"]


def test_a_terminal_asks_before_it_records(morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.cli import triage

    monkeypatch.setattr(
        triage, "sys", type("Terminal", (), {"stdin": type("In", (), {"isatty": lambda: True})})
    )
    words = (
        "findings",
        "answer",
        "spring",
        "--direction",
        "softer",
        "--answer",
        "accepted",
        "--text",
        "Agreed.",
    )
    no = morning("cleo", *words, typed="n\n")
    assert no.code == Code.REFUSED
    assert "Nothing was recorded." in no.err
    assert morning("cleo", *words, typed="y\n").code == 0
    assert sys.stdin is not None
    assert [row["standing"] for row in morning.rows("--direction", "softer")] == ["accepted"]


def test_one_decision_ratifies_what_has_none_and_its_decider_confirms_it(morning: Morning) -> None:
    words = ("findings", "ratify", "spring", "--decided-by", "ben", "--text", "We bake less this spring.")
    assert morning("cleo", *words).code == Code.USAGE
    done = morning("cleo", *words, "--yes")
    assert done.code == 0, done.err
    found = re.search(r"decision ([0-9a-f-]{36})", done.out)
    assert found is not None
    decision = found.group(1)
    rows = morning.rows("--rule", "change_without_decision")
    assert [row["ratified_by"][0]["words"] for row in rows] == ["ratified the same day, asserted"] * 2
    again = morning("cleo", *words, "--yes")
    assert (again.code, again.out) == (0, "No finding is meant; nothing to record.\n")
    waiting = morning("ben", "decisions", "--to-confirm")
    assert waiting.out.startswith("1 decision\n")
    assert f"waits for Ben to confirm it: decisions confirm {decision}" in waiting.out
    assert waiting.out.endswith(" --to-confirm\n")
    assert morning("cleo", "decisions", "--to-confirm").out.startswith("0 decisions")
    assert morning("cleo", "decisions", "confirm", decision).code == Code.NOT_ALLOWED
    assert morning("ben", "decisions", "confirm", decision).code == 0
    assert morning("ben", "decisions", "--to-confirm").out.startswith("0 decisions")
    shown = morning("cleo", "findings", "spring", "--by", "decision")
    assert "“We bake less this spring.” (Ben, " in shown.out
    assert ", confirmed): " in shown.out
    assert json.loads(morning("ada", "verify", "--json").out)["clean"]


def test_wrong_words_are_answered_with_what_there_is(morning: Morning, tmp_path: Path) -> None:
    for words, code, sentence in (
        (("board", "OBJ-1"), Code.NOT_FOUND, "it names an item, and a cycle is needed."),
        (("board", "sprin"), Code.NOT_FOUND, "There is no cycle sprin at this basis; near is spring."),
        (("findings", "obj1"), Code.NOT_FOUND, "an item is written OBJ-1."),
        (("history", "the ovens"), Code.NOT_FOUND, "write OBJ-142, KR-311 or an identifier."),
        (
            ("export", "--after", "9", "--until", "5", "--out", str(tmp_path / "none")),
            Code.USAGE,
            "--after 9;",
        ),
        (("check-in", "KR-1", "--value", "3", "--on-behalf-of", "Ada Mash"), Code.NOT_FOUND, "whole name."),
        (
            ("init", "--organisation", "X", "--name", "A", "--zone", "Europe/Berlni"),
            Code.USAGE,
            "Europe/Berlin",
        ),
    ):
        typed = morning.line(*words)
        assert (typed.code, sentence in typed.sentence) == (code, True), typed.sentence
    assert not (tmp_path / "none").exists()
    marked = tmp_path / "marked.jsonl"
    marked.write_bytes(b'\xef\xbb\xbf{"command": "form_team", "name": "Ovens"}\r\n')
    assert morning.line("record", str(marked)).out.startswith("position ")
