"""What can be asked about an objective as a whole."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from aggregates.command import Change, Command
from aggregates.measures import Frozen
from aggregates.objective.events import MOST_PEOPLE, Reference, Visibility
from aggregates.values import Confidence, Key, Line, Score, Text

ShownTo = Annotated[tuple[UUID, ...], Field(max_length=MOST_PEOPLE)]
"""The people whom an objective is shown to by name."""


class DraftObjective(Change):
    """Write an objective down, with one named person as its owner, perhaps not for everyone to see."""

    command: Literal["draft_objective"] = "draft_objective"
    objective: UUID
    reference: Reference
    cycle: Key
    title: Line
    description: Text | None = None
    owner: UUID
    team: UUID | None = None
    visibility: Visibility | None = None
    people: ShownTo = ()


class ObjectiveChange(Change):
    """A change of an objective that is in the ledger."""

    objective: UUID


class RewordObjective(ObjectiveChange):
    """Give the objective another wording."""

    command: Literal["reword_objective"] = "reword_objective"
    title: Line
    description: Text | None = None


class ReownObjective(ObjectiveChange):
    """Give the objective another owner."""

    command: Literal["reown_objective"] = "reown_objective"
    owner: UUID


class ReteamObjective(ObjectiveChange):
    """Move the objective to another team, or to none."""

    command: Literal["reteam_objective"] = "reteam_objective"
    team: UUID | None = None


class AlignObjective(ObjectiveChange):
    """Declare the parent that the objective serves."""

    command: Literal["align_objective"] = "align_objective"
    parent: UUID


class DeclareLocal(ObjectiveChange):
    """Declare that the objective has no parent, and why."""

    command: Literal["declare_local"] = "declare_local"
    because: Text


class SetVisibility(ObjectiveChange):
    """Show the objective to everyone, to its team's tree, or to the people named, and to its owners."""

    command: Literal["set_visibility"] = "set_visibility"
    visibility: Visibility
    people: ShownTo = ()


class CommitObjective(ObjectiveChange):
    """Commit to the objective as it stands: its line 1."""

    command: Literal["commit_objective"] = "commit_objective"
    confidence: Confidence | None = None
    accepted_by: UUID | None = None
    synthesised: bool = False
    """Imports only: the source has no act of committing."""
    no_record_at_start: bool = False
    """Imports only: the source held no version on or before commit-by."""


class WithdrawObjective(ObjectiveChange):
    """Give the objective up."""

    command: Literal["withdraw_objective"] = "withdraw_objective"


class ReplaceObjective(ObjectiveChange):
    """Let another objective take the place of this one."""

    command: Literal["replace_objective"] = "replace_objective"
    successor: UUID


class CarriedKeyResult(Frozen):
    """A key result that goes along into the successor, with its new identifier and reference."""

    key_result: UUID
    successor: UUID
    reference: Reference


class CarryObjective(ObjectiveChange):
    """Let the objective go on in another cycle, as another objective that is drafted in the same append."""

    command: Literal["carry_objective"] = "carry_objective"
    into: Key
    successor: UUID
    reference: Reference
    key_results: Annotated[tuple[CarriedKeyResult, ...], Field(max_length=50)] = ()


class MoveObjectiveToCycle(ObjectiveChange):
    """Move the objective to another cycle."""

    command: Literal["move_objective_to_cycle"] = "move_objective_to_cycle"
    cycle: Key


class RecordObjectiveInError(ObjectiveChange):
    """Say that the objective should never have been recorded."""

    command: Literal["objective_recorded_in_error"] = "objective_recorded_in_error"


class CloseObjective(ObjectiveChange):
    """End the objective with its cycle, with the owner's own score where one is given."""

    command: Literal["close_objective"] = "close_objective"
    score: Score | None = None


class NoteSource(Command):
    """Keep what the source says about an objective or a key result beyond the ledger's words. Imports only."""

    command: Literal["note_source"] = "note_source"
    objective: UUID
    key_result: UUID | None = None
    attributes: dict[Line, Text] = Field(max_length=20)
