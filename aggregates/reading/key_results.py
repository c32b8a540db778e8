"""The reading of one key result: progress, pace, confidence, silence and status from its facets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from aggregates.reading.expected import ordinal, straight_line
from aggregates.reading.figures import Ratio, millionths, ratio_of, ratio_text
from aggregates.reading.frame import Frame
from aggregates.reading.progress import BASELINE_IS_TARGET, NO_VALUE, NOT_COMPUTED, progress_of
from aggregates.reading.status import (
    Told,
    band_of,
    band_told,
    confidence_band,
    from_confidence,
    pace_of,
    silence_of,
    status_row,
)

Facets = Mapping[str, Mapping[str, Any]]

_DRAFT: Told = ("draft", "not_committed", "The objective is not committed.", {})
_DROPPED: Told = ("withdrawn", "dropped", "The key result was dropped; its record is closed.", {})


class Part(NamedTuple):
    """What an objective needs of one key result: exact figures and what was said."""

    weight: int
    actual: Ratio | None
    expected: Ratio | None
    word: str
    said: str | None
    confidence: Ratio | None
    silent: bool
    silent_days: int | None
    target_position: int
    mark: str | None


def value_of(facets: Facets, name: str) -> Any:
    """Return the value of a facet, or None where it has no fact."""
    fact = facets.get(name)
    return None if fact is None else fact["value"]


def read_key_result(
    state: Mapping[str, Any],
    frame: Frame,
    owner: Mapping[str, Any],
    ended: Told | None,
    committed_on: int | None,
) -> tuple[dict[str, Any], Part | None]:
    """Return a key result ready for JSON, and its part in the objective (None where it takes no part).

    `ended` is the status of an objective that is a draft or over, `committed_on` the ordinal of the day on which it
    was committed: a re-plan is no check-in, so it does not begin the cadence anew.
    Shape: `{id, reference, title, owner, measure, baseline, target, weight, ambition, ends_on, standing,
    value: {value, effective_at, position} | null, progress: "0.5" | null, progress_mark, pace: {expected,
    difference} | null, confidence: {value, band, at, position, stale} | null, last_check_in, silent_days, status,
    score, source}`. `value` is the fact itself; a confidence is stale once the target changed after it.
    """
    facets: Facets = state["facets"]
    get = facets.get
    measure, target = facets["measure"]["value"], facets["target"]
    baseline = get("baseline", _NONE)["value"]
    ends_on = get("ends_on", _NONE)["value"]
    value, check_in, confidence = get("value"), get("check_in"), get("confidence")
    actual, met, mark = progress_of(
        measure, baseline, target["value"], None if value is None else value["value"], frame.policy
    )
    expected = None
    if measure.get("path") == "straight":
        expected = frame.elapsed if ends_on is None else expected_on(frame, ends_on)
    standing = facets["standing"]
    active = standing["value"]["word"] == "active"
    said = get("said", _NONE)["value"]
    pace = days = usable = None
    silent = False
    if confidence is not None:
        confidence, usable = _confidence(confidence, target, frame)
    if not active:
        told = _DROPPED
    elif ended is not None or committed_on is None:
        told = ended or _DRAFT
    else:
        added_on = frame.day_of(standing["effective_at"])
        since = max(committed_on, frame.starts_on, added_on)
        days, silent = silence_of(
            None if check_in is None else check_in["effective_at"],
            None if value is None else value["effective_at"],
            since,
            frame.ends_on if ends_on is None else ordinal(ends_on),
            frame,
        )
        if value is None and mark is NO_VALUE and frame.day - since > frame.window:
            actual = frame.no_value_counts
        if expected is not None:
            pace = pace_of(actual, expected)
        told = _told(actual, expected, met, mark, usable, frame, stale=confidence is not None)
    row = {
        "id": state["id"],
        "reference": state["reference"],
        "title": facets["wording"]["value"]["title"],
        "owner": owner,
        "measure": measure,
        "baseline": baseline,
        "target": target["value"],
        "weight": facets["weight"]["value"],
        "ambition": facets["ambition"]["value"],
        "ends_on": ends_on,
        "standing": standing["value"]["word"],
        "value": value,
        "progress": actual and ratio_text(actual),
        "progress_mark": mark,
        "pace": pace,
        "confidence": confidence,
        "last_check_in": check_in and check_in["effective_at"],
        "silent_days": days,
        "status": status_row(told, said, days if silent else None, pace, frame),
        "score": get("score", _NONE)["value"],
        "source": get("source", _NONE)["value"],
    }
    if not active:
        return row, None
    weight = millionths(facets["weight"]["value"])
    part = Part(weight, actual, expected, told[0], said, usable, silent, days, target["position"], mark)
    return row, part


_NONE: dict[str, Any] = {"value": None}


def expected_on(frame: Frame, ends_on: str) -> Ratio:
    """Return the straight line up to a key result's own horizon."""
    return straight_line(frame.starts_on, ordinal(ends_on), frame.day)


