"""How entries are told: what a history knows at a position, who decided a change, and what a decision is about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregates.reading.history import Clock, complete_history
from replay import audited
from tests.reading.telling import CYCLE, Told
from tests.rules.company import SCOPE, SOURCE, Company

TO_80 = {"kind": "point", "at": "80"}


@pytest.fixture
def company() -> Company:
    """A company whose quarter is open."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    return company


def history(
    company: Company, objective: UUID, clock: Clock = "effective", position: int | None = None
) -> list[dict[str, Any]]:
    told = Told(company)
    rows = audited.history_rows(told.audit, str(objective))
    found = complete_history(rows, told.decisions, zone=told.zone, clock=clock, position=position)
    return found["entries"]


def values(entries: list[dict[str, Any]]) -> list[tuple[int, Any, Any, bool]]:
    return [
        (entry["position"], change["before"], change["after"], change["in_force"])
        for entry in entries
        for change in entry["changes"]
        if change["facet"] == "value"
    ]


def test_a_retraction_is_told_on_the_key_result_that_it_takes_a_value_from(company: Company) -> None:
    """Given two values of which the later one is taken back, then by recording the retraction brings the first one
    back, by effect the retracted one never was, and at the position before it both stand."""
    objective, key_result = company.committed()
    other = company.key_result(objective, reason=SCOPE)
    item = {"objective": objective, "key_result": key_result}
    company.do("record_value", objective=objective, key_result=other, value="7", measured_on="2026-04-01")
    first = company.do("record_value", **item, value="10", measured_on="2026-04-01").position
    second = company.do("record_value", **item, value="20", measured_on="2026-04-02").position
    retracted = company.do("retract_entry", position=second).position

    recorded = values(history(company, objective, "recorded"))[1:]
    assert recorded == [(first, None, "10", True), (second, "10", "20", True), (retracted, "20", "10", False)]
    assert values(history(company, objective))[1:] == [(first, None, "10", True), (second, "10", "20", False)]

    before = history(company, objective, position=retracted - 1)
    assert values(before)[1:] == [(first, None, "10", True), (second, "10", "20", True)]
    assert {entry["position"]: entry["superseded_at"] for entry in before}[second] is None
    after = {entry["position"]: entry["superseded_at"] for entry in history(company, objective)}
    assert (after[first], after[second]) == (None, retracted)


def test_the_clocks_order_a_history_each_in_its_way(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result}
    late = company.do("record_value", **item, value="20", measured_on="2026-05-19").position
    back = company.do("record_value", **item, value="10", measured_on="2026-04-01").position
    places = [entry["position"] for entry in history(company, objective, "recorded")]
    assert places == sorted(places)
    by_effect = [entry["position"] for entry in history(company, objective)]
    assert (by_effect[0], by_effect[-1]) == (back, late)


def how(company: Company, objective: UUID, name: str) -> dict[str, Any]:
    (entry,) = (entry for entry in history(company, objective) if entry["name"] == name)
    decided: dict[str, Any] = entry["decided"]
    return decided


