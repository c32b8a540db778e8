"""Findings: what an auditor would ask about, in sentences, with what people answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.reading.concerned import Concerned, concerns_told
from aggregates.reading.decided import later_words
from aggregates.reading.deeds import deed, told
from aggregates.reading.direction import Direction, direction_of
from aggregates.reading.history import Row, Step, steps_of, with_sets
from aggregates.reading.triage import counted
from aggregates.values import day_of

SENTENCES = {
    "change_without_decision": "The commitment was changed after its line and no decision is recorded.",
    "late_line": "The objective was committed after commit-by.",
    "change_after_close": "The record was changed after the cycle closed.",
    "ratified_later": "The decision was recorded after the change that it ratifies.",
    "owner_decided_own_target": "The owner decided a change of their own commitment.",
    "commit_by_moved": "The commit-by of the cycle was moved.",
    "opened_late": "The cycle was opened after its first day.",
    "closed_early": "The cycle was closed before its last day.",
    "opening_voided": "An opening of the cycle was voided.",
    "decision_retracted": "The decision behind a change was retracted, so nobody has decided it.",
    "no_record_at_start": "The source holds no record at the start of the cycle; its first version became the line.",
}
"""The sentence of each rule."""


def complete_findings(
    findings: Sequence[Row],
    changes: Sequence[Row] = (),
    lines: Sequence[Row] = (),
    *,
    zone: ZoneInfo,
    cycle_ends: Mapping[str, str] | None = None,
    decisions: Sequence[Row] | None = None,
    states: Sequence[Row] = (),
) -> dict[str, Any]:
    """Return every finding with its sentence, its direction where it is a change, and its answers.

    `changes` are the changes after line 1 with those superseded since, `lines` the lines, `cycle_ends` the last day
    of each cycle by key, `states` the objectives at the basis. Shape: `{findings: [{rule, cause, objective,
    key_result, cycle, recorded_at, effective_at, by, reason, decision, source, detail, sentence, direction: softer |
    harder | neutral | null, changes: [{facet, old, new, words, direction}], concerns: [{position, key_result,
    recorded_at, words, days_before}], answers: […], ratified_by: [{decision, position, recorded_at, days_later,
    words}], standing: open | explained | accepted | disputed, recorded_in_error,
    superseded_at}], counts: {open, answered, softer, harder, neutral, rules: {…}}}`. A finding never disappears; its
    standing is that of the last answer. With `decisions` (those that stand at the basis) a ratification by one that
    was retracted, or that ratifies this no more, is left out. `recorded_in_error` says that the item of the finding
    should never have been recorded, as somebody said by the basis. `concerns` are the entries that a finding about a
    decision is about: those that it ratifies, or those that stand without it since it was taken back.
    """
    known = told_changes(changes, lines, cycle_ends or {})
    ratify = (
        None
        if decisions is None
        else {(row["decision"], one): row for row in decisions for one in row["ratifies"]}
    )
    slips = set(_slips(states))
    concerned = Concerned(findings, changes, known, zone)
    rows = []
    for finding in findings:
        moved = known.get((finding["cause"], finding["objective"]), [])
        answers = list(finding["answers"])
        direction = None
        if moved and finding["rule"] in _AFTER:
            direction = strongest([one["direction"] for one in moved])
        ratified = _ratified(finding, ratify, zone)
        concerns = concerned.by(finding)
        rows.append(
            {
                **{name: finding.get(name) for name in _SHOWN},
                "sentence": _sentence(finding, direction, moved, ratified, concerns),
                "direction": direction,
                "changes": moved,
                "concerns": concerns,
                "answers": answers,
                "ratified_by": ratified,
                "standing": answers[-1]["answer"] if answers else "open",
                "recorded_in_error": not slips.isdisjoint((finding["objective"], finding["key_result"])),
            }
        )
    return {"findings": rows, "counts": counts_of(rows)}


_SHOWN = (
    "rule", "cause", "objective", "key_result", "cycle", "recorded_at", "effective_at", "by", "on_behalf_of", "reason",
    "decision", "source", "detail", "superseded_at",
)  # fmt: skip


def _slips(states: Sequence[Row]) -> Iterator[str]:
    """Give the objectives and key results that were recorded in error."""
    for state in (inner for one in states for inner in (one, *one["key_results"])):
        standing = state["facets"].get("standing")
        if standing is not None and standing["value"]["word"] == "recorded_in_error":
            yield state["id"]


def _ratified(
    finding: Row, ratify: Mapping[tuple[str, int], Row] | None, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Return each decision that ratifies the cause, with the days by which it came later: those of its first version.

    A ratification does not clear the finding before it.
    """
    first: dict[str, Row] = {}
    for row in finding.get("ratified_by", ()):
        if ratify is None or (row["decision"], finding["cause"]) in ratify:
            first.setdefault(row["decision"], row)
    changed = day_of(datetime.fromisoformat(finding["recorded_at"]), zone)
    told_rows = []
    for row in first.values():
        days = (day_of(datetime.fromisoformat(row["recorded_at"]), zone) - changed).days
        decision = (ratify or {}).get((row["decision"], finding["cause"]))
        told_rows.append({**row, "days_later": days, "words": later_words(days, decision)})
    return told_rows


