"""Every stored name and the class that reads it; a name, once shipped, is read for ever."""

from __future__ import annotations

from types import ModuleType

from aggregates.cycle import events as cycle
from aggregates.decision import events as decision
from aggregates.entry import Event
from aggregates.finding import events as finding
from aggregates.objective import events as objective
from aggregates.organisation import events as organisation
from aggregates.person import events as person
from aggregates.team import events as team


def _events_of(module: ModuleType) -> list[type[Event]]:
    return [
        member
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, Event) and member.__module__ == module.__name__
    ]


EVENTS: dict[str, type[Event]] = {
    event.stored_name: event
    for module in (organisation, person, team, cycle, objective, decision, finding)
    for event in _events_of(module)
}
"""Stored name to class."""
