"""What somebody may see, by the rights at the ledger's present end: the set of objectives that are hidden from them.

The past is read by today's rights as well, so there is one set for all positions. It is kept until an entry about
rights, people, teams or a restricted objective moves it; two readers with the same set share their answers.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from aggregates.access import (
    ALL_SCOPES,
    READER,
    Actor,
    Scope,
    Shown,
    is_meant,
    lets,
    roles_that_do,
    scopes_that_do,
    sees,
)
from aggregates.refusals import ActionIsNotAllowed
from aggregates.sight import actor_in, shown_of
from aggregates.world import World
from ledger.codec import RawEntry

MOST_READ: Final = 2_000
"""Entries that a set follows; further behind it is made anew."""
MOST_ACTORS: Final = 10_000
LATELY_SECONDS: Final = 1.0
"""How old a set may be where only a name is looked up: the rules look at the present."""
_NOW: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""After everything: presence never lies in the future, so the latest counts."""
_LINKS: Final = ("objective.decision_linked", "objective.drafted")


class Pages(Protocol):
    """What the sets follow the ledger by."""

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]: ...


class LedgerWithRights(Pages, Protocol):
    """What the sets need of a ledger."""

    def world(self) -> World: ...
    def head(self) -> Any: ...
    def read_names(self, streams: Sequence[str], names: Sequence[str], until: int) -> list[RawEntry]: ...
    def restricted(self) -> list[UUID]: ...


