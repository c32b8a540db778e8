"""The questions that every door asks, and the one reader that answers them completely at any basis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from aggregates.reading.board import complete_board
from aggregates.reading.commitments import complete_commitments
from aggregates.reading.drift import complete_drift
from aggregates.reading.findings import complete_findings
from aggregates.reading.history import complete_history
from aggregates.refusals import ObjectiveIsUnknown
from aggregates.values import day_of, instant_text
from ledger.errors import Unavailable
from ledger.store import Ledger
from projections import base, board, drift, findings, history, lookups
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
from replay.bare import bare
from replay.basis import Basis, resolve
from replay.engine import Engine, Reading
from replay.place import Place
from replay.policies import Adopted, Policies
from replay.presenting import described, unsealed
from replay.roles import roles_at

__all__ = [
    "Answer", "BoardOf", "CommitmentsOf", "CyclesList", "DecisionsOf", "DriftOf", "FindingsOf", "HistoryOf",
    "PeopleList", "PolicyOf", "ProjectionIsBehind", "Question", "Reader", "TeamsList",
]  # fmt: skip

PATIENCE = 2.0
"""Seconds that a reading waits for a position that the projections have not reached."""


class ProjectionIsBehind(Unavailable):
    """The projections have not reached this position yet; ask again in a moment."""

    kind: ClassVar[str] = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer and the basis that it stands on; `body` is ready for JSON and carries the basis."""

    basis: Basis
    body: dict[str, Any]


