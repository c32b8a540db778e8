"""Views of what was recorded: lines, changes, decisions, findings, people, teams, entries."""

from __future__ import annotations

from projections.view_parts import KEY_RESULT_COLUMNS, View, columns

COMMITMENTS = View(
    "v1_commitments",
    "Every line: of an objective, or of a key result that was added after its objective's first line.",
    columns(
        ("objective", "uuid", "the objective"),
        ("key_result", "uuid", "the key result that was added late; null for the objective's own line"),
        ("line", "integer", "number of the line: 1, and more after re-plans"),
        ("cycle", "text", "key of the cycle that the objective stood in at the line"),
        ("position", "bigint", "position at which the line was drawn"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        ("committed_at", "timestamptz", "when it took effect"),
        ("recorded_by", "text", "who recorded it, as person:… or service:…"),
        ("days_late", "integer", "days after commit-by; 0 is on time"),
        ("grade", "text", "witnessed, migrated or reconstructed"),
        ("synthesised", "boolean", "whether an import made the commitment up from a snapshot"),
        ("no_record_at_start", "boolean", "whether the source has no record at the start of the cycle"),
        ("title", "text", "wording at the line"),
        ("owner", "uuid", "owner at the line"),
        ("team", "uuid", "team at the line"),
        ("confidence", "numeric", "the owner's confidence at the line, 0 to 1"),
        ("superseded_by", "bigint", "position of the entry that superseded it; null for what stands"),
    ),
    """
    with {OBJECTIVES}
    select l.objective, l.key_result, l.line, l.cycle, l.position, l.recorded_at, l.effective_at as committed_at,
           l.by as recorded_by, l.late_by_days as days_late, l.grade, l.synthesised, l.no_record_at_start,
           l.state -> 'facets' -> 'wording' -> 'value' ->> 'title' as title,
           l.state -> 'facets' -> 'owner' ->> 'value' as owner, l.state -> 'facets' -> 'team' ->> 'value' as team,
           l.state -> 'facets' -> 'line' -> 'value' ->> 'confidence' as confidence,
           nullif(l.superseded_at, 9223372036854775807) as superseded_by
      from {lines} l
     where not exists (select from hidden h where h.id = l.objective)
    """,
)

COMMITTED_KEY_RESULTS = View(
    "v1_committed_key_results",
    "Every key result at every line that holds it, as it stood there.",
    columns(
        ("key_result", "uuid", "the key result"),
        ("reference", "text", "its reference, such as KR-311"),
        ("objective", "uuid", "its objective"),
        ("line", "integer", "number of the line"),
        ("line_position", "bigint", "position of the line, as `position` in v1_commitments"),
        ("cycle", "text", "key of the cycle that the objective stood in at the line"),
        *KEY_RESULT_COLUMNS,
    ),
    """
    with {OBJECTIVES}
    select k.state ->> 'id' as key_result, k.state ->> 'reference' as reference, l.objective, l.line,
           l.position as line_position, l.cycle,{KEY_RESULT_CELLS}
      from {lines} l
     cross join lateral (select l.state::jsonb as state where l.key_result is not null
                          union all
                         select jsonb_array_elements(l.state::jsonb -> 'key_results')
                          where l.key_result is null) k
     cross join lateral (select k.state -> 'facets' as f) as facets
     where l.superseded_at = 9223372036854775807
       and not exists (select from hidden h where h.id = l.objective)
    """,
)

CHANGES = View(
    "v1_changes",
    "Every facet of a commitment that was set after line 1, entry by entry, with its new value.",
    columns(
        ("objective", "uuid", "the objective"),
        ("key_result", "uuid", "the key result; null for the objective itself"),
        ("position", "bigint", "position of the entry"),
        ("name", "text", "its stored name"),
        ("facet", "text", "what it set: target, baseline, owner, standing …"),
        ("value", "jsonb", "the new value; null where it names what is not visible to everyone"),
        ("number", "numeric", "the new value, where it is one number"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        ("effective_at", "timestamptz", "when it became true"),
        ("recorded_by", "text", "who recorded it, as person:… or service:…"),
        ("on_behalf_of", "text", "for whom it was recorded"),
        ("reason_class", "text", "recalibration, scope, measurement_fault, external or editorial"),
        ("reason", "text", "the reason, as written"),
        ("decision", "uuid", "decision that it cites, where that one is in v1_decisions"),
        ("source", "text", "source that it was imported from"),
        ("source_version", "text", "version of the source"),
        ("supersedes", "bigint", "position of the entry that it amends or retracts"),
        ("superseded_by", "bigint", "position of the entry that superseded it; null for what stands"),
    ),
    """
    with {OBJECTIVES}, {PRIVATE_DECISIONS}
    select c.objective, c.key_result, c.position, c.name, c.facet, s.value,
           case when jsonb_typeof(s.value) = 'string' and s.value #>> '{{}}' ~ {NUMBER}
                then (s.value #>> '{{}}')::numeric
                else coalesce(s.value ->> 'at', s.value -> 'steps' -> -1 ->> 'at')::numeric end as number,
           c.recorded_at, c.effective_at, c.by as recorded_by, c.on_behalf_of, c.reason ->> 'kind' as reason_class,
           c.reason ->> 'text' as reason,
           case when not exists (select from private_decisions p where p.decision = c.decision)
                then c.decision end as decision,
           c.source ->> 'name' as source, c.source ->> 'version' as source_version, c.supersedes,
           nullif(c.superseded_at, 9223372036854775807) as superseded_by
      from {changes} c
     cross join lateral (select case when not exists (
                                        select from hidden h
                                         where h.id::text in (c.value ->> 'parent', c.value ->> 'successor'))
                                     then c.value::jsonb end as value) s
     where not exists (select from hidden h where h.id = c.objective)
    """,
)

DECISIONS = View(
    "v1_decisions",
    "Every decision as its last version says it.",
    columns(
        ("decision", "uuid", "identifier of the decision"),
        ("position", "bigint", "position of the version that stands"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        ("decided_by", "uuid", "person who decided"),
        ("decided_on", "date", "day on which it was decided, in the organisation's zone"),
        ("text", "text", "its wording"),
        ("recorded_by", "text", "who wrote it down, as person:… or service:…"),
        ("standing", "text", "own, confirmed or asserted"),
        ("confirmed_by", "text", "who confirmed it"),
        ("confirmed_at", "timestamptz", "when it was confirmed"),
        ("touches", "uuid[]", "objectives that it touches"),
        ("ratifies", "bigint[]", "positions of the changes that it ratifies"),
    ),
    """
    with {OBJECTIVES}, {PRIVATE_DECISIONS}
    select d.decision, d.position, d.recorded_at, d.body ->> 'decided_by' as decided_by,
           case when length(d.body ->> 'decided_at') = 10 then (d.body ->> 'decided_at')::date
                else ((d.body ->> 'decided_at')::timestamptz at time zone (select zone from {head}))::date
           end as decided_on,
           d.body ->> 'text' as text, d.by as recorded_by,
           case when d.by = 'person:' || (d.body ->> 'decided_by') then 'own'
                when c.position is not null then 'confirmed' else 'asserted' end as standing,
           c.by as confirmed_by, c.recorded_at as confirmed_at,
           array(select json_array_elements_text(d.body -> 'touches')) as touches,
           array(select json_array_elements_text(d.body -> 'ratifies')) as ratifies
      from {decisions} d
      left join lateral (select q.position, q.by, q.recorded_at from {decision_confirmations} q
                          where q.decision = d.decision and q.position > d.position
                          order by q.position desc limit 1) c on true
     where d.superseded_at = 9223372036854775807
       and not exists (select from private_decisions p where p.decision = d.decision)
    """,
)

FINDINGS = View(
    "v1_findings",
    "Every finding, with its last answer; a rule and a cause are its address.",
    columns(
        ("rule", "text", "the rule that found it"),
        ("cause", "bigint", "position of the entry that caused it"),
        ("cycle", "text", "key of the cycle"),
        ("objective", "uuid", "the objective; null where it is about the cycle"),
        ("key_result", "uuid", "the key result"),
        ("name", "text", "stored name of the entry that caused it"),
        ("recorded_at", "timestamptz", "when that entry was recorded"),
        ("recorded_by", "text", "who recorded it, as person:… or service:…"),
        ("reason_class", "text", "recalibration, scope, measurement_fault, external or editorial"),
        ("reason", "text", "the reason, as written"),
        ("decision", "uuid", "decision that the entry cites, where that one is in v1_decisions"),
        ("standing", "text", "open, explained, accepted or disputed"),
        ("answered_by", "text", "who gave the last answer"),
        ("answered_at", "timestamptz", "when it was given"),
        ("answer", "text", "its wording"),
        ("superseded_by", "bigint", "position of the entry that superseded the cause"),
    ),
    """
    with {OBJECTIVES}, {PRIVATE_DECISIONS}
    select f.rule, f.cause, f.cycle, f.objective, f.key_result, f.name, f.recorded_at, f.by as recorded_by,
           f.reason ->> 'kind' as reason_class, f.reason ->> 'text' as reason,
           case when p.decision is null then f.decision end as decision, coalesce(a.answer, 'open') as standing,
           a.by as answered_by, a.recorded_at as answered_at, a.text as answer,
           nullif(f.superseded_at, 9223372036854775807) as superseded_by
      from {findings} f
      left join private_decisions p on p.decision = f.decision
      left join lateral (select q.answer, q.by, q.recorded_at, q.text from {finding_answers} q
                          where q.rule = f.rule and q.cause = f.cause and q.superseded_at = 9223372036854775807
                          order by q.position desc limit 1) a on true
     where not exists (select from hidden h where h.id = f.objective)
       and (p.decision is null or f.rule <> 'decision_retracted' and f.name not like 'decision.%')
    """,
)

PEOPLE = View(
    "v1_people",
    "Everybody's presence. Names are not here: they stand in the directory, beside the record.",
    columns(
        ("person", "uuid", "identifier of the person"),
        ("presence", "text", "here, left or on_leave"),
        ("since", "timestamptz", "since when"),
        ("acting_owner", "uuid", "who acts for somebody on leave"),
        ("expected_back_on", "date", "day on which somebody on leave is expected back"),
    ),
    """
    select i.id as person, s.state -> 'presence' -> 'value' ->> 'word' as presence,
           s.state -> 'presence' ->> 'effective_at' as since,
           s.state -> 'presence' -> 'value' ->> 'acting_owner' as acting_owner,
           s.state -> 'presence' -> 'value' ->> 'expected_back_on' as expected_back_on{OTHERS} 3""",
)

TEAMS = View(
    "v1_teams",
    "Every team and what it is part of.",
    columns(
        ("team", "uuid", "identifier of the team"),
        ("name", "text", "its name"),
        ("parent", "uuid", "team that it is part of"),
        ("standing", "text", "active or closed"),
    ),
    """
    select i.id as team, s.state -> 'name' ->> 'value' as name, s.state -> 'parent' ->> 'value' as parent,
           s.state -> 'standing' -> 'value' ->> 'word' as standing{OTHERS} 4""",
)

ENTRIES = View(
    "v1_entries",
    "Every entry that names nothing hidden. Personal text is in it as it is stored: sealed.",
    columns(
        ("position", "bigint", "its position; what is left out leaves gaps"),
        ("recorded_at", "timestamptz", "when the ledger was told"),
        (
            "stream",
            "text",
            "what it is about: objective:…, cycle:…, decision:…, person:…, team:…, organisation",
        ),
        ("version", "integer", "its place on the stream"),
        ("name", "text", "its stored name"),
        ("recorded_by", "text", "who recorded it, as person:… or service:…"),
        ("effective_at", "text", "when it became true: an instant, or a day for a value"),
        ("reason", "jsonb", "the reason with its class"),
        ("decision", "uuid", "decision that it cites"),
        ("supersedes", "bigint", "position of the entry that it amends or retracts"),
        ("body", "jsonb", "what the event says"),
    ),
    """
    with {OBJECTIVES}, {PRIVATE_DECISIONS},
    names as (
        select id::text as name from hidden
         union all
        select k.id::text from {items} k join hidden h on k.root = h.item and k.kind = 2
         union all
        select decision::text from private_decisions
    )
    select e.position, e.recorded_at, e.stream, e.version, e.name, t.entry ->> 'by' as recorded_by,
           coalesce(t.entry ->> 'effective_at',
                    to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) as effective_at,
           t.entry -> 'reason' as reason, t.entry ->> 'decision' as decision, e.supersedes, t.entry -> 'body' as body
      from {entries} e
     cross join lateral (select convert_from(e.data, 'UTF8') as text, convert_from(e.data, 'UTF8')::jsonb as entry) t
     where not exists (select from names n where strpos(t.text, n.name) > 0)
    """,
)

DIRECTORY = View(
    "v1_directory",
    "Names of people and services, as they are now. Nobody may read it until the owner grants it.",
    columns(
        ("actor", "uuid", "identifier of the person or service"),
        ("kind", "text", "person or service"),
        ("name", "text", "display name"),
        ("handle", "text", "handle"),
    ),
    "select actor, kind, display_name as name, handle from {people}",
    granted=False,
)
