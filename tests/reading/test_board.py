"""The board: what a leader sees on a Tuesday morning, and why."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.reading.scores import objective_score, said_score
from aggregates.reading.status import GLYPHS
from api.cli.show.board import unjudged
from tests.reading.facts import board, fact, key_result, objective, policy, valued

NO_PATH = {"kind": "increase", "indicator": "lagging", "path": "none"}
HALFWAY = "2026-05-16"  # 45 of 90 days


def one(board: dict) -> dict:
    return board["objectives"][0]


def test_a_key_result_on_a_path_is_compared_with_its_day() -> None:
    found = one(board(objective(key_result(value=valued("40", "2026-05-14"))), day=HALFWAY))["key_results"][0]

    assert found["progress"] == "0.4"
    assert found["pace"] == {"expected": "0.5", "difference": "-0.1"}
    status = found["status"]
    assert (status["word"], status["glyph"], status["silent"]) == ("behind", "▲", False)
    assert status["explain"] == {
        "rule": "bands:viva",
        "sentence": "Progress is compared with what was expected on that day: under viva, any less is behind.",
        "inputs": {"progress": "0.4", "expected": "0.5"},
        "policy_version": 1,
    }


def test_what_the_owner_says_stands_beside_what_is_computed() -> None:
    said = fact("on_track", 21, "2026-05-14T08:00:00.000000Z")
    found = board(objective(key_result(value=valued("10", "2026-05-14"), said=said)), day=HALFWAY)

    status = one(found)["status"]
    assert (status["word"], status["said"], status["disagrees"]) == ("off_track", "on_track", True)
    assert status["disagreement"] == "says on track, pace says 40 % behind"
    assert found["disagreements"] == 1


def test_no_value_within_the_grace_is_not_started_and_after_it_counts_nothing_and_is_silent() -> None:
    committed = objective(key_result())

    early = one(board(committed, day="2026-04-12"))
    late = one(board(committed, day="2026-04-13"))

    assert (early["status"]["word"], early["status"]["silent"], early["progress"]) == (
        "not_started",
        False,
        None,
    )
    assert early["status"]["explain"]["rule"] == "within_grace"
    assert (late["status"]["word"], late["status"]["silent"], late["progress"]) == ("behind", True, "0")
    assert late["silent_days"] == 11


def test_a_silent_item_never_counts_as_green() -> None:
    found = board(objective(key_result(value=valued("90", "2026-05-01"))), day=HALFWAY)

    assert one(found)["status"]["word"] == "on_track"
    assert one(found)["status"]["counts_as"] == "silent"
    assert found["counts"]["on_track"] == 0
    assert found["counts"]["silent"] == found["silent"] == 1


def test_silence_is_counted_in_days_of_the_organisations_zone() -> None:
    # given a check-in at half past midnight of 5 May in Berlin, which is 4 May in UTC
    check_in = fact({}, 20, "2026-05-04T22:30:00.000000Z")
    committed = objective(key_result(check_in=check_in, value=valued("1", "2026-04-03")))

    # then ten days later nobody is silent, and on the eleventh they are
    assert not one(board(committed, day="2026-05-15"))["status"]["silent"]
    assert one(board(committed, day="2026-05-16"))["status"]["silent"]


def test_without_a_path_confidence_speaks_until_the_target_changes() -> None:
    sure = fact("0.7", 20, "2026-05-14T08:00:00.000000Z")
    value = valued("10", "2026-05-14")
    now = one(board(objective(key_result(measure=NO_PATH, value=value, confidence=sure)), day=HALFWAY))
    later = fact({"kind": "point", "at": "200"}, 30, "2026-05-15T08:00:00.000000Z")
    moved = key_result(measure=NO_PATH, value=value, confidence=sure, target=later)
    then = one(board(objective(moved), day=HALFWAY))

    assert now["key_results"][0]["status"]["word"] == "on_track"
    assert now["key_results"][0]["status"]["explain"]["rule"] == "confidence"
    assert now["key_results"][0]["pace"] is None
    assert then["key_results"][0]["confidence"]["stale"]
    assert then["key_results"][0]["status"]["word"] == "not_started"
    explain = then["key_results"][0]["status"]["explain"]
    assert "The confidence was said before the target changed" in explain["sentence"]
    assert explain["inputs"] == {"progress": "0.05"}


def test_a_value_without_path_and_confidence_reads_not_started_and_says_why() -> None:
    """Given a value and nothing that says how far it should be, then the words are those of its owner's next step."""
    found = board(objective(key_result(measure=NO_PATH, value=valued("10", "2026-05-14"))), day=HALFWAY)
    for row in (one(found), one(found)["key_results"][0]):
        assert (row["status"]["word"], row["status"]["explain"]["rule"]) == ("not_started", "nothing_speaks")
        assert "no path was declared" in row["status"]["explain"]["sentence"]
        assert "gives it a status" in row["status"]["explain"]["sentence"]
    sentence = one(found)["key_results"][0]["status"]["explain"]["sentence"]
    assert sentence == (
        "It has a value that does not meet the target, and no path was declared that would say how far it should be "
        "by now. Nobody said a confidence in its target either; a check-in with one gives it a status."
    )
    assert unjudged(found) == [f"  ◌ KR-1: {sentence}"]
    assert unjudged(board(objective(key_result(measure=NO_PATH)), day=HALFWAY)) == []


