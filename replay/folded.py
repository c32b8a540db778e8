"""What a fold answers: the states of a cycle at an effective day, and rows in the shapes of the projections."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from replay.fold import Fold, bound_of, by_reference, winner

_STANDING = {
    "cycle.planned": "planned",
    "cycle.opened": "open",
    "cycle.opening_voided": "planned",
    "cycle.scoring_started": "scoring",
    "cycle.closed": "closed",
    "cycle.reopened": "scoring",
}


def states_of(fold: Fold, cycle: str, *, effective_on: date | None, zone: ZoneInfo) -> dict[str, Any]:
    """Return `{cycle, objectives, people, teams}` at the fold's position and an effective day (None: no bound).

    Objectives of the cycle are those whose `cycle` facet names it then, in the order of their references.
    """
    bound = bound_of(effective_on, zone)
    members = []
    for identifier in fold.key_results:
        fact = winner(fold.items[identifier].get("cycle", []), bound)
        if fact is not None and fact[2] == cycle:
            members.append(fold.objective(identifier, bound))
    return {
        "cycle": cycle_of(fold, cycle, effective_on=effective_on, zone=zone),
        "objectives": sorted(members, key=by_reference),
        "people": {person: fold.item(person, bound)["facets"] for person in fold.people},
        "teams": {team: fold.item(team, bound)["facets"] for team in fold.teams},
    }


def cycle_of(fold: Fold, key: str, *, effective_on: date | None, zone: ZoneInfo) -> dict[str, Any] | None:
    """Return a cycle: its days as known at the fold's position, its standing as of the effective day."""
    events = fold.cycles.get(key)
    if not events:
        return None
    bound = bound_of(effective_on, zone)
    planned = events[0]
    body = planned["body"]
    cycle: dict[str, Any] = {
        "key": body["key"],
        "name": body["name"],
        "kind": body["kind"],
        "starts_on": body["starts_on"],
        "commit_by": body["commit_by"],
        "commit_by_now": body["commit_by"],
        "ends_on": body["ends_on"],
        "parent": body.get("parent"),
        "standing": "planned",
        "openings": [],
        "closed": [],
        "planned": planned["position"],
    }
    for event in events[1:]:
        if bound is None or event["moment"] <= bound[1]:
            _step(cycle, event)
    return cycle


def _step(cycle: dict[str, Any], event: dict[str, Any]) -> None:
    name = event["name"]
    place = {"position": event["position"], "recorded_at": event["recorded_at"]}
    cycle["standing"] = _STANDING.get(name, cycle["standing"])
    if name == "cycle.commit_by_moved":
        cycle["commit_by_now"] = event["body"]["commit_by"]
    elif name == "cycle.opened":
        cycle["openings"].append(place)
    elif name == "cycle.closed":
        cycle["closed"].append(place)
    elif name == "cycle.opening_voided":
        for opening in cycle["openings"]:
            if opening["position"] == event["body"]["opening"]:
                opening["voided_by"] = event["position"]


def line_rows(fold: Fold, cycle: str | None = None) -> list[dict[str, Any]]:
    """Return every line, of one cycle or of all, by position."""
    rows = [row for lines in fold.lines.values() for row in lines if cycle is None or row["cycle"] == cycle]
    return sorted(rows, key=lambda row: row["position"])


def history_rows(fold: Fold, objective: str) -> list[dict[str, Any]]:
    """Return every entry of an objective and its key results, by position."""
    return fold.rows.get(objective, [])


def decision_rows(fold: Fold) -> list[dict[str, Any]]:
    """Return every decision that was not retracted, by the position of its present version."""
    rows = []
    for decision, versions in fold.decisions.items():
        contents = [one for one in versions if "body" in one and "superseded_at" not in one]
        confirmed = next((one for one in reversed(versions) if "confirmed_by" in one), None)
        if not contents:
            continue
        content = contents[-1]
        body = content["body"]
        rows.append(
            {
                "decision": decision,
                "position": content["position"],
                "recorded_at": content["recorded_at"],
                "text": body["text"],
                "decided_by": body["decided_by"],
                "recorded_by": content["recorded_by"],
                "confirmed_by": confirmed and confirmed["confirmed_by"],
                "confirmed_position": confirmed and confirmed["position"],
                "decided_at": body.get("decided_at"),
                "touches": body["touches"],
                "ratifies": body["ratifies"],
            }
        )
    return sorted(rows, key=lambda row: int(row["position"]))
