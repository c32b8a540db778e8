"""The published formulas, at their published examples and at their exact edges."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.policy import DEFAULT_POLICY, Policy
from aggregates.reading.direction import direction_of
from aggregates.reading.expected import ordinal, straight_line
from aggregates.reading.figures import millionths, percent_text, ratio_text
from aggregates.reading.progress import BASELINE_IS_TARGET, NO_VALUE, NOT_COMPUTED, progress_of
from aggregates.reading.rollup import roll_up
from aggregates.reading.scores import score_band
from aggregates.reading.status import band_of, pace_words
from tests.reading.facts import policy

PERCENT = 1_000_000


def rolled(parts: list, rules: Policy) -> tuple[int, int]:
    found = roll_up(parts, rules)
    assert found is not None
    return found


def progress(kind: str, baseline: str | None, target: str, value: str | None, **rules: bool) -> tuple:
    found, met, mark = progress_of(
        {"kind": kind}, baseline, {"kind": "point", "at": target}, value, policy(**rules)
    )
    return (None if found is None else Fraction(*found)), met, mark


@pytest.mark.parametrize(
    ("kind", "baseline", "target", "value", "expected"),
    [
        ("decrease", "100", "60", "50", Fraction(125, 100)),  # Quantive: 100 to 60, reached 50, is 125 %
        ("increase", "0", "76000", "12905", Fraction(12905, 76000)),
        ("increase", "94.93", "96", "94.7", Fraction(-23, 107)),  # regressed, not clamped
        ("increase", "10", "20", "10", Fraction(0)),
        ("at_or_above", None, "99.9", "99.9", Fraction(1)),
        ("at_or_below", None, "5", "5.000001", Fraction(0)),
        ("at_or_below", None, "5", "4", Fraction(1)),
        ("decrease", "100", "60", "110", Fraction(-1, 4)),
    ],
)
def test_progress(kind: str, baseline: str | None, target: str, value: str, expected: Fraction) -> None:
    assert progress(kind, baseline, target, value)[0] == expected


def test_a_keep_measure_that_equals_its_target_follows_the_policy() -> None:
    assert progress("at_or_above", None, "5", "5") == (1, True, None)
    assert progress("at_or_above", None, "5", "5", equal_counts_as_met=False) == (0, False, None)
    assert progress("at_or_below", None, "5", "5", equal_counts_as_met=False) == (0, False, None)
    assert progress("at_or_below", None, "5", "5") == (1, True, None)


def test_baseline_equal_to_target_counts_nothing_and_says_so() -> None:
    assert progress("increase", "5", "5", "9") == (0, False, BASELINE_IS_TARGET)


def test_no_value_and_kinds_to_come_are_never_zero() -> None:
    assert progress("increase", "0", "5", None) == (None, False, NO_VALUE)
    assert progress("increase", None, "5", "3") == (None, False, NOT_COMPUTED)
    for kind, value in (("band", "3"), ("yes_no", True), ("milestones", ["one"]), ("phased", "3")):
        assert progress_of({"kind": kind}, "0", {"kind": "any"}, value, DEFAULT_POLICY) == (
            None,
            False,
            NOT_COMPUTED,
        )


def test_the_agency_goals_are_reproduced(data_of_the_project: Path) -> None:
    """Public data of two fiscal quarters: progress_pct of every increase and decrease that can be computed."""
    computed = 0
    for line in (data_of_the_project / "us-agency-goals-fy22-q1-q2.jsonl").read_text().splitlines():
        row = json.loads(line)
        kind = {"Measurable increase": "increase", "Measurable decrease": "decrease"}.get(
            row["indicator_type"]
        )
        start, target, value, published = (
            _number(row[name]) for name in ("value_start", "value_target", "value_current", "progress_pct")
        )
        if (
            kind is None
            or start is None
            or target is None
            or value is None
            or published is None
            or start == target
        ):
            continue
        found = progress(kind, f"{start:f}", f"{target:f}", f"{value:f}")[0]
        assert abs(found - Fraction(published)) < Fraction(1, 10**6), row
        computed += 1
    assert computed == 164


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@pytest.mark.parametrize(
    ("bands", "actual", "expected", "word"),
    [
        ("viva", (1, 2), (3, 4), "behind"),  # 0.25 behind, to the point
        ("viva", (499_999, PERCENT), (3, 4), "off_track"),
        ("viva", (3, 4), (3, 4), "on_track"),
        ("viva", (749_999_999, 1_000_000_000), (3, 4), "behind"),  # rounds to 75 %, and is not
        (
            "viva",
            (56, 100),
            (82, 100),
            "off_track",
        ),  # Viva's own example calls 26 points behind; its rule does not
        ("engagedly", (335, 1000), (1, 2), "behind"),  # 16.5 points
        ("engagedly", (335_001, PERCENT), (1, 2), "on_track"),
        ("engagedly", (17, 100), (1, 2), "behind"),  # 33 points
        ("engagedly", (169_999, PERCENT), (1, 2), "off_track"),
        ("upraise", (95, 200), (1, 2), "on_track"),
        ("upraise", (474_999, PERCENT), (1, 2), "behind"),
        ("upraise", (375, 1000), (1, 2), "behind"),
        ("upraise", (374_999, PERCENT), (1, 2), "off_track"),
        ("mooncamp", (35, 100), (1, 2), "behind"),
        ("mooncamp", (349_999, PERCENT), (1, 2), "off_track"),
        ("mooncamp", (45, 100), (1, 2), "on_track"),
        ("mooncamp", (449_999, PERCENT), (1, 2), "behind"),
        ("planview", (45, 100), (1, 2), "on_track"),
        ("planview", (449_999, PERCENT), (1, 2), "behind"),
        ("planview", (0, 1), (1, 1), "behind"),
        ("upraise", (0, 1), (0, 1), "on_track"),  # nothing is expected on the first day
        ("mooncamp", (-1, 10), (0, 1), "off_track"),
    ],
)
def test_bands_at_their_exact_edges(bands: str, actual: tuple, expected: tuple, word: str) -> None:
    assert band_of(bands, actual, expected) == word


def test_expected_progress_is_days_elapsed_of_total_days() -> None:
    first, last = ordinal("2026-04-01"), ordinal("2026-06-30")
    assert straight_line(first, last, first)[0] == 0
    assert straight_line(first, last, first - 1) == (0, 1)
    assert straight_line(first, last, first + 45) == (45, 90)
    assert straight_line(first, last, last) == (1, 1)
    assert straight_line(first, last, last + 1) == (1, 1)
    assert straight_line(first, first, first) == (1, 1), "a one-day cycle is 1"


def test_roll_up() -> None:
    # Quantive: (27 + 18 + 73) / 3 = 39 when rounded to whole percents
    parts = [((27, 100), PERCENT), ((18, 100), PERCENT), ((73, 100), PERCENT)]
    assert Fraction(*rolled(parts, policy(roll_up="pooled"))) == Fraction(118, 300)
    assert percent_text(rolled(parts, policy(roll_up="pooled"))) == "39.3 %"
    # oslokommune: Σp·w / Σw
    weighted = [((1, 2), 3 * PERCENT), ((1, 1), PERCENT)]
    assert Fraction(*rolled(weighted, DEFAULT_POLICY)) == Fraction(5, 8)
    # Perdoo: weakest wins, negatives count 0
    assert roll_up([((-1, 2), PERCENT), ((1, 2), PERCENT)], policy(roll_up="weakest")) == (0, 1)
    assert roll_up([((3, 2), PERCENT)], policy(clamp_for_roll_up=True)) == (1, 1)
    assert roll_up([], DEFAULT_POLICY) is None


ratios = st.tuples(st.integers(-(10**9), 10**9), st.integers(1, 10**9))


@settings(deadline=None)
@given(st.lists(st.tuples(ratios, st.integers(1, 10**9)), min_size=1, max_size=12))
def test_a_mean_lies_between_its_parts_and_within_0_and_1_where_clamped(parts: list) -> None:
    mean = Fraction(*rolled(parts, DEFAULT_POLICY))
    assert (
        min(Fraction(*figure) for figure, _ in parts) <= mean <= max(Fraction(*figure) for figure, _ in parts)
    )
    assert 0 <= Fraction(*rolled(parts, policy(clamp_for_roll_up=True))) <= 1


@settings(deadline=None)
@given(st.decimals(-(10**14), 10**14, places=6))
def test_stored_numbers_are_read_exactly(number: Decimal) -> None:
    assert Fraction(millionths(f"{number:f}"), 10**6) == Fraction(number)


@settings(deadline=None)
@given(ratios)
def test_a_ratio_is_rounded_once_and_half_to_even(value: tuple[int, int]) -> None:
    assert Fraction(ratio_text(value)) == round(Fraction(*value), 6)


def test_paces_are_said_in_words() -> None:
    assert pace_words("-0.4") == "40 % behind"
    assert pace_words("0.134167") == "13.4 % ahead"
    assert pace_words("0") == "on pace"


@pytest.mark.parametrize(
    ("score", "ambition", "band"),
    [
        ((7, 10), "aspirational", "green"),
        ((699_999, PERCENT), "aspirational", "yellow"),
        ((4, 10), "aspirational", "yellow"),
        ((399_999, PERCENT), "aspirational", "red"),
        ((1, 1), "committed", "green"),
        ((7, 10), "committed", "yellow"),
        ((65, 100), "committed", "red"),
    ],
)
def test_score_bands_are_half_open_and_follow_the_ambition(score: tuple, ambition: str, band: str) -> None:
    assert score_band(score, ambition, DEFAULT_POLICY) == band


def _point(at: str) -> dict:
    return {"kind": "point", "at": at}


def _stages(**weights: str) -> dict:
    return {
        "kind": "stages",
        "stages": [{"name": name, "weight": weight} for name, weight in weights.items()],
    }


def _steps(*steps: tuple[str, str]) -> dict:
    return {"kind": "steps", "steps": [{"on": on, "at": at} for on, at in steps]}


def _band(low: str, high: str) -> dict:
    return {"kind": "band", "low": low, "high": high}


@pytest.mark.parametrize(
    ("facet", "kind", "old", "new", "direction"),
    [
        ("target", "increase", _point("100"), _point("80"), "softer"),
        ("target", "increase", _point("80"), _point("100"), "harder"),
        ("target", "decrease", _point("20"), _point("30"), "softer"),
        ("target", "at_or_above", _point("99"), _point("95"), "softer"),
        ("target", "at_or_below", _point("5"), _point("4"), "harder"),
        ("target", "band", _band("2", "4"), _band("1", "5"), "softer"),
        ("target", "band", _band("1", "5"), _band("2", "5"), "harder"),
        ("target", "band", _band("1", "5"), _band("2", "6"), "neutral"),
        ("target", "milestones", _stages(a="0.5", b="0.5"), _stages(a="0.5"), "harder"),
        ("target", "milestones", _stages(a="0.2", b="0.2"), _stages(a="0.5", b="0.2"), "softer"),
        ("target", "milestones", _stages(a="0.5", b="0.5"), _stages(a="0.6", b="0.4"), "neutral"),
        ("target", "phased", _steps(("2026-05-01", "50")), _steps(("2026-06-01", "50")), "softer"),
        ("target", "phased", _steps(("2026-05-01", "50")), _steps(("2026-05-01", "60")), "harder"),
        ("target", "increase", _point("100"), _band("1", "2"), "neutral"),
        ("baseline", "increase", "10", "0", "softer"),
        ("baseline", "increase", "0", "10", "harder"),
        ("baseline", "decrease", "100", "120", "softer"),
        ("ends_on", "increase", None, "2026-07-31", "softer"),
        ("ends_on", "increase", "2026-05-31", "2026-04-30", "harder"),
        ("ends_on", "increase", None, "2026-06-30", "neutral"),
        ("ambition", "increase", "committed", "aspirational", "softer"),
        ("ambition", "increase", "aspirational", "committed", "harder"),
        ("standing", "increase", {"word": "active"}, {"word": "dropped"}, "softer"),
        ("standing", "increase", {"word": "committed"}, {"word": "withdrawn"}, "softer"),
        ("standing", "increase", {"word": "committed"}, {"word": "replaced"}, "neutral"),
        ("standing", "increase", None, {"word": "active"}, "neutral"),
        ("wording", "increase", {"title": "a"}, {"title": "b"}, "neutral"),
        ("owner", "increase", "ada", "ben", "neutral"),
        ("team", "increase", None, "growth", "neutral"),
        ("alignment", "increase", {"local": "x"}, {"parent": "y"}, "neutral"),
        ("weight", "increase", "1", "2", "neutral"),
        ("cycle", "increase", "2026-q2", "2026-q3", "softer"),
    ],
)
def test_direction(facet: str, kind: str, old, new, direction: str) -> None:
    definition = {"measure": {"kind": kind}, "baseline": "0"}
    ends = {"2026-q2": "2026-06-30", "2026-q3": "2026-09-30"}
    found = direction_of(facet, old, new, definition=definition, cycle_ends_on="2026-06-30", cycle_ends=ends)
    assert found == direction
