"""Bare aggregates as bytes, kept until something is recorded that changes them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import orjson

from replay.presenting import identifiers_in
from replay.questions import Reader
from replay.sight import Sight

BARE_KEPT: Final = 2_000
BARE_BYTES: Final = 16 * 1024
"""A bare item that is larger is not kept: 2,000 of them would be."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A bare aggregate as it goes out, which is good until something is recorded that changes it."""

    content: bytes
    etag: str
    """Begins with the stream version, which If-Match takes."""
    restricted: frozenset[str]
    """What it names that is not for everyone; who may see that by office alone is another with each reader."""
    rests_on: frozenset[str]
    position: int
    """Up to here it holds at least what was recorded."""

    @classmethod
    def read(cls, reader: Reader, stream: str, sight: Sight, position: int) -> Bare:
        """Return the aggregate of `kind:identifier` as this sight shows it, of a ledger that is at this position."""
        body = reader.bare(stream, reader=sight)
        if sight.actor is not None:
            now = reader.sights.now(sight.actor.name, sight.actor.scopes)  # the state is of after the look
            if now.names != sight.names:
                body = reader.bare(stream, reader=now)
        content = bytes(memoryview(orjson.dumps(body)))  # orjson keeps room
        tag = f"{body['version']}-{sight.digest}" if sight.hidden else f"{body['version']}"
        kind, _, name = body["stream"].partition(":")
        rests_on = frozenset({name} if kind == "objective" else ())
        restricted = reader.sights.restricted & identifiers_in(content)
        return cls(content, f'"{tag}"', restricted, rests_on, position)


class BareOnes:
    """The bare aggregates of just now, least recently made first; belongs to the event loop."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: OrderedDict[tuple[Any, ...], Bare] = OrderedDict()

    def forget(self) -> None:
        """Keep nothing any more: the ledger is of another past."""
        self._kept = OrderedDict()

    def get(self, key: tuple[Any, ...], head: int) -> Bare | None:
        """Return a kept one where nothing that changes it was recorded up to the head, else None."""
        known = self._kept.get(key)
        if known is None or not self._reader.is_as_it_was(known.rests_on, known.position, head):
            return None
        return known

    def put(self, key: tuple[Any, ...], made: Bare) -> None:
        """Keep one, unless it is too large."""
        if len(made.content) > BARE_BYTES:
            self._kept.pop(key, None)
            return
        self._kept[key] = made
        self._kept.move_to_end(key)
        if len(self._kept) > BARE_KEPT:
            self._kept.popitem(last=False)
