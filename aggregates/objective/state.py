"""An objective as the rules see it: each attribute with its own facts, its lines, its key results."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

from aggregates.changed import changed
from aggregates.entry import Entry, Event
from aggregates.finding.events import FindingAnswered
from aggregates.frozen import dataclass
from aggregates.objective.events import (
    DecisionLinked,
    EntryRetracted,
    KeyResultAdded,
    ObjectiveAligned,
    ObjectiveCarried,
    ObjectiveClosed,
    ObjectiveCommitted,
    ObjectiveDeclaredLocal,
    ObjectiveDrafted,
    ObjectiveMovedToCycle,
    ObjectiveNotedInSource,
    ObjectiveRecordedInError,
    ObjectiveReowned,
    ObjectiveReplaced,
    ObjectiveReplanned,
    ObjectiveReteamed,
    ObjectiveReworded,
    ObjectiveVisibilitySet,
    ObjectiveWithdrawn,
)
from aggregates.objective.key_result import KeyResult, added, evolve_key_result
from aggregates.organisation.state import UnknownEvent
from aggregates.timeline import EMPTY, Timeline

_NO_ACTS = (DecisionLinked, ObjectiveVisibilitySet)
"""Events that may take effect before the latest act."""
Word = Literal["draft", "committed", "withdrawn", "replaced", "carried", "recorded_in_error", "closed"]
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Wording:
    """What an objective says."""

    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class AlignedTo:
    """An objective serves a parent."""

    parent: UUID


@dataclass(frozen=True, slots=True)
class Local:
    """An objective has no parent, because of this."""

    because: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an objective stands; a draft and a committed one take changes, the others are over."""

    word: Word
    successor: UUID | None = None
    into: str | None = None
    score: Decimal | None = None

    @property
    def is_over(self) -> bool:
        """Return whether the objective takes no more changes."""
        return self.word not in ("draft", "committed")


@dataclass(frozen=True, slots=True)
class CommitmentLine:
    """One line of an objective: its number, its position and time, and the policy that it pins."""

    number: int
    position: int
    at: date | datetime
    policy: int
    confidence: Decimal | None = None


@dataclasses.dataclass(frozen=True)
class Objective:
    """An objective with its key results; `last_act_at` is when the latest act on it took effect."""

    stream: str
    version: int
    objective: UUID
    reference: str
    carried_from: UUID | None
    cycle: Timeline[str]
    wording: Timeline[Wording]
    owner: Timeline[UUID]
    team: Timeline[UUID | None]
    standing: Timeline[Standing]
    last_act_at: datetime
    alignment: Timeline[AlignedTo | Local] = EMPTY
    visibility: Timeline[ObjectiveVisibilitySet] = EMPTY
    source: Timeline[tuple[tuple[str, str], ...]] = EMPTY
    lines: tuple[CommitmentLine, ...] = ()
    decisions: tuple[UUID, ...] = ()
    key_results: dict[UUID, KeyResult] = field(default_factory=dict)

    @property
    def is_restricted(self) -> bool:
        """Return whether the objective is not shown to everyone."""
        shown = self.visibility.now
        return shown is not None and shown.visibility != "everyone"

    @property
    def is_over(self) -> bool:
        """Return whether the objective takes no more changes."""
        standing = self.standing.now
        return standing is None or standing.is_over

    @property
    def is_committed(self) -> bool:
        """Return whether the objective has a line."""
        return bool(self.lines)

    def active_key_results(self) -> list[KeyResult]:
        """Return the key results that still count."""
        return [key_result for key_result in self.key_results.values() if key_result.is_active]


def evolve(state: Objective | None, entry: Entry) -> Objective:
    """Return the objective after this entry."""
    event = entry.event
    if state is None:
        if not isinstance(event, ObjectiveDrafted):
            raise UnknownEvent(f"An objective does not begin with {event.stored_name}.")
        return _drafted(entry, event)
    if type(event) is FindingAnswered:
        return changed(state, version=entry.version)
    superseded = entry.circumstances.supersedes
    if superseded is not None:
        state = _without(state, superseded)
        if type(event) is EntryRetracted:
            return changed(state, version=entry.version)
        last_act_at = state.last_act_at
    elif event.valued or type(event) in _NO_ACTS:
        last_act_at = state.last_act_at
    else:
        last_act_at = _instant(entry.effective_at)
    key_results = _of_key_results(state, entry)
    if key_results is not None:
        return changed(state, version=entry.version, last_act_at=last_act_at, key_results=key_results)
    return changed(state, version=entry.version, last_act_at=last_act_at, **_change(state, entry))