def told_changes(
    changes: Sequence[Row], lines: Sequence[Row], cycle_ends: Mapping[str, str]
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """Return `{facet, old, new, direction}` of each change by (position, objective), as it met what was known."""
    starts: dict[tuple[str, str | None], Mapping[str, Any]] = {}
    ends_on: dict[str, str | None] = {}
    for line in sorted(lines, key=lambda row: row["position"]):
        objective = line["objective"]
        ends_on.setdefault(objective, cycle_ends.get(line["cycle"]))
        starts.setdefault((objective, line["key_result"]), line["state"]["facets"])
        for inner in line["state"].get("key_results", ()):
            starts.setdefault((objective, inner["id"]), inner["facets"])
    items: dict[tuple[str, str | None], list[Row]] = {}
    for row in with_sets(changes):
        items.setdefault((row["objective"], row["key_result"]), []).append(row)
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for (objective, key_result), rows in items.items():
        positions = {row["position"] for row in rows}
        added = {row["position"] for row in rows if row["name"] == "key_result.added"}
        start = starts.get((objective, key_result), {})
        start = {facet: fact for facet, fact in start.items() if fact["position"] not in positions - added}
        definition: dict[str, Any] = {}
        for step in steps_of(rows, clock="recorded", start=start):
            if step.row["position"] in positions and "name" in step.row:
                direction = _direction(step, definition, ends_on.get(objective), cycle_ends)
                measure = step.after if step.facet == "measure" else definition.get("measure")
                found.setdefault((step.row["position"], objective), []).append(
                    {
                        "facet": step.facet,
                        "old": step.before,
                        "new": step.after,
                        "words": deed(step.facet, step.before, step.after, measure),
                        "direction": direction,
                    }
                )
            if step.after is not None or step.in_force:
                definition[step.facet] = step.after
    return found


def _direction(
    step: Step, definition: Mapping[str, Any], ends_on: str | None, cycle_ends: Mapping[str, str]
) -> Direction:
    if step.row["name"] == "key_result.added":
        return "neutral"
    return direction_of(
        step.facet,
        step.before,
        step.after,
        definition=definition,
        cycle_ends_on=ends_on,
        cycle_ends=cycle_ends,
    )


def strongest(directions: Sequence[str]) -> str:
    """Return the direction of a change of several facets: softer if one is, else harder if one is, else neutral."""
    return next((word for word in ("softer", "harder") if word in directions), "neutral")


def _sentence(
    finding: Row,
    direction: str | None,
    moved: list[dict[str, Any]],
    ratified: list[dict[str, Any]],
    concerns: list[dict[str, Any]],
) -> str:
    """Return what is asked, in one or two sentences."""
    rule, detail = finding["rule"], finding.get("detail") or {}
    if direction is not None:
        deeds = [one["words"] for one in moved if one["old"] != one["new"]] or [moved[0]["words"]]
        if finding.get("name") == "key_result.added":
            deeds = ["key result added"]
        ends = "".join(f"; {one['words']}" for one in ratified) if rule == "change_without_decision" else ""
        return f"{told(deeds)}{_AFTER[rule]}{ends}; {direction}."
    if rule == "change_after_close" and finding.get("name") in _DONE_AFTER_CLOSE:
        return f"{_DONE_AFTER_CLOSE[finding['name']]}{_AFTER[rule]}."
    sentence: str = SENTENCES.get(rule, str(rule).replace("_", " "))
    days = detail.get("days")
    if concerns:
        return concerns_told(rule, concerns)
    if days is not None:
        sentence = f"{sentence[:-1]}, by {days} day{'s' if days != 1 else ''}."
    return sentence


_AFTER = {
    "change_without_decision": " after its line, without a decision",
    "owner_decided_own_target": ", decided by its own owner",
    "change_after_close": " after the cycle closed",
}
"""What the sentence of a change goes on with, by its rule."""

_DONE_AFTER_CLOSE = {
    "key_result.measured": "A measured value was recorded",
    "key_result.checked_in": "A check-in was recorded",
    "key_result.scored": "A final score was recorded",
    "objective.decision_linked": "A decision was recorded",
    "decision.confirmed": "A decision was confirmed",
    "entry.retracted": "An entry was retracted",
}
"""What was recorded after a close, also of a cycle that was reopened, by the stored name of the entry."""


def counts_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how many completed findings are open, answered, softer, harder, neutral, and of which rule."""
    return {**counted(rows), "rules": dict(sorted(Counter(row["rule"] for row in rows).items()))}
