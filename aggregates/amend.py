"""Decisions about entries that were wrong: amended or retracted, also after the close of their cycle."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from aggregates.amendment import AmendEntry, RetractEntry
from aggregates.checks import check_decision, check_present, check_team
from aggregates.decision.decide import MOST_TOUCHED, ratified_objectives
from aggregates.decision.events import DecisionRecorded
from aggregates.entry import Circumstances, Entry, Event, Occasion, Recorded, identifier_of
from aggregates.evolve import evolve, kind_of
from aggregates.objective.amend import check_objective, check_value_amendment, is_definition
from aggregates.objective.events import DecisionLinked, EntryRetracted, KeyResultMeasured
from aggregates.person.decide import check_acting_owner, check_presence, check_steward_stays
from aggregates.person.state import Person
from aggregates.refusals import (
    ActIsBackDated,
    AmendmentDoesNotFit,
    EntryCannotBeAmended,
    EntryIsSuperseded,
    EntryIsUnknown,
    LiesInTheFuture,
    NothingChanges,
    ReasonIsMissing,
    TooManyObjectives,
)
from aggregates.vocabulary import EVENTS
from aggregates.world import World, state_of

_AFTER_ALL = 2**62


def amend_entry(world: World, command: AmendEntry, occasion: Occasion) -> list[Recorded]:
    """Supersede an entry by other content of the same name; its time is kept unless it is what is corrected.

    Raises:
        EntryIsUnknown, EntryCannotBeAmended, EntryIsSuperseded, AmendmentDoesNotFit, TooManyObjectives,
        NothingChanges, ActIsBackDated, LiesInTheFuture, ReasonIsMissing, DecisionIsUnknown, and what the content's own
        rule raises.
    """
    entry = _amendable(world, command.position)
    event = _content(entry, command.body)
    if isinstance(event, DecisionRecorded):
        ratified = ratified_objectives(world, event.ratifies, field="/body/ratifies")
        touches = tuple(dict.fromkeys((*event.touches, *ratified)))
        if len(touches) > MOST_TOUCHED:
            raise TooManyObjectives(field="/body/touches")
        event = event.model_copy(update={"touches": touches})
    effective_at = _effective_at(entry, command, occasion)
    if event == entry.event and effective_at == entry.effective_at:
        raise NothingChanges(field="/body")
    return _supersede(world, command, entry, event, effective_at, occasion)


def retract_entry(world: World, command: RetractEntry, occasion: Occasion) -> list[Recorded]:
    """Take an entry back; retracting an amendment restates what it had superseded, at that one's time,
    unless the fact is taken back entirely.

    Raises:
        EntryIsUnknown, EntryCannotBeAmended, EntryIsSuperseded, ReasonIsMissing, DecisionIsUnknown, and what the
        record without the entry would break.
    """
    entry = _amendable(world, command.position)
    if entry.circumstances.supersedes is None or command.entirely:
        return _supersede(world, command, entry, EntryRetracted(), entry.effective_at, occasion)
    earlier = world.entry(entry.circumstances.supersedes)
    if earlier is None:
        raise EntryIsUnknown(field="/position")
    return _supersede(world, command, entry, earlier.event, earlier.effective_at, occasion)


def _amendable(world: World, position: int) -> Entry:
    entry = world.entry(position)
    if entry is None:
        raise EntryIsUnknown(field="/position")
    if not entry.event.amendable:
        raise EntryCannotBeAmended(
            f"An entry {entry.event.stored_name} cannot be amended.", field="/position"
        )
    superseded_by = world.superseded_by(position)
    if superseded_by is not None:
        raise EntryIsSuperseded(f"Entry {superseded_by} supersedes this one; amend that.", field="/position")
    return entry


def _content(entry: Entry, body: dict[str, Any]) -> Event:
    """Return the new content, of the same name and about the same key result."""
    key_result = getattr(entry.event, "key_result", None)
    if key_result is not None:
        body = {"key_result": key_result, **body}
    try:
        event = EVENTS[entry.event.stored_name].model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise AmendmentDoesNotFit(f"{first['msg'].rstrip('.')}.", field=f"/body{pointer}") from error
    if getattr(event, "key_result", None) != key_result:
        raise AmendmentDoesNotFit("An amendment is about the same key result.", field="/body/key_result")
    return event


def _effective_at(entry: Entry, command: AmendEntry, occasion: Occasion) -> date | datetime:
    """Return the amendment's time: the entry's own, or the corrected one of a value or of presence."""
    if command.measured_on is not None:
        if not entry.event.valued:
            raise ActIsBackDated("Only a measured value has a day to correct.", field="/measured_on")
        return command.measured_on
    if command.effective_at is not None:
        if not entry.event.presence:
            raise ActIsBackDated(
                "An act keeps its time; only presence can be re-dated.", field="/effective_at"
            )
        if command.effective_at > occasion.at:
            raise LiesInTheFuture(field="/effective_at")
        return command.effective_at
    return entry.effective_at


def _supersede(
    world: World,
    command: AmendEntry | RetractEntry,
    entry: Entry,
    event: Event,
    effective_at: date | datetime,
    occasion: Occasion,
) -> list[Recorded]:
    """Return the superseding entry, after trying it on the present state of its stream."""
    check_decision(world, command)
    before = state_of(world, entry.stream)
    tried = Entry(
        position=_AFTER_ALL,
        recorded_at=occasion.at,
        stream=entry.stream,
        version=before.version + 1,
        circumstances=replace(
            Circumstances(occasion.by, entry.circumstances.request),
            effective_at=effective_at,
            supersedes=entry.position,
        ),
        event=event,
    )
    after = evolve(before, tried)
    linked: list[Recorded] = []
    match kind_of(entry.stream):
        case "person":
            _check_person(world, after, tried, occasion)
        case "objective":
            if (
                is_definition(entry.event)
                and before.lines
                and command.reason is None
                and not occasion.imported
            ):
                raise ReasonIsMissing(
                    f"{before.reference} is committed; say why it changes.", field="/reason"
                )
            _check_content(world, tried)
            if isinstance(event, KeyResultMeasured):
                check_value_amendment(world, before, event, effective_at, entry, occasion)
            check_objective(world, after, entry, tried, occasion)
        case "decision":
            linked = _check_decision_content(world, entry, event, tried)
    recorded = Recorded(
        entry.stream, event, effective_at, command.reason, command.decision, command.source, entry.position
    )
    return [recorded, *linked]


def _check_content(world: World, tried: Entry) -> None:
    """Refuse an owner who was not here, or a team that is not there, at the amendment's own time."""
    moment = tried.effective_at
    owner, team = getattr(tried.event, "owner", None), getattr(tried.event, "team", None)
    if owner is not None and isinstance(moment, datetime):
        check_present(world, owner, moment, field="/body/owner")
    if team is not None:
        check_team(world, team, field="/body/team")


