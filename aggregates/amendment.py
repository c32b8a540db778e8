"""What can be asked about an entry that was wrong: nothing is edited, an amendment supersedes it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from aggregates.command import Change, Day

Position = Annotated[int, Field(ge=1, le=2**62)]


class AmendEntry(Change):
    """Let other content of the same name supersede an entry from now on.

    The amendment keeps the entry's time, unless that is what it corrects: `measured_on` for a value,
    `effective_at` for presence. In `body` a `key_result` may be left out.
    """

    back_dates: ClassVar[bool] = True
    command: Literal["amend_entry"] = "amend_entry"
    position: Position
    body: Annotated[dict[str, Any], Field(max_length=20)]
    measured_on: Day | None = None


class RetractEntry(Change):
    """Take an entry back; where the entry is an amendment, what it had superseded is restated.

    `entirely` takes an amendment back together with what it had superseded: the fact itself was wrong.
    """

    command: Literal["retract_entry"] = "retract_entry"
    position: Position
    entirely: bool = False
