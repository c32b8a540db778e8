"""Findings as a table: one row for each, with the last answer beside it."""

from __future__ import annotations

from collections.abc import Iterator

from api.exporting.items import BY, SOURCE, WHEN, WHY, by, source, when, why
from api.exporting.names import Names, joined
from api.exporting.table import Body, Cells, Table, columns

_FINDING = columns(
    ("rule", "text", "the rule that found it"),
    ("cause", "whole", "position of the entry that caused it; with the rule, its address"),
    ("sentence", "text", "what an auditor would ask"),
    ("direction", "text", "softer, harder or neutral, where it is a change"),
    ("standing", "text", "open, explained, accepted or disputed"),
    ("cycle", "text", "key of the cycle"),
    ("objective", "text", "identifier of the objective; empty where it is about the cycle"),
    ("objective_reference", "text", "its reference"),
    ("key_result", "text", "identifier of the key result"),
    ("key_result_reference", "text", "its reference"),
    ("facets", "text", "the facets that changed"),
    ("concerns", "text", "positions of the entries that the decision ratifies, or that stand without it"),
    ("decision", "text", "identifier of the decision that the entry cites"),
    ("ratified_by", "text", "identifiers of the decisions that ratify it"),
    ("ratified_days_later", "whole", "days after which the first of them came"),
    ("answers_number", "whole", "how many answers were given"),
    ("answered_by", "text", "who gave the last answer"),
    ("answered_by_name", "text", "that person's name in the directory as it is now"),
    ("answered_at", "instant", "when the last answer was given"),
    ("answer_text", "text", "its wording"),
    ("superseded_at", "whole", "position of the entry that superseded the cause"),
    ("recorded_in_error", "flag", "whether the item was recorded in error"),
)


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    for row in body["findings"]:
        last = row["answers"][-1] if row["answers"] else {}
        yield {
            "rule": row["rule"],
            "cause": row["cause"],
            "sentence": row["sentence"],
            "direction": row["direction"],
            "standing": row["standing"],
            "cycle": row["cycle"],
            "objective": row["objective"],
            "objective_reference": names.reference(row["objective"]),
            "key_result": row["key_result"],
            "key_result_reference": names.reference(row["key_result"]),
            "facets": joined(change["facet"] for change in row["changes"]),
            "concerns": joined(str(one["position"]) for one in row["concerns"]),
            "decision": row["decision"],
            "ratified_by": joined(one["decision"] for one in row["ratified_by"]),
            "ratified_days_later": row["ratified_by"][0]["days_later"] if row["ratified_by"] else None,
            "answers_number": len(row["answers"]),
            "answered_by": last.get("by"),
            "answered_by_name": names.person(last.get("by")),
            "answered_at": last.get("recorded_at"),
            "answer_text": last.get("text"),
            "superseded_at": row["superseded_at"],
            "recorded_in_error": row["recorded_in_error"],
            **when(row, names),
            **by(row, names),
            **why(row),
            **source(row, names),
        }


FINDINGS = Table(
    "findings",
    "One row for each finding and each objective that it concerns; nothing disappears.",
    (*_FINDING, *WHEN, *BY, *WHY, *SOURCE),
    _flatten,
)