def test_an_objective_with_paths_in_part_compares_that_part_and_says_so() -> None:
    recent = "2026-05-14"
    parts = (
        key_result(1, value=valued("50", recent)),
        key_result(2, measure=NO_PATH, value=valued("0", recent)),
    )
    found = one(board(objective(*parts), day=HALFWAY))

    assert found["progress"] == "0.25"
    assert found["status"]["word"] == "on_track"
    assert found["pace"]["compares"] == "1 of 2 key results: those with a path and a figure"
    assert found["status"]["explain"]["inputs"]["compares"] == found["pace"]["compares"]


def test_a_measure_that_is_not_computed_yet_says_so_and_is_left_out() -> None:
    done = key_result(
        2, measure={"kind": "yes_no", "path": "none"}, target={"kind": "done"}, baseline=None,
        value=valued(True, "2026-05-14"),
    )  # fmt: skip
    found = one(board(objective(key_result(1, value=valued("50", "2026-05-14")), done), day=HALFWAY))

    assert found["key_results"][1]["progress"] is None
    assert found["key_results"][1]["progress_mark"] == "not computed yet"
    assert found["progress"] == "0.5"
    assert found["counted"] == {"key_results": 1, "of": 2}


def test_a_target_that_is_met_is_achieved() -> None:
    found = board(objective(key_result(value=valued("100", "2026-05-14"))), day=HALFWAY)
    assert one(found)["status"]["word"] == "achieved"


@pytest.mark.parametrize(
    ("word", "status"),
    [("draft", "draft"), ("withdrawn", "withdrawn"), ("replaced", "withdrawn"), ("carried", "carried"),
     ("closed", "closed")],
)  # fmt: skip
def test_what_is_not_running_has_the_word_of_its_standing_and_is_never_silent(word: str, status: str) -> None:
    found = one(board(objective(key_result(), standing={"word": word}), day="2026-06-29"))
    assert (found["status"]["word"], found["status"]["silent"]) == (status, False)
    if word != "draft":
        assert (found["pace"], found["silent_days"], found["silent_key_results"]) == (None, None, 0)


def test_what_was_recorded_in_error_is_listed_apart() -> None:
    found = board(objective(key_result(), standing={"word": "recorded_in_error"}), day=HALFWAY)
    assert found["objectives"] == []
    assert found["recorded_in_error"][0]["reference"] == "OBJ-1"


def test_owners_who_left_keep_what_they_own() -> None:
    left = {"presence": fact({"word": "left"}, 15, "2026-05-01T08:00:00.000000Z")}
    found = board(objective(key_result(), owner="ben"), day=HALFWAY, ben=left)
    assert found["owners_who_left"] == [{"id": "ben", "owns": ["OBJ-1"]}]


def test_children_are_pooled_where_the_policy_says_so() -> None:
    recent = "2026-05-14"
    parent = objective(
        key_result(1, value=valued("27", recent)), key_result(2, value=valued("18", recent)), number=1
    )
    child = objective(key_result(3, value=valued("73", recent)), number=2, alignment={"parent": "obj-1"})
    found = board(parent, child, day=HALFWAY, policy=policy(roll_up="pooled"))
    assert found["objectives"][0]["progress"] == "0.393333"
    assert found["objectives"][0]["pace"]["compares"] is None
    empty = objective(key_result(3), number=2, alignment={"parent": "obj-1"})
    alone = board(parent, empty, day="2026-04-05", policy=policy(roll_up="pooled"))["objectives"][0]
    assert (alone["progress"], alone["pace"]["compares"]) == (
        "0.225",
        "2 of 3 key results: those with a path and a figure",
    )


