"""From entries to states: one pure function for each kind of stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aggregates.cycle.state import evolve as evolve_cycle
from aggregates.decision.state import evolve as evolve_decision
from aggregates.entry import Entry
from aggregates.objective.state import evolve as evolve_objective
from aggregates.organisation.state import UnknownEvent
from aggregates.organisation.state import evolve as evolve_organisation
from aggregates.person.state import evolve as evolve_person
from aggregates.person.state import evolve_service
from aggregates.team.state import evolve as evolve_team

EVOLVE: dict[str, Callable[[Any, Entry], Any]] = {
    "organisation": evolve_organisation,
    "person": evolve_person,
    "service": evolve_service,
    "team": evolve_team,
    "cycle": evolve_cycle,
    "objective": evolve_objective,
    "decision": evolve_decision,
}
"""The kind of a stream (the part of its name before the colon) to what its entries do to its state."""

__all__ = ["EVOLVE", "UnknownEvent", "evolve", "kind_of"]


def kind_of(stream: str) -> str:
    """Return the kind of a stream: what stands before the colon."""
    return stream.partition(":")[0]


def evolve(state: Any, entry: Entry) -> Any:
    """Return the state of a stream after this entry.

    Raises:
        UnknownEvent: the stream or the event is of no known kind.
    """
    function = EVOLVE.get(kind_of(entry.stream))
    if function is None:
        raise UnknownEvent(f"There is no kind of stream such as {entry.stream}.")
    return function(state, entry)
