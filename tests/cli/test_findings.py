"""The facilitator's morning after the quarter: list, group, answer, ratify; the decider confirms."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

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
    assert strange.sentence.startswith("There is no rule 'rain'; it is one of change_without_decision, ")
    assert morning("cleo", "findings", "--format", "csv", "--direction", "softer").out.count("\n") == 2


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
