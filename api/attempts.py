"""Attempts: a command that was not allowed, or that named what whoever asks does not see, goes to the security log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import orjson

from aggregates.refusals import Refusal
from ledger import security
from ledger.store import Ledger
from replay.sight import Sight

if TYPE_CHECKING:
    from api.commands import Door

_NAMING = re.compile(
    r"(?:OBJ|KR)[- ]?0*[1-9][0-9]{0,8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
"""Every spelling by which an item is found: see `aggregates.near.reference_of`."""
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOST_LOOKED_UP = 50
"""References of one body that are looked up, each of which may ask the database; identifiers are known without that."""


class Seen(Protocol):
    """What finds items, as far as somebody sees them."""

    @property
    def sight(self) -> Sight:
        """What is seen."""
        ...

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself, or None."""
        ...


class Attempt(Protocol):
    """A command as it was sent."""

    @property
    def door(self) -> Door: ...
    @property
    def door_name(self) -> security.Door: ...
    @property
    def path(self) -> str: ...
    @property
    def names(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...
    @property
    def by(self) -> str: ...
    @property
    def request(self) -> UUID: ...


def note_attempt(ledger: Ledger, whole: Seen, attempt: Attempt, refusal: Refusal, seen: Seen | None) -> None:
    """Write a refused command down where it was forbidden, or where it named something hidden.

    `whole` finds everything, `seen` what whoever asks sees (None: it did not get that far).
    """
    subject: str | None = attempt.path
    if refusal.kind != "forbidden":
        if seen is None or refusal.kind not in ("unknown", "conflict"):
            return
        subject = _hidden(whole, attempt, seen.sight)
        if subject is None:
            return
    ledger.security.note(
        "refused",
        attempt.door.command,
        door=attempt.door_name,
        actor=attempt.by,
        subject=subject,
        request=attempt.request,
    )


def _spelled_out(content: bytes) -> str:
    """Return a body without escapes, by which a name would not be recognised."""
    with suppress(ValueError, TypeError):  # what is nested too deeply stays as it is
        content = orjson.dumps(orjson.loads(content))
    return content.decode("utf-8", "replace")


def _hidden(whole: Seen, attempt: Attempt, sight: Sight) -> str | None:
    """Return the stream of something hidden that a command names, in its address or its body."""
    if not sight.names:
        return None
    named = set(attempt.names.values())
    said = named | set(_NAMING.findall(_spelled_out(attempt.content)))
    identifiers = {text.lower() for text in said if _IDENTIFIER.fullmatch(text)}
    others = sorted(said - named, key=str.upper)
    references = [text for text in (*named, *others) if text.lower() not in identifiers][:MOST_LOOKED_UP]
    for text in [*sorted(identifiers & sight.names), *references]:
        if text in sight.decisions:
            return f"decision:{text}"
        item = whole.find(text)
        if item is not None and str(item[0]) in sight.hidden:
            return f"objective:{item[0]}"
    return None
