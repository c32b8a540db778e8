"""What a finding about a decision is about: the entries that it ratifies, or that stand without it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.reading.deeds import told
from aggregates.reading.history import Row
from aggregates.values import day_of

_MOST = 3
_NAMED = {
    "objective.committed": "the objective was committed",
    "objective.replanned": "the objective was planned anew",
    "cycle.commit_by_moved": "the commit-by was moved",
    "cycle.opened": "the cycle was opened",
    "cycle.opening_voided": "an opening was voided",
    "cycle.closed": "the cycle was closed",
}
"""What was done by an entry that changes no facet, by its stored name."""


class Concerned:
    """The entries that findings about decisions speak of, by what is known of the changes and of other findings."""

    def __init__(
        self,
        findings: Sequence[Row],
        changes: Sequence[Row],
        known: Mapping[tuple[int, str], Sequence[Mapping[str, Any]]],
        zone: ZoneInfo,
    ) -> None:
        self._known, self._zone = known, zone
        self._entries: dict[tuple[int, str | None], Row] = {
            (row["position"], row["objective"]): row for row in changes
        }
        for row in findings:
            self._entries.setdefault((row["cause"], row["objective"]), row)

    def by(self, finding: Row) -> list[dict[str, Any]]:
        """Return `{position, key_result, recorded_at, words, days_before}` of each, in the order of positions.

        An entry that stands outside what was asked (another effective day) is told by its position alone.
        """
        detail = finding.get("detail") or {}
        positions = detail.get("ratifies") or (
            detail.get("changes", ()) if finding["rule"] == "decision_retracted" else ()
        )
        return [self._one(position, finding) for position in positions]

    def _one(self, position: int, finding: Row) -> dict[str, Any]:
        entry = self._entries.get((position, finding["objective"]))
        return {
            "position": position,
            "key_result": None if entry is None else entry["key_result"],
            "recorded_at": None if entry is None else entry["recorded_at"],
            "words": self._words(position, finding["objective"], entry),
            "days_before": None if entry is None else self._day(finding) - self._day(entry),
        }

    def _words(self, position: int, objective: str | None, entry: Row | None) -> str:
        moved = self._known.get((position, objective)) if objective is not None else None
        if entry is not None and entry.get("name") == "key_result.added":
            return "key result added"
        if moved:
            deeds = [one["words"] for one in moved if one["old"] != one["new"]] or [moved[0]["words"]]
            text = told(deeds)
            return text[:1].lower() + text[1:]
        name = None if entry is None else entry.get("name")
        return _NAMED.get(str(name), f"what entry {position} recorded")

    def _day(self, row: Row) -> int:
        return day_of(datetime.fromisoformat(row["recorded_at"]), self._zone).toordinal()


def concerns_told(rule: str, concerns: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence of a finding about a decision, which names each entry by what it did and its position."""
    shown = [
        _named(one, with_days=rule == "ratified_later" and len(concerns) > 1) for one in concerns[:_MOST]
    ]
    if len(concerns) > _MOST:
        shown.append(f"{len(concerns) - _MOST} more")
    named, single = "; ".join(shown), len(concerns) == 1
    if rule == "decision_retracted":
        what = "a change" if single else f"{len(concerns)} changes"
        return f"The decision behind {what} was retracted, so nobody has decided: {named}."
    if rule == "owner_decided_own_target":
        what = "a change" if single else f"{len(concerns)} changes"
        return f"The owner decided {what} of their own commitment: {named}."
    if not single:
        return f"The decision was recorded after the {len(concerns)} changes that it ratifies: {named}."
    when = _days(concerns[0]["days_before"])
    return (
        f"The decision was recorded {f'{when} ' if when else ''}after the change that it ratifies: {named}."
    )


def _named(one: Mapping[str, Any], *, with_days: bool) -> str:
    days = _days(one["days_before"]) if with_days else ""
    place = f"entry {one['position']}"
    if one["words"].endswith(f"{place} recorded"):
        return str(one["words"])
    return f"{one['words']} ({place}{f', {days} before' if days else ''})"


def _days(days: int | None) -> str:
    return "" if not days else f"{days} day{'s' if days != 1 else ''}"
