"""What happens to an objective and its key results."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StrictBool

from aggregates.entry import Event, Sealed
from aggregates.measures import Measure, Target
from aggregates.values import Confidence, Key, Line, Number, Score, Text, Weight

Reference = Annotated[str, Field(pattern=r"^[A-Z]{2,4}-[1-9][0-9]{0,8}$")]
Ambition = Literal["committed", "aspirational"]
MOST_PEOPLE = 200
"""The most people whom one objective is shown to by name."""
Visibility = Literal["everyone", "team", "people"]
Said = Literal["on_track", "behind", "off_track", "achieved"]


class ObjectiveDrafted(Event):
    """Somebody wrote an objective down."""

    stored_name: ClassVar[str] = "objective.drafted"
    reference: Reference
    cycle: Key
    title: Line
    description: Text | None = None
    owner: UUID
    team: UUID | None = None
    carried_from: UUID | None = None


class ObjectiveReworded(Event):
    """The objective got another wording."""

    stored_name: ClassVar[str] = "objective.reworded"
    amendable: ClassVar[bool] = True
    title: Line
    description: Text | None = None


class ObjectiveReowned(Event):
    """The objective got another owner."""

    stored_name: ClassVar[str] = "objective.reowned"
    amendable: ClassVar[bool] = True
    owner: UUID


class ObjectiveReteamed(Event):
    """The objective moved to another team, or to none."""

    stored_name: ClassVar[str] = "objective.reteamed"
    amendable: ClassVar[bool] = True
    team: UUID | None = None


class ObjectiveAligned(Event):
    """The objective declared its parent."""

    stored_name: ClassVar[str] = "objective.aligned"
    parent: UUID


class ObjectiveDeclaredLocal(Event):
    """The objective declared that it has no parent, and why."""

    stored_name: ClassVar[str] = "objective.declared_local"
    because: Text


class ObjectiveVisibilitySet(Event):
    """The objective is shown to everyone, to its team's tree, or to the people named, and to its owners."""

    stored_name: ClassVar[str] = "objective.visibility_set"
    visibility: Visibility
    people: Annotated[tuple[UUID, ...], Field(max_length=MOST_PEOPLE)] = ()


class ObjectiveCommitted(Event):
    """The owner committed to the objective; its state at this position is its line 1."""

    stored_name: ClassVar[str] = "objective.committed"
    line: Literal[1] = 1
    confidence: Confidence | None = None
    accepted_by: UUID | None = None
    policy: int
    """Version of the policy that rules on this day."""
    synthesised: bool = False
    """Whether an import drew this line from a source that has no act of committing."""
    no_record_at_start: bool = False
    """Whether the source held no version on or before commit-by, so that its first version became the line."""


class ObjectiveReplanned(Event):
    """One decision added a further line; the earlier lines stay."""

    stored_name: ClassVar[str] = "objective.replanned"
    line: Annotated[int, Field(ge=2, le=99)]
    confidence: Confidence | None = None
    accepted_by: UUID | None = None
    policy: int


class ObjectiveMovedToCycle(Event):
    """The objective was moved to another cycle."""

    stored_name: ClassVar[str] = "objective.moved_to_cycle"
    cycle: Key


class ObjectiveWithdrawn(Event):
    """The objective was given up."""

    stored_name: ClassVar[str] = "objective.withdrawn"


class ObjectiveReplaced(Event):
    """Another objective took the place of this one."""

    stored_name: ClassVar[str] = "objective.replaced"
    successor: UUID


class ObjectiveCarried(Event):
    """The objective goes on in another cycle, as another objective."""

    stored_name: ClassVar[str] = "objective.carried"
    successor: UUID
    into: Key


class ObjectiveRecordedInError(Event):
    """The objective should never have been recorded."""

    stored_name: ClassVar[str] = "objective.recorded_in_error"


class ObjectiveClosed(Event):
    """The objective ended with its cycle; the score is the owner's own where one was given."""

    stored_name: ClassVar[str] = "objective.closed"
    amendable: ClassVar[bool] = True
    score: Score | None = None


class ObjectiveNotedInSource(Event):
    """The source says more about the objective than the ledger has words for."""

    stored_name: ClassVar[str] = "objective.noted_in_source"
    attributes: dict[Line, Text] = Field(max_length=20)


