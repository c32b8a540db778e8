"""Objectives: drafted, aligned, committed, changed after their line, ended."""

from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from aggregates.measures import PointTarget
from aggregates.objective.events import ObjectiveCommitted
from aggregates.objective.state import AlignedTo
from aggregates.refusals import (
    AlignmentIsMissing,
    AlignmentLoop,
    CycleIsClosed,
    CycleIsUnknown,
    DecisionIsUnknown,
    HorizonIsOutsideTheCycle,
    IdentifierIsTaken,
    KeyResultIsDropped,
    NothingChanges,
    ObjectiveHasNoKeyResult,
    ObjectiveIsCommitted,
    ObjectiveIsNotCommitted,
    ObjectiveIsOver,
    ObjectiveIsUnknown,
    PersonWasNotHere,
    ReasonIsMissing,
    SourceIsMissing,
    TargetDoesNotFitMeasure,
)
from tests.rules.company import SCOPE, SOURCE, Company

NOBODY = UUID(int=99)


@pytest.fixture
def company() -> Company:
    return Company()


def test_before_its_line_an_objective_changes_freely(company: Company) -> None:
    objective = company.drafted(team=company.team)
    item = {"objective": objective}
    company.do("reword_objective", **item, title="Better words", description="In two\nlines.")
    company.do("reown_objective", **item, owner=company.ben)
    company.do("reteam_objective", **item)
    state = company.objective(objective)
    assert state.wording.present.title == "Better words"
    assert (state.owner.now, state.team.now, state.is_committed) == (company.ben, None, False)


def test_an_objective_is_known_once(company: Company) -> None:
    objective = company.drafted()
    again = {"objective": objective, "reference": "OBJ-7", "title": "t", "owner": company.ada}
    company.refused(IdentifierIsTaken, "draft_objective", **again, cycle="2026-q2")
    company.refused(CycleIsUnknown, "draft_objective", **(again | {"objective": NOBODY}), cycle="2030-q1")
    company.refused(ObjectiveIsUnknown, "withdraw_objective", objective=NOBODY)


def test_committing_needs_a_key_result_an_alignment_and_an_owner_who_is_here(company: Company) -> None:
    objective = company.drafted(owner=company.ben)
    item = {"objective": objective}
    company.refused(ObjectiveHasNoKeyResult, "commit_objective", **item)
    key_result = company.key_result(objective)
    company.refused(AlignmentIsMissing, "commit_objective", **item)
    company.do("declare_local", **item, because="It serves nobody else.")
    company.do("drop_key_result", **item, key_result=key_result)
    company.refused(ObjectiveHasNoKeyResult, "commit_objective", **item)
    company.key_result(objective)
    company.do("person_leaves", person=company.ben)
    company.refused(PersonWasNotHere, "commit_objective", **item)
    company.do("reown_objective", **item, owner=company.ada)
    company.refused(SourceIsMissing, "commit_objective", **item, synthesised=True, field="/synthesised")
    company.refused(
        PersonWasNotHere, "commit_objective", **item, accepted_by=company.ben, field="/accepted_by"
    )
    receipt = company.do("commit_objective", **item, confidence="0.7", accepted_by=company.cleo)
    assert company.events(receipt) == [
        ObjectiveCommitted(confidence="0.7", accepted_by=company.cleo, policy=1),  # type: ignore[arg-type]
    ]
    company.refused(ObjectiveIsCommitted, "commit_objective", **item)


def test_a_commitment_pins_the_policy_of_its_day(company: Company) -> None:
    policy = company.ledger.world.organisation().policy.policy
    company.do("adopt_policy", policy=policy.model_copy(update={"name": "second"}))
    objective, _ = company.committed()
    assert company.objective(objective).lines[0].policy == 2
    company.refused(NothingChanges, "adopt_policy", policy=policy.model_copy(update={"name": "second"}))


