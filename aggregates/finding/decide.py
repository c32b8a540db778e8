"""Decisions about findings."""

from __future__ import annotations

from aggregates.checks import act
from aggregates.entry import Occasion, Recorded
from aggregates.finding.commands import AnswerFinding
from aggregates.finding.events import FindingAnswered
from aggregates.refusals import FindingIsUnknown
from aggregates.world import World


def answer_finding(world: World, command: AnswerFinding, _: Occasion) -> list[Recorded]:
    """Answer a finding on the stream of the entry that caused it, also after its cycle closed.

    Raises:
        FindingIsUnknown.
    """
    cause = world.entry(command.cause) if command.known else None
    if cause is None:
        raise FindingIsUnknown(
            f"There is no finding {command.rule} of entry {command.cause}.", field="/cause"
        )
    event = FindingAnswered(rule=command.rule, cause=command.cause, answer=command.answer, text=command.text)
    return [act(command, cause.stream, event)]
