"""The reading of one objective: its key results rolled up into progress, pace, confidence, silence and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregates.reading.figures import Ratio, ratio_of, ratio_text
from aggregates.reading.frame import Frame
from aggregates.reading.key_results import Facets, Part, read_key_result, value_of
from aggregates.reading.people import Owners
from aggregates.reading.progress import NO_VALUE
from aggregates.reading.rollup import CHILD_WEIGHT, roll_up, weighted_mean
from aggregates.reading.status import (
    SAID_ORDER,
    Told,
    band_of,
    band_told,
    confidence_band,
    from_confidence,
    pace_of,
    status_row,
)

Children = Sequence[tuple[Ratio | None, Ratio | None]]
"""Actual and expected fractions of child objectives, where the policy pools them."""

_ENDED: dict[str, Told] = {
    "draft": ("draft", "not_committed", "The objective is not committed.", {}),
    "withdrawn": ("withdrawn", "withdrawn", "The objective was withdrawn.", {}),
    "replaced": (
        "withdrawn",
        "replaced",
        "The objective was replaced by another; its successor is named.",
        {},
    ),
    "carried": ("carried", "carried", "The objective goes on in another cycle.", {}),
    "closed": ("closed", "closed", "The objective was closed with its cycle.", {}),
    "recorded_in_error": (
        "withdrawn",
        "recorded_in_error",
        "The objective should never have been recorded.",
        {},
    ),
}


def read_objective(
    state: Mapping[str, Any], frame: Frame, owners: Owners, children: Children = ()
) -> tuple[dict[str, Any], Ratio | None, Ratio | None]:
    """Return an objective ready for JSON, with its exact actual and expected fractions for a parent that pools.

    Shape: `{id, reference, title, description, owner, team, alignment, standing: {word, …}, line: {line, at,
    position, …} | null, carried_from, visibility (absent: everyone), progress, progress_mark,
    counted: {key_results, of}, pace: {expected, difference, compares} | null,
    confidence: {value, band, from} | null, silent_days, silent_key_results, status,
    disagreements, source, key_results: […], recorded_in_error: […]}`; key results as in `read_key_result`.
    """
    facets: Facets = state["facets"]
    standing = facets["standing"]["value"]
    line = facets.get("line")
    ended = _ENDED.get(standing["word"])
    committed_on = None if ended else frame.day_of(facets["standing"]["effective_at"])
    rows: list[dict[str, Any]] = []
    parts: list[Part] = []
    errors: list[dict[str, Any]] = []
    for key_result in state["key_results"]:
        inner: Facets = key_result["facets"]
        if "standing" not in inner:
            continue  # a value of a day before the key result was added
        if inner["standing"]["value"]["word"] == "recorded_in_error":
            errors.append(_in_error(key_result))
            continue
        owner = owners.of(inner["owner"]["value"])
        row, part = read_key_result(key_result, frame, owner, ended, committed_on)
        rows.append(row)
        if part is not None:
            parts.append(part)
    figures = [(actual, weight) for weight, actual, *_ in parts if actual is not None]
    compared = [(a, e, w) for w, a, e, *_ in parts if a is not None and e is not None]
    counted = len(figures)
    if children:
        figures += [(actual, CHILD_WEIGHT) for actual, _ in children if actual is not None]
        compared += [(a, e, CHILD_WEIGHT) for a, e in children if a is not None and e is not None]
    policy = frame.policy
    actual = roll_up(figures, policy)
    on_path = actual if len(compared) == len(figures) else roll_up([(a, w) for a, _, w in compared], policy)
    expected = _expected(compared, frame)
    note = _part_note(len(compared), len(parts) + len(children))
    confidence, whose = _confidence(parts, line)
    told = ended or _told(parts, on_path, expected, confidence, whose, note, frame)
    said = _said(parts)
    active = ended is None
    days, silent = _silence(parts) if active else (None, 0)
    pace = pace_of(on_path, expected) if active else None
    if pace is not None:
        pace["compares"] = note
    row = {
        "id": state["id"],
        "reference": state["reference"],
        "title": facets["wording"]["value"]["title"],
        "description": facets["wording"]["value"].get("description"),
        "owner": owners.of(facets["owner"]["value"]),
        "team": value_of(facets, "team"),
        "alignment": value_of(facets, "alignment"),
        "standing": standing,
        "line": line and {**line["value"], "at": line["effective_at"], "position": line["position"]},
        "carried_from": value_of(facets, "carried_from"),
        "progress": actual and ratio_text(actual),
        "progress_mark": _progress_mark(parts),
        "counted": {"key_results": counted, "of": len(parts)},
        "pace": pace,
        "confidence": confidence
        and {"value": ratio_text(confidence), "band": confidence_band(confidence, frame), "from": whose},
        "silent_days": days,
        "silent_key_results": silent,
        "status": status_row(told, said, days if silent else None, pace, frame),
        "disagreements": sum(row["status"]["disagrees"] for row in rows),
        **({"visibility": facets["visibility"]["value"]} if "visibility" in facets else {}),
        "source": value_of(facets, "source"),
        "key_results": rows,
        "recorded_in_error": errors,
    }
    return row, actual, expected


def _in_error(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is still shown of an item that should never have been recorded."""
    fact = state["facets"]["standing"]
    return {
        "id": state["id"],
        "reference": state["reference"],
        "title": state["facets"]["wording"]["value"]["title"],
        "position": fact["position"],
    }


