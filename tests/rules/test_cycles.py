"""Cycles: planned before they start, opened once, scored, closed, reopened."""

import pytest

from aggregates.refusals import (
    CycleDatesAreImpossible,
    CycleHasStarted,
    CycleIsAlreadyOpen,
    CycleIsClosed,
    CycleIsNotClosed,
    CycleIsNotOpen,
    CycleIsOutsideItsParent,
    CycleIsUnknown,
    CycleKeyIsTaken,
    DecisionIsMissing,
    DecisionIsUnknown,
    NothingChanges,
    ReasonIsMissing,
)
from tests.rules.company import SCOPE, Company


@pytest.fixture
def company() -> Company:
    return Company()


def dates(starts_on: str, commit_by: str, ends_on: str, **fields):
    return {
        "cycle": "2026-x", "name": "x", "kind": "custom",
        "starts_on": starts_on, "commit_by": commit_by, "ends_on": ends_on,
    } | fields  # fmt: skip


def test_the_days_of_a_cycle_stand_in_order(company: Company) -> None:
    company.refused(CycleDatesAreImpossible, "plan_cycle", **dates("2026-07-02", "2026-07-01", "2026-09-30"))
    company.refused(CycleDatesAreImpossible, "plan_cycle", **dates("2026-07-01", "2026-10-01", "2026-09-30"))
    company.refused(CycleDatesAreImpossible, "plan_cycle", **dates("2026-07-01", "2026-07-01", "2056-09-30"))
    company.do("plan_cycle", **dates("2026-07-01", "2026-07-01", "2026-07-01"))


def test_keys_are_never_reused(company: Company) -> None:
    company.refused(
        CycleKeyIsTaken, "plan_cycle", **dates("2026-07-01", "2026-07-01", "2026-09-30", cycle="2026-q2")
    )


def test_dates_are_recorded_before_the_cycle_starts_in_the_organisations_zone(company: Company) -> None:
    company.ledger.at(company.ledger.now.replace(month=6, day=30, hour=21, minute=59))
    company.do("plan_cycle", **dates("2026-07-01", "2026-07-10", "2026-09-30", cycle="in-time"))
    company.ledger.at(
        company.ledger.now.replace(hour=22, minute=0, second=0, microsecond=0)
    )  # midnight in Berlin
    company.refused(CycleHasStarted, "plan_cycle", **dates("2026-07-01", "2026-07-10", "2026-09-30"))
    company.do("plan_cycle", imported=True, **dates("2026-07-01", "2026-07-10", "2026-09-30"))


def test_a_cycle_that_had_started_when_the_ledger_was_created_is_planned_late(company: Company) -> None:
    company.do("plan_cycle", **dates("2026-01-01", "2026-01-15", "2026-03-31"))


def test_a_cycle_lies_within_its_parent(company: Company) -> None:
    company.plan("2027", "2027-01-01", "2027-01-31", "2027-12-31")
    inside = dates("2027-01-01", "2027-01-10", "2027-03-31", parent="2027")
    outside = dates("2027-10-01", "2027-10-10", "2028-01-31", parent="2027")
    company.refused(CycleIsOutsideItsParent, "plan_cycle", **outside, field="/parent")
    company.refused(CycleIsUnknown, "plan_cycle", **(inside | {"parent": "2028"}), field="/parent")
    company.do("plan_cycle", **inside)


def test_a_cycle_is_opened_once(company: Company) -> None:
    company.do("open_cycle", cycle="2026-q2")
    company.refused(CycleIsAlreadyOpen, "open_cycle", cycle="2026-q2")
    company.refused(CycleIsUnknown, "open_cycle", cycle="2030-q1")


def test_an_opening_made_in_error_is_voided_with_reason_and_decision_and_stays_listed(
    company: Company,
) -> None:
    cycle = {"cycle": "2026-q2"}
    decision = company.decided()
    company.refused(CycleIsNotOpen, "void_opening", **cycle, reason=SCOPE, decision=decision)
    opened = company.do("open_cycle", **cycle)
    company.refused(ReasonIsMissing, "void_opening", **cycle, decision=decision)
    company.refused(DecisionIsMissing, "void_opening", **cycle, reason=SCOPE)
    company.refused(DecisionIsUnknown, "void_opening", **cycle, reason=SCOPE, decision=company.ada)
    company.do("void_opening", **cycle, reason=SCOPE, decision=decision)
    company.do("open_cycle", **cycle)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert [opening.position for opening in state.openings if opening.voided_by] == [opened.position]
    assert len(state.openings) == 2


def test_scoring_closing_and_reopening_follow_each_other(company: Company) -> None:
    cycle = {"cycle": "2026-q2"}
    company.refused(CycleIsNotOpen, "start_scoring", **cycle)
    company.refused(CycleIsNotOpen, "close_cycle", **cycle)
    company.do("open_cycle", **cycle)
    company.do("start_scoring", **cycle)
    company.refused(NothingChanges, "start_scoring", **cycle)
    company.refused(CycleIsNotClosed, "reopen_cycle", **cycle, reason=SCOPE)
    company.do("close_cycle", **cycle)
    company.refused(CycleIsClosed, "close_cycle", **cycle)
    company.refused(CycleIsClosed, "open_cycle", **cycle)
    company.refused(CycleIsClosed, "move_commit_by", **cycle, commit_by="2026-04-20")
    company.refused(ReasonIsMissing, "reopen_cycle", **cycle)
    company.do("reopen_cycle", **cycle, reason=SCOPE)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert (state.standing, len(state.closed), len(state.reopened)) == ("scoring", 1, 1)


def test_an_imported_cycle_is_scored_without_an_invented_opening(company: Company) -> None:
    company.do("start_scoring", cycle="2026-q2", imported=True)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert (state.standing, state.openings) == ("scoring", ())


def test_the_commit_by_moves_within_the_cycle_and_the_first_one_stays(company: Company) -> None:
    company.refused(NothingChanges, "move_commit_by", cycle="2026-q2", commit_by="2026-04-10")
    company.refused(CycleDatesAreImpossible, "move_commit_by", cycle="2026-q2", commit_by="2026-07-01")
    company.do("move_commit_by", cycle="2026-q2", commit_by="2026-04-20")
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert str(state.commit_by) == "2026-04-10"
    assert str(state.commit_by_now.now) == "2026-04-20"
