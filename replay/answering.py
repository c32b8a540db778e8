"""What each question is answered with: the body of an answer, from one place in the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aggregates.reading.board import complete_board
from aggregates.reading.commitments import complete_commitments
from aggregates.reading.drift import complete_drift, of_key_result
from aggregates.reading.findings import complete_findings, counts_of
from aggregates.reading.history import complete_history
from aggregates.reading.triage import Surroundings, chosen, grouped
from aggregates.refusals import ObjectiveIsUnknown
from aggregates.values import instant_text
from projections import base, board, findings, history, lookups
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    PolicyOf,
    Question,
    TeamsList,
)
from replay.place import Place
from replay.presenting import unsealed
from replay.roles import members_at, roles_at
from replay.veiling import decisions_shown, is_hidden_finding, parted


def body_of(question: Question, at: Place) -> dict[str, Any]:
    """Return the answer to a question without its basis, without what is hidden from the reader.

    Raises CycleIsUnknown, ObjectiveIsUnknown, KeyResultIsUnknown.
    """
    return _BODIES[type(question)](question, at)


def _cycles(_: CyclesList, at: Place) -> dict[str, Any]:
    known = board.cycles(at.reading.connection, at.reading.generation, at.basis.position)
    if at.until is not base.ALWAYS:
        found = [at.cycle_state(cycle["key"]) for cycle in known]
        known = [cycle for cycle in found if cycle is not None]
    return {"cycles": known}


def _board(question: BoardOf, at: Place) -> dict[str, Any]:
    states, hidden = at.shown_states(question.cycle)
    body = complete_board(
        states,
        policy=at.policy.policy,
        policy_version=at.policy.version,
        day=at.basis.effective_on,
        zone=at.ledger.zone,
        kept=at.book("board", question.cycle).rows,
    )
    return {**body, "private": len(hidden)}


def _commitments(question: CommitmentsOf, at: Place) -> dict[str, Any]:
    states, without = at.shown_states(question.cycle)
    lines, hidden = at.shown_lines(cycle=question.cycle)
    body = complete_commitments(
        lines,
        states["cycle"],
        zone=at.ledger.zone,
        ledger_created_at=at.created_at(),
        states=states,
    )
    return {**body, "private": len(hidden.union(without)), "sources": at.versions(lines)}


def _drift(question: DriftOf, at: Place) -> dict[str, Any]:
    connection, generation = at.reading.connection, at.reading.generation
    key_result: str | None = None
    if question.cycle is not None:
        states, _ = at.shown_states(question.cycle)
        lines, hidden = at.shown_lines(cycle=question.cycle)
        lines += at.shown_lines(moved_from=question.cycle)[0]
    else:
        hidden = set()
        item = at.item(question.item or "")
        key_result = item.id if item.is_key_result else None
        lines = at.lines(objective=item.objective)
        states = at.states_of([item.objective])
        if states["cycle"] is None:
            day = at.basis.effective_on
            raise ObjectiveIsUnknown(
                f"{item.reference} was not there yet at the end of {day}.", field="/path/objective"
            )
    objectives = sorted({row["objective"] for row in lines})
    known = {one["id"] for one in states["objectives"]}
    missing = [one for one in objectives if one not in known]
    if missing:
        more = lookups.states_of_objectives(connection, generation, missing, at.basis.position, at.until)
        states = {**states, "objectives": [*states["objectives"], *more]}
    changes = at.changes(objectives)
    body = complete_drift(
        lines,
        changes,
        states,
        at.decided(),
        policy=at.policy.policy,
        policy_version=at.policy.version,
        zone=at.ledger.zone,
        position=at.basis.position,
        cycle_ends=at.cycle_ends(),
        kept=None if question.cycle is None else at.book("drift", question.cycle).rows,
    )
    if key_result is not None:
        body = of_key_result(body, key_result)
    return {
        **body,
        "private": len(hidden),
        "references": at.references(changes),
        "sources": at.versions([*lines, *changes]),
    }


def _history(question: HistoryOf, at: Place) -> dict[str, Any]:
    item = at.item(question.item)
    which = {"key_result": item.id} if item.is_key_result else {"objective": item.id}

    def read(after: int) -> list[dict[str, Any]]:
        connection, generation = at.reading.connection, at.reading.generation
        return history.history(connection, generation, at.basis.position, at.until, **which, after=after)

    kept = at.told(item.id)
    rows = kept.rows_at(at.basis.position, read)
    body = complete_history(
        rows,
        at.decided(),
        zone=at.ledger.zone,
        position=at.basis.position,
        until=at.basis.effective_on,
        kept=kept.completed,
    )
    body["entries"] = kept.open(body["entries"], lambda sealed: unsealed(sealed, at.ledger))
    items = {(row["objective"], row["key_result"]) for row in rows}
    return {
        "item": item.id,
        "reference": item.reference,
        "objective": item.objective,
        **body,
        "references": at.references([{"objective": one, "key_result": other} for one, other in items]),
        "sources": at.versions(rows),
    }


def _decisions(question: DecisionsOf, at: Place) -> dict[str, Any]:
    rows, private = decisions_shown(at.decided(at.scope(question.cycle, question.item)), at.sight)
    if question.to_confirm is not None:
        mine = question.to_confirm
        rows = [row for row in rows if row["decided_by"] == mine and row["standing"] == "asserted"]
    touched = [{"objective": one} for row in rows for one in row["touches"]]
    return {"decisions": rows, "private": private, "references": at.references(touched)}


def _findings(question: FindingsOf, at: Place) -> dict[str, Any]:
    connection, generation = at.reading.connection, at.reading.generation
    item = None if question.item is None else at.item(question.item)
    drawn: list[str] = []
    if question.cycle is not None:
        at.cycle(question.cycle)
        drawn = sorted({row["objective"] for row in at.lines(cycle=question.cycle)})
    rows = findings.findings(
        connection,
        generation,
        at.basis.position,
        at.until,
        cycle=question.cycle,
        objective=None if item is None else item.objective,
        also=drawn,
    )
    if item is not None and item.is_key_result:
        rows = [row for row in rows if row["key_result"] == item.id]
    rows, private = parted(rows, lambda row: is_hidden_finding(row, at.sight))
    objectives = sorted({row["objective"] for row in rows if row["objective"] is not None})
    changes = at.changes(objectives)
    lines = at.lines_of(objectives)
    states = lookups.states_of_objectives(connection, generation, objectives, at.basis.position, at.until)
    decided = at.decided()
    body = complete_findings(
        rows,
        changes,
        lines,
        zone=at.ledger.zone,
        cycle_ends=at.cycle_ends(),
        decisions=decided,
        states=states,
    )
    body = _triaged(question, body, states, decisions_shown(decided, at.sight)[0], at)
    concerned = [one for row in body["findings"] for one in row["concerns"]]
    named = at.references([*body["findings"], *concerned])
    for row in body["findings"]:
        row["reference"] = named.get(row.get("key_result") or row.get("objective") or "")
    return {**body, "private": private, "references": named, "sources": at.versions(body["findings"])}


def _triaged(
    question: FindingsOf, body: dict[str, Any], states: list[Any], decided: list[Any], at: Place
) -> dict[str, Any]:
    """Return the findings that are meant, and their groups where these are asked for."""
    select, by = question.select, question.group_by
    if select.is_empty and by is None:
        return body
    teams = at.states_of([])["teams"] if select.needs_states or by == "team" else {}
    around = Surroundings(states, teams)
    kept = chosen(body["findings"], select, around)
    body = {"findings": kept, "counts": counts_of(kept)}
    if by is None:
        return body
    return {**body, "group_by": by, "groups": grouped(kept, by, around, decided)}


def _people(_: PeopleList, at: Place) -> dict[str, Any]:
    found = at.states_of([])["people"]
    day = None if at.until is base.ALWAYS else at.basis.effective_on
    held = roles_at(at.ledger, [f"person:{one}" for one in found], at.basis.position, day)
    people = {one: {**state, "roles": held[f"person:{one}"]} for one, state in found.items()}
    return {"people": people}


def _teams(_: TeamsList, at: Place) -> dict[str, Any]:
    found = at.states_of([])["teams"]
    day = None if at.until is base.ALWAYS else at.basis.effective_on
    members = members_at(at.ledger, [f"team:{one}" for one in found], at.basis.position, day)
    return {"teams": {one: {**state, "members": members[f"team:{one}"]} for one, state in found.items()}}


def _policy(_: PolicyOf, at: Place) -> dict[str, Any]:
    adopted = at.policy
    return {
        "version": adopted.version,
        "position": adopted.position,
        "recorded_at": instant_text(adopted.recorded_at),
        "policy": adopted.policy.model_dump(mode="json"),
    }


_BODIES: dict[type[Question], Callable[[Any, Place], dict[str, Any]]] = {
    CyclesList: _cycles,
    BoardOf: _board,
    CommitmentsOf: _commitments,
    DriftOf: _drift,
    HistoryOf: _history,
    DecisionsOf: _decisions,
    FindingsOf: _findings,
    PeopleList: _people,
    TeamsList: _teams,
    PolicyOf: _policy,
}
