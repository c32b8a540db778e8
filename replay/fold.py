"""The fold: raw entries to the state of every item, independently of the projections that it is compared with.

It reads stored bytes in the order of positions into plain dictionaries. What was superseded is taken out when its
successor is read, so that after position P the fold holds exactly what was known at P; the effective day is
chosen at the end, among the facts of each facet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from aggregates.values import end_of_day, instant_text
from ledger.codec import RawEntry
from replay.setters import SETTERS

Fact = tuple[str, int, Any]
"""(effective moment as text, position, value); moments of one facet sort as texts."""
Item = dict[str, list[Fact]]

_PASSED_BY = frozenset({"access.role_granted", "access.role_revoked", "service.registered"})


class EventIsUnknown(Exception):
    """An entry has a name that the fold does not know; nothing is skipped."""


class Fold:
    """The facts of a ledger up to a position, in one pass.

    With `keep_rows` each entry of an objective is kept for the histories, and the state of an item at each line.

    Raises:
        EventIsUnknown: naming the entry.
    """

    def __init__(self, *, keep_rows: bool = False) -> None:
        self.position = 0
        self.keep_rows = keep_rows
        self.items: dict[str, Item] = {}
        self.references: dict[str, str] = {}
        self.key_results: dict[str, list[str]] = {}
        """Objective to its key results, in the order in which they were added."""
        self.people: list[str] = []
        self.teams: list[str] = []
        self.cycles: dict[str, list[dict[str, Any]]] = {}
        self.policies: list[tuple[int, str, dict[str, Any]]] = []
        """(position, recorded_at, body) of each adopted policy."""
        self.created: dict[str, Any] = {}
        self.decisions: dict[str, list[dict[str, Any]]] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def apply(self, entries: Iterable[RawEntry]) -> None:
        """Read entries that follow the last one read."""
        loads, items, setter_of, keep_rows = orjson.loads, self.items, SETTERS.get, self.keep_rows
        for raw in entries:
            data = loads(raw.data)
            name, body, position = data["name"], data["body"], raw.position
            setter = setter_of(name)
            moment = data.get("effective_at")
            if moment is None:
                moment = recorded_text(raw.recorded_at)
            if setter is None:
                self._other(raw, data, moment)
                self.position = position
                continue
            stream = data["stream"]
            identifier = body.get("key_result")
            if identifier is None:
                identifier = stream[stream.index(":") + 1 :]
            item = items.get(identifier)
            if item is None:
                item = self._begin(identifier, name, stream, body)
            if "supersedes" in data:
                self._supersede(stream, data["supersedes"], position)
            pairs = setter(body)
            for facet, value in pairs:
                facts = item.get(facet)
                if facts is None:
                    item[facet] = [(moment, position, value)]
                else:
                    facts.append((moment, position, value))
            if keep_rows and stream.startswith("objective:"):
                self._keep(raw, data, moment, dict(pairs))
            self.position = position

    def _begin(self, identifier: str, name: str, stream: str, body: dict[str, Any]) -> Item:
        kind, _, root = stream.partition(":")
        if kind == "objective" and name not in ("objective.drafted", "key_result.added"):
            raise EventIsUnknown(f"{name} speaks of {identifier}, of which nothing was recorded before.")
        if kind == "person":
            self.people.append(identifier)
        elif kind == "team":
            self.teams.append(identifier)
        elif kind == "objective":
            self.references[identifier] = body["reference"]
            if name == "key_result.added":
                self.key_results[root].append(identifier)
            else:
                self.key_results[identifier] = []
        item: Item = {}
        self.items[identifier] = item
        return item

    def _supersede(self, stream: str, superseded: int, position: int) -> None:
        """Take out everything that the superseded entry of this stream set."""
        kind, _, root = stream.partition(":")
        if kind == "decision":
            for version in self.decisions[root]:
                if version["position"] == superseded:
                    version["superseded_at"] = position
            return
        for identifier in (root, *self.key_results.get(root, ())):
            for facts in self.items[identifier].values():
                facts[:] = [fact for fact in facts if fact[1] != superseded]
        for row in self.rows.get(root, ()):
            if row["position"] == superseded:
                row["superseded_at"] = position

    def _other(self, raw: RawEntry, data: dict[str, Any], moment: str) -> None:
        """Read an entry that sets no facet of an item."""
        name, body = data["name"], data["body"]
        kind, _, key = data["stream"].partition(":")
        recorded = recorded_text(raw.recorded_at)
        if kind == "cycle" and name.startswith("cycle."):
            fact = {"position": raw.position, "recorded_at": recorded, "moment": moment, "name": name, "body": body}
            self.cycles.setdefault(key, []).append(fact)
        elif kind == "decision" and name.startswith("decision."):
            self._decide(raw.position, recorded, key, data)
        elif name == "finding.answered":
            answer = {
                "position": raw.position,
                "recorded_at": recorded,
                "by": data["by"],
                "answer": body["answer"],
                "text": body["text"],
            }
            self.answers.setdefault((body["rule"], body["cause"]), []).append(answer)
        elif name == "policy.adopted":
            self.policies.append((raw.position, recorded, body))
        elif name == "ledger.created":
            self.created = body
        elif name not in _PASSED_BY:
            raise EventIsUnknown(f"Entry {raw.position} has the name {name}, which the fold does not know.")

    def _decide(self, position: int, recorded: str, key: str, data: dict[str, Any]) -> None:
        body = data["body"]
        if data["name"] == "decision.confirmed":
            versions = self.decisions[key]
            versions.append({"position": position, "recorded_at": recorded, "confirmed_by": data["by"]})
            return
        if data["name"] != "decision.recorded":
            raise EventIsUnknown(f"Entry {position} has the name {data['name']}, which the fold does not know.")
        versions = self.decisions.setdefault(key, [])
        if "supersedes" in data:
            self._supersede(data["stream"], data["supersedes"], position)
        versions.append({"position": position, "recorded_at": recorded, "recorded_by": data["by"], "body": body})

    def _keep(self, raw: RawEntry, data: dict[str, Any], moment: str, sets: dict[str, Any]) -> None:
        """Keep the entry of an objective for its history, and the state of the item if it draws a line."""
        objective = data["stream"].partition(":")[2]
        row = {
            "objective": objective,
            "key_result": data["body"].get("key_result"),
            "position": raw.position,
            "name": data["name"],
            "recorded_at": recorded_text(raw.recorded_at),
            "effective_at": moment,
            "by": data["by"],
            "on_behalf_of": data.get("on_behalf_of"),
            "reason": data.get("reason"),
            "decision": data.get("decision"),
            "source": data.get("source"),
            "supersedes": data.get("supersedes"),
            "superseded_at": None,
            "sets": sets,
        }
        self.rows.setdefault(objective, []).append(row)
        if data["name"] in ("objective.committed", "objective.replanned"):
            self._draw(row, data["body"], None)
        elif data["name"] == "key_result.added" and self.lines.get(objective):
            self._draw(row, data["body"], row["key_result"])

    def _draw(self, row: dict[str, Any], body: dict[str, Any], key_result: str | None) -> None:
        """Keep the state of an item at its own line; nothing recorded later moves it."""
        objective = row["objective"]
        lines = self.lines.setdefault(objective, [])
        state = self.objective(objective, None) if key_result is None else self.item(key_result, None)
        cycle = winner(self.items[objective].get("cycle", []), None)
        lines.append(
            {
                "objective": objective,
                "key_result": key_result,
                "line": body.get("line", 1),
                "position": row["position"],
                "recorded_at": row["recorded_at"],
                "effective_at": row["effective_at"],
                "by": row["by"],
                "source": row["source"],
                "cycle": None if cycle is None else cycle[2],
                "synthesised": body.get("synthesised", False),
                "no_record_at_start": body.get("no_record_at_start", False),
                "state": state,
            }
        )

    def item(self, identifier: str, bound: tuple[str, str] | None) -> dict[str, Any]:
        """Return `{id, reference, facets}` of an item at a bound; `facets` lack what had no fact by then."""
        facets = {}
        for facet, facts in self.items[identifier].items():
            fact = winner(facts, bound)
            if fact is not None:
                facets[facet] = {"value": fact[2], "effective_at": fact[0], "position": fact[1]}
        return {"id": identifier, "reference": self.references.get(identifier), "facets": facets}

    def objective(self, identifier: str, bound: tuple[str, str] | None) -> dict[str, Any]:
        """Return an objective with its key results, sorted by the number of their references."""
        state = self.item(identifier, bound)
        inner = [self.item(key_result, bound) for key_result in self.key_results[identifier]]
        state["key_results"] = sorted((one for one in inner if one["facets"]), key=by_reference)
        return state


def by_reference(state: dict[str, Any]) -> tuple[int, int]:
    """Return what sorts items as people count them: OBJ-9 before OBJ-10."""
    number = int(str(state["reference"]).rpartition("-")[2])
    return (number, 0)


def bound_of(effective_on: date | None, zone: ZoneInfo) -> tuple[str, str] | None:
    """Return the last day and the last instant, as text, of an effective day; None means no bound."""
    if effective_on is None:
        return None
    return effective_on.isoformat(), instant_text(end_of_day(effective_on, zone))


def winner(facts: list[Fact], bound: tuple[str, str] | None) -> Fact | None:
    """Return the fact with the greatest (effective moment, position) within the bound, or None."""
    if bound is not None:
        day, instant = bound
        facts = [fact for fact in facts if fact[0] <= (day if len(fact[0]) == 10 else instant)]
    if not facts:
        return None
    best = facts[-1]
    if len(facts) > 1:
        for fact in facts:
            if fact[0] > best[0] or (fact[0] == best[0] and fact[1] > best[1]):
                best = fact
    return best


def recorded_text(instant: datetime) -> str:
    """Return an instant as the ledger spells it: UTC with six digits and `Z`."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat(timespec="microseconds")[:26] + "Z"
