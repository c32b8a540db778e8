"""Triage: findings chosen by what they have in common, and grouped by decision, person, owner or team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

Row = Mapping[str, Any]
Grouping = Literal["decision", "person", "owner", "team"]
GROUPINGS: Final[tuple[Grouping, ...]] = ("decision", "person", "owner", "team")
STANDINGS: Final = ("open", "answered", "explained", "accepted", "disputed")
DIRECTIONS: Final = ("softer", "harder", "neutral")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which findings are meant: those that have everything that is said here in common.

    `standing` is `open`, `answered` or one of the answers; `person` who made the change, `owner` the owner of the
    objective and `team` its team or one above it, as identifiers, at the basis.
    """

    standing: str | None = None
    rule: str | None = None
    direction: str | None = None
    person: str | None = None
    owner: str | None = None
    team: str | None = None
    recorded_in_error: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said, so that every finding is meant."""
        return all(getattr(self, one.name) is None for one in fields(self))

    def said(self) -> dict[str, str]:
        """Return what is said, as the parameters of an address say it."""
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _text(value) for name, value in held.items() if value is not None}

    @property
    def needs_states(self) -> bool:
        """Whether objectives and teams must be known to choose."""
        return self.owner is not None or self.team is not None


EVERY_FINDING: Final = Selection()


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


class Surroundings:
    """What a finding's objective belongs to at the basis: its owner, its team and the teams above."""

    def __init__(self, states: Sequence[Row], teams: Mapping[str, Row]) -> None:
        self._objectives = {state["id"]: state["facets"] for state in states}
        self._teams = teams

    def owner(self, row: Row) -> str | None:
        """Return the owner of the finding's objective."""
        return self._value(row, "owner")

    def team(self, row: Row) -> str | None:
        """Return the team of the finding's objective."""
        return self._value(row, "team")

    def chain(self, team: str | None) -> list[str]:
        """Return a team and every team above it."""
        found: list[str] = []
        while team is not None and team not in found:
            found.append(team)
            parent = self._teams.get(team, {}).get("parent")
            team = parent["value"] if parent else None
        return found

    def name(self, team: str) -> str | None:
        """Return the name of a team."""
        known = self._teams.get(team)
        return known["name"]["value"] if known else None

    def _value(self, row: Row, facet: str) -> str | None:
        fact = self._objectives.get(row["objective"] or "", {}).get(facet)
        return fact["value"] if fact else None


def person_of(row: Row) -> str | None:
    """Return who made a change, as an identifier: the source's author, for whom it was done, or who recorded it."""
    author = (row["source"] or {}).get("author")
    who = author or row["on_behalf_of"] or row["by"]
    return who.rpartition(":")[2] if who else None


def chosen(rows: Iterable[Row], selection: Selection, around: Surroundings) -> list[Row]:
    """Return the completed findings that a selection means."""
    return [row for row in rows if _is_meant(row, selection, around)]


def _is_meant(row: Row, wanted: Selection, around: Surroundings) -> bool:
    if wanted.standing is not None:
        is_open = row["standing"] == "open"
        if not (not is_open if wanted.standing == "answered" else row["standing"] == wanted.standing):
            return False
    return (
        wanted.rule in (None, row["rule"])
        and wanted.direction in (None, row["direction"])
        and (wanted.person is None or wanted.person == person_of(row))
        and (wanted.owner is None or wanted.owner == around.owner(row))
        and (wanted.team is None or wanted.team in around.chain(around.team(row)))
        and wanted.recorded_in_error in (None, row["recorded_in_error"])
    )


def grouped(
    rows: Sequence[Row], by: Grouping, around: Surroundings, decisions: Sequence[Row] = ()
) -> list[dict[str, Any]]:
    """Return the findings by what they have in common, those with nothing first, then those with most that is open.

    Shape: `[{key, title, above: [{team, name}], decided: {…} | null, counts: {findings, open, answered, softer,
    harder, neutral}, findings: [{rule, cause}]}]`. `key` is a decision (cited by the change, or ratifying it), who
    made the change, the owner of the objective, or its team; null for none. A finding that two decisions ratify
    stands in two groups; one that concerns two objectives is one address and two rows.
    """
    known = {row["decision"]: row for row in decisions}
    found: dict[str | None, list[Row]] = {}
    for row in rows:
        for key in _keys(row, by, around):
            found.setdefault(key, []).append(row)
    groups = [_group(key, by, held, around, known) for key, held in found.items()]
    return sorted(groups, key=_place)


def _place(group: Row) -> tuple[bool, int, int, str]:
    counts = group["counts"]
    return (group["key"] is not None, -counts["open"], -counts["findings"], group["key"] or "")


def _keys(row: Row, by: Grouping, around: Surroundings) -> list[str | None]:
    if by == "person":
        return [person_of(row)]
    if by == "owner":
        return [around.owner(row)]
    if by == "team":
        return [around.team(row)]
    cited = [row["decision"], *(one["decision"] for one in row["ratified_by"])]
    return list(dict.fromkeys(one for one in cited if one is not None)) or [None]


def _group(
    key: str | None, by: Grouping, rows: Sequence[Row], around: Surroundings, decisions: Mapping[str, Row]
) -> dict[str, Any]:
    decision = decisions.get(key) if by == "decision" and key is not None else None
    title = decision and decision["text"]
    if by == "team" and key is not None:
        title = around.name(key)
    above = around.chain(key)[1:] if by == "team" else []
    addresses = dict.fromkeys((row["rule"], row["cause"]) for row in rows)
    return {
        "key": key,
        "title": title,
        "above": [{"team": team, "name": around.name(team)} for team in above],
        "decided": decision and {name: decision[name] for name in _OF_DECISION},
        "counts": {"findings": len(rows), **counted(rows)},
        "findings": [{"rule": rule, "cause": cause} for rule, cause in addresses],
    }


_OF_DECISION = ("position", "recorded_at", "standing", "decided_by", "recorded_by", "confirmed_by")


def counted(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many are open, answered, softer, harder and neutral."""
    is_open = sum(row["standing"] == "open" for row in rows)
    return {
        "open": is_open,
        "answered": len(rows) - is_open,
        **{word: sum(row["direction"] == word for row in rows) for word in DIRECTIONS},
    }