def test_the_weight_and_the_ambition_of_key_results_make_the_score_of_their_objective() -> None:
    """Given a weighted mean of 0.7, then it is green only where all of it was aspirational; what has no value counts
    as the policy says, what is not computed yet is left out, and both are said."""

    def scored(*parts: tuple[dict, str | None], **rules: Any) -> dict:
        return objective_score([(one["facets"], value) for one, value in parts], policy(**rules))

    high, low = key_result(1, weight="3", ambition="aspirational"), key_result(2, ambition="aspirational")
    found = scored((high, "90"), (low, "10"))
    assert found == {"score": "0.7", "band": "green", "counted": 2, "of": 2, "mark": None}
    assert scored((high, "90"), (key_result(2), "10"))["band"] == "yellow"
    to_come = key_result(
        3, measure={"kind": "yes_no"}, target={"kind": "done"}, baseline=None, ambition="aspirational"
    )
    assert scored((high, "80"), (low, None), (to_come, None)) == {
        "score": "0.6", "band": "yellow", "counted": 2, "of": 3, "mark": "1 without a value; 1 not computed yet",
    }  # fmt: skip
    assert scored((high, "80"), (low, None), no_value_counts=Decimal("0.4"))["score"] == "0.7"
    assert scored((high, None), (low, None))["score"] is None
    assert said_score([fact_of(high, "0.8"), fact_of(low, "0.4"), low["facets"]]) == "0.7"
    assert said_score([low["facets"]]) is None


def fact_of(one: dict, score: str) -> dict:
    return one["facets"] | {"score": fact(score)}


def test_the_confidence_at_kick_off_speaks_until_somebody_else_or_the_target_does() -> None:
    line = fact({"line": 1, "policy": 1, "confidence": "0.5"}, 12)
    first, second = (key_result(n, measure=NO_PATH, value=valued("10", "2026-05-14")) for n in (1, 2))
    found = one(board(objective(first, second, line=line), day=HALFWAY))
    assert found["confidence"] == {"value": "0.5", "band": "medium", "from": "kick-off"}
    assert (found["status"]["word"], found["status"]["explain"]["rule"]) == ("behind", "confidence")

    sure = key_result(2, measure=NO_PATH, value=valued("10", "2026-05-14"), confidence=fact("0.8", 20))
    found = one(board(objective(first, sure, line=line), day=HALFWAY))
    assert found["confidence"] == {"value": "0.8", "band": "high", "from": "1 of 2 key results"}

    moved = key_result(2, measure=NO_PATH, target=fact({"kind": "point", "at": "50"}, 30))
    assert one(board(objective(first, moved, line=line), day=HALFWAY))["confidence"] is None


@pytest.mark.parametrize(
    ("said", "band"), [("0.399999", "low"), ("0.4", "medium"), ("0.699999", "medium"), ("0.7", "high")]
)
def test_bands_of_confidence_are_half_open(said: str, band: str) -> None:
    inner = key_result(measure=NO_PATH, value=valued("10", "2026-05-14"), confidence=fact(said, 20))
    found = one(board(objective(inner), day=HALFWAY))["key_results"][0]["confidence"]
    assert (found["band"], found["stale"]) == (band, False)


def test_the_weakest_word_that_an_owner_said_stands_for_the_objective() -> None:
    said = [key_result(n, said=fact(word, 20)) for n, word in ((1, "achieved"), (2, "behind"), (3, None))]
    assert one(board(objective(*said), day="2026-04-05"))["status"]["said"] == "behind"


def test_an_objective_is_silent_as_long_as_its_most_silent_key_result() -> None:
    parts = (key_result(1, value=valued("90", "2026-05-15")), key_result(2, value=valued("90", "2026-05-01")))
    found = one(board(objective(*parts), day=HALFWAY))
    assert (found["silent_days"], found["silent_key_results"], found["status"]["silent"]) == (15, 1, True)
    assert found["status"]["explain"]["inputs"]["silent_days"] == 15
    assert [row["status"]["silent"] for row in found["key_results"]] == [False, True]


