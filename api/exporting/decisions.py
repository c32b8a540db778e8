"""Decisions as a table: one row for each."""

from __future__ import annotations

from collections.abc import Iterator

from api.exporting.items import SOURCE, WHEN, source, when
from api.exporting.names import Names, instant, joined
from api.exporting.table import Body, Cells, Table, columns

_DECISION = columns(
    ("decision", "text", "identifier of the decision"),
    ("position", "whole", "position of the version that stands"),
    ("text", "text", "its wording"),
    ("decided_by", "text", "identifier of who decided"),
    ("decided_by_name", "text", "that person's name in the directory as it is now"),
    ("decided_at", "instant", "when it was decided, where it says an hour"),
    ("decided_on", "day", "day on which it was decided, in the organisation's zone"),
    ("recorded_by", "text", "who wrote it down, as `person:…` or `service:…`"),
    ("recorded_by_name", "text", "that person's name in the directory as it is now"),
    ("on_behalf_of", "text", "for whom it was written down"),
    ("standing", "text", "own, confirmed or asserted"),
    ("confirmed_by", "text", "who confirmed it"),
    ("confirmed_by_name", "text", "that person's name in the directory as it is now"),
    ("confirmed_at", "instant", "when it was confirmed"),
    ("touches", "text", "references of the objectives that it touches"),
    ("touches_number", "whole", "how many they are"),
    ("changes", "text", "positions of the changes that cite it"),
    ("changes_number", "whole", "how many they are"),
    ("ratifies", "text", "positions of the changes that it ratifies"),
    ("supersedes", "whole", "position of the version that it amends"),
)


def _flatten(body: Body, names: Names) -> Iterator[Cells]:
    for row in body["decisions"]:
        yield {
            "decision": row["decision"],
            "position": row["position"],
            "text": row["text"],
            "decided_by": row["decided_by"],
            "decided_by_name": names.person(row["decided_by"]),
            "decided_at": instant(row["decided_at"]),
            "decided_on": names.day(row["decided_at"]),
            "recorded_by": row["recorded_by"],
            "recorded_by_name": names.person(row["recorded_by"]),
            "on_behalf_of": row["on_behalf_of"],
            "standing": row["standing"],
            "confirmed_by": row["confirmed_by"],
            "confirmed_by_name": names.person(row["confirmed_by"]),
            "confirmed_at": row["confirmed_at"],
            "touches": names.references(row["touches"]),
            "touches_number": len(row["touches"]),
            "changes": joined(change["position"] for change in row["changes"]),
            "changes_number": len(row["changes"]),
            "ratifies": joined(row["ratifies"]),
            "supersedes": row["supersedes"],
            **when(row, names),
            **source(row, names),
        }


DECISIONS = Table(
    "decisions",
    "One row for each decision, as its last version says it.",
    (*_DECISION, *WHEN, *SOURCE),
    _flatten,
)