def _told(
    parts: list[Part],
    actual: Ratio | None,
    expected: Ratio | None,
    confidence: Ratio | None,
    whose: str,
    note: str | None,
    frame: Frame,
) -> Told:
    """Return the status of a committed objective: the first rule that fires."""
    words = {part.word for part in parts}
    if words == {"achieved"}:
        return "achieved", "all_targets_met", "Every key result meets its target as it stands.", {}
    if actual is not None and expected is not None:
        bands = frame.policy.bands
        word = band_of(bands, actual, expected)
        inputs = {"progress": ratio_text(actual), "expected": ratio_text(expected)}
        if note is not None:
            inputs["compares"] = note
        return word, *band_told(bands, word), inputs
    if not parts:
        return "not_started", "no_key_result", "No key result of this objective is active.", {}
    if all(part.mark is NO_VALUE and part.actual is None for part in parts):
        sentence = "Committed, no key result has a value yet, within the days of cadence and grace."
        return "not_started", "within_grace", sentence, {"window_days": frame.window}
    if confidence is not None:
        return from_confidence(confidence, f"the confidence ({whose})", frame)
    sentence = (
        "Nothing says how far it should be by now: no path was declared for its key results, and nobody said a "
        "confidence in their targets as they stand. A check-in with one gives it a status."
    )
    return "not_started", "nothing_speaks", sentence, {}


def _part_note(compared: int, of: int) -> str | None:
    """Return the words for a comparison of a part only, or None where all was compared."""
    if compared in (0, of):
        return None
    return f"{compared} of {of} key results: those with a path and a figure"


def _expected(compared: list[tuple[Ratio, Ratio, int]], frame: Frame) -> Ratio | None:
    """Return the expected fraction of the compared part; one line for all needs no mean."""
    if not compared:
        return None
    first = compared[0][1]
    if len({expected for _, expected, _ in compared}) == 1:
        return first
    return roll_up([(expected, weight) for _, expected, weight in compared], frame.policy, clamped=False)


def _progress_mark(parts: list[Part]) -> str | None:
    """Return what is special about the figure: how many key results are left out of it, and why."""
    found = [part.mark for part in parts if part.mark is not None]
    if not found:
        return None
    marks: dict[str, int] = {}
    for mark in found:
        marks[mark] = marks.get(mark, 0) + 1
    return "; ".join(f"{count} of {len(parts)} key results: {mark}" for mark, count in marks.items())


def _said(parts: list[Part]) -> str | None:
    """Return the weakest word that an owner said of a key result, or None where nobody said one."""
    said = [part.said for part in parts if part.said is not None]
    return min(said, key=SAID_ORDER.index) if said else None


def _confidence(parts: list[Part], line: Mapping[str, Any] | None) -> tuple[Ratio | None, str]:
    """Return the weighted mean of what owners said of the targets as they stand, else the one at kick-off."""
    spoken = [(part.confidence, part.weight) for part in parts if part.confidence is not None]
    if spoken:
        return weighted_mean(spoken), f"{len(spoken)} of {len(parts)} key results"
    if line is None or line["value"].get("confidence") is None:
        return None, ""
    if any(part.target_position > line["position"] for part in parts):
        return None, ""
    return ratio_of(line["value"]["confidence"]), "kick-off"


def _silence(parts: list[Part]) -> tuple[int | None, int]:
    """Return the longest silence in days and how many key results are silent.

    An objective is silent while one of its key results is: a fresh figure never hides a missing one.
    """
    days = [part.silent_days for part in parts if part.silent_days is not None]
    return (max(days), sum([part.silent for part in parts])) if days else (None, 0)
