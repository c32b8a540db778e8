"""Decisions: written down, carried out in one append, confirmed by their decider; re-plans; answers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from aggregates.command import Change
from aggregates.commands import COMMANDS
from aggregates.decision.events import DecisionRecorded
from aggregates.refusals import (
    AmendmentDoesNotFit,
    ConfirmationIsNotYours,
    DecisionIsConfirmed,
    DecisionIsMissing,
    DecisionIsUnknown,
    EntryIsUnknown,
    FindingIsUnknown,
    IdentifierIsTaken,
    LiesInTheFuture,
    NothingChanges,
    ObjectiveHasNoKeyResult,
    ObjectiveIsNotCommitted,
    ObjectiveIsUnknown,
    PersonIsUnknown,
    PersonWasNotHere,
    ReasonIsMissing,
    TargetEqualsBaseline,
    TooManyLines,
    TooManyObjectives,
)
from tests.rules.company import INCREASE, SCOPE, SOURCE, Company, instant

NOBODY = UUID(int=99)
TO_90 = {"kind": "point", "at": "90"}


@pytest.fixture
def company() -> Company:
    return Company()


def record(company: Company, **fields):
    return {"decision": company.ledger.new_id(), "text": "We do less.", "decided_by": company.cleo} | fields


def test_a_decision_is_linked_to_every_objective_it_touches_in_one_append(company: Company) -> None:
    one, two = company.drafted(), company.drafted()
    receipt = company.do("record_decision", **record(company, touches=[one, two]))
    assert [event.stored_name for event in company.events(receipt)] == [
        "decision.recorded", "objective.decision_linked", "objective.decision_linked",
    ]  # fmt: skip
    company.refused(
        ObjectiveIsUnknown, "record_decision", **record(company, touches=[one, NOBODY]), field="/touches"
    )


def test_one_decision_causes_many_changes_in_one_append(company: Company) -> None:
    (one, first), (two, second) = company.committed(), company.committed()
    decision = record(company, reason=SCOPE)
    changes = [
        {"command": "change_target", "objective": one, "key_result": first, "target": TO_90},
        {"command": "drop_key_result", "objective": two, "key_result": second,
         "reason": {"kind": "external", "text": "The market closed."}},
    ]  # fmt: skip
    receipt = company.do("record_decision", **decision, changes=changes)
    entries = [company.entry(position) for position in receipt.positions]
    assert [entry.event.stored_name for entry in entries] == [
        "decision.recorded", "objective.decision_linked", "objective.decision_linked",
        "key_result.target_changed", "key_result.dropped",
    ]  # fmt: skip
    assert {entry.circumstances.decision for entry in entries[3:]} == {decision["decision"]}
    assert [entry.circumstances.reason.kind for entry in entries[3:] if entry.circumstances.reason] == [
        "scope", "external",
    ]  # fmt: skip
    assert company.objective(one).decisions == (decision["decision"],)


def test_each_change_sees_the_ones_before_it_and_one_refusal_refuses_all(company: Company) -> None:
    objective, key_result = company.drafted(), company.ledger.new_id()
    new = company.ledger.new_id()
    changes = [
        {"command": "draft_objective", "objective": new, "reference": "OBJ-80", "cycle": "2026-q2",
         "title": "New", "owner": company.ada},
        {"command": "add_key_result", "objective": new, "key_result": key_result, "reference": "KR-80",
         "title": "k", "owner": company.ada, **INCREASE},
        {"command": "align_objective", "objective": new, "parent": objective},
        {"command": "commit_objective", "objective": new},
    ]  # fmt: skip
    company.do("record_decision", **record(company), changes=changes)
    assert company.objective(new).is_committed
    item = {"objective": new, "key_result": key_result}
    bad = [
        {"command": "change_weight", **item, "weight": "2", "reason": SCOPE},
        {"command": "change_target", **item, "target": {"kind": "point", "at": "0"}, "reason": SCOPE},
    ]
    company.refused(
        TargetEqualsBaseline, "record_decision", **record(company), changes=bad, field="/changes/1/target"
    )
    bare = [{"command": "change_weight", **item, "weight": "2"}]
    company.refused(
        ReasonIsMissing, "record_decision", **record(company), changes=bare, field="/changes/0/reason"
    )


def test_a_decider_was_here_when_the_meeting_decided(company: Company) -> None:
    company.on("2026-02-01").do("person_leaves", person=company.ben)
    company.on("2026-03-01")
    company.refused(PersonWasNotHere, "record_decision", **record(company, decided_by=company.ben))
    company.refused(
        PersonIsUnknown, "record_decision", **record(company, decided_by=NOBODY), field="/decided_by"
    )
    company.do(
        "record_decision", **record(company, decided_by=company.ben, decided_at="2026-01-20T10:00:00+01:00")
    )
    late = company.ledger.now + timedelta(hours=1)
    company.refused(
        LiesInTheFuture, "record_decision", **record(company, decided_at=late), field="/decided_at"
    )


def test_only_the_decider_confirms_and_only_what_somebody_else_wrote(company: Company) -> None:
    decision = company.decided(decided_by=company.ada)
    company.refused(ConfirmationIsNotYours, "confirm_decision", decision=decision, by=company.ben)
    company.refused(DecisionIsUnknown, "confirm_decision", decision=NOBODY, by=company.ada)
    company.do("confirm_decision", decision=decision, by=company.ada)
    company.refused(DecisionIsConfirmed, "confirm_decision", decision=decision, by=company.ada)
    own = company.decided(decided_by=company.steward)
    company.refused(DecisionIsConfirmed, "confirm_decision", decision=own)
    company.refused(IdentifierIsTaken, "record_decision", **record(company, decision=own))


def test_a_later_decision_ratifies_earlier_changes(company: Company) -> None:
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result}
    change = company.do("change_target", **item, target=TO_90, reason=SCOPE)
    moved = company.do("move_commit_by", cycle="2026-q2", commit_by="2026-04-20")
    receipt = company.do("record_decision", **record(company, ratifies=[change.position, moved.position]))
    event = company.events(receipt)[0]
    assert isinstance(event, DecisionRecorded)
    assert event.touches == (objective,)
    for position in (1, 10_000):
        company.refused(
            EntryIsUnknown, "record_decision", **record(company, ratifies=[position]), field="/ratifies/0"
        )


def test_a_replan_adds_line_two_and_never_touches_line_one(company: Company) -> None:
    objective, key_result = company.committed()
    before = company.objective(objective).lines
    plan = record(company, reason=SCOPE, objectives=[{"objective": objective, "confidence": "0.5"}])
    change = {"command": "change_target", "objective": objective, "key_result": key_result, "target": TO_90}
    receipt = company.do("replan", **plan, changes=[change])
    assert [event.stored_name for event in company.events(receipt)] == [
        "decision.recorded", "objective.decision_linked", "key_result.target_changed", "objective.replanned",
    ]  # fmt: skip
    lines = company.objective(objective).lines
    assert lines[:1] == before
    assert [line.number for line in lines] == [1, 2]
    known = plan | {"text": None, "decided_by": None}
    again = company.do("replan", **known)
    assert [event.stored_name for event in company.events(again)] == ["objective.replanned"]
    assert [line.number for line in company.objective(objective).lines] == [1, 2, 3]
    assert [fact.value.word for fact in company.objective(objective).standing] == ["draft", "committed"]


def test_a_replan_links_a_known_decision_to_each_objective_that_it_does_not_touch_yet(
    company: Company,
) -> None:
    one, other = company.committed()[0], company.committed()[0]
    decision = company.decided(touches=[one])
    receipt = company.do("replan", decision=decision, objectives=[{"objective": one}, {"objective": other}])
    told = [
        (company.entry(place).stream, company.entry(place).event.stored_name) for place in receipt.positions
    ]
    assert told == [
        (f"objective:{other}", "objective.decision_linked"),
        (f"objective:{one}", "objective.replanned"), (f"objective:{other}", "objective.replanned"),
    ]  # fmt: skip


def test_a_replan_is_one_decision_about_committed_objectives(company: Company) -> None:
    objective, _ = company.committed()
    lines = [{"objective": objective}]
    company.refused(DecisionIsMissing, "replan", objectives=lines)
    company.refused(DecisionIsMissing, "replan", decision=NOBODY, text="x", objectives=lines)
    company.refused(DecisionIsUnknown, "replan", decision=NOBODY, objectives=lines)
    draft = record(company, objectives=[{"objective": company.drafted()}])
    company.refused(ObjectiveIsNotCommitted, "replan", **draft, field="/objectives/0/objective")
    twice = record(company, objectives=lines * 2)
    company.refused(IdentifierIsTaken, "replan", **twice, field="/objectives")


def test_a_further_line_needs_a_key_result_and_is_accepted_by_somebody_who_is_here(company: Company) -> None:
    objective, key_result = company.committed()
    dropped = {"command": "drop_key_result", "objective": objective, "key_result": key_result}
    plan = record(company, reason=SCOPE, objectives=[{"objective": objective, "accepted_by": company.ben}])
    company.refused(
        ObjectiveHasNoKeyResult, "replan", **plan, changes=[dropped], field="/objectives/0/objective"
    )
    company.do("person_leaves", person=company.ben)
    company.refused(PersonWasNotHere, "replan", **plan, field="/objectives/0/accepted_by")


def test_what_a_source_decided_keeps_the_times_of_its_changes(company: Company) -> None:
    """Given an import of a decision, then a change that names a time has it, and the others have the decision's."""
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    later = {"effective_at": "2026-05-04T10:00:00Z", "source": SOURCE | {"version": "later"}}
    receipt = company.do(
        "record_decision", **record(company), imported=True, source=SOURCE, effective_at="2026-05-02T10:00:00Z",
        changes=[
            {"command": "change_target", **item, "target": TO_90},
            {"command": "change_weight", **item, "weight": "2", **later},
        ],
    )  # fmt: skip
    *_, target, weight = (company.entry(place) for place in receipt.positions)
    assert [entry.effective_at for entry in (target, weight)] == [
        instant("2026-05-02T10:00:00"),
        instant("2026-05-04T10:00:00"),
    ]
    sources = [entry.circumstances.source for entry in (target, weight)]
    assert [source and source.version for source in sources] == [SOURCE["version"], "later"]


