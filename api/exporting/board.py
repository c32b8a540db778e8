"""The board as a table: one row for each key result, with its objective beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.exporting.items import empty
from api.exporting.names import Names, number
from api.exporting.table import Body, Cells, Table, columns

_OBJECTIVE = columns(
    ("cycle", "text", "key of the cycle"),
    ("objective", "text", "identifier of the objective"),
    ("objective_reference", "text", "its reference, such as OBJ-142"),
    ("objective_title", "text", "its wording"),
    ("objective_description", "text", "its longer wording, where there is one"),
    ("objective_owner", "text", "identifier of its owner"),
    ("objective_owner_name", "text", "the owner's name in the directory as it is now"),
    ("objective_owner_presence", "text", "here, left, on_leave or unknown"),
    ("team", "text", "identifier of the team"),
    ("team_name", "text", "the team's name"),
    ("parent", "text", "identifier of the objective that it serves"),
    ("parent_reference", "text", "the reference of that objective, where the answer names it"),
    ("local_because", "text", "why it serves no other objective"),
    ("objective_standing", "text", "draft, committed, withdrawn, replaced, carried or closed"),
    ("line", "whole", "number of its present line; empty for a draft"),
    ("line_position", "whole", "position at which that line was drawn"),
    ("objective_progress", "number", "rolled-up progress; 1 is the target met, not clamped"),
    ("objective_expected", "number", "expected progress on that day, where a path was declared"),
    ("objective_pace", "number", "progress less expected progress, of what is compared"),
    ("objective_confidence", "number", "confidence, 0 to 1"),
    ("objective_status", "text", "computed status"),
    ("objective_said", "text", "the weakest status that an owner said"),
    ("objective_counts_as", "text", "the word under which it is counted; silence never counts as green"),
    ("objective_silent", "flag", "whether one of its key results is silent"),
    ("objective_silent_days", "whole", "its longest silence in days"),
    ("objective_status_rule", "text", "the rule that made the status"),
)
_KEY_RESULT = columns(
    ("key_result", "text", "identifier of the key result; empty where the objective has none"),
    ("key_result_reference", "text", "its reference, such as KR-311"),
    ("key_result_title", "text", "its wording"),
    ("key_result_owner", "text", "identifier of its owner"),
    ("key_result_owner_name", "text", "the owner's name in the directory as it is now"),
    ("key_result_owner_presence", "text", "here, left, on_leave or unknown"),
    ("key_result_standing", "text", "active or dropped"),
    ("measure", "text", "kind of measure"),
    ("unit", "text", "unit of the measure"),
    ("indicator", "text", "leading or lagging"),
    ("path", "text", "straight where expected progress was declared, else none"),
    ("baseline", "number", "number at the start"),
    ("target", "number", "number to reach or keep; of steps the last; empty for bands, stages and done"),
    ("target_words", "text", "the target in words"),
    ("value", "number", "latest value, where it is a number"),
    ("value_words", "text", "latest value in words"),
    ("value_on", "day", "day of that value"),
    ("weight", "number", "weight in the roll-up"),
    ("ambition", "text", "committed or aspirational"),
    ("ends_on", "day", "its own horizon, where it is shorter than the cycle's"),
    ("progress", "number", "progress; 1 is the target met, not clamped"),
    ("progress_mark", "text", "what is special about the figure, such as not computed yet"),
    ("expected", "number", "expected progress on that day, where a path was declared"),
    ("pace", "number", "progress less expected progress"),
    ("confidence", "number", "the owner's probability that the target is met, 0 to 1"),
    ("confidence_is_stale", "flag", "whether the target changed after it was said"),
    ("last_check_in_at", "instant", "the last check-in"),
    ("status", "text", "computed status"),
    ("said", "text", "the status that the owner said"),
    ("counts_as", "text", "the word under which it is counted; silence never counts as green"),
    ("silent", "flag", "whether it is silent"),
    ("silent_days", "whole", "days without a sign"),
    ("status_rule", "text", "the rule that made the status"),
    ("score", "number", "the score that somebody gave at the end"),
)


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    cycle = body["cycle"]["key"]
    for row in body["objectives"]:
        objective = {"cycle": cycle, **_objective(row, names)}
        if not row["key_results"]:
            yield {**objective, **empty(_KEY_RESULT)}
        for key_result in row["key_results"]:
            yield {**objective, **_key_result(key_result, names)}


def _objective(row: Mapping[str, Any], names: Names) -> Cells:
    alignment, line, status = row["alignment"] or {}, row["line"] or {}, row["status"]
    pace, confidence = row["pace"] or {}, row["confidence"] or {}
    return {
        "objective": row["id"],
        "objective_reference": row["reference"],
        "objective_title": row["title"],
        "objective_description": row["description"],
        "objective_owner": row["owner"]["id"],
        "objective_owner_name": names.person(row["owner"]["id"]),
        "objective_owner_presence": row["owner"]["presence"],
        "team": row["team"],
        "team_name": names.team(row["team"]),
        "parent": alignment.get("parent"),
        "parent_reference": names.reference(alignment.get("parent")),
        "local_because": alignment.get("local"),
        "objective_standing": row["standing"]["word"],
        "line": line.get("line"),
        "line_position": line.get("position"),
        "objective_progress": row["progress"],
        "objective_expected": pace.get("expected"),
        "objective_pace": pace.get("difference"),
        "objective_confidence": confidence.get("value"),
        "objective_status": status["word"],
        "objective_said": status["said"],
        "objective_counts_as": status["counts_as"],
        "objective_silent": status["silent"],
        "objective_silent_days": row["silent_days"],
        "objective_status_rule": status["explain"]["rule"],
    }


def _key_result(row: Mapping[str, Any], names: Names) -> Cells:
    measure, status, value = row["measure"], row["status"], row["value"] or {}
    pace, confidence = row["pace"] or {}, row["confidence"] or {}
    return {
        "key_result": row["id"],
        "key_result_reference": row["reference"],
        "key_result_title": row["title"],
        "key_result_owner": row["owner"]["id"],
        "key_result_owner_name": names.person(row["owner"]["id"]),
        "key_result_owner_presence": row["owner"]["presence"],
        "key_result_standing": row["standing"],
        "measure": measure["kind"],
        "unit": measure.get("unit"),
        "indicator": measure.get("indicator"),
        "path": measure.get("path"),
        "baseline": row["baseline"],
        "target": number(row["target"]),
        "target_words": names.facet("target", row["target"]),
        "value": number(value.get("value")),
        "value_words": names.facet("value", value.get("value")),
        "value_on": names.day(value.get("effective_at")),
        "weight": row["weight"],
        "ambition": row["ambition"],
        "ends_on": row["ends_on"],
        "progress": row["progress"],
        "progress_mark": row["progress_mark"],
        "expected": pace.get("expected"),
        "pace": pace.get("difference"),
        "confidence": confidence.get("value"),
        "confidence_is_stale": confidence.get("stale"),
        "last_check_in_at": row["last_check_in"],
        "status": status["word"],
        "said": status["said"],
        "counts_as": status["counts_as"],
        "silent": status["silent"],
        "silent_days": row["silent_days"],
        "status_rule": status["explain"]["rule"],
        "score": row["score"],
    }


BOARD = Table(
    "board",
    "One row for each key result with its objective beside it; an objective without key results has one row. "
    "What was recorded in error is left out.",
    (*_OBJECTIVE, *_KEY_RESULT),
    _flatten,
)