def _confidence(
    fact: Mapping[str, Any], target: Mapping[str, Any], frame: Frame
) -> tuple[dict[str, Any], Ratio | None]:
    """Return the confidence ready for JSON, and as a figure where it still speaks of the present target.

    It must follow the target on both clocks: an amendment of an earlier check-in keeps its time, so it does not speak
    of a target that was changed since.
    """
    exact = ratio_of(fact["value"])
    stale = fact["position"] < target["position"] or fact["effective_at"] < target["effective_at"]
    shown = {
        "value": fact["value"],
        "band": confidence_band(exact, frame),
        "at": fact["effective_at"],
        "position": fact["position"],
        "stale": stale,
    }
    return shown, None if stale else exact


def _told(
    actual: Ratio | None,
    expected: Ratio | None,
    met: bool,
    mark: str | None,
    confidence: Ratio | None,
    frame: Frame,
    *,
    stale: bool,
) -> Told:
    """Return the status of a committed key result: the first rule that fires.

    `stale` says that a confidence was said; where it does not speak of the target as it stands, `confidence` is None.
    """
    if actual is not None:
        if met:
            inputs = {"progress": ratio_text(actual)}
            return "achieved", "target_met", "The value meets the target as it stands.", inputs
        if expected is not None:
            bands = frame.policy.bands
            word = band_of(bands, actual, expected)
            inputs = {"progress": ratio_text(actual), "expected": ratio_text(expected)}
            return word, *band_told(bands, word), inputs
    elif mark is NO_VALUE:
        sentence = "Committed, no value yet, within the days of cadence and grace."
        return "not_started", "within_grace", sentence, {"window_days": frame.window}
    if confidence is not None:
        return from_confidence(confidence, "the owner's confidence", frame)
    inputs = {} if actual is None else {"progress": ratio_text(actual)}
    sentence = f"{_NOTHING_SPEAKS.get(mark, _NOTHING_SPEAKS[None])} {_SAID_BEFORE if stale else _NEVER_SAID}"
    return "not_started", "nothing_speaks", sentence, inputs


_NEVER_SAID = "Nobody said a confidence in its target either; a check-in with one gives it a status."
_SAID_BEFORE = (
    "The confidence was said before the target changed; a check-in with a new one gives it a status."
)
_NOTHING_SPEAKS = {
    None: "It has a value that does not meet the target, and no path was declared that would say how far it should be "
    "by now.",
    NO_VALUE: "It has no value after the grace period, and no path was declared that would say how far it should be by "
    "now.",
    NOT_COMPUTED: "Progress of this kind of measure is not computed yet, so its value says nothing here.",
    BASELINE_IS_TARGET: "Baseline equals target, so its value says nothing here, and no path was declared.",
}
"""Why nothing says how a committed key result does, though the days of cadence and grace are over or it has a value."""
