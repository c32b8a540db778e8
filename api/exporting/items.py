"""Cells that several tables share: who did it, when, why, from which source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.exporting.names import Names, instant
from api.exporting.table import Cells, Column, columns

Part = Mapping[str, Any]

WHEN: tuple[Column, ...] = columns(
    ("recorded_at", "instant", "when the ledger was told"),
    ("effective_at", "instant", "when it became true; empty where a fact carries a day and no hour"),
    ("effective_on", "day", "day on which it became true, in the organisation's zone"),
)
BY: tuple[Column, ...] = columns(
    ("recorded_by", "text", "who recorded it, as `person:…` or `service:…`"),
    ("recorded_by_name", "text", "that person's name in the directory as it is now"),
    ("on_behalf_of", "text", "for whom it was recorded"),
)
WHY: tuple[Column, ...] = columns(
    (
        "reason_class",
        "text",
        "class of the reason: recalibration, scope, measurement_fault, external, editorial",
    ),
    ("reason", "text", "the reason, as written"),
)
SOURCE: tuple[Column, ...] = columns(
    ("source", "text", "source that it was imported from"),
    ("source_version", "text", "version of the source"),
    ("source_author", "text", "who wrote that version, by the name in the directory, else the identifier"),
)


def when(row: Part, names: Names) -> Cells:
    """Return the cells of both times."""
    return {
        "recorded_at": row["recorded_at"],
        "effective_at": instant(row["effective_at"]),
        "effective_on": names.day(row["effective_at"]),
    }


def by(row: Part, names: Names) -> Cells:
    """Return the cells of who recorded it."""
    return {
        "recorded_by": row["by"],
        "recorded_by_name": names.person(row["by"]),
        "on_behalf_of": row.get("on_behalf_of"),
    }


def why(row: Part) -> Cells:
    """Return the cells of the reason."""
    reason = row.get("reason") or {}
    return {"reason_class": reason.get("kind"), "reason": reason.get("text")}


def source(row: Part, names: Names) -> Cells:
    """Return the cells of the source."""
    found = row.get("source") or {}
    author = found.get("author")
    return {
        "source": found.get("name"),
        "source_version": found.get("version"),
        "source_author": names.person(author) or author,
    }


def empty(told: tuple[Column, ...]) -> Cells:
    """Return the cells of these columns with nothing in them."""
    return dict.fromkeys(column.name for column in told)
