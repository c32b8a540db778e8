"""Views of what is: the ledger itself, cycles, objectives, key results, values, check-ins."""

from __future__ import annotations

from projections.view_parts import KEY_RESULT_COLUMNS, View, columns

BASIS = View(
    "v1_basis",
    "One row: which ledger this is and how far the views are.",
    columns(
        ("ledger", "uuid", "identifier of the ledger"),
        ("position", "bigint", "position up to which the views are told"),
        ("recorded_at", "timestamptz", "when the entry of that position was recorded"),
        ("head", "bigint", "last position of the ledger"),
        ("zone", "text", "time zone of the organisation"),
        ("generation", "integer", "generation of the tables behind the views"),
        ("stopped", "text", "projections that stopped; null while all run"),
    ),
    """
    select h.ledger, b.position, (select e.recorded_at from {entries} e where e.position = b.position) as recorded_at,
           h.position as head, h.zone, {generation} as generation, b.stopped
      from {head} h
     cross join (select min(position) as position,
                        string_agg(projection, ', ' order by projection)
                               filter (where stopped_at is not null) as stopped
                   from {bookmarks} where generation = {generation}) b
    """,
)

PRIVATE = View(
    "v1_private",
    "One row: how much the views leave out because it is not visible to everyone.",
    columns(
        ("objectives", "bigint", "objectives that are left out, with everything on them"),
        ("decisions", "bigint", "decisions that are left out because they touch such an objective"),
    ),
    """
    with {OBJECTIVES}, {PRIVATE_DECISIONS}
    select (select count(*) from hidden) as objectives, (select count(*) from private_decisions) as decisions
    """,
)

CYCLES = View(
    "v1_cycles",
    "Every cycle: its days and where it stands.",
    columns(
        ("cycle", "text", "key of the cycle"),
        ("name", "text", "its name"),
        ("kind", "text", "quarter, trimester, rolling, year or custom"),
        ("starts_on", "date", "first day"),
        ("commit_by", "date", "commit-by as first recorded, from which lateness counts"),
        ("commit_by_now", "date", "commit-by as it was last moved"),
        ("ends_on", "date", "last day"),
        ("parent", "text", "key of the cycle that it lies in"),
        ("standing", "text", "planned, open, scoring or closed"),
        ("opened_at", "timestamptz", "the first opening that was not voided"),
        ("closed_at", "timestamptz", "the last closing"),
    ),
    """
    select p.cycle, p.body ->> 'name' as name, p.body ->> 'kind' as kind, p.body ->> 'starts_on' as starts_on,
           p.body ->> 'commit_by' as commit_by,
           coalesce((select m.body ->> 'commit_by' from {cycle_events} m
                      where m.cycle = p.cycle and m.name = 'cycle.commit_by_moved'
                      order by m.position desc limit 1), p.body ->> 'commit_by') as commit_by_now,
           p.body ->> 'ends_on' as ends_on, p.body ->> 'parent' as parent,
           coalesce((select case s.name when 'cycle.opened' then 'open'
                                        when 'cycle.opening_voided' then 'planned'
                                        when 'cycle.closed' then 'closed'
                                        else 'scoring' end
                       from {cycle_events} s
                      where s.cycle = p.cycle and s.name not in ('cycle.planned', 'cycle.commit_by_moved')
                      order by s.position desc limit 1), 'planned') as standing,
           (select min(o.recorded_at) from {cycle_events} o
             where o.cycle = p.cycle and o.name = 'cycle.opened'
               and not exists (select from {cycle_events} v
                                where v.cycle = o.cycle and v.name = 'cycle.opening_voided'
                                  and (v.body ->> 'opening')::bigint = o.position)) as opened_at,
           (select max(c.recorded_at) from {cycle_events} c
             where c.cycle = p.cycle and c.name = 'cycle.closed') as closed_at
      from {cycle_events} p
     where p.name = 'cycle.planned'
    """,
)

