"""What was committed, line by line: the state of each objective at its own line, which nothing later moves?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, LiteralString
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from aggregates.values import day_of, instant_text
from projections import base, facets, states
from projections.base import ALWAYS, Generation, PlainEntry, Until
from projections.writes import Rows, Write

LINES = frozenset({"objective.committed", "objective.replanned"})

_COPY = """copy {lines} (objective, key_result, line, cycle, position, recorded_at, effective, effective_at, by,
                         on_behalf_of, reason, decision, source, synthesised, no_record_at_start, grade,
                         late_by_days, superseded_at, state) from stdin"""
_SUPERSEDE = """update {lines} l
                   set superseded_at = s.by
                  from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                 where l.position = s.position and l.superseded_at = 9223372036854775807"""
_COMMITTED = """select objective::text, min(position)
                  from {lines}
                 where objective = any (%s::uuid[]) and key_result is null
                 group by objective"""
_CYCLES = "select cycle, starts_on, commit_by from {line_cycles}"
_LEDGER = "select created_at, zone from {line_ledger}"
_ROWS = """select objective::text, key_result::text, line, cycle, position, recorded_at, effective_at, by,
                  on_behalf_of, reason::text, decision::text, source::text, synthesised, no_record_at_start, grade,
                  late_by_days, state::text
             from {lines}
            where position <= %(position)s and superseded_at > %(position)s and effective <= %(end)s
              and (cycle = %(cycle)s or %(cycle)s::text is null)
              and (objective = %(objective)s or %(objective)s::uuid is null)
              and (objective = any (%(objectives)s::uuid[]) or %(objectives)s::uuid[] is null)
              and (%(moved)s::text is null
                   or cycle is distinct from %(moved)s::text
                      and objective in (select objective from {lines}
                                         where cycle = %(moved)s and key_result is null and line = 1
                                           and position <= %(position)s
                                           and superseded_at > %(position)s and effective <= %(end)s))
            order by position"""


class Commitments:
    """One row for each line of an objective, and one for each key result that was added after line 1."""

    name: ClassVar[str] = "commitments"
    NEEDS: ClassVar[tuple[str, ...]] = ("facts",)
    HANDLES: ClassVar[frozenset[str]] = LINES | {
        "key_result.added",
        "cycle.planned",
        "ledger.created",
        base.RETRACTION,
    }
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.PRESENCE_NAMES | base.ACCESS_NAMES | base.TEAM_NAMES | base.CYCLE_NAMES
        | base.OBJECTIVE_NAMES | base.DECISION_NAMES | {base.ANSWER}
    ) - HANDLES  # fmt: skip
    TABLE_NAMES: ClassVar[tuple[str, ...]] = ("lines", "line_cycles", "line_ledger")
    TABLES: ClassVar[LiteralString] = """
        create table {lines} (
            objective           uuid        not null,
            key_result          uuid,
            line                smallint    not null,
            cycle               text        collate "C",
            position            bigint      primary key,
            recorded_at         timestamptz not null,
            effective           bigint      not null,
            effective_at        text        not null,
            by                  text        not null,
            on_behalf_of        text,
            reason              json,
            decision            uuid,
            source              json,
            synthesised         boolean     not null,
            no_record_at_start  boolean     not null,
            grade               text        not null,
            late_by_days        integer,
            superseded_at       bigint      not null,
            state               json        not null  -- all facets of the item at this position
        );
        alter table {lines} set (toast_tuple_target = 8160);  -- whole and beside the others up to a page's size
        alter table {lines} alter column state set storage external;
        create index on {lines} (objective);
        create index on {lines} (cycle, position);
        create table {line_cycles} (cycle text primary key collate "C", starts_on date, commit_by date);
        create table {line_ledger} (created_at timestamptz not null, zone text not null);
    """

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Iterator[Write]:
        """Leave the lines that the page draws to be written, a portion at a time."""
        concerned = [entry for entry in page if entry["name"] in self.HANDLES]
        if not concerned:
            return
        _remember(concerned, connection, generation)
        drawn = _drawn(concerned, connection, generation)
        if drawn:
            times = _Times.load(connection, generation)
            for start in range(0, len(drawn), PORTION):
                portion = drawn[start : start + PORTION]
                found = _states(portion, connection, generation)
                yield Rows(
                    generation.query(_COPY),
                    [_line(entry, state, times) for entry, state in zip(portion, found, strict=True)],
                )
        yield base.supersede(generation.query(_SUPERSEDE), concerned)


PORTION = 500
"""Lines whose states are held together: an import commits thousands of objectives, one after the other."""


def _remember(page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation) -> None:
    """Keep the first-recorded days of each cycle, and when the ledger was created."""
    for entry in page:
        body = entry["body"]
        if entry["name"] == "cycle.planned":
            connection.execute(
                generation.query("insert into {line_cycles} values (%s, %s, %s) on conflict do nothing"),
                [body["key"], body["starts_on"], body["commit_by"]],
            )
        elif entry["name"] == "ledger.created":
            connection.execute(
                generation.query("insert into {line_ledger} values (%s, %s)"),
                [entry["recorded_at"], body["zone"]],
            )


def _drawn(
    page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
) -> list[PlainEntry]:
    """Return the entries that draw a line: commitments, re-plans, key results added to what is committed."""
    added = {base.stream_id(entry["stream"]) for entry in page if entry["name"] == "key_result.added"}
    committed: set[str] = set()
    if added:
        rows = connection.execute(generation.query(_COMMITTED), [list(added)]).fetchall()
        committed = {objective for objective, _ in rows}
    drawn = []
    for entry in page:
        if entry["name"] in LINES:
            committed.add(base.stream_id(entry["stream"]))
            drawn.append(entry)
        elif entry["name"] == "key_result.added" and base.stream_id(entry["stream"]) in committed:
            drawn.append(entry)
    return drawn


def _states(
    drawn: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
) -> list[tuple[bytes, str | None]]:
    """Return the state of each line's item at its own position as JSON, and the cycle of its objective then."""
    objectives = [base.stream_id(entry["stream"]) for entry in drawn]
    roots = states.roots_of(connection, generation, objectives)
    rows = states.rows_at_positions(
        connection, generation, [roots[key] for key in objectives], [entry["position"] for entry in drawn]
    )
    wholes = states.objectives_json(rows)
    added = {(row[0], row[2]): row for row in rows if row[1] == facets.KEY_RESULT}
    found = []
    for place, entry in enumerate(drawn, start=1):
        _, text = wholes[place]
        cycle = orjson.loads(text)["facets"].get("cycle", {}).get("value")
        if entry["name"] == "key_result.added":
            _, _, _, _, head, state = added[place, entry["position"]]
            text = b'{%b,"facets":{%b}}' % (head, state)
        found.append((text, cycle))
    return found


