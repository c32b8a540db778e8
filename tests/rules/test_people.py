"""People, leaves, services, roles and teams."""

from datetime import timedelta
from uuid import UUID

import pytest

from aggregates.refusals import (
    IdentifierIsTaken,
    LastSteward,
    NothingChanges,
    OwnerIsATeam,
    PersonIsAlreadyHere,
    PersonIsNotOnLeave,
    PersonIsOnLeave,
    PersonIsUnknown,
    PersonWasNotHere,
    RoleIsHeld,
    RoleIsNotHeld,
    ServiceIsUnknown,
    TeamIsClosed,
    TeamIsUnknown,
    TeamLoop,
)
from tests.rules.company import INCREASE, SCOPE, Company

NOBODY = UUID(int=99)


@pytest.fixture
def company() -> Company:
    return Company()


def draft(company: Company, owner: UUID, **fields):
    return {
        "objective": company.ledger.new_id(), "reference": "OBJ-1", "cycle": "2026-q2", "title": "t", "owner": owner,
    } | fields  # fmt: skip


def test_an_owner_is_one_named_person_who_is_here(company: Company) -> None:
    company.refused(PersonIsUnknown, "draft_objective", **draft(company, NOBODY), field="/owner")
    company.refused(OwnerIsATeam, "draft_objective", **draft(company, company.team), field="/owner")
    company.do("person_leaves", person=company.ben)
    company.refused(PersonWasNotHere, "draft_objective", **draft(company, company.ben), field="/owner")
    objective, key_result = company.committed()
    item = {"objective": objective, "reason": SCOPE}
    company.refused(PersonWasNotHere, "reown_objective", **item, owner=company.ben)
    company.refused(OwnerIsATeam, "reown_key_result", **item, key_result=key_result, owner=company.team)
    new = {"key_result": company.ledger.new_id(), "reference": "KR-9", "title": "t", "owner": company.ben}
    company.refused(PersonWasNotHere, "add_key_result", **item, **new, **INCREASE, field="/owner")


def test_an_owner_is_judged_at_the_time_of_the_act(company: Company) -> None:
    """An import whose source names an owner who had not joined yet."""
    company.on("2026-02-01")
    late = company.joins(effective_at=company.ledger.now - timedelta(days=2))
    act = {"imported": True, "source": {"name": "sheet", "version": "1"}}
    before, after = company.ledger.now - timedelta(days=3), company.ledger.now - timedelta(days=1)
    company.refused(PersonWasNotHere, "draft_objective", **draft(company, late), **act, effective_at=before)
    company.do("draft_objective", **draft(company, late), **act, effective_at=after)


def test_presence_is_a_story_without_contradictions(company: Company) -> None:
    leave = {"person": company.ada, "acting_owner": company.ben}
    company.refused(PersonIsAlreadyHere, "add_person", person=company.ada)
    company.refused(PersonIsNotOnLeave, "end_leave", person=company.ada)
    company.refused(PersonIsUnknown, "person_leaves", person=NOBODY)
    company.refused(
        PersonIsUnknown, "start_leave", person=company.ada, acting_owner=NOBODY, field="/acting_owner"
    )
    company.refused(PersonIsOnLeave, "start_leave", person=company.ada, acting_owner=company.ada)
    company.do("start_leave", **leave, expected_back_on="2026-09-01")
    company.refused(PersonIsOnLeave, "start_leave", **leave)
    company.refused(PersonIsOnLeave, "start_leave", person=company.ben, acting_owner=company.ada)
    company.do("end_leave", person=company.ada)
    company.do("person_leaves", person=company.ada)
    company.refused(PersonWasNotHere, "person_leaves", person=company.ada)
    company.do("add_person", person=company.ada)
    early = company.ledger.now - timedelta(days=30)
    company.refused(PersonWasNotHere, "person_leaves", person=company.ada, effective_at=early)


def test_an_owner_on_leave_still_owns_and_the_acting_owner_checks_in(company: Company) -> None:
    company.do("start_leave", person=company.ada, acting_owner=company.ben)
    objective, key_result = company.committed(owner=company.ada)
    company.on("2026-05-20")
    company.do(
        "check_in", by=company.ben, objective=objective, key_result=key_result, value="4", confidence="0.6"
    )
    assert company.objective(objective).owner.now == company.ada


def test_roles_are_given_and_taken_by_a_steward(company: Company) -> None:
    service = company.ledger.new_id()
    actor = f"service:{service}"
    company.refused(ServiceIsUnknown, "grant_role", actor=actor, role="reader")
    company.refused(PersonIsUnknown, "grant_role", actor=f"person:{NOBODY}", role="reader")
    company.do("register_service", service=service, name="Importer")
    company.refused(IdentifierIsTaken, "register_service", service=service, name="Importer")
    company.do("grant_role", actor=actor, role="reader")
    company.refused(RoleIsHeld, "grant_role", actor=actor, role="reader")
    company.do("revoke_role", actor=actor, role="reader")
    company.refused(RoleIsNotHeld, "revoke_role", actor=actor, role="reader")


def test_one_steward_always_stays(company: Company) -> None:
    me = f"person:{company.steward}"
    company.refused(LastSteward, "revoke_role", actor=me, role="steward")
    company.refused(LastSteward, "person_leaves", person=company.steward)
    company.refused(LastSteward, "retract_entry", position=3)
    company.do("grant_role", actor=f"person:{company.cleo}", role="steward")
    company.do("revoke_role", by=company.cleo, actor=me, role="steward")


def test_teams_lie_within_teams_without_a_loop(company: Company) -> None:
    inner = company.ledger.new_id()
    company.do("form_team", team=inner, name="Search", parent=company.team)
    company.refused(IdentifierIsTaken, "form_team", team=inner, name="Search")
    company.refused(TeamLoop, "move_team", team=company.team, parent=inner, field="/parent")
    company.refused(TeamLoop, "move_team", team=inner, parent=inner)
    company.refused(NothingChanges, "rename_team", team=inner, name="Search")
    company.refused(NothingChanges, "move_team", team=inner, parent=company.team)
    company.refused(TeamIsUnknown, "form_team", team=NOBODY, name="x", parent=UUID(int=98), field="/parent")
    company.do("move_team", team=inner)
    company.do("rename_team", team=inner, name="Find")
    company.do("close_team", team=inner)
    company.refused(TeamIsClosed, "close_team", team=inner)
    company.refused(TeamIsClosed, "draft_objective", **draft(company, company.ada, team=inner), field="/team")
    objective = company.drafted()
    company.refused(TeamIsClosed, "reteam_objective", objective=objective, team=inner, field="/team")
    company.refused(TeamIsUnknown, "reteam_objective", objective=objective, team=NOBODY, field="/team")
