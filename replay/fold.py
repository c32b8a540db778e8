"""The fold: raw entries to the state of every item, independently of the projections that it is compared with.

It reads stored bytes in the order of positions into plain dictionaries. What was superseded is taken out when its
successor is read, so that after position P the fold holds exactly what was known at P; the effective day is
chosen at the end, among the facts of each facet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import orjson

from aggregates.values import end_of_day, instant_text
from ledger.codec import RawEntry
from replay.setters import SETTERS

Moment = str | datetime
"""When a fact became true: the stored text, or the recorded_at that stands for an absent one."""
Fact = tuple[Moment, int, Any]
"""(moment, position, value)."""
Bound = tuple[str, str, datetime]
"""The last day and the last instant of an effective day, as text, and that instant."""
Item = dict[str, list[Fact]]

_PASSED_BY = frozenset(
    {
        "access.role_granted", "access.role_revoked", "access.delegation_granted", "access.delegation_revoked",
        "service.registered", "team.member_added", "team.member_removed",
    }
)  # fmt: skip


class EventIsUnknown(Exception):
    """An entry has a name that the fold does not know; nothing is skipped."""


class Fold:
    """The facts of a ledger up to a position, in one pass.

    Raises:
        EventIsUnknown: naming the entry.
    """

    keep_rows: ClassVar[bool] = False

    def __init__(self) -> None:
        self.position = 0
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
        self.lost: list[tuple[str, str]] = []
        """(item, facet) that the last entry with a predecessor took the fact from."""
        self.answers: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def apply(self, entries: Iterable[RawEntry]) -> None:
        """Read entries that follow the last one read."""
        self.apply_rows((raw.position, raw.recorded_at, raw.data) for raw in entries)

    def apply_rows(self, rows: Iterable[tuple[int, datetime, bytes]]) -> None:
        """Read (position, recorded_at, data) of entries that follow the last one read."""
        loads, items, setter_of, keep_rows = orjson.loads, self.items, SETTERS.get, self.keep_rows
        for position, recorded_at, stored in rows:
            data = loads(stored)
            body = data["body"]
            setter = setter_of(data["name"])
            moment = data.get("effective_at", recorded_at)
            if setter is None:
                self._other(position, recorded_at, data, moment)
                self.position = position
                continue
            identifier = body.get("key_result")
            if identifier is None:
                identifier = data["stream"].partition(":")[2]
            item = items.get(identifier)
            if item is None:
                item = self._begin(identifier, data["name"], data["stream"], body)
            if "supersedes" in data:
                self._supersede(data["stream"], data["supersedes"], position)
            pairs = setter(body)
            for facet, value in pairs:
                try:
                    item[facet].append((moment, position, value))
                except KeyError:
                    item[facet] = [(moment, position, value)]
            if keep_rows:
                self._keep(position, recorded_at, data, moment, dict(pairs))
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
        item = self.items[identifier] = {}
        return item

    def _supersede(self, stream: str, superseded: int, position: int) -> None:
        """Take out everything that the superseded entry of this stream set."""
        kind, _, root = stream.partition(":")
        if kind == "decision":
            for version in self.decisions[root]:
                if version["position"] == superseded:
                    version["superseded_at"] = position
            return
        self.lost = []
        for identifier in (root, *self.key_results.get(root, ())):
            for facet, facts in self.items[identifier].items():
                kept = [fact for fact in facts if fact[1] != superseded]
                if len(kept) != len(facts):
                    facts[:] = kept
                    self.lost.append((identifier, facet))

    def _other(self, position: int, recorded_at: datetime, data: dict[str, Any], moment: Moment) -> None:
        """Read an entry that sets no facet of an item."""
        name, body = data["name"], data["body"]
        kind, _, key = data["stream"].partition(":")
        recorded = recorded_text(recorded_at)
        if kind == "cycle" and name.startswith("cycle."):
            fact = {
                "position": position,
                "recorded_at": recorded,
                "moment": moment_text(moment),
                "name": name,
                "body": body,
            }
            self.cycles.setdefault(key, []).append(fact)
            self._cycle_step(key, fact, data)
        elif kind == "decision" and name.startswith("decision."):
            self._decide(position, recorded, key, data)
        elif name == "finding.answered":
            answer = {
                "position": position,
                "recorded_at": recorded,
                "by": data["by"],
                "on_behalf_of": data.get("on_behalf_of"),
                "answer": body["answer"],
                "text": body["text"],
            }
            self.answers.setdefault((body["rule"], body["cause"]), []).append(answer)
        elif name == "policy.adopted":
            self.policies.append((position, recorded, body))
        elif name == "ledger.created":
            self.created = {**body, "recorded_at": recorded}
        elif name not in _PASSED_BY:
            raise EventIsUnknown(f"Entry {position} has the name {name}, which the fold does not know.")

    def _cycle_step(self, key: str, fact: dict[str, Any], data: dict[str, Any]) -> None:
        """Called for each entry of a cycle; `replay.audit` looks for findings here."""

    def _decide(self, position: int, recorded: str, key: str, data: dict[str, Any]) -> None:
        body = data["body"]
        if data["name"] == "decision.confirmed":
            versions = self.decisions[key]
            versions.append({"position": position, "recorded_at": recorded, "confirmed_by": data["by"]})
            self._confirmed(position, recorded, key, data)
            return
        if data["name"] != "decision.recorded":
            raise EventIsUnknown(
                f"Entry {position} has the name {data['name']}, which the fold does not know."
            )
        versions = self.decisions.setdefault(key, [])
        if "supersedes" in data:
            self._supersede(data["stream"], data["supersedes"], position)
        version = {
            "position": position,
            "recorded_at": recorded,
            "effective_at": data.get("effective_at", recorded),
            "recorded_by": data["by"],
            "on_behalf_of": data.get("on_behalf_of"),
            "source": data.get("source"),
            "supersedes": data.get("supersedes"),
            "body": body,
        }
        versions.append(version)
        self._decided(key, version)

    def _decided(self, key: str, version: dict[str, Any]) -> None:
        """Called for each version of a decision; `replay.audit` looks for ratifications here."""

    def _confirmed(self, position: int, recorded: str, key: str, data: dict[str, Any]) -> None:
        """Called for each confirmation; `replay.audit` looks for one after close here."""

    def _keep(
        self, position: int, recorded_at: datetime, data: dict[str, Any], moment: Moment, sets: dict[str, Any]
    ) -> None:
        """Called for each entry that sets facets, once they are in place; `replay.audit` keeps rows here."""

    def item(self, identifier: str, bound: Bound | None) -> dict[str, Any]:
        """Return `{id, reference, facets}` of an item at a bound; `facets` lack what had no fact by then."""
        facets = {}
        for facet, facts in self.items[identifier].items():
            fact = winner(facts, bound)
            if fact is not None:
                facets[facet] = {"value": fact[2], "effective_at": fact[0], "position": fact[1]}
        return {"id": identifier, "reference": self.references.get(identifier), "facets": facets}

    def objective(self, identifier: str, bound: Bound | None) -> dict[str, Any]:
        """Return an objective with its key results, sorted by the number of their references."""
        state = self.item(identifier, bound)
        inner = [self.item(key_result, bound) for key_result in self.key_results[identifier]]
        state["key_results"] = sorted((one for one in inner if one["facets"]), key=by_reference)
        return state


def by_reference(state: dict[str, Any]) -> tuple[int, int]:
    """Return what sorts items as people count them: OBJ-9 before OBJ-10."""
    number = int(str(state["reference"]).rpartition("-")[2])
    return (number, 0)


def bound_of(effective_on: date | None, zone: ZoneInfo) -> Bound | None:
    """Return the last day and the last instant, as text, of an effective day; None means no bound."""
    if effective_on is None:
        return None
    instant = end_of_day(effective_on, zone)
    return effective_on.isoformat(), instant_text(instant), instant


def winner(facts: list[Fact], bound: Bound | None) -> Fact | None:
    """Return the fact with the greatest (moment, position) within the bound, its moment as text, or None."""
    if bound is not None:
        facts = [fact for fact in facts if _is_within(fact[0], bound)]
    if not facts:
        return None
    if len({type(fact[0]) for fact in facts}) > 1:
        facts = [(moment_text(moment), position, value) for moment, position, value in facts]
    moment, position, value = max(facts, key=_order)
    return moment_text(moment), position, value


def _order(fact: Fact) -> tuple[Any, int]:
    return fact[:2]


def _is_within(moment: Moment, bound: Bound) -> bool:
    if isinstance(moment, datetime):
        return moment <= bound[2]
    return moment <= (bound[0] if len(moment) == 10 else bound[1])


def moment_text(moment: Moment) -> str:
    """Return a moment as the ledger spells it: UTC with six digits and `Z`, or a day."""
    return recorded_text(moment) if isinstance(moment, datetime) else moment


def recorded_text(instant: datetime) -> str:
    """Return an instant as the ledger spells it: UTC with six digits and `Z`."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return f"{instant.isoformat(timespec='microseconds')[:26]}Z"
