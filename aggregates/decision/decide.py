"""Decisions about decisions: written down, carried out, confirmed; re-plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from aggregates.checks import act, check_decision, check_present, moment_of
from aggregates.command import Change, Command
from aggregates.decision.commands import ConfirmDecision, RecordDecision, Replan
from aggregates.decision.events import DecisionConfirmed, DecisionRecorded
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.objective.events import DecisionLinked, ObjectiveReplanned
from aggregates.objective.guards import known, taking
from aggregates.overlay import Overlay
from aggregates.refusals import (
    ConfirmationIsNotYours,
    DecisionIsConfirmed,
    DecisionIsMissing,
    DecisionIsUnknown,
    EntryIsUnknown,
    IdentifierIsTaken,
    LiesInTheFuture,
    ObjectiveHasNoKeyResult,
    ObjectiveIsNotCommitted,
    Refusal,
    TooManyLines,
    TooManyObjectives,
)
from aggregates.sight import whole
from aggregates.world import World

MOST_TOUCHED = 1_000
MOST_LINES = 99
Decide = Callable[[World, Command, Occasion], list[Recorded]]


def record_decision(
    world: World, command: RecordDecision, occasion: Occasion, *, decide: Decide
) -> list[Recorded]:
    """Write a decision down, link it to every objective it touches, and carry out its changes in the same append.

    It touches the objectives named, those of the entries it ratifies, and those that its changes concern. Also taken
    after a cycle's close, as long as no change comes with it.

    Raises:
        IdentifierIsTaken, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere, LiesInTheFuture, ObjectiveIsUnknown,
        EntryIsUnknown, and what each change raises.
    """
    ratified = ratified_objectives(world, command.ratifies)
    touches = _unique((*command.touches, *ratified, *_touched(command.changes)))
    overlay = Overlay(world, occasion)
    recorded = _written(
        overlay, command, command.text, command.decided_by, touches, command.ratifies, occasion
    )
    return [*recorded, *_carry_out(overlay, command, command.changes, occasion, decide)]


def confirm_decision(world: World, command: ConfirmDecision, occasion: Occasion) -> list[Recorded]:
    """Confirm a decision that somebody else wrote down; only its decider can.

    Raises:
        DecisionIsUnknown, ConfirmationIsNotYours, DecisionIsConfirmed.
    """
    decision = world.decision(command.decision)
    if decision is None or decision.content is None:
        raise DecisionIsUnknown(field="/decision")
    if occasion.by != stream_of("person", decision.content.decided_by):
        raise ConfirmationIsNotYours(field="/decision")
    if decision.is_confirmed:
        raise DecisionIsConfirmed("You wrote this decision down or confirmed it before.", field="/decision")
    return [act(command, decision.stream, DecisionConfirmed())]


def replan(world: World, command: Replan, occasion: Occasion, *, decide: Decide) -> list[Recorded]:
    """Carry out the changes of one decision and add a further line to each objective named.

    Raises:
        DecisionIsMissing, DecisionIsUnknown, ObjectiveIsUnknown, ObjectiveIsNotCommitted, ObjectiveHasNoKeyResult,
        CycleIsClosed, ObjectiveIsOver, and what `record_decision` raises.
    """
    if command.decision is None:
        raise DecisionIsMissing(field="/decision")
    overlay = Overlay(world, occasion)
    lines = [line.objective for line in command.objectives]
    if len(set(lines)) != len(lines):
        raise IdentifierIsTaken("An objective gets one further line.", field="/objectives")
    recorded: list[Recorded] = []
    if command.text is not None and command.decided_by is not None:
        touches = _unique((*lines, *_touched(command.changes)))
        recorded = _written(overlay, command, command.text, command.decided_by, touches, (), occasion)
    elif command.text is not None or command.decided_by is not None:
        raise DecisionIsMissing("A decision has a text and somebody who decided.", field="/decided_by")
    else:
        check_decision(world, command)
        recorded = _links(overlay, command, _unlinked(overlay, command.decision, lines))
    recorded += _carry_out(overlay, command, command.changes, occasion, decide)
    for index, line in enumerate(command.objectives):
        objective, _ = taking(overlay, command, line.objective)
        if not objective.is_committed:
            raise ObjectiveIsNotCommitted(field=f"/objectives/{index}/objective")
        if not objective.active_key_results():
            raise ObjectiveHasNoKeyResult(field=f"/objectives/{index}/objective")
        if line.accepted_by is not None:
            moment = moment_of(command, occasion)
            check_present(world, line.accepted_by, moment, field=f"/objectives/{index}/accepted_by")
        if objective.lines[-1].number >= MOST_LINES:
            raise TooManyLines(field=f"/objectives/{index}/objective")
        event = ObjectiveReplanned(
            line=objective.lines[-1].number + 1,
            confidence=line.confidence,
            accepted_by=line.accepted_by,
            policy=world.organisation().policy.version,
        )
        recorded.append(act(command, objective.stream, event))
    return recorded


def _written(
    overlay: Overlay,
    command: RecordDecision | Replan,
    text: str,
    decided_by: UUID,
    touches: tuple[UUID, ...],
    ratifies: tuple[int, ...],
    occasion: Occasion,
) -> list[Recorded]:
    """Return the decision and its links, after laying them over the world."""
    identifier = command.decision
    if identifier is None:
        raise DecisionIsMissing(field="/decision")
    if whole(overlay).decision(identifier) is not None:
        raise IdentifierIsTaken("This decision is already written down.", field="/decision")
    if len(touches) > MOST_TOUCHED:
        raise TooManyObjectives(field="/touches")
    if command.decided_at is not None and command.decided_at > occasion.at:
        raise LiesInTheFuture(field="/decided_at")
    moment: datetime = command.decided_at or moment_of(command, occasion)
    check_present(overlay, decided_by, moment, field="/decided_by")
    event = DecisionRecorded(
        text=text, decided_by=decided_by, decided_at=command.decided_at, touches=touches, ratifies=ratifies
    )
    stream = stream_of("decision", identifier)
    recorded = [Recorded(stream, event, command.effective_at, command.reason, None, command.source)]
    overlay.take(recorded)
    existing = [touched for touched in touches if overlay.objective(touched) is not None]
    new = {identifier for identifier in touches if identifier not in existing}
    drafted = {
        made
        for change in command.changes
        for name in ("objective", "successor")
        if (made := getattr(change, name, None)) is not None
        and change.command_name.startswith(("draft", "carry"))
    }
    for missing in new - drafted:
        known(overlay, missing, field="/touches")
    return [*recorded, *_links(overlay, command, existing)]


def _links(overlay: Overlay, command: Change, objectives: Iterable[UUID]) -> list[Recorded]:
    assert command.decision is not None  # noqa: S101 (its callers have checked)
    links = [
        Recorded(
            stream_of("objective", objective),
            DecisionLinked(decision=command.decision),
            effective_at=command.effective_at,
            source=command.source,
        )
        for objective in objectives
    ]
    overlay.take(links)
    return links


def _unlinked(overlay: Overlay, decision: UUID, objectives: Sequence[UUID]) -> list[UUID]:
    return [one for one in objectives if decision not in known(overlay, one, field="/objectives").decisions]


def _carry_out(
    overlay: Overlay,
    command: RecordDecision | Replan,
    changes: Sequence[Change],
    occasion: Occasion,
    decide: Decide,
) -> list[Recorded]:
    """Return what the changes record, each decided on the record as the ones before it leave it."""
    recorded: list[Recorded] = []
    for index, change in enumerate(changes):
        under: dict[str, Any] = {"decision": command.decision, "reason": change.reason or command.reason}
        if change.effective_at is None:
            under |= {"effective_at": command.effective_at, "source": command.source}
        try:
            events = decide(overlay, change.model_copy(update=under), occasion)
        except Refusal as refusal:
            refusal.field = f"/changes/{index}{refusal.field}"
            raise
        overlay.take(events)
        recorded += events
    return recorded


def ratified_objectives(world: World, positions: Sequence[int], *, field: str = "/ratifies") -> list[UUID]:
    """Return the objectives whose entries are ratified; a cycle's entry can be ratified too.

    Raises:
        EntryIsUnknown.
    """
    objectives: list[UUID] = []
    for index, position in enumerate(positions):
        entry = world.entry(position)
        kind, _, identifier = entry.stream.partition(":") if entry is not None else ("", "", "")
        if kind not in ("objective", "cycle"):
            raise EntryIsUnknown(f"No change stands at position {position}.", field=f"{field}/{index}")
        if kind == "objective":
            objectives.append(UUID(identifier))
    return objectives


def _touched(changes: Sequence[Change]) -> list[UUID]:
    touched = [getattr(change, "objective", None) for change in changes]
    return [objective for objective in touched if objective is not None]


def _unique(identifiers: Sequence[UUID]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(identifiers))