class Reader:
    """Answers questions about one ledger."""

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        self._ledger = ledger
        self._engine = engine
        self._answers: dict[type[Question], Callable[[Any, Place], dict[str, Any]]] = {
            CyclesList: self._cycles,
            BoardOf: self._board,
            CommitmentsOf: self._commitments,
            DriftOf: self._drift,
            HistoryOf: self._history,
            DecisionsOf: self._decisions,
            FindingsOf: self._findings,
            PeopleList: self._people,
            TeamsList: self._teams,
            PolicyOf: self._policy,
        }

    def position(self) -> int:
        """Return the position of a reading made now: the smallest bookmark."""
        with self._engine.reading() as reading:
            return reading.position

    def ask(
        self,
        question: Question,
        *,
        as_of: str | None = None,
        effective_at: str | None = None,
        min_position: int | None = None,
    ) -> Answer:
        """Return the answer at the basis that `as_of` and `effective_at` name.

        With `min_position` the answer has seen that position. Raises BasisIsUnknown, CycleIsUnknown,
        ObjectiveIsUnknown, KeyResultIsUnknown, and ProjectionIsBehind after two seconds of waiting.
        """
        wanted = min_position or 0
        if as_of is not None:
            wanted = max(wanted, resolve(self._ledger, as_of=as_of, effective_at=effective_at).position)
        self._wait(wanted)
        with self._engine.reading() as reading:
            basis = resolve(self._ledger, as_of=as_of, effective_at=effective_at, present=reading.position)
            if max(basis.position, wanted) > reading.position:
                raise ProjectionIsBehind(_behind(reading, max(basis.position, wanted)))
            policy = self._ruling(question, basis, reading)
            basis = replace(basis, policy_version=policy.version)
            place = Place(self._ledger, reading, basis, policy, self._until(basis, effective_at))
            body = {"basis": basis.as_dict(), **self._answers[type(question)](question, place)}
        return Answer(basis, described(body, self._ledger.directory))

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself of a reference or identifier, as known now; None for none."""
        with self._engine.reading() as reading:
            found = lookups.find_item(reading.connection, reading.generation, item, reading.position)
        return None if found is None else (UUID(found.objective), UUID(found.id))

    def bare(self, stream: str) -> dict[str, Any]:
        """Return the bare aggregate of `kind:identifier` with its stream version, without derived figures."""
        kind, _, name = stream.partition(":")
        if kind == "objective":
            found = self.find(name.upper() if "-" in name and len(name) < 20 else name)
            if found is None:
                raise ObjectiveIsUnknown(f"There is no objective {name}.", field="/path/objective")
            name = str(found[0])
        return described(bare(self._ledger.world(), kind, name), self._ledger.directory)

    # -- the answers

    def _cycles(self, _: CyclesList, at: Place) -> dict[str, Any]:
        known = board.cycles(at.reading.connection, at.reading.generation, at.basis.position)
        if at.until is not base.ALWAYS:
            found = [at.cycle_state(cycle["key"]) for cycle in known]
            known = [cycle for cycle in found if cycle is not None]
        return {"cycles": known}

    def _board(self, question: BoardOf, at: Place) -> dict[str, Any]:
        states = at.states(question.cycle)
        return complete_board(
            states,
            policy=at.policy.policy,
            policy_version=at.policy.version,
            day=at.basis.effective_on,
            zone=self._ledger.zone,
        )

    def _commitments(self, question: CommitmentsOf, at: Place) -> dict[str, Any]:
        states = at.states(question.cycle)
        lines = at.lines(cycle=question.cycle)
        body = complete_commitments(
            lines,
            states["cycle"],
            zone=self._ledger.zone,
            ledger_created_at=at.created_at(),
            states=states,
        )
        return {**body, "sources": at.versions(lines)}

    def _drift(self, question: DriftOf, at: Place) -> dict[str, Any]:
        connection, generation = at.reading.connection, at.reading.generation
        if question.cycle is not None:
            states = at.states(question.cycle)
            lines = at.lines(cycle=question.cycle)
            lines += at.lines(moved_from=question.cycle)
        else:
            item = at.item(question.item or "")
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
        changes = drift.changes(
            connection, generation, at.basis.position, at.until, objectives=objectives, superseded=True
        )
        body = complete_drift(
            lines,
            changes,
            states,
            at.decided(),
            policy=at.policy.policy,
            policy_version=at.policy.version,
            zone=self._ledger.zone,
            position=at.basis.position,
            cycle_ends=at.cycle_ends(),
        )
        return {
            **body,
            "references": at.references(changes),
            "sources": at.versions([*lines, *changes]),
        }

    def _history(self, question: HistoryOf, at: Place) -> dict[str, Any]:
        item = at.item(question.item)
        rows = history.history(
            at.reading.connection,
            at.reading.generation,
            at.basis.position,
            at.until,
            **({"key_result": item.id} if item.is_key_result else {"objective": item.id}),
        )
        body = complete_history(
            rows,
            at.decided(),
            zone=self._ledger.zone,
            position=at.basis.position,
            until=at.basis.effective_on,
        )
        told = unsealed(body, self._ledger)
        return {
            "item": item.id,
            "reference": item.reference,
            "objective": item.objective,
            **told,
            "references": at.references(rows),
            "sources": at.versions(rows),
        }

    def _decisions(self, question: DecisionsOf, at: Place) -> dict[str, Any]:
        rows = at.decided(at.scope(question.cycle, question.item))
        touched = [{"objective": one} for row in rows for one in row["touches"]]
        return {"decisions": rows, "references": at.references(touched)}

    def _findings(self, question: FindingsOf, at: Place) -> dict[str, Any]:
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
        objectives = sorted({row["objective"] for row in rows if row["objective"] is not None})
        changes = drift.changes(
            connection, generation, at.basis.position, at.until, objectives=objectives, superseded=True
        )
        lines = [row for row in at.lines() if row["objective"] in set(objectives)]
        body = complete_findings(
            rows,
            changes,
            lines,
            zone=self._ledger.zone,
            cycle_ends=at.cycle_ends(),
            decisions=at.decided(),
        )
        named = at.references(rows)
        for row in body["findings"]:
            row["reference"] = named.get(row.get("key_result") or row.get("objective") or "")
        return {**body, "references": named, "sources": at.versions(rows)}

    def _people(self, _: PeopleList, at: Place) -> dict[str, Any]:
        found = at.states_of([])["people"]
        day = None if at.until is base.ALWAYS else at.basis.effective_on
        held = roles_at(self._ledger, [f"person:{one}" for one in found], at.basis.position, day)
        people = {one: {**state, "roles": held[f"person:{one}"]} for one, state in found.items()}
        return {"people": people}

    def _teams(self, _: TeamsList, at: Place) -> dict[str, Any]:
        return {"teams": at.states_of([])["teams"]}

    def _policy(self, _: PolicyOf, at: Place) -> dict[str, Any]:
        adopted = at.policy
        return {
            "version": adopted.version,
            "position": adopted.position,
            "recorded_at": instant_text(adopted.recorded_at),
            "policy": adopted.policy.model_dump(mode="json"),
        }

    # -- what the answers share

    def _wait(self, position: int) -> None:
        if position:
            self._engine.wait_for(min(position, self._ledger.head().position), PATIENCE)

    def _ruling(self, question: Question, basis: Basis, reading: Reading) -> Adopted:
        """Return the policy that rules an answer; one adopted after a cycle's last day does not reach the cycle."""
        policies = Policies.of(self._ledger.read_stream("organisation"))
        key = getattr(question, "cycle", None)
        if len(policies.adopted) > 1:
            if isinstance(question, DriftOf) and question.item is not None:
                key = self._cycle_of(question.item, basis.position, reading)
            cycle = key and board.cycle_at(reading.connection, reading.generation, key, basis.position)
            if cycle:
                day = min(basis.effective_on, date.fromisoformat(cycle["ends_on"]))
                return policies.ruling(basis.position, day, self._ledger.zone)
        return policies.version(basis.policy_version)

    def _cycle_of(self, item: str, position: int, reading: Reading) -> str | None:
        """Return the key of the cycle that an item stood in at a position; None for an unknown item."""
        connection, generation = reading.connection, reading.generation
        found = lookups.find_item(connection, generation, item.upper() if len(item) != 36 else item, position)
        if found is None:
            return None
        objectives = lookups.states_of_objectives(
            connection, generation, [found.objective], position, base.ALWAYS
        )
        return str(objectives[0]["facets"]["cycle"]["value"]) if objectives else None

    def _until(self, basis: Basis, effective_at: str | None) -> base.Until:
        """Return the bound of the effective day; none where the day is not before that of the position.

        No fact is ever effective after it was recorded, so the bound only matters for an earlier day.
        """
        if effective_at is None:
            return base.ALWAYS
        entry = self._ledger.entry(basis.position)
        if entry is None or basis.effective_on >= day_of(entry.recorded_at, self._ledger.zone):
            return base.ALWAYS
        return base.until(basis.effective_on, self._ledger.zone)


def _behind(reading: Reading, wanted: int) -> str:
    told = f"The projections are at position {reading.position}, not yet at {wanted}; ask again in a moment."
    if reading.stopped:
        told += " Stopped: " + " ".join(reading.stopped.values())
    return told
