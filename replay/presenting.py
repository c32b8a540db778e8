"""What an answer gets on its way out: names from the directory, personal text opened with its author's key."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Protocol
from uuid import UUID

import orjson

from aggregates.entry import Sealed
from aggregates.refusals import Refusal
from ledger.directory import Alias, Directory, Somebody
from ledger.keys import MasterKeyError
from ledger.store import Ledger

NAMES_SECONDS = 10
"""How long a name is taken as it was read: one that was changed, which has no position, shows by then, as does the
erasure of a text."""
_MIDDLE = re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
"""What stands in every identifier between its first eight and its last twelve digits: a search for the hyphen
takes a fifth of the time of one for a digit."""
_MARK = b'"ciphertext"'
"""What stands in the JSON of everything that holds sealed text; most rows hold none, and are not looked through."""
_SEALED = frozenset({"author", "key_id", "commitment", "ciphertext"})


def identifiers_in(text: bytes) -> set[str]:
    """Return every identifier that stands in a JSON text."""
    return {
        text[found.start() - 8 : found.end() + 12].decode("ascii", "replace")
        for found in _MIDDLE.finditer(text)
    }


class Names(Protocol):
    """Who somebody is, by identifier."""

    def names(self) -> Mapping[UUID, Somebody]: ...
    def alias_names(self) -> Mapping[UUID, Alias]: ...


class LatelyNamed:
    """The names of the directory, and what was erased, as read at most `NAMES_SECONDS` ago; safe for threads."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._guard = threading.Lock()
        self._names: Mapping[UUID, Somebody] = {}
        self._aliases: Mapping[UUID, Alias] = {}
        self.spelled: Mapping[str, Somebody] = {}
        """Everybody by identifier as it is spelled in answers, as of the last look."""
        self._erased: object = None
        self._read_at: float | None = None
        self._turn: int | None = None
        self.version = 0
        """How often another name or another erasure was found: what was answered under the same one names everybody and
        opens every text as it would now."""

    def names(self) -> Mapping[UUID, Somebody]:
        """Return everybody."""
        self.refresh()
        return self._names

    def alias_names(self) -> Mapping[UUID, Alias]:
        """Return all aliases."""
        self.refresh()
        return self._aliases

    def is_fresh(self, turn: int | None) -> bool:
        """Return whether nothing would be read now; takes no lock, for the one that reads holds it."""
        read_at = self._read_at
        return (
            read_at is not None and time.monotonic() - read_at < NAMES_SECONDS and turn in (None, self._turn)
        )

    def refresh(self, turn: int | None = None) -> None:
        """Read the directory again where that is due, or where something else than a check-in was recorded since."""
        with self._guard:
            now = time.monotonic()
            is_due = self._read_at is None or now - self._read_at >= NAMES_SECONDS
            if not is_due and turn in (None, self._turn):
                return
            names, aliases = self._directory.names(), self._directory.alias_names()
            erased = self._directory.erased() if is_due else self._erased
            if (names, aliases, erased) != (self._names, self._aliases, self._erased):
                self._names, self._aliases, self._erased = names, aliases, erased
                self.spelled = _spelled(names)
                self.version += 1
            self._turn = turn or self._turn
            if is_due:  # however often something is recorded, what has no position is looked for in time
                self._read_at = now


def described(body: dict[str, Any], directory: Names, named: Set[str] | None = None) -> dict[str, Any]:
    """Return the answer with `people`: who every identifier in it is, by name and handle.

    Names have no position: they are read from the directory as it is now. `named` are the identifiers in the answer,
    where they are known already.
    """
    if named is None:
        named = identifiers_in(orjson.dumps(body))
    names = directory.names()
    everybody = directory.spelled if isinstance(directory, LatelyNamed) else _spelled(names)
    people: dict[str, Any] = dict(body.get("people", {}))
    for one, alias in directory.alias_names().items():
        if str(one) in named and str(one) not in everybody:
            people[str(one)] = {"name": alias.name, "handle": None, "kind": "alias"}
    for identifier in sorted(named & everybody.keys()):
        somebody = everybody[identifier]
        people[identifier] = {
            **people.get(identifier, {}),
            "name": somebody.display_name,
            "handle": somebody.handle,
            "kind": somebody.kind,
        }
    return {**body, "people": people}


def _spelled(names: Mapping[UUID, Somebody]) -> dict[str, Somebody]:
    return {str(identifier): somebody for identifier, somebody in names.items()}


def versions_named(rows: Iterable[Mapping[str, Any]], directory: Directory) -> dict[str, dict[str, str]]:
    """Return what the versions of the sources in these rows were called: source to version to subject."""
    named = {(row["source"]["name"], row["source"]["version"]) for row in rows if row.get("source")}
    if not named:
        return {}
    found = directory.subjects({source for source, _ in named})
    return {
        source: {
            version: found[source][version]
            for of, version in sorted(named)
            if of == source and version in told
        }
        for source, told in sorted(found.items())
    }


def unsealed(body: Any, ledger: Ledger) -> Any:
    """Return the answer with each sealed text as `{author, text}`; the text is null where its key was erased."""
    found: list[Mapping[str, Any]] = []
    opened: dict[int, dict[str, Any]] = {}
    body = _parted(body, found, opened)
    if found:
        texts = _opened(found, ledger)
        for sealed in found:
            opened[id(sealed)]["text"] = texts[_seal(sealed)]
    return body


def _parted(value: Any, found: list[Mapping[str, Any]], opened: dict[int, dict[str, Any]]) -> Any:
    """Return a value with `{author, text}` for each sealed text, the texts yet to come; what holds none is the same."""
    if type(value) is dict:
        if "ciphertext" in value and value.keys() >= _SEALED:
            if id(value) not in opened:
                found.append(value)
                opened[id(value)] = {"author": value["author"], "text": None}
            return opened[id(value)]
        changed = None
        for name, inner in value.items():
            if type(inner) is dict or type(inner) is list:
                told = _parted(inner, found, opened)
                if told is not inner:
                    if changed is None:
                        changed = dict(value)
                    changed[name] = told
        return value if changed is None else changed
    if type(value) is list:
        rows = [
            _parted(inner, found, opened)
            if (type(inner) is dict or type(inner) is list) and _MARK in orjson.dumps(inner)
            else inner
            for inner in value
        ]
        return rows if any(one is not other for one, other in zip(rows, value, strict=True)) else value
    return value


def _seal(sealed: Mapping[str, Any]) -> tuple[Any, ...]:
    return sealed["author"], sealed["key_id"], sealed["commitment"], sealed["ciphertext"]


def _opened(found: Sequence[Mapping[str, Any]], ledger: Ledger) -> dict[tuple[Any, ...], str | None]:
    """Return clear texts by what was sealed, in one round trip; one by one where one of them cannot be opened."""
    try:
        texts = ledger.keys.open_all([Sealed.model_validate(sealed) for sealed in found])
    except (Refusal, MasterKeyError, ValueError):
        texts = [_open(sealed, ledger) for sealed in found]
    return {_seal(sealed): text for sealed, text in zip(found, texts, strict=True)}


def _open(sealed: Mapping[str, Any], ledger: Ledger) -> str | None:
    try:
        return ledger.keys.open(Sealed.model_validate(sealed))
    except (Refusal, MasterKeyError, ValueError):
        return None
