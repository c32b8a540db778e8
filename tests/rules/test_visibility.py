"""Who may see an objective: facts about visibility, membership and delegation, and rules that say no more than that."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from aggregates.objective.events import ObjectiveDrafted, ObjectiveVisibilitySet
from aggregates.refusals import (
    ActionIsNotAllowed,
    ActIsBackDated,
    AlignmentLoop,
    DecisionIsUnknown,
    DelegationIsGiven,
    DelegationIsNotGiven,
    EntryIsUnknown,
    FindingIsUnknown,
    IdentifierIsTaken,
    NothingChanges,
    ObjectiveIsUnknown,
    OwnerIsATeam,
    PersonIsAMember,
    PersonIsNotAMember,
    PersonIsUnknown,
    Refusal,
    ServiceIsUnknown,
    TeamIsClosed,
    TeamIsUnknown,
    VisibilityIsUnclear,
    VisibilityNeedsATeam,
)
from tests.rules.company import SCOPE, Company

NOWHERE = UUID(int=99)


@pytest.fixture
def company() -> Company:
    return Company()


def said(company: Company, name: str, /, **fields: Any) -> tuple[type[Refusal], str, str]:
    """Return how a command is refused: its class, its sentence, its place."""
    refusal = company.refused_somehow(name, **fields)
    return type(refusal), re.sub(r"position [0-9]+", "position n", refusal.detail), refusal.field


def hide(company: Company, objective: UUID, *people: UUID, by: UUID | None = None) -> int:
    whom = people or (company.steward,)
    shown = {"visibility": "people", "people": [str(one) for one in whom]}
    return company.do("set_visibility", objective=objective, **shown, by=by).position


# -- the facts


def test_a_visibility_is_set_by_its_owner_and_reads_back(company: Company) -> None:
    objective = company.drafted(team=company.team)
    company.do("set_visibility", objective=objective, visibility="team", by=company.ada)
    assert company.objective(objective).visibility.now == ObjectiveVisibilitySet(visibility="team")
    company.do("set_visibility", objective=objective, visibility="everyone", by=company.ada)
    assert not company.objective(objective).is_restricted
    company.refused(NothingChanges, "set_visibility", objective=objective, visibility="everyone")
    company.refused(NothingChanges, "set_visibility", objective=company.drafted(), visibility="everyone")


def test_a_visibility_says_whom_it_means(company: Company) -> None:
    objective = company.drafted()
    act = {"objective": objective}
    company.refused(VisibilityIsUnclear, "set_visibility", **act, visibility="people")
    company.refused(VisibilityIsUnclear, "set_visibility", **act, visibility="everyone", people=[company.ben])
    company.refused(VisibilityNeedsATeam, "set_visibility", **act, visibility="team")
    company.refused(PersonIsUnknown, "set_visibility", **act, visibility="people", people=[NOWHERE])
    company.refused(OwnerIsATeam, "set_visibility", **act, visibility="people", people=[company.team])
    back = {"effective_at": "2026-01-05T08:00:00Z"}
    company.refused(
        ActIsBackDated, "set_visibility", **act, visibility="people", people=[company.ben], **back
    )


def test_an_objective_can_be_drafted_hidden_and_is_never_visible_for_a_moment(company: Company) -> None:
    objective = company.ledger.new_id()
    fields = {
        "objective": objective,
        "reference": "OBJ-1",
        "cycle": "2026-q2",
        "title": "Secret",
        "owner": company.ada,
    }
    receipt = company.do("draft_objective", **fields, visibility="people", people=[company.ben])
    assert [type(event) for event in company.events(receipt)] == [ObjectiveDrafted, ObjectiveVisibilitySet]
    other = {**fields, "objective": company.ledger.new_id(), "reference": "OBJ-2"}
    company.refused(VisibilityNeedsATeam, "draft_objective", **other, visibility="team")
    company.refused(VisibilityIsUnclear, "draft_objective", **other, people=[company.ben])


def test_a_successor_is_as_hidden_as_what_it_goes_on_from(company: Company) -> None:
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective, _ = company.committed()
    hide(company, objective, company.ada)
    successor = company.ledger.new_id()
    company.do(
        "carry_objective",
        objective=objective,
        into="2026-q3",
        successor=successor,
        reference="OBJ-7",
        reason=SCOPE,
    )
    assert company.objective(successor).visibility.now == company.objective(objective).visibility.now


def test_people_become_members_of_a_team_and_leave_it(company: Company) -> None:
    member = {"team": company.team, "person": company.ben}
    company.refused(PersonIsNotAMember, "remove_member", **member)
    company.do("add_member", **member)
    company.refused(PersonIsAMember, "add_member", **member)
    company.refused(PersonIsUnknown, "add_member", team=company.team, person=NOWHERE)
    company.refused(TeamIsUnknown, "add_member", team=NOWHERE, person=company.ben)
    company.refused(TeamIsUnknown, "remove_member", team=NOWHERE, person=company.ben)
    company.do("close_team", team=company.team)
    company.refused(TeamIsClosed, "add_member", team=company.team, person=company.cleo)
    company.do("remove_member", **member)
    team = company.ledger.world.team(company.team)
    assert team is not None
    assert team.members == frozenset()


# -- who sees it


def test_owners_and_whoever_acts_for_them_see_it_and_a_facilitator_does_not(company: Company) -> None:
    objective = company.drafted(owner=company.ada)
    key_result = company.key_result(objective, owner=company.ben)
    hide(company, objective)
    act = {"objective": objective, "key_result": key_result}
    company.refused(ObjectiveIsUnknown, "reword_key_result", **act, title="Mine", by=company.cleo)
    company.do("reword_key_result", **act, title="Mine", by=company.ben)
    company.refused(ActionIsNotAllowed, "reword_objective", objective=objective, title="x", by=company.ben)
    company.do("start_leave", person=company.ada, acting_owner=company.cleo)
    company.do("reword_objective", objective=objective, title="By who acts for her", by=company.cleo)
    company.do("end_leave", person=company.ada)
    company.refused(ObjectiveIsUnknown, "reword_objective", objective=objective, title="x", by=company.cleo)
    company.do("reown_key_result", **act, owner=company.ada)
    reword = {**act, "title": "y", "by": company.ben}
    company.refused(ActionIsNotAllowed, "reword_key_result", **reword)


def test_who_owned_what_was_dropped_sees_it_no_more(company: Company) -> None:
    objective = company.drafted(owner=company.ada)
    key_result = company.key_result(objective, owner=company.cleo)
    hide(company, objective)
    company.do("reword_objective", objective=objective, title="Seen", by=company.cleo)
    company.do("drop_key_result", objective=objective, key_result=key_result)
    company.refused(ObjectiveIsUnknown, "reword_objective", objective=objective, title="x", by=company.cleo)


def test_a_decision_about_what_is_hidden_is_an_unknown_entry(company: Company) -> None:
    """Given a decision that touches something hidden and something else, then whoever does not see both amends neither
    it nor its confirmation, and everybody sees it again once nothing of it is hidden."""
    hidden, open_to_all = company.drafted(owner=company.ada), company.drafted(owner=company.ada)
    company.decided(touches=[hidden, open_to_all])
    position = company.ledger.position - 2
    hide(company, hidden)
    company.refused(EntryIsUnknown, "retract_entry", position=position, by=company.cleo, field="/position")
    company.do("set_visibility", objective=hidden, visibility="everyone")
    company.do("retract_entry", position=position, by=company.cleo)


def test_the_tree_of_its_team_sees_it_above_and_below(company: Company) -> None:
    above, below, beside = (company.ledger.new_id() for _ in range(3))
    company.do("form_team", team=above, name="Company")
    company.do("move_team", team=company.team, parent=above)
    company.do("form_team", team=below, name="Inner", parent=company.team)
    company.do("form_team", team=beside, name="Other", parent=above)
    objective = company.drafted(team=company.team)
    company.do("set_visibility", objective=objective, visibility="team")
    title = iter("abcdefgh")

    def words() -> dict[str, Any]:
        return {"objective": objective, "title": next(title), "by": company.cleo}

    company.refused(ObjectiveIsUnknown, "reword_objective", **words())
    for team in (above, company.team, below):
        company.do("add_member", team=team, person=company.cleo)
        company.do("reword_objective", **words())
        company.do("remove_member", team=team, person=company.cleo)
    company.do("add_member", team=beside, person=company.cleo)
    company.refused(ObjectiveIsUnknown, "reword_objective", **words())
    company.do("reteam_objective", objective=objective, team=beside)
    company.do("reword_objective", **words())


def test_a_program_sees_what_is_hidden_only_by_office(company: Company) -> None:
    objective, service = company.drafted(), company.ledger.new_id()
    hide(company, objective)
    company.do("register_service", service=service, name="Program")
    company.do("grant_role", actor=f"service:{service}", role="facilitator")
    act = {"objective": objective, "title": "x", "by": f"service:{service}"}
    company.refused(ObjectiveIsUnknown, "reword_objective", **act)
    company.do("grant_role", actor=f"service:{service}", role="steward")
    company.do("reword_objective", **act)


# -- what a rule says of it


def test_what_is_hidden_is_refused_word_for_word_as_what_is_not_there(company: Company) -> None:
    """Given Cleo, a facilitator, then whatever she asks of a hidden objective is refused as of one that is unknown."""
    hidden, key_result = company.committed()
    mine, _ = company.committed(owner=company.ben)
    value = company.on("2026-05-20").do("record_value", objective=hidden, key_result=key_result, value="5")
    decision = company.decided(touches=[hidden, mine])
    entry = company.ledger.position  # the decision's own link to what is visible is the last
    hide(company, hidden)
    beyond = company.ledger.position + 1_000
    commands: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("reword_objective", {"title": "x", "objective": hidden}, {"objective": NOWHERE}),
        ("withdraw_objective", {"reason": SCOPE, "objective": hidden}, {"objective": NOWHERE}),
        ("set_visibility", {"visibility": "everyone", "objective": hidden}, {"objective": NOWHERE}),
        ("check_in", {"objective": hidden, "key_result": key_result, "value": "6"}, {"objective": NOWHERE}),
        ("align_objective", {"objective": mine, "parent": hidden, "reason": SCOPE}, {"parent": NOWHERE}),
        ("replace_objective", {"objective": mine, "successor": hidden, "reason": SCOPE}, {"successor": NOWHERE}),
        ("change_weight", {"objective": hidden, "key_result": key_result, "weight": "2"}, {"objective": NOWHERE}),
        ("amend_entry", {"position": value.position, "body": {"value": "7"}}, {"position": beyond}),
        ("retract_entry", {"position": value.position}, {"position": beyond}),
        ("withdraw_objective", {"objective": mine, "reason": SCOPE, "decision": decision}, {"decision": NOWHERE}),
        ("confirm_decision", {"decision": decision}, {"decision": NOWHERE}),
        (
            "record_decision",
            {"decision": company.ledger.new_id(), "text": "x", "decided_by": company.cleo, "touches": [hidden]},
            {"touches": [NOWHERE]},
        ),
        (
            "record_decision",
            {"decision": company.ledger.new_id(), "text": "x", "decided_by": company.cleo,
             "ratifies": [value.position]},
            {"ratifies": [beyond]},
        ),
        (
            "replan",
            {"decision": company.ledger.new_id(), "text": "x", "decided_by": company.cleo,
             "objectives": [{"objective": hidden}]},
            {"objectives": [{"objective": NOWHERE}]},
        ),
        (
            "record_decision",
            {"decision": company.ledger.new_id(), "text": "x", "decided_by": company.cleo, "touches": [mine],
             "changes": [{"command": "withdraw_objective", "objective": hidden}], "reason": SCOPE},
            {"changes": [{"command": "withdraw_objective", "objective": NOWHERE}]},
        ),
    ]  # fmt: skip
    kinds = set()
    for name, fields, unknown in commands:
        found = said(company, name, **fields, by=company.cleo)
        assert found == said(company, name, **{**fields, **unknown}, by=company.cleo), name
        kinds.add(found[0])
    assert kinds == {ObjectiveIsUnknown, EntryIsUnknown, DecisionIsUnknown}
    answer = {"rule": "change_without_decision", "answer": "explained", "text": "x", "known": True}
    company.refused(FindingIsUnknown, "answer_finding", **answer, cause=value.position, by=company.cleo)
    assert entry < beyond


def test_an_owner_learns_no_more_than_a_facilitator(company: Company) -> None:
    hidden = company.drafted(owner=company.ada)
    hide(company, hidden)
    act = {"title": "x", "by": company.ben}
    assert said(company, "reword_objective", objective=hidden, **act) == said(
        company, "reword_objective", objective=NOWHERE, **act
    )


def test_what_must_hold_holds_also_behind_the_veil(company: Company) -> None:
    """Given a hidden objective, then its identifier is not used twice, and no loop of alignments closes through it."""
    hidden, below = company.drafted(), company.drafted()
    top = company.drafted()
    company.do("align_objective", objective=hidden, parent=top)
    company.do("align_objective", objective=below, parent=hidden)
    hide(company, hidden)
    fields = {
        "reference": "OBJ-90",
        "cycle": "2026-q2",
        "title": "t",
        "owner": company.cleo,
        "by": company.cleo,
    }
    company.refused(IdentifierIsTaken, "draft_objective", objective=hidden, **fields)
    refusal = company.refused(AlignmentLoop, "align_objective", objective=top, parent=below, by=company.cleo)
    assert company.objective(hidden).reference not in refusal.detail


def test_a_decision_can_draft_what_is_hidden_and_go_on_with_it(company: Company) -> None:
    """Given Cleo, who is among the people named, then the changes after the draft see what the draft made."""
    objective, key_result = company.ledger.new_id(), company.ledger.new_id()
    draft = {
        "command": "draft_objective", "objective": objective, "reference": "OBJ-50", "cycle": "2026-q2", "title": "t",
        "owner": company.ada, "visibility": "people", "people": [company.cleo],
    }  # fmt: skip
    key = {
        "command": "add_key_result", "objective": objective, "key_result": key_result, "reference": "KR-50",
        "title": "k", "owner": company.ada, "measure": {"kind": "yes_no"}, "target": {"kind": "done"},
    }  # fmt: skip
    decide = {"text": "We begin.", "decided_by": company.cleo, "by": company.cleo}
    company.do("record_decision", decision=company.ledger.new_id(), changes=[draft, key], **decide)
    blind = {**draft, "objective": company.ledger.new_id(), "reference": "OBJ-51", "people": [company.ben]}
    company.refused(
        ObjectiveIsUnknown, "record_decision", decision=company.ledger.new_id(),
        changes=[blind, {**key, "objective": blind["objective"], "key_result": company.ledger.new_id()}], **decide,
        field="/changes/1/objective",
    )  # fmt: skip


# -- acting for somebody else


def test_a_delegation_is_given_by_a_steward_or_by_whom_it_is_about(company: Company) -> None:
    grant = {"actor": f"person:{company.ben}", "principal": company.ada}
    company.refused(ActionIsNotAllowed, "grant_delegation", **grant, by=company.ben)
    company.refused(ActionIsNotAllowed, "grant_delegation", **grant, by=company.cleo)
    company.do("grant_delegation", **grant, by=company.ada)
    company.refused(DelegationIsGiven, "grant_delegation", **grant)
    self_grant = {"actor": f"person:{company.ada}", "principal": company.ada}
    company.refused(DelegationIsGiven, "grant_delegation", **self_grant)
    company.refused(ServiceIsUnknown, "grant_delegation", actor=f"service:{NOWHERE}", principal=company.ada)
    company.do("revoke_delegation", **grant, by=company.ada)
    company.refused(DelegationIsNotGiven, "revoke_delegation", **grant)


def test_on_behalf_of_somebody_their_rights_count_and_both_names_are_kept(company: Company) -> None:
    objective = company.drafted(owner=company.ada)
    hide(company, objective)
    assistant = company.joins()
    act = {"objective": objective, "by": assistant, "on_behalf_of": f"person:{company.ada}"}
    company.refused(ActionIsNotAllowed, "reword_objective", **act, title="x", field="/on_behalf_of")
    company.do("grant_delegation", actor=f"person:{assistant}", principal=company.ada)
    receipt = company.do("reword_objective", **act, title="x")
    circumstances = company.entry(receipt.position).circumstances
    assert (circumstances.by, circumstances.on_behalf_of) == (f"person:{assistant}", f"person:{company.ada}")
    company.refused(
        ActionIsNotAllowed, "plan_cycle", cycle="x", name="x", kind="quarter", starts_on="2026-07-01",
        commit_by="2026-07-02", ends_on="2026-07-03", by=assistant, on_behalf_of=f"person:{company.ada}",
    )  # fmt: skip
    company.do("person_leaves", person=company.ada)
    company.refused(ActionIsNotAllowed, "reword_objective", **act, title="y", field="/on_behalf_of")


def test_rights_are_not_passed_on(company: Company) -> None:
    company.do("grant_delegation", actor=f"person:{company.ben}", principal=company.steward)
    for_her = {"by": company.ben, "on_behalf_of": f"person:{company.steward}"}
    company.do("form_team", team=company.ledger.new_id(), name="Made for her", **for_her)
    steward = f"person:{company.steward}"
    for name, fields in (
        ("grant_role", {"actor": f"person:{company.ben}", "role": "steward"}),
        ("revoke_role", {"actor": steward, "role": "steward"}),
        ("grant_delegation", {"actor": f"person:{company.cleo}", "principal": company.steward}),
        ("revoke_delegation", {"actor": f"person:{company.ben}", "principal": company.steward}),
        ("person_leaves", {"person": company.steward}),
    ):
        company.refused(ActionIsNotAllowed, name, **fields, **for_her, field="/on_behalf_of")
    left = company.do("person_leaves", person=company.ada).position
    company.refused(ActionIsNotAllowed, "retract_entry", position=left, **for_her, field="/on_behalf_of")
    renamed = company.do("reword_objective", objective=company.drafted(company.ben), title="Tpyo").position
    company.do("amend_entry", position=renamed, body={"title": "Typo"}, **for_her)
