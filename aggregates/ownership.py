"""Whether what a command touches belongs to whoever asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from aggregates.amendment import AmendEntry, RetractEntry
from aggregates.command import Command
from aggregates.decision.commands import RecordDecision, Replan
from aggregates.entry import Occasion, identifier_of
from aggregates.finding.commands import AnswerFinding, AnswerFindings
from aggregates.objective.commands import DraftObjective
from aggregates.person.commands import GrantDelegation, RevokeDelegation
from aggregates.world import World

_OF_AN_ENTRY = (AmendEntry, RetractEntry)
_NO_ITEM: tuple[type[Command], ...] = (
    DraftObjective,
    GrantDelegation,
    RevokeDelegation,
    RecordDecision,
    Replan,
    AmendEntry,
    RetractEntry,
    AnswerFinding,
    AnswerFindings,
)
"""The commands that touch something else than the one objective or key result that they name."""


def is_own(world: World, command: Command, actor: UUID | None, occasion: Occasion) -> bool:
    """Return whether this person owns what the command touches, or acts for its owner, who is on leave.

    Who owns an objective owns its key results; who owns a key result may change and check in that one. A decision is
    one's own when every objective it touches and every entry it ratifies is; an amendment when the entry is about
    something of one's own; a delegation when it is for acting on one's own behalf.
    """
    if actor is None:
        return False
    if type(command) in _NO_ITEM:
        return _is_own_otherwise(world, command, actor, occasion)
    objective: UUID | None = getattr(command, "objective", None)
    key_result: UUID | None = (
        None if command.command_name == "add_key_result" else getattr(command, "key_result", None)
    )
    return objective is not None and owns(world, objective, key_result, actor, occasion.at)


def _is_own_otherwise(world: World, command: Command, actor: UUID, occasion: Occasion) -> bool:
    match command:
        case DraftObjective(owner=owner):
            return owner == actor
        case GrantDelegation(principal=person) | RevokeDelegation(principal=person):
            return person == actor
        case RecordDecision():
            return (
                _all_own(world, command.touches, actor, occasion.at)
                and all(_entry_is_own(world, entry, actor, occasion.at) for entry in command.ratifies)
                and bool(command.touches or command.changes or command.ratifies)
            )
        case Replan():
            return _all_own(world, (line.objective for line in command.objectives), actor, occasion.at)
        case AmendEntry(position=position) | RetractEntry(position=position) | AnswerFinding(cause=position):
            return _entry_is_own(world, position, actor, occasion.at)
        case AnswerFindings(findings=findings):
            return all(_entry_is_own(world, one.cause, actor, occasion.at) for one in findings)
    return False


def action_of(world: World, command: Command) -> str:
    """Return the action that a command needs the right to: an amendment of presence is a matter of presence."""
    if isinstance(command, _OF_AN_ENTRY):
        entry = world.entry(command.position)
        if entry is not None and entry.stream.startswith("person:"):
            return "add_person"
    return command.command_name


def owns(world: World, objective: UUID, key_result: UUID | None, actor: UUID, now: datetime) -> bool:
    """Return whether this person owns the objective or the key result, or acts for who does, today."""
    state = world.objective(objective)
    if state is None:
        return False
    owners = [state.owner.now]
    if key_result is not None and key_result in state.key_results:
        owners.append(state.key_results[key_result].owner.now)
    if actor in owners:
        return True
    for owner in owners:
        person = world.person(owner) if owner is not None else None
        if person is not None and person.acting_owner(now) == actor:
            return True
    return False


def _all_own(world: World, objectives: Iterable[UUID], actor: UUID, now: datetime) -> bool:
    return all(owns(world, objective, None, actor, now) for objective in objectives)


def _entry_is_own(world: World, position: int, actor: UUID, now: datetime) -> bool:
    entry = world.entry(position)
    if entry is None or not entry.stream.startswith("objective:"):
        return False
    objective = identifier_of(entry.stream)
    return owns(world, objective, getattr(entry.event, "key_result", None), actor, now)
