"""Single changes told in full: who, when, why, decided how, from what to what, softer or harder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.reading.decided import Decisions
from aggregates.reading.direction import direction_of
from aggregates.reading.history import Clock, Row, Step, is_live, steps_of


class Teller:
    """What every single change needs to be told: decisions, the clock, the basis, the ends of cycles."""

    def __init__(
        self,
        decisions: Sequence[Row],
        states: Mapping[str, Any],
        zone: ZoneInfo,
        clock: Clock,
        position: int | None,
        cycle_ends: Mapping[str, str] | None,
    ) -> None:
        self.decisions = Decisions(decisions, zone)
        self.clock = clock
        self.position = position
        self.ends_on: str = states["cycle"]["ends_on"]
        self.cycle_ends = {states["cycle"]["key"]: self.ends_on, **(cycle_ends or {})}

    def direction(self, facet: str, old: Any, new: Any, definition: Mapping[str, Any]) -> str:
        return direction_of(
            facet, old, new, definition=definition, cycle_ends_on=self.ends_on, cycle_ends=self.cycle_ends
        )

    def changes(
        self, rows: list[Row], after: int, start: Mapping[str, Any]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the single changes after a position, by facet, in the order of the clock."""
        told: dict[str, list[dict[str, Any]]] = {}
        definition: dict[str, Any] = {}
        sets: dict[int, dict[str, Any]] = {row["position"]: row["sets"] for row in rows}
        for facet, fact in start.items():
            sets.setdefault(fact["position"], {}).setdefault(facet, fact["value"])
        for step in steps_of(rows, clock=self.clock, position=self.position, start=start):
            if step.row["position"] > after:
                told.setdefault(step.facet, []).append(self._change(step, definition, sets))
            if step.in_force:
                definition[step.facet] = step.after
        return told

    def _change(self, step: Step, definition: Mapping[str, Any], sets: Mapping[int, Any]) -> dict[str, Any]:
        row, old = step.row, step.before
        amends = row["supersedes"]
        if amends is not None:
            old = sets.get(amends, {}).get(step.facet, old)
        return {
            "position": row["position"],
            "name": row["name"],
            "recorded_at": row["recorded_at"],
            "effective_at": row["effective_at"],
            "by": row["by"],
            "on_behalf_of": row["on_behalf_of"],
            "reason": row["reason"],
            "decided": self.decisions.of(row),
            "source": row["source"],
            "old": old,
            "new": step.after,
            "direction": self.direction(step.facet, old, step.after, definition),
            "amends": amends,
            "superseded_at": None if is_live(row, self.position) else row["superseded_at"],
        }
