"""Who is called so: the one function by which people, teams and services are found by the names that people say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize
from uuid import UUID

from aggregates.near import near, near_is, plain
from aggregates.refusals import PersonIsUnknown
from ledger.directory import Directory, Kind

MOST_LISTED = 5
HOW_TO_NAME_A_PERSON = "send an identifier, a handle, an address or a whole name"


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something with a name; `handle` tells it from others of this name, `gone` that its time is over."""

    identifier: UUID
    name: str
    handle: str | None = None
    gone: bool = False

    def __str__(self) -> str:
        return f"{self.name} (@{self.handle})" if self.handle else self.name


@dataclass(frozen=True, slots=True)
class NotOne:
    """A name that means nothing, or several: what is known of it, as a sentence without its full stop."""

    told: str


class Called:
    """Those who have names, found by them: put in order once for all the names that one request says."""

    def __init__(self, known: Iterable[Named]) -> None:
        self._known = list(known)
        self._by_name: dict[str, list[Named]] = {}
        for one in self._known:
            self._by_name.setdefault(plain(one.name), []).append(one)

    def one(self, text: str, *, what: str, telling: bool = True) -> UUID | NotOne:
        """Return what a name means where exactly one is called so; else why not.

        One that is spelled as it was asked for comes before one that is only compared as the same (`Strauß` before
        `Strauss`), then one that is not gone before one that is.

        `what` is what is looked for, in the plural. Unless `telling`, whoever asks may not read names: none is told.
        """
        meant = _spelled_so(text, self._by_name.get(plain(text), []))
        meant = [candidate for candidate in meant if not candidate.gone] or meant
        if len(meant) == 1:
            return meant[0].identifier
        if meant:
            return NotOne(
                f"{len(meant)} {what} are called {text!r}" + (f": {_listed(meant)}" if telling else "")
            )
        words = {plain(word): one for one in self._known for word in (one.name, one.handle) if word}
        close = dict.fromkeys(str(words[word]) for word in near(text, words)) if telling else {}
        nobody = "Nobody here is" if what == "people" else f"No {what.removesuffix('s')} is"
        return NotOne(f"{nobody} called {text!r}" + (f"; {near_is(list(close))}" if close else ""))


def one_called(text: str, known: Iterable[Named], *, what: str, telling: bool = True) -> UUID | NotOne:
    """Return what a name means among these; see `Called.one`."""
    return Called(known).one(text, what=what, telling=telling)


def called_in(directory: Directory, kind: Kind) -> Called:
    """Return the people, or the services, of a directory by their names."""
    somebody = [one for one in directory.names().values() if one.kind == kind]
    return Called(Named(one.identifier, one.display_name, one.handle) for one in somebody)


def anyone_called(
    directory: Directory,
    text: str,
    *,
    kind: Kind = "person",
    telling: bool = True,
    among: Callable[[Directory, Kind], Called] = called_in,
) -> UUID | NotOne:
    """Return who has this identifier, handle or address, or the one person, or service, of this name; else why not.

    A handle without its @ that is somebody else's whole name means neither of the two.
    `among` gives those who are looked through by name, for who asks for several names.
    """
    found = directory.lookup(text)
    if found is not None:
        return two_called(directory, text, found, telling=telling) or found
    return among(directory, kind).one(
        text, what="people" if kind == "person" else "services", telling=telling
    )


def two_called(directory: Directory, text: str, found: UUID, *, telling: bool = True) -> NotOne | None:
    """Return why a text that was found means nobody: it is a handle, and somebody else's whole name; None if not so."""
    if "@" in text or _is_identifier(text):  # an address, a handle with its own mark, or an identifier
        return None
    others = [one for one in directory.called(text) if one.identifier != found]
    has = directory.of(found) if others else None
    if has is None:
        return None
    marked = f"write @{has.handle} for the handle"
    if not telling:
        return NotOne(f"{text!r} is a handle and also another whole name; {marked}, or an identifier")
    named = ", ".join(f"@{one.handle}" if one.handle else str(one.identifier) for one in others[:MOST_LISTED])
    return NotOne(
        f"{text!r} is the handle of {has.display_name} and the whole name of somebody else; {marked}, "
        f"{named} for who is called so"
    )


def person_called(directory: Directory, text: str, field: str) -> UUID:
    """Return the person whom an identifier, a handle, an address or a whole name means. Raises PersonIsUnknown."""
    found = anyone_called(directory, text)
    if isinstance(found, UUID):
        return found
    raise PersonIsUnknown(f"{found.told}; {HOW_TO_NAME_A_PERSON}.", field=field)


def _is_identifier(text: str) -> bool:
    try:
        UUID(text.strip().rpartition(":")[2])
    except ValueError:
        return False
    return True


def _spelled_so(text: str, meant: Sequence[Named]) -> Sequence[Named]:
    """Return those of several of one name that are spelled so, then those that are so but for case; else all."""
    for spelled in (_composed, lambda name: _composed(name).lower()):
        exact = [one for one in meant if spelled(one.name) == spelled(text)]
        if exact and len(meant) > 1:
            return exact
    return meant


def _composed(name: str) -> str:
    return " ".join(normalize("NFC", name).split())


def _listed(meant: Sequence[Named]) -> str:
    """Return the first of several of one name, each by what tells it from the others."""
    told = [f"@{one.handle}" if one.handle else str(one.identifier) for one in meant[:MOST_LISTED]]
    return ", ".join(told) + (f" and {len(meant) - MOST_LISTED} more" if len(meant) > MOST_LISTED else "")
