"""What can be asked about findings."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from aggregates.command import Command
from aggregates.finding.events import FindingRule
from aggregates.measures import Frozen
from aggregates.values import Text

MOST_FINDINGS: Final = 1_000
"""The most findings that one command answers, and the most changes that one decision ratifies."""
Cause = Annotated[int, Field(ge=1, le=2**62)]
Answer = Literal["explained", "accepted", "disputed"]


class AnswerFinding(Command):
    """Explain, accept or dispute a finding, which stays.

    `known` says that the caller has looked the finding up; the rules cannot, for findings are derived.
    """

    command: Literal["answer_finding"] = "answer_finding"
    rule: FindingRule
    cause: Cause
    answer: Answer
    text: Text
    known: bool = False


class FindingNamed(Frozen):
    """A finding by its address: its rule and the position of the entry that caused it."""

    rule: FindingRule
    cause: Cause


class AnswerFindings(Command):
    """Give one answer to many findings in one append: all of them, or none.

    `known` are those that the caller has looked up; the rules cannot, for findings are derived.
    """

    command: Literal["answer_findings"] = "answer_findings"
    findings: tuple[FindingNamed, ...] = ()
    answer: Answer
    text: Text
    known: frozenset[FindingNamed] = frozenset()