def _check_person(world: World, after: Person, tried: Entry, occasion: Occasion) -> None:
    check_presence(after.presence)
    check_steward_stays(after, after.presence, occasion)
    acting_owner = getattr(tried.event, "acting_owner", None)
    if acting_owner is not None and isinstance(tried.effective_at, datetime):
        check_acting_owner(world, after, acting_owner, tried.effective_at, field="/body/acting_owner")


def _check_decision_content(world: World, entry: Entry, event: Event, tried: Entry) -> list[Recorded]:
    """Refuse an unknown decider or time; return the links to objectives that are touched only now."""
    if not isinstance(event, DecisionRecorded):
        return []
    moment = event.decided_at or tried.effective_at
    if isinstance(moment, datetime):
        if moment > tried.recorded_at:
            raise LiesInTheFuture(field="/body/decided_at")
        check_present(world, event.decided_by, moment, field="/body/decided_by")
    before = entry.event.touches if isinstance(entry.event, DecisionRecorded) else ()
    links = []
    for touched in event.touches:
        if touched not in before:
            objective = world.objective(touched)
            if objective is None:
                raise AmendmentDoesNotFit("This objective is not in the ledger.", field="/body/touches")
            links.append(Recorded(objective.stream, DecisionLinked(decision=identifier_of(entry.stream))))
    return links
