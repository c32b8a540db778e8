"""Drift: the net difference of every facet between a line and a later basis, with the changes behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.policy import Policy
from aggregates.reading.history import Clock, Row, steps_of, with_sets
from aggregates.reading.scores import objective_score, said_score, scores_of_key_result
from aggregates.reading.teller import Teller

KINDS = {
    "wording": "reworded",
    "owner": "re-owned",
    "team": "re-teamed",
    "alignment": "realigned",
    "cycle": "re-dated",
    "measure": "re-measured",
    "baseline": "re-baselined",
    "target": "retargeted",
    "weight": "re-weighted",
    "ends_on": "re-dated",
    "ambition": "ambition changed",
}
"""The word for each facet that a line fixes; a standing speaks for itself."""

_Moves = Sequence[tuple[str, str]]
"""Direction and kind of each facet that changed."""
Kept = MutableMapping[str, tuple[Mapping[str, Any] | None, dict[str, Any], _Moves]]
"""Completed objectives by identifier, each with the state that it was completed from and what changed in it."""
_STANDINGS = {
    "withdrawn": "withdrawn",
    "replaced": "replaced",
    "carried": "carried",
    "dropped": "dropped",
    "recorded_in_error": "corrected",
}
_FATE = frozenset({"cycle", "standing"})
"""Facets of an objective that happen to its key results as well."""
_OBJECTIVE = ("cycle", "wording", "owner", "team", "alignment", "standing")
_KEY_RESULT = (
    "wording",
    "owner",
    "measure",
    "baseline",
    "target",
    "weight",
    "ambition",
    "ends_on",
    "standing",
)


def complete_drift(
    lines: Sequence[Row],
    changes: Sequence[Row],
    states: Mapping[str, Any],
    decisions: Sequence[Row],
    *,
    policy: Policy,
    policy_version: int,
    zone: ZoneInfo,
    line: int = 1,
    clock: Clock = "effective",
    position: int | None = None,
    cycle_ends: Mapping[str, str] | None = None,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Return what became of every commitment between a line and a basis.

    `lines` are all lines of the cycle's objectives, `changes` what changed after line 1 (also what was superseded
    since), one row for each facet or for each entry with its `sets`, `states` the states at the basis. Shape:
    `{cycle, line, clock, policy_version, objectives: [{objective, reference, title, line, kept, facets: […],
    key_results: [{key_result, reference, title, kept, facets, scores}], scores: {said, lines: [{line, score, band,
    …}], final}}], counts: {kept, softer, harder, neutral, kinds: {…}}}`. A facet: `{facet, kind, old, new,
    direction, successor?, changes: [{position, name, recorded_at, effective_at, by, on_behalf_of, reason, decided,
    source, old, new, direction, amends, superseded_at}]}`; a changed facet that came back reads *kept*.
    `kept` holds rows that were completed with the same lines, changes, decisions and policy: those whose states are
    the same objects are taken from it.
    """
    kept = {} if kept is None else kept
    tell = Teller(decisions, states, zone, clock, position, cycle_ends)
    at_basis = {state["id"]: state for state in states["objectives"]}
    drawn: dict[str, list[Row]] = {}
    for row in sorted(lines, key=lambda row: row["position"]):
        drawn.setdefault(row["objective"], []).append(row)
    # taken once: somebody else may complete the same objectives meanwhile, at another basis
    before = {one: kept.get(one) for one in drawn}
    same = {
        one: known for one, known in before.items() if known is not None and known[0] is at_basis.get(one)
    }
    by_objective: dict[str, list[Row]] = {}
    for row in with_sets(row for row in changes if row["objective"] not in same):
        by_objective.setdefault(row["objective"], []).append(row)
    found = []
    for objective, own in drawn.items():
        start = next((row for row in own if row["key_result"] is None and row["line"] == line), None)
        if start is None:
            continue
        known = same.get(objective)
        if known is None:
            state = at_basis.get(objective)
            made = _objective(start, own, by_objective.get(objective, []), state, tell, policy)
            known = kept[objective] = (state, made, _moves_of(made))
        found.append(known)
    objectives = [one[1] for one in found]
    return {
        "cycle": states["cycle"]["key"],
        "line": line,
        "clock": clock,
        "policy_version": policy_version,
        "objectives": objectives,
        "counts": _counts(objectives, (one[2] for one in found)),
    }


