"""The security log: refused attempts, failed tokens, what was read by office only, exports, tokens given and taken.

It stands beside the record and names identifiers, never a name, a title or a secret. It is appended to; the
application's role can neither change nor delete a line. What repeats itself within a minute is one line with a count.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
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

_Key = tuple[Outcome, str, str | None, UUID | None, str | None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, who by which token, what they tried on which stream or address, and what became of it.

    `times` counts what was the same since the line before it of its kind.
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


@dataclass(slots=True)
class _Repeated:
    """What was written lately: when, how often it happened since, and under which request it last did."""

    written: float
    unwritten: int
    door: Door
    request: UUID | None


class SecurityLog:
    """Appends to the log of one ledger and reads it; safe for threads."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._guard = threading.Lock()
        self._recent: OrderedDict[_Key, _Repeated] = OrderedDict()

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
        key = _key(outcome, action, actor, subject)
        now = time.monotonic()
        with self._guard:
            known = self._recent.get(key)
            if known is not None and now - known.written < WINDOW_SECONDS:
                known.unwritten, known.door, known.request = known.unwritten + 1, door, request
                return
            times = 1 if known is None else known.unwritten + 1
            self._recent[key] = _Repeated(now, 0, door, request)
            self._recent.move_to_end(key)
            forgotten = self._recent.popitem(last=False) if len(self._recent) > MOST_REMEMBERED else None
        self._write(key, door, request, times)
        if forgotten is not None:
            self._settle([forgotten])

    def repeats(self, outcome: Outcome, action: str, actor: str, subject: str) -> bool:
        """Return whether the same was written within the minute, and count it: no question to the database."""
        with self._guard:
            known = self._recent.get(_key(outcome, action, actor, subject))
            if known is None or time.monotonic() - known.written >= WINDOW_SECONDS:
                return False
            known.unwritten += 1
            return True

    def settle(self) -> None:
        """Write down what was counted and has no line of its own yet; so before the log is read, and at the end."""
        with self._guard:
            counted = [(key, replace(known)) for key, known in self._recent.items() if known.unwritten]
            for key, _ in counted:
                self._recent[key].unwritten = 0
        self._settle(counted)

    def _settle(self, counted: Iterable[tuple[_Key, _Repeated]]) -> None:
        for key, known in counted:
            if known.unwritten and not self._write(key, known.door, known.request, known.unwritten):
                return

    def _write(self, key: _Key, door: Door, request: UUID | None, times: int) -> bool:
        outcome, action, actor, token, subject = key
        try:
            with self._connections.use() as connection:
                connection.execute(
                    "insert into security_log (actor, token, action, subject, outcome, request, door, times)"
                    " values (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [actor, token, action, subject, outcome, request, door, times],
                )
        except (psycopg.Error, PoolTimeout):
            _log.exception("The security log could not be written: %s %s.", outcome, action)
            return False
        return True

    def page(self, after: int = 0, limit: int = PAGE) -> list[Line]:
        """Return the lines after a number, in their order, at most 1,000; what was counted until now is in them."""
        self.settle()
        with self._connections.use() as connection:
            rows = connection.execute(
                f"select {_COLUMNS} from security_log where number > %s order by number limit %s",  # noqa: S608
                [after, min(limit, PAGE)],
            ).fetchall()
        return [Line(*row) for row in rows]


def _key(outcome: Outcome, action: str, actor: str | None, subject: str | None) -> _Key:
    """Return what makes two happenings the same one."""
    token = actor.token if isinstance(actor, Caller) else None
    return (
        outcome,
        action,
        None if actor is None else str(actor),
        token,
        None if subject is None else _PERSONAL.sub("…", subject)[:LONGEST],
    )
