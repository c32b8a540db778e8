"""Drift: each facet between a line and the present has its word, its direction and the change behind it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregates.reading.drift import of_key_result
from tests.reading.telling import CYCLE, Told, facets
from tests.rules.company import INCREASE, SCOPE, Company

NEXT = {"2026-q3": "2026-09-30"}
TO_80 = {"kind": "point", "at": "80"}


@pytest.fixture
def company() -> Company:
    """A company whose quarter is open, with the next one planned."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    return company


CHANGES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "reword_objective": ({"title": "Other words"}, "wording", "reworded", "neutral"),
    "reown_objective": ({"owner": "ben"}, "owner", "re-owned", "neutral"),
    "reteam_objective": ({"team": "team"}, "team", "re-teamed", "neutral"),
    "align_objective": ({"parent": "other"}, "alignment", "realigned", "neutral"),
    "move_objective_to_cycle": ({"cycle": "2026-q3"}, "cycle", "re-dated", "softer"),
    "withdraw_objective": ({}, "standing", "withdrawn", "softer"),
    "replace_objective": ({"successor": "other"}, "standing", "replaced", "neutral"),
    "objective_recorded_in_error": ({}, "standing", "corrected", "neutral"),
    "reword_key_result": ({"title": "Other words"}, "wording", "reworded", "neutral"),
    "reown_key_result": ({"owner": "ben"}, "owner", "re-owned", "neutral"),
    "change_target": ({"target": TO_80}, "target", "retargeted", "softer"),
    "correct_baseline": ({"baseline": "10"}, "baseline", "re-baselined", "harder"),
    "change_measure": (INCREASE | {"measure": {"kind": "increase", "unit": "%"}}, "measure", "re-measured", "neutral"),
    "change_weight": ({"weight": "2"}, "weight", "re-weighted", "neutral"),
    "redate_key_result": ({"ends_on": "2026-05-31"}, "ends_on", "re-dated", "harder"),
    "change_ambition": ({"ambition": "aspirational"}, "ambition", "ambition changed", "softer"),
    "drop_key_result": ({}, "standing", "dropped", "softer"),
    "key_result_recorded_in_error": ({}, "standing", "corrected", "neutral"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_after_the_line_is_drift_with_its_word_and_direction(company: Company, name: str) -> None:
    given, facet, kind, direction = CHANGES[name]
    names = {"ben": company.ben, "team": company.team, "other": company.drafted()}
    objective, key_result = company.committed()
    fields = {
        key: names.get(value, value) if isinstance(value, str) else value for key, value in given.items()
    }
    is_inner = "key_result" in name or facet in ("target", "baseline", "measure", "weight", "ambition")
    item = {"objective": objective} | ({"key_result": key_result} if is_inner else {})
    company.on("2026-05-04")
    position = company.do(name, **item, **fields, reason=SCOPE).position

    drift = Told(company).drift(cycle_ends=NEXT)
    (row,) = drift["objectives"]
    (inner,) = row["key_results"]
    assert (row["kept"], inner["kept"]) == (False, not is_inner)
    assert (row if is_inner else inner)["facets"] == []
    (found,) = (one for one in (inner if is_inner else row)["facets"] if one["kind"] != "kept")
    assert (found["facet"], found["kind"], found["direction"]) == (facet, kind, direction)
    (change,) = found["changes"]
    assert (change["position"], change["by"], change["reason"]["text"]) == (
        position, f"person:{company.steward}", SCOPE["text"],
    )  # fmt: skip
    assert (change["decided"]["how"], change["direction"]) == ("none", direction)
    assert found.get("successor") == (str(names["other"]) if kind == "replaced" else None)
    directions = {word: int(word == direction) for word in ("softer", "harder", "neutral")}
    assert drift["counts"] == {"objectives": 1, "kept": 0, **directions, "kinds": {kind: 1}}


def test_what_is_carried_names_its_successor_and_where_it_goes_on(company: Company) -> None:
    objective, _ = company.committed()
    successor = company.ledger.new_id()
    company.do(
        "carry_objective",
        objective=objective,
        into="2026-q3",
        successor=successor,
        reference="OBJ-9",
        reason=SCOPE,
    )
    found = facets(Told(company).drift()["objectives"][0])["carried"]
    assert (found["successor"], found["new"]["into"]) == (str(successor), "2026-q3")
    assert found["direction"] == "softer"


def test_a_change_that_was_taken_to_the_line_and_back_reads_kept(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    company.do("change_weight", **item, weight="3")
    company.do("change_weight", **item, weight="1")
    drift = Told(company).drift()
    (found,) = drift["objectives"][0]["key_results"][0]["facets"]
    assert (found["kind"], len(found["changes"])) == ("kept", 2)
    assert drift["objectives"][0]["kept"]
    assert (drift["counts"]["kept"], drift["counts"]["kinds"]) == (1, {})


def test_what_only_amends_what_the_line_held_reads_corrected(company: Company) -> None:
    """Given a slip from before the line, then its amendment after it is a correction and no retarget; a change that
    comes beside it makes it one."""
    objective = company.drafted()
    key_result = company.key_result(objective)
    item = {"objective": objective, "key_result": key_result}
    slip = company.do("change_target", **item, target={"kind": "point", "at": "1000"}).position
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective)
    corrected = company.do("amend_entry", position=slip, body={"target": TO_80}, reason=SCOPE).position
    (found,) = Told(company).drift()["objectives"][0]["key_results"][0]["facets"]
    assert (found["kind"], found["old"]["at"], found["new"]["at"]) == ("corrected", "1000", "80")
    assert found["changes"][0]["amends"] == slip

    company.do(
        "amend_entry", position=corrected, body={"target": {"kind": "point", "at": "100"}}, reason=SCOPE
    )
    (found,) = Told(company).drift()["objectives"][0]["key_results"][0]["facets"]
    assert [change["superseded_at"] is None for change in found["changes"]] == [False, True]
    assert (found["kind"], found["new"]["at"]) == ("corrected", "100")

    company.do("change_target", **item, target={"kind": "point", "at": "70"}, reason=SCOPE)
    (found,) = Told(company).drift()["objectives"][0]["key_results"][0]["facets"]
    assert (found["kind"], found["new"]["at"]) == ("retargeted", "70")


def test_what_was_dropped_before_the_line_was_never_committed(company: Company) -> None:
    objective = company.drafted()
    dropped, kept = company.key_result(objective), company.key_result(objective)
    company.do("drop_key_result", objective=objective, key_result=dropped)
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective)
    (row,) = Told(company).drift()["objectives"]
    assert [UUID(one["key_result"]) for one in row["key_results"]] == [kept]
    assert row["scores"]["lines"][0]["of"] == 1