def test_who_decided_a_change_is_told_by_how_it_is_known(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    own = company.decided(text="Ours.", touches=[objective])
    asserted = company.decided(text="Hers.", decided_by=company.ada)
    company.do("change_weight", **item, weight="2", decision=own)
    company.do("change_target", **item, target=TO_80, decision=asserted)
    company.do("change_ambition", **item, ambition="aspirational")
    linked = how(company, objective, "objective.decision_linked")
    assert (linked["how"], linked["text"]) == ("own", "Ours.")
    assert how(company, objective, "key_result.weight_changed")["how"] == "own"
    assert how(company, objective, "key_result.target_changed")["how"] == "asserted"
    assert how(company, objective, "key_result.ambition_changed")["words"] == "no decision is recorded"

    company.do("confirm_decision", decision=asserted, by=company.ada)
    confirmed = how(company, objective, "key_result.target_changed")
    assert (confirmed["how"], confirmed["confirmed_by"]) == ("confirmed", f"person:{company.ada}")
    place = next(raw.position for raw in company.ledger.entries if raw.stream == f"decision:{own}")
    company.do("retract_entry", position=place)
    gone = how(company, objective, "key_result.weight_changed")
    assert (gone["how"], gone["decision"]) == ("none", None)
    assert gone["words"] == "the decision that it names was retracted or is not known at this basis"


def test_each_link_tells_the_decision_of_its_own_append(company: Company) -> None:
    objective, _ = company.committed()
    for text in ("First.", "Second."):
        company.decided(text=text, touches=[objective])
    company.decided(text="Beside it.")
    links = [entry for entry in history(company, objective) if entry["name"] == "objective.decision_linked"]
    assert [entry["decided"]["text"] for entry in links] == ["First.", "Second."]


def test_a_source_names_its_author_and_no_decider(company: Company) -> None:
    objective, key_result = company.committed()
    company.do(
        "change_weight", objective=objective, key_result=key_result, weight="2", imported=True,
        source=SOURCE | {"author": company.cleo},
    )  # fmt: skip
    told = how(company, objective, "key_result.weight_changed")
    assert (told["how"], told["author"], told["decided_by"]) == (
        "according_to_source",
        str(company.cleo),
        None,
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-04-02", "the same day"), ("2026-04-03", "1 day later"), ("2026-04-04", "2 days later")],
)
def test_a_ratification_says_how_many_days_it_came_later(company: Company, day: str, words: str) -> None:
    objective, key_result = company.committed()
    company.do("change_weight", objective=objective, key_result=key_result, weight="2", reason=SCOPE)
    change = company.ledger.position
    company.on(day, 14)
    company.decided(ratifies=[change])
    assert how(company, objective, "key_result.weight_changed")["words"] == f"ratified {words}"


def about(company: Company, rule: str) -> str:
    (found,) = (row for row in Told(company).findings()["findings"] if row["rule"] == rule)
    sentence: str = found["sentence"]
    return sentence


def test_a_ratification_of_several_names_each_with_its_days(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "reason": SCOPE}
    first = company.do("change_weight", **item, key_result=key_result, weight="2").position
    company.on("2026-04-03")
    company.key_result(objective, reason=SCOPE)
    added = company.ledger.position
    company.on("2026-04-05")
    company.decided(ratifies=[first, added])
    assert about(company, "ratified_later") == (
        "The decision was recorded after the 2 changes that it ratifies: "
        f"weight changed from 1 to 2 (entry {first}, 3 days before); key result added (entry {added}, 2 days before)."
    )


def test_a_ratification_of_a_cycle_s_entry_says_what_was_done(company: Company) -> None:
    moved = company.do("move_commit_by", cycle=CYCLE, commit_by="2026-04-20").position
    company.decided(ratifies=[moved])
    assert about(company, "ratified_later") == (
        f"The decision was recorded after the change that it ratifies: the commit-by was moved (entry {moved})."
    )


def test_an_owner_who_ratifies_changes_of_their_own_decided_them(company: Company) -> None:
    objective, key_result = company.committed(owner=company.ada)
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    first = company.do("change_target", **item, target=TO_80).position
    company.decided(ratifies=[first], decided_by=company.ada)
    assert about(company, "owner_decided_own_target") == (
        f"The owner decided a change of their own commitment: target changed from 100 to 80 (entry {first})."
    )


def test_a_retracted_decision_leaves_each_of_its_changes_undecided(company: Company) -> None:
    """Given five changes by one decision of which one was taken back, then three of the others are named."""
    objective, key_result = company.committed()
    decision = company.decided(text="We do less.")
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE, "decision": decision}
    places = [company.do("change_weight", **item, weight=str(weight)).position for weight in range(2, 7)]
    company.do("retract_entry", position=places[0], reason=SCOPE)
    company.do("retract_entry", position=places[0] - 1)
    sentence = about(company, "decision_retracted")
    assert sentence.startswith(
        "The decision behind 4 changes was retracted, so nobody has decided: weight changed "
    )
    assert [f"(entry {place})" in sentence for place in places] == [False, True, True, True, False]
    assert sentence.endswith("; 1 more.")


def test_the_retracted_decision_behind_one_change_names_it(company: Company) -> None:
    objective, key_result = company.committed()
    decision = company.decided(text="We do less.")
    company.do("drop_key_result", objective=objective, key_result=key_result, reason=SCOPE, decision=decision)
    dropped = company.ledger.position
    company.do("retract_entry", position=dropped - 1)
    assert about(company, "decision_retracted") == (
        f"The decision behind a change was retracted, so nobody has decided: dropped (entry {dropped})."
    )
