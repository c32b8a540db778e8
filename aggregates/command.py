"""A command: what somebody asks the ledger to record, in the imperative."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool
from pydantic_core import PydanticCustomError

from aggregates.entry import Reason, Source
from aggregates.values import Instant, Line, Number

FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(2199, 12, 31)
MOST_CHANGES = 200
"""The most changes that one decision carries out in one append."""


def _day(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("day_is_out_of_range", "This day must lie between 1970 and 2199.")
    return day


Day = Annotated[date, AfterValidator(_day)]
"""A calendar day of the organisation, from 1970 to 2199."""

Value = Annotated[StrictBool | tuple[Line, ...] | Number, Field(union_mode="left_to_right")]
"""A measured value: a number, the names of the finished stages, or true or false."""

Actor = Annotated[str, Field(pattern=r"^(person|service):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A person or a service as entries name them, such as `person:0193…`."""


class Command(BaseModel):
    """What somebody asks for; each command names itself in its field `command`.

    `effective_at` and `source` are for imports, which carry their source's times; presence (who was here) may be
    back-dated by anybody who may record it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    command_name: ClassVar[str]
    back_dates: ClassVar[bool] = False
    """Whether `effective_at` may lie in the past without an import."""

    effective_at: Instant | None = None
    source: Source | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Keep the command's name on its class."""
        if "command" in cls.model_fields:
            cls.command_name = cls.model_fields["command"].default


class Change(Command):
    """A command that may change a commitment: it takes a reason with its class, and the decision behind it."""

    reason: Reason | None = None
    decision: UUID | None = None
