"""A key result as the rules see it, and what its events do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from aggregates.changed import changed
from aggregates.entry import Entry, Event
from aggregates.measures import Measure, Target
from aggregates.objective.events import (
    Ambition,
    AmbitionChanged,
    BaselineCorrected,
    CheckedIn,
    KeyResultAdded,
    KeyResultDropped,
    KeyResultMeasured,
    KeyResultNotedInSource,
    KeyResultRecordedInError,
    KeyResultRedated,
    KeyResultReowned,
    KeyResultReworded,
    KeyResultScored,
    MeasureChanged,
    Said,
    TargetChanged,
    WeightChanged,
)
from aggregates.timeline import EMPTY, Fact, Timeline

Value = bool | tuple[str, ...] | Decimal
KeyResultStanding = Literal["active", "dropped", "recorded_in_error"]


@dataclass(frozen=True)
class KeyResult:
    """A key result: each attribute with its own facts. `value` holds days, every other timeline instants."""

    key_result: UUID
    reference: str
    added: int
    """Position of the entry that added it: the start of its own line."""
    wording: Timeline[str] = EMPTY
    owner: Timeline[UUID] = EMPTY
    measure: Timeline[Measure] = EMPTY
    baseline: Timeline[Decimal | None] = EMPTY
    target: Timeline[Target] = EMPTY
    weight: Timeline[Decimal] = EMPTY
    ambition: Timeline[Ambition] = EMPTY
    ends_on: Timeline[date | None] = EMPTY
    standing: Timeline[KeyResultStanding] = EMPTY
    value: Timeline[Value] = EMPTY
    confidence: Timeline[Decimal] = EMPTY
    said: Timeline[Said] = EMPTY
    check_in: Timeline[CheckedIn] = EMPTY
    score: Timeline[Decimal] = EMPTY
    source: Timeline[tuple[tuple[str, str], ...]] = EMPTY

    @property
    def is_active(self) -> bool:
        """Return whether the key result still counts: neither dropped nor recorded in error."""
        return self.standing.now == "active"


_BLANK = KeyResult(UUID(int=0), "", 0)


def added(event: KeyResultAdded, entry: Entry) -> KeyResult:
    """Return the key result that this entry added."""
    at, position = entry.effective_at, entry.position
    return changed(
        _BLANK,
        key_result=event.key_result,
        reference=event.reference,
        added=position,
        wording=Timeline((Fact(at, position, event.title),)),
        owner=Timeline((Fact(at, position, event.owner),)),
        measure=Timeline((Fact(at, position, event.measure),)),
        baseline=Timeline((Fact(at, position, event.baseline),)),
        target=Timeline((Fact(at, position, event.target),)),
        weight=Timeline((Fact(at, position, event.weight),)),
        ambition=Timeline((Fact(at, position, event.ambition),)),
        ends_on=Timeline((Fact(at, position, event.ends_on),)),
        standing=Timeline((Fact(at, position, "active"),)),
    )


ATTRIBUTE: dict[type[Event], tuple[str, Callable[[Any], Any]]] = {
    KeyResultReworded: ("wording", lambda event: event.title),
    KeyResultReowned: ("owner", lambda event: event.owner),
    TargetChanged: ("target", lambda event: event.target),
    BaselineCorrected: ("baseline", lambda event: event.baseline),
    WeightChanged: ("weight", lambda event: event.weight),
    KeyResultRedated: ("ends_on", lambda event: event.ends_on),
    AmbitionChanged: ("ambition", lambda event: event.ambition),
    KeyResultDropped: ("standing", lambda _: "dropped"),
    KeyResultRecordedInError: ("standing", lambda _: "recorded_in_error"),
    KeyResultMeasured: ("value", lambda event: event.value),
    KeyResultScored: ("score", lambda event: event.score),
    KeyResultNotedInSource: ("source", lambda event: tuple(sorted(event.attributes.items()))),
}
"""The events that set one attribute: its name, and what it becomes."""


def evolve_key_result(state: KeyResult, entry: Entry) -> KeyResult:
    """Return the key result after this entry, which sets at least one attribute."""
    event, at, position = entry.event, entry.effective_at, entry.position
    single = ATTRIBUTE.get(type(event))
    if single is not None:
        name, value = single
        timeline: Timeline[Any] = getattr(state, name)
        change: dict[str, Any] = {name: timeline.with_fact(at, position, value(event))}
        return changed(state, **change)
    if isinstance(event, CheckedIn):
        confidence, said = state.confidence, state.said
        if event.confidence is not None:
            confidence = confidence.with_fact(at, position, event.confidence)
        if event.said is not None:
            said = said.with_fact(at, position, event.said)
        check_in = state.check_in.with_fact(at, position, event)
        return changed(state, confidence=confidence, said=said, check_in=check_in)
    if isinstance(event, MeasureChanged):
        return changed(
            state,
            measure=state.measure.with_fact(at, position, event.measure),
            baseline=state.baseline.with_fact(at, position, event.baseline),
            target=state.target.with_fact(at, position, event.target),
        )
    raise KeyError(event.stored_name)