CHANGES: dict[str, dict[str, Any]] = {
    "reword_objective": {"title": "Other words"},
    "reown_objective": {"owner": "ben"},
    "reteam_objective": {"team": "team"},
    "align_objective": {"parent": "parent"},
    "declare_local": {"because": "Another because."},
    "move_objective_to_cycle": {"cycle": "2026-q3"},
    "withdraw_objective": {},
    "replace_objective": {"successor": "parent"},
    "objective_recorded_in_error": {},
    "reword_key_result": {"title": "Other words"},
    "reown_key_result": {"owner": "ben"},
    "change_target": {"target": {"kind": "point", "at": "90"}},
    "correct_baseline": {"baseline": "1"},
    "change_measure": {"measure": {"kind": "yes_no"}, "target": {"kind": "done"}},
    "change_weight": {"weight": "2"},
    "redate_key_result": {"ends_on": "2026-05-31"},
    "change_ambition": {"ambition": "aspirational"},
    "drop_key_result": {},
    "key_result_recorded_in_error": {},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_after_the_line_needs_a_reason_with_its_class(company: Company, name: str) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    names = {"ben": company.ben, "team": company.team, "parent": company.drafted()}
    objective, key_result = company.committed()
    fields = {
        key: names.get(value, value) if isinstance(value, str) else value
        for key, value in CHANGES[name].items()
    }
    fields["objective"] = objective
    if "key_result" in name or name.startswith(("change_", "correct_")):
        fields["key_result"] = key_result
    company.refused(ReasonIsMissing, name, **fields, field="/reason")
    company.refused(DecisionIsUnknown, name, **fields, reason=SCOPE, decision=NOBODY, field="/decision")
    receipt = company.do(name, **fields, reason=SCOPE)
    entry = company.entry(receipt.position)
    assert entry.circumstances.reason is not None
    assert entry.circumstances.reason.kind == "scope"
    assert entry.circumstances.decision is None
    assert company.objective(objective).lines[0].number == 1


ENDS = {"withdraw_objective", "replace_objective", "drop_key_result"}
"""Their second time is refused because the record is closed."""


@pytest.mark.parametrize("name", sorted(set(CHANGES) - ENDS))
def test_a_change_that_restates_the_record_is_refused(company: Company, name: str) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    names = {"ben": company.ben, "team": company.team, "parent": company.drafted()}
    objective, key_result = company.committed()
    fields = {
        key: names.get(value, value) if isinstance(value, str) else value
        for key, value in CHANGES[name].items()
    }
    fields |= {"objective": objective, "reason": SCOPE}
    if "key_result" in name or name.startswith(("change_", "correct_")):
        fields["key_result"] = key_result
    company.do(name, **fields)
    company.refused(NothingChanges, name, **fields)


def test_a_key_result_added_after_the_line_is_scope_and_needs_a_reason(company: Company) -> None:
    objective, _ = company.committed()
    with pytest.raises(ReasonIsMissing):
        company.key_result(objective)
    company.key_result(objective, reason=SCOPE)


def test_a_loop_of_alignments_is_refused_however_long(company: Company) -> None:
    chain = [company.drafted() for _ in range(5)]
    for child, parent in pairwise(chain):
        company.do("align_objective", objective=child, parent=parent)
    company.refused(AlignmentLoop, "align_objective", objective=chain[-1], parent=chain[0], field="/parent")
    company.refused(AlignmentLoop, "align_objective", objective=chain[0], parent=chain[0])
    company.refused(
        ObjectiveIsUnknown, "align_objective", objective=chain[-1], parent=NOBODY, field="/parent"
    )
    assert company.objective(chain[0]).alignment.now == AlignedTo(chain[1])


def test_a_parent_that_is_over_is_refused(company: Company) -> None:
    parent, child = company.drafted(), company.drafted()
    company.do("withdraw_objective", objective=parent)
    company.refused(ObjectiveIsOver, "align_objective", objective=child, parent=parent, field="/parent")
    company.refused(
        ObjectiveIsOver, "replace_objective", objective=child, successor=parent, field="/successor"
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("withdraw_objective", "withdrawn"),
        ("close_objective", "closed"),
        ("objective_recorded_in_error", "recorded_in_error"),
    ],
)
def test_an_objective_that_is_over_takes_no_more_changes(company: Company, name: str, word: str) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20").do(name, objective=objective, reason=SCOPE)
    standing = company.objective(objective).standing.now
    assert standing is not None
    assert standing.word == word
    item = {"objective": objective, "key_result": key_result}
    company.refused(ObjectiveIsOver, "check_in", **item, confidence="0.5")
    company.refused(ObjectiveIsOver, "record_value", **item, value="1")
    company.refused(ObjectiveIsOver, "change_weight", **item, weight="3", reason=SCOPE)