def of_key_result(drift: Mapping[str, Any], key_result: str) -> dict[str, Any]:
    """Return the drift of one key result: its own facets and scores, and what became of its objective as a whole."""
    objectives = []
    for row in drift["objectives"]:
        fate = [facet for facet in row["facets"] if facet["facet"] in _FATE]
        mine = [one for one in row["key_results"] if one["key_result"] == key_result]
        kept = not _moved(fate) and all(one["kept"] for one in mine)
        objectives.append({**row, "kept": kept, "facets": fate, "key_results": mine})
    return {**drift, "objectives": objectives, "counts": _counts(objectives, map(_moves_of, objectives))}


def _objective(
    start: Row,
    lines: list[Row],
    rows: list[Row],
    state: Mapping[str, Any] | None,
    tell: Teller,
    policy: Policy,
) -> dict[str, Any]:
    """Return the drift of one objective with its key results."""
    then = start["state"]
    here = [row for row in rows if row["key_result"] is None]
    now = state["facets"] if state is not None else _last(here, then["facets"], tell)
    changes = tell.changes(here, start["position"], then["facets"])
    facets = _facets(_OBJECTIVE, then["facets"], now, changes, tell)
    after = {one["id"]: one for one in state["key_results"]} if state is not None else {}
    before = {one["id"]: one for one in then["key_results"]}
    given_up = {identifier for identifier, one in before.items() if not _active(one["facets"])}
    key_results = []
    for identifier in {**before, **after}:
        if identifier in given_up:
            continue  # it was dropped before the line, so nobody committed to it
        mine = [row for row in rows if row["key_result"] == identifier]
        own = _lines_of(identifier, lines, start["line"])
        present = after.get(identifier)
        if identifier in before or (present is not None and "standing" in present["facets"]):
            key_results.append(
                _key_result(identifier, before.get(identifier), present, own, mine, start, tell, policy)
            )
    kept = not _moved(facets) and all(one["kept"] for one in key_results)
    return {
        "objective": start["objective"],
        "reference": then["reference"],
        "title": then["facets"]["wording"]["value"]["title"],
        "line": {
            name: start[name] for name in ("line", "position", "recorded_at", "effective_at", "by", "source")
        },
        "kept": kept,
        "facets": facets,
        "key_results": key_results,
        "scores": _objective_scores(lines, state, now, policy),
    }


def _key_result(
    identifier: str,
    then: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    lines: list[tuple[int, Mapping[str, Any]]],
    rows: list[Row],
    start: Row,
    tell: Teller,
    policy: Policy,
) -> dict[str, Any]:
    """Return the drift of one key result from the objective's line, or from its own where it was added late."""
    shown = then or now or {}
    present = now["facets"] if now is not None else (then or {})["facets"]
    origin = start["position"] if then is not None else _added_at(rows, start["position"])
    own = then["facets"] if then is not None else lines[0][1] if lines else present
    changes = tell.changes(rows, origin, own)
    if then is not None:
        facets = _facets(_KEY_RESULT, own, present, changes, tell)
    else:
        added = tell.changes(rows, origin - 1, {}).get("standing", [])[:1]
        late = {"facet": "scope", "kind": "added late", "old": None, "new": "active", "direction": "neutral"}
        facets = [{**late, "changes": added}, *_facets(_KEY_RESULT, own, present, changes, tell)]
    final = present if present["standing"]["value"]["word"] == "active" else None
    return {
        "key_result": identifier,
        "reference": shown["reference"],
        "title": shown["facets"]["wording"]["value"]["title"],
        "kept": not _moved(facets),
        "facets": facets,
        "scores": scores_of_key_result(lines, final, present, policy),
    }


def _facets(
    names: Sequence[str],
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    changes: Mapping[str, list[dict[str, Any]]],
    tell: Teller,
) -> list[dict[str, Any]]:
    """Return each facet that differs from the line, or that changed and came back."""
    definition = {facet: fact["value"] for facet, fact in then.items()}
    found = []
    for facet in names:
        old, new = (side[facet]["value"] if facet in side else None for side in (then, now))
        behind = changes.get(facet, [])
        if facet == "standing":
            if new is None or new == old or new["word"] not in _STANDINGS:
                continue
            kind = _STANDINGS[new["word"]]
        elif old == new:
            if not behind:
                continue
            kind = "kept"
        else:
            kind = KINDS[facet]
            if _corrected(behind):
                kind = "corrected"
        row = {"facet": facet, "kind": kind, "old": old, "new": new}
        row["direction"] = tell.direction(facet, old, new, definition)
        if facet == "standing" and new is not None and "successor" in new:
            row["successor"] = new["successor"]
        found.append({**row, "changes": behind})
    return found


