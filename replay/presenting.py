"""What an answer gets on its way out: names from the directory, personal text opened with its author's key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import orjson

from aggregates.entry import Sealed
from aggregates.refusals import Refusal
from ledger.directory import Directory
from ledger.keys import MasterKeyError
from ledger.store import Ledger

_MIDDLE = re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
"""What stands in every identifier between its first eight and its last twelve digits: a search for the hyphen
takes a fifth of the time of one for a digit."""
_SEALED = frozenset({"author", "key_id", "commitment", "ciphertext"})


def identifiers_in(text: bytes) -> set[str]:
    """Return every identifier that stands in a JSON text."""
    return {
        text[found.start() - 8 : found.end() + 12].decode("ascii", "replace")
        for found in _MIDDLE.finditer(text)
    }


def described(body: dict[str, Any], directory: Directory, named: Set[str] | None = None) -> dict[str, Any]:
    """Return the answer with `people`: who every identifier in it is, by name and handle.

    Names have no position: they are read from the directory as it is now. `named` are the identifiers in the answer,
    where they are known already.
    """
    if named is None:
        named = identifiers_in(orjson.dumps(body))
    everybody = {str(identifier): somebody for identifier, somebody in directory.names().items()}
    people: dict[str, Any] = dict(body.get("people", {}))
    if unknown := named - everybody.keys():
        for one, alias in directory.alias_names().items():
            if str(one) in unknown:
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
    found = list(_sealed_in(body))
    return _with(body, _opened(found, ledger)) if found else body


def _sealed_in(body: Any) -> Iterator[Mapping[str, Any]]:
    """Give every sealed text."""
    if isinstance(body, dict):
        if body.keys() >= _SEALED:
            yield body
        else:
            for value in body.values():
                if isinstance(value, dict | list):
                    yield from _sealed_in(value)
    elif isinstance(body, list):
        for value in body:
            if isinstance(value, dict | list):
                yield from _sealed_in(value)


def _with(body: Any, texts: Mapping[tuple[Any, ...], str | None]) -> Any:
    """Return the answer with these clear texts, by what was sealed."""
    if isinstance(body, dict):
        if body.keys() >= _SEALED:
            return {"author": body["author"], "text": texts[_seal(body)]}
        return {
            name: _with(value, texts) if isinstance(value, dict | list) else value
            for name, value in body.items()
        }
    if isinstance(body, list):
        return [_with(value, texts) if isinstance(value, dict | list) else value for value in body]
    return body


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
