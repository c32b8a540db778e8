"""Decisions about findings."""

from __future__ import annotations

from aggregates.checks import act
from aggregates.entry import Occasion, Recorded
from aggregates.finding.commands import MOST_FINDINGS, AnswerFinding, AnswerFindings
from aggregates.finding.events import FindingAnswered
from aggregates.refusals import FindingIsUnknown, TooManyFindings
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


def answer_findings(world: World, command: AnswerFindings, _: Occasion) -> list[Recorded]:
    """Answer each finding on the stream of its cause, a finding that is named twice once; without any, nothing.

    Raises:
        TooManyFindings, FindingIsUnknown.
    """
    wanted = {finding: place for place, finding in reversed(list(enumerate(command.findings)))}
    if len(wanted) > MOST_FINDINGS:
        raise TooManyFindings(
            f"These are {len(wanted):,} findings; one command answers at most {MOST_FINDINGS:,}: choose fewer.",
            field="/findings",
        )
    recorded = []
    for finding, place in sorted(wanted.items(), key=lambda one: one[1]):
        cause = world.entry(finding.cause) if finding in command.known else None
        if cause is None:
            raise FindingIsUnknown(
                f"There is no finding {finding.rule} of entry {finding.cause}; nothing was answered.",
                field=f"/findings/{place}",
            )
        event = FindingAnswered(
            rule=finding.rule, cause=finding.cause, answer=command.answer, text=command.text
        )
        recorded.append(act(command, cause.stream, event))
    return recorded
