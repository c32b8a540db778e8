"""Who decided a change, and how we know: their own record, a confirmation, an assertion, a ratification, a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]


class Decisions:
    """Decisions known at a basis, by identifier and by the changes that they ratify."""

    def __init__(self, rows: Sequence[Row], zone: ZoneInfo) -> None:
        self._zone = zone
        self._by_id = {row["decision"]: row for row in rows}
        self._ratifying: dict[int, Row] = {}
        for row in sorted(rows, key=lambda row: row["position"]):
            for position in row["ratifies"]:
                self._ratifying.setdefault(position, row)

    def of(self, change: Row) -> dict[str, Any]:
        """Return how a change was decided; an entry that links a decision tells that decision.

        Shape: `{how: own | confirmed | asserted | ratified | according_to_source | none, words, decision,
        decided_by, recorded_by, confirmed_by, decided_at, text, author, days_later}`. *own*: the decider wrote the
        decision down; *asserted*: somebody else did and the decider has not confirmed it.
        """
        row = self._by_id.get(change["decision"]) if change["decision"] is not None else self._linked(change)
        if row is not None:
            how = standing_of(row)
            return _told(how, _WORDS[how], row)
        row = self._ratifying.get(change["position"])
        if row is not None:
            return _told("ratified", self._later(row, change), row, self._days(row, change))
        if change["decision"] is not None:
            return _told(
                "none", "the decision that it names was retracted or is not known at this basis", None
            )
        source = change["source"]
        if source is not None:
            told = _told(
                "according_to_source", "changed by its author according to the source, decider unknown", None
            )
            told["author"] = source.get("author")
            return told
        return _told("none", "no decision is recorded", None)

    def _linked(self, entry: Row) -> Row | None:
        """Return the decision that an entry links to its objective: the one recorded by the same append.

        Rows of one append differ by a microsecond; a decision that is not shown is not mistaken for another.
        """
        if entry.get("name") != "objective.decision_linked":
            return None
        touching = [row for row in self._by_id.values() if entry["objective"] in row["touches"]]
        found = [row for row in touching if _is_one_append(row, entry)]
        return max(found, key=lambda row: int(row["position"]), default=None)

    def _days(self, decision: Row, change: Row) -> int:
        later, earlier = (_moment(row).astimezone(self._zone).date() for row in (decision, change))
        return (later - earlier).days

    def _later(self, decision: Row, change: Row) -> str:
        return later_words(self._days(decision, change), decision)


_WORDS = {
    "own": "decided and recorded by the decider",
    "confirmed": "recorded by another and confirmed by the decider",
    "asserted": "asserted by the recorder, not confirmed by the decider",
}


def later_words(days: int, decision: Row | None) -> str:
    """Return how a change was ratified: `ratified 3 days later, asserted`."""
    when = "the same day" if days == 0 else f"{days} day{'s' if days != 1 else ''} later"
    is_asserted = decision is not None and standing_of(decision) == "asserted"
    return f"ratified {when}" + (", asserted" if is_asserted else "")


def standing_of(decision: Row) -> str:
    """Return own, confirmed or asserted."""
    if decision["recorded_by"] == f"person:{decision['decided_by']}":
        return "own"
    return "confirmed" if decision["confirmed_position"] is not None else "asserted"


def _told(how: str, words: str, row: Row | None, days_later: int | None = None) -> dict[str, Any]:
    return {
        "how": how,
        "words": words,
        "decision": row and row["decision"],
        "decided_by": row and row["decided_by"],
        "recorded_by": row and row["recorded_by"],
        "confirmed_by": row and row["confirmed_by"],
        "decided_at": row and row["decided_at"],
        "text": row and row["text"],
        "author": None,
        "days_later": days_later,
    }


def _is_one_append(decision: Row, entry: Row) -> bool:
    apart = entry["position"] - decision["position"]
    return bool(apart > 0) and _moment(entry) - _moment(decision) == timedelta(microseconds=apart)


def _moment(row: Row) -> datetime:
    return datetime.fromisoformat(row["recorded_at"])