@dataclass(frozen=True, slots=True)
class _Times:
    """What decides lateness and grade: the cycles' first days and first-recorded commit-by, the ledger's creation."""

    cycles: Mapping[str, tuple[date, date]]
    created_at: datetime | None
    zone: ZoneInfo

    @classmethod
    def load(cls, connection: Connection[Any], generation: Generation) -> _Times:
        rows = connection.execute(generation.query(_CYCLES)).fetchall()
        created = connection.execute(generation.query(_LEDGER)).fetchone()
        cycles = {key: (starts_on, commit_by) for key, starts_on, commit_by in rows}
        return cls(cycles, created[0] if created else None, ZoneInfo(created[1] if created else "UTC"))

    def grade(self, entry: PlainEntry, cycle: str | None) -> str:
        """Return reconstructed, migrated or witnessed: derived, never claimed."""
        if "source" in entry:
            return "reconstructed"
        days = self.cycles.get(cycle or "")
        if days is None or self.created_at is None:
            return "witnessed"
        return "migrated" if day_of(self.created_at, self.zone) > days[0] else "witnessed"

    def late_by(self, entry: PlainEntry, cycle: str | None) -> int | None:
        """Return the days by which the line took effect after commit-by (0: on time), None without a cycle."""
        days = self.cycles.get(cycle or "")
        if days is None:
            return None
        return max(0, (day_of(datetime.fromisoformat(entry["at"]), self.zone) - days[1]).days)


def _line(entry: PlainEntry, state: tuple[bytes, str | None], times: _Times) -> tuple[Any, ...]:
    body, (text, cycle) = entry["body"], state
    return (
        base.stream_id(entry["stream"]), body.get("key_result"), body.get("line", 1), cycle, entry["position"],
        entry["recorded_at"], entry["effective"], entry["at"], entry["by"], entry.get("on_behalf_of"),
        base.json_text(entry.get("reason")), entry.get("decision"), base.json_text(entry.get("source")),
        body.get("synthesised", False), body.get("no_record_at_start", False), times.grade(entry, cycle),
        times.late_by(entry, cycle), base.FOREVER, text.decode(),
    )  # fmt: skip


def commitments(
    connection: Connection[Any],
    generation: Generation,
    position: int,
    until: Until = ALWAYS,
    *,
    cycle: str | None = None,
    objective: str | None = None,
    moved_from: str | None = None,
    objectives: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the lines of a cycle, of an objective, of several or of all, by position.

    A line belongs to the cycle of its objective at that line; with `moved_from` those are returned that objectives
    whose line 1 is in this cycle drew in others. Shape of a row: `{objective, key_result: id | null,
    line, cycle, position, recorded_at, effective_at, by, on_behalf_of, reason, decision, source, synthesised,
    no_record_at_start, grade: witnessed | migrated | reconstructed, late_by_days: n | null, state}`; `state` is
    that of an objective with its key results, or of the key result that was added.
    """
    rows = connection.execute(
        generation.query(_ROWS),
        {
            "position": position, "end": until.end, "cycle": cycle, "objective": objective, "moved": moved_from,
            "objectives": None if objectives is None else list(objectives),
        },
    ).fetchall()  # fmt: skip
    names = (
        "objective", "key_result", "line", "cycle", "position", "recorded_at", "effective_at", "by", "on_behalf_of",
        "reason", "decision", "source", "synthesised", "no_record_at_start", "grade", "late_by_days", "state",
    )  # fmt: skip
    return [_shown(dict(zip(names, row, strict=True))) for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    row["recorded_at"] = instant_text(row["recorded_at"])
    for name in ("reason", "source", "state"):
        if row[name] is not None:
            row[name] = orjson.loads(row[name])
    return row
