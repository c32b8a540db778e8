"""What happens to the ledger as a whole: its creation, its policies."""

from __future__ import annotations

from typing import ClassVar, Literal
from uuid import UUID

from aggregates.entry import Event
from aggregates.policy import Policy
from aggregates.values import Line


class LedgerCreated(Event):
    """The ledger was created, with its random identifier and the organisation's time zone."""

    stored_name: ClassVar[str] = "ledger.created"
    ledger: UUID
    organisation: Line
    zone: Line
    format: Literal[1] = 1
    demonstration: bool = False


class PolicyAdopted(Event):
    """A policy rules the organisation from this position on; every parameter is named."""

    stored_name: ClassVar[str] = "policy.adopted"
    version: int
    policy: Policy