@dataclass(frozen=True, slots=True)
class Restricted:
    """An objective that is not for everyone: to whom it is shown, and every identifier that speaks of it."""

    shown: Shown
    decisions: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one actor sees.

    `hidden` are the objectives that they do not see, `decisions` those that touch one, `names` the identifiers of both
    and of the key results; `office` are the identifiers of objectives that they see only as steward or auditor;
    `digest` names all of what is hidden: whoever has the same sees the same.
    """

    actor: Actor | None
    hidden: frozenset[str] = frozenset()
    decisions: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    office: frozenset[str] = frozenset()
    digest: str = "all"

    def check(self, action: str, *, own: bool = False) -> None:
        """Refuse an action that this actor may not take, whatever it touches. Raises ActionIsNotAllowed.

        With `own` it is refused only where it may not be taken on what is the actor's own either.
        """
        actor = self.check_presence()
        if lets(actor, action, own=own):
            return
        if action == "read" and not actor.roles:
            raise ActionIsNotAllowed("Reading needs a role; ask a steward for one.")
        if lets(Actor(actor.name, actor.roles), action, own=own):
            raise ActionIsNotAllowed(scopes_that_do(action))
        raise ActionIsNotAllowed(roles_that_do(action))

    def check_presence(self) -> Actor:
        """Return whoever asks; refuse who is not in the ledger or not here now. Raises ActionIsNotAllowed."""
        if self.actor is None:
            raise ActionIsNotAllowed("Whoever asks is not in the ledger.")
        if not self.actor.is_here:
            raise ActionIsNotAllowed("Whoever asks is not with the organisation now.")
        return self.actor

    def may(self, action: str, *, own: bool = False) -> bool:
        """Return whether this actor may take an action, whatever it touches, or `own`: on what is their own."""
        return self.actor is not None and lets(self.actor, action, own=own)

    def hides(self, stream: str) -> bool:
        """Return whether a stream, such as `objective:0193…`, is hidden."""
        return stream.rpartition(":")[2] in self.names


EVERYTHING: Final = Sight(None)
"""What the house itself sees: verify, figures, tests."""


class Sights:
    """The sets of one ledger, kept level with its end; safe for threads."""

    def __init__(self, ledger: LedgerWithRights, pages: Pages | None = None) -> None:
        """Follow a ledger, by its own pages unless others are given."""
        self._ledger = ledger
        self._pages = pages or ledger
        self._guard = threading.Lock()
        self._position: int | None = None
        self._restricted: dict[UUID, Restricted] = {}
        self._actors: dict[tuple[str, frozenset[Scope]], Sight] = {}
        self._looked = 0.0
        self.restricted: frozenset[str] = frozenset()
        """The identifiers of everything that is not for everyone."""
        self.digest = _digest(self.restricted)
        """The name of that set: what is read by office only, and so is noted, is the same under the same one."""

    def now(self, name: str, scopes: frozenset[Scope] = ALL_SCOPES) -> Sight:
        """Return what somebody sees now."""
        return self.of(name, self._ledger.head().position, scopes)

    def lately(self, name: str, scopes: frozenset[Scope] = ALL_SCOPES) -> Sight:
        """Return what somebody saw within the last second."""
        head = self._position
        if head is None or time.monotonic() - self._looked > LATELY_SECONDS:
            head = self._ledger.head().position
            self._looked = time.monotonic()
        return self.of(name, head, scopes)

    def of(self, name: str, head: int, scopes: frozenset[Scope] = ALL_SCOPES) -> Sight:
        """Return what `person:…` or `service:…` sees at the ledger's end; an empty name is that of any reader.

        Somebody else may have brought the rights further meanwhile: a later end than `head` will do as well.
        """
        with self._guard:
            if self._position is None or head > self._position:
                self._follow(head)
            kept = self._actors.get((name, scopes))
            if kept is None:
                if len(self._actors) >= MOST_ACTORS:
                    self._actors.clear()
                kept = self._actors[name, scopes] = self._of(name, scopes)
            return kept

    def follow(self, head: int) -> None:
        """Bring the rights up to the ledger's end."""
        with self._guard:
            if self._position is None or head > self._position:
                self._follow(head)

    def reaches(self, head: int) -> bool:
        """Return whether the rights of this end are known; takes no lock."""
        return self._position is not None and self._position >= head

    def known(self, name: str, head: int, scopes: frozenset[Scope] = ALL_SCOPES) -> Sight | None:
        """Return what somebody sees at this end where it is known already: no lock, no question to the database."""
        reached = self._position
        return self._actors.get((name, scopes)) if reached is not None and reached >= head else None

    def _of(self, name: str, scopes: frozenset[Scope]) -> Sight:
        actor: Actor | None = Actor("", frozenset({READER}), scopes=scopes)
        if name:
            actor = actor_in(self._ledger.world(), name, _NOW, scopes)
        if actor is None:
            return Sight(None, *_everything(self._restricted))
        dark = {one: fact for one, fact in self._restricted.items() if not sees(actor, fact.shown)}
        office = [
            fact.names for one, fact in self._restricted.items()
            if one not in dark and not is_meant(actor, fact.shown)
        ]  # fmt: skip
        hidden, decisions, names = _everything(dark)
        return Sight(actor, hidden, decisions, names, frozenset().union(*office), _digest(names))

    def _follow(self, head: int) -> None:
        """Bring what is kept level with a position."""
        rows: list[RawEntry] = []
        if self._position is not None and head > self._position:
            rows = self._pages.read_page(self._position, MOST_READ, head)
        if self._position is None or len(rows) >= MOST_READ:
            self._actors.clear()
            self._restricted = self._read(self._ledger.restricted(), head)
        else:
            self._take(rows, head)
        restricted = _everything(self._restricted)[2]
        if restricted != self.restricted:
            self.restricted, self.digest = restricted, _digest(restricted)
        self._position = head

    def _take(self, rows: Iterable[RawEntry], head: int) -> None:
        touched: set[UUID] = set()
        people = False
        for row in rows:
            kind, _, name = row.stream.partition(":")
            if kind in ("person", "service", "team"):
                people = True
            elif kind == "objective" and (
                row.name == "objective.visibility_set" or UUID(name) in self._restricted
            ):
                touched.add(UUID(name))
        if people:
            touched |= self._restricted.keys()
        if people or touched:
            found = self._read(touched, head)  # where that fails, nothing is forgotten
            self._actors.clear()
            for one in touched:
                self._restricted.pop(one, None)
            self._restricted.update(found)

    def _read(self, objectives: Iterable[UUID], head: int) -> dict[UUID, Restricted]:
        """Return those of these objectives that are not for everyone now."""
        world = self._ledger.world()
        found = {one: world.objective(one) for one in objectives}
        states = {one: state for one, state in found.items() if state is not None and state.is_restricted}
        decisions: dict[str, set[str]] = {}
        if states:
            for row in self._ledger.read_names([one.stream for one in states.values()], _LINKS, head):
                decision = _decision_of(row, world)
                if decision is not None:
                    decisions.setdefault(row.stream, set()).add(decision)
        return {
            one: Restricted(
                shown_of(world, state, _NOW),
                linked := frozenset(decisions.get(state.stream, ())),
                frozenset({str(one), *map(str, state.key_results), *linked}),
            )
            for one, state in states.items()
        }


def _decision_of(row: RawEntry, world: World) -> str | None:
    """Return the decision that touches the objective of an entry: linked to it, or drafted by it."""
    data = orjson.loads(row.data)
    if row.name == "objective.decision_linked":
        return str(data["body"]["decision"])
    if "decision" not in data:
        return None
    state = world.decision(UUID(data["decision"]))
    objective = UUID(row.stream.partition(":")[2])
    return str(data["decision"]) if state is not None and objective in state.touched else None


def _everything(
    restricted: dict[UUID, Restricted],
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    hidden = frozenset(map(str, restricted))
    decisions = frozenset(name for one in restricted.values() for name in one.decisions)
    return hidden, decisions, frozenset(name for one in restricted.values() for name in one.names)


def _digest(names: frozenset[str]) -> str:
    if not names:
        return "all"
    return hashlib.blake2b("".join(sorted(names)).encode(), digest_size=8).hexdigest()
