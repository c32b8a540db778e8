"""Who may do what: one table and one pure function, the same for every door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aggregates.person.events import Role

READER: Final = "reader"
OWNER: Final = "owner"
FACILITATOR: Final = "facilitator"
STEWARD: Final = "steward"
AUDITOR: Final = "auditor"
OPERATOR: Final = "operator"
ROLES: tuple[Role, ...] = (READER, OWNER, FACILITATOR, STEWARD, AUDITOR, OPERATOR)


@dataclass(frozen=True, slots=True)
class Right:
    """Which roles may do something, and whether the role owner may do it to what is their own."""

    roles: frozenset[Role]
    own: bool = False


def _right(*roles: Role, own: bool = False) -> Right:
    return Right(frozenset(roles), own)


_PEOPLE = _right(STEWARD)
_MEETING = _right(FACILITATOR, STEWARD)
_OWN = _right(FACILITATOR, STEWARD, own=True)

ACTIONS: dict[str, Right] = {
    # what is not a command
    "read": _right(READER, OWNER, FACILITATOR, STEWARD, AUDITOR),
    "export": _right(STEWARD, AUDITOR),
    "operate": _right(STEWARD, OPERATOR),
    # the organisation, people, teams
    "adopt_policy": _PEOPLE,
    "add_person": _PEOPLE,
    "person_leaves": _PEOPLE,
    "start_leave": _PEOPLE,
    "end_leave": _PEOPLE,
    "register_service": _PEOPLE,
    "grant_role": _PEOPLE,
    "revoke_role": _PEOPLE,
    "form_team": _PEOPLE,
    "rename_team": _PEOPLE,
    "move_team": _PEOPLE,
    "close_team": _PEOPLE,
    # cycles
    "plan_cycle": _MEETING,
    "move_commit_by": _MEETING,
    "open_cycle": _MEETING,
    "void_opening": _MEETING,
    "start_scoring": _MEETING,
    "close_cycle": _MEETING,
    "reopen_cycle": _right(STEWARD),
    # objectives
    "draft_objective": _OWN,
    "reword_objective": _OWN,
    "reown_objective": _OWN,
    "reteam_objective": _OWN,
    "align_objective": _OWN,
    "declare_local": _OWN,
    "commit_objective": _OWN,
    "withdraw_objective": _OWN,
    "replace_objective": _OWN,
    "carry_objective": _OWN,
    "move_objective_to_cycle": _OWN,
    "objective_recorded_in_error": _OWN,
    "close_objective": _OWN,
    "note_source": _right(STEWARD),
    # key results
    "add_key_result": _OWN,
    "reword_key_result": _OWN,
    "reown_key_result": _OWN,
    "change_target": _OWN,
    "correct_baseline": _OWN,
    "change_measure": _OWN,
    "change_weight": _OWN,
    "redate_key_result": _OWN,
    "change_ambition": _OWN,
    "drop_key_result": _OWN,
    "key_result_recorded_in_error": _OWN,
    "score_key_result": _OWN,
    "check_in": _OWN,
    "record_value": _OWN,
    # decisions, findings, amendments
    "record_decision": _OWN,
    "confirm_decision": _right(READER, OWNER, FACILITATOR, STEWARD),
    "replan": _OWN,
    "answer_finding": _OWN,
    "amend_entry": _OWN,
    "retract_entry": _OWN,
}
"""Every action and who may take it. An operator runs the machine and never touches the record."""


def may(roles: Iterable[Role], action: str, *, own: bool = False) -> bool:
    """Return whether somebody with these roles may take this action.

    `own` says that what the action touches is theirs, or that they act for its owner, who is on leave. An action
    that is not in the table is nobody's.
    """
    right = ACTIONS.get(action)
    if right is None:
        return False
    held = frozenset(roles)
    return bool(held & right.roles) or (own and right.own and OWNER in held)


def table() -> list[tuple[str, dict[Role, str]]]:
    """Return the table for people: each action, and for each role `yes`, `own` (what is their own) or nothing."""
    return [
        (
            action,
            {
                role: "yes" if may([role], action) else "own" if may([role], action, own=True) else ""
                for role in ROLES
            },
        )
        for action in ACTIONS
    ]
