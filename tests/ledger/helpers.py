"""Small things that the tests of the ledger say often."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg

from aggregates.entry import Circumstances, Event, Occasion, Recorded, stream_of
from aggregates.team.events import TeamFormed, TeamRenamed
from ledger.appends import Appends
from ledger.codec import encode
from ledger.identifiers import new_id
from ledger.library import EntryRecorder
from ledger.store import Ledger

Decide = Callable[[Any, Any, Occasion], Sequence[Recorded]]


def team_of(team: UUID) -> str:
    return stream_of("team", team)


def forming(team: UUID, **circumstances: Any) -> Decide:
    """Decide that a team is formed, or renamed where it is already there."""

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        event: Event = TeamFormed(name=command) if world.team(team) is None else TeamRenamed(name=command)
        return [Recorded(team_of(team), event, **circumstances)]

    return decide


def stored(
    by: str,
    stream: str | None = None,
    version: int = 1,
    event: Event | None = None,
    *,
    effective_at: date | datetime | None = None,
) -> bytes:
    """The bytes of one entry."""
    return encode(
        stream or team_of(new_id()),
        version,
        Circumstances(by=by, request=new_id(), effective_at=effective_at),
        event or TeamFormed(name="Platform"),
    )


@contextmanager
def held_head(ledger: Ledger) -> Iterator[Any]:
    """Hold the head's lock in another session, as an append does before it commits."""
    with psycopg.connect(ledger.place.owner_url) as holder:
        holder.execute(f"select from {ledger.schema}.head for update")
        yield holder
        holder.rollback()


def appends_of(ledger: Ledger) -> Appends:
    """The appends of a program, which take turns."""
    recorder = ledger._application.recorder
    assert isinstance(recorder, EntryRecorder)
    return recorder.appends
