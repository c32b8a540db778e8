"""Rights: one table, one function, the same for every door."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from aggregates.access import (
    ACTIONS,
    BESIDE,
    RELATIONS,
    ROLES,
    SCOPES,
    VISIBILITIES,
    Actor,
    Scope,
    Shown,
    Touched,
    may,
    related,
    roles_that_do,
    scopes_that_do,
    sees,
    table,
)
from aggregates.commands import COMMANDS
from aggregates.decide import RULES
from aggregates.person.events import Role
from aggregates.refusals import ActionIsNotAllowed
from api import rights
from tests.rules.company import SCOPE, SOURCE, Company

STEWARDS_ONLY = {
    "adopt_policy", "add_person", "person_leaves", "start_leave", "end_leave", "register_service", "grant_role",
    "revoke_role", "form_team", "rename_team", "move_team", "close_team", "add_member", "remove_member",
    "reopen_cycle", "note_source",
}  # fmt: skip
MEETINGS = {"plan_cycle", "move_commit_by", "open_cycle", "void_opening", "start_scoring", "close_cycle"}
OF_THEIR_OWN = {"grant_delegation", "revoke_delegation"}


@pytest.fixture
def company() -> Company:
    return Company()


def somebody(*roles: Role) -> Actor:
    return Actor(f"person:{UUID(int=1)}", frozenset(roles))


def test_every_command_has_a_rule_and_a_right() -> None:
    assert set(COMMANDS) == set(RULES) == set(ACTIONS) - set(BESIDE)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_role_may_do_what_its_row_says(name: str) -> None:
    allowed = {role for role in ROLES if may(somebody(role), name)}
    own = {role for role in ROLES if may(somebody(role), name, Touched(own=True))} - allowed
    if name in STEWARDS_ONLY:
        assert (allowed, own) == ({"steward"}, set())
    elif name in MEETINGS:
        assert (allowed, own) == ({"steward", "facilitator"}, set())
    elif name in OF_THEIR_OWN:
        assert (allowed, own) == ({"steward"}, {"owner"})
    elif name == "confirm_decision":
        assert (allowed, own) == ({"reader", "owner", "facilitator", "steward"}, set())
    else:
        assert (allowed, own) == ({"steward", "facilitator"}, {"owner"})


def test_readers_auditors_and_operators_write_nothing_but_a_reader_may_confirm() -> None:
    own = Touched(own=True)
    for name in COMMANDS:
        assert not may(somebody("auditor", "operator"), name, own)
        assert may(somebody("reader"), name, own) == (name == "confirm_decision")
    assert [role for role in ROLES if may(somebody(role), "read")] == [
        "reader",
        "owner",
        "facilitator",
        "steward",
        "auditor",
    ]
    assert not may(somebody("steward"), "an action that is not in the table")
    assert not may(somebody(), "read")
    assert not may(replace(somebody("steward"), is_here=False), "read")


def test_the_table_can_be_printed_for_people() -> None:
    rows = dict(table())
    assert rows["check_in"] == {
        "reader": "", "owner": "own", "facilitator": "yes", "steward": "yes", "auditor": "", "operator": "",
    }  # fmt: skip
    assert rows["operate"]["operator"] == "yes"


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_the_whole_table_of_role_action_and_visibility(action: str) -> None:
    """Each role, however it stands to an objective of each visibility: it needs the right and must see it."""
    for role in ROLES:
        for visibility in VISIBILITIES:
            for relation in RELATIONS:
                actor, touched = related(relation, visibility, role)
                seen = (
                    visibility == "everyone"
                    or role in ("steward", "auditor")
                    or relation == "an owner of it"
                    or (relation, visibility) in (("in its team's tree", "team"), ("named for it", "people"))
                )
                right = ACTIONS[action]
                allowed = role in right.roles or (role == "owner" and right.own and touched.own)
                assert may(actor, action, touched) == (seen and allowed), (role, visibility, relation)
                program = replace(actor, name=f"service:{UUID(int=1)}")
                if visibility != "everyone" and role not in ("steward", "auditor"):
                    assert not may(program, action, replace(touched, shown=(Shown(visibility),)))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_lets_only_what_it_is_for(scope: Scope) -> None:
    actor = replace(somebody(*ROLES), scopes=frozenset({scope}))
    allowed = {action for action in ACTIONS if may(actor, action)}
    expected = {
        "read": {"read", "read_security_log"},
        "write": set(COMMANDS),
        "check_in": {"check_in", "record_value"},
        "export": {"export"},
        "operate": {"operate", "manage_tokens", "read_security_log"},
    }
    assert allowed == expected[scope]
    assert not may(replace(actor, scopes=frozenset()), "read")


def test_a_reading_sees_a_team_from_above_and_from_below() -> None:
    top, middle, leaf, other = (UUID(int=number) for number in range(2, 6))
    tree = {top: [top], middle: [middle, top], leaf: [leaf, middle, top], other: [other, top]}
    shown = Shown("team", team=middle, above=frozenset(tree[middle]))
    seen = {
        team for team in tree
        if sees(replace(somebody("reader"), teams=frozenset({team}), above=frozenset(tree[team])), shown)
    }  # fmt: skip
    assert seen == {top, middle, leaf}
    assert not sees(somebody("reader"), Shown("team", team=None))


def test_an_owner_changes_only_what_is_their_own(company: Company) -> None:
    objective, _ = company.committed(owner=company.ada)
    mine = company.key_result(objective, owner=company.ben, reason=SCOPE)
    theirs = company.key_result(objective, owner=company.ada, reason=SCOPE)
    company.on("2026-05-20")
    item = {"objective": objective, "value": "5", "by": company.ben}
    company.do("check_in", **item, key_result=mine)
    company.refused(ActionIsNotAllowed, "check_in", **item, key_result=theirs)
    reword = {"objective": objective, "title": "Words", "reason": SCOPE}
    company.refused(ActionIsNotAllowed, "reword_objective", **reword, by=company.ben)
    company.do("reword_objective", **reword, by=company.ada)
    company.do("check_in", objective=objective, value="6", by=company.ada, key_result=mine)
    company.refused(
        ActionIsNotAllowed, "add_key_result", by=company.ben, objective=objective, key_result=mine, reference="KR-9",
        title="t", owner=company.ben, measure={"kind": "yes_no"}, target={"kind": "done"},
    )  # fmt: skip


def test_an_owner_drafts_for_themselves(company: Company) -> None:
    fields = {"objective": company.ledger.new_id(), "reference": "OBJ-5", "cycle": "2026-q2", "title": "t"}
    company.refused(ActionIsNotAllowed, "draft_objective", **fields, owner=company.ada, by=company.ben)
    company.do("draft_objective", **fields, owner=company.ben, by=company.ben)


def test_an_owner_decides_answers_and_amends_about_their_own(company: Company) -> None:
    (mine, key_result), (theirs, _) = (
        company.committed(owner=company.ada),
        company.committed(owner=company.ben),
    )
    change = company.do(
        "change_weight", objective=mine, key_result=key_result, weight="2", reason=SCOPE, by=company.ada
    )
    decide = {"text": "We do less.", "decided_by": company.ada, "by": company.ada}
    company.do("record_decision", decision=company.ledger.new_id(), touches=[mine], **decide)
    new = company.ledger.new_id()
    company.refused(ActionIsNotAllowed, "record_decision", decision=new, touches=[mine, theirs], **decide)
    company.refused(ActionIsNotAllowed, "record_decision", decision=new, **decide)
    company.refused(
        ActionIsNotAllowed, "record_decision", decision=new, **decide,
        changes=[{"command": "withdraw_objective", "objective": theirs, "reason": SCOPE}],
    )  # fmt: skip
    amend = {"position": change.position, "body": {"weight": "3"}, "reason": SCOPE}
    company.refused(ActionIsNotAllowed, "amend_entry", **amend, by=company.ben)
    company.do("amend_entry", **amend, by=company.ada)
    answer = {"rule": "change_without_decision", "cause": change.position, "answer": "explained", "text": "x"}
    company.refused(ActionIsNotAllowed, "answer_finding", **answer, known=True, by=company.ben)
    company.do("answer_finding", **answer, known=True, by=company.ada)
    company.do("replan", decision=new, objectives=[{"objective": mine}], **decide)


def test_an_owner_decides_about_changes_of_their_own_alone(company: Company) -> None:
    """Given changes of two owners, then one of them ratifies or carries out only their own."""
    mine, theirs = company.drafted(company.ada), company.drafted(company.ben)
    own = company.do("reword_objective", objective=mine, title="Mine").position
    another = company.do("reword_objective", objective=theirs, title="Theirs").position
    decide = {"text": "We do less.", "decided_by": company.ada, "by": company.ada}
    new = company.ledger.new_id()
    for ratifies in ([another], [own, another]):
        company.refused(ActionIsNotAllowed, "record_decision", decision=new, ratifies=ratifies, **decide)
    ratified = company.do("record_decision", decision=new, ratifies=[own], **decide).first_position
    withdraw = {"command": "withdraw_objective", "objective": mine, "reason": SCOPE}
    company.do("record_decision", decision=company.ledger.new_id(), changes=[withdraw], **decide)
    company.refused(ActionIsNotAllowed, "retract_entry", position=ratified, by=company.ada)


def test_a_program_with_the_role_of_an_owner_owns_nothing(company: Company) -> None:
    objective, key_result = company.committed(owner=company.ada)
    service = company.ledger.new_id()
    company.do("register_service", service=service, name="Program")
    company.do("grant_role", actor=f"service:{service}", role="owner")
    check_in = {"objective": objective, "key_result": key_result, "confidence": "0.5"}
    company.refused(ActionIsNotAllowed, "check_in", **check_in, by=f"service:{service}")
    company.refused(
        ActionIsNotAllowed, "draft_objective", objective=company.ledger.new_id(), reference="OBJ-5",
        cycle="2026-q2", title="t", owner=company.ada, by=f"service:{service}",
    )  # fmt: skip


def test_only_a_steward_amends_what_was_said_of_people(company: Company) -> None:
    left = company.do("person_leaves", person=company.ben)
    company.refused(ActionIsNotAllowed, "retract_entry", position=left.position, by=company.cleo)
    company.do("retract_entry", position=left.position)


def test_who_left_or_is_unknown_may_do_nothing(company: Company) -> None:
    fields = {"objective": company.ledger.new_id(), "reference": "OBJ-5", "cycle": "2026-q2", "title": "t"}
    company.do("person_leaves", person=company.ben)
    for actor in (company.ben, UUID(int=9), f"service:{UUID(int=9)}"):
        refused = company.refused(
            ActionIsNotAllowed, "draft_objective", **fields, owner=company.ada, by=actor
        )
        assert ("not with the organisation now" in refused.detail) == (actor == company.ben)


def test_access_is_judged_by_todays_rights(company: Company) -> None:
    objective, _ = company.committed(owner=company.ada)
    company.do("revoke_role", actor=f"person:{company.ada}", role="owner")
    company.refused(
        ActionIsNotAllowed, "reword_objective", objective=objective, title="x", reason=SCOPE, by=company.ada
    )


def test_acting_for_somebody_else_needs_a_grant_except_for_a_service_that_imports(company: Company) -> None:
    objective = company.drafted()
    service = company.ledger.new_id()
    company.do("register_service", service=service, name="Importer")
    company.do("grant_role", actor=f"service:{service}", role="steward")
    act = {"objective": objective, "on_behalf_of": f"person:{company.ada}"}
    company.refused(ActionIsNotAllowed, "reword_objective", **act, title="x", field="/on_behalf_of")
    company.refused(ActionIsNotAllowed, "reword_objective", **act, title="x", by=f"service:{service}")
    receipt = company.do(
        "reword_objective", **act, title="x", by=f"service:{service}", imported=True, source=SOURCE
    )
    assert company.entry(receipt.position).circumstances.on_behalf_of == f"person:{company.ada}"


def test_a_nested_change_asks_for_its_own_right(company: Company) -> None:
    objective, _ = company.committed(owner=company.ada)
    change = {"command": "move_commit_by", "cycle": "2026-q2", "commit_by": "2026-04-20"}
    company.refused(
        ActionIsNotAllowed, "record_decision", decision=company.ledger.new_id(), text="x",
        decided_by=company.ada, touches=[objective], changes=[change], by=company.ada, field="/changes/0",
    )  # fmt: skip


def test_the_page_of_rights_is_made_from_the_table() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "rights.md"
    assert page.read_text(encoding="utf-8") == rights.page(), "python -m api.rights > docs/rights.md"


def test_a_refusal_says_whom_to_ask() -> None:
    assert roles_that_do("reopen_cycle").endswith("it takes steward. A steward grants roles.")
    assert "it takes facilitator, steward or owner, for what is their own." in roles_that_do("change_target")
    assert scopes_that_do("check_in").endswith("it takes one with the scope write or check_in.")
