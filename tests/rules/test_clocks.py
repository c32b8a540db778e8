"""Both clocks: values may be back-dated, acts may not; nothing lies in the future."""

from datetime import date, timedelta

import pytest

from aggregates.refusals import (
    ActIsBackDated,
    CheckInIsEmpty,
    LiesInTheFuture,
    NothingChanges,
    SourceIsMissing,
    ValueIsOutsideTheCycle,
)
from tests.rules.company import SCOPE, SOURCE, Company, instant


@pytest.fixture
def company() -> Company:
    return Company()


def test_a_value_carries_its_day_and_may_be_back_dated(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    company.do(
        "record_value", objective=objective, key_result=key_result, value="40", measured_on="2026-05-18"
    )
    company.do(
        "record_value", objective=objective, key_result=key_result, value="10", measured_on="2026-05-04"
    )
    values = company.state_of(objective, key_result).value
    assert [fact.value for fact in values] == [10, 40]
    assert values.at(date(2026, 5, 17)) == 10


def test_a_late_value_for_a_day_beats_an_earlier_recorded_one_whatever_the_hour(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20", hour=16)
    for value in ("1", "2"):
        company.do(
            "record_value", objective=objective, key_result=key_result, value=value, measured_on="2026-05-19"
        )
    assert company.state_of(objective, key_result).value.now == 2


def test_without_a_day_a_check_in_is_of_the_organisations_day(company: Company) -> None:
    objective, key_result = company.committed()
    company.ledger.at(instant("2026-05-20T22:30:00"))  # in Berlin it is already the 21st
    receipt = company.do("check_in", objective=objective, key_result=key_result, value="5")
    measured = company.entry(receipt.first_position)
    assert measured.effective_at == date(2026, 5, 21)
    assert [event.stored_name for event in company.events(receipt)] == [
        "key_result.measured", "key_result.checked_in",
    ]  # fmt: skip


def test_a_back_dated_value_never_alters_the_committed_line(company: Company) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective)
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.on("2026-04-08")
    company.do("commit_objective", objective=objective)
    line = company.objective(objective).lines
    company.on("2026-04-20")
    company.do(
        "record_value", objective=objective, key_result=key_result, value="3", measured_on="2026-04-02"
    )
    after = company.objective(objective)
    assert after.lines == line
    assert all(fact.position > line[0].position for fact in after.key_results[key_result].value)


@pytest.mark.parametrize("day", ["2026-03-31", "2026-07-01"])
def test_a_value_outside_the_cycle_is_refused(company: Company, day: str) -> None:
    objective, key_result = company.committed()
    company.on("2026-07-10")
    company.refused(
        ValueIsOutsideTheCycle, "check_in",
        objective=objective, key_result=key_result, value="5", measured_on=day, field="/measured_on",
    )  # fmt: skip


@pytest.mark.parametrize("day", ["2026-04-01", "2026-06-30"])
def test_the_first_and_the_last_day_belong_to_the_cycle(company: Company, day: str) -> None:
    objective, key_result = company.committed()
    company.on("2026-07-10").do(
        "check_in", objective=objective, key_result=key_result, value="5", measured_on=day
    )
    assert company.state_of(objective, key_result).value.now == 5


def test_a_value_of_tomorrow_is_refused(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    company.refused(
        LiesInTheFuture, "check_in",
        objective=objective, key_result=key_result, value="5", measured_on="2026-05-21", field="/measured_on",
    )  # fmt: skip


def test_a_day_without_a_value_and_an_empty_check_in_are_refused(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result}
    company.refused(CheckInIsEmpty, "check_in", **item)
    company.refused(CheckInIsEmpty, "check_in", **item, confidence="0.5", measured_on="2026-05-19")


def test_the_same_value_of_the_same_day_changes_nothing(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result, "value": "5"}
    company.do("record_value", **item)
    company.refused(NothingChanges, "record_value", **item)


def test_an_act_may_not_be_back_dated_nor_lie_in_the_future(company: Company) -> None:
    objective, key_result = company.committed()
    change = {"objective": objective, "key_result": key_result, "weight": "2", "reason": SCOPE}
    early, late = company.ledger.now - timedelta(days=1), company.ledger.now + timedelta(days=1)
    company.refused(ActIsBackDated, "change_weight", **change, effective_at=early, field="/effective_at")
    company.refused(LiesInTheFuture, "change_weight", **change, effective_at=late, field="/effective_at")
    company.refused(SourceIsMissing, "change_weight", **change, source=SOURCE, field="/source")


def test_an_import_carries_its_sources_times_in_their_order(company: Company) -> None:
    company.on("2026-04-05")
    first, second = instant("2026-03-20T10:00:00"), instant("2026-03-25T10:00:00")
    objective = company.ledger.new_id()
    draft = {
        "objective": objective, "reference": "OBJ-9", "cycle": "2026-q2", "title": "t", "owner": company.ada,
    }  # fmt: skip
    company.refused(SourceIsMissing, "draft_objective", **draft, imported=True, effective_at=first)
    company.do("draft_objective", **draft, imported=True, effective_at=second, source=SOURCE)
    reword = {"objective": objective, "title": "u", "imported": True, "source": SOURCE}
    company.refused(ActIsBackDated, "reword_objective", **reword, effective_at=first)
    receipt = company.do("reword_objective", **reword, effective_at=second)
    assert company.entry(receipt.position).effective_at == second
    assert company.entry(receipt.position).circumstances.source is not None


def test_an_imported_value_may_be_told_before_the_latest_act_and_a_check_in_may_not(company: Company) -> None:
    objective, key_result = company.committed()
    company.do("reword_objective", objective=objective, title="Words", reason=SCOPE)
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result, "imported": True, "source": SOURCE}
    company.do("reword_objective", objective=objective, title="More words", reason=SCOPE)
    earlier = company.ledger.now - timedelta(days=3)
    company.do("record_value", **item, value="4", effective_at=earlier)
    company.refused(
        ActIsBackDated, "check_in", **item, confidence="0.5", effective_at=earlier, field="/effective_at"
    )
    slip = {"objective": objective, "imported": True, "source": SOURCE, "effective_at": earlier}
    company.refused(ActIsBackDated, "objective_recorded_in_error", **slip, field="/effective_at")
    fact = company.state_of(objective, key_result).value.latest
    assert fact is not None
    assert fact.effective_at == date(2026, 5, 17)


def test_presence_may_be_back_dated_but_not_into_the_future(company: Company) -> None:
    person = company.ledger.new_id()
    company.refused(
        LiesInTheFuture, "add_person", person=person, effective_at=company.ledger.now + timedelta(days=1)
    )
    company.do("add_person", person=person, effective_at=instant("2020-01-01T00:00:00"))
    state = company.ledger.world.person(person)
    assert state is not None
    assert state.was_here(instant("2021-01-01T00:00:00"))
    assert not state.was_here(instant("2019-01-01T00:00:00"))
