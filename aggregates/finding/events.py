"""What happens to a finding."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from aggregates.entry import Event
from aggregates.values import Text

FindingRule = Literal[
    "change_without_decision",
    "late_line",
    "change_after_close",
    "ratified_later",
    "owner_decided_own_target",
    "commit_by_moved",
    "opened_late",
    "closed_early",
    "opening_voided",
    "decision_retracted",
    "no_record_at_start",
]


class FindingAnswered(Event):
    """Somebody explained, accepted or disputed a finding, which stays."""

    stored_name: ClassVar[str] = "finding.answered"
    rule: FindingRule
    cause: Annotated[int, Field(ge=1)]
    """Position of the entry that caused the finding."""
    answer: Literal["explained", "accepted", "disputed"]
    text: Text
