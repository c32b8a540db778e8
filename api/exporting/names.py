"""Names for the identifiers of an answer: people, teams, references; and values as numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.show.words import Words

Body = Mapping[str, Any]


class Names:
    """What an answer calls the people, teams and items in it, and the organisation's zone."""

    def __init__(self, body: Body, zone: ZoneInfo) -> None:
        self._words = Words(body, zone)
        self._people: Mapping[str, Any] = body.get("people", {})
        self._teams: Mapping[str, Any] = body.get("teams", {})
        self._zone = zone

    def person(self, actor: str | None) -> str | None:
        """Return the name of a person, service or alias; None where the directory holds none."""
        if actor is None:
            return None
        known = self._people.get(actor.rpartition(":")[2])
        return known.get("name") if known else None

    def team(self, identifier: str | None) -> str | None:
        """Return the name of a team; None where the answer holds none."""
        if identifier is None or identifier not in self._teams:
            return None
        return self._words.team(identifier)

    def reference(self, identifier: str | None) -> str | None:
        """Return the reference of an objective or key result that the answer names."""
        if identifier is None:
            return None
        found = self._words.item(identifier)
        return None if found == identifier else found

    def references(self, identifiers: Iterable[str]) -> str | None:
        """Return the references of items in one cell; the identifier of one that the answer does not name."""
        return joined(self.reference(one) or one for one in identifiers)

    def day(self, moment: str | None) -> str | None:
        """Return the organisation's day of a day or an instant."""
        if moment is None or len(moment) == 10:
            return moment
        return datetime.fromisoformat(moment).astimezone(self._zone).date().isoformat()

    def facet(self, facet: str, value: Any) -> str | None:
        """Return the value of a facet in words, whole: a wording with its description, a measure with its path."""
        if value is None:
            return None
        if isinstance(value, Mapping) and value.get("private"):
            return "private"
        if facet == "wording":
            return ": ".join(value[name] for name in ("title", "description") if value.get(name))
        if facet == "measure":
            told = (value.get("unit"), value.get("indicator"), f"path {value.get('path', 'none')}")
            return ", ".join([value["kind"].replace("_", " "), *[one for one in told if one]])
        return self._words.facet(facet, value) or None


def instant(moment: str | None) -> str | None:
    """Return an instant; None for a day, which has no hour."""
    return None if moment is None or len(moment) == 10 else moment


def number(value: Any) -> str | None:
    """Return the one number of a value or a target, where it is one: a point, or the last of the steps."""
    if isinstance(value, Mapping):
        if value.get("kind") == "point":
            return number(value["at"])
        if value.get("kind") == "steps":
            return number(value["steps"][-1]["at"])
        return None
    if not isinstance(value, str) or not value.isascii():
        return None
    whole, _, part = value.removeprefix("-").partition(".")
    return value if whole.isdigit() and (not part or part.isdigit()) and not value.endswith(".") else None


def joined(parts: Iterable[Any]) -> str | None:
    """Return several things in one cell, apart by semicolons; None for none."""
    return "; ".join(map(str, parts)) or None