OBJECTIVES_VIEW = View(
    "v1_objectives",
    "Every objective as it is now.",
    columns(
        ("objective", "uuid", "identifier of the objective"),
        ("reference", "text", "its reference, such as OBJ-142"),
        ("cycle", "text", "key of the cycle that it stands in"),
        ("title", "text", "its wording"),
        ("description", "text", "its longer wording, where there is one"),
        ("owner", "uuid", "person who owns it"),
        ("team", "uuid", "team that it belongs to"),
        ("parent", "uuid", "objective that it serves, where that one is visible to everyone"),
        ("local_because", "text", "why it serves no other objective"),
        ("standing", "text", "draft, committed, withdrawn, replaced, carried, closed or recorded_in_error"),
        ("successor", "uuid", "what replaced it or carries it on, where that one is visible to everyone"),
        ("score", "numeric", "score with which it was closed"),
        ("line", "integer", "number of its present line; null for a draft"),
        ("line_position", "bigint", "position at which that line was drawn"),
        ("committed_at", "timestamptz", "when that line took effect"),
        ("confidence", "numeric", "the owner's confidence at that line, 0 to 1"),
        ("carried_from", "uuid", "objective that it carries on, where that one is visible to everyone"),
    ),
    """
    with {OBJECTIVES}
    select o.id as objective, substring(convert_from(o.head, 'UTF8') from '"reference":"([^"]+)"') as reference,
           o.state -> 'cycle' ->> 'value' as cycle, o.state -> 'wording' -> 'value' ->> 'title' as title,
           o.state -> 'wording' -> 'value' ->> 'description' as description, o.state -> 'owner' ->> 'value' as owner,
           o.state -> 'team' ->> 'value' as team,
           (select p.id from objectives p
             where p.open and p.id = (o.state -> 'alignment' -> 'value' ->> 'parent')::uuid) as parent,
           o.state -> 'alignment' -> 'value' ->> 'local' as local_because,
           o.state -> 'standing' -> 'value' ->> 'word' as standing,
           (select p.id from objectives p
             where p.open and p.id = (o.state -> 'standing' -> 'value' ->> 'successor')::uuid) as successor,
           o.state -> 'standing' -> 'value' ->> 'score' as score,
           coalesce((o.state -> 'line' -> 'value' ->> 'line')::integer,
                    case when o.state ? 'line' then 1 end) as line,
           o.state -> 'line' ->> 'position' as line_position, o.state -> 'line' ->> 'effective_at' as committed_at,
           o.state -> 'line' -> 'value' ->> 'confidence' as confidence,
           (select p.id from objectives p
             where p.open and p.id = (o.state -> 'carried_from' ->> 'value')::uuid) as carried_from
      from objectives o
     where o.open
    """,
)

