"""What changed after the line: which facet of which item, to what, when, by whom, why, by which decision?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, LiteralString

import orjson
from psycopg import Connection

from aggregates.values import instant_text
from projections import base, facets, states
from projections.base import ALWAYS, Generation, PlainEntry, Until
from projections.writes import Rows, Write, copy_text

_COPY = """copy {changes} (objective, key_result, name, facet, value, position, recorded_at, effective, effective_at,
                           by, on_behalf_of, reason, decision, source, supersedes, superseded_at) from stdin"""
_COPY_LINES = "copy {change_lines} (objective, position) from stdin"
_LINES = """select objective::text, min(position) from {change_lines}
             where objective = any (%s::uuid[]) group by objective"""
_SUPERSEDE = """update {changes} c
                   set superseded_at = s.by
                  from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                 where c.position = s.position and c.superseded_at = 9223372036854775807"""
# Changes in the order in which they became true; of two at one moment the one that was told first comes first.
_ROWS = """select objective::text, key_result::text, name, facet, value::text, position, recorded_at, effective_at, by,
                  on_behalf_of, reason::text, decision::text, source::text, supersedes, superseded_at
             from {changes}
            where position <= %(position)s and effective <= %(end)s
              and (superseded_at > %(position)s or %(superseded)s)
              and (objective = any (%(objectives)s::uuid[]) or %(objectives)s::uuid[] is null)
            order by effective, position, facet"""

CHANGING = frozenset(
    name
    for name in facets.SETS
    if name.startswith(("objective.", "key_result."))
    and name not in facets.NOT_DRIFT
    and name not in (
        "key_result.measured", "key_result.checked_in", "key_result.scored", "key_result.noted_in_source",
        "objective.noted_in_source",
    )
)  # fmt: skip


class Drift:
    """One row for each facet of a commitment that was changed after line 1."""

    name: ClassVar[str] = "drift"
    NEEDS: ClassVar[tuple[str, ...]] = ("facts",)
    HANDLES: ClassVar[frozenset[str]] = CHANGING | {"objective.committed", base.RETRACTION}
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.PRESENCE_NAMES | base.ACCESS_NAMES | base.TEAM_NAMES | base.CYCLE_NAMES
        | base.OBJECTIVE_NAMES | base.DECISION_NAMES | {base.ANSWER}
    ) - HANDLES  # fmt: skip
    TABLE_NAMES: ClassVar[tuple[str, ...]] = ("changes", "change_lines")
    TABLES: ClassVar[LiteralString] = """
        create table {changes} (
            objective      uuid        not null,
            key_result     uuid,
            name           text        not null,
            facet          text        not null,
            value          json,
            position       bigint      not null,
            recorded_at    timestamptz not null,
            effective      bigint      not null,
            effective_at   text        not null,
            by             text        not null,
            on_behalf_of   text,
            reason         json,
            decision       uuid,
            source         json,
            supersedes     bigint,
            superseded_at  bigint      not null
        );
        create index on {changes} (objective, position);
        create index on {changes} (position);
        create table {change_lines} (objective uuid not null, position bigint not null);
        create index on {change_lines} (objective);
    """

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Sequence[Write]:
        """Leave the changes of the page that come after their objective's first line to be written."""
        concerned = [
            entry
            for entry in page
            if entry["name"] in self.HANDLES and entry["stream"].startswith("objective:")
        ]
        if not concerned:
            return ()
        changed = _after_line(concerned, connection, generation)
        rows = [_row(entry, *change) for entry in changed for change in _changes_of(entry)]
        rows += _retractions(changed, connection, generation)
        return [
            Rows(generation.query(_COPY), sorted(rows, key=lambda row: (row[5], row[3]))),
            base.supersede(generation.query(_SUPERSEDE), concerned),
        ]


