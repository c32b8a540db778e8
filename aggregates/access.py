"""Who may do what, and who may see which objective: tables and two pure functions, the same for every door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from aggregates.entry import identifier_of
from aggregates.frozen import dataclass
from aggregates.objective.events import Visibility
from aggregates.person.events import Role

READER: Final = "reader"
OWNER: Final = "owner"
FACILITATOR: Final = "facilitator"
STEWARD: Final = "steward"
AUDITOR: Final = "auditor"
OPERATOR: Final = "operator"
ROLES: tuple[Role, ...] = (READER, OWNER, FACILITATOR, STEWARD, AUDITOR, OPERATOR)
OFFICES: Final = frozenset({STEWARD, AUDITOR})
"""Roles that see every objective, whomever it is shown to; what they see only so is logged."""

VISIBILITIES: tuple[Visibility, ...] = ("everyone", "team", "people")
Scope = Literal["read", "write", "check_in", "export", "operate"]
SCOPES: tuple[Scope, ...] = ("read", "write", "check_in", "export", "operate")
ALL_SCOPES: frozenset[Scope] = frozenset(SCOPES)
"""What a token may be used for; a scope never gives a right that its holder has not."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks, as the rights see them.

    `name` is `person:<uuid>` or `service:<uuid>`, empty for somebody who has not said who they are. `teams` are those
    that they are a member of, `above` those and every team above them; `scopes` is what their token may be used for.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    is_here: bool = True
    teams: frozenset[UUID] = frozenset()
    above: frozenset[UUID] = frozenset()
    scopes: frozenset[Scope] = ALL_SCOPES

    @property
    def person(self) -> UUID | None:
        """Return the person, or None for a service: a program owns nothing and is a member of nothing."""
        return identifier_of(self.name) if self.name.startswith("person:") else None


@dataclass(frozen=True, slots=True)
class Shown:
    """To whom an objective is shown.

    `owners` are its owner, the owners of its key results, and whoever acts for one of them on leave; `above` is its
    team and every team above that one; `people` are those who are named.
    """

    to: Visibility = "everyone"
    owners: frozenset[UUID] = frozenset()
    team: UUID | None = None
    above: frozenset[UUID] = frozenset()
    people: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Touched:
    """What an action touches: whether all of it is the actor's own, and to whom each objective in it is shown."""

    own: bool = False
    shown: tuple[Shown, ...] = ()


NOTHING: Final = Touched()


@dataclass(frozen=True, slots=True)
class Right:
    """Which roles may do something, whether the role owner may do it to what is their own, which scopes let it."""

    roles: frozenset[Role]
    own: bool = False
    scopes: frozenset[Scope] = frozenset({"write"})


def _right(*roles: Role, own: bool = False, scopes: tuple[Scope, ...] = ("write",)) -> Right:
    return Right(frozenset(roles), own, frozenset(scopes))


_PEOPLE = _right(STEWARD)
_MEETING = _right(FACILITATOR, STEWARD)
_OWN = _right(FACILITATOR, STEWARD, own=True)
_WEEKLY = _right(FACILITATOR, STEWARD, own=True, scopes=("write", "check_in"))

BESIDE: dict[str, Right] = {
    "read": _right(READER, OWNER, FACILITATOR, STEWARD, AUDITOR, scopes=("read",)),
    "export": _right(STEWARD, AUDITOR, scopes=("export",)),
    "operate": _right(STEWARD, OPERATOR, scopes=("operate",)),
    "manage_tokens": _right(STEWARD, scopes=("operate",)),
    "read_security_log": _right(STEWARD, AUDITOR, OPERATOR, scopes=("read", "operate")),
}
"""What is no command: it records nothing."""

ACTIONS: dict[str, Right] = {
    **BESIDE,
    # the organisation, people, teams
    "adopt_policy": _PEOPLE,
    "add_person": _PEOPLE,
    "person_leaves": _PEOPLE,
    "start_leave": _PEOPLE,
    "end_leave": _PEOPLE,
    "register_service": _PEOPLE,
    "grant_role": _PEOPLE,
    "revoke_role": _PEOPLE,
    "grant_delegation": _right(STEWARD, own=True),
    "revoke_delegation": _right(STEWARD, own=True),
    "form_team": _PEOPLE,
    "rename_team": _PEOPLE,
    "move_team": _PEOPLE,
    "close_team": _PEOPLE,
    "add_member": _PEOPLE,
    "remove_member": _PEOPLE,
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
    "set_visibility": _OWN,
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
    "check_in": _WEEKLY,
    "record_value": _WEEKLY,
    # decisions, findings, amendments
    "record_decision": _OWN,
    "confirm_decision": _right(READER, OWNER, FACILITATOR, STEWARD),
    "replan": _OWN,
    "answer_finding": _OWN,
    "answer_findings": _OWN,
    "amend_entry": _OWN,
    "retract_entry": _OWN,
}
"""Every action and who may take it. An operator runs the machine and never touches the record."""

