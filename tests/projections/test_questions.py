"""What each question answers after the story, on both clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from projections import base, board, commitments, decisions, drift, findings, history
from replay.engine import Engine, Reading
from tests.projections.paper import ZONE
from tests.projections.story import Story


@pytest.fixture
def told(story: Story, engine_on: Callable[..., Engine]) -> Iterator[Reading]:
    with engine_on(story.entries).reading() as reading:
        yield reading


def key_result_in(states: dict[str, Any] | None, key_result: Any) -> dict[str, Any]:
    assert states is not None
    return next(
        found["facets"]
        for objective in states["objectives"]
        for found in objective["key_results"]
        if found["id"] == str(key_result)
    )


def at(reading: Reading, position: int, cycle: str = "2026-q2") -> dict[str, Any] | None:
    return board.states_at_position(reading.connection, reading.generation, cycle, position)


def on(reading: Reading, position: int, day: date, cycle: str = "2026-q2") -> dict[str, Any] | None:
    return board.states_at(reading.connection, reading.generation, cycle, position, day, ZONE)


def test_the_board_lists_what_belongs_to_the_cycle_then(story: Story, told: Reading) -> None:
    before = at(told, story.named["moved_cycle"] - 1)
    after = at(told, told.position)
    assert before is not None
    assert after is not None
    assert [row["reference"] for row in before["objectives"]] == ["OBJ-1", "OBJ-2", "OBJ-3"]
    assert [row["reference"] for row in after["objectives"]] == ["OBJ-1", "OBJ-2"]
    assert after["cycle"]["standing"] == "closed"
    assert after["cycle"]["commit_by"] == "2026-04-10"
    assert after["cycle"]["commit_by_now"] == "2026-04-20"
    assert at(told, 3) is None


def test_a_back_dated_value_shows_from_its_day_on_and_only_once_it_was_told(
    story: Story, told: Reading
) -> None:
    share, position = story.items["share"], story.named["back_dated"]
    the_day = date(2026, 4, 22)
    assert key_result_in(on(told, position - 1, the_day), share)["value"]["value"] == "5"
    value = key_result_in(on(told, position, the_day), share)["value"]
    assert value == {"value": "7", "effective_at": "2026-04-20", "position": position}
    assert key_result_in(at(told, position), share)["value"]["value"] == "25"


def test_an_amendment_wins_from_its_position_on_and_not_before(story: Story, told: Reading) -> None:
    slow_kr = story.items["slow_kr"]
    assert key_result_in(at(told, story.named["amended"] - 1), slow_kr)["value"]["value"] == "25"
    amended = key_result_in(at(told, story.named["amended"]), slow_kr)["value"]
    assert (amended["value"], amended["position"]) == ("22", story.named["amended"])
    assert amended["effective_at"] == "2026-05-01"


def test_a_retraction_brings_the_runner_up_back(story: Story, told: Reading) -> None:
    share, position = story.items["share"], story.named["retracted"]
    assert key_result_in(at(told, position - 1), share)["target"]["value"]["at"] == "60"
    assert key_result_in(at(told, position), share)["target"]["value"]["at"] == "100"


def test_nothing_recorded_later_moves_a_line(story: Story, told: Reading) -> None:
    drawn = story.named["late_line"]
    then = commitments.commitments(told.connection, told.generation, drawn)
    now = commitments.commitments(told.connection, told.generation, told.position)
    assert [row for row in now if row["position"] <= drawn] == then
    lines = {(row["objective"], row["line"], row["key_result"]) for row in now}
    assert (str(story.items["late"]), 2, None) in lines
    assert (str(story.items["renew"]), 1, str(story.items["added"])) in lines


def test_a_line_is_on_time_or_late_and_has_a_grade(story: Story, told: Reading) -> None:
    rows = commitments.commitments(told.connection, told.generation, told.position)
    by = {(row["objective"], row["line"]): row for row in rows if row["key_result"] is None}
    renew, slow = by[str(story.items["renew"]), 1], by[str(story.items["slow"]), 1]
    assert (renew["late_by_days"], renew["grade"]) == (0, "witnessed")
    assert (slow["late_by_days"], slow["grade"]) == (2, "witnessed")
    imported = by[str(story.items["imported"]), 1]
    assert (imported["grade"], imported["late_by_days"], imported["no_record_at_start"]) == (
        "reconstructed",
        4,
        True,
    )
    assert renew["state"]["facets"]["line"]["value"]["confidence"] == "0.7"
    assert renew["state"]["key_results"][0]["facets"]["target"]["value"]["at"] == "100"


def test_drift_names_each_facet_and_forgets_what_was_taken_back(story: Story, told: Reading) -> None:
    renew = str(story.items["renew"])
    rows = drift.changes(told.connection, told.generation, told.position, objectives=[renew])
    assert [(row["facet"], row["name"]) for row in rows] == [
        ("target", "entry.retracted"),
        ("standing", "key_result.added"),
        ("standing", "key_result.dropped"),
    ]
    assert rows[0]["value"]["at"] == "100"
    then = drift.changes(told.connection, told.generation, story.named["softer"], objectives=[renew])
    assert [(row["facet"], row["value"]["at"], row["reason"]["kind"]) for row in then] == [
        ("target", "60", "recalibration")
    ]
    everything = drift.changes(
        told.connection, told.generation, told.position, objectives=[renew], superseded=True
    )
    taken = next(row for row in everything if row["position"] == story.named["softer"])
    assert taken["superseded_at"] == story.named["retracted"]


def test_drift_of_the_source_stands_at_the_source_s_time(story: Story, told: Reading) -> None:
    imported = [str(story.items["imported"])]
    until = base.until(date(2025, 10, 31), ZONE)
    assert drift.changes(told.connection, told.generation, told.position, until, objectives=imported) == []
    rows = drift.changes(told.connection, told.generation, told.position, objectives=imported)
    assert [(row["effective_at"][:10], row["source"]["version"]) for row in rows] == [
        ("2025-11-01", "abc123")
    ]


def test_history_says_who_set_what_and_what_was_superseded(story: Story, told: Reading) -> None:
    rows = history.history(told.connection, told.generation, told.position, key_result=story.items["slow_kr"])
    by = {row["position"]: row for row in rows}
    first, amended = by[story.named["value"]], by[story.named["amended"]]
    assert first["superseded_at"] == amended["position"]
    assert amended["supersedes"] == first["position"]
    assert amended["sets"] == {"value": "22"}
    assert {row["key_result"] for row in rows} == {str(story.items["slow_kr"])}
    whole = history.history(told.connection, told.generation, told.position, objective=story.items["slow"])
    assert {row["position"] for row in rows} < {row["position"] for row in whole}
    before = history.history(
        told.connection, told.generation, story.named["amended"] - 1, key_result=story.items["slow_kr"]
    )
    assert next(row for row in before if row["position"] == first["position"])["superseded_at"] is None


def test_a_decision_is_own_asserted_or_confirmed(story: Story, told: Reading) -> None:
    def standing(decision: str, position: int) -> str:
        (row,) = decisions.decisions(
            told.connection, told.generation, position, decision=str(story.items[decision])
        )
        return str(row["standing"])

    assert standing("own", told.position) == "asserted"
    assert standing("ratify", story.named["ratification"]) == "asserted"
    assert standing("ratify", told.position) == "confirmed"
    assert standing("replan", told.position) == "own"


def test_a_decision_lists_what_it_touches_and_what_cites_it(story: Story, told: Reading) -> None:
    (row,) = decisions.decisions(
        told.connection, told.generation, told.position, objectives=[str(story.items["late"])]
    )
    assert row["decision"] == str(story.items["replan"])
    assert [link["objective"] for link in row["links"]] == [str(story.items["late"])]
    assert [change["name"] for change in row["changes"]] == [
        "key_result.target_changed",
        "objective.replanned",
    ]


def found(reading: Reading, position: int, **asked: Any) -> list[dict[str, Any]]:
    return findings.findings(reading.connection, reading.generation, position, **asked)


def test_a_change_without_a_decision_is_found_and_never_disappears(story: Story, told: Reading) -> None:
    cause = story.named["softer"]
    (now,) = found(told, told.position, rule="change_without_decision", cause=cause)
    assert now["superseded_at"] == story.named["retracted"]
    assert [answer["answer"] for answer in now["answers"]] == ["explained"]
    assert [one["decision"] for one in now["ratified_by"]] == [str(story.items["ratify"])]
    (then,) = found(told, cause, rule="change_without_decision", cause=cause)
    assert (then["answers"], then["ratified_by"], then["superseded_at"]) == ([], [], None)


def test_a_change_with_a_decision_is_not_found(story: Story, told: Reading) -> None:
    assert found(told, told.position, rule="change_without_decision", cause=story.named["own"]) == []


def test_an_owner_who_decided_the_own_target_is_found(story: Story, told: Reading) -> None:
    rows = found(told, told.position, rule="owner_decided_own_target")
    assert [(row["cause"], row["detail"]["facets"]) for row in rows] == [(story.named["own"], ["target"])]


def test_cycles_and_lines_are_found(story: Story, told: Reading) -> None:
    (late,) = found(told, told.position, rule="late_line", cycle="2026-q2")
    assert (late["cause"], late["detail"]["days"]) == (story.named["late_line"], 2)
    (moved,) = found(told, told.position, rule="commit_by_moved")
    assert (moved["cause"], moved["cycle"]) == (story.named["moved"], "2026-q2")
    (opened,) = found(told, told.position, rule="opened_late")
    assert (opened["cause"], opened["detail"]["days"]) == (story.named["opened_late"], 1)
    (close,) = found(told, told.position, rule="change_after_close")
    assert (close["cause"], close["detail"]["closed"]) == (story.named["after_close"], story.named["closed"])
    (start,) = found(told, told.position, rule="no_record_at_start")
    assert start["cause"] == story.named["imported_line"]


def test_a_ratification_is_listed_beside(story: Story, told: Reading) -> None:
    (row,) = found(told, told.position, rule="ratified_later")
    assert row["cause"] == story.named["ratification"]
    assert row["detail"] == {"ratifies": [story.named["softer"]]}
    assert (row["objective"], row["cycle"]) == (str(story.items["renew"]), "2026-q2")