def test_what_was_added_late_drifts_from_its_own_line(company: Company) -> None:
    objective, _ = company.committed()
    company.on("2026-05-04")
    late = company.key_result(objective, reason=SCOPE)
    added = company.ledger.position
    item = {"objective": objective, "key_result": late}
    company.do("change_target", **item, target=TO_80, reason=SCOPE)
    company.do("record_value", **item, value="40")
    (row,) = Told(company).drift()["objectives"]
    inner = row["key_results"][1]
    assert (UUID(inner["key_result"]), inner["kept"], row["kept"]) == (late, False, False)
    scope, target = inner["facets"]
    assert (scope["facet"], scope["kind"], scope["direction"]) == ("scope", "added late", "neutral")
    assert [change["position"] for change in scope["changes"]] == [added]
    assert (target["kind"], target["old"]["at"], target["new"]["at"]) == ("retargeted", "100", "80")
    assert [change["position"] > added for change in target["changes"]] == [True]
    assert [(one["line"], one["score"]) for one in inner["scores"]["lines"]] == [(1, "0.4")]
    assert inner["scores"]["final"]["score"] == "0.5"


def test_scores_stand_side_by_side_for_what_counts_at_each_line(company: Company) -> None:
    """Given two key results of which one is dropped, then line 1 counts both and the final targets the other one."""
    objective = company.drafted()
    first, second = company.key_result(objective), company.key_result(objective, weight="3")
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective)
    company.on("2026-05-04")
    for key_result, value in ((first, "80"), (second, "40")):
        company.do("record_value", objective=objective, key_result=key_result, value=value)
    company.do("score_key_result", objective=objective, key_result=first, score="0.7")
    company.do("drop_key_result", objective=objective, key_result=second, reason=SCOPE)
    (row,) = Told(company).drift()["objectives"]
    assert [(one["line"], one["score"], one["band"], one["of"]) for one in row["scores"]["lines"]] == [
        (1, "0.5", "red", 2)
    ]
    assert (row["scores"]["final"]["score"], row["scores"]["final"]["of"]) == ("0.8", 1)
    assert row["scores"]["said"] == "0.7"
    assert [one["scores"]["final"] is None for one in row["key_results"]] == [False, True]

    company.do("close_objective", objective=objective, score="0.6")
    assert Told(company).drift()["objectives"][0]["scores"]["said"] == "0.6"


def test_an_objective_that_moved_on_is_scored_at_its_line_only(company: Company) -> None:
    objective, key_result = company.committed()
    company.do(
        "record_value", objective=objective, key_result=key_result, value="0", measured_on="2026-04-02"
    )
    company.do("move_objective_to_cycle", objective=objective, cycle="2026-q3", reason=SCOPE)
    (row,) = Told(company).drift(cycle_ends=NEXT)["objectives"]
    assert row["title"] == "Title of OBJ-1"
    assert row["scores"]["final"] is None
    (line,) = row["scores"]["lines"]
    assert (line["score"], line["mark"]) == (None, "1 without a value")


def test_the_drift_of_a_key_result_holds_its_own_and_the_fate_of_its_objective(company: Company) -> None:
    objective, key_result = company.committed()
    other = company.key_result(objective, reason=SCOPE)
    change = {"objective": objective, "reason": SCOPE}
    company.do("change_weight", **change, key_result=other, weight="2")
    company.do("reword_objective", **change, title="Other words")
    drift = Told(company).drift()
    own = of_key_result(drift, str(key_result))
    assert [(one["key_result"], one["facets"]) for one in own["objectives"][0]["key_results"]] == [
        (str(key_result), [])
    ]
    assert (own["objectives"][0]["facets"], own["objectives"][0]["kept"]) == ([], True)
    assert own["counts"]["kinds"] == {}
    theirs = of_key_result(drift, str(other))
    assert (theirs["objectives"][0]["kept"], theirs["counts"]["kinds"]) == (
        False,
        {"added late": 1, "re-weighted": 1},
    )

    company.do("withdraw_objective", **change)
    fate = of_key_result(Told(company).drift(), str(key_result))
    assert (fate["objectives"][0]["kept"], fate["counts"]["kinds"]) == (False, {"withdrawn": 1})


def test_what_is_kept_is_taken_only_while_its_state_is_the_same(company: Company) -> None:
    company.committed()
    told = Told(company)
    kept: dict[str, Any] = {}
    before = told.drift(kept=kept)
    assert told.drift(kept=kept)["objectives"][0] is before["objectives"][0]
    told.states = Told(company).states
    assert told.drift(kept=kept)["objectives"][0] is not before["objectives"][0]