def test_a_finding_is_answered_on_the_stream_of_its_cause(company: Company) -> None:
    objective, key_result = company.committed()
    change = company.do(
        "change_target", objective=objective, key_result=key_result, target=TO_90, reason=SCOPE
    )
    answer = {
        "rule": "change_without_decision", "cause": change.position, "answer": "accepted", "text": "Agreed in June.",
    }  # fmt: skip
    company.refused(FindingIsUnknown, "answer_finding", **answer)
    company.refused(FindingIsUnknown, "answer_finding", **(answer | {"cause": 9_999}), known=True)
    receipt = company.do("answer_finding", **answer, known=True)
    assert company.entry(receipt.position).stream == f"objective:{objective}"


def every_change(company: Company) -> dict[str, dict[str, Any]]:
    """Return what is asked by each command that can name the decision behind it, but for those that are about one."""
    objective, key_result = company.committed()
    cycle, item = {"cycle": "2026-q2"}, {"objective": objective, "reason": SCOPE}
    part = item | {"key_result": key_result}
    new = company.ledger.new_id()
    return {
        "plan_cycle": {"cycle": "2026-q3", "name": "Q3", "kind": "quarter", "starts_on": "2026-07-01"},
        "move_commit_by": cycle | {"commit_by": "2026-04-20"},
        "open_cycle": cycle, "void_opening": cycle, "start_scoring": cycle, "close_cycle": cycle, "reopen_cycle": cycle,
        "draft_objective": cycle | {"objective": new, "reference": "OBJ-9", "title": "t", "owner": company.ada},
        "reword_objective": item | {"title": "Other words"},
        "reown_objective": item | {"owner": company.ben},
        "reteam_objective": item | {"team": company.team},
        "align_objective": item | {"parent": company.drafted()},
        "declare_local": item | {"because": "Another because."},
        "set_visibility": item | {"visibility": "people", "people": [company.ada]},
        "commit_objective": {"objective": ready(company)},
        "withdraw_objective": item,
        "replace_objective": item | {"successor": company.drafted()},
        "carry_objective": item | {"into": "2026-q3", "successor": new, "reference": "OBJ-9"},
        "move_objective_to_cycle": item | {"cycle": "2026-q3"},
        "objective_recorded_in_error": item,
        "close_objective": {"objective": objective},
        "add_key_result": item | INCREASE
        | {"key_result": new, "reference": "KR-9", "title": "t", "owner": company.ada},
        "reword_key_result": part | {"title": "Other words"},
        "reown_key_result": part | {"owner": company.ben},
        "change_target": part | {"target": TO_90},
        "correct_baseline": part | {"baseline": "1"},
        "change_measure": part | {"measure": {"kind": "yes_no"}, "target": {"kind": "done"}},
        "change_weight": part | {"weight": "2"},
        "redate_key_result": part | {"ends_on": "2026-05-31"},
        "change_ambition": part | {"ambition": "aspirational"},
        "drop_key_result": part,
        "key_result_recorded_in_error": part,
        "score_key_result": part | {"score": "0.5"},
    }  # fmt: skip


