"""Which decisions were taken, by whom, who wrote them down, who confirmed them, and what they changed?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, LiteralString

import orjson
from psycopg import Connection

from aggregates.values import instant_text
from projections import base
from projections.base import ALWAYS, Generation, PlainEntry, Until
from projections.writes import Rows, Write

_COPY_DECISIONS = """copy {decisions} (decision, position, recorded_at, effective, effective_at, by, on_behalf_of,
                                       source, body, supersedes, superseded_at) from stdin"""
_COPY_CONFIRMED = "copy {decision_confirmations} (decision, position, recorded_at, by) from stdin"
_COPY_LINKS = "copy {decision_links} (decision, objective, position) from stdin"
_COPY_CAUSED = (
    "copy {decision_changes} (decision, position, stream, key_result, name, superseded_at) from stdin"
)
_SUPERSEDE_DECISIONS = """update {decisions} d
                             set superseded_at = s.by
                            from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                           where d.position = s.position and d.superseded_at = 9223372036854775807"""
_SUPERSEDE_CHANGES = """update {decision_changes} c
                           set superseded_at = s.by
                          from unnest(%s::bigint[], %s::bigint[]) as s(position, by)
                         where c.position = s.position and c.superseded_at = 9223372036854775807"""
# The version that stands at the position; a decision was told when its first version was.
_ROWS = """select d.decision::text, d.position, d.recorded_at, d.effective_at, d.by, d.on_behalf_of, d.source::text,
                  d.body::text, d.supersedes
             from {decisions} d
            where d.position <= %(position)s and d.superseded_at > %(position)s and d.effective <= %(end)s
              and (d.decision = any (%(decisions)s::uuid[]) or %(decisions)s::uuid[] is null)
              and (%(objectives)s::uuid[] is null
                   or exists (select from {decision_links} l
                               where l.decision = d.decision and l.objective = any (%(objectives)s::uuid[])
                                 and l.position <= %(position)s))
            order by d.position"""
_CONFIRMED = """select decision::text, position, recorded_at, by from {decision_confirmations}
                 where decision = any (%s::uuid[]) and position <= %s order by position"""
_LINKS = """select decision::text, objective::text, position from {decision_links}
             where decision = any (%s::uuid[]) and position <= %s order by position, objective"""
_CAUSED = """select decision::text, position, stream, key_result::text, name from {decision_changes}
              where decision = any (%s::uuid[]) and position <= %s and superseded_at > %s order by position"""


class Decisions:
    """Decisions in all their versions, what they touch and what cites them."""

    name: ClassVar[str] = "decisions"
    NEEDS: ClassVar[tuple[str, ...]] = ()
    HANDLES: ClassVar[frozenset[str]] = (
        base.DECISION_NAMES | base.OBJECTIVE_NAMES | base.CYCLE_NAMES | base.TEAM_NAMES | {base.RETRACTION}
    )
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.ORGANISATION_NAMES | base.PRESENCE_NAMES | base.ACCESS_NAMES | {base.ANSWER}
    )
    TABLE_NAMES: ClassVar[tuple[str, ...]] = (
        "decisions", "decision_confirmations", "decision_links", "decision_changes",
    )  # fmt: skip
    TABLES: ClassVar[LiteralString] = """
        create table {decisions} (
            decision       uuid        not null,
            position       bigint      primary key,
            recorded_at    timestamptz not null,
            effective      bigint      not null,
            effective_at   text        not null,
            by             text        not null,
            on_behalf_of   text,
            source         json,
            body           json        not null,
            supersedes     bigint,
            superseded_at  bigint      not null
        );
        create index on {decisions} (decision);
        create table {decision_confirmations} (
            decision uuid not null, position bigint primary key, recorded_at timestamptz not null, by text not null
        );
        create index on {decision_confirmations} (decision);
        create table {decision_links} (decision uuid not null, objective uuid not null, position bigint not null);
        create index on {decision_links} (decision);
        create index on {decision_links} (objective);
        create table {decision_changes} (
            decision       uuid   not null,
            position       bigint primary key,
            stream         text   not null,
            key_result     uuid,
            name           text   not null,
            superseded_at  bigint not null
        );
        create index on {decision_changes} (decision);
    """

    def apply(
        self,
        page: Sequence[PlainEntry],
        connection: Connection[Any],  # noqa: ARG002
        generation: Generation,
    ) -> Sequence[Write]:
        """Leave to be written: decisions, confirmations, links, and the entries that cite a decision."""
        recorded, confirmed, links, caused = [], [], [], []
        for entry in page:
            name = entry["name"]
            if name == "decision.recorded":
                recorded.append(_recorded(entry))
            elif name == "decision.confirmed":
                key = base.stream_id(entry["stream"])
                confirmed.append((key, entry["position"], entry["recorded_at"], entry["by"]))
            elif name == "objective.decision_linked":
                key = base.stream_id(entry["stream"])
                links.append((entry["body"]["decision"], key, entry["position"]))
            elif "decision" in entry:
                key_result = entry["body"].get("key_result")
                caused.append(
                    (entry["decision"], entry["position"], entry["stream"], key_result, name, base.FOREVER)
                )
        query = generation.query
        return [
            Rows(query(_COPY_DECISIONS), recorded),
            Rows(query(_COPY_CONFIRMED), confirmed),
            Rows(query(_COPY_LINKS), links),
            Rows(query(_COPY_CAUSED), caused),
            base.supersede(query(_SUPERSEDE_DECISIONS), page),
            base.supersede(query(_SUPERSEDE_CHANGES), page),
        ]


def _recorded(entry: PlainEntry) -> tuple[Any, ...]:
    return (
        base.stream_id(entry["stream"]), entry["position"], entry["recorded_at"], entry["effective"], entry["at"],
        entry["by"], entry.get("on_behalf_of"), base.json_text(entry.get("source")), base.json_text(entry["body"]),
        entry.get("supersedes"), base.FOREVER,
    )  # fmt: skip


def decisions(
    connection: Connection[Any],
    generation: Generation,
    position: int,
    until: Until = ALWAYS,
    *,
    objectives: Sequence[str] | None = None,
    decision: str | None = None,
) -> list[dict[str, Any]]:
    """Return the decisions that touch these objectives, one decision, or all, by position.

    Shape of a row: `{decision, position, recorded_at, effective_at, text, decided_by, decided_at, recorded_by,
    on_behalf_of, source, supersedes, standing: own | asserted | confirmed, confirmed_by, confirmed_at,
    confirmed_position, touches: [objective], ratifies: [position], links: [{objective, position}], changes:
    [{position, name, objective | cycle | team, key_result}]}`. `own`: who decided wrote it down. Who confirmed an
    earlier version has not confirmed the one that stands.
    """
    rows = connection.execute(
        generation.query(_ROWS),
        {
            "position": position, "end": until.end,
            "objectives": None if objectives is None else list(objectives),
            "decisions": None if decision is None else [decision],
        },
    ).fetchall()  # fmt: skip
    keys = [row[0] for row in rows]
    confirmed = _grouped(connection.execute(generation.query(_CONFIRMED), [keys, position]))
    links = _grouped(connection.execute(generation.query(_LINKS), [keys, position]))
    caused = _grouped(connection.execute(generation.query(_CAUSED), [keys, position, position]))
    return [
        _shown(row, confirmed.get(row[0], []), links.get(row[0], []), caused.get(row[0], [])) for row in rows
    ]


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, *rest in rows:
        found.setdefault(key, []).append(tuple(rest))
    return found


def _shown(
    row: tuple[Any, ...],
    confirmed: list[tuple[Any, ...]],
    links: list[tuple[Any, ...]],
    caused: list[tuple[Any, ...]],
) -> dict[str, Any]:
    key, position, recorded_at, effective_at, by, on_behalf_of, source, text, supersedes = row
    body = orjson.loads(text)
    confirmation = confirmed[-1] if confirmed and confirmed[-1][0] > position else None
    own = by == f"person:{body['decided_by']}"
    return {
        "decision": key,
        "position": position,
        "recorded_at": instant_text(recorded_at),
        "effective_at": effective_at,
        "text": body["text"],
        "decided_by": body["decided_by"],
        "decided_at": body.get("decided_at"),
        "recorded_by": by,
        "on_behalf_of": on_behalf_of,
        "source": orjson.loads(source) if source else None,
        "supersedes": supersedes,
        "standing": "own" if own else "confirmed" if confirmation else "asserted",
        "confirmed_by": confirmation[2] if confirmation else None,
        "confirmed_at": instant_text(confirmation[1]) if confirmation else None,
        "confirmed_position": confirmation[0] if confirmation else None,
        "touches": body.get("touches", []),
        "ratifies": body.get("ratifies", []),
        "links": [{"objective": objective, "position": place} for objective, place in links],
        "changes": [
            {
                "position": place,
                "name": name,
                stream.split(":")[0]: base.stream_id(stream),
                "key_result": key_result,
            }
            for place, stream, key_result, name in caused
        ],
    }
