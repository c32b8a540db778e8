"""A decision as the rules see it: who decided, who wrote it down, who confirmed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from aggregates.decision.events import DecisionConfirmed, DecisionRecorded
from aggregates.entry import Entry
from aggregates.finding.events import FindingAnswered
from aggregates.objective.events import EntryRetracted
from aggregates.organisation.state import UnknownEvent


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision; `content` is None once it was retracted, `touched` what any of its versions touched."""

    stream: str
    version: int
    content: DecisionRecorded | None
    recorded_by: str
    confirmed_by: str | None = None
    touched: frozenset[UUID] = frozenset()

    @property
    def is_confirmed(self) -> bool:
        """Return whether its decider stands behind it: they wrote it down or confirmed it themselves."""
        if self.content is None:
            return False
        decider = f"person:{self.content.decided_by}"
        return decider in (self.recorded_by, self.confirmed_by)


def evolve(state: Decision | None, entry: Entry) -> Decision:
    """Return the decision after this entry; an amendment replaces content and recorder, and nobody has confirmed it."""
    event, by = entry.event, entry.circumstances.by
    if state is None:
        if not isinstance(event, DecisionRecorded):
            raise UnknownEvent(f"A decision does not begin with {event.stored_name}.")
        return Decision(entry.stream, entry.version, event, by, touched=frozenset(event.touches))
    match event:
        case DecisionRecorded():
            touched = state.touched | frozenset(event.touches)
            return replace(
                state,
                version=entry.version,
                content=event,
                recorded_by=by,
                confirmed_by=None,
                touched=touched,
            )
        case DecisionConfirmed():
            return replace(state, version=entry.version, confirmed_by=by)
        case EntryRetracted():
            return replace(state, version=entry.version, content=None)
        case FindingAnswered():
            return replace(state, version=entry.version)
    raise UnknownEvent(f"A decision has no event {event.stored_name}.")
