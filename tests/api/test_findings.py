"""After the quarter: the facilitator triages what an auditor would ask about, in bulk, and nothing disappears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from aggregates.finding.commands import MOST_FINDINGS
from replay.verify import verify
from tests.api.conftest import House

SCOPE = {"kind": "scope", "text": "We do less."}


@dataclass
class Quarter:
    """A quarter in which much was changed without a decision: positions of the changes by what happened."""

    house: House
    company: str = ""
    roasting: str = ""
    shop: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    key_results: dict[str, str] = field(default_factory=dict)
    objectives: dict[str, str] = field(default_factory=dict)

    def findings(self, **asked: Any) -> dict[str, Any]:
        return self.house.get("/v1/cycles/now/findings", **asked)

    def causes(self, **asked: Any) -> set[int]:
        return {row["cause"] for row in self.findings(**asked)["findings"]}

    def finding(self, name: str, rule: str = "change_without_decision", **asked: Any) -> dict[str, Any]:
        (row,) = [
            one
            for one in self.findings(**asked)["findings"]
            if (one["rule"], one["cause"]) == (rule, self.changes[name])
        ]
        return row


@pytest.fixture(scope="module")
def quarter(house: House) -> Quarter:
    """Roasting is part of the company, the shop is not; Ines and Tom change what they committed to."""
    quarter = Quarter(house)
    house.join("cleo", "facilitator")
    quarter.company = house.post("/v1/teams", {"name": "Company"})["identifiers"]["team"]
    below = {"name": "Roasting", "parent": quarter.company}
    quarter.roasting = house.post("/v1/teams", below)["identifiers"]["team"]
    quarter.shop = house.post("/v1/teams", {"name": "Shop"})["identifiers"]["team"]
    for name, owner, team in (
        ("roast", "ines", quarter.roasting), ("till", "tom", quarter.shop), ("slip", "tom", quarter.shop),
    ):  # fmt: skip
        objective, key_result = house.objective("now", owner=owner, committed=False, title=name.title())
        house.post(f"/v1/objectives/{objective}/teams", {"team": team})
        house.post(f"/v1/objectives/{objective}/local-declarations", {"because": "It serves one room."})
        house.post(f"/v1/objectives/{objective}/commitments", {"confidence": "0.7"})
        quarter.objectives[name], quarter.key_results[name] = objective, key_result

    def change(name: str, noun: str, body: dict[str, Any], by: str, of: str) -> None:
        address = f"/v1/key-results/{quarter.key_results[of]}/{noun}"
        quarter.changes[name] = house.post(address, {**body, "reason": SCOPE}, by=by)["position"]

    change("softer", "target-changes", {"target": {"kind": "point", "at": "40"}}, "ines", "roast")
    change("harder", "target-changes", {"target": {"kind": "point", "at": "20"}}, "tom", "till")
    change("weight", "weight-changes", {"weight": "2"}, "ines", "roast")
    change("dropped", "drops", {}, "cleo", "till")
    withdrawn = f"/v1/objectives/{quarter.objectives['roast']}/withdrawals"
    change("mistake", "target-changes", {"target": {"kind": "point", "at": "10"}}, "tom", "slip")
    quarter.changes["withdrawn"] = house.post(withdrawn, {"reason": SCOPE}, by="ines")["position"]
    return quarter


def test_what_happened_reads_like_a_sentence_that_somebody_wrote(quarter: Quarter) -> None:
    said = {name: quarter.finding(name)["sentence"] for name in quarter.changes}
    assert said == {
        "softer": "Target changed from 30 to 40 minutes after its line, without a decision; softer.",
        "harder": "Target changed from 30 to 20 minutes after its line, without a decision; harder.",
        "weight": "Weight changed from 1 to 2 after its line, without a decision; neutral.",
        "dropped": "Dropped after its line, without a decision; softer.",
        "mistake": "Target changed from 30 to 10 minutes after its line, without a decision; harder.",
        "withdrawn": "Withdrawn after its line, without a decision; softer.",
    }


def test_findings_are_chosen_by_standing_rule_direction_person_owner_and_team(quarter: Quarter) -> None:
    at = quarter.changes
    assert quarter.causes(direction="softer") == {at["softer"], at["dropped"], at["withdrawn"]}
    assert quarter.causes(person="cleo") == {at["dropped"]}
    assert quarter.causes(owner="tom", direction="softer") == {at["dropped"]}
    assert quarter.causes(team="roasting") == {at["softer"], at["weight"], at["withdrawn"]}
    assert quarter.causes(team=quarter.company) == quarter.causes(team="Roasting")
    assert quarter.causes(rule="late_line") == set()
    assert quarter.causes(standing="answered") == set()
    assert quarter.causes(person="me", by="ines") == {at["softer"], at["weight"], at["withdrawn"]}
    counts = quarter.findings(direction="softer")["counts"]
    assert (counts["open"], counts["softer"], counts["harder"]) == (3, 3, 0)
    pages = quarter.findings(direction="softer", limit=2)
    again = quarter.findings(direction="softer", limit=2, cursor=pages["next_cursor"])
    assert len(pages["findings"]) + len(again["findings"]) == 3


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"direction": "easier"}, "parameter_is_invalid", "/query/direction"),
        ({"group_by": "day"}, "parameter_is_invalid", "/query/group_by"),
        ({"rule": "none"}, "parameter_is_invalid", "/query/rule"),
        ({"person": "nobody"}, "person_is_unknown", "/query/person"),
        ({"owner": "Shop"}, "owner_is_a_team", "/query/owner"),
        ({"team": "Kitchen"}, "team_is_unknown", "/query/team"),
    ],
)
def test_a_choice_that_is_not_understood_is_refused_with_its_place(
    quarter: Quarter, asked: dict[str, str], code: str, pointer: str
) -> None:
    answer = quarter.house["ada"].get("/v1/findings", params=asked)
    assert answer.json()["type"] == f"/v1/problems/{code}", answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_findings_are_grouped_by_team_person_owner_and_decision(quarter: Quarter) -> None:
    at = quarter.changes
    by_team = {one["title"]: one for one in quarter.findings(group_by="team")["groups"]}
    assert by_team["Roasting"]["above"] == [{"team": quarter.company, "name": "Company"}]
    assert {one["cause"] for one in by_team["Shop"]["findings"]} == {
        at["harder"],
        at["dropped"],
        at["mistake"],
    }
    assert by_team["Shop"]["counts"] == {
        "findings": 3, "open": 3, "answered": 0, "softer": 1, "harder": 2, "neutral": 0,
    }  # fmt: skip
    asked = quarter.findings(group_by="person")
    people = {asked["people"][one["key"]]["handle"]: one for one in asked["groups"]}
    assert {one["cause"] for one in people["cleo"]["findings"]} == {at["dropped"]}
    cycle, *owners = quarter.findings(group_by="owner")["groups"]
    assert (cycle["key"], [one["rule"] for one in cycle["findings"]]) == (None, ["opened_late"])
    assert {one["key"] for one in owners} == {quarter.house.people[name] for name in ("ines", "tom")}
    (none,) = quarter.findings(group_by="decision")["groups"]
    assert none["key"] is None
    assert none["counts"]["findings"] == 7


def test_one_answer_covers_a_selection_and_a_dry_run_shows_it_first(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    body = {
        "selection": {"cycle": "now", "team": "shop", "direction": "harder", "standing": "open"},
        "answer": "accepted", "text": "We want to do more.",
    }  # fmt: skip
    before = house.ledger.head().position
    preview = house.post("/v1/findings/answers", body, by="cleo", status=200, params={"dry_run": "true"})
    assert {one["body"]["cause"] for one in preview["events"]} == {at["harder"], at["mistake"]}
    assert house.ledger.head().position == before
    key = {"Idempotency-Key": "triage-1"}
    receipt = house.post("/v1/findings/answers", body, by="cleo", headers=key)
    assert receipt["events"] == ["finding.answered"] * 2
    assert receipt["position"] - receipt["first_position"] == 1
    assert quarter.finding("harder")["standing"] == "accepted"
    assert quarter.finding("softer")["standing"] == "open"
    again = house["cleo"].post("/v1/findings/answers", json=body, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["position"] == receipt["position"]
    nothing = house.post("/v1/findings/answers", body, by="cleo", status=200)
    assert nothing["events"] == []
    past = quarter.finding("harder", as_of=before)
    assert past["standing"] == "open"


def test_the_last_answer_counts_unless_only_open_ones_are_meant(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    findings = [
        {"rule": "change_without_decision", "cause": at[name]} for name in ("harder", "weight", "weight")
    ]
    body = {"findings": findings, "answer": "disputed", "text": "Not so.", "only_open": True}
    receipt = house.post("/v1/findings/answers", body, by="cleo")
    assert receipt["position"] == receipt["first_position"]
    assert quarter.finding("harder")["standing"] == "accepted"
    house.post("/v1/findings/answers", {**body, "only_open": False}, by="cleo")
    row = quarter.finding("harder")
    assert [one["answer"] for one in row["answers"]] == ["accepted", "disputed"]
    assert row["standing"] == "disputed"


def test_all_are_answered_or_none(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    mine = {"rule": "change_without_decision", "cause": at["softer"]}
    answer = {"answer": "explained", "text": "As agreed."}
    address = "/v1/findings/answers"
    wrong = {"rule": "late_line", "cause": at["softer"]}
    house.refused(
        address, {"findings": [mine, wrong], **answer}, "finding_is_unknown", "/findings/1", by="cleo"
    )
    theirs = {"rule": "change_without_decision", "cause": at["harder"]}
    house.refused(address, {"findings": [mine, theirs], **answer}, "action_is_not_allowed", by="ines")
    house.refused(address, {"findings": [mine], **answer}, "action_is_not_allowed", by="rita")
    house.refused(address, answer, "body_is_invalid", "/findings", by="cleo")
    both = {"findings": [mine], "selection": {}, **answer}
    house.refused(address, both, "body_is_invalid", "/findings", by="cleo")
    for selection, code, pointer in (
        ({"cycle": "never"}, "cycle_is_unknown", "/selection/cycle"),
        ({"item": "OBJ-99"}, "objective_is_unknown", "/selection/item"),
        ({"person": "nobody"}, "person_is_unknown", "/selection/person"),
        ({"team": "Kitchen"}, "team_is_unknown", "/selection/team"),
        ({"direction": "easier"}, "body_is_invalid", "/selection/direction"),
    ):
        house.refused(address, {"selection": selection, **answer}, code, pointer, by="cleo")
    many = [{"rule": "late_line", "cause": place} for place in range(1, MOST_FINDINGS + 2)]
    told = house.refused(address, {"findings": many, **answer}, "too_many_findings", "/findings", by="cleo")
    assert "1,001 findings" in told["detail"]
    house.post(address, {"findings": [mine], **answer}, by="ines")
    assert quarter.finding("softer")["answers"][-1]["by"] == f"person:{house.people['ines']}"


def test_one_decision_ratifies_many_changes_and_clears_none_of_them_before(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    before = house.ledger.head().position
    ratifies = [at["softer"], at["weight"], at["withdrawn"]]
    body = {"text": "We shrink the roastery.", "decided_by": "ines", "ratifies": ratifies}
    recorded = house.post("/v1/decisions", body, by="cleo")
    decision = recorded["identifiers"]["decision"]
    for name in ("softer", "weight", "withdrawn"):
        row = quarter.finding(name)
        assert [(one["decision"], one["words"]) for one in row["ratified_by"]] == [
            (decision, "ratified the same day, asserted")
        ]
        assert "; ratified the same day, asserted; " in row["sentence"]
        assert quarter.finding(name, as_of=before)["ratified_by"] == []
    groups = quarter.findings(group_by="decision")["groups"]
    assert [one["key"] for one in groups] == [None, decision]
    assert {one["cause"] for one in groups[1]["findings"]} >= set(ratifies)
    assert groups[1]["decided"]["standing"] == "asserted"
    own = quarter.findings(rule="owner_decided_own_target")["findings"]
    assert {row["cause"] for row in own} == {recorded["first_position"]}
    later = {row["reference"]: row for row in quarter.findings(rule="ratified_later")["findings"]}
    named = {one["position"]: one for row in later.values() for one in row["concerns"]}
    assert sorted(named) == sorted(ratifies)
    assert named[at["softer"]]["words"] == "target changed from 30 to 40 minutes"
    assert named[at["softer"]]["key_result"] == quarter.finding("softer")["key_result"]
    assert named[at["withdrawn"]]["words"] == "withdrawn"
    assert {one["days_before"] for one in named.values()} == {0}
    (sentence,) = (row["sentence"] for row in later.values() if f"entry {at['softer']}" in row["sentence"])
    assert "target changed from 30 to 40 minutes" in sentence

    def waiting(by: str) -> list[str]:
        return [row["decision"] for row in house.get("/v1/decisions", by=by, to_confirm="me")["decisions"]]

    assert waiting("ines") == [decision]
    assert waiting("tom") == []
    house.refused(f"/v1/decisions/{decision}/confirmations", {}, "confirmation_is_not_yours", by="cleo")
    house.post(f"/v1/decisions/{decision}/confirmations", {}, by="ines")
    assert waiting("ines") == []
    assert quarter.finding("softer")["ratified_by"][0]["words"] == "ratified the same day"
    (row,) = [one for one in house.get("/v1/decisions")["decisions"] if one["decision"] == decision]
    assert row["standing"] == "confirmed"
    assert quarter.finding("softer", as_of=recorded["position"])["ratified_by"][0]["words"].endswith(
        "asserted"
    )


def test_an_owner_ratifies_what_is_their_own(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    body = {"text": "I meant it.", "decided_by": "tom", "ratifies": [at["harder"]]}
    house.refused("/v1/decisions", {**body, "ratifies": [at["softer"]]}, "action_is_not_allowed", by="tom")
    house.post("/v1/decisions", body, by="tom")
    assert quarter.finding("harder")["ratified_by"][0]["words"] == "ratified the same day"


def test_a_slip_is_set_apart_and_a_mistaken_entry_is_taken_back(quarter: Quarter) -> None:
    house, at = quarter.house, quarter.changes
    assert not quarter.finding("mistake")["recorded_in_error"]
    back = house.post(f"/v1/entries/{at['mistake']}/retractions", {"reason": SCOPE}, by="cleo")
    row = quarter.finding("mistake")
    assert row["superseded_at"] == back["position"]
    quarter.changes["back"] = back["position"]
    assert quarter.finding("back")["sentence"] == (
        "Target changed from 10 to 30 minutes after its line, without a decision; softer."
    )
    error = f"/v1/objectives/{quarter.objectives['slip']}/recording-errors"
    quarter.changes["slip"] = house.post(error, {"reason": SCOPE}, by="tom")["position"]
    assert quarter.finding("slip")["sentence"] == (
        "Recorded in error after its line, without a decision; neutral."
    )
    marked = {at["mistake"], quarter.changes["back"], quarter.changes["slip"]}
    assert quarter.causes(recorded_in_error="true") == marked
    assert quarter.causes(recorded_in_error="false").isdisjoint(marked)
    assert quarter.causes(recorded_in_error="true", as_of=back["position"]) == set()
    board = house.get("/v1/cycles/now/board")
    assert [one["reference"] for one in board["recorded_in_error"]] == [quarter.objectives["slip"]]
    drift = {row["title"]: row for row in house.get("/v1/cycles/now/drift")["objectives"]}
    kinds = {title: [one["kind"] for one in row["facets"]] for title, row in drift.items()}
    assert kinds["Slip"] == ["corrected"]
    assert kinds["Roast"] == ["withdrawn"]


def test_what_is_hidden_is_in_no_group_and_in_no_selection(quarter: Quarter) -> None:
    house = quarter.house
    dark, key_result = house.objective("now", owner="ines", title="Nightfall")
    shown = {"visibility": "people", "people": ["ines"], "reason": SCOPE}
    house.post(f"/v1/objectives/{dark}/visibilities", shown, by="ines")
    weight = {"weight": "3", "reason": SCOPE}
    hidden = house.post(f"/v1/key-results/{key_result}/weight-changes", weight, by="ines")["position"]
    body = {
        "text": "The Nightfall plan.",
        "decided_by": "ines",
        "ratifies": [hidden, quarter.changes["dropped"]],
    }
    house.post("/v1/decisions", body)
    assert hidden in quarter.causes(by="ines")
    told = house["cleo"].get("/v1/cycles/now/findings", params={"group_by": "decision"})
    assert "Nightfall" not in told.text
    assert hidden not in {row["cause"] for row in told.json()["findings"]}
    (masked,) = [one for one in told.json()["groups"] if one.get("private")]
    assert (masked["key"], masked["title"], masked["decided"]) == (None, None, None)
    answer = {"answer": "accepted", "text": "All of them."}
    every = {"selection": {"cycle": "now", "person": "ines"}, **answer}
    preview = house.post("/v1/findings/answers", every, by="cleo", status=200, params={"dry_run": "true"})
    assert hidden not in {one["body"]["cause"] for one in preview["events"]}
    named = {"findings": [{"rule": "change_without_decision", "cause": hidden}], **answer}
    house.refused("/v1/findings/answers", named, "finding_is_unknown", "/findings/0", by="cleo")


def test_the_record_is_clean_after_the_triage(quarter: Quarter) -> None:
    verdict = verify(quarter.house.ledger, pairs=20)
    assert verdict.clean, verdict.difference
