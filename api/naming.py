"""Names as people say them, turned into identifiers: a handle, an e-mail address, a reference such as `OBJ-142`."""

from __future__ import annotations

from functools import cache
from typing import Protocol
from uuid import UUID

from aggregates.near import HOW_ITEMS_ARE_NAMED, plain, reference_of
from aggregates.refusals import (
    DecisionIsUnknown,
    KeyResultIsUnknown,
    ObjectiveIsUnknown,
    OwnerIsATeam,
    PersonIsUnknown,
    ServiceIsUnknown,
    TeamIsUnknown,
)
from api.bodies import Means
from api.calling import HOW_TO_NAME_A_PERSON, Named, anyone_called, called_in, one_called
from ledger.store import Ledger
from replay.sight import EVERYTHING, Sight


class Finder(Protocol):
    """Who knows which objective or key result a reference stands for."""

    @property
    def sight(self) -> Sight:
        """What is seen."""
        ...

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself, or None; a reference or an identifier."""
        ...

    def teams(self) -> list[Named]:
        """Return the teams with the names that they have just now."""
        ...


class Names:
    """Turns names into identifiers; `field` is the pointer of a refusal.

    Made for one request: the directory is read once, with the first whole name that is said.
    """

    def __init__(self, ledger: Ledger, finder: Finder) -> None:
        self._ledger = ledger
        self._finder = finder
        self._among = cache(called_in)

    @property
    def sight(self) -> Sight:
        """What is seen of what has names."""
        return self._finder.sight

    def resolve(self, means: Means, text: str, field: str) -> UUID | str:
        """Return what a name of this meaning stands for."""
        if means is Means.PERSON:
            return self.person(text, field)
        if means is Means.ACTOR:
            return self.actor(text, field)
        if means is Means.OBJECTIVE:
            return self.objective(text, field)
        if means is Means.KEY_RESULT:
            return self.key_result(text, field)[1]
        if means is Means.TEAM:
            return self.team(text, field)
        if means is Means.SERVICE:
            return self.service(text, field)
        found = identifier(text)
        if found is None:
            raise DecisionIsUnknown(
                f"{text!r} is no identifier, by which a decision is named; /v1/decisions and "
                "`strategy-ledger decisions show` list it.",
                field=field,
            )
        return found

    @property
    def _telling(self) -> bool:
        """Whether whoever asks may read names; who may not is told none."""
        return self.sight is EVERYTHING or self.sight.may("read")

    def person(self, text: str, field: str) -> UUID:
        """Return a person by handle, address or name; an identifier is left to the rules, which know who was here.

        Raises PersonIsUnknown, OwnerIsATeam.
        """
        found = identifier(text) or anyone_called(
            self._ledger.directory, text, telling=self._telling, among=self._among
        )
        if isinstance(found, UUID):
            return found
        if self._telling and any(plain(team.name) == plain(text) for team in self._finder.teams()):
            raise OwnerIsATeam(f"{text!r} is a team; name one of its people.", field=field)
        raise PersonIsUnknown(f"{found.told}; {HOW_TO_NAME_A_PERSON}.", field=field)

    def team(self, text: str, field: str) -> UUID:
        """Return a team by identifier, or the one that has this name just now. Raises TeamIsUnknown."""
        found = identifier(text) or one_called(
            text, self._finder.teams(), what="teams", telling=self._telling
        )
        if isinstance(found, UUID):
            return found
        raise TeamIsUnknown(f"{found.told}; send a whole name or an identifier.", field=field)

    def service(self, text: str, field: str) -> UUID:
        """Return a service by identifier, or the one that has this name or handle. Raises ServiceIsUnknown."""
        found = identifier(text) or anyone_called(
            self._ledger.directory, text, kind="service", telling=self._telling, among=self._among
        )
        if isinstance(found, UUID):
            return found
        raise ServiceIsUnknown(f"{found.told}; send a whole name or an identifier.", field=field)

    def actor(self, text: str, field: str) -> str:
        """Return `person:<uuid>` or `service:<uuid>`. Raises PersonIsUnknown, ServiceIsUnknown."""
        kind, colon, rest = text.partition(":")
        if colon and kind in ("person", "service"):
            return f"{kind}:{self.service(rest, field) if kind == 'service' else self.person(rest, field)}"
        return f"person:{self.person(text, field)}"

    def objective(self, text: str, field: str) -> UUID:
        """Return an objective; an identifier is left to the rules. Raises ObjectiveIsUnknown."""
        found = identifier(text)
        if found is not None:
            return found
        item = self._finder.find(text)
        if item is None or item[0] != item[1]:
            told = "; it is a key result, and an objective is needed" if item else _how(text)
            raise ObjectiveIsUnknown(f"There is no objective {text!r}{told}.", field=field)
        return item[0]

    def key_result(self, text: str, field: str) -> tuple[UUID, UUID]:
        """Return a key result's objective and the key result. Raises KeyResultIsUnknown."""
        item = self._finder.find(text)
        if item is None or item[0] == item[1]:
            told = "; it is an objective, and a key result is needed" if item else _how(text)
            raise KeyResultIsUnknown(f"There is no key result {text!r}{told}.", field=field)
        return item


def _how(text: str) -> str:
    """Return how items are named, for a text that names none in any way."""
    return "" if reference_of(text) or identifier(text) else f"; {HOW_ITEMS_ARE_NAMED}"


def identifier(text: str) -> UUID | None:
    """Return the identifier that this text spells in its usual form, or None."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
