"""Commitments, drift, history and findings of one invented quarter, from its entries."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.reading.history import complete_history
from replay import audited
from tests.reading.telling import CYCLE, Told, facets
from tests.replay.quarter import quarter
from tests.rules.company import SCOPE, Company


@pytest.fixture(scope="module")
def told() -> Told:
    return Told(quarter())


def test_each_objective_stands_at_its_own_line_on_time_or_late(told: Told) -> None:
    found = told.commitments()

    words = [one["lines"][0]["words"] for one in found["objectives"]]
    assert words == ["on time", "on time", "late by 10 days"]
    assert found["objectives"][0]["lines"][1]["words"] == "re-planned, line 2"
    assert found["objectives"][0]["added_late"][0]["words"] == "added after the line, late by 31 days"
    assert found["counts"] == {
        "objectives": 3, "on_time": 2, "late": 1, "not_committed": 0, "added_late": 1, "replanned": 1,
        "grades": {"witnessed": 3},
    }  # fmt: skip


def test_nothing_recorded_later_moves_a_line(told: Told) -> None:
    line = told.commitments()["objectives"][0]["lines"][0]["state"]
    assert line["key_results"][0]["facets"]["target"]["value"] == {"kind": "point", "at": "100"}
    assert len(line["key_results"]) == 1


def test_drift_tells_the_net_facet_and_the_changes_behind_it(told: Told) -> None:
    objective = told.drift()["objectives"][0]
    retargeted = facets(objective["key_results"][0])["retargeted"]

    assert (retargeted["old"]["at"], retargeted["new"]["at"], retargeted["direction"]) == (
        "100",
        "70",
        "softer",
    )
    chain = [(change["old"]["at"], change["new"]["at"]) for change in retargeted["changes"]]
    assert chain == [("100", "80"), ("80", "70")]
    hows = [change["decided"]["how"] for change in retargeted["changes"]]
    assert hows == ["ratified", "confirmed"]
    assert retargeted["changes"][0]["decided"]["words"] == "ratified 7 days later"
    assert retargeted["changes"][0]["reason"]["text"] == SCOPE["text"]


def test_what_was_retracted_came_back_and_reads_kept(told: Told) -> None:
    objective = told.drift()["objectives"][0]
    assert facets(objective)["kept"]["facet"] == "wording"
    assert [change["superseded_at"] is None for change in facets(objective)["kept"]["changes"]] == [
        False,
        True,
    ]


def test_added_late_dropped_and_withdrawn_are_named(told: Told) -> None:
    first, second, third = told.drift()["objectives"]
    assert facets(first["key_results"][1])["added late"]["direction"] == "neutral"
    assert facets(second["key_results"][0])["dropped"]["direction"] == "softer"
    assert facets(third)["withdrawn"]["direction"] == "softer"
    assert told.drift()["counts"]["kinds"] == {"added late": 1, "dropped": 1, "retargeted": 1, "withdrawn": 1}


def test_scores_stand_side_by_side(told: Told) -> None:
    scores = told.drift()["objectives"][0]["key_results"][0]["scores"]
    assert scores["said"] == "0.7"
    assert [(row["line"], row["score"]) for row in scores["lines"]] == [(1, "0.2"), (2, "0.285714")]
    assert scores["final"]["score"] == "0.285714"
    assert told.drift()["objectives"][0]["scores"]["said"] == "0.7"


def test_drift_from_the_second_line_holds_only_what_came_after_it(told: Told) -> None:
    found = told.drift(line=2)["objectives"]
    assert [one["kept"] for one in found] == [True]


def test_drift_of_an_unchanged_line_is_empty() -> None:
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()
    company.on("2026-05-04")
    company.do("check_in", objective=objective, key_result=key_result, confidence="0.6", value="20")

    for clock in ("effective", "recorded"):
        found = Told(company).drift(clock=clock)
        assert [(one["kept"], one["facets"]) for one in found["objectives"]] == [(True, [])]
        assert found["objectives"][0]["key_results"][0]["facets"] == []
        assert found["counts"]["kinds"] == {}


def test_an_amended_change_after_the_line_is_still_that_change() -> None:
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()
    on = {"objective": objective, "key_result": key_result}
    position = company.do("change_target", **on, target={"kind": "point", "at": "80"}, reason=SCOPE).position
    amended = {"target": {"kind": "point", "at": "90"}}
    company.do("amend_entry", position=position, body=amended, reason=SCOPE)

    facet = Told(company).drift()["objectives"][0]["key_results"][0]["facets"][0]
    assert (facet["kind"], facet["old"]["at"], facet["new"]["at"]) == ("retargeted", "100", "90")
    assert [change["old"]["at"] for change in facet["changes"]] == ["100", "80"]


def test_history_tells_before_and_after_in_the_order_of_the_clock(told: Told) -> None:
    objective = told.lines[0]["objective"]
    rows = audited.history_rows(told.audit, objective)
    by_effect = complete_history(rows, told.decisions, zone=told.zone, position=told.audit.position)
    by_record = complete_history(
        rows, told.decisions, zone=told.zone, clock="recorded", position=told.audit.position
    )

    def values(history: dict[str, Any]) -> list[tuple[Any, Any, bool]]:
        return [
            (change["before"], change["after"], change["in_force"])
            for entry in history["entries"]
            for change in entry["changes"]
            if change["facet"] == "value"
        ]

    # a value of 15 April (10, amended to 12), recorded on the same day as one of 18 April (20)
    assert values(by_effect) == [(None, "10", False), (None, "12", True), ("12", "20", True)]
    assert values(by_record) == [(None, "10", True), ("10", "20", True), ("20", "20", False)]


def test_findings_are_sentences_with_direction_and_answers(told: Told) -> None:
    found = told.findings()
    late = next(row for row in found["findings"] if row["rule"] == "late_line")
    softened = next(
        row
        for row in found["findings"]
        if row["rule"] == "change_without_decision" and row["standing"] == "explained"
    )

    assert late["sentence"] == "The objective was committed after commit-by, by 10 days."
    assert softened["direction"] == "softer"
    assert softened["changes"] == [
        {
            "facet": "target", "old": {"kind": "point", "at": "100"}, "new": {"kind": "point", "at": "80"},
            "words": "target changed from 100 to 80", "direction": "softer",
        }
    ]  # fmt: skip
    assert softened["ratified_by"][0]["days_later"] == 7
    assert softened["answers"][0]["text"] == "As agreed."
    assert found["counts"]["answered"] == 1
    assert found["counts"]["rules"]["ratified_later"] == 1
    (later,) = (row for row in found["findings"] if row["rule"] == "ratified_later")
    assert later["concerns"] == [
        {
            "position": softened["cause"], "key_result": softened["key_result"],
            "recorded_at": softened["recorded_at"], "words": "target changed from 100 to 80", "days_before": 7,
        }
    ]  # fmt: skip
    assert later["sentence"] == (
        "The decision was recorded 7 days after the change that it ratifies: target changed from 100 to 80 "
        f"(entry {softened['cause']})."
    )
