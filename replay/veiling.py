"""What a reader may not see, taken out: rows before an answer is completed, names after, lines of the feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from aggregates.values import instant_text
from ledger.codec import RawEntry, export_line
from replay.presenting import identifiers_in
from replay.sight import Sight

Row = dict[str, Any]
_TOLD = {
    "how": "private", "words": "decided; the decision is private", "decision": None, "decided_by": None,
    "recorded_by": None, "confirmed_by": None, "decided_at": None, "text": None, "author": None, "days_later": None,
    "private": True,
}  # fmt: skip
"""How a change was decided, where the decision touches something that the reader does not see."""


def visible_line(row: RawEntry, sight: Sight) -> bytes:
    """Return the native line of an entry, or, where it is about anything hidden, `{position, recorded_at, private}`."""
    return private_line(row) if is_private(row, sight) else export_line(row)


def is_private(row: RawEntry, sight: Sight) -> bool:
    """Return whether an entry stands on a hidden stream or names something hidden."""
    if not sight.names:
        return False
    return sight.hides(row.stream) or not sight.names.isdisjoint(identifiers_in(bytes(row.data)))


def restricted_in(rows: Sequence[RawEntry], sight: Sight) -> frozenset[str]:
    """Return what these entries name that the reader sees by office only."""
    if not sight.office:
        return frozenset()
    named = {
        name for row in rows for name in (row.stream.rpartition(":")[2], *identifiers_in(bytes(row.data)))
    }
    return sight.office & named


def private_line(row: RawEntry) -> bytes:
    """Return what stands in the place of an entry that is hidden: the feed stays without gaps."""
    told = {"position": row.position, "recorded_at": instant_text(row.recorded_at), "private": True}
    return orjson.dumps(told)


def parted(rows: Sequence[Row], is_hidden: Callable[[Row], bool]) -> tuple[list[Row], int]:
    """Return the rows that are not hidden, and how many are."""
    shown = [row for row in rows if not is_hidden(row)]
    return shown, len(rows) - len(shown)


def is_hidden_finding(row: Row, sight: Sight) -> bool:
    """Return whether a finding is about a hidden objective or caused by a decision that touches one."""
    if row["objective"] in sight.hidden:
        return True
    by_decision = row["rule"] == "decision_retracted" or row["name"].startswith("decision.")
    return by_decision and row["decision"] in sight.decisions


def decisions_shown(rows: Sequence[Row], sight: Sight) -> tuple[list[Row], int]:
    """Return the decisions that touch nothing hidden, without what they changed there, and how many others are."""
    shown, private = parted(rows, lambda row: row["decision"] in sight.decisions)
    if sight.hidden:
        shown = [_without_hidden(row, sight) for row in shown]
    return shown, private


def _without_hidden(row: Row, sight: Sight) -> Row:
    changes, private = parted(row["changes"], lambda change: change.get("objective") in sight.hidden)
    return {**row, "changes": changes, "private": private} if private else row


def masked(value: Any, sight: Sight) -> Any:
    """Return an answer in which nothing hidden is named: a name becomes null and its place says `private`."""
    if isinstance(value, Mapping):
        if value.get("decision") in sight.decisions and "how" in value:
            return dict(_TOLD)
        shown: Row = {}
        private = False
        for name, inner in value.items():
            if name in sight.names:
                continue
            if isinstance(inner, str) and _names(inner, sight):
                shown[name], private = None, True
            else:
                shown[name] = masked(inner, sight)
        return {**shown, "private": True} if private else shown
    if isinstance(value, list | tuple):
        return [masked(one, sight) for one in value if not (isinstance(one, str) and _names(one, sight))]
    return value


def _names(text: str, sight: Sight) -> bool:
    return text in sight.names or (":" in text and text.rpartition(":")[2] in sight.names)
