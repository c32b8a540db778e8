"""Amendments and retractions: nothing is edited, and an amendment wins from its position on and not before."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from aggregates.entry import Entry
from aggregates.evolve import evolve
from aggregates.objective.state import Objective
from aggregates.refusals import (
    ActIsBackDated,
    AmendmentDoesNotFit,
    DecisionIsUnknown,
    EntryCannotBeAmended,
    EntryIsSuperseded,
    EntryIsUnknown,
    HorizonIsOutsideTheCycle,
    LiesInTheFuture,
    NarrativeIsMissing,
    NothingChanges,
    NumberIsOutOfRange,
    OwnerIsATeam,
    PersonIsAlreadyHere,
    PersonIsOnLeave,
    PersonIsUnknown,
    PersonWasNotHere,
    ReasonIsMissing,
    TargetEqualsBaseline,
    TeamIsUnknown,
    ValueDoesNotFitMeasure,
    ValueIsOutsideTheCycle,
)
from ledger.codec import decode
from tests.rules.company import INCREASE, SCOPE, SOURCE, Company, instant

FAULT = {"kind": "measurement_fault", "text": "The report counted twice."}


@pytest.fixture
def company() -> Company:
    return Company().on("2026-05-20")


def as_known_at(company: Company, objective: UUID, position: int) -> Objective:
    """Return the objective as the first entries tell it."""
    state: Objective | None = None
    for raw in company.ledger.entries[:position]:
        if raw.stream == f"objective:{objective}":
            state = evolve(state, decode(raw))
    assert state is not None
    return state


def test_an_amendment_wins_from_its_position_on_and_not_before(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result}
    first = company.do("record_value", **item, value="10", measured_on="2026-05-04")
    company.do("record_value", **item, value="20", measured_on="2026-05-11")
    amended = company.do("amend_entry", position=first.position, body={"value": "12"}, reason=FAULT)
    entry = company.entry(amended.position)
    assert (entry.circumstances.supersedes, entry.effective_at) == (first.position, date(2026, 5, 4))
    now = company.state_of(objective, key_result).value
    assert [fact.value for fact in now] == [12, 20]
    before = as_known_at(company, objective, amended.position - 1).key_results[key_result].value
    assert [fact.value for fact in before] == [10, 20]


def test_a_values_day_can_be_what_was_wrong(company: Company) -> None:
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10")
    amend = {"position": first.position, "body": {"value": "10"}}
    company.refused(LiesInTheFuture, "amend_entry", **amend, measured_on="2026-05-21", field="/measured_on")
    company.refused(ValueIsOutsideTheCycle, "amend_entry", **amend, measured_on="2026-03-31")
    company.refused(NothingChanges, "amend_entry", **amend)
    company.do("amend_entry", **amend, measured_on="2026-05-19")
    fact = company.state_of(objective, key_result).value.latest
    assert fact is not None
    assert fact.effective_at == date(2026, 5, 19)


def test_an_act_keeps_its_time_when_it_is_amended(company: Company) -> None:
    objective, _ = company.committed()
    reworded = company.do("reword_objective", objective=objective, title="Tpyo", reason=SCOPE)
    company.on("2026-05-22")
    amend = {"position": reworded.position, "body": {"title": "Typo"}}
    company.refused(ReasonIsMissing, "amend_entry", **amend, field="/reason")
    company.refused(
        ActIsBackDated, "amend_entry", **amend, reason=FAULT, effective_at=instant("2026-05-01T00:00:00")
    )
    company.refused(ActIsBackDated, "amend_entry", **amend, reason=FAULT, measured_on="2026-05-01")
    amended = company.do("amend_entry", **amend, reason=FAULT)
    assert company.entry(amended.position).effective_at == reworded.recorded_at
    assert company.objective(objective).wording.present.title == "Typo"


def test_an_amendment_never_touches_the_line(company: Company) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective)
    changed = company.do(
        "change_target", objective=objective, key_result=key_result, target={"kind": "point", "at": "90"}
    )
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective)
    line = company.objective(objective).lines[0]
    at_line = as_known_at(company, objective, line.position)
    amend = {"position": changed.position, "body": {"target": {"kind": "point", "at": "50"}}}
    company.do("amend_entry", **amend, reason=FAULT)
    assert as_known_at(company, objective, line.position) == at_line
    assert company.objective(objective).lines == (line,)


def test_a_retraction_leaves_the_fact_before_it(company: Company) -> None:
    objective, key_result = company.committed()
    title = company.state_of(objective, key_result).wording.present
    reworded = company.do(
        "reword_key_result", objective=objective, key_result=key_result, title="Wrong row", reason=SCOPE
    )
    company.refused(ReasonIsMissing, "retract_entry", position=reworded.position)
    retracted = company.do("retract_entry", position=reworded.position, reason=FAULT)
    assert company.entry(retracted.position).event.stored_name == "entry.retracted"
    assert company.state_of(objective, key_result).wording.present == title
    company.refused(EntryIsSuperseded, "retract_entry", position=reworded.position, reason=FAULT)
    company.refused(EntryCannotBeAmended, "retract_entry", position=retracted.position, reason=FAULT)


def test_retracting_an_amendment_restates_the_earlier_content_in_an_amendment(company: Company) -> None:
    objective, key_result = company.committed()
    first = company.do(
        "record_value", objective=objective, key_result=key_result, value="10", measured_on="2026-05-04"
    )
    amended = company.do(
        "amend_entry", position=first.position, body={"value": "12"}, measured_on="2026-05-05"
    )
    company.refused(EntryIsSuperseded, "amend_entry", position=first.position, body={"value": "13"})
    restated = company.entry(company.do("retract_entry", position=amended.position).position)
    assert restated.event == company.entry(first.position).event
    assert restated.circumstances.supersedes == amended.position
    assert restated.effective_at == date(2026, 5, 4)
    assert [fact.position for fact in company.state_of(objective, key_result).value] == [restated.position]


def test_a_fact_that_was_amended_can_be_taken_back_entirely(company: Company) -> None:
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10")
    amended = company.do("amend_entry", position=first.position, body={"value": "12"})
    retracted = company.do("retract_entry", position=amended.position, entirely=True)
    assert company.entry(retracted.position).event.stored_name == "entry.retracted"
    assert not company.state_of(objective, key_result).value


def test_an_amendment_may_amend_an_amendment(company: Company) -> None:
    objective, key_result = company.committed()
    position = company.do("record_value", objective=objective, key_result=key_result, value="1").position
    for value in ("2", "3", "4"):
        position = company.do("amend_entry", position=position, body={"value": value}).position
    assert [fact.value for fact in company.state_of(objective, key_result).value] == [Decimal(4)]


@pytest.mark.parametrize(
    ("body", "refusal", "field"),
    [
        ({"value": "NaN"}, AmendmentDoesNotFit, None),
        ({"value": "1", "unknown": 1}, AmendmentDoesNotFit, "/body/unknown"),
        ({}, AmendmentDoesNotFit, "/body/value"),
        ({"value": "1", "key_result": str(UUID(int=3))}, AmendmentDoesNotFit, "/body/key_result"),
        ({"value": True}, ValueDoesNotFitMeasure, "/body/value"),
    ],
)
def test_the_content_of_an_amendment_fits_its_entry(company: Company, body: dict, refusal, field) -> None:
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10")
    company.refused(refusal, "amend_entry", position=first.position, body=body, field=field)


def test_what_a_rule_refuses_an_amendment_cannot_bring_in(company: Company) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective)
    item = {"objective": objective, "key_result": key_result}
    target = company.do("change_target", **item, target={"kind": "point", "at": "90"}).position
    baseline = company.do("correct_baseline", **item, baseline="5").position
    redated = company.do("redate_key_result", **item, ends_on="2026-05-31").position
    reowned = company.do("reown_objective", objective=objective, owner=company.ben).position
    reteamed = company.do("reteam_objective", objective=objective, team=company.team).position
    equal = {"target": {"kind": "point", "at": "5"}}
    company.refused(TargetEqualsBaseline, "amend_entry", position=target, body=equal)
    company.refused(TargetEqualsBaseline, "amend_entry", position=baseline, body={"baseline": "90"})
    company.refused(HorizonIsOutsideTheCycle, "amend_entry", position=redated, body={"ends_on": "2026-07-01"})
    company.refused(OwnerIsATeam, "amend_entry", position=reowned, body={"owner": str(company.team)})
    company.refused(PersonIsUnknown, "amend_entry", position=reowned, body={"owner": str(UUID(int=9))})
    company.refused(TeamIsUnknown, "amend_entry", position=reteamed, body={"team": str(UUID(int=9))})


def test_a_retraction_may_not_leave_a_target_that_equals_its_baseline(company: Company) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective)
    item = {"objective": objective, "key_result": key_result}
    raised = company.do("change_target", **item, target={"kind": "point", "at": "200"}).position
    company.do("correct_baseline", **item, baseline="100")
    company.refused(TargetEqualsBaseline, "retract_entry", position=raised)


def test_the_digits_of_the_policy_hold_for_amendments_too(company: Company) -> None:
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10")
    policy = company.ledger.world.organisation().policy.policy
    company.do("adopt_policy", policy=policy.model_copy(update={"number_digits_after": 0}))
    company.refused(NumberIsOutOfRange, "amend_entry", position=first.position, body={"value": "1.5"})
    company.do("amend_entry", position=first.position, body={"value": "11"})


def test_a_value_of_the_cycle_before_can_be_corrected_on_its_day(company: Company) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10").position
    company.do("move_objective_to_cycle", objective=objective, cycle="2026-q3", reason=SCOPE)
    amend = {"position": first, "body": {"value": "12"}}
    company.refused(ValueIsOutsideTheCycle, "amend_entry", **amend, measured_on="2026-05-19")
    company.do("amend_entry", **amend)


def test_a_low_confidence_asks_for_a_word_also_where_it_is_amended(company: Company) -> None:
    objective, key_result = company.committed()
    said = company.do("check_in", objective=objective, key_result=key_result, confidence="0.5").position
    low = {"position": said, "body": {"confidence": "0.3"}}
    company.refused(NarrativeIsMissing, "amend_entry", **low, field="/what_changed")
    company.do("amend_entry", **low, imported=True, source=SOURCE)


def test_an_accepted_fault_of_earlier_does_not_forbid_to_amend_what_mended_it(company: Company) -> None:
    objective = company.drafted()
    key_result = company.ledger.new_id()
    faulty = {"key_result": key_result, "reference": "KR-9", "title": "t", "owner": company.ada}
    company.do(
        "add_key_result", objective=objective, **faulty, **INCREASE | {"baseline": "100"},
        imported=True, accept_faults=True,
    )  # fmt: skip
    company.on("2026-05-21")
    raised = company.do(
        "change_target", objective=objective, key_result=key_result, target={"kind": "point", "at": "200"}
    ).position
    company.do("amend_entry", position=raised, body={"target": {"kind": "point", "at": "150"}})


def test_presence_is_amended_with_its_time(company: Company) -> None:
    joined = next(raw.position for raw in company.ledger.entries if raw.stream == f"person:{company.ada}")
    left = company.do("person_leaves", person=company.ada).position
    amend = {"position": left, "body": {}}
    company.refused(LiesInTheFuture, "amend_entry", **amend, effective_at=instant("2026-06-01T00:00:00"))
    company.refused(PersonWasNotHere, "amend_entry", **amend, effective_at=instant("2025-06-01T00:00:00"))
    company.do("amend_entry", **amend, effective_at=instant("2026-03-01T00:00:00"))
    state = company.ledger.world.person(company.ada)
    assert state is not None
    assert not state.was_here(instant("2026-04-01T00:00:00"))
    company.refused(PersonWasNotHere, "retract_entry", position=joined)
    gone = company.do("person_leaves", person=company.ben).position
    company.do("add_person", person=company.ben)
    company.refused(PersonIsAlreadyHere, "retract_entry", position=gone)


def test_an_amended_leave_names_somebody_else_who_is_here_to_act(company: Company) -> None:
    company.do("person_leaves", person=company.cleo)
    away, other = company.joins(), company.joins()
    company.do("start_leave", person=away, acting_owner=company.ben)
    leave = company.do("start_leave", person=company.ada, acting_owner=company.ben).position
    for acting_owner, refusal in (
        (UUID(int=9), PersonIsUnknown),
        (company.cleo, PersonWasNotHere),
        (company.ada, PersonIsOnLeave),
        (away, PersonIsOnLeave),
    ):
        company.refused(
            refusal,
            "amend_entry",
            position=leave,
            body={"acting_owner": acting_owner},
            field="/body/acting_owner",
        )
    company.do("amend_entry", position=leave, body={"acting_owner": other})
    ada = company.ledger.world.person(company.ada)
    assert ada is not None
    assert ada.acting_owner(company.ledger.now) == other


def test_only_a_decision_that_is_known_stands_behind_an_amendment(company: Company) -> None:
    objective, key_result = company.committed()
    first = company.do("record_value", objective=objective, key_result=key_result, value="10").position
    unknown = {"position": first, "decision": UUID(int=9), "field": "/decision"}
    company.refused(DecisionIsUnknown, "amend_entry", **unknown, body={"value": "12"})
    company.refused(DecisionIsUnknown, "retract_entry", **unknown)


def test_only_entries_that_stand_and_can_be_amended_are(company: Company) -> None:
    objective, _ = company.committed()
    line = company.objective(objective).lines[0].position
    company.refused(EntryIsUnknown, "amend_entry", position=9_999, body={}, field="/position")
    company.refused(EntryCannotBeAmended, "retract_entry", position=line, field="/position")
    company.refused(EntryCannotBeAmended, "amend_entry", position=1, body={})


def test_an_import_amends_without_a_reason(company: Company) -> None:
    objective, _ = company.committed()
    reworded = company.do("reword_objective", objective=objective, title="Tpyo", reason=SCOPE)
    source = {"name": "repository", "version": "def456"}
    receipt = company.do(
        "amend_entry", imported=True, source=source, position=reworded.position, body={"title": "Typo"}
    )
    entry: Entry = company.entry(receipt.position)
    assert entry.circumstances.source is not None
