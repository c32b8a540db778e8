"""A rehearsal: a ledger in memory with a clock set by hand, which runs the same commands through the same rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aggregates.command import Command
from aggregates.cycle.state import Cycle
from aggregates.decide import decide
from aggregates.decision.state import Decision
from aggregates.entry import Circumstances, Entry, Occasion, Recorded
from aggregates.evolve import EVOLVE
from aggregates.objective.state import Objective
from aggregates.organisation.decide import found
from aggregates.organisation.state import Organisation
from aggregates.person.state import Person, Service
from aggregates.policy import DEFAULT_POLICY, Policy
from aggregates.team.state import Team
from ledger.codec import RawEntry, decode, encode, export_line

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RehearsalReceipt:
    """Where a command's entries stand: their positions, the time of the last, and the streams written."""

    positions: tuple[int, ...]
    recorded_at: datetime
    streams: dict[str, int]

    @property
    def position(self) -> int:
        """Return the position of the last entry."""
        return self.positions[-1]

    @property
    def first_position(self) -> int:
        """Return the position of the first entry."""
        return self.positions[0]


class RehearsalWorld:
    """The present state of every stream of a rehearsal."""

    def __init__(self, entries: list[RawEntry]) -> None:
        self.states: dict[str, Any] = {}
        self._entries = entries
        self.superseded: dict[int, int] = {}

    def organisation(self) -> Organisation:
        """Return the organisation."""
        return self.states["organisation"]  # type: ignore[no-any-return]

    def person(self, person: UUID) -> Person | None:
        """Return a person."""
        return self.states.get(f"person:{person}")

    def service(self, service: UUID) -> Service | None:
        """Return a service."""
        return self.states.get(f"service:{service}")

    def team(self, team: UUID) -> Team | None:
        """Return a team."""
        return self.states.get(f"team:{team}")

    def cycle(self, key: str) -> Cycle | None:
        """Return a cycle."""
        return self.states.get(f"cycle:{key}")

    def objective(self, objective: UUID) -> Objective | None:
        """Return an objective."""
        return self.states.get(f"objective:{objective}")

    def decision(self, decision: UUID) -> Decision | None:
        """Return a decision."""
        return self.states.get(f"decision:{decision}")

    def entry(self, position: int) -> Entry | None:
        """Return the entry at this position."""
        if not 1 <= position <= len(self._entries):
            return None
        return decode(self._entries[position - 1])

    def superseded_by(self, position: int) -> int | None:
        """Return the position of the entry that supersedes this one."""
        return self.superseded.get(position)

    def teams_of(self, person: UUID) -> Collection[UUID]:
        """Return every team that a person is a member of."""
        teams = [state for state in self.states.values() if isinstance(state, Team)]
        return [UUID(team.stream.partition(":")[2]) for team in teams if person in team.members]

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives that are not shown to everyone."""
        states = {one: self.objective(one) for one in objectives}
        return [one for one, state in states.items() if state is not None and state.is_restricted]


class Rehearsal:
    """A ledger in memory: positions without gaps, recorded_at strictly increasing, the bytes of a real ledger.

    `random` makes identifiers; the same random generator and the same commands give the same bytes. It begins as
    a real ledger does: created, first policy, first steward.
    """

    def __init__(
        self,
        ledger_id: UUID,
        organisation: str,
        zone: str,
        start: datetime,
        *,
        random: Random,
        steward: UUID | None = None,
        policy: Policy = DEFAULT_POLICY,
        demonstration: bool = False,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.now = start.astimezone(UTC)
        self.entries: list[RawEntry] = []
        self.world = RehearsalWorld(self.entries)
        self._random = random
        self._references: dict[str, int] = {}
        self.steward = steward or self.new_id()
        first = found(ledger_id, organisation, zone, self.steward, policy=policy, demonstration=demonstration)
        self._append(first, f"person:{self.steward}", None)

    @property
    def position(self) -> int:
        """Return the position of the last entry."""
        return len(self.entries)

    def at(self, instant: datetime) -> Rehearsal:
        """Set the clock; it only goes forward.

        Raises:
            ValueError: the instant lies before the clock.
        """
        if instant < self.now:
            raise ValueError(f"The clock stands at {self.now}; it cannot go back to {instant}.")
        self.now = instant.astimezone(UTC)
        return self

    def new_id(self) -> UUID:
        """Return an identifier in the shape of a UUIDv7 of the set clock."""
        milliseconds = (self.now - _EPOCH) // timedelta(milliseconds=1)
        chance = self._random.getrandbits(74)
        high, low = chance >> 62, chance & ((1 << 62) - 1)
        return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)

    def next_reference(self, kind: str) -> str:
        """Return the next reference of this kind, such as `OBJ-142`."""
        self._references[kind] = self._references.get(kind, 0) + 1
        return f"{kind}-{self._references[kind]}"

    def do(
        self,
        command: Command,
        *,
        by: UUID | str | None = None,
        on_behalf_of: str | None = None,
        imported: bool = False,
        accept_faults: bool = False,
    ) -> RehearsalReceipt:
        """Decide a command and record what it gives; without `by` the first steward asks.

        `by` is a person, or an actor such as `service:<uuid>`.

        Raises:
            Refusal: the command was refused, and nothing was recorded.
        """
        actor = by if isinstance(by, str) else f"person:{by or self.steward}"
        occasion = Occasion(
            by=actor,
            at=self.now,
            zone=self.zone,
            on_behalf_of=on_behalf_of,
            imported=imported,
            accept_faults=accept_faults,
        )
        return self._append(decide(self.world, command, occasion), actor, on_behalf_of)

    def lines(self) -> Iterator[bytes]:
        """Yield the native lines, without line breaks."""
        return (export_line(raw) for raw in self.entries)

    def _append(self, recorded: Sequence[Recorded], by: str, on_behalf_of: str | None) -> RehearsalReceipt:
        """Record events of one append: numbered, one microsecond apart, encoded, and folded into the states."""
        states, first, request = self.world.states, len(self.entries) + 1, self.new_id()
        streams: dict[str, int] = {}
        for record in recorded:
            stream, event = record.stream, record.event
            before = states.get(stream)
            version = 1 if before is None else before.version + 1
            circumstances = Circumstances(
                by=by,
                request=request,
                on_behalf_of=on_behalf_of,
                effective_at=record.effective_at,
                reason=record.reason,
                decision=record.decision,
                source=record.source,
                supersedes=record.supersedes,
            )
            position = len(self.entries) + 1
            data = encode(stream, version, circumstances, event)
            entry = Entry(position, self.now, stream, version, circumstances, event)
            states[stream] = EVOLVE[stream.partition(":")[0]](before, entry)
            self.entries.append(RawEntry(position, self.now, stream, version, event.stored_name, data))
            if record.supersedes is not None:
                self.world.superseded[record.supersedes] = position
            streams[stream] = version
            self.now += _MICROSECOND
        positions = tuple(range(first, len(self.entries) + 1))
        return RehearsalReceipt(positions, self.entries[-1].recorded_at, streams)
