"""Names as people say them, turned into identifiers: a handle, an e-mail address, a reference such as `OBJ-142`."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from aggregates.refusals import (
    DecisionIsUnknown,
    KeyResultIsUnknown,
    ObjectiveIsUnknown,
    OwnerIsATeam,
    PersonIsUnknown,
    Refusal,
    ServiceIsUnknown,
    TeamIsUnknown,
)
from api.bodies import Means
from ledger.store import Ledger
from replay.sight import Sight


class Finder(Protocol):
    """Who knows which objective or key result a reference stands for."""

    @property
    def sight(self) -> Sight:
        """What is seen."""
        ...

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself, or None; a reference or an identifier."""
        ...

    def is_team(self, text: str) -> bool:
        """Return whether a team has this name just now."""
        ...

    def teams_named(self, text: str) -> list[UUID]:
        """Return the teams that have this name just now."""
        ...


_NOT_AN_IDENTIFIER: dict[Means, tuple[type[Refusal], str]] = {
    Means.TEAM: (TeamIsUnknown, "/v1/teams and `strategy-ledger teams` list it"),
    Means.DECISION: (DecisionIsUnknown, "/v1/decisions and `strategy-ledger decisions show` list it"),
    Means.SERVICE: (ServiceIsUnknown, "/v1/people and `strategy-ledger people` list it"),
}


class Names:
    """Turns names into identifiers; `field` is the pointer of a refusal."""

    def __init__(self, ledger: Ledger, finder: Finder) -> None:
        self._ledger = ledger
        self._finder = finder

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
        found = identifier(text)
        if found is None:
            refusal, where = _NOT_AN_IDENTIFIER[means]
            raise refusal(f"{text!r} is no identifier, by which it is named here; {where}.", field=field)
        return found

    def person(self, text: str, field: str) -> UUID:
        """Return a person; an identifier is left to the rules, which know who was here and who is a team.

        Raises PersonIsUnknown, OwnerIsATeam.
        """
        found = identifier(text)
        if found is None:
            found = self._ledger.directory.lookup(text)
        if found is None and self._finder.is_team(text):
            raise OwnerIsATeam(f"{text!r} is a team; name one of its people.", field=field)
        if found is None:
            raise PersonIsUnknown(
                f"Nobody here is called {text!r}; send an identifier, a handle or an address.", field=field
            )
        return found

    def team(self, text: str, field: str) -> UUID:
        """Return a team by identifier, or by the name that it has just now. Raises TeamIsUnknown."""
        found = identifier(text)
        if found is not None:
            return found
        named = self._finder.teams_named(text)
        if len(named) != 1:
            why = f"{len(named)} teams are" if named else "No team is"
            raise TeamIsUnknown(f"{why} called {text!r}; send its identifier.", field=field)
        return named[0]

    def actor(self, text: str, field: str) -> str:
        """Return `person:<uuid>` or `service:<uuid>`. Raises PersonIsUnknown, ServiceIsUnknown."""
        kind, colon, rest = text.partition(":")
        if colon and kind in ("person", "service"):
            found = identifier(rest)
            if found is None:
                raise (ServiceIsUnknown if kind == "service" else PersonIsUnknown)(field=field)
            return f"{kind}:{found}"
        return f"person:{self.person(text, field)}"

    def objective(self, text: str, field: str) -> UUID:
        """Return an objective; an identifier is left to the rules. Raises ObjectiveIsUnknown."""
        found = identifier(text)
        if found is not None:
            return found
        item = self._finder.find(text)
        if item is None or item[0] != item[1]:
            raise ObjectiveIsUnknown(f"There is no objective {text!r}.", field=field)
        return item[0]

    def key_result(self, text: str, field: str) -> tuple[UUID, UUID]:
        """Return a key result's objective and the key result. Raises KeyResultIsUnknown."""
        item = self._finder.find(text)
        if item is None or item[0] == item[1]:
            raise KeyResultIsUnknown(f"There is no key result {text!r}.", field=field)
        return item


def identifier(text: str) -> UUID | None:
    """Return the identifier that this text spells in its usual form, or None."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
