"""An invented company in a rehearsal: the words in which the tests of the rules are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from aggregates.commands import COMMANDS
from aggregates.entry import Entry, Event
from aggregates.objective.key_result import KeyResult
from aggregates.objective.state import Objective
from aggregates.refusals import Refusal
from ledger.codec import decode
from ledger.rehearsal import Rehearsal, RehearsalReceipt

ZONE = "Europe/Berlin"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SCOPE = {"kind": "scope", "text": "We do less."}
INCREASE = {"measure": {"kind": "increase"}, "baseline": "0", "target": {"kind": "point", "at": "100"}}
SOURCE = {"name": "repository", "version": "abc123"}


def instant(text: str) -> datetime:
    """Return an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Company:
    """A ledger with a steward, owners Ada and Ben, a facilitator Cleo, a team and the cycle 2026-q2."""

    def __init__(self, seed: int = 1) -> None:
        self.ledger = Rehearsal(UUID(int=7), "Example", ZONE, START, random=Random(seed))
        self.steward = self.ledger.steward
        self.ada, self.ben, self.cleo = (self.joins() for _ in range(3))
        for person in (self.ada, self.ben):
            self.do("grant_role", actor=f"person:{person}", role="owner")
        self.do("grant_role", actor=f"person:{self.cleo}", role="facilitator")
        self.team = self.ledger.new_id()
        self.do("form_team", team=self.team, name="Growth")
        self.plan("2026-q2", "2026-04-01", "2026-04-10", "2026-06-30")

    # when
    def do(self, name: str, /, **fields: Any) -> RehearsalReceipt:
        """Ask for a command; `by`, `imported`, `accept_faults` and `on_behalf_of` belong to the occasion."""
        names = ("by", "imported", "accept_faults", "on_behalf_of")
        occasion = {key: fields.pop(key) for key in names if key in fields}
        return self.ledger.do(COMMANDS[name].model_validate(fields), **occasion)

    def refused(self, refusal: type[Refusal], name: str, /, **fields: Any) -> Refusal:
        """Ask, be refused with this refusal (about this `field`), and find that nothing was recorded."""
        field = fields.pop("field", None)
        entries, states = len(self.ledger.entries), dict(self.ledger.world.states)
        with pytest.raises(refusal) as caught:
            self.do(name, **fields)
        assert type(caught.value) is refusal
        assert caught.value.detail.endswith(".")
        assert len(self.ledger.entries) == entries
        assert self.ledger.world.states == states
        if field is not None:
            assert caught.value.field == field
        return caught.value

    def refused_somehow(self, name: str, /, **fields: Any) -> Refusal:
        """Ask, be refused, and return how."""
        entries = len(self.ledger.entries)
        with pytest.raises(Refusal) as caught:
            self.do(name, **fields)
        assert len(self.ledger.entries) == entries
        return caught.value

    def on(self, day: str, hour: int = 12) -> Company:
        self.ledger.at(
            datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=hour)
        )
        return self

    # given
    def joins(self, **fields: Any) -> UUID:
        person = self.ledger.new_id()
        self.do("add_person", person=person, **fields)
        return person

    def plan(self, key: str, starts_on: str, commit_by: str, ends_on: str, **fields: Any) -> None:
        fields = {"kind": "quarter"} | fields
        self.do(
            "plan_cycle",
            cycle=key,
            name=key,
            starts_on=starts_on,
            commit_by=commit_by,
            ends_on=ends_on,
            **fields,
        )

    def drafted(self, owner: UUID | None = None, cycle: str = "2026-q2", **fields: Any) -> UUID:
        objective = self.ledger.new_id()
        reference = self.ledger.next_reference("OBJ")
        fields = {"title": f"Title of {reference}", "owner": owner or self.ada, "cycle": cycle} | fields
        self.do("draft_objective", objective=objective, reference=reference, **fields)
        return objective

    def key_result(self, objective: UUID, **fields: Any) -> UUID:
        key_result = self.ledger.new_id()
        reference = self.ledger.next_reference("KR")
        if "measure" not in fields:
            fields = INCREASE | fields
        fields = {"title": f"Title of {reference}", "owner": self.ada} | fields
        self.do("add_key_result", objective=objective, key_result=key_result, reference=reference, **fields)
        return key_result

    def committed(self, **fields: Any) -> tuple[UUID, UUID]:
        objective = self.drafted(**fields)
        key_result = self.key_result(objective)
        self.do("declare_local", objective=objective, because="It serves nobody else.")
        self.do("commit_objective", objective=objective, confidence="0.7")
        return objective, key_result

    def decided(self, **fields: Any) -> UUID:
        decision = self.ledger.new_id()
        fields = {"text": "We decided.", "decided_by": self.steward} | fields
        self.do("record_decision", decision=decision, **fields)
        return decision

    # then
    def objective(self, objective: UUID) -> Objective:
        state = self.ledger.world.objective(objective)
        assert state is not None
        return state

    def state_of(self, objective: UUID, key_result: UUID) -> KeyResult:
        return self.objective(objective).key_results[key_result]

    def events(self, receipt: RehearsalReceipt) -> list[Event]:
        return [self.entry(position).event for position in receipt.positions]

    def entry(self, position: int) -> Entry:
        return decode(self.ledger.entries[position - 1])
