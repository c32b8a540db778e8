"""Changes as cells: a facet before and after, in words and as numbers, and how the change was decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.exporting.names import Names, instant, number
from api.exporting.table import Cells, Column, columns

DECIDED: tuple[Column, ...] = columns(
    ("decided", "text", "own, confirmed, asserted, ratified, according_to_source or none"),
    ("decided_words", "text", "the same in words"),
    ("decision", "text", "identifier of the decision"),
    ("decided_by", "text", "identifier of who decided"),
    ("decided_by_name", "text", "that person's name in the directory as it is now"),
    ("decided_at", "instant", "when it was decided, where it says an hour"),
    ("decided_on", "day", "day on which it was decided, in the organisation's zone"),
    ("decision_text", "text", "wording of the decision"),
)


def decided(told: Mapping[str, Any], names: Names) -> Cells:
    """Return the cells of how a change was decided."""
    return {
        "decided": told["how"],
        "decided_words": told["words"],
        "decision": told["decision"],
        "decided_by": told["decided_by"],
        "decided_by_name": names.person(told["decided_by"]),
        "decided_at": instant(told["decided_at"]),
        "decided_on": names.day(told["decided_at"]),
        "decision_text": told["text"],
    }


def sides(prefix: str, what: str) -> tuple[Column, ...]:
    """Return the columns of a facet before and after."""
    return columns(
        (f"{prefix}old", "text", f"{what} before, in words"),
        (f"{prefix}new", "text", f"{what} after, in words"),
        (f"{prefix}old_number", "number", f"{what} before, where it is one number"),
        (f"{prefix}new_number", "number", f"{what} after, where it is one number"),
    )


def both(prefix: str, facet: str, old: Any, new: Any, names: Names) -> Cells:
    """Return the cells of a facet before and after."""
    return {
        f"{prefix}old": names.facet(facet, old),
        f"{prefix}new": names.facet(facet, new),
        f"{prefix}old_number": number(old),
        f"{prefix}new_number": number(new),
    }