def test_withdrawn_is_not_recorded_in_error(company: Company) -> None:
    objective, _ = company.committed()
    company.do("withdraw_objective", objective=objective, reason=SCOPE)
    company.do("objective_recorded_in_error", objective=objective, reason=SCOPE)
    told = [fact.value.word for fact in company.objective(objective).standing]
    assert told == ["draft", "committed", "withdrawn", "recorded_in_error"]
    company.refused(NothingChanges, "objective_recorded_in_error", objective=objective, reason=SCOPE)


def test_an_objective_is_not_replaced_by_itself(company: Company) -> None:
    objective, _ = company.committed()
    company.refused(
        NothingChanges,
        "replace_objective",
        objective=objective,
        successor=objective,
        reason=SCOPE,
        field="/successor",
    )


def test_a_draft_is_withdrawn_not_closed(company: Company) -> None:
    company.refused(ObjectiveIsNotCommitted, "close_objective", objective=company.drafted())


def test_an_objective_is_carried_into_another_cycle_in_one_append(company: Company) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective, key_result = company.committed()
    successor, copy = company.ledger.new_id(), company.ledger.new_id()
    carried = {"key_result": key_result, "successor": copy, "reference": "KR-90"}
    fields = {
        "objective": objective, "into": "2026-q3", "successor": successor, "reference": "OBJ-90", "reason": SCOPE,
    }  # fmt: skip
    company.refused(NothingChanges, "carry_objective", **(fields | {"into": "2026-q2"}))
    company.refused(CycleIsUnknown, "carry_objective", **(fields | {"into": "2030-q2"}))
    company.refused(IdentifierIsTaken, "carry_objective", **(fields | {"successor": objective}))
    company.refused(IdentifierIsTaken, "carry_objective", **fields, key_results=[carried, carried])
    company.do("person_leaves", person=company.ada)
    company.refused(PersonWasNotHere, "carry_objective", **fields, key_results=[carried], field="/objective")
    company.do("add_person", person=company.ada)
    receipt = company.do("carry_objective", **fields, key_results=[carried])
    assert [event.stored_name for event in company.events(receipt)] == [
        "objective.drafted", "key_result.added", "objective.carried",
    ]  # fmt: skip
    drafted = company.objective(successor)
    assert (drafted.carried_from, drafted.cycle.now) == (objective, "2026-q3")
    assert drafted.key_results[copy].target.now == company.state_of(objective, key_result).target.now
    standing = company.objective(objective).standing.present
    assert (standing.word, standing.successor, standing.into) == ("carried", successor, "2026-q3")


def test_a_dropped_or_phased_key_result_is_not_carried_along(company: Company) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective = company.drafted()
    dropped = company.key_result(objective)
    company.do("drop_key_result", objective=objective, key_result=dropped)
    phased = company.key_result(
        objective, measure={"kind": "phased"}, baseline="0",
        target={"kind": "steps", "steps": [{"on": "2026-05-31", "at": "5"}]},
    )  # fmt: skip
    for refusal, key_result in ((KeyResultIsDropped, dropped), (TargetDoesNotFitMeasure, phased)):
        carried = {"key_result": key_result, "successor": company.ledger.new_id(), "reference": "KR-90"}
        company.refused(
            refusal, "carry_objective", objective=objective, into="2026-q3",
            successor=company.ledger.new_id(), reference="OBJ-90", key_results=[carried],
        )  # fmt: skip


