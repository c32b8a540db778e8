"""The one way from a command to what is recorded: rights, clocks, then the rule of the command."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from aggregates.access import (
    ACTIONS,
    ALL_SCOPES,
    NEVER_FOR_ANOTHER,
    Actor,
    Scope,
    lets,
    roles_that_do,
    scopes_that_do,
)
from aggregates.amend import amend_entry, retract_entry
from aggregates.amendment import AmendEntry, RetractEntry
from aggregates.checks import check_clock
from aggregates.command import Command
from aggregates.cycle import decide as cycle
from aggregates.decision import decide as decision
from aggregates.entry import Occasion, Recorded, identifier_of
from aggregates.finding.decide import answer_finding, answer_findings
from aggregates.objective import check_ins, key_results, lifecycle
from aggregates.objective import decide as objective
from aggregates.organisation.decide import adopt_policy
from aggregates.ownership import action_of, is_own
from aggregates.person import decide as person
from aggregates.refusals import ActionIsNotAllowed
from aggregates.sight import actor_in, veiled
from aggregates.team import decide as team
from aggregates.world import World, state_of


def decide(
    world: World, command: Command, occasion: Occasion, *, actor: Actor | None = None
) -> list[Recorded]:
    """Return what this command records, in order, or refuse it.

    `occasion.at` is the database's clock, no earlier than the latest entry's recorded_at. What whoever asks may not
    see is not there for them: a rule answers as if it was unknown. `actor` is the answer of `asker`, where several
    commands of one occasion are decided.

    Raises:
        Refusal: one of the classes in `aggregates.refusals`; nothing is recorded then.
    """
    seen = check_access(world, command, occasion, actor)
    check_clock(command, occasion)
    return RULES[command.command_name](seen, command, occasion)


def asker(world: World, occasion: Occasion) -> Actor | None:
    """Return who asks and for themselves, to be looked up once for several commands; None: it is looked up for each."""
    if occasion.on_behalf_of is not None:
        return None
    scopes: frozenset[Scope] = getattr(occasion.by, "scopes", ALL_SCOPES)
    return actor_in(world, occasion.by, occasion.at, scopes, teams=False)


def check_access(world: World, command: Command, occasion: Occasion, actor: Actor | None = None) -> World:
    """Return the world as whoever asks may see it; refuse who is not here, lacks a role or a scope, or has no grant.

    On behalf of another, the delegation is that of whoever asks, and the rights are those of whom it is done for; a
    service that imports may name on whose behalf the source acted, and has its own rights.

    Raises:
        ActionIsNotAllowed.
    """
    scopes: frozenset[Scope] = getattr(occasion.by, "scopes", ALL_SCOPES)
    if actor is None:
        actor = actor_in(world, occasion.by, occasion.at, scopes, teams=False)
    if actor is None:
        raise ActionIsNotAllowed("Whoever asks is not in the ledger.")
    if not actor.is_here:
        raise ActionIsNotAllowed("Whoever asks is not with the organisation now.")
    if occasion.on_behalf_of is not None and not (actor.person is None and occasion.imported):
        actor = _principal(world, command, occasion, scopes)
    seen = veiled(world, actor, occasion.at)
    name = action_of(seen, command)
    if lets(actor, name):
        return seen
    if not scopes & ACTIONS[name].scopes:
        raise ActionIsNotAllowed(scopes_that_do(name))
    if not lets(actor, name, own=True):
        raise ActionIsNotAllowed(roles_that_do(name))
    if not is_own(seen, command, actor.person, occasion):
        raise ActionIsNotAllowed(f"The role of an owner allows {name} only for what is their own.")
    return seen


def as_seen(world: World, occasion: Occasion, actor: Actor | None = None) -> World:
    """Return the world as whoever asks may see it, for what is looked up before a command is decided."""
    if actor is None:
        scopes: frozenset[Scope] = getattr(occasion.by, "scopes", ALL_SCOPES)
        actor = actor_in(world, occasion.by, occasion.at, scopes, teams=False)
    return veiled(world, actor or Actor(str(occasion.by)), occasion.at)


def _principal(world: World, command: Command, occasion: Occasion, scopes: frozenset[Scope]) -> Actor:
    """Return the person on whose behalf a command is given. Raises ActionIsNotAllowed."""
    name = str(occasion.on_behalf_of)
    holder = state_of(world, occasion.by)
    person = identifier_of(name) if name.startswith("person:") else None
    if person is None or person not in holder.delegations:
        raise ActionIsNotAllowed(
            "Acting for somebody else needs a grant, and there is none.", field="/on_behalf_of"
        )
    is_presence = isinstance(command, AmendEntry | RetractEntry) and action_of(world, command) == "add_person"
    if command.command_name in NEVER_FOR_ANOTHER or is_presence:
        raise ActionIsNotAllowed(
            f"Nobody does {command.command_name} on somebody else's behalf.", field="/on_behalf_of"
        )
    actor = actor_in(world, name, occasion.at, scopes, teams=False)
    if actor is None or not actor.is_here:
        raise ActionIsNotAllowed(
            "The person on whose behalf this is asked is not with the organisation now.",
            field="/on_behalf_of",
        )
    return actor


Rule = Callable[[World, Any, Occasion], list[Recorded]]

RULES: dict[str, Rule] = {
    "adopt_policy": adopt_policy,
    "add_person": person.add_person,
    "person_leaves": person.person_leaves,
    "start_leave": person.start_leave,
    "end_leave": person.end_leave,
    "register_service": person.register_service,
    "grant_role": person.grant_role,
    "revoke_role": person.revoke_role,
    "grant_delegation": person.grant_delegation,
    "revoke_delegation": person.revoke_delegation,
    "form_team": team.form_team,
    "rename_team": team.rename_team,
    "move_team": team.move_team,
    "close_team": team.close_team,
    "add_member": team.add_member,
    "remove_member": team.remove_member,
    "plan_cycle": cycle.plan_cycle,
    "move_commit_by": cycle.move_commit_by,
    "open_cycle": cycle.open_cycle,
    "void_opening": cycle.void_opening,
    "start_scoring": cycle.start_scoring,
    "close_cycle": cycle.close_cycle,
    "reopen_cycle": cycle.reopen_cycle,
    "draft_objective": objective.draft_objective,
    "reword_objective": objective.reword_objective,
    "reown_objective": objective.reown_objective,
    "reteam_objective": objective.reteam_objective,
    "align_objective": objective.align_objective,
    "set_visibility": objective.set_visibility,
    "declare_local": objective.declare_local,
    "commit_objective": objective.commit_objective,
    "note_source": objective.note_source,
    "withdraw_objective": lifecycle.withdraw_objective,
    "replace_objective": lifecycle.replace_objective,
    "carry_objective": lifecycle.carry_objective,
    "move_objective_to_cycle": lifecycle.move_objective_to_cycle,
    "objective_recorded_in_error": lifecycle.objective_recorded_in_error,
    "close_objective": lifecycle.close_objective,
    "add_key_result": key_results.add_key_result,
    "reword_key_result": key_results.reword_key_result,
    "reown_key_result": key_results.reown_key_result,
    "change_target": key_results.change_target,
    "correct_baseline": key_results.correct_baseline,
    "change_measure": key_results.change_measure,
    "change_weight": key_results.change_weight,
    "redate_key_result": key_results.redate_key_result,
    "change_ambition": key_results.change_ambition,
    "drop_key_result": key_results.drop_key_result,
    "key_result_recorded_in_error": key_results.key_result_recorded_in_error,
    "check_in": check_ins.check_in,
    "record_value": check_ins.record_value,
    "score_key_result": check_ins.score_key_result,
    "confirm_decision": decision.confirm_decision,
    "record_decision": partial(decision.record_decision, decide=decide),
    "replan": partial(decision.replan, decide=decide),
    "answer_finding": answer_finding,
    "answer_findings": answer_findings,
    "amend_entry": amend_entry,
    "retract_entry": retract_entry,
}
"""The rule of each command."""
