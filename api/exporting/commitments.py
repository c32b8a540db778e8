"""Commitments as a table: one row for each key result at each line, as it stood there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.exporting.items import SOURCE, WHEN, empty, source, when
from api.exporting.names import Names, number
from api.exporting.table import Body, Cells, Table, columns

_ITEM = columns(
    ("cycle", "text", "key of the cycle"),
    ("starts_on", "day", "first day of the cycle"),
    ("commit_by", "day", "commit-by as first recorded"),
    ("ends_on", "day", "last day of the cycle"),
    ("row", "text", "line, added_late, not_committed, or moved_here (its line is in another cycle)"),
    ("objective", "text", "identifier of the objective"),
    ("objective_reference", "text", "its reference"),
    ("objective_title", "text", "its wording at the line; of what was not committed, at the basis"),
    ("objective_owner", "text", "identifier of its owner at the line"),
    ("objective_owner_name", "text", "that person's name in the directory as it is now"),
    ("team", "text", "identifier of its team at the line"),
    ("team_name", "text", "the team's name at the basis"),
    ("standing", "text", "of what was not committed or moved here: its standing at the basis"),
)
_LINE = columns(
    ("line", "whole", "number of the line: 1, and more after re-plans"),
    ("line_position", "whole", "position at which it was drawn"),
)
_TOLD = columns(
    ("committed_by", "text", "who recorded the line, as `person:…` or `service:…`"),
    ("committed_by_name", "text", "that person's name in the directory as it is now"),
    ("on_time", "flag", "whether the line was drawn by commit-by"),
    ("days_late", "whole", "days after commit-by"),
    ("words", "text", "on time or late, in words"),
    ("grade", "text", "witnessed, migrated or reconstructed"),
    ("synthesised", "flag", "whether an import made the commitment up from a snapshot"),
    ("no_record_at_start", "flag", "whether the source has no record at the start of the cycle"),
    ("confidence", "number", "the owner's confidence at kick-off, 0 to 1"),
    ("accepted_by", "text", "identifier of who accepted it"),
    ("accepted_by_name", "text", "that person's name in the directory as it is now"),
)
_KEY_RESULT = columns(
    ("key_result", "text", "identifier of the key result; empty where the line holds none"),
    ("key_result_reference", "text", "its reference"),
    ("key_result_title", "text", "its wording at the line"),
    ("key_result_owner", "text", "identifier of its owner at the line"),
    ("key_result_owner_name", "text", "that person's name in the directory as it is now"),
    ("key_result_standing", "text", "active, or dropped before the line"),
    ("measure", "text", "kind of measure"),
    ("unit", "text", "unit of the measure"),
    ("baseline", "number", "number at the start"),
    ("target", "number", "number committed to; of steps the last; empty for bands, stages and done"),
    ("target_words", "text", "the target in words"),
    ("weight", "number", "weight in the roll-up"),
    ("ambition", "text", "committed or aspirational"),
    ("key_result_ends_on", "day", "its own horizon, where it is shorter than the cycle's"),
)


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    cycle = {name: body[name] for name in ("cycle", "starts_on", "commit_by", "ends_on")}
    for row in body["objectives"]:
        for line in row["lines"]:
            facets = line["state"]["facets"]
            told = {**cycle, "row": "line", **_item(row, facets, names), **_line(line, names)}
            key_results = [one for one in line["state"]["key_results"] if "standing" in one["facets"]]
            if not key_results:
                yield {**told, **empty(_KEY_RESULT)}
            for key_result in key_results:
                yield {**told, **_key_result(key_result, names)}
        first = row["lines"][0]["state"]["facets"]
        for line in row["added_late"]:
            told = {**cycle, "row": "added_late", **_item(row, first, names), **_line(line, names)}
            yield {**told, **_key_result(line["state"], names)}
    for word in ("not_committed", "moved_here"):
        for row in body[word]:
            yield {**cycle, "row": word, **_without_line(row, names)}


def _value(facets: Mapping[str, Any], name: str) -> Any:
    return facets.get(name, {}).get("value")


def _item(row: Mapping[str, Any], facets: Mapping[str, Any], names: Names) -> Cells:
    owner, team = _value(facets, "owner"), _value(facets, "team")
    return {
        "objective": row["objective"],
        "objective_reference": row["reference"],
        "objective_title": _value(facets, "wording")["title"],
        "objective_owner": owner,
        "objective_owner_name": names.person(owner),
        "team": team,
        "team_name": names.team(team),
        "standing": None,
    }


def _line(line: Mapping[str, Any], names: Names) -> Cells:
    return {
        "line": line["line"],
        "line_position": line["position"],
        **when(line, names),
        "committed_by": line["by"],
        "committed_by_name": names.person(line["by"]),
        "on_time": line["on_time"],
        "days_late": line["days_late"],
        "words": line["words"],
        "grade": line["grade"],
        "synthesised": line["synthesised"],
        "no_record_at_start": line["no_record_at_start"],
        "confidence": line["confidence"],
        "accepted_by": line["accepted_by"],
        "accepted_by_name": names.person(line["accepted_by"]),
        **source(line, names),
    }


def _key_result(state: Mapping[str, Any], names: Names) -> Cells:
    facets = state["facets"]
    measure, target, owner = _value(facets, "measure"), _value(facets, "target"), _value(facets, "owner")
    return {
        "key_result": state["id"],
        "key_result_reference": state["reference"],
        "key_result_title": _value(facets, "wording")["title"],
        "key_result_owner": owner,
        "key_result_owner_name": names.person(owner),
        "key_result_standing": _value(facets, "standing")["word"],
        "measure": measure["kind"],
        "unit": measure.get("unit"),
        "baseline": _value(facets, "baseline"),
        "target": number(target),
        "target_words": names.facet("target", target),
        "weight": _value(facets, "weight"),
        "ambition": _value(facets, "ambition"),
        "key_result_ends_on": _value(facets, "ends_on"),
    }


def _without_line(row: Mapping[str, Any], names: Names) -> Cells:
    return {
        **empty((*_ITEM, *_LINE, *WHEN, *_TOLD, *SOURCE, *_KEY_RESULT)),
        "objective": row["objective"],
        "objective_reference": row["reference"],
        "objective_title": row["title"],
        "objective_owner": row["owner"],
        "objective_owner_name": names.person(row["owner"]),
        "standing": row["standing"],
        "line_position": row.get("line"),
    }


COMMITMENTS = Table(
    "commitments",
    "One row for each key result at each line of its objective, as it stood there; one for each key result that was "
    "added later, one for each objective without a line in the cycle.",
    (*_ITEM, *_LINE, *WHEN, *_TOLD, *SOURCE, *_KEY_RESULT),
    _flatten,
)
