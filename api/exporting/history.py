"""History as a table: one row for each facet that each entry set."""

from __future__ import annotations

from collections.abc import Iterator

from api.exporting.changes import DECIDED, both, decided, sides
from api.exporting.items import BY, SOURCE, WHEN, WHY, by, empty, source, when, why
from api.exporting.names import Names
from api.exporting.table import Body, Cells, Table, columns

_ENTRY = columns(
    ("position", "whole", "position of the entry"),
    ("name", "text", "its stored name, such as key_result.target_changed"),
    ("objective", "text", "identifier of the objective"),
    ("objective_reference", "text", "its reference"),
    ("key_result", "text", "identifier of the key result; empty where the entry is about the objective"),
    ("key_result_reference", "text", "its reference"),
)
_FACET = (
    *columns(("facet", "text", "what it set; empty for an entry that sets nothing")),
    *sides("", "the facet"),
    *columns(("in_force", "flag", "whether what it set came into force in the order of the facts")),
)
_AFTER = columns(
    ("supersedes", "whole", "position of the entry that it amends or retracts"),
    ("superseded_at", "whole", "position of the entry that superseded it"),
)
_NO_FACET = empty(_FACET)


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    for entry in body["entries"]:
        told = {
            "position": entry["position"],
            "name": entry["name"],
            "objective": entry["objective"],
            "objective_reference": names.reference(entry["objective"]),
            "key_result": entry["key_result"],
            "key_result_reference": names.reference(entry["key_result"]),
            **when(entry, names),
            **by(entry, names),
            **why(entry),
            **decided(entry["decided"], names),
            **source(entry, names),
            "supersedes": entry["supersedes"],
            "superseded_at": entry["superseded_at"],
        }
        if not entry["changes"]:
            yield {**told, **_NO_FACET}
        for change in entry["changes"]:
            facet = change["facet"]
            yield {
                **told,
                "facet": facet,
                **both("", facet, change["before"], change["after"], names),
                "in_force": change["in_force"],
            }


HISTORY = Table(
    "history",
    "One row for each facet that each entry set, in the order in which the facts became true; an entry that sets "
    "nothing has one row.",
    (*_ENTRY, *WHEN, *_FACET, *BY, *WHY, *DECIDED, *SOURCE, *_AFTER),
    _flatten,
)
