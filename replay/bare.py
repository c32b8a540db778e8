"""The bare aggregate: what the rules know of one stream, with its version and without derived figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from aggregates.refusals import (
    CycleIsUnknown,
    DecisionIsUnknown,
    ObjectiveIsUnknown,
    PersonIsUnknown,
    Refusal,
    ServiceIsUnknown,
    TeamIsUnknown,
)
from aggregates.timeline import Timeline
from aggregates.values import instant_text, number_text
from aggregates.world import World, state_of

_UNKNOWN: dict[str, type[Refusal]] = {
    "cycle": CycleIsUnknown,
    "decision": DecisionIsUnknown,
    "objective": ObjectiveIsUnknown,
    "person": PersonIsUnknown,
    "service": ServiceIsUnknown,
    "team": TeamIsUnknown,
}


def bare(world: World, kind: str, identifier: str) -> dict[str, Any]:
    """Return `{stream, version, …}` of a stream as it is now: of each attribute the latest value.

    Raises the refusal of an unknown one, with the field `/path/<kind>`.
    """
    unknown = _UNKNOWN[kind](f"There is no {kind} {identifier[:60]}.", field=f"/path/{kind}")
    if kind != "cycle":
        try:
            identifier = str(UUID(identifier))
        except ValueError:
            raise unknown from None
    state = state_of(world, f"{kind}:{identifier}")
    if state is None:
        raise unknown
    shown = plain(state)
    assert isinstance(shown, dict)  # noqa: S101 (a state is a dataclass)
    return shown


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: moments as text, numbers as strings, of timelines the latest."""
    if isinstance(value, Timeline):
        return plain(value.now)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: plain(getattr(value, one.name)) for one in fields(value) if not one.name.startswith("_")
        }
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    return value
