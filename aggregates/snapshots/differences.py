"""What changed between two versions of a page, and which row is which over a whole series of versions.

The order of rows is no difference, and neither is the spelling of a number. Each difference lies between two
instants: not before the earlier version, effective at the later one (design, settled case 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from aggregates.snapshots.matching import Judgement
from aggregates.snapshots.page import SnapshotKeyResult


@dataclass(frozen=True, slots=True)
class ObjectiveAppeared:
    """An objective stands on the page that did not stand there before; `again` when it had stood there once."""

    objective: str
    line: int
    title: str
    notes: str
    judgement: Judgement
    again: bool = False


@dataclass(frozen=True, slots=True)
class ObjectiveReworded:
    """An objective has another wording."""

    objective: str
    line: int
    before: str
    after: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class ObjectiveNotesChanged:
    """The text under an objective's heading, outside its tables, is another."""

    objective: str
    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ObjectiveDisappeared:
    """An objective no longer stands on the page; `line` is its line in the earlier version."""

    objective: str
    line: int
    title: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class KeyResultAppeared:
    """A key result stands on the page that did not; `row` says its wording, assignees and priority.

    Its scores follow as differences of their own. `again` when it had stood there once, under this title.
    """

    objective: str
    key_result: str
    line: int
    row: SnapshotKeyResult
    judgement: Judgement
    again: bool = False


@dataclass(frozen=True, slots=True)
class KeyResultReworded:
    """A key result has another wording."""

    objective: str
    key_result: str
    line: int
    before: str
    after: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class KeyResultMoved:
    """A key result stands under another objective; its identifier stays."""

    objective: str
    key_result: str
    line: int
    before: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class KeyResultDisappeared:
    """A key result no longer stands on the page; `line` and `row` are those of the last version that had it."""

    objective: str
    key_result: str
    line: int
    row: SnapshotKeyResult
    judgement: Judgement
    with_objective: bool = False


@dataclass(frozen=True, slots=True)
class AssigneesChanged:
    """Other persons are assigned; empty means that the page names nobody."""

    objective: str
    key_result: str
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """The priority, an attribute of the source, is another."""

    objective: str
    key_result: str
    line: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class MidScoreChanged:
    """A value of the day of this version (in the organisation's zone); `after` is None when it was blanked."""

    objective: str
    key_result: str
    line: int
    before: Decimal | None
    after: Decimal | None
    original: str
    day: date


@dataclass(frozen=True, slots=True)
class ProjectedChanged:
    """The projected score, an attribute of the source: neither a target nor a confidence."""

    objective: str
    key_result: str
    line: int
    before: Decimal | None
    after: Decimal | None
    original: str


@dataclass(frozen=True, slots=True)
class FinalChanged:
    """The final score: set for the first time (`score`), changed or set again (`amendment`), blanked (`cleared`)."""

    objective: str
    key_result: str
    line: int
    before: Decimal | None
    after: Decimal | None
    original: str
    kind: Literal["score", "amendment", "cleared"]


Difference = (
    ObjectiveAppeared
    | ObjectiveReworded
    | ObjectiveNotesChanged
    | ObjectiveDisappeared
    | KeyResultAppeared
    | KeyResultReworded
    | KeyResultMoved
    | KeyResultDisappeared
    | AssigneesChanged
    | PriorityChanged
    | MidScoreChanged
    | ProjectedChanged
    | FinalChanged
)
"""`line` is a line of the later version, but of the earlier one for what disappeared."""
