"""History: what each entry changed on an item, before and after, in the order of the chosen clock."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from aggregates.reading.decided import Decisions

Clock = Literal["effective", "recorded"]
Row = Mapping[str, Any]


class Step(NamedTuple):
    """What one row did to one facet: the value before and after, and whether the row's own fact came into force."""

    row: Row
    facet: str
    before: Any
    after: Any
    in_force: bool


def is_live(row: Row, position: int | None) -> bool:
    """Return whether nothing known at the position supersedes the row."""
    superseded_at = row.get("superseded_at")
    return superseded_at is None or (position is not None and superseded_at > position)


def steps_of(
    rows: Iterable[Row],
    *,
    clock: Clock,
    position: int | None = None,
    start: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Step]:
    """Return what each row of one item did, in the order of the clock; `before` is computed, never taken.

    On the clock of effect only what stands at the position takes part, ordered by (effective_at, position). On the
    clock of recording each row meets what was known when it was recorded, also what was superseded since. `start`
    holds the facets of a line, for rows that begin after it; its own facts give steps too.
    """
    known = [row for row in rows if position is None or row["position"] <= position]
    if start is not None:
        known += _facts_of(start, known)
    return _effective(known, position) if clock == "effective" else _recorded(known)


def _facts_of(start: Mapping[str, Mapping[str, Any]], rows: Sequence[Row]) -> list[Row]:
    """Return the facts of a line as rows, each superseded where a later row supersedes its entry."""
    by = {row["supersedes"]: row["position"] for row in rows if row["supersedes"] is not None}
    return [
        {
            "position": fact["position"],
            "effective_at": fact["effective_at"],
            "supersedes": None,
            "superseded_at": by.get(fact["position"]),
            "sets": {facet: fact["value"]},
        }
        for facet, fact in start.items()
    ]


def with_sets(changes: Iterable[Row]) -> list[Row]:
    """Return change rows of one facet each as one row for each entry and item, with `sets`; others as they are."""
    found: dict[tuple[int, Any], dict[str, Any]] = {}
    whole: list[Row] = []
    for row in changes:
        if "sets" in row:
            whole.append(row)
            continue
        key = (row["position"], row["key_result"])
        if key not in found:
            found[key] = {**row, "sets": {}}
        found[key]["sets"][row["facet"]] = row["value"]
    return [*whole, *found.values()]


def _effective(rows: list[Row], position: int | None) -> list[Step]:
    now: dict[str, Any] = {}
    steps = []
    for row in sorted(rows, key=lambda row: (row["effective_at"], row["position"])):
        live = is_live(row, position)
        for facet, value in row["sets"].items():
            steps.append(Step(row, facet, now.get(facet), value, live))
            if live:
                now[facet] = value
    return steps


def _recorded(rows: list[Row]) -> list[Step]:
    facts: dict[str, list[tuple[str, int, Any]]] = {}
    steps = []
    for row in sorted(rows, key=lambda row: row["position"]):
        touched = dict.fromkeys(row["sets"])
        before = {facet: found[-1][2] for facet, found in facts.items() if found}
        if row["supersedes"] is not None:
            for facet, found in facts.items():
                kept = [fact for fact in found if fact[1] != row["supersedes"]]
                if len(kept) != len(found):
                    facts[facet] = kept
                    touched[facet] = None
        for facet, value in row["sets"].items():
            insort(facts.setdefault(facet, []), (row["effective_at"], row["position"], value), key=_order)
        for facet in touched:
            last = facts[facet][-1] if facts[facet] else None
            after = None if last is None else last[2]
            in_force = last is not None and last[1] == row["position"]
            steps.append(Step(row, facet, before.get(facet), after, in_force))
    return steps


def _order(fact: tuple[str, int, Any]) -> tuple[str, int]:
    return fact[:2]


@dataclass(slots=True)
class Completed:
    """What was completed of one history: of each item its rows and changes, of each entry what it came from."""

    changes: dict[str | None, tuple[list[Row], dict[int, list[dict[str, Any]]]]] = field(default_factory=dict)
    entries: dict[int, tuple[Row, list[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)


def complete_history(
    rows: Sequence[Row],
    decisions: Sequence[Row] = (),
    *,
    zone: ZoneInfo,
    clock: Clock = "effective",
    position: int | None = None,
    until: date | None = None,
    kept: Completed | None = None,
) -> dict[str, Any]:
    """Return who changed what of an objective and its key results, before, after, why, on both clocks.

    `rows` are the entries of one objective (of the objective and any of its key results), `until` an effective day
    already applied to them. Shape: `{clock, until, entries: [{position, name, objective, key_result, recorded_at,
    effective_at, by, on_behalf_of, reason, decided, source, supersedes, superseded_at, changes: [{facet, before,
    after, in_force}]}]}`; `decided` as in `Decisions.of`. Entries stand in the order of the clock. `kept` holds what
    was completed for the same clock, decisions and supersessions: entries whose rows and changes are the same are
    taken from it.
    """
    kept = Completed() if kept is None else kept
    known = [row for row in rows if position is None or row["position"] <= position]
    found = Decisions(decisions, zone)
    changes: dict[int, list[dict[str, Any]]] = {}
    for item, mine in _by_item(known).items():
        before = kept.changes.get(item)
        if before is None or before[0] != mine:
            before = kept.changes[item] = (mine, _changes(mine, clock, position))
        for at, made in before[1].items():
            changes[at] = [*changes[at], *made] if at in changes else made
    if clock == "effective":
        known.sort(key=lambda row: (row["effective_at"], row["position"]))
    else:
        known.sort(key=lambda row: row["position"])
    entries = []
    for row in known:
        own, part = changes.get(row["position"], []), kept.entries.get(row["position"])
        if part is None or part[0] is not row or part[1] != own:
            entry = {
                **{name: row[name] for name in _SHOWN},
                "superseded_at": None if is_live(row, position) else row["superseded_at"],
                "decided": found.of(row),
                "changes": own,
            }
            part = kept.entries[row["position"]] = (row, own, entry)
        entries.append(part[2])
    return {"clock": clock, "until": until and until.isoformat(), "entries": entries}


_SHOWN = (
    "position", "name", "objective", "key_result", "recorded_at", "effective_at", "by", "on_behalf_of", "reason",
    "source", "supersedes",
)  # fmt: skip


def _by_item(rows: Sequence[Row]) -> dict[str | None, list[Row]]:
    """Return the rows of each item; a row that names none and retracts an entry of one is also of that one."""
    found: dict[str | None, list[Row]] = {}
    item_at: dict[int, str | None] = {}
    for row in rows:
        item_at[row["position"]] = row["key_result"]
        found.setdefault(row["key_result"], []).append(row)
    for row in rows:
        if row["key_result"] is None and row["supersedes"] is not None:
            item = item_at.get(row["supersedes"])
            if item is not None:
                found[item].append(row)
    return found


def _changes(rows: list[Row], clock: Clock, position: int | None) -> dict[int, list[dict[str, Any]]]:
    """Return what each row of one item did, by position."""
    found: dict[int, list[dict[str, Any]]] = {}
    for step in steps_of(rows, clock=clock, position=position):
        told = {"facet": step.facet, "before": step.before, "after": step.after, "in_force": step.in_force}
        found.setdefault(step.row["position"], []).append(told)
    return found
