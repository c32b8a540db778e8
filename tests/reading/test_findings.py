"""Findings in words: what changed, in which direction, ratified when, and what should never have been recorded."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.reading.findings import strongest
from tests.reading.telling import CYCLE, Told
from tests.rules.company import INCREASE, SCOPE, SOURCE, Company

TO_80 = {"kind": "point", "at": "80"}


@pytest.fixture
def company() -> Company:
    """A company whose quarter is open."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    return company


def asked(company: Company, rule: str) -> list[dict[str, Any]]:
    return [row for row in Told(company).findings()["findings"] if row["rule"] == rule]


def test_a_changed_measure_gives_its_unit_to_the_words_and_softer_wins(company: Company) -> None:
    objective, key_result = company.committed()
    company.do(
        "change_measure", objective=objective, key_result=key_result, reason=SCOPE,
        **INCREASE | {"measure": {"kind": "increase", "unit": "%"}, "baseline": "10", "target": TO_80},
    )  # fmt: skip
    (found,) = asked(company, "change_without_decision")
    directions = {one["facet"]: one["direction"] for one in found["changes"]}
    assert directions == {"measure": "neutral", "baseline": "harder", "target": "softer"}
    words = {one["facet"]: one["words"] for one in found["changes"]}
    assert (words["measure"], words["target"]) == ("measure changed", "target changed from 100 to 80 %")
    assert found["direction"] == "softer"
    assert found["sentence"].endswith(" after its line, without a decision; softer.")


def test_what_restates_a_facet_is_left_out_of_the_sentence(company: Company) -> None:
    objective, key_result = company.committed()
    same = INCREASE | {"measure": {"kind": "increase", "unit": "%"}}
    company.do("change_measure", objective=objective, key_result=key_result, reason=SCOPE, **same)
    (found,) = asked(company, "change_without_decision")
    assert found["sentence"] == "Measure changed after its line, without a decision; neutral."


@pytest.mark.parametrize(
    ("directions", "word"),
    [
        (["neutral", "softer", "harder"], "softer"),
        (["neutral", "harder"], "harder"),
        (["neutral"], "neutral"),
    ],
)
def test_of_several_directions_the_softest_counts(directions: list[str], word: str) -> None:
    assert strongest(directions) == word


def test_a_key_result_added_late_is_neutral_and_named_so(company: Company) -> None:
    objective, _ = company.committed()
    company.key_result(objective, reason=SCOPE)
    (found,) = asked(company, "change_without_decision")
    assert (found["sentence"], found["direction"]) == (
        "Key result added after its line, without a decision; neutral.", "neutral",
    )  # fmt: skip


def test_each_change_meets_what_was_known_when_it_was_recorded(company: Company) -> None:
    """Given a second change of a facet, then its words begin where the first one ended, also where that was late."""
    objective, _ = company.committed()
    late = company.key_result(objective, reason=SCOPE)
    item = {"objective": objective, "key_result": late, "reason": SCOPE}
    for at in ("80", "120"):
        company.do("change_target", **item, target={"kind": "point", "at": at})
    words = [one["words"] for row in asked(company, "change_without_decision")[1:] for one in row["changes"]]
    assert words == ["target changed from 100 to 80", "target changed from 80 to 120"]
    assert [row["direction"] for row in asked(company, "change_without_decision")[1:]] == ["softer", "harder"]


