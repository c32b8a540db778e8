"""The script of the demonstration: who asks for what at which moment; played later, in the order of the clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from api.demonstration.calendar import instant
from api.demonstration.people import ZONE

_STEP = timedelta(seconds=41)


@dataclass(frozen=True, slots=True)
class NextReference:
    """The next reference of a kind, given when the act is played."""

    kind: str


@dataclass(frozen=True, slots=True)
class PositionOf:
    """The position of what an earlier act recorded: the entry of this stored name, else its first."""

    label: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Personal:
    """A text that is sealed with its author's key when the act is played."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """One command of one person at one moment."""

    at: datetime
    by: str
    command: str
    fields: Mapping[str, Any]
    label: str | None = None


@dataclass
class Script:
    """The acts collected so far, and the identifiers that they share; the same seed makes the same script."""

    seed: int
    acts: list[Act] = field(default_factory=list)
    _identifiers: dict[tuple[str, str], UUID] = field(default_factory=dict)
    _taken: set[datetime] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 (an invented company needs no secrets)

    def identifier(self, kind: str, name: str, at: datetime | None = None) -> UUID:
        """Return the identifier of a named thing; made from this moment when it is first asked for."""
        known = self._identifiers.get((kind, name))
        if known is None:
            if at is None:
                raise KeyError(f"{kind} {name} is used before it is made")
            known = self._identifiers[kind, name] = uuid7(at, self.random)
        return known

    def person(self, handle: str) -> UUID:
        """Return the identifier of a person."""
        return self.identifier("person", handle)

    def known(self, kind: str, name: str) -> bool:
        """Return whether this thing has been made."""
        return (kind, name) in self._identifiers

    def moment(self, day: date, clock: str) -> datetime:
        """Return a moment of a day that no other act has taken: the first free one after this time of the clock."""
        at = instant(day, clock, ZONE)
        while at in self._taken:
            at += _STEP
        self._taken.add(at)
        return at

    def act(self, at: datetime, by: str, command: str, label: str | None = None, **fields: Any) -> None:
        """Add an act."""
        self.acts.append(
            Act(at, by, command, {key: value for key, value in fields.items() if value is not None}, label)
        )

    def until(self, last: datetime) -> list[Act]:
        """Return the acts up to a moment, in the order of the clock."""
        return sorted((act for act in self.acts if act.at <= last), key=lambda act: act.at)


def uuid7(at: datetime, source: random.Random) -> UUID:
    """Return an identifier that sorts by this moment (RFC 9562, version 7)."""
    milliseconds = int(at.timestamp() * 1000)
    number = milliseconds << 80 | source.getrandbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=number)


def resolve(value: Any, answer: Callable[[Any], Any]) -> Any:
    """Return a field's value with every placeholder in it replaced by its answer."""
    if isinstance(value, NextReference | PositionOf | Personal):
        return answer(value)
    if isinstance(value, Mapping):
        return {key: resolve(inner, answer) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(inner, answer) for inner in value]
    return value
