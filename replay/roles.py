"""Who held which roles, who was in which team: the past shows its own, whatever decides about access today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import orjson

from aggregates.person.events import RoleGranted, RoleRevoked
from aggregates.team.events import MemberAdded, MemberRemoved
from aggregates.values import day_of
from ledger.codec import RawEntry


class LedgerWithRoles(Protocol):
    """What the roles need of a ledger."""

    @property
    def zone(self) -> ZoneInfo: ...
    def read_names(self, streams: Sequence[str], names: Sequence[str], until: int) -> list[RawEntry]: ...


def roles_at(
    ledger: LedgerWithRoles, actors: Sequence[str], position: int, effective_on: date | None
) -> dict[str, list[str]]:
    """Return the roles that each of these actors held, as known at a position, at the end of a day (None: now)."""
    names = (RoleGranted.stored_name, RoleRevoked.stored_name)
    return _held(ledger, actors, names, "role", position, effective_on)


def members_at(
    ledger: LedgerWithRoles, teams: Sequence[str], position: int, effective_on: date | None
) -> dict[str, list[str]]:
    """Return the members that each of these teams had, as known at a position, at the end of a day (None: now)."""
    names = (MemberAdded.stored_name, MemberRemoved.stored_name)
    return _held(ledger, teams, names, "person", position, effective_on)


def _held(
    ledger: LedgerWithRoles,
    streams: Sequence[str],
    names: tuple[str, str],
    member: str,
    position: int,
    effective_on: date | None,
) -> dict[str, list[str]]:
    held: dict[str, set[str]] = {stream: set() for stream in streams}
    given, _ = names
    for raw in ledger.read_names(streams, names, position):
        data = orjson.loads(raw.data)
        moment = datetime.fromisoformat(data["effective_at"]) if "effective_at" in data else raw.recorded_at
        if effective_on is not None and day_of(moment, ledger.zone) > effective_on:
            continue
        if raw.name == given:
            held[raw.stream].add(data["body"][member])
        else:
            held[raw.stream].discard(data["body"][member])
    return {stream: sorted(found) for stream, found in held.items()}
