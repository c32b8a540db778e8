"""Which entries cause a finding: pure rules over an entry and what was known of its item at that position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.values import day_of
from projections import base, facets
from projections.base import PlainEntry

OWN_TARGET = frozenset({"target", "baseline", "measure", "weight", "ambition"})
"""Facets of which an auditor asks whether the owner decided them alone."""

CYCLE_CAUSES = frozenset({"cycle.commit_by_moved", "cycle.opened", "cycle.opening_voided", "cycle.closed"})
CHANGES = frozenset(
    name
    for name in facets.SETS
    if name.startswith(("objective.", "key_result."))
    and name not in facets.NOT_DRIFT
    and name not in (
        "key_result.measured", "key_result.checked_in", "key_result.scored", "key_result.noted_in_source",
        "objective.noted_in_source",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CycleDays:
    """The first-recorded days of a cycle, and the position of its first closing."""

    starts_on: date
    commit_by: date
    ends_on: date
    closed: int | None


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules look at beside the entry.

    `objective` and `item` are facets as known at the entry's position, those of the item only where the entry cites a
    decision; `retracted` are the facets that a retraction takes back; `decided_by` is who took the decision.
    """

    cycles: Mapping[str, CycleDays]
    zone: ZoneInfo
    objective: Mapping[str, Any]
    item: Mapping[str, Any]
    retracted: frozenset[str]
    decided_by: str | None

    @property
    def cycle(self) -> str | None:
        """Return the cycle of the objective at that position."""
        fact = self.objective.get("cycle")
        return fact["value"] if fact else None


Cause = tuple[str, dict[str, Any] | None]
"""A rule and what it has to say beside the entry."""


def concerns(entry: PlainEntry) -> bool:
    """Return whether an entry on an objective's stream can cause a finding."""
    name = entry["name"]
    return (
        name in CHANGES
        or name in ("objective.committed", "objective.decision_linked", base.RETRACTION)
        or "supersedes" in entry
    ) and entry["stream"].startswith("objective:")


def causes_on_objective(entry: PlainEntry, context: Context) -> list[Cause]:
    """Return the rules that an entry on an objective's stream fires."""
    name, position = entry["name"], entry["position"]
    found: list[Cause] = []
    if name == "objective.committed":
        found += _line(entry, context)
    changed = changed_after_line(entry, context)
    if changed and "decision" not in entry:
        found.append(("change_without_decision", {"facets": sorted(changed)}))
    if changed & OWN_TARGET and context.decided_by is not None:
        owner = context.item.get("owner", {}).get("value")
        if owner == context.decided_by:
            found.append(
                ("owner_decided_own_target", {"facets": sorted(changed & OWN_TARGET), "owner": owner})
            )
    days = context.cycles.get(context.cycle or "")
    if days is not None and days.closed is not None and days.closed < position:
        found.append(("change_after_close", {"closed": days.closed}))
    return found


def changed_after_line(entry: PlainEntry, context: Context) -> frozenset[str]:
    """Return the facets of a commitment that an entry after its objective's line changes."""
    line = context.objective.get("line")
    if line is None or line["position"] >= entry["position"]:
        return frozenset()
    return _changed(entry, context)


def _changed(entry: PlainEntry, context: Context) -> frozenset[str]:
    if entry["name"] == base.RETRACTION:
        return context.retracted
    if entry["name"] not in CHANGES:
        return frozenset()
    return frozenset(facet for facet, _ in facets.changes(entry["name"], entry["body"]))


def _line(entry: PlainEntry, context: Context) -> list[Cause]:
    found: list[Cause] = []
    days = context.cycles.get(context.cycle or "")
    if days is not None:
        late = (_day(entry, context.zone) - days.commit_by).days
        if late > 0:
            found.append(("late_line", {"days": late, "commit_by": days.commit_by.isoformat()}))
    if entry["body"].get("no_record_at_start"):
        found.append(("no_record_at_start", None))
    return found


def causes_on_cycle(entry: PlainEntry, days: CycleDays | None, zone: ZoneInfo) -> list[Cause]:
    """Return the rules that an entry on a cycle's stream fires."""
    name, body = entry["name"], entry["body"]
    if name == "cycle.commit_by_moved":
        first = days.commit_by.isoformat() if days else None
        return [("commit_by_moved", {"commit_by": body["commit_by"], "first": first})]
    if name == "cycle.opening_voided":
        return [("opening_voided", {"opening": body["opening"]})]
    if (
        name == "cycle.opened"
        and days is not None
        and (late := (_day(entry, zone) - days.starts_on).days) > 0
    ):
        return [("opened_late", {"days": late, "starts_on": days.starts_on.isoformat()})]
    if name == "cycle.closed" and days is not None and (early := (days.ends_on - _day(entry, zone)).days) > 0:
        return [("closed_early", {"days": early, "ends_on": days.ends_on.isoformat()})]
    return []


def _day(entry: PlainEntry, zone: ZoneInfo) -> date:
    return day_of(datetime.fromisoformat(entry["at"]), zone)
