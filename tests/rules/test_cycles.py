"""Cycles: planned before they start, opened once, scored, closed, reopened."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aggregates.cycle.decide import LONGEST_CYCLE_DAYS
from aggregates.cycle.events import CyclePlanned
from aggregates.evolve import evolve
from aggregates.refusals import (
    CycleDatesAreImpossible,
    CycleDaysDoNotFitItsKind,
    CycleEndIsMissing,
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
from aggregates.values import LAST_YEAR
from tests.rules.company import SCOPE, START, Company


@pytest.fixture
def company() -> Company:
    return Company()


def dates(starts_on: str, commit_by: str, ends_on: str, **fields):
    return {
        "cycle": "2026-x", "name": "x", "kind": "custom",
        "starts_on": starts_on, "commit_by": commit_by, "ends_on": ends_on,
    } | fields  # fmt: skip


def test_the_days_of_a_cycle_stand_in_order(company: Company) -> None:
    for commit_by, ends_on, field in (
        ("2026-06-30", "2026-09-30", "/commit_by"),
        ("2026-07-02", "2026-07-01", "/commit_by"),
        ("2026-07-01", "2026-06-30", "/ends_on"),
    ):
        days = dates("2026-07-01", commit_by, ends_on)
        company.refused(CycleDatesAreImpossible, "plan_cycle", **days, field=field)
    company.do("plan_cycle", **dates("2026-07-01", "2026-07-01", "2026-07-01"))


def test_a_cycle_has_at_most_so_many_days_and_ends_before_the_calendar_does(company: Company) -> None:
    first = date(2026, 7, 1)
    longest, longer = (
        str(first + timedelta(days=days - 1)) for days in (LONGEST_CYCLE_DAYS, LONGEST_CYCLE_DAYS + 1)
    )
    company.refused(
        CycleDatesAreImpossible, "plan_cycle", **dates(str(first), str(first), longer), field="/ends_on"
    )
    company.do("plan_cycle", **dates(str(first), str(first), longest))
    last = {"cycle": "2199", "name": "x", "kind": "year"}
    company.refused(
        CycleDatesAreImpossible, "plan_cycle", **last, starts_on=f"{LAST_YEAR}-01-02", field="/starts_on"
    )
    company.do("plan_cycle", **last, starts_on=f"{LAST_YEAR}-01-01")


@pytest.mark.parametrize(
    ("kind", "starts_on", "ends_on"),
    [
        ("quarter", "2026-07-01", "2026-09-30"),
        ("quarter", "2026-11-30", "2027-02-27"),
        ("trimester", "2026-09-01", "2026-12-31"),
        ("rolling_12_weeks", "2026-07-06", "2026-09-27"),
        ("year", "2027-01-01", "2027-12-31"),
        ("year", "2028-02-29", "2029-02-27"),
    ],
)
def test_a_cycle_without_its_end_has_that_of_its_kind(company: Company, kind, starts_on, ends_on) -> None:
    company.do("plan_cycle", cycle="2026-x", name="x", kind=kind, starts_on=starts_on)
    cycle = company.ledger.world.cycle("2026-x")
    assert cycle is not None
    assert (str(cycle.ends_on), str(cycle.commit_by_now.now)) == (ends_on, starts_on)


def test_a_custom_cycle_names_its_end(company: Company) -> None:
    fields = {"cycle": "2026-x", "name": "x", "kind": "custom", "starts_on": "2026-07-01"}
    company.refused(CycleEndIsMissing, "plan_cycle", **fields, field="/ends_on")
    company.do("plan_cycle", **fields, ends_on="2026-08-04")


@pytest.mark.parametrize(
    ("kind", "days", "fits"),
    [
        ("quarter", 35, False), ("quarter", 83, False), ("quarter", 84, True), ("quarter", 91, True),
        ("quarter", 98, True), ("quarter", 99, False), ("trimester", 111, False), ("trimester", 112, True),
        ("trimester", 123, True), ("trimester", 127, False), ("rolling_12_weeks", 80, False),
        ("rolling_12_weeks", 84, True), ("rolling_12_weeks", 85, False), ("year", 356, False), ("year", 364, True),
        ("year", 371, True), ("year", 372, False), ("custom", 35, True),
    ],
)  # fmt: skip
def test_the_days_of_a_cycle_are_those_of_its_kind(company: Company, kind, days, fits) -> None:
    """Given a quarter of five weeks, then it is refused at every door: only `custom` has any length."""
    ends_on = (date(2026, 7, 1) + timedelta(days=days - 1)).isoformat()
    asked = dates("2026-07-01", "2026-07-10", ends_on, kind=kind)
    if fits:
        company.do("plan_cycle", **asked)
        return
    company.refused(CycleDaysDoNotFitItsKind, "plan_cycle", **asked, imported=True)
    refused = company.refused(CycleDaysDoNotFitItsKind, "plan_cycle", **asked, field="/ends_on")
    assert f"are {days} days" in refused.detail
    assert "call the cycle custom" in refused.detail


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("quarter", "is 1 day, and a quarter lasts 84 to 98 days"),
        ("trimester", "a trimester lasts 112 to 126 days"),
        ("rolling_12_weeks", "a cycle of 12 rolling weeks lasts 84 days"),
        ("year", "a year lasts 357 to 371 days"),
    ],
)
def test_days_that_do_not_fit_are_refused_in_words(company: Company, kind, said) -> None:
    asked = dates("2026-07-01", "2026-07-01", "2026-07-01", kind=kind)
    assert said in company.refused(CycleDaysDoNotFitItsKind, "plan_cycle", **asked).detail


def test_a_kind_that_an_earlier_release_took_is_still_read(company: Company) -> None:
    planned = CyclePlanned(
        key="2025-q4", name="x", kind="quarter", starts_on=date(2025, 10, 1), commit_by=date(2025, 10, 1),
        ends_on=date(2025, 11, 4),
    )  # fmt: skip
    entry = replace(company.entry(1), stream="cycle:2025-q4", version=1, event=planned)
    assert evolve(None, entry).ends_on == date(2025, 11, 4)


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
    cycle = company.ledger.world.cycle("2026-x")
    assert cycle is not None
    assert cycle.starts_on < START.date() < cycle.commit_by


def test_a_cycle_lies_within_its_parent(company: Company) -> None:
    company.plan("2027", "2027-01-01", "2027-01-31", "2027-12-31", kind="year")
    inside = dates("2027-01-01", "2027-01-10", "2027-03-31", parent="2027")
    outside = dates("2027-10-01", "2027-10-10", "2028-01-31", parent="2027")
    company.refused(CycleIsOutsideItsParent, "plan_cycle", **outside, field="/parent")
    company.refused(CycleIsUnknown, "plan_cycle", **(inside | {"parent": "2028"}), field="/parent")
    company.refused(CycleIsOutsideItsParent, "plan_cycle", **inside | {"starts_on": "2026-12-31"})
    company.do("plan_cycle", **inside)
    company.do(
        "plan_cycle", **dates("2027-10-01", "2027-10-01", "2027-12-31", parent="2027", cycle="2027-q4")
    )


def test_a_closed_cycle_takes_no_further_cycle_within_it(company: Company) -> None:
    company.plan("2027", "2027-01-01", "2027-01-31", "2027-12-31", kind="year")
    company.do("open_cycle", cycle="2027")
    company.do("close_cycle", cycle="2027")
    inside = dates("2027-01-01", "2027-01-10", "2027-03-31", parent="2027")
    company.refused(CycleIsClosed, "plan_cycle", **inside, field="/parent")


def test_a_cycle_is_opened_once(company: Company) -> None:
    opened = company.do("open_cycle", cycle="2026-q2")
    refused = company.refused(CycleIsAlreadyOpen, "open_cycle", cycle="2026-q2")
    assert f"by entry {opened.position}." in refused.detail
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
    voided = company.do("void_opening", **cycle, reason=SCOPE, decision=decision)
    again = company.do("open_cycle", **cycle)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert [(one.position, one.voided_by) for one in state.openings] == [
        (opened.position, voided.position),
        (again.position, None),
    ]
    company.do("void_opening", **cycle, reason=SCOPE, decision=decision)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert state.opening is None
    assert state.openings[0].voided_by == voided.position


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
    assert "being scored" in company.refused(CycleIsAlreadyOpen, "open_cycle", cycle="2026-q2").detail


def test_the_commit_by_moves_within_the_cycle_and_the_first_one_stays(company: Company) -> None:
    company.refused(NothingChanges, "move_commit_by", cycle="2026-q2", commit_by="2026-04-10")
    for outside in ("2026-03-31", "2026-07-01"):
        company.refused(CycleDatesAreImpossible, "move_commit_by", cycle="2026-q2", commit_by=outside)
    for within in ("2026-04-01", "2026-06-30", "2026-04-20"):
        company.do("move_commit_by", cycle="2026-q2", commit_by=within)
    state = company.ledger.world.cycle("2026-q2")
    assert state is not None
    assert str(state.commit_by) == "2026-04-10"
    assert str(state.commit_by_now.now) == "2026-04-20"
