"""Rights on the command line: readings by token or as anybody, hidden objectives, exports, scopes, the security log."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from aggregates.access import ROLES, Actor, lets
from aggregates.refusals import Refusal
from api import problems
from api.cli.codes import Code
from api.cli.recording import Desk
from api.cli.session import opened
from api.commands import DOORS
from ledger.settings import load_settings
from tests.cli.conftest import CommandLine, Typed, created_at, day_of_ledger, place_for, with_season
from tests.conftest import drop

SECRETS = ("Nightfall", "OBJ-2", "KR-2", "Depth")
READINGS: tuple[tuple[str, ...], ...] = (
    ("cycles",), ("board", "spring"), ("commitments", "spring"), ("drift", "spring"), ("drift", "OBJ-1"),
    ("history", "OBJ-1"), ("decisions",), ("decisions", "spring"), ("findings",), ("findings", "spring"), ("people",),
    ("teams",), ("policy",), ("board", "spring", "--format", "csv"), ("findings", "--format", "ndjson"),
)  # fmt: skip


class Bakery:
    """A command line with several tokens: who types is named first."""

    def __init__(self, line: CommandLine) -> None:
        self.line = line
        self.tokens = {"ada": line.environ["STRATEGY_LEDGER_TOKEN"], "anybody": ""}

    def __call__(self, who: str, *words: str, typed: str | None = None) -> Typed:
        return self.line(*words, typed=typed, STRATEGY_LEDGER_TOKEN=self.tokens[who])

    def record(self, who: str, *commands: Mapping[str, object], words: tuple[str, ...] = ()) -> Typed:
        lines = "".join(f"{json.dumps(command)}\n" for command in commands)
        return self(who, "record", "-", *words, typed=lines)

    def joins(self, handle: str, *roles: str) -> None:
        commands: list[dict[str, object]] = [
            {"command": "add_person", "name": handle.title(), "handle": handle}
        ]
        commands += [{"command": "grant_role", "person": handle, "role": role} for role in roles]
        assert self.record("ada", *commands).code == 0
        self.tokens[handle] = self("ada", "token", "issue", handle, "--json").json["token"]


@pytest.fixture
def bakery(season: CommandLine) -> Bakery:
    """Ada (steward and owner), Ben (reader), Cleo (facilitator), Uta (auditor), Olaf (operator), and a hidden OBJ-2."""
    return staffed(season)


@pytest.fixture(scope="module")
def same_bakery(server_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bakery]:
    """One such bakery for all tests in which nothing is recorded; what they read is in its security log."""
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": f"cli_rights{os.getpid()}"})
    try:
        line = created_at(place_for(settings, tmp_path_factory.mktemp("bakery")))
        yield staffed(with_season(line, day_of_ledger(line, seconds=300)))
    finally:
        drop(settings)


def staffed(season: CommandLine) -> Bakery:
    bakery = Bakery(season)
    for handle, role in (
        ("ben", "reader"),
        ("cleo", "facilitator"),
        ("uta", "auditor"),
        ("olaf", "operator"),
    ):
        bakery.joins(handle, role)
    typed = bakery.record(
        "ada",
        {
            "command": "draft_objective", "cycle": "spring", "title": "Nightfall", "owner": "ada", "as": "dark",
            "visibility": "people", "people": ["ada"],
        },
        {
            "command": "add_key_result", "objective": "$dark", "title": "Depth", "owner": "ada",
            "measure": {"kind": "increase"}, "baseline": "0", "target": {"kind": "point", "at": "9"},
        },
        {"command": "align_objective", "objective": "OBJ-1", "parent": "$dark",
         "reason": {"kind": "scope", "text": "It serves the other."}},
    )  # fmt: skip
    assert typed.code == 0, typed.err
    return bakery


def betrays(typed: Typed) -> list[str]:
    return [secret for secret in SECRETS if secret in typed.out + typed.err]


def test_no_reading_betrays_what_is_hidden(same_bakery: Bakery) -> None:
    """Given each question, then only who may see it is shown it; without a token, what is for everyone is shown."""
    for words in READINGS:
        for who in ("anybody", "ben", "cleo"):
            typed = same_bakery(who, *words)
            assert typed.code == 0, (who, words, typed.err)
            assert betrays(typed) == [], (who, words)
        assert same_bakery("olaf", *words).code == Code.NOT_ALLOWED
    assert [bool(betrays(same_bakery(who, "board", "spring"))) for who in ("ada", "uta")] == [True, True]
    assert same_bakery("anybody", "board", "spring", "--json").json["private"] == 1
    assert same_bakery("anybody", "board", "spring", "--as-of", "20", "--json").json["private"] <= 1
    for who in ("anybody", "ben", "cleo"):
        hidden, nowhere = (same_bakery(who, "history", item) for item in ("OBJ-2", "OBJ-99"))
        assert hidden.code == nowhere.code == Code.NOT_FOUND
        assert hidden.err.replace("OBJ-2", "…") == nowhere.err.replace("OBJ-99", "…")
    assert same_bakery("ada", "history", "OBJ-2").code == 0


def test_commands_know_nothing_of_what_is_hidden(same_bakery: Bakery) -> None:
    for command in (
        {"command": "reword_objective", "objective": "OBJ-2", "title": "x"},
        {"command": "check_in", "key_result": "KR-2", "value": "5"},
        {"command": "align_objective", "objective": "OBJ-1", "parent": "OBJ-2"},
    ):
        there = same_bakery.record("cleo", dict(command))
        other = {name: str(value).replace("-2", "-99") for name, value in command.items()}
        nowhere = same_bakery.record("cleo", other)
        assert there.code == nowhere.code != 0
        assert there.err.replace("-2", "…") == nowhere.err.replace("-99", "…")


def test_a_token_that_is_not_good_reads_as_anybody_and_says_so(same_bakery: Bakery) -> None:
    same_bakery.tokens["wrong"] = "strategy_ledger_p_wrong"
    typed = same_bakery("wrong", "board", "spring", "--json")
    assert typed.code == 0
    assert "What is not for everyone is left out." in typed.err
    assert typed.json["private"] == 1


def test_an_export_is_whole_so_it_needs_an_office_and_is_logged(same_bakery: Bakery, tmp_path: Path) -> None:
    out = ("export", "--replace", "--out", str(tmp_path / "lines"))
    for who in ("anybody", "ben", "cleo", "olaf"):
        assert same_bakery(who, *out).code == Code.NOT_ALLOWED
    for who in ("ada", "uta"):
        assert same_bakery(who, *out).code == 0
    assert "Nightfall" in (tmp_path / "lines").read_text()
    lines = same_bakery("uta", "security-log", "--json", "--limit", "1000").json["lines"]
    outcomes = [line["outcome"] for line in lines if line["action"] == "export"]
    assert (outcomes.count("exported"), outcomes.count("refused")) == (2, 3)


def test_the_log_is_for_a_steward_an_auditor_and_an_operator(same_bakery: Bakery) -> None:
    same_bakery("ben", "history", "OBJ-2")
    same_bakery("uta", "board", "spring")
    assert [same_bakery(who, "security-log").code for who in ("ada", "uta", "olaf")] == [0, 0, 0]
    assert [same_bakery(who, "security-log").code for who in ("anybody", "ben", "cleo")] == [
        Code.NOT_ALLOWED
    ] * 3
    lines = same_bakery("uta", "security-log", "--json", "--limit", "1000").json["lines"]
    seen = {(line["action"], line["outcome"]) for line in lines}
    assert {("history", "refused"), ("board", "read_by_office"), ("token issue", "issued")} <= seen
    told = same_bakery("olaf", "security-log", "--json")
    assert {line["subject"] for line in told.json["lines"]} == {None}
    assert betrays(told) == []
    assert "Uta" in same_bakery("ada", "security-log").out


def test_tokens_have_scopes_and_days(bakery: Bakery) -> None:
    weekly = ("--scope", "check_in", "--scope", "read", "--expires-in", "30", "--label", "phone", "--json")
    bakery.tokens["phone"] = bakery("ada", "token", "issue", "ada", *weekly).json["token"]
    bakery.line.environ["STRATEGY_LEDGER_TOKEN"] = bakery.tokens["phone"]
    assert bakery("phone", "check-in", "KR-1", "--value", "150").code == 0
    refused = bakery.record("phone", {"command": "reword_objective", "objective": "OBJ-1", "title": "x"})
    assert refused.code == Code.NOT_ALLOWED
    assert "scopes of this token" in refused.sentence
    assert bakery("phone", "token", "issue", "ben").code == Code.NOT_ALLOWED
    bakery.tokens["half"] = bakery("ada", "token", "issue", "ada", "--scope", "operate", "--json").json[
        "token"
    ]
    assert bakery("half", "token", "issue", "ben", "--scope", "write").code == Code.NOT_ALLOWED
    assert bakery("ada", "token", "issue", "ben", "--scope", "everything").code == Code.USAGE
    assert bakery("ada", "token", "issue", "ben", "--expires-in", "0").code == Code.USAGE
    listed = {one["label"]: one for one in bakery("ada", "token", "list", "--json").json["tokens"]}
    assert listed["phone"]["scopes"] == ["read", "check_in"]
    assert listed["phone"]["shown"].endswith(bakery.tokens["phone"][-4:])
    assert bakery.tokens["phone"] not in bakery("ada", "token", "list").out


def test_somebody_records_on_behalf_of_another(bakery: Bakery) -> None:
    command: dict[str, object] = {
        "command": "reword_objective",
        "objective": "OBJ-2",
        "title": "Nightfall, later",
    }
    for_ada = ("--on-behalf-of", "ada")
    assert bakery.record("ben", command, words=for_ada).code == Code.NOT_ALLOWED
    granted = bakery.record("ada", {"command": "grant_delegation", "person": "ben", "principal": "ada"})
    assert granted.code == 0, granted.err
    typed = bakery.record("ben", command, words=for_ada)
    assert typed.code == 0, typed.err
    assert " for Ada Marsh" in bakery("ada", "history", "OBJ-2").out
    checked = bakery("ben", "check-in", "KR-2", "--value", "3", *for_ada)
    assert checked.code == 0, checked.err


def test_a_page_says_how_much_is_private(same_bakery: Bakery) -> None:
    assert "1 is private." in same_bakery("anybody", "board", "spring").out
    assert "private" not in same_bakery("ada", "board", "spring").out
    assert "serves what is private" in same_bakery("ben", "history", "OBJ-1").out
    assert "visibility: Ada Marsh" in same_bakery("ada", "history", "OBJ-2").out


def test_every_command_is_allowed_or_refused_on_the_command_line_as_the_table_says(bakery: Bakery) -> None:
    """Given a token of each role, then each command goes as far as its rules or is refused as the table says, on what
    everybody sees; what is hidden is refused as what is not there."""
    bakery.joins("odo", "owner")
    bakery.joins("stella", "steward")
    names = _there(bakery)
    with opened(load_settings(bakery.line.environ)) as session:
        for role, handle in zip(ROLES, ("ben", "odo", "cleo", "stella", "uta", "olaf"), strict=True):
            caller = session.ledger.tokens.caller_of(bakery.tokens[handle])
            assert caller is not None
            actor, desk = Actor(str(caller), frozenset({role})), Desk(session, caller, None)
            for door in DOORS:
                said = {**_with_names(door.example, names), "command": door.command}
                said |= {name: names[name] for name in door.names}
                refusal = _refusal(desk, said)
                nothing = role == "owner" and refusal == "nothing is their own"
                refused = nothing or refusal == "action_is_not_allowed"
                assert refused != lets(actor, door.command), (role, door.command, door.path, refusal)
                for name, hidden, nowhere in (
                    ("objective", "OBJ-2", "OBJ-99"),
                    ("key_result", "KR-2", "KR-99"),
                ):
                    if name in door.names and role not in ("steward", "auditor"):
                        both = [_refusal(desk, {**said, name: item}) for item in (hidden, nowhere)]
                        assert both[0] == both[1] != "", (role, door.command, both)


def _refusal(desk: Desk, said: dict[str, Any]) -> str:
    """Return the code with which a command is refused, nothing where it would be recorded."""
    try:
        told = desk.carry_out(said, dry_run=True).body["events"]
    except Refusal as refusal:
        return refusal.code()
    except problems.Fault:
        return "a body that does not fit what is there"
    return "" if told else "nothing is their own"


def _there(bakery: Bakery) -> dict[str, str]:
    """Return the name of something of each kind that everybody sees."""
    made: dict[str, dict[str, object]] = {
        "team": {"command": "form_team", "name": "Counter"},
        "service": {"command": "register_service", "name": "Till"},
        "decision": {
            "command": "record_decision",
            "text": "So be it.",
            "decided_by": "ben",
            "touches": ["OBJ-1"],
        },
    }
    kept = {"cycle": "spring", "objective": "OBJ-1", "key_result": "KR-1", "person": "ben", "position": "5"}
    for kind, command in made.items():
        kept[kind] = bakery.record("ada", command, words=("--json",)).json["identifiers"][kind]
    return {**kept, "rule": "change_without_decision"}


def _with_names(example: Any, names: dict[str, str]) -> Any:
    """Return an example that speaks of what is there."""
    text = re.sub(r'"(?:ines|[^"]+@example.org)"', '"ben"', json.dumps(example))
    kept = json.loads(text.replace("2027-q1", names["cycle"]))
    return {name: value for name, value in kept.items() if name not in ("team", "decision", "service")}
