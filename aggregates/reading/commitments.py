"""Commitments: each objective at its own line, on time or late, with the grade of the line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.values import day_of

Row = Mapping[str, Any]


def complete_commitments(
    rows: Sequence[Row],
    cycle: Mapping[str, Any],
    *,
    zone: ZoneInfo,
    ledger_created_at: str | None = None,
    states: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what was committed for a cycle: each objective at its own lines.

    `rows` are the lines, `cycle` its days (`commit_by` is the first recorded one), `ledger_created_at` the
    recorded_at of entry 1 (else each row says its `grade`), `states` the states at the basis, from which objectives
    without a line are listed. Shape: `{cycle, starts_on, commit_by, commit_by_now, ends_on, objectives: [{objective,
    reference, lines: [line], added_late: [line]}], not_committed: [{objective, reference, title, owner, standing}],
    moved_here: [{…, line}], counts: {objectives, on_time, late, not_committed, added_late, replanned, grades: {…}}}`;
    what was committed in another cycle and moved here is in `moved_here`, with the position of its line, which stays
    there. A line: `{line, key_result, position, recorded_at, effective_at, by, on_time, days_late, words, grade:
    witnessed | migrated | reconstructed, synthesised, no_record_at_start, source, confidence, accepted_by, policy,
    state}`.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["position"]):
        objective = found.setdefault(row["objective"], {"objective": row["objective"], "reference": None})
        objective.setdefault("lines", [])
        objective.setdefault("added_late", [])
        shown = _line(row, cycle, zone, ledger_created_at)
        if row["key_result"] is None:
            objective["reference"] = row["state"]["reference"]
            objective["lines"].append(shown)
        else:
            objective["added_late"].append(shown)
    objectives = [one for one in found.values() if one["lines"]]
    not_committed, moved_here = _without_line(states, found)
    firsts = [one["lines"][0] for one in objectives]
    return {
        "cycle": cycle["key"],
        "starts_on": cycle["starts_on"],
        "commit_by": cycle["commit_by"],
        "commit_by_now": cycle["commit_by_now"],
        "ends_on": cycle["ends_on"],
        "objectives": objectives,
        "not_committed": not_committed,
        "moved_here": moved_here,
        "counts": {
            "objectives": len(objectives),
            "on_time": sum(line["on_time"] for line in firsts),
            "late": sum(not line["on_time"] for line in firsts),
            "not_committed": len(not_committed),
            "added_late": sum(len(one["added_late"]) for one in objectives),
            "replanned": sum(len(one["lines"]) > 1 for one in objectives),
            "grades": dict(sorted(Counter(line["grade"] for line in firsts).items())),
        },
    }


def grade_of(row: Row, cycle: Mapping[str, Any], zone: ZoneInfo, ledger_created_at: str) -> str:
    """Return the grade of a line, derived and never claimed.

    reconstructed: imported from a source; migrated: recorded in a ledger that was created after the cycle's start;
    witnessed: recorded when it happened.
    """
    if row["source"] is not None:
        return "reconstructed"
    if day_of(datetime.fromisoformat(ledger_created_at), zone) > date.fromisoformat(cycle["starts_on"]):
        return "migrated"
    return "witnessed"


def days_late(effective_at: str, commit_by: str, zone: ZoneInfo) -> int:
    """Return by how many days of the organisation's zone a line came after commit-by; 0 where it was on time."""
    moment = effective_at
    day = date.fromisoformat(moment) if len(moment) == 10 else day_of(datetime.fromisoformat(moment), zone)
    return max((day - date.fromisoformat(commit_by)).days, 0)


def _line(
    row: Row, cycle: Mapping[str, Any], zone: ZoneInfo, ledger_created_at: str | None
) -> dict[str, Any]:
    late = days_late(row["effective_at"], cycle["commit_by"], zone)
    fact = row["state"]["facets"].get("line", {}).get("value", {}) if row["key_result"] is None else {}
    words = "on time" if not late else f"late by {late} day{'s' if late != 1 else ''}"
    if row["key_result"] is not None:
        words = f"added after the line, {words}"
    elif row["line"] > 1:
        words = f"re-planned, line {row['line']}"
    return {
        "line": row["line"],
        "key_result": row["key_result"],
        "position": row["position"],
        "recorded_at": row["recorded_at"],
        "effective_at": row["effective_at"],
        "by": row["by"],
        "on_time": late == 0,
        "days_late": late,
        "words": words + (", no record at the start" if row["no_record_at_start"] else ""),
        "grade": row["grade"] if ledger_created_at is None else grade_of(row, cycle, zone, ledger_created_at),
        "synthesised": row["synthesised"],
        "no_record_at_start": row["no_record_at_start"],
        "source": row["source"],
        "confidence": fact.get("confidence"),
        "accepted_by": fact.get("accepted_by"),
        "policy": fact.get("policy"),
        "state": row["state"],
    }


def _without_line(
    states: Mapping[str, Any] | None, found: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the objectives of the cycle that have no line in it, whatever became of them.

    First those that were never committed, then those that were committed in another cycle and moved here.
    """
    never: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for state in states["objectives"] if states is not None else ():
        facets = state["facets"]
        if "standing" not in facets or found.get(state["id"], {}).get("lines"):
            continue
        row = {
            "objective": state["id"],
            "reference": state["reference"],
            "title": facets["wording"]["value"]["title"],
            "owner": facets["owner"]["value"],
            "standing": facets["standing"]["value"]["word"],
        }
        if "line" in facets:
            moved.append({**row, "line": facets["line"]["position"]})
        else:
            never.append(row)
    return never, moved
