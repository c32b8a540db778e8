"""The world of one decision: the states it asks for, and the version of everything that it looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aggregates.entry import ORGANISATION, Entry, stream_of
from ledger.codec import RawEntry, decode
from ledger.library import COLUMNS, Known, Loaded
from ledger.place import Connections
from ledger.states import States


class LedgerWorld:
    """What a decision may look at, loaded when it is asked for; implements `aggregates.world.World`.

    `looked` maps every stream that was asked for to the version that was seen, 0 where the stream is absent. Within a
    group of commands the events decided so far are part of the world: `absorb` adds them. `before` is the world of a
    group that is on its way into the database: what it left is seen here as if it was recorded.
    """

    def __init__(self, states: States, connections: Connections, before: LedgerWorld | None = None) -> None:
        self._states = states
        self._before: LedgerWorld | None = before
        if before is not None:
            before._before = None  # which was recorded before that group was sent
        self._connections = connections
        self._seen: dict[str, Loaded] = {}
        self._absorbed: dict[int, Entry] = {}
        self._entries: dict[int, Entry | None] = {}
        self.looked: dict[str, int] = {}
        self._expected: tuple[int, datetime, timedelta] | None = None
        self._laid: dict[int, tuple[Entry, Any, Any]] = {}
        home, position = connections.pool.home, states.position  # in this order, see `Pool`
        self.known: Known = (home, position) if before is None else (before.known[0], None)
        """Where every state looked at here was heard, and a position that it has followed the ledger to, or further."""

    def state(self, stream: str) -> Any:
        """Return the state of any stream, or None where it is absent."""
        return (self._seen.get(stream) or self._load(stream)).state

    def version(self, stream: str) -> int:
        """Return the version of any stream, what was absorbed included."""
        return self._load(stream).version

    def organisation(self) -> Any:
        """Return the state of the organisation."""
        return self.state(ORGANISATION)

    def person(self, person: UUID) -> Any:
        """Return the state of a person, or None."""
        return self.state(stream_of("person", person))

    def service(self, service: UUID) -> Any:
        """Return the state of a service, or None."""
        return self.state(stream_of("service", service))

    def team(self, team: UUID) -> Any:
        """Return the state of a team, or None."""
        return self.state(stream_of("team", team))

    def cycle(self, key: str) -> Any:
        """Return the state of a cycle, or None."""
        return self.state(stream_of("cycle", key))

    def objective(self, objective: UUID) -> Any:
        """Return the state of an objective, or None."""
        stream = stream_of("objective", objective)
        return (self._seen.get(stream) or self._load(stream)).state

    def decision(self, decision: UUID) -> Any:
        """Return the state of a decision, or None."""
        return self.state(stream_of("decision", decision))

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None."""
        absorbed = self._absorbed.get(position) or (self._before and self._before._absorbed.get(position))
        if absorbed:
            return absorbed
        if position not in self._entries:
            with self._connections.use() as connection:
                row = connection.execute(
                    f"select {COLUMNS} from entries where position = %s",  # noqa: S608
                    [position],
                    binary=True,
                ).fetchone()
            self._entries[position] = decode(RawEntry(*row)) if row else None
        return self._entries[position]

    def superseded_by(self, position: int) -> int | None:
        """Return the position of the entry that supersedes this one, or None.

        An amendment stands on the stream of what it supersedes, so looking at that stream guards the answer.
        """
        entry = self.entry(position)
        if entry is None:
            return None
        self._load(entry.stream)
        for absorbed in self._foreseen():
            if absorbed.circumstances.supersedes == position:
                return absorbed.position
        with self._connections.use() as connection:
            row = connection.execute(
                "select position from entries where supersedes = %s", [position]
            ).fetchone()
        return row[0] if row else None

    def teams_of(self, person: UUID) -> Collection[UUID]:
        """Return every team that a person was ever added to; looking at the team itself guards the answer."""
        wanted = f'"person":"{person}"'.encode()
        with self._connections.use() as connection:
            rows = connection.execute(
                "select stream from entries where name = 'team.member_added' and position(%b in data) > 0",
                [wanted],
            ).fetchall()
        added = {stream for (stream,) in rows}
        for entry in self._foreseen():
            if getattr(entry.event, "person", None) == person and entry.stream.startswith("team:"):
                added.add(entry.stream)
        return {UUID(stream.partition(":")[2]) for stream in added}

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives whose visibility was ever set; looking at one guards the answer."""
        streams = [stream_of("objective", one) for one in objectives]
        with self._connections.use() as connection:
            rows = connection.execute(
                "select distinct stream from entries where name = 'objective.visibility_set' and stream = any (%s)",
                [streams],
            ).fetchall()
        found = {stream for (stream,) in rows}
        for entry in self._foreseen():
            if entry.event.stored_name == "objective.visibility_set" and entry.stream in streams:
                found.add(entry.stream)
        return {UUID(stream.partition(":")[2]) for stream in found}

    @property
    def is_elsewhere(self) -> bool:
        """Return whether connections go elsewhere than when this began: what was looked at may be another history's."""
        return self.known[0] != self._connections.pool.home

    def expect(self, position: int, at: datetime, step: timedelta) -> None:
        """Say where the events that are decided next will stand: the first one's place, and the time between two."""
        self._expected = (position, at, step)
        self._laid.clear()

    @property
    def expects(self) -> bool:
        """Return whether it is foreseen where the events that are decided next will stand."""
        return self._expected is not None

    def place(self, number: int) -> tuple[int, datetime]:
        """Return position and time of the event of this number (counted from 1) among those that are decided next."""
        assert self._expected is not None  # noqa: S101 (asked only where `expects`)
        position, at, step = self._expected
        return position + number - 1, at + (number - 1) * step

    def lay(self, entry: Entry, before: Any, after: Any) -> None:
        """Keep what an event that was just decided makes of a state: it need not be found out again to absorb it."""
        self._laid[entry.position] = (entry, before, after)

    def absorb(self, entries: list[Entry]) -> None:
        """Make decided events part of the world, at the positions that they will have if nobody comes between."""
        for entry in entries:
            loaded = self._load(entry.stream)
            laid = self._laid.get(entry.position)
            if laid is not None and laid[1] is loaded.state and _is_same(laid[0], entry):
                self._seen[entry.stream] = Loaded(entry.stream, entry.version, laid[2])
            else:
                self._seen[entry.stream] = self._states.evolve(loaded, entry)
            self._absorbed[entry.position] = entry

    def has_absorbed(self, position: int | None) -> bool:
        """Return whether the entry at this position is decided and not known to be recorded yet."""
        return position in self._absorbed or (self._before is not None and position in self._before._absorbed)

    def has_seen(self, stream: str) -> bool:
        """Return whether the state of a stream was asked for."""
        return stream in self._seen

    def look_away(self, looked: int) -> None:
        """Forget that more was looked at than the first streams, as many as this."""
        for stream in list(self.looked)[looked:]:
            del self.looked[stream]

    def loaded(self, stream: str) -> Loaded:
        """Return the state of a stream with its version."""
        return self._load(stream)

    def _foreseen(self) -> Iterator[Entry]:
        """Give the entries that are decided and not known to be recorded yet."""
        if self._before is not None:
            yield from self._before._absorbed.values()
        yield from self._absorbed.values()

    def _load(self, stream: str) -> Loaded:
        seen = self._seen.get(stream)
        if seen is None:
            seen = self._before._seen.get(stream) if self._before is not None else None
            seen = self._seen[stream] = seen or self._states.get(stream)
            self.looked[stream] = seen.version
        return seen


def _is_same(laid: Entry, entry: Entry) -> bool:
    """Return whether two entries say the same to the state of their stream."""
    told, tells = laid.circumstances, entry.circumstances
    return (
        laid.event is entry.event
        and (laid.recorded_at, laid.stream, laid.version) == (entry.recorded_at, entry.stream, entry.version)
        and (told.effective_at, told.supersedes, told.by) == (tells.effective_at, tells.supersedes, tells.by)
    )
