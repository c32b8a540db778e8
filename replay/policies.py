"""Which policy rules a basis: the latest adopted by its position and its day, else the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

import orjson

from aggregates.policy import Policy
from aggregates.refusals import BasisIsUnknown
from aggregates.values import AS_KEPT, end_of_day
from ledger.codec import RawEntry


@dataclass(frozen=True, slots=True)
class Adopted:
    """A policy as it was adopted."""

    position: int
    recorded_at: datetime
    version: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy of a ledger, in the order of adoption."""

    adopted: tuple[Adopted, ...]

    @classmethod
    def of(cls, entries: Iterable[RawEntry]) -> Self:
        """Return the policies among the entries of the organisation's stream."""
        found = []
        for entry in entries:
            if entry.name == "policy.adopted":
                body = orjson.loads(entry.data)["body"]
                policy = Policy.model_validate(body["policy"], context=AS_KEPT)
                found.append(Adopted(entry.position, entry.recorded_at, body["version"], policy))
        return cls(tuple(found))

    def ruling(self, position: int, day: date, zone: ZoneInfo) -> Adopted:
        """Return the policy that rules at a basis.

        It is the latest one recorded by the position and by the end of the day; a day before the first policy is
        read under the first. Raises BasisIsUnknown where the position knows none.
        """
        known = [one for one in self.adopted if one.position <= position]
        if not known:
            raise BasisIsUnknown(f"No policy had been adopted at position {position}.", field="as_of")
        end = end_of_day(day, zone)
        return next((one for one in reversed(known) if one.recorded_at <= end), known[0])

    def version(self, number: int) -> Adopted:
        """Return the policy of a version; raises BasisIsUnknown where there is none."""
        for one in self.adopted:
            if one.version == number:
                return one
        raise BasisIsUnknown(f"There is no policy of version {number}.", field="policy_version")
