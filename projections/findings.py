"""What would an auditor ask about: by which rule, caused by which entry, and what was answered?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, LiteralString

import orjson
from psycopg import Connection

from aggregates.values import instant_text
from projections import base
from projections.base import ALWAYS, Generation, PlainEntry, Until
from projections.finding_pages import FindingsPage
from projections.writes import Write

_ROWS = """select rule, cause, objective::text, key_result::text, cycle, name, recorded_at, effective_at, by,
                  on_behalf_of, reason::text, decision::text, source::text, detail::text, superseded_at
             from {findings}
            where cause <= %(position)s
              and (effective <= %(day)s or effective between 10000000 and %(end)s)
              and (cycle = %(cycle)s or %(cycle)s::text is null or objective = any (%(also)s::uuid[]))
              and (objective = %(objective)s or %(objective)s::uuid is null)
              and (rule = %(rule)s or %(rule)s::text is null)
              and (cause = %(cause)s or %(cause)s::bigint is null)
            order by cause, rule, objective"""
_ANSWERS = """select rule, cause, position, recorded_at, by, on_behalf_of, answer, text
                from {finding_answers}
               where position <= %(position)s and superseded_at > %(position)s and cause = any (%(causes)s)
               order by position"""
_RATIFICATIONS = """select cause, decision::text, position, recorded_at
                      from {finding_ratifications}
                     where position <= %(position)s and cause = any (%(causes)s)
                     order by position"""


class Findings:
    """Findings by rule and causing entry, with their answers; nothing disappears."""

    name: ClassVar[str] = "findings"
    NEEDS: ClassVar[tuple[str, ...]] = ("facts",)
    HANDLES: ClassVar[frozenset[str]] = (
        base.OBJECTIVE_NAMES
        | base.CYCLE_NAMES
        | base.DECISION_NAMES
        | {base.RETRACTION, base.ANSWER, "ledger.created"}
    )
    PASSES_BY: ClassVar[frozenset[str]] = (
        base.PRESENCE_NAMES | base.ACCESS_NAMES | base.TEAM_NAMES | {"policy.adopted"}
    )
    TABLE_NAMES: ClassVar[tuple[str, ...]] = (
        "findings", "finding_answers", "finding_ratifications", "finding_cycles", "finding_decisions", "finding_zone",
        "finding_citations",
    )  # fmt: skip
    TABLES: ClassVar[LiteralString] = """
        create table {findings} (
            rule           text        not null,
            cause          bigint      not null,  -- the position of the entry that caused it
            objective      uuid,
            key_result     uuid,
            cycle          text        collate "C",
            name           text        not null,
            recorded_at    timestamptz not null,
            effective      bigint      not null,
            effective_at   text        not null,
            by             text        not null,
            on_behalf_of   text,
            reason         json,
            decision       uuid,
            source         json,
            detail         json,
            superseded_at  bigint      not null
        );
        create index on {findings} (cause);
        create index on {findings} (cycle, cause);
        create index on {findings} (objective);
        create table {finding_answers} (
            rule           text        not null,
            cause          bigint      not null,
            position       bigint      primary key,
            recorded_at    timestamptz not null,
            by             text        not null,
            on_behalf_of   text,
            answer         text        not null,
            text           text        not null,
            superseded_at  bigint      not null
        );
        create index on {finding_answers} (cause);
        create table {finding_ratifications} (
            cause bigint not null, decision uuid not null, position bigint not null, recorded_at timestamptz not null
        );
        create index on {finding_ratifications} (cause);
        create table {finding_cycles} (
            cycle text primary key collate "C", starts_on date not null, commit_by date not null,
            ends_on date not null, closed bigint
        );
        create table {finding_decisions} (
            decision uuid not null, position bigint not null, decided_by uuid not null, touches uuid[] not null,
            primary key (decision, position)
        );
        create table {finding_citations} (  -- the changes after the line that cite a decision
            decision       uuid      not null,
            position       bigint    not null,
            objective      uuid      not null,
            cycle          text      collate "C",
            superseded_at  bigint    not null
        );
        create index on {finding_citations} (decision);
        create index on {finding_citations} (position);
        create table {finding_zone} (zone text not null);
    """

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Sequence[Write]:
        """Write the findings and answers of the page."""
        FindingsPage(connection, generation).apply([entry for entry in page if entry["name"] in self.HANDLES])
        return ()


def findings(
    connection: Connection[Any],
    generation: Generation,
    position: int,
    until: Until = ALWAYS,
    *,
    cycle: str | None = None,
    objective: str | None = None,
    rule: str | None = None,
    cause: int | None = None,
    also: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return findings by the position of their cause; one that concerns several objectives has a row for each.

    With a cycle, `also` names objectives whose findings belong to the answer though they stand in another cycle now.

    Shape of a row: `{rule, cause, objective, key_result, cycle, name, recorded_at, effective_at, by, on_behalf_of,
    reason, decision, source, detail: {…} | null, superseded_at: position | null, answers: [{position, recorded_at,
    by, on_behalf_of, answer, text}], ratified_by: [{decision, position, recorded_at}]}`. `superseded_at` says that
    the causing entry was amended or retracted later; the finding stays.
    """
    rows = connection.execute(
        generation.query(_ROWS),
        {
            "position": position, "day": until.day, "end": until.end, "cycle": cycle, "objective": objective,
            "rule": rule, "cause": cause, "also": list(also),
        },
    ).fetchall()  # fmt: skip
    asked = {"position": position, "causes": list({row[1] for row in rows})}
    answers: dict[tuple[str, int], list[dict[str, Any]]] = {}
    told = connection.execute(generation.query(_ANSWERS), asked).fetchall()
    for broken, caused, place, at, by, on_behalf_of, answer, text in told:
        answers.setdefault((broken, caused), []).append(
            {
                "position": place, "recorded_at": instant_text(at), "by": by, "on_behalf_of": on_behalf_of,
                "answer": answer, "text": text,
            }
        )  # fmt: skip
    ratified: dict[int, list[dict[str, Any]]] = {}
    for caused, decision, place, at in connection.execute(generation.query(_RATIFICATIONS), asked):
        ratified.setdefault(caused, []).append(
            {"decision": decision, "position": place, "recorded_at": instant_text(at)}
        )
    names = (
        "rule", "cause", "objective", "key_result", "cycle", "name", "recorded_at", "effective_at", "by",
        "on_behalf_of", "reason", "decision", "source", "detail", "superseded_at",
    )  # fmt: skip
    found = []
    for row in rows:
        shown = dict(zip(names, row, strict=True))
        shown["recorded_at"] = instant_text(shown["recorded_at"])
        shown["superseded_at"] = base.told(shown["superseded_at"], position)
        for name in ("reason", "source", "detail"):
            shown[name] = orjson.loads(shown[name]) if shown[name] is not None else None
        shown["answers"] = answers.get((shown["rule"], shown["cause"]), [])
        shown["ratified_by"] = ratified.get(shown["cause"], [])
        found.append(shown)
    return found
