"""Findings about decisions, by the projection and by the independent fold: both ask about the same entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from projections import findings
from replay.audit import Audit
from replay.audited import finding_rows
from replay.engine import Engine
from tests.rules.company import SCOPE, Company

TO_80 = {"kind": "point", "at": "80"}
Asked = Callable[[Company, str], list[dict[str, Any]]]


@pytest.fixture
def company() -> Company:
    """A company whose quarter is open."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle="2026-q2")
    return company


@pytest.fixture
def asked(engine_on: Callable[..., Engine]) -> Asked:
    """Return the findings of a rule, once both ways tell the same ones."""

    def rows_of(company: Company, rule: str) -> list[dict[str, Any]]:
        fold = Audit()
        fold.apply(company.ledger.entries)
        with engine_on(company.ledger.entries, page=7).reading() as reading:
            found = findings.findings(reading.connection, reading.generation, reading.position)

        def place(row: dict[str, Any]) -> tuple[Any, ...]:
            return row["cause"], row["rule"], row["objective"] or "", row["key_result"] or ""

        assert sorted(found, key=place) == sorted(finding_rows(fold), key=place)
        return [row for row in found if row["rule"] == rule]

    return rows_of


def test_a_ratification_of_what_nobody_asked_about_belongs_to_no_objective(
    company: Company, asked: Asked
) -> None:
    """Given a change before the line and one after it, then the decision that ratifies both is asked about twice."""
    objective = company.drafted()
    company.key_result(objective)
    before = company.do("reword_objective", objective=objective, title="Words").position
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective)
    after = company.do("reword_objective", objective=objective, title="Other words", reason=SCOPE).position
    company.decided(ratifies=[before, after])
    told = {row["objective"]: row["detail"] for row in asked(company, "ratified_later")}
    assert told == {None: {"ratifies": [before]}, str(objective): {"ratifies": [after]}}


def test_a_retracted_decision_is_asked_about_for_the_changes_that_stand(
    company: Company, asked: Asked
) -> None:
    """Given changes of two objectives by one decision, when one change and then the decision are taken back, then only
    what still stands is asked about, once for its objective."""
    (first, one), (second, other) = company.committed(), company.committed()
    decision = company.decided(text="We do less.")
    recorded = company.ledger.position
    change = {"target": TO_80, "reason": SCOPE, "decision": decision}
    gone = company.do("change_target", objective=first, key_result=one, **change).position
    stands = company.do("change_target", objective=second, key_result=other, **change).position
    weighted = company.do(
        "change_weight", objective=second, key_result=other, weight="2", reason=SCOPE, decision=decision
    ).position
    company.do("retract_entry", position=gone, reason=SCOPE)
    company.do("retract_entry", position=recorded)
    told = {row["objective"]: row["detail"] for row in asked(company, "decision_retracted")}
    assert told == {str(second): {"changes": [stands, weighted]}}


def test_a_confirmation_after_a_close_is_asked_about_for_each_objective(
    company: Company, asked: Asked
) -> None:
    (first, _), (second, _) = company.committed(), company.committed()
    early, late = (company.decided(touches=[first, second], decided_by=company.ada) for _ in range(2))
    company.do("confirm_decision", decision=early, by=company.ada)
    company.on("2026-07-02").do("close_cycle", cycle="2026-q2")
    company.do("confirm_decision", decision=late, by=company.ada)
    told = {UUID(row["objective"]) for row in asked(company, "change_after_close")}
    assert told == {first, second}
    assert {row["name"] for row in asked(company, "change_after_close")} == {"decision.confirmed"}