def test_what_is_left_out_of_the_figure_is_counted_by_its_reason() -> None:
    done = {"measure": {"kind": "yes_no"}, "target": {"kind": "done"}, "baseline": None}
    parts = (key_result(1, value=valued("50", "2026-05-14")), key_result(2, **done), key_result(3, **done))
    found = one(board(objective(*parts), day=HALFWAY))
    assert found["progress_mark"] == "2 of 3 key results: not computed yet"
    assert one(board(objective(parts[0]), day=HALFWAY))["progress_mark"] is None


def test_a_key_result_recorded_in_error_counts_nowhere_and_is_listed() -> None:
    slip = key_result(2, standing=fact({"word": "recorded_in_error"}, 40))
    found = one(board(objective(key_result(1, value=valued("50", "2026-05-14")), slip), day=HALFWAY))
    assert [row["reference"] for row in found["key_results"]] == ["KR-1"]
    assert found["recorded_in_error"] == [
        {"id": "kr-2", "reference": "KR-2", "title": "Key result 2", "position": 40}
    ]
    assert found["counted"] == {"key_results": 1, "of": 1}


def test_a_dropped_key_result_is_shown_and_counts_nowhere() -> None:
    dropped = key_result(2, standing=fact({"word": "dropped"}, 40), value=valued("0", "2026-04-03"))
    found = one(board(objective(key_result(1, value=valued("50", "2026-05-14")), dropped), day=HALFWAY))
    assert [row["standing"] for row in found["key_results"]] == ["active", "dropped"]
    assert (found["progress"], found["key_results"][1]["silent_days"]) == ("0.5", None)
    only = one(board(objective(dropped), day=HALFWAY))
    assert (only["status"]["word"], only["status"]["explain"]["rule"]) == ("not_started", "no_key_result")


def test_key_results_with_ends_of_their_own_are_expected_by_their_own_lines() -> None:
    parts = (
        key_result(1, value=valued("50", "2026-05-14")),
        key_result(2, value=valued("50", "2026-05-14"), ends_on="2026-05-16"),
    )
    found = one(board(objective(*parts), day=HALFWAY))
    assert [row["pace"]["expected"] for row in found["key_results"]] == ["0.5", "1"]
    assert found["pace"] == {"expected": "0.75", "difference": "-0.25", "compares": None}


def test_days_across_the_change_of_the_clock_are_whole_days() -> None:
    # 29 March 2026 has 23 hours in Berlin; a cycle over it
    check_in = fact({}, 20, "2026-03-28T23:30:00.000000Z")  # 29 March, 00:30
    states_day = one(board(objective(key_result(check_in=check_in)), day="2026-04-01"))
    assert states_day["silent_days"] == 0


numbers = st.integers(-200, 300).map(str)
days = st.integers(-5, 100).map(lambda n: (date(2026, 4, 1) + timedelta(days=n)).isoformat())


@settings(deadline=None)
@given(
    kind=st.sampled_from(["increase", "decrease", "at_or_above", "at_or_below", "yes_no"]),
    path=st.sampled_from(["straight", "none"]),
    value=st.none() | numbers,
    said=st.none() | st.sampled_from(["on_track", "behind", "off_track", "achieved"]),
    confidence=st.none() | st.sampled_from(["0", "0.3", "0.4", "0.7", "1"]),
    standing=st.sampled_from(["draft", "committed", "committed", "withdrawn", "carried", "closed"]),
    bands=st.sampled_from(["viva", "engagedly", "upraise", "mooncamp", "planview"]),
    roll=st.sampled_from(["mean", "pooled", "weakest"]),
    on=days,
    day=days,
)
def test_every_status_is_told_and_silence_is_never_green(
    kind, path, value, said, confidence, standing, bands, roll, on, day
) -> None:
    inner = key_result(
        measure={"kind": kind, "path": path},
        value=valued(value, on) if value is not None else None,
        said=said,
        confidence=confidence,
        baseline="-500" if kind != "decrease" else "500",
    )
    line = None if standing == "draft" else fact({"line": 1, "policy": 1})
    found = board(
        objective(inner, standing={"word": standing}, line=line),
        day=day,
        policy=policy(bands=bands, roll_up=roll),
    )
    for row in (one(found), one(found)["key_results"][0]):
        status = row["status"]
        assert status["word"] in GLYPHS
        assert status["explain"]["sentence"].endswith(".")
        assert not (status["silent"] and status["counts_as"] in ("on_track", "achieved"))
    assert sum(found["counts"].values()) == 1
    assert sum(found["key_results"]["counts"].values()) == 1
