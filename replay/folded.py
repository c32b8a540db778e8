"""What a fold answers: the states of a cycle at an effective day, and rows in the shapes of the projections."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from replay.fold import Bound, Fold, bound_of, by_reference, winner

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
        "people": _known(fold, fold.people, bound),
        "teams": _known(fold, fold.teams, bound),
    }


def _known(fold: Fold, identifiers: list[str], bound: Bound | None) -> dict[str, Any]:
    """Return the facets of each of these that had a fact by then."""
    found = {identifier: fold.item(identifier, bound)["facets"] for identifier in identifiers}
    return {identifier: facets for identifier, facets in found.items() if facets}


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
