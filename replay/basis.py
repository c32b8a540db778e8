"""The basis of an answer: what the ledger had been told by then, and what was true on which day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from aggregates.reading import READING_VERSION
from aggregates.refusals import BasisIsUnknown, LiesInTheFuture
from aggregates.values import KEY_PATTERN, day_of, end_of_day
from ledger.codec import RawEntry
from replay.policies import Policies

_MARK = re.compile(KEY_PATTERN[:-1] + r":(?P<mark>[a-z-]+)$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
MARKS = ("commit-by", "opened", "closed")
_LOST_PLUS = re.compile(r":[0-9.:]{2,15} [0-9]{2}:?[0-9]{2}\Z")
"""An offset whose + was read as a blank, as addresses have it."""
_FORMS = (
    "Write a position (1200), an instant with its offset (2026-08-15T17:00:00Z), a date (2026-08-15) or a mark "
    "(2026-q3:commit-by, 2026-q3:opened, 2026-q3:closed)."
)


class LedgerToAsk(Protocol):
    """What a basis needs of a ledger."""

    @property
    def identifier(self) -> UUID | None: ...
    @property
    def zone(self) -> ZoneInfo: ...
    def head(self) -> Any: ...
    def entry(self, position: int) -> RawEntry | None: ...
    def read_stream(self, stream: str) -> list[RawEntry]: ...
    def position_at(self, instant: datetime, *, final: bool = True) -> int: ...


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer stands on; sent back, it gives the same figures for ever.

    `redactions` is the position of the last erasure applied; 0 before the first.
    """

    ledger: UUID
    position: int
    effective_on: date
    policy_version: int
    reading_version: int = READING_VERSION
    redactions: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the basis as every answer carries it."""
        return {
            "ledger": str(self.ledger),
            "position": self.position,
            "effective_at": self.effective_on.isoformat(),
            "policy_version": self.policy_version,
            "reading_version": self.reading_version,
            "redactions": self.redactions,
        }


def resolve(
    ledger: LedgerToAsk,
    *,
    as_of: str | None = None,
    effective_at: str | date | None = None,
    present: int | None = None,
    today: date | None = None,
    policies: Policies | None = None,
) -> Basis:
    """Return the basis that `as_of` and `effective_at` name.

    `as_of` is a position, an instant with its offset, a date (its end in the organisation's zone) or a mark;
    absent it is the present. `effective_at` is a day; absent it is today, or with `as_of` the day of that position,
    of that instant, that date, or the day that the mark marks. `present` is the position of the reading (else the
    head), `today` the organisation's day (else that of the database's clock), `policies` those of the ledger, where
    they were read already.

    Raises:
        BasisIsUnknown: malformed, beyond the head, in the future, before the first entry, unknown cycle or mark.
    """
    head, zone = ledger.head(), ledger.zone
    identifier = ledger.identifier
    if identifier is None or not head.position:
        raise BasisIsUnknown("This ledger holds no entry yet, so there is nothing to read.")
    today = today or day_of(head.now, zone)
    asked = as_of.strip() if as_of is not None else ""
    if as_of is not None and not asked:
        raise BasisIsUnknown(f"as_of is empty. {_FORMS}", field="as_of", unreadable=True)
    if as_of is None:
        position, day = (head.position if present is None else present), today
    else:
        position, day = _told_by(ledger, asked, head, zone)
    latest = max(today, day_of(head.recorded_at, zone), day)
    if effective_at is not None:
        day = _day(effective_at, latest)
    if policies is None:
        policies = Policies.of(ledger.read_stream("organisation"))
    return Basis(identifier, position, day, policies.ruling(position, day, zone).version)


def _told_by(ledger: LedgerToAsk, asked: str, head: Any, zone: ZoneInfo) -> tuple[int, date]:
    """Return the position that `as_of` names, and its default effective day."""
    if asked.isascii() and asked.isdigit():
        return _position(ledger, asked, head, zone)
    mark = _MARK.match(asked)
    if mark is not None:
        return _marked(ledger, asked.partition(":")[0], mark["mark"], zone)
    if _DAY.match(asked):
        day = _date(asked, "as_of")
        if end_of_day(day, zone) > head.now:
            raise BasisIsUnknown(
                f"The day {asked} has not ended yet, so what the ledger is told by its end is not known. Leave out "
                "as_of for the present.",
                field="as_of",
            )
        return _at(ledger, end_of_day(day, zone), asked, day), day
    try:
        instant = datetime.fromisoformat(asked)
    except ValueError:
        plus = "In an address the sign + is written %2B. " if _LOST_PLUS.search(asked) else ""
        raise BasisIsUnknown(
            f"as_of cannot be read: {asked[:60]}. {plus}{_FORMS}", field="as_of", unreadable=True
        ) from None
    if instant.tzinfo is None:
        raise BasisIsUnknown(
            "This instant has no offset; write it as 2026-08-15T17:00:00Z.", field="as_of", unreadable=True
        )
    day = day_of(instant, zone)
    return _at(ledger, instant, asked, day), day


def _position(ledger: LedgerToAsk, asked: str, head: Any, zone: ZoneInfo) -> tuple[int, date]:
    position = int(asked) if len(asked) <= 18 else 10**18
    if not 1 <= position <= head.position:
        raise BasisIsUnknown(
            f"There is no position {asked[:20]}; the ledger holds the positions 1 to {head.position}.",
            field="as_of",
        )
    entry = ledger.entry(position)
    if entry is None:
        raise BasisIsUnknown(f"No entry stands at position {position}.", field="as_of")
    return position, day_of(entry.recorded_at, zone)


def _at(ledger: LedgerToAsk, instant: datetime, asked: str, day: date) -> int:
    """Return the position of an instant, final for ever."""
    try:
        position = ledger.position_at(instant)
    except LiesInTheFuture:
        raise BasisIsUnknown(
            f"{asked} lies in the future; the ledger has not been told yet.", field="as_of"
        ) from None
    if position == 0:
        raise BasisIsUnknown(
            f"{asked} lies before this ledger's first entry: it had been told nothing then. For what was true then, "
            f"as known now, use effective_at={day.isoformat()}.",
            field="as_of",
        )
    return position


def _marked(ledger: LedgerToAsk, key: str, mark: str, zone: ZoneInfo) -> tuple[int, date]:
    """Return the position and the day of a mark: the first commit-by, the opening not voided, the first closing."""
    if mark not in MARKS:
        raise BasisIsUnknown(
            f"{mark} is not a mark; the marks are {', '.join(MARKS)}.", field="as_of", unreadable=True
        )
    entries = ledger.read_stream(f"cycle:{key}")
    if not entries:
        raise BasisIsUnknown(f"The cycle {key} is not in this ledger.", field="as_of")
    if mark == "commit-by":
        planned = next(entry for entry in entries if entry.name == "cycle.planned")
        day = date.fromisoformat(orjson.loads(planned.data)["body"]["commit_by"])
        position = _at(ledger, end_of_day(day, zone), f"{key}:{mark} ({day.isoformat()})", day)
        return position, day
    voided = {
        orjson.loads(entry.data)["body"]["opening"]
        for entry in entries
        if entry.name == "cycle.opening_voided"
    }
    name = f"cycle.{mark}"
    found = next((entry for entry in entries if entry.name == name and entry.position not in voided), None)
    if found is None:
        raise BasisIsUnknown(f"The cycle {key} has not been {mark}.", field="as_of")
    return found.position, day_of(found.recorded_at, zone)


def _day(effective_at: str | date, latest: date) -> date:
    day = effective_at if isinstance(effective_at, date) else _date(effective_at.strip(), "effective_at")
    if isinstance(day, datetime) or day > latest:
        raise BasisIsUnknown(
            f"effective_at is a day up to {latest.isoformat()}; nothing in the ledger lies in the future.",
            field="effective_at",
        )
    return day


def _date(text: str, field: str) -> date:
    try:
        if not _DAY.match(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise BasisIsUnknown(
            f"{field} cannot be read: {text[:60]}. A day is written 2026-08-15.", field=field, unreadable=True
        ) from None
    if not date(1, 1, 3) <= day <= date(9999, 12, 1) - timedelta(days=1):
        raise BasisIsUnknown(f"{field} is out of range: {text}.", field=field, unreadable=True)
    return day
