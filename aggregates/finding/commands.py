"""What can be asked about findings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregates.command import Command
from aggregates.finding.events import FindingRule
from aggregates.values import Text


class AnswerFinding(Command):
    """Explain, accept or dispute a finding, which stays.

    `known` says that the caller has looked the finding up; the rules cannot, for findings are derived.
    """

    command: Literal["answer_finding"] = "answer_finding"
    rule: FindingRule
    cause: Annotated[int, Field(ge=1, le=2**62)]
    answer: Literal["explained", "accepted", "disputed"]
    text: Text
    known: bool = False
