"""Scores at the end of a cycle: per key result and objective, against each line and the final target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aggregates.policy import Policy
from aggregates.reading.figures import ONE, Ratio, clamp, compare, millionths, ratio_of, ratio_text
from aggregates.reading.progress import NO_VALUE, progress_of
from aggregates.reading.rollup import Weighted, weighted_mean
from aggregates.values import number_text


def score_of(
    facets: Mapping[str, Mapping[str, Any]], value: Any, policy: Policy
) -> tuple[Ratio | None, str | None]:
    """Return the score 0..1 of a value against a definition (measure, baseline, target), and a mark.

    The score is the progress within 0..1 (Google). What is not computed yet or has no value has none.
    """
    baseline = facets.get("baseline", {}).get("value")
    found, _, mark = progress_of(
        facets["measure"]["value"], baseline, facets["target"]["value"], value, policy
    )
    return (None if found is None else clamp(found)), mark


def score_band(score: Ratio, ambition: str, policy: Policy) -> str:
    """Return green, yellow or red; bands are half open and follow the ambition.

    Aspirational: green from `score_green_from`, yellow from `score_yellow_from` (Google; Doerr leaves gaps).
    Committed: 1.0 is expected, so green is 1.0 alone, yellow from `score_green_from`, red below.
    """
    green, yellow = (
        ratio_of(number_text(policy.score_green_from)),
        ratio_of(number_text(policy.score_yellow_from)),
    )
    if ambition == "committed":
        green, yellow = ONE, green
    if compare(score, green) >= 0:
        return "green"
    return "yellow" if compare(score, yellow) >= 0 else "red"


def score_row(score: Ratio | None, mark: str | None, ambition: str, policy: Policy) -> dict[str, Any]:
    """Return `{score: "0.7" | null, band: green | yellow | red | null, ambition, mark}`."""
    return {
        "score": None if score is None else ratio_text(score),
        "band": None if score is None else score_band(score, ambition, policy),
        "ambition": ambition,
        "mark": mark,
    }


Definition = Mapping[str, Mapping[str, Any]]


def scores_of_key_result(
    lines: Sequence[tuple[int, Definition]], final: Definition | None, facts: Definition, policy: Policy
) -> dict[str, Any]:
    """Return one value scored against each line and against the final target, side by side.

    `lines` are (number, facets at that line), `final` the facets at the basis (None once dropped), `facts` the
    facets that hold the value and the score that somebody gave. Shape: `{said, lines: [{line, score, band,
    ambition, mark}], final: {score, band, ambition, mark} | null}`.
    """
    value = facts["value"]["value"] if "value" in facts else None
    rows = []
    for number, facets in lines:
        score, mark = score_of(facets, value, policy)
        rows.append({"line": number, **score_row(score, mark, facets["ambition"]["value"], policy)})
    last = None
    if final is not None:
        score, mark = score_of(final, value, policy)
        last = score_row(score, mark, final["ambition"]["value"], policy)
    return {"said": facts["score"]["value"] if "score" in facts else None, "lines": rows, "final": last}


Scored = tuple[Definition, Any]
"""The definition of a key result (its facets at a line or at the basis) and its value at the basis."""


def objective_score(scored: Sequence[Scored], policy: Policy) -> dict[str, Any]:
    """Return the mean of the scores of an objective's key results, weighted by their weights.

    A key result without a value counts as the policy says and is marked; one that is not computed yet is left out
    and marked. Shape: `{score, band, counted, of, mark}`; an objective is banded as aspirational only where all its
    key results are.
    """
    parts: list[Weighted] = []
    empty = left_out = 0
    for facets, value in scored:
        score, mark = score_of(facets, value, policy)
        if score is None and mark == NO_VALUE:
            score, empty = ratio_of(number_text(policy.no_value_counts)), empty + 1
        if score is None:
            left_out += 1
            continue
        parts.append((score, millionths(facets["weight"]["value"])))
    marks = [f"{empty} without a value"] * (empty > 0) + [f"{left_out} not computed yet"] * (left_out > 0)
    found = weighted_mean(parts) if parts and len(parts) > empty else None
    aspirational = all(facets["ambition"]["value"] == "aspirational" for facets, _ in scored)
    return {
        "score": None if found is None else ratio_text(found),
        "band": None
        if found is None
        else score_band(found, "aspirational" if aspirational else "committed", policy),
        "counted": len(parts),
        "of": len(scored),
        "mark": "; ".join(marks) or None,
    }


def said_score(facts: Sequence[Definition]) -> str | None:
    """Return the weighted mean of the scores that people gave, or None where nobody gave one."""
    parts = [
        (ratio_of(one["score"]["value"]), millionths(one["weight"]["value"]))
        for one in facts
        if "score" in one and "weight" in one
    ]
    return ratio_text(weighted_mean(parts)) if parts else None