def ready(company: Company) -> UUID:
    """Return an objective that could be committed."""
    objective = company.drafted()
    company.key_result(objective)
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    return objective


ABOUT_ONE = {"record_decision", "replan", "amend_entry", "retract_entry"}
MAY_NAME_ONE = sorted(name for name, command in COMMANDS.items() if issubclass(command, Change))


@pytest.mark.parametrize("name", sorted(set(MAY_NAME_ONE) - ABOUT_ONE))
def test_only_a_decision_that_is_known_stands_behind_a_change(company: Company, name: str) -> None:
    asked = every_change(company)[name]
    company.refused(DecisionIsUnknown, name, **asked, decision=NOBODY, field="/decision")


def test_a_retracted_decision_can_no_longer_be_named(company: Company) -> None:
    objective, key_result = company.committed()
    receipt = company.do("record_decision", **record(company))
    decision = UUID(company.entry(receipt.position).stream.partition(":")[2])
    company.do("retract_entry", position=receipt.position)
    company.refused(
        DecisionIsUnknown, "change_weight", objective=objective, key_result=key_result, weight="2",
        reason=SCOPE, decision=decision,
    )  # fmt: skip
    company.refused(DecisionIsUnknown, "confirm_decision", decision=decision, by=company.cleo)


def test_an_amended_decision_names_another_decider_and_touches_more(company: Company) -> None:
    objective = company.drafted()
    receipt = company.do("record_decision", **record(company, decided_by=company.ada))
    body = {"text": "We do less.", "decided_by": company.ben, "touches": [objective]}
    amended = company.do("amend_entry", position=receipt.position, body=body)
    assert [event.stored_name for event in company.events(amended)] == [
        "decision.recorded", "objective.decision_linked",
    ]  # fmt: skip
    company.refused(NothingChanges, "amend_entry", position=amended.first_position, body=body)
    decision = UUID(company.entry(receipt.position).stream.partition(":")[2])
    company.do("confirm_decision", decision=decision, by=company.ben)


