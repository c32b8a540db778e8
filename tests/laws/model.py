"""The definition of an answer, spelled out: the state at (P, E), by going through every entry each time.

For each attribute the fact with the greatest (effective_at, position) among position <= P, effective_at <= E, not
superseded by an entry <= P. Slow, short, and sharing nothing with what it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from aggregates.values import day_of
from ledger.codec import RawEntry

_SETS: dict[str, tuple[str, ...]] = {
    "key_result.added": (
        "wording",
        "owner",
        "measure",
        "baseline",
        "target",
        "weight",
        "ambition",
        "ends_on",
        "standing",
    ),
    "key_result.reworded": ("wording",),
    "key_result.reowned": ("owner",),
    "key_result.target_changed": ("target",),
    "key_result.baseline_corrected": ("baseline",),
    "key_result.measure_changed": ("measure", "baseline", "target"),
    "key_result.weight_changed": ("weight",),
    "key_result.redated": ("ends_on",),
    "key_result.ambition_changed": ("ambition",),
    "key_result.dropped": ("standing",),
    "key_result.recorded_in_error": ("standing",),
    "key_result.measured": ("value",),
    "key_result.scored": ("score",),
}


def key_results_at(
    entries: Sequence[RawEntry], position: int, effective_on: date, zone: ZoneInfo
) -> dict[str, dict[str, tuple[str, int, Any]]]:
    """Return identifier to facet to (moment, position, value) of every key result that there is at a basis.

    A value may have been measured before the key result was added; on that day it is a value of nothing yet.
    """
    told = [(raw, orjson.loads(raw.data)) for raw in entries if raw.position <= position]
    superseded = {data["supersedes"] for _, data in told if "supersedes" in data}
    found: dict[str, dict[str, tuple[str, int, Any]]] = {}
    for raw, data in told:
        if raw.position in superseded or raw.name not in _SETS:
            continue
        moment = data.get("effective_at") or raw.recorded_at.isoformat(timespec="microseconds").replace(
            "+00:00", "Z"
        )
        if _day(moment, zone) > effective_on:
            continue
        body = data["body"]
        facts = found.setdefault(body["key_result"], {})
        for facet in _SETS[raw.name]:
            if facet not in facts or (moment, raw.position) > facts[facet][:2]:
                facts[facet] = (moment, raw.position, _value(raw.name, facet, body))
    return {key_result: facts for key_result, facts in found.items() if "standing" in facts}


def _value(name: str, facet: str, body: dict[str, Any]) -> Any:
    if facet == "standing":
        return {"word": "active" if name == "key_result.added" else name.partition(".")[2]}
    return {"title": body["title"]} if facet == "wording" else body.get(facet)


def _day(moment: str, zone: ZoneInfo) -> date:
    return date.fromisoformat(moment) if len(moment) == 10 else day_of(datetime.fromisoformat(moment), zone)
