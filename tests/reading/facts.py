"""Facts by hand, in the shape of the states."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.policy import DEFAULT_POLICY, Policy
from aggregates.reading.board import complete_board

ZONE = ZoneInfo("Europe/Berlin")
CYCLE: dict[str, Any] = {
    "key": "2026-q2", "name": "Q2", "kind": "quarter", "starts_on": "2026-04-01", "commit_by": "2026-04-10",
    "commit_by_now": "2026-04-10", "ends_on": "2026-06-30", "parent": None, "standing": "open", "openings": [],
    "closed": [], "planned": 5,
}  # fmt: skip
KICK_OFF = "2026-04-02T08:00:00.000000Z"


def fact(value: Any, position: int = 10, effective_at: str = KICK_OFF) -> dict[str, Any]:
    return {"value": value, "effective_at": effective_at, "position": position}


def key_result(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A key result from 0 to 100 on a straight line; a keyword replaces a facet, None takes it away."""
    facets: dict[str, Any] = {
        "wording": fact({"title": f"Key result {number}"}),
        "owner": fact("ada"),
        "measure": fact({"kind": "increase", "indicator": "leading", "path": "straight"}),
        "baseline": fact("0"),
        "target": fact({"kind": "point", "at": "100"}),
        "weight": fact("1"),
        "ambition": fact("committed"),
        "ends_on": fact(None),
        "standing": fact({"word": "active"}),
    }
    for name, value in changed.items():
        facets[name] = value if isinstance(value, dict) and "position" in value else fact(value)
        if value is None:
            del facets[name]
    return {"id": f"kr-{number}", "reference": f"KR-{number}", "facets": facets}


def objective(*key_results: dict[str, Any], number: int = 1, **changed: Any) -> dict[str, Any]:
    facets: dict[str, Any] = {
        "cycle": fact("2026-q2"),
        "wording": fact({"title": f"Objective {number}"}),
        "owner": fact("ada"),
        "team": fact(None),
        "alignment": fact({"local": "It serves nobody else."}),
        "standing": fact({"word": "committed"}, 12),
        "line": fact({"line": 1, "policy": 1}, 12),
    }
    for name, value in changed.items():
        facets[name] = value if isinstance(value, dict) and "position" in value else fact(value)
        if value is None:
            del facets[name]
    return {
        "id": f"obj-{number}",
        "reference": f"OBJ-{number}",
        "facets": facets,
        "key_results": list(key_results),
    }


def valued(value: Any, on: str, position: int = 20) -> dict[str, Any]:
    return fact(value, position, on)


def board(
    *objectives: dict[str, Any], day: str, policy: Policy = DEFAULT_POLICY, **people: Any
) -> dict[str, Any]:
    states = {
        "cycle": CYCLE,
        "objectives": list(objectives),
        "people": {"ada": {"presence": fact({"word": "here"})}, **people},
        "teams": {},
    }
    return complete_board(states, policy=policy, policy_version=1, day=date.fromisoformat(day), zone=ZONE)


def policy(**changed: Any) -> Policy:
    return DEFAULT_POLICY.model_copy(update=changed)
