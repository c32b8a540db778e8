"""What can be asked about decisions."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from aggregates.command import MOST_CHANGES, Change, Command
from aggregates.cycle import commands as cycle
from aggregates.measures import Frozen
from aggregates.objective import commands as objective
from aggregates.objective import key_result_commands as key_result
from aggregates.values import Confidence, Instant, Text

AnyChange = Annotated[
    objective.DraftObjective
    | objective.RewordObjective
    | objective.ReownObjective
    | objective.ReteamObjective
    | objective.AlignObjective
    | objective.DeclareLocal
    | objective.CommitObjective
    | objective.WithdrawObjective
    | objective.ReplaceObjective
    | objective.CarryObjective
    | objective.MoveObjectiveToCycle
    | objective.RecordObjectiveInError
    | objective.CloseObjective
    | key_result.AddKeyResult
    | key_result.RewordKeyResult
    | key_result.ReownKeyResult
    | key_result.ChangeTarget
    | key_result.CorrectBaseline
    | key_result.ChangeMeasure
    | key_result.ChangeWeight
    | key_result.RedateKeyResult
    | key_result.ChangeAmbition
    | key_result.DropKeyResult
    | key_result.RecordKeyResultInError
    | key_result.ScoreKeyResult
    | cycle.MoveCommitBy
    | cycle.VoidOpening
    | cycle.ReopenCycle,
    Field(discriminator="command"),
]
"""A change that a decision may carry out in its own append."""

Changes = Annotated[tuple[AnyChange, ...], Field(max_length=MOST_CHANGES)]


class RecordDecision(Change):
    """Write a decision down, link it to the objectives that it touches, and carry out its changes in one append.

    `reason` is the reason of every change that names none of its own; `decision` is the new identifier.
    """

    command: Literal["record_decision"] = "record_decision"
    decision: UUID
    text: Text
    decided_by: UUID
    decided_at: Instant | None = None
    touches: Annotated[tuple[UUID, ...], Field(max_length=1000)] = ()
    ratifies: Annotated[tuple[int, ...], Field(max_length=1000)] = ()
    changes: Changes = ()


class ConfirmDecision(Command):
    """Confirm a decision that somebody else wrote down for you."""

    command: Literal["confirm_decision"] = "confirm_decision"
    decision: UUID


class NewLine(Frozen):
    """An objective that gets a further line, with the owner's confidence and who accepted it."""

    objective: UUID
    confidence: Confidence | None = None
    accepted_by: UUID | None = None


class Replan(Change):
    """Re-plan: one decision, its changes, and a further line for each objective; the earlier lines stay.

    With `text` and `decided_by` the decision is written down in the same append; without them it must be known.
    """

    command: Literal["replan"] = "replan"
    text: Text | None = None
    decided_by: UUID | None = None
    decided_at: Instant | None = None
    objectives: Annotated[tuple[NewLine, ...], Field(min_length=1, max_length=MOST_CHANGES)]
    changes: Changes = ()