NEVER_FOR_ANOTHER: Final = frozenset(
    {
        "grant_role",
        "revoke_role",
        "grant_delegation",
        "revoke_delegation",
        "person_leaves",
        "confirm_decision",
    }
)
"""What nobody does on somebody else's behalf: rights are not passed on, and a confirmation is one's own."""


def roles_that_do(action: str) -> str:
    """Return a sentence that says whose roles do not allow an action, and which do."""
    right = ACTIONS[action]
    names: list[str] = [role for role in ROLES if role in right.roles]
    if right.own:
        names.append("owner, for what is their own")
    return (
        f"The roles of whoever asks do not allow {action}; it takes {_either(names)}. A steward grants roles."
    )


def scopes_that_do(action: str) -> str:
    """Return a sentence that says that a token is not meant for an action, and which would be."""
    names = [scope for scope in SCOPES if scope in ACTIONS[action].scopes]
    return f"The scopes of this token do not allow {action}; it takes one with the scope {_either(names)}."


def _either(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def may(actor: Actor, action: str, touched: Touched = NOTHING) -> bool:
    """Return whether this actor may take this action on what it touches.

    A role must allow it (that of an owner only on what is their own), the token must be meant for it, and the actor
    must see every objective in it. An action that is not in the table is nobody's.
    """
    return lets(actor, action, own=touched.own) and all(sees(actor, shown) for shown in touched.shown)


def lets(actor: Actor, action: str, *, own: bool = False) -> bool:
    """Return whether role and token allow an action, whatever it touches."""
    right = ACTIONS.get(action)
    if right is None or not actor.is_here or not actor.scopes & right.scopes:
        return False
    return bool(actor.roles & right.roles) or (own and right.own and OWNER in actor.roles)


def sees(actor: Actor, shown: Shown) -> bool:
    """Return whether an objective is shown to this actor: to everyone, by office, as an owner, by team or by name."""
    return shown.to == "everyone" or bool(actor.roles & OFFICES) or is_meant(actor, shown)


def is_meant(actor: Actor, shown: Shown) -> bool:
    """Return whether the objective would be shown to this actor without the office of a steward or an auditor."""
    person = actor.person
    if shown.to == "everyone" or person in shown.owners:
        return True
    if person is None:
        return False
    if shown.to == "people":
        return person in shown.people
    return shown.team is not None and (shown.team in actor.above or bool(actor.teams & shown.above))


def table() -> list[tuple[str, dict[Role, str]]]:
    """Return the table for people: each action, and for each role `yes`, `own` (what is their own) or nothing."""
    return [
        (action, {role: _word(Actor("person:" + "0" * 32, frozenset({role})), action) for role in ROLES})
        for action in ACTIONS
    ]


def _word(actor: Actor, action: str) -> str:
    return "yes" if lets(actor, action) else "own" if lets(actor, action, own=True) else ""


RELATIONS: tuple[str, ...] = ("nobody in particular", "an owner of it", "in its team's tree", "named for it")


def related(relation: str, visibility: Visibility, role: Role) -> tuple[Actor, Touched]:
    """Return an actor of this role who stands so to an objective of this visibility, and the objective."""
    person, team = UUID(int=1), UUID(int=2)
    is_member = relation == "in its team's tree"
    actor = Actor(
        f"person:{person}",
        frozenset({role}),
        teams=frozenset({team} if is_member else ()),
        above=frozenset({team} if is_member else ()),
    )
    shown = Shown(
        visibility,
        owners=frozenset({person} if relation == "an owner of it" else ()),
        team=team,
        above=frozenset({team}),
        people=frozenset({person} if visibility == "people" and relation == "named for it" else ()),
    )
    return actor, Touched(own=relation == "an owner of it", shown=(shown,))


def reading_table() -> list[tuple[Visibility, str, dict[Role, bool]]]:
    """Return for each visibility and each way to stand to an objective which roles read it."""
    return [
        (
            visibility,
            relation,
            {role: may(actor, "read", touched) for role in ROLES
             for actor, touched in [related(relation, visibility, role)]},
        )
        for visibility in VISIBILITIES
        for relation in RELATIONS
    ]  # fmt: skip
