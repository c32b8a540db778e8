"""Who held which roles at a basis: the past shows the roles of the past, whatever decides about access today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import orjson

from aggregates.person.events import RoleGranted, RoleRevoked
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
    held: dict[str, set[str]] = {actor: set() for actor in actors}
    names = (RoleGranted.stored_name, RoleRevoked.stored_name)
    for raw in ledger.read_names(actors, names, position):
        data = orjson.loads(raw.data)
        moment = datetime.fromisoformat(data["effective_at"]) if "effective_at" in data else raw.recorded_at
        if effective_on is not None and day_of(moment, ledger.zone) > effective_on:
            continue
        role = data["body"]["role"]
        if raw.name == RoleGranted.stored_name:
            held[raw.stream].add(role)
        else:
            held[raw.stream].discard(role)
    return {actor: sorted(roles) for actor, roles in held.items()}