def test_a_later_end_is_softer_than_that_of_the_cycle(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    company.do("redate_key_result", **item, ends_on="2026-05-31")
    company.do("redate_key_result", **item)
    told = [
        (row["changes"][0]["words"], row["direction"]) for row in asked(company, "change_without_decision")
    ]
    assert told == [
        ("end moved from that of the cycle to 2026-05-31", "harder"),
        ("end moved from 2026-05-31 to that of the cycle", "softer"),
    ]


def test_a_ratification_is_told_behind_the_change_until_its_decision_is_taken_back(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    change = company.do("change_target", **item, target=TO_80).position
    company.on("2026-04-05")
    company.decided(ratifies=[change], decided_by=company.cleo)
    decision = company.ledger.position - 1
    (found,) = asked(company, "change_without_decision")
    assert found["sentence"] == (
        "Target changed from 100 to 80 after its line, without a decision; ratified 3 days later, asserted; softer."
    )
    company.do("retract_entry", position=decision)
    (found,) = asked(company, "change_without_decision")
    assert found["ratified_by"] == []
    assert found["sentence"] == "Target changed from 100 to 80 after its line, without a decision; softer."


def test_a_finding_about_what_was_recorded_in_error_says_so(company: Company) -> None:
    (first, slip), (second, _) = company.committed(), company.committed()
    other = company.key_result(first, reason=SCOPE)
    for key_result in (slip, other):
        company.do("change_weight", objective=first, key_result=key_result, weight="2", reason=SCOPE)
    company.do("reword_objective", objective=second, title="Other words", reason=SCOPE)
    company.do("key_result_recorded_in_error", objective=first, key_result=slip, reason=SCOPE)
    company.do("objective_recorded_in_error", objective=second, reason=SCOPE)
    told = {(row["key_result"] or row["objective"]): row["recorded_in_error"]
            for row in asked(company, "change_without_decision")}  # fmt: skip
    assert told == {str(slip): True, str(other): False, str(second): True}


def test_what_is_recorded_after_a_close_is_named(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result}
    reworded = company.do("reword_objective", objective=objective, title="Tpyo", reason=SCOPE).position
    company.on("2026-07-02").do("close_cycle", cycle=CYCLE)
    company.do("reopen_cycle", cycle=CYCLE, reason=SCOPE)
    company.do("record_value", **item, value="5", measured_on="2026-06-30")
    company.do("check_in", **item, confidence="0.5")
    company.do("score_key_result", **item, score="0.5")
    company.do("amend_entry", position=reworded, body={"title": "Typo"}, reason=SCOPE)
    company.decided(touches=[objective])
    sentences = [row["sentence"] for row in asked(company, "change_after_close")]
    assert sentences == [
        "Reworded from “Tpyo” to “Typo” after the cycle closed; neutral.",
        "A decision was recorded after the cycle closed.",
    ]


def test_a_line_that_is_late_by_a_day_says_so_and_one_of_a_source_that_it_had_no_record(
    company: Company,
) -> None:
    company.on("2026-04-11").committed()
    objective = company.drafted()
    company.key_result(objective)
    told = {"imported": True, "source": SOURCE, "synthesised": True, "no_record_at_start": True}
    company.do("commit_objective", objective=objective, **told)
    lines = [one["lines"][0] for one in Told(company).commitments()["objectives"]]
    assert [line["words"] for line in lines] == ["late by 1 day", "late by 1 day, no record at the start"]
    assert [line["grade"] for line in lines] == ["witnessed", "reconstructed"]
    sentences = {row["sentence"] for row in asked(company, "late_line")}
    assert sentences == {"The objective was committed after commit-by, by 1 day."}


def test_an_objective_stands_at_its_line_or_is_listed_without_one(company: Company) -> None:
    """Given a draft, what moved here, what was carried here and a line of a source, then each is where it belongs."""
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    here, _ = company.committed()
    draft, gone = company.drafted(), company.drafted(owner=company.ben)
    company.do("withdraw_objective", objective=gone)
    moved, _ = company.committed(cycle="2026-q3")
    line = company.objective(moved).lines[0].position
    company.do("move_objective_to_cycle", objective=moved, cycle=CYCLE, reason=SCOPE)
    late = company.key_result(here, reason=SCOPE)
    found = Told(company).commitments()
    assert [one["objective"] for one in found["objectives"]] == [str(here)]
    (first,) = found["objectives"][0]["lines"]
    assert (first["confidence"], first["policy"], first["words"]) == ("0.7", 1, "on time")
    (added,) = found["objectives"][0]["added_late"]
    assert (added["key_result"], added["confidence"], added["policy"]) == (str(late), None, None)
    assert added["words"] == "added after the line, on time"
    assert [(one["objective"], one["standing"]) for one in found["not_committed"]] == [
        (str(draft), "draft"), (str(gone), "withdrawn"),
    ]  # fmt: skip
    assert [(one["objective"], one["line"]) for one in found["moved_here"]] == [(str(moved), line)]
    assert (found["counts"]["objectives"], found["counts"]["not_committed"]) == (1, 2)
