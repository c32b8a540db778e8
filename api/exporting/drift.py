"""Drift as a table: one row for each change of a facet since the line, and one for each item that was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.exporting.changes import DECIDED, both, decided, sides
from api.exporting.items import BY, SOURCE, WHEN, WHY, by, empty, source, when, why
from api.exporting.names import Names
from api.exporting.table import Body, Cells, Table, columns

_ITEM = columns(
    ("cycle", "text", "key of the cycle"),
    ("objective", "text", "identifier of the objective"),
    ("objective_reference", "text", "its reference"),
    ("objective_title", "text", "its wording at its line"),
    ("line", "whole", "number of the line that is compared with"),
    ("line_position", "whole", "position of that line"),
    ("key_result", "text", "identifier of the key result; empty for the objective itself"),
    ("key_result_reference", "text", "its reference"),
    ("key_result_title", "text", "its wording at its line"),
    ("kept", "flag", "whether the item stands as committed; of an objective with all its key results"),
    ("score_said", "number", "the score that somebody gave"),
    ("score_of_line", "number", "the value at the basis, scored against line 1 or its own first line"),
    ("band_of_line", "text", "green, yellow or red of that score"),
    ("score_of_last_line", "number", "the same against the last line"),
    ("score_final", "number", "the same against the target as it stands at the basis"),
    ("band_final", "text", "green, yellow or red of that score"),
)
_FACET = (
    *columns(
        ("facet", "text", "what changed: target, baseline, owner …; empty for an item without a change"),
        ("kind", "text", "kept, retargeted, re-baselined, re-owned, dropped …"),
        ("direction", "text", "softer, harder or neutral: from the line to the basis"),
    ),
    *sides("", "the facet from line to basis:"),
    *columns(("successor", "text", "reference of what replaced or carries it on")),
)
_CHANGE = (
    *columns(
        ("change", "whole", "number of the single change behind the difference, from 1"),
        ("change_position", "whole", "position of the entry that made it"),
        ("change_name", "text", "stored name of that entry"),
        ("change_direction", "text", "softer, harder or neutral: of this change alone"),
    ),
    *sides("change_", "by this change:"),
)
_AFTER = columns(
    ("amends", "whole", "position of the entry that this change amends"),
    ("superseded_at", "whole", "position of the entry that superseded this change"),
)
_ALL = (*_ITEM, *_FACET, *_CHANGE, *WHEN, *BY, *WHY, *DECIDED, *SOURCE, *_AFTER)
_NO_FACET = empty((*_FACET, *_CHANGE, *WHEN, *BY, *WHY, *DECIDED, *SOURCE, *_AFTER))
_NO_CHANGE = empty((*_CHANGE, *WHEN, *BY, *WHY, *DECIDED, *SOURCE, *_AFTER))


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    for row in body["objectives"]:
        head = {
            "cycle": body["cycle"],
            "objective": row["objective"],
            "objective_reference": row["reference"],
            "objective_title": row["title"],
            "line": row["line"]["line"],
            "line_position": row["line"]["position"],
        }
        own = {"key_result": None, "key_result_reference": None, "key_result_title": None}
        yield from _item({**head, **own}, row, names)
        for inner in row["key_results"]:
            own = {
                "key_result": inner["key_result"],
                "key_result_reference": inner["reference"],
                "key_result_title": inner["title"],
            }
            yield from _item({**head, **own}, inner, names)


def _item(head: Cells, row: Mapping[str, Any], names: Names) -> Iterator[Cells]:
    item = {**head, "kept": row["kept"], **_scores(row["scores"])}
    if not row["facets"]:
        yield {**item, **_NO_FACET, "kind": "kept"}
    for facet in row["facets"]:
        told = {
            **item,
            **_NO_CHANGE,
            "facet": facet["facet"],
            "kind": facet["kind"],
            "direction": facet["direction"],
            **both("", facet["facet"], facet["old"], facet["new"], names),
            "successor": names.reference(facet.get("successor")) or facet.get("successor"),
        }
        if not facet["changes"]:
            yield told
        for place, change in enumerate(facet["changes"], start=1):
            yield {**told, "change": place, **_change(facet["facet"], change, names)}


def _change(facet: str, change: Mapping[str, Any], names: Names) -> Cells:
    return {
        "change_position": change["position"],
        "change_name": change["name"],
        "change_direction": change["direction"],
        **both("change_", facet, change["old"], change["new"], names),
        **when(change, names),
        **by(change, names),
        **why(change),
        **decided(change["decided"], names),
        **source(change, names),
        "amends": change["amends"],
        "superseded_at": change["superseded_at"],
    }


def _scores(scores: Mapping[str, Any]) -> Cells:
    lines: list[Mapping[str, Any]] = scores["lines"] or [{}]
    final = scores["final"] or {}
    return {
        "score_said": scores["said"],
        "score_of_line": lines[0].get("score"),
        "band_of_line": lines[0].get("band"),
        "score_of_last_line": lines[-1].get("score"),
        "score_final": final.get("score"),
        "band_final": final.get("band"),
    }


DRIFT = Table(
    "drift",
    "One row for each single change of each facet of each objective and key result since its line; an item without a "
    "change has one row of the kind kept, so nothing that was committed is missing.",
    _ALL,
    _flatten,
)
