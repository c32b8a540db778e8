"""Tokens: how a person or a service proves who it is; only digests are kept, the clear text is shown once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aggregates.values import LINE_LENGTH, clean_text
from ledger.identifiers import new_id
from ledger.place import Connection, Connections

PREFIX = "sl_"
"""What every token begins with, so that one that leaked is recognised."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token besides its text."""

    id: UUID
    actor: str
    label: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens:
    """The tokens of one ledger; an actor is `person:<uuid>` or `service:<uuid>`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def issue(self, actor: str, label: str) -> str:
        """Return a new token of one person or service; it is not shown again."""
        with self._connections.use() as connection:
            return insert_token(connection, actor, label)

    def actor_of(self, token: str) -> str | None:
        """Return whose token this is, or None for one that is unknown or revoked; notes the use once a minute."""
        if not token.startswith(PREFIX) or len(token) > 100 or not token.isascii():
            return None
        with self._connections.use() as connection:
            row = connection.execute(
                "select actor, id, last_used_at is null or last_used_at < now() - interval '1 minute'"
                "  from tokens where digest = %s and revoked_at is null",
                [_digest(token)],
                prepare=True,
            ).fetchone()
            if row is None:
                return None
            if row[2]:
                connection.execute("update tokens set last_used_at = now() where id = %s", [row[1]])
        return str(row[0])

    def list(self, actor: str | None = None) -> list[Token]:
        """Return what is known of all tokens, or of one actor's, the oldest first."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select id, actor, label, created_at, last_used_at, revoked_at from tokens"
                " where %s::text is null or actor = %s order by created_at, id",
                [actor, actor],
            ).fetchall()
        return [Token(*row) for row in rows]

    def revoke(self, token: UUID) -> bool:
        """Let a token count no more; return whether there was one that still did."""
        with self._connections.use() as connection:
            return (
                connection.execute(
                    "update tokens set revoked_at = now() where id = %s and revoked_at is null", [token]
                ).rowcount
                == 1
            )


def insert_token(connection: Connection, actor: str, label: str) -> str:
    """Return a new token, written down on this connection."""
    label = clean_text(label, longest=LINE_LENGTH, newlines=False)
    token = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        "insert into tokens (id, digest, actor, label) values (%s, %s, %s, %s)",
        [new_id(), _digest(token), actor, label],
    )
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