def _after_line(
    page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
) -> list[PlainEntry]:
    """Return the entries on objectives that are committed by then; note the lines that the page draws."""
    objectives = {base.stream_id(entry["stream"]) for entry in page if entry["name"] != "objective.committed"}
    lines: dict[str, int] = {}
    if objectives:
        lines = dict(connection.execute(generation.query(_LINES), [list(objectives)]).fetchall())
    drawn, after = [], []
    for entry in page:
        objective = base.stream_id(entry["stream"])
        if entry["name"] == "objective.committed":
            lines.setdefault(objective, entry["position"])
            drawn.append((objective, entry["position"]))
        elif objective in lines:
            after.append(entry)
    if drawn:
        copy_text(connection, generation.query(_COPY_LINES), drawn)
    return after


def _changes_of(entry: PlainEntry) -> list[tuple[str | None, str, Any]]:
    key_result = entry["body"].get("key_result")
    return [(key_result, facet, value) for facet, value in facets.changes(entry["name"], entry["body"])]


def _retractions(
    changed: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
) -> list[tuple[Any, ...]]:
    """Return a row for each facet that a retraction takes back, with the value that stands in its place."""
    retracted = [entry for entry in changed if entry["name"] == base.RETRACTION]
    if not retracted:
        return []
    found = states.superseded_facets(connection, generation, base.after(retracted))
    wanted = [
        (entry, item, facet)
        for entry in retracted
        for item, facet in found.get(entry["position"], ())
        if facet in facets.COMMITTED_FACETS or facet == "line"
    ]
    values = states.standing_values(
        connection,
        generation,
        [(item, facet, entry["effective"], entry["position"]) for entry, item, facet in wanted],
    )
    return [
        _row(entry, None if item == base.stream_id(entry["stream"]) else item, facet, value)
        for (entry, item, facet), value in zip(wanted, values, strict=True)
    ]


def _row(entry: PlainEntry, key_result: str | None, facet: str, value: Any) -> tuple[Any, ...]:
    return (
        base.stream_id(entry["stream"]), key_result, entry["name"], facet, base.json_text(value), entry["position"],
        entry["recorded_at"], entry["effective"], entry["at"], entry["by"], entry.get("on_behalf_of"),
        base.json_text(entry.get("reason")), entry.get("decision"), base.json_text(entry.get("source")),
        entry.get("supersedes"), base.FOREVER,
    )  # fmt: skip


def changes(
    connection: Connection[Any],
    generation: Generation,
    position: int,
    until: Until = ALWAYS,
    *,
    objectives: Sequence[str] | None = None,
    superseded: bool = False,
) -> list[dict[str, Any]]:
    """Return the changes after line 1 of these objectives, or of all, by (effective_at, position).

    With `superseded` also those that an amendment or a retraction took away. Shape of a row: `{objective,
    key_result: id | null, name, facet, value, position, recorded_at, effective_at, by, on_behalf_of, reason,
    decision, source, supersedes, superseded_at}`; `value` is the new one. A key result added late is one row of
    the facet `standing`, a re-plan one of the facet `line`, a retraction one for each facet that it takes back.
    """
    rows = connection.execute(
        generation.query(_ROWS),
        {
            "position": position, "end": until.end, "superseded": superseded,
            "objectives": None if objectives is None else list(objectives),
        },
    ).fetchall()  # fmt: skip
    names = (
        "objective", "key_result", "name", "facet", "value", "position", "recorded_at", "effective_at", "by",
        "on_behalf_of", "reason", "decision", "source", "supersedes", "superseded_at",
    )  # fmt: skip
    return [_shown(dict(zip(names, row, strict=True)), position) for row in rows]


def _shown(row: dict[str, Any], position: int) -> dict[str, Any]:
    row["recorded_at"] = instant_text(row["recorded_at"])
    row["superseded_at"] = base.told(row["superseded_at"], position)
    for name in ("reason", "source", "value"):
        if row[name] is not None:
            row[name] = orjson.loads(row[name])
    return row
