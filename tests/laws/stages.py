"""Where a play is given: in a rehearsal, whose clock is set by hand, or on a real ledger at the real time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from aggregates.command import Command
from ledger.rehearsal import Rehearsal


@dataclass(frozen=True)
class Asked:
    """A command with the occasion on which it is given; `keywords` are those of `execute` and of `Rehearsal.do`."""

    command: Command
    by: str
    keywords: dict[str, Any] = field(default_factory=dict)


class Stage(Protocol):
    """Where a play is given: a rehearsal, or a ledger."""

    def world(self) -> Any: ...
    def now(self) -> datetime: ...
    def zone(self) -> Any: ...
    def new_id(self) -> UUID: ...
    def next_reference(self, kind: str) -> str: ...
    def names(self) -> list[tuple[int, str]]: ...
    def wait(self, time: timedelta) -> None: ...
    def do(self, asked: Asked) -> Any: ...


class RehearsalStage:
    """A rehearsal, whose clock goes on between the steps unless it is told to stand."""

    def __init__(self, rehearsal: Rehearsal, *, stands: bool = False) -> None:
        self.rehearsal = rehearsal
        self._stands = stands

    def world(self) -> Any:
        return self.rehearsal.world

    def now(self) -> datetime:
        return self.rehearsal.now

    def zone(self) -> Any:
        return self.rehearsal.zone

    def new_id(self) -> UUID:
        return self.rehearsal.new_id()

    def next_reference(self, kind: str) -> str:
        return self.rehearsal.next_reference(kind)

    def names(self) -> list[tuple[int, str]]:
        return [(raw.position, raw.name) for raw in self.rehearsal.entries]

    def wait(self, time: timedelta) -> None:
        if not self._stands:
            self.rehearsal.at(self.rehearsal.now + time)

    def do(self, asked: Asked) -> Any:
        return self.rehearsal.do(asked.command, by=asked.by, **asked.keywords)


class LedgerStage:
    """A real ledger at the real time; a command goes through `ledger.execute`."""

    def __init__(
        self, ledger: Any, decide: Callable[..., Any], *, key: Callable[[], Any] = lambda: None
    ) -> None:
        self.ledger = ledger
        self._decide = decide
        self._key = key

    def world(self) -> Any:
        return self.ledger.world()

    def now(self) -> datetime:
        now: datetime = self.ledger.head().now
        return now

    def zone(self) -> Any:
        return self.ledger.zone

    def new_id(self) -> UUID:
        identifier: UUID = self.ledger.new_id()
        return identifier

    def next_reference(self, kind: str) -> str:
        return str(self.ledger.next_reference(kind))

    def names(self) -> list[tuple[int, str]]:
        last = self.ledger.head().position
        return [(raw.position, raw.name) for raw in self.ledger.read_page(max(0, last - 60), 60)]

    def wait(self, time: timedelta) -> None:
        """The time of a real ledger passes by itself."""

    def do(self, asked: Asked) -> Any:
        return self.ledger.execute(
            asked.command, self._decide, by=asked.by, idempotency=self._key(), **asked.keywords
        )