def _corrected(changes: list[dict[str, Any]]) -> bool:
    """Return whether what stands only amends what the line held; an amended change after the line stays a change."""
    amended = {change["position"]: change["amends"] for change in changes}
    standing = [change["position"] for change in changes if change["superseded_at"] is None]
    for position in standing:
        origin: int | None = position
        while origin in amended:
            origin = amended[origin]
        if origin is None:
            return False
    return bool(standing)


def _last(rows: list[Row], start: Mapping[str, Any], tell: Teller) -> dict[str, Any]:
    """Return the facets of an objective that is no longer in the cycle, from its own entries."""
    facets: dict[str, Any] = {}
    for step in steps_of(rows, clock="effective", position=tell.position, start=start):
        if step.in_force:
            row = step.row
            fact = {"value": step.after, "effective_at": row["effective_at"], "position": row["position"]}
            facets[step.facet] = fact
    return facets


def _lines_of(key_result: str, lines: list[Row], first: int) -> list[tuple[int, Mapping[str, Any]]]:
    """Return (number, facets) of a key result at each line that holds it, its own first where it was added late."""
    found: list[tuple[int, Mapping[str, Any]]] = []
    for row in lines:
        if row["key_result"] == key_result:
            found.append((row["line"], row["state"]["facets"]))
        elif row["key_result"] is None and row["line"] >= first:
            inner = next((one for one in row["state"]["key_results"] if one["id"] == key_result), None)
            if inner is not None:
                found.append((row["line"], inner["facets"]))
    return found


def _added_at(rows: list[Row], otherwise: int) -> int:
    return next((row["position"] for row in rows if row["name"] == "key_result.added"), otherwise)


def _objective_scores(
    lines: list[Row], state: Mapping[str, Any] | None, now: Mapping[str, Any], policy: Policy
) -> dict[str, Any]:
    """Return the objective's score against each line and against the final targets, from the values at the basis."""
    present = {one["id"]: one["facets"] for one in state["key_results"]} if state is not None else {}

    def value(key_result: str) -> Any:
        return present.get(key_result, {}).get("value", {}).get("value")

    rows = []
    for row in lines:
        if row["key_result"] is None:
            inner = row["state"]["key_results"]
            scored = [(one["facets"], value(one["id"])) for one in inner if _active(one["facets"])]
            rows.append({"line": row["line"], **objective_score(scored, policy)})
    final = [(facets, value(identifier)) for identifier, facets in present.items() if _active(facets)]
    standing = now["standing"]["value"] if "standing" in now else {}
    said = standing.get("score") or said_score([facets for facets, _ in final])
    return {"said": said, "lines": rows, "final": objective_score(final, policy) if final else None}


def _active(facets: Mapping[str, Any]) -> bool:
    return "standing" in facets and facets["standing"]["value"]["word"] == "active"


def _moved(facets: list[dict[str, Any]]) -> bool:
    return any(facet["kind"] != "kept" for facet in facets)


def _moves_of(objective: Mapping[str, Any]) -> _Moves:
    """Return which facets of an objective and its key results changed."""
    return [
        (facet["direction"], facet["kind"])
        for item in (objective, *objective["key_results"])
        for facet in item["facets"]
        if facet["kind"] != "kept"
    ]


def _counts(objectives: Sequence[Mapping[str, Any]], moves: Iterable[_Moves]) -> dict[str, Any]:
    """Return how many objectives were kept, and how many facets changed by direction and by kind."""
    directions: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for (direction, kind), times in Counter(chain.from_iterable(moves)).items():
        directions[direction] += times
        kinds[kind] += times
    return {
        "objectives": len(objectives),
        "kept": sum(one["kept"] for one in objectives),
        **{word: directions[word] for word in ("softer", "harder", "neutral")},
        "kinds": dict(sorted(kinds.items())),
    }
