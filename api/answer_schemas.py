"""The shape of every answer's rows, member by member, for the description of the API.

Rows are closed: a member that an answer has and no shape names is a change of contract, and
`tests/api/test_answers.py` says so. Every object may bear `private`, and every identifier may be null, where
something is hidden from the reader.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]
Members = dict[str, Schema]

S: Final[Schema] = {"type": "string"}
I: Final[Schema] = {"type": "integer"}  # noqa: E741 (one letter each, so that a shape reads as a shape)
B: Final[Schema] = {"type": "boolean"}
NAME: Final[Schema] = {"type": ["string", "null"], "description": "An identifier; null where it is hidden."}
NUMBER: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
MOMENT: Final[Schema] = {"type": "string", "description": "An instant, or the day of a measured value."}
VALUE: Final[Schema] = {"description": "The value of a facet: a text, a number as text, a list or an object."}
PRIVATE: Final[Schema] = {
    "type": ["boolean", "integer"],
    "description": "true: something here is hidden from the reader; in a list's answer, how many rows are.",
}


def null(schema: Schema) -> Schema:
    """Return a shape that may be null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def words(*known: str) -> Schema:
    """Return the shape of one of these words."""
    return {"type": "string", "enum": list(known)}


def rows(schema: Schema) -> Schema:
    """Return the shape of a list."""
    return {"type": "array", "items": schema}


def table(schema: Schema) -> Schema:
    """Return the shape of an object whose members are named by identifiers or words."""
    return {"type": "object", "additionalProperties": schema}


