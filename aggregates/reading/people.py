"""Owners as a reading shows them: the person's identifier and presence; names are added at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Owners:
    """The presence of each person on a day, looked up once."""

    def __init__(self, people: Mapping[str, Any]) -> None:
        self._people = people
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, person: str) -> dict[str, Any]:
        """Return `{id, presence: here | left | on_leave | unknown, since, acting_owner?, expected_back_on?}`."""
        known = self._known.get(person)
        if known is None:
            known = self._known[person] = owner_row(person, self._people.get(person))
        return known


def owner_row(person: str, state: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how an owner is shown, from the `presence` facet of a person's state."""
    fact = None if state is None else state.get("facets", state).get("presence")
    if fact is None:
        return {"id": person, "presence": "unknown", "since": None}
    value = fact["value"]
    row = {"id": person, "presence": value["word"], "since": fact["effective_at"]}
    for name in ("acting_owner", "expected_back_on"):
        if name in value:
            row[name] = value[name]
    return row