def _drafted(entry: Entry, event: ObjectiveDrafted) -> Objective:
    at, position = entry.effective_at, entry.position
    return Objective(
        stream=entry.stream,
        version=entry.version,
        objective=UUID(entry.stream.partition(":")[2]),
        reference=event.reference,
        carried_from=event.carried_from,
        cycle=EMPTY.with_fact(at, position, event.cycle),
        wording=EMPTY.with_fact(at, position, Wording(event.title, event.description)),
        owner=EMPTY.with_fact(at, position, event.owner),
        team=EMPTY.with_fact(at, position, event.team),
        standing=EMPTY.with_fact(at, position, Standing("draft")),
        last_act_at=_instant(at),
    )


def _instant(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        raise UnknownEvent("An act carries an instant; only a measured value carries a day.")
    return moment


def _of_key_results(state: Objective, entry: Entry) -> dict[UUID, KeyResult] | None:
    """Return the key results after an entry about one of them, or None when it is about the objective itself."""
    event = entry.event
    identifier: UUID | None = getattr(event, "key_result", None)
    if identifier is None:
        return None
    if type(event) is KeyResultAdded:
        return {**state.key_results, identifier: added(event, entry)}
    try:
        return {**state.key_results, identifier: evolve_key_result(state.key_results[identifier], entry)}
    except KeyError as error:
        raise UnknownEvent(f"{entry.stream} cannot take {event.stored_name}: {error} is unknown.") from error


def _change(state: Objective, entry: Entry) -> dict[str, Any]:
    """Return the attributes that an entry about the objective itself sets."""
    at, position = entry.effective_at, entry.position
    match entry.event:
        case ObjectiveCommitted() | ObjectiveReplanned() as event:
            line = CommitmentLine(event.line, position, at, event.policy, event.confidence)
            change: dict[str, Any] = {"lines": (*state.lines, line)}
            if isinstance(event, ObjectiveCommitted):
                change["standing"] = state.standing.with_fact(at, position, Standing("committed"))
            return change
        case ObjectiveReworded(title=title, description=description):
            return {"wording": state.wording.with_fact(at, position, Wording(title, description))}
        case ObjectiveReowned(owner=owner):
            return {"owner": state.owner.with_fact(at, position, owner)}
        case ObjectiveReteamed(team=team):
            return {"team": state.team.with_fact(at, position, team)}
        case ObjectiveAligned(parent=parent):
            return {"alignment": state.alignment.with_fact(at, position, AlignedTo(parent))}
        case ObjectiveDeclaredLocal(because=because):
            return {"alignment": state.alignment.with_fact(at, position, Local(because))}
        case ObjectiveMovedToCycle(cycle=cycle):
            return {"cycle": state.cycle.with_fact(at, position, cycle)}
        case ObjectiveNotedInSource(attributes=attributes):
            return {"source": state.source.with_fact(at, position, tuple(sorted(attributes.items())))}
        case ObjectiveVisibilitySet() as shown:
            return {"visibility": state.visibility.with_fact(at, position, shown)}
        case DecisionLinked(decision=decision):
            return {"decisions": (*state.decisions, decision)}
    standing = _standing(entry.event)
    if standing is None:
        raise UnknownEvent(f"An objective has no event {entry.event.stored_name}.")
    return {"standing": state.standing.with_fact(at, position, standing)}


def _standing(event: Event) -> Standing | None:
    match event:
        case ObjectiveWithdrawn():
            return Standing("withdrawn")
        case ObjectiveReplaced(successor=successor):
            return Standing("replaced", successor)
        case ObjectiveCarried(successor=successor, into=into):
            return Standing("carried", successor, into)
        case ObjectiveRecordedInError():
            return Standing("recorded_in_error")
        case ObjectiveClosed(score=score):
            return Standing("closed", score=score)
    return None


def _without(state: Objective, position: int) -> Objective:
    """Return the objective without any fact of this position, in itself and in its key results."""
    key_results = {key: _strip(key_result, position) for key, key_result in state.key_results.items()}
    return changed(_strip(state, position), key_results=key_results)


def _strip(state: S, position: int) -> S:
    shorter = {
        name: timeline.without(position)
        for name, timeline in vars(state).items()
        if isinstance(timeline, Timeline)
    }
    return changed(state, **shorter)
