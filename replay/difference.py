"""The first place where two ways to one answer part: found, named, and said in a sentence."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two ways to one answer part."""

    where: str
    item: str
    facet: str
    expected: Any
    found: Any
    position: int
    effective_on: date | None = None

    def sentence(self) -> str:
        """Return the difference in one sentence."""
        day = f" and the end of {self.effective_on}" if self.effective_on else ""
        place = f"{self.where}, {self.item}, {self.facet}".rstrip(", ")
        return (
            f"{place}: at position {self.position}{day} the entries say {_short(self.expected)}, "
            f"but {_short(self.found)} was found."
        )


class Differs(Exception):
    """Raised inside the comparison at the first difference."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.sentence())
        self.difference = difference


def check_same(where: str, expected: Any, found: Any, position: int, effective_on: date | None) -> None:
    """Raise Differs at the first place where the two differ, if any."""
    if expected == found:
        return
    item, facet, left, right = first_difference(expected, found, ("", ""))
    raise Differs(Difference(where, item, facet, left, right, position, effective_on))


def first_difference(expected: Any, found: Any, place: tuple[str, str]) -> tuple[str, str, Any, Any]:
    """Return `(item, facet, expected, found)` of the first difference between two answers."""
    if isinstance(expected, dict) and isinstance(found, dict):
        place = (_named(expected) or place[0], place[1])
        for key in [*expected, *(key for key in found if key not in expected)]:
            left, right = expected.get(key), found.get(key)
            if left != right or (key in expected) != (key in found):
                return first_difference(left, right, (place[0], f"{place[1]}/{key}"))
    if isinstance(expected, list) and isinstance(found, list):
        for number, (left, right) in enumerate(zip(expected, found, strict=False)):
            if left != right:
                return first_difference(left, right, (place[0], f"{place[1]}/{number}"))
        shorter = min(len(expected), len(found))
        rest = (expected[shorter : shorter + 1] or [None])[0], (found[shorter : shorter + 1] or [None])[0]
        return place[0], f"{place[1]}/{shorter}", *rest
    return place[0], place[1].lstrip("/"), expected, found


def _named(row: dict[str, Any]) -> str | None:
    for name in ("reference", "decision", "rule"):
        with suppress(KeyError):
            return f"{row[name]}" if name != "rule" else f"{row['rule']} caused by {row['cause']}"
    if "objective" in row and "position" in row:
        return f"{row['key_result'] or row['objective']} at {row['position']}"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
