"""The fold that also keeps rows: histories, lines, changes and findings, independent of the projections as well."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aggregates.values import day_of
from replay.fold import Fold, Moment, moment_text, recorded_text, winner

Row = dict[str, Any]

_FIXED = frozenset(
    {
        "cycle", "wording", "owner", "team", "alignment", "standing", "measure", "baseline", "target", "weight",
        "ambition", "ends_on",
    }
)  # fmt: skip
"""What a line fixes."""
_STEPS = frozenset({"objective.drafted", "objective.committed", "objective.closed"})
"""Entries that set such a facet without changing a commitment."""
_ASKED = frozenset(
    {"objective.committed", "objective.replanned", "objective.decision_linked", "entry.retracted"}
)
"""Entries of an objective that an auditor looks at though they set nothing of the kind."""
_OWN = frozenset({"target", "baseline", "measure", "weight", "ambition"})


class Audit(Fold):
    """The facts of a ledger up to a position, with the rows that every question is answered from."""

    keep_rows: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[Row]] = {}
        self.lines: dict[str, list[Row]] = {}
        self.changes: list[Row] = []
        self.findings: list[Row] = []
        self.links: dict[str, list[tuple[int, str]]] = {}
        """Decision to (position, objective) of its links."""
        self.caused: dict[str, list[Row]] = {}
        self.ratified: dict[int, list[Row]] = {}
        """Cause to the decisions that ratify it."""
        self._superseded: dict[int, int] = {}
        self._cited: dict[str, list[Row]] = {}
        """Decision to the changes after a line that cite it."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the organisation's zone."""
        return ZoneInfo(self.created.get("zone", "UTC"))

    def superseded_at(self, position: int) -> int | None:
        """Return the position that supersedes an entry, or None."""
        return self._superseded.get(position)

    def value(self, identifier: str, facet: str, at: str | None = None) -> Any:
        """Return the value of a facet, the latest or the one that is true at an instant, or None."""
        bound = None if at is None else (at[:10], at, datetime.fromisoformat(at).astimezone(UTC))
        fact = winner(self.items[identifier].get(facet, []), bound)
        return None if fact is None else fact[2]

    def _supersede(self, stream: str, superseded: int, position: int) -> None:
        super()._supersede(stream, superseded, position)
        self._superseded[superseded] = position

    def _keep(self, position: int, recorded_at: datetime, data: Row, moment: Moment, sets: Row) -> None:
        kind, _, objective = data["stream"].partition(":")
        name = data["name"]
        if kind == "person" and data.get("decision") is None:
            return
        row = {**_told(position, recorded_text(recorded_at), moment, data), "objective": objective}
        row["sets"] = sets
        if name == "objective.decision_linked":
            self.links.setdefault(data["body"]["decision"], []).append((position, objective))
        elif data.get("decision") is not None:
            self.caused.setdefault(data["decision"], []).append({**row, "stream": data["stream"]})
        if kind == "decision" and name == "entry.retracted":
            self._decision_retracted(objective, row)
        if kind != "objective":
            return
        first_line = next(iter(self.lines.get(objective, ())), None)
        changed: dict[tuple[str | None, str], Any] = {}
        if first_line is not None:
            changed = self._changed(row, data["body"])
            self.changes += [
                {**_without(row, "sets"), "key_result": item, "facet": facet, "value": value}
                for (item, facet), value in sorted(changed.items(), key=lambda one: one[0][1])
            ]
        self.rows.setdefault(objective, []).append(row)
        if name in ("objective.committed", "objective.replanned") or (
            name == "key_result.added" and first_line is not None
        ):
            self._draw(row, data["body"])
        self._look(row, data["body"], {facet for _, facet in changed})

    def _changed(self, row: Row, body: Row) -> dict[tuple[str | None, str], Any]:
        """Return what an entry after the line changes of the commitment: (key result, facet) to the new value."""
        name, key_result = row["name"], row["key_result"]
        if name == "entry.retracted":
            return {
                (None if item == row["objective"] else item, facet): self.value(
                    item, facet, row["effective_at"]
                )
                for item, facet in self.lost
                if facet in _FIXED or facet == "line"
            }
        if name in _STEPS:
            return {}
        if name == "key_result.added":
            return {(key_result, "standing"): {"word": "active"}}
        if name == "objective.replanned":
            return {(None, "line"): body}
        return {(key_result, facet): value for facet, value in row["sets"].items() if facet in _FIXED}

    def _draw(self, row: Row, body: Row) -> None:
        """Keep the state of an item at its own line; nothing recorded later moves it."""
        objective, key_result = row["objective"], row["key_result"]
        state = self.objective(objective, None) if key_result is None else self.item(key_result, None)
        cycle = self.value(objective, "cycle")
        self.lines.setdefault(objective, []).append(
            {
                **_without(row, "sets", "name", "supersedes"),
                "line": body.get("line", 1),
                "cycle": cycle,
                "synthesised": body.get("synthesised", False),
                "no_record_at_start": body.get("no_record_at_start", False),
                "grade": self._grade(row, cycle),
                "late_by_days": self._late(row["effective_at"], cycle),
                "state": state,
            }
        )

    def _planned(self, cycle: str | None) -> Row | None:
        events = self.cycles.get(cycle or "")
        body: Row | None = events[0]["body"] if events else None
        return body

    def _grade(self, row: Row, cycle: str | None) -> str:
        if row["source"] is not None:
            return "reconstructed"
        planned = self._planned(cycle)
        if planned is not None and self.created:
            created = day_of(datetime.fromisoformat(self.created["recorded_at"]), self.zone)
            if created > date.fromisoformat(planned["starts_on"]):
                return "migrated"
        return "witnessed"

    def _late(self, moment: str, cycle: str | None) -> int | None:
        planned = self._planned(cycle)
        return None if planned is None else max(0, self._days_after(moment, planned["commit_by"]))

    def _days_after(self, moment: str, day: str) -> int:
        return (day_of(datetime.fromisoformat(moment), self.zone) - date.fromisoformat(day)).days

    def _closed(self, cycle: str | None) -> int | None:
        """Return the position of the first closing of a cycle."""
        events = self.cycles.get(cycle or "", ())
        return next((event["position"] for event in events if event["name"] == "cycle.closed"), None)

    def _look(self, row: Row, body: Row, changed: set[str]) -> None:
        """Find what an auditor would ask about an entry of an objective."""
        name, position, objective = row["name"], row["position"], row["objective"]
        changing = name not in _STEPS and any(facet in _FIXED for facet in row["sets"])
        if not changing and name not in _ASKED and row["supersedes"] is None:
            return
        cycle = self.value(objective, "cycle")
        if name == "objective.committed":
            planned = self._planned(cycle)
            late = 0 if planned is None else self._days_after(row["effective_at"], planned["commit_by"])
            if late > 0 and planned is not None:
                self._find("late_line", row, cycle, {"days": late, "commit_by": planned["commit_by"]})
            if body.get("no_record_at_start"):
                self._find("no_record_at_start", row, cycle, None)
        line = winner(self.items[objective].get("line", []), None)
        if line is not None and line[1] < position:
            self._look_at_change(row, cycle, changed)
        closed = self._closed(cycle)
        if closed is not None and closed < position:
            self._find("change_after_close", row, cycle, {"closed": closed})

    def _look_at_change(self, row: Row, cycle: str | None, changed: set[str]) -> None:
        if changed and row["decision"] is None:
            self._find("change_without_decision", row, cycle, {"facets": sorted(changed)})
        if changed and row["decision"] is not None:
            cited = {"position": row["position"], "objective": row["objective"], "cycle": cycle}
            self._cited.setdefault(row["decision"], []).append(cited)
        versions = [one for one in self.decisions.get(row["decision"] or "", ()) if "body" in one]
        if versions and changed & _OWN:
            owner = self.value(row["key_result"] or row["objective"], "owner")
            if owner == versions[-1]["body"]["decided_by"]:
                detail = {"facets": sorted(changed & _OWN), "owner": owner}
                self._find("owner_decided_own_target", row, cycle, detail)

    def _decision_retracted(self, decision: str, row: Row) -> None:
        """Ask about each objective of which a change that still stands was decided by what is taken back."""
        groups: dict[tuple[str, str | None], list[int]] = {}
        for change in self._cited.get(decision, ()):
            if change["position"] not in self._superseded:
                groups.setdefault((change["objective"], change["cycle"]), []).append(change["position"])
        for (objective, cycle), changes in groups.items():
            told = {**row, "objective": objective, "decision": decision}
            self._find("decision_retracted", told, cycle, {"changes": sorted(changes)})

    def _find(self, rule: str, row: Row, cycle: str | None, detail: Row | None) -> None:
        told = _without(row, "sets", "supersedes", "position")
        self.findings.append(
            {**told, "rule": rule, "cause": row["position"], "cycle": cycle, "detail": detail}
        )

    def _cycle_step(self, key: str, fact: Row, data: Row) -> None:
        name, body, planned = fact["name"], fact["body"], self._planned(key)
        if planned is None:
            return
        if data.get("decision") is not None:
            told = _told(fact["position"], fact["recorded_at"], fact["moment"], data)
            self.caused.setdefault(data["decision"], []).append({**told, "stream": data["stream"]})
        found: tuple[str, Row] | None = None
        if name == "cycle.commit_by_moved":
            found = (name[6:], {"commit_by": body["commit_by"], "first": planned["commit_by"]})
        elif name == "cycle.opening_voided":
            found = (name[6:], {"opening": body["opening"]})
        elif name == "cycle.opened":
            late = self._days_after(fact["moment"], planned["starts_on"])
            found = ("opened_late", {"days": late, "starts_on": planned["starts_on"]}) if late > 0 else None
        elif name == "cycle.closed":
            early = -self._days_after(fact["moment"], planned["ends_on"])
            found = ("closed_early", {"days": early, "ends_on": planned["ends_on"]}) if early > 0 else None
        if found is not None:
            row = {**_told(fact["position"], fact["recorded_at"], fact["moment"], data), "objective": None}
            self._find(found[0], row, key, found[1])

    def _decided(self, key: str, version: Row) -> None:
        ratifies = version["body"].get("ratifies") or []
        for cause in ratifies:
            told = {name: version[name] for name in ("position", "recorded_at")}
            self.ratified.setdefault(cause, []).append({"decision": key, **told})
        groups: dict[tuple[str | None, str | None], set[int]] = {}
        for cause in ratifies:
            found = [one for one in self.findings if one["cause"] == cause] or [
                {"objective": None, "cycle": None}
            ]
            for one in found:
                groups.setdefault((one["objective"], one["cycle"]), set()).add(cause)
        for (objective, cycle), causes in groups.items():
            told = {
                name: version[name] for name in ("position", "recorded_at", "effective_at", "on_behalf_of")
            }
            row = {
                **told,
                "name": "decision.recorded",
                "by": version["recorded_by"],
                "reason": None,
                "source": None,
            }
            row |= {"objective": objective, "key_result": None, "decision": key}
            self._find("ratified_later", row, cycle, {"ratifies": sorted(causes)})
        self._own_ratified(key, version, ratifies)

    def _own_ratified(self, key: str, version: Row, ratifies: list[int]) -> None:
        """Ask about an owner who ratifies a change of their own target."""
        decider = version["body"]["decided_by"]
        groups: dict[tuple[str, str | None, str | None], Row] = {}
        for one in list(self.findings):
            if one["rule"] != "change_without_decision" or one["cause"] not in ratifies:
                continue
            own = _OWN.intersection(one["detail"]["facets"])
            if own and self.value(one["key_result"] or one["objective"], "owner") == decider:
                group = (one["objective"], one["key_result"], one["cycle"])
                detail = groups.setdefault(group, {"facets": [], "owner": decider, "ratifies": []})
                detail["facets"] = sorted({*detail["facets"], *own})
                detail["ratifies"] = sorted({*detail["ratifies"], one["cause"]})
        for (objective, key_result, cycle), detail in groups.items():
            told = {
                name: version[name] for name in ("position", "recorded_at", "effective_at", "on_behalf_of")
            }
            told |= {
                "name": "decision.recorded",
                "by": version["recorded_by"],
                "reason": None,
                "source": None,
            }
            told |= {"objective": objective, "key_result": key_result, "decision": key}
            self._find("owner_decided_own_target", told, cycle, detail)

    def _confirmed(self, position: int, recorded: str, key: str, data: Row) -> None:
        versions = [one for one in self.decisions[key] if "body" in one]
        for objective in versions[-1]["body"]["touches"] if versions else ():
            cycle = self.value(objective, "cycle") if objective in self.items else None
            closed = self._closed(cycle)
            if closed is not None and closed < position:
                row = {
                    **_told(position, recorded, data.get("effective_at", recorded), data),
                    "objective": objective,
                }
                self._find("change_after_close", row, cycle, {"closed": closed})


def _told(position: int, recorded_at: str, moment: Moment, data: Row) -> Row:
    """Return the circumstances of an entry in the words of every row."""
    return {
        "key_result": data["body"].get("key_result"),
        "position": position,
        "name": data["name"],
        "recorded_at": recorded_at,
        "effective_at": moment_text(moment),
        "by": data["by"],
        "on_behalf_of": data.get("on_behalf_of"),
        "reason": data.get("reason"),
        "decision": data.get("decision"),
        "source": data.get("source"),
        "supersedes": data.get("supersedes"),
    }


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
