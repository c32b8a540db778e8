"""Every way in which the rules say no: one class, one stable code, one sentence."""

from __future__ import annotations

import re
from typing import ClassVar


class Refusal(Exception):
    """The command was refused.

    The class name in snake case is the stable code, the docstring's first line the sentence, `field` a JSON
    pointer into the command (or empty), `detail` what was wrong in this case and what to do; `unreadable` says that
    what was asked with is written in no form that could name anything, which on a command line is wrong use.
    """

    kind: ClassVar[str] = "invalid"

    def __init__(self, detail: str = "", *, field: str = "", unreadable: bool = False) -> None:
        self.detail = detail or self.sentence()
        self.field = field
        self.unreadable = unreadable
        super().__init__(self.detail)

    @classmethod
    def code(cls) -> str:
        """Return the stable code, for example `key_result_is_dropped`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def sentence(cls) -> str:
        """Return the general sentence of this refusal."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class Unknown(Refusal):
    """What the command names is not in this ledger."""

    kind = "unknown"


class Forbidden(Refusal):
    """This person or service may not do this."""

    kind = "forbidden"


class Conflict(Refusal):
    """The record has moved on since it was read."""

    kind = "conflict"


class Closed(Refusal):
    """The record of this item is closed."""

    kind = "closed"


# people, teams, rights
class PersonIsUnknown(Unknown):
    """This person is not in the ledger."""


class PersonWasNotHere(Refusal):
    """This person was not with the organisation at that time."""


class PersonIsAlreadyHere(Refusal):
    """This person has already joined."""


class PersonIsOnLeave(Refusal):
    """This person is on leave at that time."""


class PersonIsNotOnLeave(Refusal):
    """This person is not on leave at that time."""


class OwnerIsATeam(Refusal):
    """An owner is one named person; a team cannot own."""


class TeamIsUnknown(Unknown):
    """This team is not in the ledger."""


class TeamIsClosed(Closed):
    """This team was closed."""


class ServiceIsUnknown(Unknown):
    """This service is not in the ledger."""


class RoleIsHeld(Refusal):
    """This person or service already holds the role."""


class RoleIsNotHeld(Refusal):
    """This person or service does not hold the role."""


class LastSteward(Refusal):
    """The last steward cannot give up the role."""


class PersonIsAMember(Refusal):
    """This person is already a member of the team."""


class PersonIsNotAMember(Refusal):
    """This person is not a member of the team."""


class DelegationIsGiven(Refusal):
    """This person or service may already act for that person."""


class DelegationIsNotGiven(Refusal):
    """This person or service may not act for that person anyway."""


class VisibilityIsUnclear(Refusal):
    """A visibility for people names at least one of them; any other names nobody."""


class VisibilityNeedsATeam(Refusal):
    """An objective without a team cannot be shown to its team; give it a team, or name people."""


class ActionIsNotAllowed(Forbidden):
    """This person or service may not do this."""


# cycles
class CycleIsUnknown(Unknown):
    """This cycle is not in the ledger."""


class CycleKeyIsTaken(Conflict):
    """This key already names a cycle; keys are never reused."""


class CycleDatesAreImpossible(Refusal):
    """A cycle starts no later than its commit-by, and its commit-by is no later than its end."""


class CycleEndIsMissing(Refusal):
    """A custom cycle names its last day."""


class CycleDaysDoNotFitItsKind(Refusal):
    """The days of the cycle make none of its kind."""


class CycleHasStarted(Refusal):
    """The cycle records its dates before it starts."""


class CycleIsOutsideItsParent(Refusal):
    """A cycle lies within its parent cycle."""


class CycleIsAlreadyOpen(Refusal):
    """The cycle has already been opened."""


class CycleIsNotOpen(Refusal):
    """The cycle is not open."""


class CycleIsClosed(Closed):
    """The cycle is closed; only amendments are taken."""


class CycleIsNotClosed(Refusal):
    """The cycle is not closed."""


# objectives and key results
class ObjectiveIsUnknown(Unknown):
    """This objective is not in the ledger."""


class ObjectiveIsCommitted(Refusal):
    """This objective is already committed."""


class ObjectiveIsNotCommitted(Refusal):
    """This objective is not committed yet."""


class ObjectiveIsOver(Closed):
    """This objective was withdrawn, replaced, carried, closed or recorded in error; its record is closed."""


class ObjectiveHasNoKeyResult(Refusal):
    """An objective is committed with at least one key result."""


class AlignmentIsMissing(Refusal):
    """An objective is committed with a parent, or declared local with a reason."""


class AlignmentLoop(Refusal):
    """This parent would close a loop of alignments."""


class KeyResultIsUnknown(Unknown):
    """This key result is not in this objective."""


class KeyResultIsDropped(Closed):
    """This key result was dropped; its record is closed."""


class TooManyKeyResults(Refusal):
    """An objective holds at most 50 key results."""


class TargetEqualsBaseline(Refusal):
    """The target equals the baseline, so progress has no meaning."""


class TargetDoesNotFitMeasure(Refusal):
    """This target does not fit the kind of measure."""


class NothingChanges(Refusal):
    """The record already says this."""


class ReasonIsMissing(Refusal):
    """A change after the commitment line needs a reason with its class."""


class DecisionIsMissing(Refusal):
    """A re-plan is one decision; name it."""


class DecisionIsUnknown(Unknown):
    """This decision is not in the ledger."""


class DecisionIsConfirmed(Refusal):
    """This decision is already confirmed."""


class ConfirmationIsNotYours(Forbidden):
    """Only the person who decided can confirm a decision."""


class NarrativeIsMissing(Refusal):
    """A low confidence needs a word on what changed."""


class CheckInIsEmpty(Refusal):
    """A check-in says a confidence or a value."""


# clocks
class LiesInTheFuture(Refusal):
    """Nothing in the ledger lies in the future."""


class ActIsBackDated(Refusal):
    """A value may be back-dated, an act may not: it takes effect when it is recorded."""


class ValueIsOutsideTheCycle(Refusal):
    """A value lies within its cycle."""


# amendments and findings
class EntryIsUnknown(Unknown):
    """No entry stands at this position."""


class EntryCannotBeAmended(Refusal):
    """This kind of entry cannot be amended."""


class EntryIsSuperseded(Conflict):
    """This entry has already been superseded."""


class FindingIsUnknown(Unknown):
    """There is no such finding."""


class SourceIsMissing(Refusal):
    """Only an import may carry its source's times, and it names the source."""


# said by the rules about shapes and places
class IdentifierIsTaken(Conflict):
    """This identifier already names something in the ledger."""


class TeamLoop(Refusal):
    """This parent would put the team within itself."""


class PolicyContradictsItself(Refusal):
    """The thresholds of a policy rise from low to high."""


class NumberIsOutOfRange(Refusal):
    """This number has more digits than the policy keeps."""


class ValueDoesNotFitMeasure(Refusal):
    """This value does not fit the kind of measure."""


class HorizonIsOutsideTheCycle(Refusal):
    """A key result ends within its objective's cycle."""


class KeyResultIsScored(Refusal):
    """This key result already has its final score; amend that entry."""


class AmendmentDoesNotFit(Refusal):
    """The new content does not fit this kind of entry."""


# said by readings
class BasisIsUnknown(Unknown):
    """This basis is not in the ledger."""


class TooManyObjectives(Refusal):
    """A decision touches at most 1,000 objectives."""


class TooManyLines(Refusal):
    """An objective has at most 99 lines."""


class TooManyFindings(Refusal):
    """One command answers, or one decision ratifies, at most 1,000 findings."""
