"""Imports pass the same rights: role, scopes and visibility, row by row, also where many are recorded together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from aggregates.access import ROLES, VISIBILITIES
from aggregates.commands import COMMANDS
from aggregates.decide import decide
from aggregates.refusals import ActionIsNotAllowed, ObjectiveIsUnknown, Refusal
from ledger.execute import Order
from ledger.lifecycle import Created
from ledger.receipts import Receipt
from ledger.store import Ledger

SOURCE = {"name": "sheet", "version": "1"}


class Office:
    """A ledger with a cycle, a team, and a person of each role who is a member of nothing."""

    def __init__(self, ledger: Ledger, steward: UUID) -> None:
        self.ledger, self.steward = ledger, steward
        self.people = {role: ledger.new_id() for role in ROLES}
        self.team = ledger.new_id()
        for role, person in self.people.items():
            self.do("add_person", person=person)
            self.do("grant_role", actor=f"person:{person}", role=role)
        self.do("form_team", team=self.team, name="Growth")
        self.do(
            "plan_cycle", cycle="c", name="c", kind="custom", starts_on="2026-01-01", commit_by="2026-01-10",
            ends_on="2026-03-31",
        )  # fmt: skip

    def do(self, name: str, /, **fields: Any) -> None:
        self.ledger.execute(COMMANDS[name].model_validate(fields), decide, by=f"person:{self.steward}")

    def objective(self, visibility: str) -> UUID:
        objective = self.ledger.new_id()
        people = [self.steward] if visibility == "people" else []
        self.do(
            "draft_objective", objective=objective, reference=self.ledger.next_reference("OBJ"), cycle="c", title="t",
            owner=self.steward, team=self.team, visibility=visibility, people=people,
        )  # fmt: skip
        return objective

    def answers(self, actor: str, commands: Sequence[dict[str, Any]]) -> list[Receipt | Refusal]:
        orders = [
            Order(COMMANDS[one.pop("name")].model_validate({**one, "source": SOURCE}), actor, imported=True)
            for one in commands
        ]
        return list(self.ledger.execute_many(orders, decide))


@pytest.fixture
def office(ledger: Ledger, created: Created) -> Office:
    return Office(ledger, created.steward)


def words(objectives: Sequence[UUID], title: str) -> list[dict[str, Any]]:
    return [{"name": "reword_objective", "objective": one, "title": title} for one in objectives]


def test_the_rows_of_an_import_are_taken_or_refused_by_role_and_visibility(office: Office) -> None:
    objectives = [office.objective(visibility) for visibility in VISIBILITIES]
    for role, person in office.people.items():
        found = [
            type(answer) for answer in office.answers(f"person:{person}", words(objectives, f"By {role}"))
        ]
        if role == "steward":
            assert found == [Receipt] * 3
        elif role == "facilitator":
            assert found == [Receipt, ObjectiveIsUnknown, ObjectiveIsUnknown]
        else:
            assert found == [ActionIsNotAllowed] * 3, role
    office.do("add_member", team=office.team, person=office.people["facilitator"])
    later = office.answers(f"person:{office.people['facilitator']}", words(objectives, "By a member"))
    expected = {"everyone": Receipt, "team": Receipt, "people": ObjectiveIsUnknown}
    assert [type(answer) for answer in later] == [expected[one] for one in VISIBILITIES]


def test_an_import_sees_what_its_own_rows_made_and_hid(office: Office) -> None:
    """Given a group of rows in one append, then a row that hides an objective is felt by the rows after it."""
    objective, facilitator = office.objective("everyone"), office.people["facilitator"]
    hide = {
        "name": "set_visibility", "objective": objective, "visibility": "people", "people": [office.steward],
    }  # fmt: skip
    rows = [*words([objective], "Before"), hide, *words([objective], "After")]
    found = [type(answer) for answer in office.answers(f"person:{facilitator}", rows)]
    assert found == [Receipt, Receipt, ObjectiveIsUnknown]


def test_an_import_needs_a_token_that_may_write(office: Office) -> None:
    objective, steward = office.objective("everyone"), f"person:{office.steward}"
    found = {}
    for scope in ("read", "write", "check_in", "export", "operate"):
        caller = office.ledger.tokens.caller_of(office.ledger.tokens.issue(steward, scope, scopes=[scope]))
        assert caller is not None
        (answer,) = office.answers(caller, words([objective], f"By {scope}"))
        found[scope] = type(answer)
    assert found == {
        **dict.fromkeys(("read", "check_in", "export", "operate"), ActionIsNotAllowed),
        "write": Receipt,
    }
