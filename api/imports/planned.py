"""What an import plans: the commands to come, with the rows that they come from, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from aggregates.command import Command
from aggregates.cycle.events import CycleKind
from aggregates.snapshots.page import SourceVersion
from aggregates.world import World

Build = Callable[[World, Callable[[str], str]], Command]
"""Makes the command when its turn comes, from the present states and the next reference of a kind."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The cycle of a series; its dates are parameters, the source does not say them."""

    key: str
    name: str
    kind: CycleKind


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns what: `of` maps the assignees of a row to one person, `objectives` is who owns the objectives.

    Without `objectives` the author of the version that brought an objective owns it, according to the source.
    """

    of: Callable[[tuple[str, ...]], UUID | None]
    author: Callable[[str], UUID | None]
    alias: Callable[[str], UUID | None]
    objectives: UUID | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing to record: the row it comes from, in words, and how its command is made."""

    row: str
    version: SourceVersion | None
    words: str
    build: Build
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Something of the source that is not recorded: where it stands, the original, and why."""

    version: SourceVersion | None
    line: int
    title: str
    original: str
    why: str


@dataclass
class Plan:
    """What would be recorded, and what is left out with its reason."""

    planned: list[Planned] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def identifier(ledger: UUID, source: str, cycle: str, key: str, instant: datetime) -> UUID:
    """Return the identifier of a source's item: always the same for the same ledger, source, cycle and key.

    It has the form of a version 7 identifier with the source's time, so that it sorts by time.
    """
    begin, head = _head(ledger, source, cycle, instant)
    digest = sha256(f"{begin}{key}".encode()).digest()
    number = head | int.from_bytes(digest[:10], "big")
    number = number & ~(0xF000 << 64) | 0x7000 << 64
    return UUID(int=number & ~(0xC000 << 48) | 0x8000 << 48)


@lru_cache(maxsize=100)
def _head(ledger: UUID, source: str, cycle: str, instant: datetime) -> tuple[str, int]:
    """Return what the identifiers of a source share."""
    millis = int(instant.timestamp() * 1000) & (2**48 - 1)
    return f"{ledger}|{source}|{cycle}|", millis << 80
