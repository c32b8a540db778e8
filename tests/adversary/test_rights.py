"""Attacks on rights and visibility: whoever may not see a thing tries every side door to it.

Every test here failed once, or holds a wall that was leaned on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from aggregates.entry import Occasion
from aggregates.importing.profiles import PROFILES
from aggregates.objective.commands import RewordObjective
from api.cli.codes import Code
from api.imports.asked import Ask
from api.imports.people import PeopleMap
from api.imports.planned import Planned
from api.imports.run import _Importer
from api.imports.sheet import Sheet
from api.imports.sheet_report import RowAsked, SheetReport
from api.imports.table_import import import_table
from api.imports.table_report import TableReport
from api.imports.tables.reading import TableFile, format_of
from api.probe import Standing
from tests.api.conftest import House, house
from tests.cli.conftest import CommandLine, empty, line, season, today
from tests.waiting import PATIENCE

__all__ = ["empty", "house", "line", "season", "today"]

REASON = {"kind": "scope", "text": "We do less."}
SECRET = "Nightfall"


@dataclass
class Dark:
    """An objective that is for nobody but its owner, Ines, and what points at it."""

    reference: str
    key_result: str
    identifier: str
    decision: str
    visible: str
    visible_key_result: str


@pytest.fixture(scope="module")
def dark(house: House) -> Dark:
    """Ines's hidden objective; Tom's visible one was changed by a decision that touches both, and serves it."""
    for name, role in (("fay", "facilitator"), ("olaf", "operator"), ("uta", "auditor"), ("lea", "owner")):
        house.join(name, role)
    visible, visible_key_result = house.objective("now", owner="tom", title="Everybody knows this")
    reference, key_result = house.objective("now", title=SECRET)
    decided = house.post(
        "/v1/decisions", {"text": f"{SECRET} decided", "decided_by": "ines", "touches": [reference, visible]}
    )["identifiers"]["decision"]
    for weight, more in (("2", {"decision": decided}), ("3", {})):
        change = {"weight": weight, "reason": REASON, **more}
        house.post(f"/v1/key-results/{visible_key_result}/weight-changes", change)
    undecided = house.ledger.head().position
    house.post(
        "/v1/decisions",
        {
            "text": f"{SECRET} ratified",
            "decided_by": "ines",
            "touches": [reference],
            "ratifies": [undecided],
        },
    )
    house.post(f"/v1/objectives/{visible}/alignments", {"parent": reference, "reason": REASON})
    over, _ = house.objective("now", owner="tom", title="It was replaced")
    house.post(f"/v1/objectives/{over}/replacements", {"successor": reference, "reason": REASON})
    identifier = house.get(f"/v1/objectives/{reference}")["objective"]
    house.post(
        f"/v1/objectives/{reference}/visibilities", {"visibility": "people", "people": ["ines"]}, by="ines"
    )
    return Dark(reference, key_result, identifier, decided, visible, visible_key_result)


def betrays(text: str, dark: Dark) -> list[str]:
    names = (SECRET, dark.identifier, dark.decision)
    return [one for one in names if one in text] + re.findall(
        rf"\b(?:{dark.reference}|{dark.key_result})\b", text
    )


def client_of(house: House, name: str, *scopes: str) -> httpx.Client:
    """A client with a token of somebody that is for these scopes only."""
    token = house.ledger.tokens.issue(f"person:{house.people[name]}", "narrow", scopes=scopes)
    return httpx.Client(
        base_url=house.address, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )


# -- commands as questions


def test_an_operator_learns_nothing_of_the_record_by_commands(house: House, dark: Dark) -> None:
    """Given a version that does not match, a name that exists or not, then an operator is answered always the same."""
    answers = set()
    for name in (dark.visible, dark.reference, "OBJ-9999"):
        for headers in ({}, {"If-Match": '"99"'}, {"If-Match": '"1"'}):
            for parameters in ({}, {"dry_run": "true"}):
                answer = house["olaf"].post(
                    f"/v1/objectives/{name}/wordings",
                    json={"title": "x", "reason": REASON},
                    headers=headers,
                    params=parameters,
                )
                problem = answer.json()
                answers.add((answer.status_code, problem["type"], problem["detail"]))
    assert len(answers) == 1, answers
    assert answers.pop()[0] == 403
    bodies: tuple[dict[str, Any], ...] = (
        {"findings": [], "selection": {}},
        {"selection": {"cycle": "now"}},
    )
    for body in bodies:
        answer = house["olaf"].post("/v1/findings/answers", json={**body, "answer": "accepted", "text": "x"})
        assert answer.status_code == 403, answer.text


def test_whoever_may_not_read_is_not_told_who_changed_what(house: House, dark: Dark) -> None:
    """Given a token that is for check-ins only, then a stale version names neither who nor what nor when."""
    with client_of(house, "tom", "check_in") as narrow:
        answer = narrow.post(
            f"/v1/key-results/{dark.visible_key_result}/check-ins",
            json={"confidence": "0.5"},
            headers={"If-Match": '"1"'},
        )
    assert answer.status_code == 412, answer.text
    assert house.steward not in answer.text
    assert "recorded" not in answer.text
    whole = house["tom"].post(
        f"/v1/key-results/{dark.visible_key_result}/check-ins",
        json={"confidence": "0.5"},
        headers={"If-Match": '"1"'},
    )
    assert house.steward in whole.text


def test_a_delegate_who_left_sees_nothing_by_the_eyes_of_another(house: House, dark: Dark) -> None:
    """Given a delegation that was never taken back, when its holder has left, then nothing is looked up for them."""
    person = house.join("gus", "owner")
    house.post("/v1/people/gus/delegations", {"principal": "ines"})
    asked: dict[str, Any] = {
        "json": {"title": "x", "reason": REASON},
        "headers": {"On-Behalf-Of": "ines", "If-Match": '"99"'},
    }
    assert house["gus"].post(f"/v1/objectives/{dark.reference}/wordings", **asked).status_code == 412
    with client_of(house, "gus", "check_in") as narrow:
        answer = narrow.post(f"/v1/objectives/{dark.reference}/wordings", **asked)
        assert answer.status_code == 403, answer.text
    house.post(f"/v1/people/{person}/departures", {})
    told = set()
    for name in (dark.reference, "OBJ-9999"):
        answer = house["gus"].post(f"/v1/objectives/{name}/wordings", **asked)
        told.add((answer.status_code, answer.json()["detail"]))
        assert house.people["ines"] not in answer.text
    assert len(told) == 1, told
    assert told.pop()[0] == 403


def test_a_departure_is_not_recorded_on_behalf_by_taking_the_arrival_back(house: House, dark: Dark) -> None:
    """Given a steward's delegate, who cannot record a departure, then not by an amendment of presence either."""
    house.join("kim", "reader")
    house.join("vic", "reader")
    house.post("/v1/people/kim/delegations", {"principal": house.steward})
    behalf = {"On-Behalf-Of": house.steward}
    gone = house["kim"].post("/v1/people/vic/departures", json={}, headers=behalf)
    assert gone.status_code == 403, gone.text
    joined = next(
        row.position
        for row in house.ledger.read_stream(f"person:{house.people['vic']}")
        if row.name == "person.joined"
    )
    answer = house["kim"].post(f"/v1/entries/{joined}/retractions", json={"reason": REASON}, headers=behalf)
    assert answer.status_code == 403, answer.text