def test_an_objective_moves_only_to_a_cycle_that_its_key_results_fit(company: Company) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective = company.drafted()
    key_result = company.key_result(objective, ends_on="2026-05-31")
    move = {"objective": objective, "cycle": "2026-q3"}
    company.refused(HorizonIsOutsideTheCycle, "move_objective_to_cycle", **move)
    company.do("redate_key_result", objective=objective, key_result=key_result)
    company.plan("wide", "2026-05-01", "2026-05-01", "2026-12-31", kind="custom")
    for days in (["2026-06-30", "2026-07-31"], ["2026-07-01", "2026-10-01"]):
        steps = [{"on": day, "at": str(number)} for number, day in enumerate(days, 1)]
        wide = company.drafted(cycle="wide")
        company.key_result(
            wide, measure={"kind": "phased"}, baseline="0", target={"kind": "steps", "steps": steps}
        )
        company.refused(
            HorizonIsOutsideTheCycle,
            "move_objective_to_cycle",
            objective=wide,
            cycle="2026-q3",
            field="/cycle",
        )
    company.do("move_objective_to_cycle", **move)
    assert company.objective(objective).cycle.now == "2026-q3"


def test_after_the_close_only_amendments_decisions_and_answers_are_taken(company: Company) -> None:
    objective, key_result = company.committed()
    company.do("open_cycle", cycle="2026-q2")
    company.on("2026-07-02")
    scored = company.do("score_key_result", objective=objective, key_result=key_result, score="0.6")
    company.do("close_cycle", cycle="2026-q2")
    item = {"objective": objective, "key_result": key_result}
    company.refused(CycleIsClosed, "check_in", **item, value="5", measured_on="2026-06-30")
    company.refused(CycleIsClosed, "record_value", **item, value="5", measured_on="2026-06-30")
    company.refused(CycleIsClosed, "change_weight", **item, weight="2", reason=SCOPE)
    company.refused(CycleIsClosed, "objective_recorded_in_error", objective=objective, reason=SCOPE)
    company.refused(CycleIsClosed, "draft_objective", objective=NOBODY, reference="OBJ-5",
                    cycle="2026-q2", title="t", owner=company.ada)  # fmt: skip
    company.do("amend_entry", position=scored.position, body={"score": "0.7"})
    company.decided(touches=[objective])
    company.do("answer_finding", rule="change_after_close", cause=scored.position,
               answer="explained", text="Finance closes in week three.", known=True)  # fmt: skip
    assert company.state_of(objective, key_result).score.present == Decimal("0.7")


def test_an_import_needs_no_reason_for_its_source_gives_none(company: Company) -> None:
    objective, key_result = company.committed()
    company.do(
        "change_target", imported=True, source=SOURCE, effective_at=company.ledger.now,
        objective=objective, key_result=key_result, target={"kind": "point", "at": "90"},
    )  # fmt: skip
    assert company.state_of(objective, key_result).target.present == PointTarget(at=Decimal(90))


def test_what_a_source_says_beyond_the_ledgers_words_is_kept(company: Company) -> None:
    objective, key_result = company.committed()
    note = {"objective": objective, "attributes": {"Priority": "P0"}}
    company.refused(SourceIsMissing, "note_source", **note)
    for item in (note, note | {"key_result": key_result}):
        company.do("note_source", imported=True, source=SOURCE, **item)
        company.refused(NothingChanges, "note_source", imported=True, source=SOURCE, **item)
    assert company.state_of(objective, key_result).source.now == (("Priority", "P0"),)
