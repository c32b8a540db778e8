"""What the views for plain SQL are made of: columns with types and meanings, and the queries that several share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column: its stable name, its type in PostgreSQL, what it means."""

    name: LiteralString
    type: LiteralString
    meaning: LiteralString


@dataclass(frozen=True, slots=True)
class View:
    """One view; the reader's role may select from it unless it is not `granted`."""

    name: LiteralString
    what: LiteralString
    columns: tuple[ViewColumn, ...]
    query: LiteralString
    granted: bool = True


def columns(*told: tuple[LiteralString, LiteralString, LiteralString]) -> tuple[ViewColumn, ...]:
    return tuple(ViewColumn(*one) for one in told)


KEY_RESULT_COLUMNS: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("title", "text", "its wording"),
    ("owner", "uuid", "person who owns it"),
    ("measure", "text", "kind of measure: increase, decrease, at_or_above, at_or_below, band …"),
    ("unit", "text", "unit of the measure"),
    ("indicator", "text", "leading or lagging"),
    ("path", "text", "straight where expected progress was declared, else none"),
    ("baseline", "numeric", "number at the start"),
    ("target", "numeric", "number to reach or keep; of steps the last; null for bands, stages and done"),
    ("target_whole", "jsonb", "the target as recorded"),
    ("weight", "numeric", "weight in the roll-up"),
    ("ambition", "text", "committed or aspirational"),
    ("ends_on", "date", "its own horizon, where it is shorter than the cycle's"),
    ("standing", "text", "active, dropped or recorded_in_error"),
)

_STATE: LiteralString = (
    "select convert_from('{{'::bytea || v.state || '}}'::bytea, 'UTF8')::jsonb as state from {versions} v"
)

FRAGMENTS: dict[str, LiteralString] = {
    # Objectives with what they are now: `versions` holds the facts of a part joined by commas, the latest last.
    "OBJECTIVES": """
    objectives as (
        select i.item, i.id, i.head, s.state,
               coalesce(not s.state ? 'visibility' or s.state -> 'visibility' -> 'value' ->> 'word' = 'everyone',
                        false) as open
          from {items} i
         cross join lateral ({STATE} where v.item = i.item and v.part = 0 order by v.position desc limit 1) s
         where i.kind = 1
    ),
    hidden as (select item, id from objectives where not open)""",
    # A decision is private when it touches a hidden objective: by its own words, by a link, or by what cites it.
    "PRIVATE_DECISIONS": """
    private_decisions as (
        select d.decision
          from {decisions} d
         cross join lateral json_array_elements_text(d.body -> 'touches') as t(objective)
         where exists (select from hidden h where h.id::text = t.objective)
         union
        select l.decision from {decision_links} l join hidden h on h.id = l.objective
         union
        select c.decision from {decision_changes} c join hidden h on c.stream = 'objective:' || h.id
    )""",
    "STATE": _STATE,
    "NUMBER": r"'^-?[0-9]+(\.[0-9]+)?$'",
    "KEY_RESULT_CELLS": """
           f -> 'wording' -> 'value' ->> 'title' as title, f -> 'owner' ->> 'value' as owner,
           f -> 'measure' -> 'value' ->> 'kind' as measure, f -> 'measure' -> 'value' ->> 'unit' as unit,
           f -> 'measure' -> 'value' ->> 'indicator' as indicator, f -> 'measure' -> 'value' ->> 'path' as path,
           f -> 'baseline' ->> 'value' as baseline,
           coalesce(f -> 'target' -> 'value' ->> 'at', f -> 'target' -> 'value' -> 'steps' -> -1 ->> 'at') as target,
           f -> 'target' -> 'value' as target_whole, f -> 'weight' ->> 'value' as weight,
           f -> 'ambition' ->> 'value' as ambition, f -> 'ends_on' ->> 'value' as ends_on,
           f -> 'standing' -> 'value' ->> 'word' as standing""",
    "TOLD": """
           (select e.recorded_at from {entries} e where e.position = f.position) as recorded_at,
           nullif(f.superseded_at, 9223372036854775807) as superseded_by""",
    "FACTS_OF_OPEN": """
      from objectives o
      join {items} i on i.root = o.item and i.kind = 2
      join {facts} f on f.item = i.item and f.facet =""",
    "OTHERS": """
      from {items} i
     cross join lateral ({STATE} where v.item = i.item and v.part = 0 order by v.position desc limit 1) s
     where i.kind =""",
}
"""What several queries share, by the name under which they name it; a fragment may name another."""
