"""What does each objective of a cycle look like, at any pair of position and effective day?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, LiteralString
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from aggregates.values import instant_text
from ledger.collecting import without_collection
from projections import base, facets, states
from projections.base import ALWAYS, Generation, PlainEntry, Until
from projections.writes import Rows, Write

States = dict[str, Any]

_COPY = "copy {cycle_events} (cycle, position, recorded_at, effective, name, body) from stdin"
_EVENTS = """select position, recorded_at, effective, name, body::text
               from {cycle_events}
              where cycle = %(cycle)s and position <= %(position)s
              order by position"""
_CYCLES = """select distinct cycle from {cycle_events} where position <= %(position)s order by cycle"""
_STANDINGS = {
    "cycle.opened": "open",
    "cycle.reopened": "scoring",
    "cycle.opening_voided": "planned",
    "cycle.scoring_started": "scoring",
    "cycle.closed": "closed",
}


class Board:
    """What happens to cycles; what happens to their objectives is in `facts`."""

    name: ClassVar[str] = "board"
    NEEDS: ClassVar[tuple[str, ...]] = ("facts",)
    HANDLES: ClassVar[frozenset[str]] = base.CYCLE_NAMES
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.PRESENCE_NAMES | base.ACCESS_NAMES | base.TEAM_NAMES | base.OBJECTIVE_NAMES
        | base.DECISION_NAMES | {base.RETRACTION, base.ANSWER}
    )  # fmt: skip
    TABLE_NAMES: ClassVar[tuple[str, ...]] = ("cycle_events",)
    TABLES: ClassVar[LiteralString] = """
        create table {cycle_events} (
            cycle        text        not null collate "C",
            position     bigint      not null,
            recorded_at  timestamptz not null,
            effective    bigint      not null,
            name         text        not null,
            body         json        not null,
            primary key (cycle, position)
        );
    """

    def apply(
        self,
        page: Sequence[PlainEntry],
        connection: Connection[Any],  # noqa: ARG002
        generation: Generation,
    ) -> Sequence[Write]:
        """Leave what happened to cycles to be written."""
        rows = [
            (
                base.stream_id(entry["stream"]), entry["position"], entry["recorded_at"], entry["effective"],
                entry["name"], base.json_text(entry["body"]),
            )
            for entry in page
            if entry["name"] in base.CYCLE_NAMES
        ]  # fmt: skip
        return [Rows(generation.query(_COPY), rows)]


def cycles(connection: Connection[Any], generation: Generation, position: int) -> list[dict[str, Any]]:
    """Return every cycle that was planned by a position, in the order of their first days."""
    keys = connection.execute(generation.query(_CYCLES), {"position": position}).fetchall()
    found = [cycle_at(connection, generation, key, position) for (key,) in keys]
    return sorted((cycle for cycle in found if cycle), key=lambda cycle: (cycle["starts_on"], cycle["key"]))


def cycle_at(
    connection: Connection[Any], generation: Generation, cycle: str, position: int, until: Until = ALWAYS
) -> dict[str, Any] | None:
    """Return a cycle as known at a position; what happened to it after `until` has not happened yet.

    Its name and its days are told as planned whatever the instant. None when it was not planned by the position.
    """
    rows = connection.execute(generation.query(_EVENTS), {"cycle": cycle, "position": position}).fetchall()
    state: dict[str, Any] | None = None
    for place, recorded_at, effective, name, text in rows:
        body = orjson.loads(text)
        if name == "cycle.planned":
            state = {
                "key": cycle, "name": body["name"], "kind": body["kind"], "starts_on": body["starts_on"],
                "commit_by": body["commit_by"], "commit_by_now": body["commit_by"], "ends_on": body["ends_on"],
                "parent": body.get("parent"), "standing": "planned", "openings": [], "closed": [], "planned": place,
            }  # fmt: skip
        elif state is not None and effective <= until.end:
            _happen(state, name, body, place, instant_text(recorded_at))
    return state


def _happen(state: dict[str, Any], name: str, body: dict[str, Any], position: int, recorded_at: str) -> None:
    if name == "cycle.commit_by_moved":
        state["commit_by_now"] = body["commit_by"]
    elif name == "cycle.opened":
        state["openings"].append({"position": position, "recorded_at": recorded_at})
    elif name == "cycle.closed":
        state["closed"].append({"position": position, "recorded_at": recorded_at})
    elif name == "cycle.opening_voided":
        for opening in state["openings"]:
            if opening["position"] == body["opening"]:
                opening["voided_by"] = position
    state["standing"] = _STANDINGS.get(name, state["standing"])


def states_at_position(
    connection: Connection[Any], generation: Generation, cycle: str, position: int
) -> States | None:
    """Return the states of a cycle as the ledger knew them at a position; None for an unknown cycle.

    This is the state at (position, day) for every day from the day of that position on: no fact is ever
    effective after it was recorded.
    """
    found = cycle_at(connection, generation, cycle, position)
    if found is None:
        return None
    rows = states.objectives_at_position(connection, generation, cycle, position)
    return _states(found, rows, states.others_at_position(connection, generation, position))


def states_at(
    connection: Connection[Any],
    generation: Generation,
    cycle: str,
    position: int,
    effective_on: date,
    zone: ZoneInfo,
) -> States | None:
    """Return the states of a cycle as true at the end of a day, as known at a position; None for an unknown cycle."""
    bound = base.until(effective_on, zone)
    found = cycle_at(connection, generation, cycle, position, bound)
    if found is None:
        return None
    rows = states.objectives_at(connection, generation, cycle, position, bound)
    return _states(found, rows, states.others_at(connection, generation, position, bound))


def people_and_teams(
    connection: Connection[Any], generation: Generation, position: int, until: Until
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the states of everybody and of every team, by identifier."""
    if until is ALWAYS:
        rows = states.others_at_position(connection, generation, position)
    else:
        rows = states.others_at(connection, generation, position, until)
    people, teams = (
        {key: orjson.loads(b"{" + state + b"}") for kind, key, state in rows if kind == wanted}
        for wanted in (facets.PERSON, facets.TEAM)
    )
    return people, teams


def _states(cycle: dict[str, Any], rows: list[states.Row], others: list[tuple[int, str, bytes]]) -> States:
    objectives = b",".join([text for _, text in sorted(states.objectives_json(rows).values())])
    named: dict[int, list[bytes]] = {facets.PERSON: [], facets.TEAM: []}
    for kind, key, state in others:
        named[kind].append(b'"%b":{%b}' % (key.encode(), state))
    text = b'{"cycle":%b,"objectives":[%b],"people":{%b},"teams":{%b}}' % (
        orjson.dumps(cycle),
        objectives,
        b",".join(named[facets.PERSON]),
        b",".join(named[facets.TEAM]),
    )
    with without_collection():
        parsed: States = orjson.loads(text)
    return parsed
