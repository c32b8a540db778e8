"""Whom the names of a table mean: by the people map, the directory, or persons added on request; nobody is chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from aggregates.person.commands import AddPerson
from aggregates.snapshots.cells import Unreadable, quote
from api.calling import two_called
from api.imports.people import PeopleMap
from ledger.directory import HandleIsTaken
from ledger.store import Ledger

_HANDLE = re.compile(r"[\w][\w.-]{0,62}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class OwnersOf:
    """The persons of one import. `add` is given the command for somebody new, before the row that names them."""

    def __init__(
        self,
        ledger: Ledger,
        people: PeopleMap,
        *,
        create: bool,
        dry_run: bool,
        joined: datetime,
        add: Callable[[AddPerson], None],
        before: OwnersOf | None = None,
        are: str | None = None,
    ) -> None:
        self._are = are
        self._ledger, self._map, self._create = ledger, people, create
        self._dry_run, self._joined, self._add = dry_run, joined, add
        self._known: dict[frozenset[str], UUID | None] = {}
        if before is not None:  # whom an earlier version of the series added
            self._known |= {names: person for names, person in before._known.items() if person is not None}
        self._two: dict[str, str] = {}
        """Why a handle means nobody: it is somebody else's whole name too."""
        self.added: list[str] = []
        self.missing: dict[str, None] = {}

    def person(self, names: tuple[str, ...]) -> UUID | None:
        """Return the one person whom these names mean, or None; several need a line of the people map."""
        wanted = frozenset(name.casefold() for name in names)
        if wanted not in self._known:
            self._known[wanted] = self._find(names)
        return self._known[wanted]

    def unknown(self, names: tuple[str, ...]) -> Unreadable | None:
        """Return why these names mean nobody, None where they mean somebody or somebody may be added; adds nobody."""
        wanted = frozenset(name.casefold() for name in names)
        if wanted not in self._known:
            mapped = self._map.owner_of(names)
            is_several = mapped is None and len(names) > 1
            found = None if is_several else self._looked_up(mapped or names[0])
            is_free = not is_several and (mapped or names[0]) not in self._two
            if found is None and is_free and self._may_add(mapped):
                return None
            self._known[wanted] = found
        return self.fault(names) if self._known[wanted] is None else None

    def _may_add(self, mapped: str | None) -> bool:
        return self._create and (self._are is None or mapped is not None)

    def fault(self, names: tuple[str, ...]) -> Unreadable:
        """Return why these names mean nobody, and what to do."""
        together = " & ".join(names)
        self.missing[together] = None
        if len(names) > 1:
            return Unreadable(
                "owners_are_several", f"{len(names)} persons are named; an owner is one.",
                f"Name one, or give a people map with a line for “{quote(together)}”.",
            )  # fmt: skip
        told = self._two.get(self._map.owner_of(names) or names[0])
        if told is not None:
            return Unreadable(
                "owner_is_ambiguous", f"{told}.", "Or say in a people map (--people) who is meant."
            )
        if self._are is not None:
            return Unreadable(
                "owner_is_unknown", f"The owners of this source are {self._are}, and an owner is one person.",
                f"Give a people map (--people) with a line for “{quote(together)}” that names who answers for it.",
            )  # fmt: skip
        return Unreadable(
            "owner_is_unknown", "Nobody in this ledger is meant by this name.",
            "Add a line to the people map (--people), or give --create-people.",
        )  # fmt: skip

    def _find(self, names: tuple[str, ...]) -> UUID | None:
        mapped = self._map.owner_of(names)
        if mapped is None and len(names) > 1:
            return None
        text = mapped or names[0]
        found = self._looked_up(text)
        if found is not None or text in self._two or not self._may_add(mapped):
            return found
        return self._created(names[0] if len(names) == 1 else text, text)

    def _looked_up(self, text: str) -> UUID | None:
        """Return who has this identifier, handle or address, unless it is also somebody else's whole name."""
        found = self._ledger.directory.lookup(text)
        two = None if found is None else two_called(self._ledger.directory, text, found)
        if two is None:
            return found
        self._two[text] = two.told
        return None

    def _created(self, name: str, text: str) -> UUID | None:
        """Add a person under the name that the map or the source gives; somebody who cannot be named is not added."""
        line = next((one for one in self._map.lines if one.source.casefold() == name.casefold()), None)
        shown = (line.name if line is not None else "") or name.removeprefix("@")
        person = self._ledger.new_id()
        if not self._dry_run:
            handle = text.removeprefix("@")
            try:
                if _EMAIL.fullmatch(text):
                    self._ledger.directory.add(person, shown, email=text)
                elif _HANDLE.fullmatch(handle):
                    self._ledger.directory.add(person, shown, handle=handle)
                else:
                    self._ledger.directory.add(person, shown)
            except HandleIsTaken:
                return self._ledger.directory.lookup(text)
        self._add(AddPerson(person=person, effective_at=self._joined))
        self.added.append(shown)
        return person