def ref(name: str) -> Schema:
    """Return a reference to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def row(text: str = "", /, *, may_have: Members | None = None, **members: Schema) -> Schema:
    """Return the shape of a closed object: members that are always there, and those that it may have."""
    described = {"description": text} if text else {}
    known = {**members, **(may_have or {}), "private": PRIVATE}
    return {
        "type": "object", **described, "required": list(members), "properties": known, "additionalProperties": False,
    }  # fmt: skip


def _fact(value: Schema) -> Schema:
    return row(value=value, position=I, effective_at=MOMENT)


_BANDS = null(words("green", "yellow", "red"))
_ACTOR = {"type": ["string", "null"], "description": "`person:…` or `service:…`."}
_REASON = row(kind=S, text=S)
_MARKED: Members = {"position": I, "recorded_at": INSTANT}
_COUNTED = row(
    achieved=I, behind=I, carried=I, closed=I, draft=I, not_started=I, off_track=I, on_track=I, silent=I, withdrawn=I
)  # fmt: skip
_STEPS: Members = {
    "steps": rows(row(on=DAY, at=NUMBER)),
    "stages": rows(row(name=S, weight=NUMBER)),
}
_CYCLE: Members = {
    "key": S, "name": S, "kind": S, "parent": null(S), "starts_on": DAY, "commit_by": DAY, "commit_by_now": DAY,
    "ends_on": DAY, "planned": I, "closed": rows(row(**_MARKED)),
    "openings": rows(row(may_have={"voided_by": null(I)}, **_MARKED)),
    "standing": words("planned", "open", "scoring", "closed"),
}  # fmt: skip
_BARE: Members = {"stream": S, "version": I, "people": table(ref("Named"))}
_WHO_AND_WHEN: Members = {
    "position": I, "name": S, "recorded_at": INSTANT, "effective_at": MOMENT, "by": _ACTOR, "on_behalf_of": _ACTOR,
    "reason": null(_REASON), "source": null(ref("SourceRow")), "decided": ref("Decided"), "superseded_at": null(I),
}  # fmt: skip
_CHANGE: Members = {
    "facet": S, "direction": null(words("softer", "harder", "neutral")), "old": VALUE, "new": VALUE,
}  # fmt: skip
_SCORED: Members = {"score": null(NUMBER), "band": _BANDS, "mark": null(S)}

SHAPES: Final[Members] = {
    "Named": row("Who somebody is, as the directory says now.", name=null(S), handle=null(S), kind=S),
    "PersonRow": row(
        name=null(S), handle=null(S), kind=S, presence=_fact(row(
            word=words("here", "left", "on_leave"), may_have={"acting_owner": NAME, "expected_back_on": null(DAY)},
        )), roles=rows(S),
    ),
    "TeamRow": row(
        name=_fact(S), parent=_fact(NAME), standing=_fact(row(word=S)), may_have={"members": rows(NAME)},
    ),
    "CycleRow": row(**_CYCLE),
    "SourceRow": {"type": "object", "required": ["name"], "description": "The tool or file that it was taken from."},
    "MeasureRow": row(kind=S, indicator=S, path=S, may_have={"unit": S, "initial": NUMBER}),
    "TargetRow": row(kind=S, may_have={"at": NUMBER, "low": NUMBER, "high": NUMBER, **_STEPS}),
    "Decided": row(
        "Who decided a change, and how that is known.", words=S, decision=NAME, decided_by=NAME, recorded_by=_ACTOR,
        confirmed_by=_ACTOR, decided_at=null(INSTANT), text=null(S), author=null(S), days_later=null(I),
        how=words("own", "confirmed", "asserted", "ratified", "according_to_source", "none", "private"),
    ),
    "Owner": row(
        id=NAME, presence=null(S), since=null(MOMENT), may_have={"acting_owner": NAME, "expected_back_on": null(DAY)},
    ),
    "Status": row(
        "What the owner said and what is computed; silent is a flag over either.",
        word=S, glyph=S, said=null(S), disagrees=B, silent=B, counts_as=S,
        explain=row(rule=S, sentence=S, policy_version=I, inputs={"type": "object"}), may_have={"disagreement": S},
    ),
    "KeyResultRow": row(
        id=S, reference=S, title=S, owner=ref("Owner"), ambition=S, measure=ref("MeasureRow"), baseline=null(NUMBER),
        target=ref("TargetRow"), value=null(_fact(VALUE)), weight=NUMBER, ends_on=null(DAY), standing=S,
        progress=null(NUMBER), progress_mark=null(S), pace=null(row(expected=NUMBER, difference=null(NUMBER))),
        confidence=null(row(value=NUMBER, band=S, at=INSTANT, position=I, stale=B)), score=null(NUMBER),
        status=ref("Status"), last_check_in=null(INSTANT), silent_days=null(I), source=null(ref("SourceRow")),
    ),
    "ObjectiveRow": row(
        id=S, reference=S, title=S, description=null(S), owner=ref("Owner"), team=NAME,
        alignment=null(row(may_have={"parent": NAME, "local": S})), carried_from=NAME,
        standing=row(word=S, may_have={"into": null(S), "successor": NAME, "score": null(NUMBER)}),
        line=null(row(line=I, position=I, at=INSTANT, policy=I, may_have={
            "confidence": null(NUMBER), "accepted_by": NAME, "no_record_at_start": B, "synthesised": B,
        })),
        progress=null(NUMBER), progress_mark=null(S), counted=row(key_results=I, of=I),
        pace=null(row(expected=NUMBER, difference=null(NUMBER), compares=null(S))),
        confidence=null({"type": "object", "properties": {"value": NUMBER, "band": S, "from": S},
                         "required": ["value", "band", "from"], "additionalProperties": False}),
        status=ref("Status"), disagreements=I, silent_days=null(I), silent_key_results=I, source=null(ref("SourceRow")),
        key_results=rows(ref("KeyResultRow")), recorded_in_error=rows(row(id=S, reference=S, title=S, position=I)),
        may_have={"visibility": row(word=words("everyone", "team", "people"), may_have={"people": rows(NAME)})},
    ),
    "LineRow": row(
        "An objective or a key result as it stood at its own line.",
        line=I, key_result=NAME, by=_ACTOR, effective_at=MOMENT, on_time=B, days_late=I, words=S,
        grade=words("witnessed", "migrated", "reconstructed"), synthesised=B, no_record_at_start=B,
        source=null(ref("SourceRow")), confidence=null(NUMBER), accepted_by=NAME, policy=null(I), **_MARKED,
        state={"type": "object", "required": ["id", "reference", "facets"], "properties": {
            "id": S, "reference": S, "private": PRIVATE, "facets": table(_fact(VALUE)),
            "key_results": rows(row(id=S, reference=S, facets=table(_fact(VALUE)))),
        }, "additionalProperties": False},
    ),
    "FacetRow": row(
        kind=S, **_CHANGE, may_have={"successor": NAME},
        changes=rows(row(**_WHO_AND_WHEN, old=VALUE, new=VALUE, direction=_CHANGE["direction"], amends=null(I))),
    ),
    "DriftOfKeyResult": row(
        key_result=S, reference=S, title=S, kept=B, facets=rows(ref("FacetRow")), scores=row(
            said=null(NUMBER), lines=rows(row(line=I, ambition=S, **_SCORED)), final=null(row(ambition=S, **_SCORED)),
        ),
    ),
    "DriftOfObjective": row(
        objective=S, reference=S, title=S, kept=B, facets=rows(ref("FacetRow")),
        line=row(line=I, by=_ACTOR, effective_at=MOMENT, source=null(ref("SourceRow")), **_MARKED),
        key_results=rows(ref("DriftOfKeyResult")), scores=row(
            said=null(NUMBER), lines=rows(row(line=I, counted=I, of=I, **_SCORED)),
            final=null(row(counted=I, of=I, **_SCORED)),
        ),
    ),
    "HistoryRow": row(
        objective=NAME, key_result=NAME, supersedes=null(I),
        changes=rows(row(facet=S, before=VALUE, after=VALUE, in_force=B)), **_WHO_AND_WHEN,
    ),
    "DecisionRow": row(
        decision=S, text=S, decided_by=NAME, recorded_by=_ACTOR, decided_at=null(INSTANT), confirmed_by=_ACTOR,
        confirmed_at=null(INSTANT), confirmed_position=null(I), standing=words("own", "confirmed", "asserted"),
        effective_at=MOMENT, on_behalf_of=_ACTOR, source=null(ref("SourceRow")), supersedes=null(I), ratifies=rows(I),
        touches=rows(NAME), links=rows(row(objective=NAME, position=I)), **_MARKED,
        changes=rows(row(name=S, position=I, may_have={"cycle": S, "objective": NAME, "key_result": NAME})),
    ),
    "FindingRow": row(
        rule=S, cause=I, sentence=S, detail={"type": "object"}, standing=S, cycle=null(S), objective=NAME,
        key_result=NAME, reference=null(S), decision=NAME, by=_ACTOR, on_behalf_of=_ACTOR, reason=null(_REASON),
        direction=_CHANGE["direction"], changes=rows(row(words=S, **_CHANGE)), recorded_at=INSTANT, effective_at=MOMENT,
        source=null(ref("SourceRow")), superseded_at=null(I), recorded_in_error=B,
        answers=rows(row(answer=S, text=S, by=_ACTOR, on_behalf_of=_ACTOR, **_MARKED)),
        ratified_by=rows(row(decision=NAME, days_later=I, words=S, **_MARKED)),
        concerns=rows(row(position=I, key_result=NAME, recorded_at=null(INSTANT), words=S, days_before=null(I))),
    ),
    "FindingGroup": row(
        "Findings that have a decision, a person, an owner or a team in common; `key` is null for none. `findings` are "
        "the addresses that POST /v1/findings/answers takes; the rows stand in the answer's own list.",
        key=NAME, title=null(S), above=rows(row(team=NAME, name=null(S))), findings=rows(row(rule=S, cause=I)),
        decided=null(row(
            decided_by=NAME, recorded_by=_ACTOR, confirmed_by=_ACTOR, standing=words("own", "confirmed", "asserted"),
            **_MARKED,
        )),
        counts=row(findings=I, open=I, answered=I, softer=I, harder=I, neutral=I),
    ),
}  # fmt: skip
"""The rows, by name."""


def answer(member_rows: Members, /, *, may_have: Members | None = None, **more: Schema) -> Schema:
    """Return the shape of an answer: its basis, its rows, whom it names."""
    always = {"basis": ref("Basis"), **member_rows, **more, "people": table(ref("Named"))}
    return row("", may_have=may_have, **always)


_LISTED: Members = {
    "next_cursor": {"type": "string", "description": "There are more rows: send it as `cursor`."},
    "since": {
        "type": "integer",
        "description": "Only what was recorded after this position; counts are of all.",
    },
    "sources": table(table(S)),
}
_REFERENCES: Members = {"references": table(S)}
_SEALED = row(author=NAME, key_id=S, commitment=S, ciphertext=S)

ANSWERS: Final[Members] = {
    "CyclesAnswer": answer({"cycles": rows(ref("CycleRow"))}),
    "BoardAnswer": answer(
        {"objectives": rows(ref("ObjectiveRow"))}, cycle=ref("CycleRow"), day=DAY, elapsed=null(NUMBER),
        policy=row(version=I, name=S, bands=S, roll_up=S, clamp_for_roll_up=B, silent_after_days=I),
        counts=_COUNTED, silent=I, disagreements=I, owners_who_left=rows(row(id=NAME, owns=rows(S))),
        key_results=row(counts=_COUNTED, silent=I, disagreements=I), teams=table(ref("TeamRow")),
        recorded_in_error=rows(row(id=S, reference=S, title=S, position=I)),
    ),
    "CommitmentsAnswer": answer(
        {"objectives": rows(row(
            objective=S, reference=S, lines=rows(ref("LineRow")), added_late=rows(ref("LineRow")),
        ))},
        cycle=S, starts_on=DAY, commit_by=DAY, commit_by_now=DAY, ends_on=DAY,
        not_committed=rows(row(objective=S, reference=S, title=S, owner=NAME, standing=S)),
        moved_here=rows({"type": "object"}), sources=_LISTED["sources"],
        counts=row(
            objectives=I, on_time=I, late=I, not_committed=I, added_late=I, replanned=I, grades=table(I),
        ),
    ),
    "DriftAnswer": answer(
        {"objectives": rows(ref("DriftOfObjective"))}, cycle=null(S), line=null(I), clock=S, policy_version=I,
        counts=row(objectives=I, kept=I, softer=I, harder=I, neutral=I, kinds=table(I)), **_REFERENCES,
        may_have=_LISTED,
    ),
    "HistoryAnswer": answer(
        {"entries": rows(ref("HistoryRow"))}, item=S, reference=S, objective=NAME, clock=S, until=null(DAY),
        **_REFERENCES, may_have=_LISTED,
    ),
    "DecisionsAnswer": answer({"decisions": rows(ref("DecisionRow"))}, **_REFERENCES, may_have=_LISTED),
    "FindingsAnswer": answer(
        {"findings": rows(ref("FindingRow"))}, **_REFERENCES,
        may_have={**_LISTED, "group_by": S, "groups": rows(ref("FindingGroup"))},
        counts=row(open=I, answered=I, softer=I, harder=I, neutral=I, rules=table(I)),
    ),
    "PeopleAnswer": row(basis=ref("Basis"), people=table(ref("PersonRow")), may_have=_LISTED),
    "TeamsAnswer": answer({"teams": table(ref("TeamRow"))}),
    "PolicyAnswer": answer({"policy": {"type": "object"}}, version=I, position=I, recorded_at=INSTANT),
    "BareCycle": row(**_BARE, **_CYCLE, may_have={"reopened": rows({})}),
    "BareObjective": row(
        **_BARE, objective=S, reference=S, cycle=S, owner=NAME, team=NAME, alignment=null({"type": "object"}),
        carried_from=NAME, decisions=rows(NAME), last_act_at=null(INSTANT), source=null(ref("SourceRow")),
        lines=rows(row(number=I, position=I, at=INSTANT, policy=null(I), confidence=null(NUMBER))),
        standing=row(word=S, into=null(S), score=null(NUMBER), successor=NAME),
        wording=row(title=S, description=null(S)), key_results=table(row(
            key_result=S, reference=S, added=I, ambition=S, baseline=null(NUMBER), target=ref("TargetRow"),
            measure=ref("MeasureRow"), owner=NAME, wording=S, weight=NUMBER, value=VALUE, ends_on=null(DAY), standing=S,
            confidence=null(NUMBER), said=null(S), score=null(NUMBER), source=null(ref("SourceRow")),
            check_in=null(row(key_result=S, may_have={
                "confidence": NUMBER, "said": S, "value": VALUE, "measured_on": DAY, "what_changed": _SEALED,
                "needs_decision": _SEALED,
            })),
        )), may_have={"visibility": null({"type": "object"})},
    ),
    "BareDecision": row(
        **_BARE, recorded_by=_ACTOR, confirmed_by=_ACTOR, touched=rows(NAME), content=row(
            text=S, decided_by=NAME, ratifies=rows(I), touches=rows(NAME), may_have={"decided_at": null(INSTANT)},
        ),
    ),
    "BarePerson": row(
        **_BARE, roles=rows(S), presence=row(
            word=S, told_by=S, acting_owner=NAME, expected_back_on=null(DAY),
        ), may_have={"delegations": rows({})},
    ),
    "BareTeam": row(**_BARE, name=S, parent=NAME, standing=S, may_have={"members": rows(NAME)}),
}  # fmt: skip
"""The answers, by name."""