def test_an_amended_decision_ratifies_only_changes_that_stand(company: Company) -> None:
    receipt = company.do("record_decision", **record(company))
    body = {"text": "We do less.", "decided_by": company.cleo, "ratifies": [9_999]}
    company.refused(
        EntryIsUnknown, "amend_entry", position=receipt.position, body=body, field="/body/ratifies/0"
    )
    objective, key_result = company.committed()
    change = company.do(
        "change_target", objective=objective, key_result=key_result, target=TO_90, reason=SCOPE
    )
    amended = company.do(
        "amend_entry", position=receipt.position, body=body | {"ratifies": [change.position]}
    )
    event, link = company.events(amended)
    assert isinstance(event, DecisionRecorded)
    assert (event.touches, link.stored_name) == ((objective,), "objective.decision_linked")


def test_an_amended_decision_is_one_that_could_have_been_written_down(company: Company) -> None:
    """Given a decision, then no amendment makes it one that `record_decision` would refuse."""
    company.on("2026-02-01").do("person_leaves", person=company.ben)
    company.on("2026-03-01")
    objective, _ = company.committed()
    renamed = company.do("reword_objective", objective=objective, title="Words", reason=SCOPE).position
    position = company.do("record_decision", **record(company)).position
    body = {"text": "We do less.", "decided_by": company.cleo}
    late = (company.ledger.now + timedelta(hours=1)).isoformat()
    many = [UUID(int=number) for number in range(20_000, 21_000)]
    for refusal, field, changed in (
        (PersonWasNotHere, "decided_by", {"decided_by": company.ben}),
        (PersonWasNotHere, "decided_by", {"decided_by": company.ben, "decided_at": "2026-02-20T10:00:00Z"}),
        (PersonIsUnknown, "decided_by", {"decided_by": NOBODY}),
        (LiesInTheFuture, "decided_at", {"decided_at": late}),
        (AmendmentDoesNotFit, "touches", {"touches": [NOBODY]}),
        (TooManyObjectives, "touches", {"touches": many, "ratifies": [renamed]}),
    ):
        company.refused(
            refusal, "amend_entry", position=position, body=body | changed, field=f"/body/{field}"
        )
    was_here = {"decided_by": company.ben, "decided_at": "2026-01-20T10:00:00Z"}
    company.do("amend_entry", position=position, body=body | was_here)


def test_a_decision_and_an_objective_have_their_limits(company: Company) -> None:
    objective, _ = company.committed()
    changes = [
        {"command": "draft_objective", "objective": UUID(int=10_000 + number), "reference": f"OBJ-{1000 + number}",
         "cycle": "2026-q2", "title": "t", "owner": company.ada}
        for number in range(2)
    ]  # fmt: skip
    touches = [UUID(int=number) for number in range(20_000, 20_999)]
    company.refused(
        TooManyObjectives,
        "record_decision",
        **record(company, touches=touches),
        changes=changes,
        field="/touches",
    )
    one_less = {"touches": touches, "changes": changes[:1]}
    company.refused(ObjectiveIsUnknown, "record_decision", **record(company, **one_less), field="/touches")
    decision = company.decided()
    for _ in range(98):
        company.do("replan", decision=decision, objectives=[{"objective": objective}])
    company.refused(TooManyLines, "replan", decision=decision, objectives=[{"objective": objective}])