KEY_RESULTS = View(
    "v1_key_results",
    "Every key result as it is now, with its latest value and what its owner said last.",
    columns(
        ("key_result", "uuid", "identifier of the key result"),
        ("reference", "text", "its reference, such as KR-311"),
        ("objective", "uuid", "its objective"),
        ("cycle", "text", "key of the cycle that its objective stands in"),
        *KEY_RESULT_COLUMNS,
        ("value", "numeric", "latest value, where it is a number"),
        ("value_whole", "jsonb", "latest value as recorded: a number as text, a yes or no, finished stages"),
        ("value_on", "date", "day of that value"),
        ("confidence", "numeric", "the owner's last probability that the target is met, 0 to 1"),
        ("confidence_at", "timestamptz", "when it was said"),
        ("said", "text", "the status that the owner said last"),
        ("checked_in_at", "timestamptz", "the last check-in"),
        ("score", "numeric", "the score that somebody gave at the end"),
    ),
    """
    with {OBJECTIVES}
    select i.id as key_result, substring(convert_from(i.head, 'UTF8') from '"reference":"([^"]+)"') as reference,
           o.id as objective, o.state -> 'cycle' ->> 'value' as cycle,{KEY_RESULT_CELLS},
           case when jsonb_typeof(w.state -> 'value' -> 'value') = 'string'
                 and w.state -> 'value' ->> 'value' ~ {NUMBER}
                then (w.state -> 'value' ->> 'value')::numeric end as value,
           w.state -> 'value' -> 'value' as value_whole, left(w.state -> 'value' ->> 'effective_at', 10) as value_on,
           c.state -> 'confidence' ->> 'value' as confidence,
           c.state -> 'confidence' ->> 'effective_at' as confidence_at, c.state -> 'said' ->> 'value' as said,
           c.state -> 'check_in' ->> 'effective_at' as checked_in_at,
           s.state -> 'score' ->> 'value' as score
      from objectives o
      join {items} i on i.root = o.item and i.kind = 2
     cross join lateral ({STATE} where v.item = i.item and v.part = 0 order by v.position desc limit 1) s
      left join lateral ({STATE} where v.item = i.item and v.part = 1 order by v.position desc limit 1) w on true
      left join lateral ({STATE} where v.item = i.item and v.part = 2 order by v.position desc limit 1) c on true
     cross join lateral (select s.state as f) as facets
     where o.open and s.state ? 'standing'
    """,
)

VALUES = View(
    "v1_values",
    "Every value that was ever measured, also those that were amended since.",
    columns(
        ("key_result", "uuid", "the key result"),
        ("objective", "uuid", "its objective"),
        ("value_on", "date", "day on which the value was true"),
        ("value", "numeric", "the value, where it is a number"),
        ("value_whole", "jsonb", "the value as recorded"),
        ("position", "bigint", "position of the entry; of two values of one day the later position wins"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        ("superseded_by", "bigint", "position of the entry that superseded it; null for what stands"),
    ),
    """
    with {OBJECTIVES}
    select i.id as key_result, o.id as objective, date '0001-01-01' + (f.effective - 1)::integer as value_on,
           case when jsonb_typeof(t.fact -> 'value') = 'string' and t.fact ->> 'value' ~ {NUMBER}
                then (t.fact ->> 'value')::numeric end as value,
           t.fact -> 'value' as value_whole, f.position,
           {TOLD} {FACTS_OF_OPEN}16
     cross join lateral (select convert_from('{{'::bytea || f.fact || '}}'::bytea, 'UTF8')::jsonb -> 'value' as fact) t
     where o.open
    """,
)

CHECK_INS = View(
    "v1_check_ins",
    "Every check-in, without its narrative, which is personal.",
    columns(
        ("key_result", "uuid", "the key result"),
        ("objective", "uuid", "its objective"),
        ("checked_in_at", "timestamptz", "when it was made"),
        ("confidence", "numeric", "probability that the target as it stood then is met, 0 to 1"),
        ("said", "text", "the status that the owner said"),
        ("position", "bigint", "position of the entry"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        ("superseded_by", "bigint", "position of the entry that superseded it; null for what stands"),
    ),
    """
    with {OBJECTIVES}
    select i.id as key_result, o.id as objective, timestamptz 'epoch' + f.effective * interval '1 microsecond'
           as checked_in_at, c.told as confidence, s.told as said, f.position,
           {TOLD} {FACTS_OF_OPEN}19
      left join lateral (select convert_from('{{'::bytea || q.fact || '}}'::bytea, 'UTF8')::jsonb
                                -> 'confidence' ->> 'value' as told
                           from {facts} q
                          where q.item = f.item and q.facet = 17 and q.effective = f.effective
                            and q.position = f.position) c on true
      left join lateral (select convert_from('{{'::bytea || q.fact || '}}'::bytea, 'UTF8')::jsonb
                                -> 'said' ->> 'value' as told
                           from {facts} q
                          where q.item = f.item and q.facet = 18 and q.effective = f.effective
                            and q.position = f.position) s on true
     where o.open
    """,
)
