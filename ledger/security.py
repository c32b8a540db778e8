"""The security log: refused attempts, failed tokens, what was read by office only, exports, tokens given and taken.

It stands beside the record and names identifiers, never a name, a title or a secret. It is appended to; the
application's role can neither change nor delete a line. What repeats itself within a minute is one line with a count.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from ledger.place import Connections
from ledger.tokens import Caller

Outcome = Literal["refused", "failed", "read_by_office", "exported", "issued", "revoked"]
Door = Literal["http", "command line", "import"]
WINDOW_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1_000
PAGE: Final = 1_000
LONGEST: Final = 200
_COLUMNS = "number, at, actor, token, action, subject, outcome, request, door, times"

_PERSONAL: Final = re.compile(
    r"(?<=/people/)(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:/|$))[^/]+"
)
"""A handle or an address of somebody in an address: personal text, which could not be erased here."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, who by which token, what they tried on which stream or address, and what became of it.

    `times` counts what was the same within the minute before and has no line of its own.
    """

    number: int
    at: datetime
    actor: str | None
    token: UUID | None
    action: str
    subject: str | None
    outcome: str
    request: UUID | None
    door: str
    times: int


class SecurityLog:
    """Appends to the log of one ledger and reads it; safe for threads."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._guard = threading.Lock()
        self._recent: dict[tuple[object, ...], tuple[float, int]] = {}

    def note(
        self,
        outcome: Outcome,
        action: str,
        *,
        door: Door,
        actor: str | None = None,
        subject: str | None = None,
        request: UUID | None = None,
    ) -> None:
        """Write down what happened; what repeats itself is written once a minute.

        A log that cannot be written takes nothing away from an answer: the accident is told to the server's log.
        """
        token = actor.token if isinstance(actor, Caller) else None
        subject = None if subject is None else _PERSONAL.sub("…", subject)[:LONGEST]
        times = self._times((outcome, action, actor, token, subject))
        if not times:
            return
        values = [actor and str(actor), token, action, subject, outcome, request, door, times]
        try:
            with self._connections.use() as connection:
                connection.execute(
                    "insert into security_log (actor, token, action, subject, outcome, request, door, times)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s)",
                    values,
                )
        except (psycopg.Error, PoolTimeout):
            _log.exception("The security log could not be written: %s %s.", outcome, action)

    def repeats(self, outcome: Outcome, action: str, actor: str, subject: str) -> bool:
        """Return whether the same was written within the minute, and count it: no question to the database."""
        subject = _PERSONAL.sub("…", subject)[:LONGEST]
        key = (outcome, action, actor, getattr(actor, "token", None), subject)
        with self._guard:
            written, unwritten = self._recent.get(key, (0.0, 0))
            if not written or time.monotonic() - written >= WINDOW_SECONDS:
                return False
            self._recent[key] = (written, unwritten + 1)
            return True

    def page(self, after: int = 0, limit: int = PAGE) -> list[Line]:
        """Return the lines after a number, in their order, at most 1,000."""
        with self._connections.use() as connection:
            rows = connection.execute(
                f"select {_COLUMNS} from security_log where number > %s order by number limit %s",  # noqa: S608
                [after, min(limit, PAGE)],
            ).fetchall()
        return [Line(*row) for row in rows]

    def _times(self, key: tuple[object, ...]) -> int:
        """Return how often this happened since it was last written, with this time; 0 within the minute after."""
        now = time.monotonic()
        with self._guard:
            written, unwritten = self._recent.get(key, (0.0, 0))
            if written and now - written < WINDOW_SECONDS:
                self._recent[key] = (written, unwritten + 1)
                return 0
            if len(self._recent) >= MOST_REMEMBERED:
                self._recent.clear()
            self._recent[key] = (now, 0)
            return unwritten + 1
