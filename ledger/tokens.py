"""Tokens: how a person or a service proves who it is; only digests are kept, the clear text is shown once.

A token reads `strategy_ledger_p_…` (a person's) or `strategy_ledger_s_…` (a service's): 43 random letters and digits
and six more that are a check of all before them, so that a scanner for leaked secrets can tell one without asking
anybody. The expression is `PATTERN`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self, cast
from uuid import UUID

from aggregates.access import ALL_SCOPES, SCOPES, Scope
from aggregates.values import LINE_LENGTH, clean_text
from ledger.identifiers import new_id
from ledger.place import Connection, Connections

PREFIX: Final = "strategy_ledger_"
"""What every token begins with, so that one that leaked is recognised."""
PATTERN: Final = "strategy_ledger_[ps]_[0-9A-Za-z]{49}"
DAYS: Final = 365
"""Days after which a token is good no more, where nothing else is said."""
MOST_DAYS: Final = 3_650
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET, _CHECK = 43, 6
_SHAPE = re.compile(PATTERN)
_EARLIER = re.compile("sl_[0-9A-Za-z_-]{43}")
"""How the tokens of release 0.1.0 read; they count until they expire."""


class Caller(str):
    """An actor as its token named it: `person:…` or `service:…`, with what the token may be used for."""

    __slots__ = ("expires_at", "is_expired", "scopes", "token")
    token: UUID
    scopes: frozenset[Scope]
    expires_at: datetime
    is_expired: bool

    @classmethod
    def of(
        cls, actor: str, token: UUID, scopes: Collection[str], expires_at: datetime, *, is_expired: bool
    ) -> Self:
        """Return the caller whom a token names."""
        caller = cls(actor)
        caller.token, caller.expires_at, caller.is_expired = token, expires_at, is_expired
        caller.scopes = frozenset(cast("Collection[Scope]", scopes)) & ALL_SCOPES
        return caller


def as_caller(actor: str, by: str) -> str:
    """Return an actor for whom another asks, with what the token of the one who asks may be used for."""
    if not isinstance(by, Caller):
        return actor
    return Caller.of(actor, by.token, by.scopes, by.expires_at, is_expired=by.is_expired)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token besides its text; `ending` are its last four characters."""

    id: UUID
    actor: str
    label: str
    ending: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def shown(self) -> str:
        """Return how the token begins and ends."""
        return f"{PREFIX}{self.actor[0]}_…{self.ending}"


class Tokens:
    """The tokens of one ledger; an actor is `person:<uuid>` or `service:<uuid>`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def issue(self, actor: str, label: str, *, scopes: Collection[str] = SCOPES, days: int = DAYS) -> str:
        """Return a new token of one person or service; it is not shown again. Raises ValueError."""
        with self._connections.use() as connection:
            return insert_token(connection, actor, label, scopes=scopes, days=days)

    def caller_of(self, token: str) -> Caller | None:
        """Return whom a token names, or None for one that is unknown or revoked; notes the use once a minute."""
        if not (is_well_formed(token) or _EARLIER.fullmatch(token)):
            return None
        with self._connections.use() as connection:
            row = connection.execute(
                "select actor, id, scopes, expires_at, expires_at <= now(),"
                "       last_used_at is null or last_used_at < now() - interval '1 minute'"
                "  from tokens where digest = %s and revoked_at is null",
                [_digest(token)],
                prepare=True,
            ).fetchone()
            if row is None:
                return None
            actor, identifier, scopes, expires_at, is_expired, is_due = row
            if is_due and not is_expired:
                connection.execute("update tokens set last_used_at = now() where id = %s", [identifier])
        return Caller.of(actor, identifier, scopes.split(), expires_at, is_expired=is_expired)

    def actor_of(self, token: str) -> str | None:
        """Return whose token this is, or None for one that is unknown, revoked or expired."""
        caller = self.caller_of(token)
        return None if caller is None or caller.is_expired else str(caller)

    def list(self, actor: str | None = None) -> list[Token]:
        """Return what is known of all tokens, or of one actor's, the oldest first."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select id, actor, label, ending, scopes, created_at, expires_at, last_used_at, revoked_at from tokens"
                " where %s::text is null or actor = %s order by created_at, id",
                [actor, actor],
            ).fetchall()
        return [
            Token(identifier, of, label, ending, tuple(scopes.split()), *moments)
            for identifier, of, label, ending, scopes, *moments in rows
        ]

    def revoke(self, token: UUID) -> bool:
        """Let a token count no more; return whether there was one that still did."""
        with self._connections.use() as connection:
            return (
                connection.execute(
                    "update tokens set revoked_at = now() where id = %s and revoked_at is null", [token]
                ).rowcount
                == 1
            )


def insert_token(
    connection: Connection,
    actor: str,
    label: str,
    *,
    scopes: Collection[str] = SCOPES,
    days: int = DAYS,
) -> str:
    """Return a new token, written down on this connection.

    Raises:
        ValueError: a scope that there is not, none at all, or a life of no days or more than ten years.
    """
    label = clean_text(label, longest=LINE_LENGTH, newlines=False)
    strange = sorted(set(scopes) - ALL_SCOPES)
    if strange or not scopes:
        raise ValueError(
            f"A token is for {', '.join(SCOPES)}, not for {strange[0] if strange else 'nothing'!r}."
        )
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"A token is good for 1 to {MOST_DAYS} days.")
    token = _made(actor)
    connection.execute(
        "insert into tokens (id, digest, actor, label, ending, scopes, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, now() + %s)",
        [
            new_id(), _digest(token), actor, label, token[-4:],
            " ".join(scope for scope in SCOPES if scope in scopes), timedelta(days=days),
        ],
    )  # fmt: skip
    return token


def is_well_formed(token: str) -> bool:
    """Return whether a text is spelled as a token is, its check included; it may still be nobody's."""
    return bool(_SHAPE.fullmatch(token)) and _check(token[:-_CHECK]) == token[-_CHECK:]


def _made(actor: str) -> str:
    kind = "p" if actor.startswith("person:") else "s"
    secret = "".join(secrets.choice(_DIGITS) for _ in range(_SECRET))
    head = f"{PREFIX}{kind}_{secret}"
    return head + _check(head)


def _check(head: str) -> str:
    """Return the check of what stands before it: its CRC-32 in six digits of base 62."""
    number, digits = zlib.crc32(head.encode()), ""
    while len(digits) < _CHECK:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