class DecisionLinked(Event):
    """A decision touches this objective."""

    stored_name: ClassVar[str] = "objective.decision_linked"
    decision: UUID


class KeyResultAdded(Event):
    """A key result was added to the objective."""

    stored_name: ClassVar[str] = "key_result.added"
    key_result: UUID
    reference: Reference
    title: Line
    owner: UUID
    measure: Measure
    baseline: Number | None = None
    target: Target
    weight: Weight
    ambition: Ambition
    ends_on: date | None = None
    """The key result's own horizon; absent means the end of its cycle."""


class KeyResultReworded(Event):
    """The key result got another wording."""

    stored_name: ClassVar[str] = "key_result.reworded"
    amendable: ClassVar[bool] = True
    key_result: UUID
    title: Line


class KeyResultReowned(Event):
    """The key result got another owner."""

    stored_name: ClassVar[str] = "key_result.reowned"
    amendable: ClassVar[bool] = True
    key_result: UUID
    owner: UUID


class TargetChanged(Event):
    """The key result got another target."""

    stored_name: ClassVar[str] = "key_result.target_changed"
    amendable: ClassVar[bool] = True
    key_result: UUID
    target: Target


class BaselineCorrected(Event):
    """The key result got another baseline."""

    stored_name: ClassVar[str] = "key_result.baseline_corrected"
    amendable: ClassVar[bool] = True
    key_result: UUID
    baseline: Number


class MeasureChanged(Event):
    """The key result is measured in another way."""

    stored_name: ClassVar[str] = "key_result.measure_changed"
    key_result: UUID
    measure: Measure
    baseline: Number | None = None
    target: Target


class WeightChanged(Event):
    """The key result got another weight."""

    stored_name: ClassVar[str] = "key_result.weight_changed"
    amendable: ClassVar[bool] = True
    key_result: UUID
    weight: Weight


class KeyResultRedated(Event):
    """The key result got another end; absent means the end of its cycle."""

    stored_name: ClassVar[str] = "key_result.redated"
    amendable: ClassVar[bool] = True
    key_result: UUID
    ends_on: date | None = None


class AmbitionChanged(Event):
    """The key result is now committed or aspirational."""

    stored_name: ClassVar[str] = "key_result.ambition_changed"
    key_result: UUID
    ambition: Ambition


class KeyResultDropped(Event):
    """The key result was given up."""

    stored_name: ClassVar[str] = "key_result.dropped"
    key_result: UUID


class KeyResultRecordedInError(Event):
    """The key result should never have been recorded."""

    stored_name: ClassVar[str] = "key_result.recorded_in_error"
    key_result: UUID


class KeyResultMeasured(Event):
    """The key result had a value on a day (the entry's effective_at).

    `value` is a number for the kinds that are numbers, the names of the finished stages for milestones, and
    true or false for yes/no.
    """

    stored_name: ClassVar[str] = "key_result.measured"
    valued: ClassVar[bool] = True
    amendable: ClassVar[bool] = True
    key_result: UUID
    value: StrictBool | tuple[Line, ...] | Number = Field(union_mode="left_to_right")


class CheckedIn(Event):
    """The owner said where the key result stands: confidence, what changed, what needs a decision."""

    stored_name: ClassVar[str] = "key_result.checked_in"
    amendable: ClassVar[bool] = True
    key_result: UUID
    confidence: Confidence | None = None
    said: Said | None = None
    what_changed: Sealed | None = None
    needs_decision: Sealed | None = None


class KeyResultScored(Event):
    """The key result got its final score."""

    stored_name: ClassVar[str] = "key_result.scored"
    amendable: ClassVar[bool] = True
    key_result: UUID
    score: Score


class KeyResultNotedInSource(Event):
    """The source says more about the key result than the ledger has words for."""

    stored_name: ClassVar[str] = "key_result.noted_in_source"
    key_result: UUID
    attributes: dict[Line, Text] = Field(max_length=20)


class EntryRetracted(Event):
    """An entry of this stream was retracted; nothing takes its place."""

    stored_name: ClassVar[str] = "entry.retracted"
