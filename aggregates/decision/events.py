"""What happens to a decision."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from aggregates.entry import Event
from aggregates.values import Instant, Text


class DecisionRecorded(Event):
    """A decision was written down: what was decided, by whom and when; who wrote it is in the circumstances."""

    stored_name: ClassVar[str] = "decision.recorded"
    amendable: ClassVar[bool] = True
    text: Text
    decided_by: UUID
    decided_at: Instant | None = None
    """When the meeting took it; absent means when it was recorded."""
    touches: Annotated[tuple[UUID, ...], Field(max_length=1000)] = ()
    """The objectives that it touches."""
    ratifies: Annotated[tuple[int, ...], Field(max_length=1000)] = ()
    """Positions of earlier changes that this decision ratifies."""


class DecisionConfirmed(Event):
    """The person who decided confirmed it with their own token."""

    stored_name: ClassVar[str] = "decision.confirmed"