# -- answers that are made while something is hidden


class Still:
    """A probe that saw the ledger a moment ago, as every probe does."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    async def standing(self) -> Standing:
        return self._standing


@contextmanager
def a_moment_ago(house: House) -> Iterator[None]:
    """Let what is recorded within be recorded between the look at the ledger and the answer."""
    house.get("/v1/cycles/now/board")  # the projections are level
    head, probe = house.ledger.head(), house.desk.probe
    house.desk.probe = Still(Standing(head.position, head.position, house.today))  # type: ignore[assignment]
    try:
        yield
    finally:
        house.desk.probe = probe


def test_what_is_drafted_hidden_between_a_look_and_an_answer_is_not_in_it(house: House, dark: Dark) -> None:
    """Given readers who are being answered, when a hidden objective is drafted meanwhile, then no answer holds it."""
    with a_moment_ago(house):
        body = {"cycle": "now", "title": "Umbra", "owner": "ines", "visibility": "people", "people": ["ines"]}
        drafted = house.post("/v1/objectives", body, by="ines")
        (reference,) = drafted["references"]
        for path in (
            "/v1/cycles/now/board",
            f"/v1/entries?after={drafted['first_position'] - 1}",
            f"/v1/entries/{drafted['first_position']}",
            f"/v1/objectives/{reference}",
            f"/v1/objectives/{reference}/history",
            "/v1/decisions",
        ):
            answer = house["rita"].get(path)
            assert "Umbra" not in answer.text, path
            assert drafted["identifiers"]["objective"] not in answer.text, path
    assert "Umbra" not in house["rita"].get("/v1/cycles/now/board").text
    assert "Umbra" in house["ines"].get("/v1/cycles/now/board").text


# -- what stands beside a hidden thing


def test_changes_of_what_everybody_sees_do_not_betray_the_decision_behind_them(
    house: House, dark: Dark
) -> None:
    """Given a hidden decision that changed and ratified what everybody sees, then no clock and no group names it."""
    position = house.ledger.head().position
    for path in (
        f"/v1/objectives/{dark.visible}/findings",
        f"/v1/objectives/{dark.visible}/history",
        f"/v1/objectives/{dark.visible}/drift",
        f"/v1/key-results/{dark.visible_key_result}/history",
        f"/v1/key-results/{dark.visible_key_result}/drift",
        "/v1/cycles/now/findings",
        "/v1/cycles/now/drift",
        "/v1/findings",
        "/v1/people/ines",
        "/v1/teams",
    ):
        for more in ({}, {"as_of": str(position - 1)}, {"effective_at": house.today.isoformat()}):
            answer = house["rita"].get(path, params=more)
            assert betrays(answer.text, dark) == [], (path, more)
        assert dark.reference in house["ines"].get("/v1/cycles/now/board").text
    for by in ("decision", "cause", "objective", "person", "rule", "cycle", "team", "owner"):
        answer = house["rita"].get("/v1/findings", params={"group_by": by})
        assert answer.status_code in (200, 422)
        assert betrays(answer.text, dark) == [], by


def test_a_finding_that_a_hidden_decision_caused_is_counted_and_not_told(house: House, dark: Dark) -> None:
    """Given a change of what everybody sees, ratified by a hidden decision, then who sees both is asked about it."""
    path = f"/v1/objectives/{dark.visible}/findings"
    told = {by: house[by].get(path).json() for by in ("ines", "rita")}
    rules = {by: [row["rule"] for row in answer["findings"]] for by, answer in told.items()}
    assert rules["ines"].count("ratified_later") == 1
    assert "ratified_later" not in rules["rita"]
    assert "change_without_decision" in rules["rita"]
    assert told["rita"]["private"] == len(rules["ines"]) - len(rules["rita"])
    assert told["ines"]["private"] == 0


def test_a_decision_that_drafted_something_hidden_is_hidden(house: House, dark: Dark) -> None:
    drafted = {
        "command": "draft_objective", "cycle": "now", "title": f"{SECRET} falls", "owner": "ines",
        "visibility": "people", "people": ["ines"],
    }  # fmt: skip
    body = {"text": "We begin quietly", "decided_by": "ines", "changes": [drafted]}
    house.post("/v1/decisions", body)
    assert "We begin quietly" in house["ines"].get("/v1/decisions").text
    for path in ("/v1/decisions", "/v1/entries?after=0&limit=1000"):
        assert "We begin quietly" not in house["rita"].get(path).text, path


def test_a_decision_that_comes_to_ratify_a_hidden_change_is_hidden(house: House, dark: Dark) -> None:
    """Given a decision about what everybody sees, when it is amended to ratify a hidden change, then it is hidden."""
    change = {"weight": "2", "reason": REASON}
    hidden = house.post(f"/v1/key-results/{dark.key_result}/weight-changes", change)["position"]
    body: dict[str, Any] = {"text": "Dusk it is", "decided_by": "ada", "touches": [dark.visible]}
    decided = house.post("/v1/decisions", body)
    assert "Dusk it is" in house["rita"].get("/v1/decisions").text
    told = next(row for row in house.ledger.read_stream(f"decision:{decided['identifiers']['decision']}"))
    bare = house.get(f"/v1/entries/{told.position}")["data"]["body"]
    house.post(
        f"/v1/entries/{told.position}/amendments",
        {"body": {**bare, "ratifies": [hidden]}, "reason": {"kind": "editorial", "text": "It did so too."}},
    )
    assert "Dusk it is" in house["ada"].get("/v1/decisions").text
    for path in (
        "/v1/decisions",
        f"/v1/objectives/{dark.visible}/decisions",
        "/v1/entries?after=0&limit=1000",
    ):
        assert "Dusk it is" not in house["rita"].get(path).text, path


# -- imports


def columns() -> str:
    return "objective,key result,owner,baseline,target\n"


def imported(house: House, path: Path, name: str, **more: Any) -> TableReport:
    ask = Ask(cycle="now", source="tool", on=house.today, as_drafts=True, objective_owner="first")
    table = TableFile(path, format_of(path), PROFILES["table"])
    by = f"person:{house.steward if name == 'ada' else house.people[name]}"
    return import_table(house.ledger, table, replace(ask, **more), by=by)


def test_a_dry_run_of_an_import_compares_with_nothing_hidden(
    house: House, dark: Dark, tmp_path: Path
) -> None:
    """Given an import whose objective was changed and hidden since, then who imports it again is not told how."""
    path = tmp_path / "goals.csv"
    path.write_text(columns() + "Bake for the night,Loaves,ines,10,90\n")
    first = imported(house, path, "ada")
    assert not first.refused, first.blocks()
    board = house.get("/v1/cycles/now/board", min_position=house.ledger.head().position)
    (row,) = [one for one in board["objectives"] if one["title"] == "Bake for the night"]
    key_result = row["key_results"][0]["reference"]
    house.post(f"/v1/objectives/{row['reference']}/wordings", {"title": "Penumbra", "reason": REASON})
    house.post(
        f"/v1/key-results/{key_result}/target-changes",
        {"target": {"kind": "point", "at": "7777"}, "reason": REASON},
    )
    house.post(
        f"/v1/objectives/{row['reference']}/visibilities", {"visibility": "people", "people": ["ines"]}
    )
    told = "\n".join(
        str(one.body()) for one in (imported(house, path, "fay", dry_run=True, version="again"),)
    )
    for secret in ("Penumbra", "7777", row["reference"], key_result):
        assert secret not in told
    whole = str(imported(house, path, "ada", dry_run=True, version="again").body())
    assert "7777" in whole


def test_a_proposal_names_a_hidden_objective_in_vain(house: House, dark: Dark) -> None:
    """Given a proposal that somebody wrote by hand, then a hidden objective in it is as unknown as any other."""
    sheet = Sheet(house.ledger, house.desk.reader)
    told = []
    for objective in (UUID(dark.identifier), uuid4()):
        command = RewordObjective.model_validate({"objective": objective, "title": "x", "reason": REASON})
        report = SheetReport("now", 1, 1)
        asked = RowAsked(1, [command], ["reworded"], objective, 1)
        sheet.record(report, [asked], by=f"person:{house.people['fay']}", dry_run=True)
        told.append([(row.became, row.what if hasattr(row, "what") else str(row)) for row in report.rows])
    assert told[0] == told[1]
    assert betrays(str(told[0]), dark) == []


def test_what_a_snapshot_plans_is_built_from_what_its_importer_sees(house: House, dark: Dark) -> None:
    """Given a plan that looks at the record, then it finds what is hidden as little as what is unknown."""
    found: list[Any] = []

    def build(world: Any, _: Any) -> Any:
        found.append(world.objective(UUID(dark.identifier)))
        raise LookupError("That is all.")

    for name in ("fay", "ines"):
        by = f"person:{house.people[name]}"
        importer = _Importer(house.ledger, by, "series", PeopleMap(), dry_run=True, create=False)
        occasion = Occasion(by=by, at=house.ledger.head().now, zone=house.ledger.zone, imported=True)
        with pytest.raises(Exception, match=r"That is all\."):
            importer._decide(house.ledger.world(), Planned("row", None, "", build), occasion)
    assert found[0] is None
    assert found[1] is not None


# -- the security log


def test_the_security_log_holds_nobodys_address_or_name(house: House, dark: Dark) -> None:
    """Given attempts on people by address and by handle, then what is logged is no personal text."""
    for name in ("ines@example.org", "ines", house.people["ines"]):
        assert house["olaf"].get(f"/v1/people/{name}").status_code == 403
        answer = house["rita"].post(f"/v1/people/{name}/roles", json={"role": "steward"})
        assert answer.status_code == 403
    subjects = [line.subject or "" for line in house.ledger.security.page()]
    assert not [one for one in subjects if "@" in one or "/people/ines" in one]
    assert [one for one in subjects if house.people["ines"] in one]


def test_a_sheet_and_a_comparison_by_office_are_logged(season: CommandLine, tmp_path: Path) -> None:
    """Given an auditor who sees a hidden objective by office only, then a sheet and a comparison are in the log."""
    ada = season.environ["STRATEGY_LEDGER_TOKEN"]
    commands: list[dict[str, Any]] = [
        {"command": "add_person", "name": "Uta", "handle": "uta"},
        {"command": "grant_role", "person": "uta", "role": "auditor"},
        {
            "command": "draft_objective",
            "cycle": "spring",
            "title": SECRET,
            "owner": "ada",
            "visibility": "people",
            "people": ["ada"],
        },
    ]
    typed = season("record", "-", typed="".join(f"{json.dumps(one)}\n" for one in commands))
    assert typed.code == 0, typed.err
    uta = season("token", "issue", "uta", "--json").json["token"]
    out = tmp_path / "plan.csv"
    assert season("sheet", "spring", "--out", str(out), STRATEGY_LEDGER_TOKEN=uta).code == 0
    assert SECRET in out.read_text()
    table = tmp_path / "there.csv"
    table.write_text(columns() + "Another,Loaves,ada,10,90\n")
    compared = season("reconcile", str(table), "--cycle", "spring", STRATEGY_LEDGER_TOKEN=uta)
    assert SECRET in compared.out
    lines = season("security-log", "--json", STRATEGY_LEDGER_TOKEN=ada).json["lines"]
    office = [line["action"] for line in lines if line["outcome"] == "read_by_office"]
    assert office == ["sheet", "reconcile"]
    assert season("sheet", "spring", "--out", str(out), "--replace", STRATEGY_LEDGER_TOKEN="").code == 0
    assert SECRET not in out.read_text()
    nothing = season("reconcile", str(table), "--cycle", "spring", STRATEGY_LEDGER_TOKEN="")
    assert SECRET not in nothing.out


def test_an_import_of_snapshots_asks_for_the_right_before_it_writes_names_down(
    season: CommandLine, tmp_path: Path
) -> None:
    """Given a reader, whose import the rules would refuse, then nothing of it is in the directory beforehand."""
    commands = [
        {"command": "add_person", "name": "Ben", "handle": "ben"},
        {"command": "grant_role", "person": "ben", "role": "reader"},
    ]
    season("record", "-", typed="".join(f"{json.dumps(one)}\n" for one in commands))
    ben = season("token", "issue", "ben", "--json").json["token"]
    page = "| Objective | Owner | Score |\n|---|---|---|\n| Bake | @stranger | 0.3 |\n"
    (tmp_path / "2026-01-05.md").write_text(page)
    typed = season(
        "import", "snapshots", str(tmp_path), "--create-people", "--cycle", f"{tmp_path.name}=2026-01-01..2026-03-31",
        STRATEGY_LEDGER_TOKEN=ben,
    )  # fmt: skip
    assert typed.code == Code.NOT_ALLOWED, typed.err
    assert "note_source" in typed.err
    assert "stranger" not in season("people", "--json").out
