"""Every way in which the ledger itself says no, and how the database's refusals become those words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import orjson
from psycopg import DatabaseError, Error, InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from aggregates.refusals import Conflict, LiesInTheFuture, Refusal
from aggregates.values import instant_text


class Unavailable(Refusal):
    """The ledger cannot answer at the moment; nothing was recorded."""

    kind: ClassVar[str] = "unavailable"


class TooLarge(Refusal):
    """This is over a limit."""

    kind: ClassVar[str] = "too_large"


@dataclass(frozen=True, slots=True)
class Moved:
    """A stream that is no longer where it was read: the version that was expected and the one that is there."""

    stream: str
    expected: int
    present: int


class StreamsHaveMoved(Conflict):
    """Something that the decision read or wrote has changed since; decide again."""

    def __init__(self, moved: tuple[Moved, ...]) -> None:
        self.moved = moved
        super().__init__(
            "; ".join(f"{one.stream} is at version {one.present}, not {one.expected}" for one in moved) + "."
        )


class StaleVersion(Conflict):
    """The record has changed since the version that you named."""

    def __init__(
        self, moved: Moved, changed_by: str | None, changed_at: datetime | None, name: str | None
    ) -> None:
        self.moved = moved
        self.changed_by = changed_by
        self.changed_at = changed_at
        self.name = name
        at = "" if changed_at is None else f" at {instant_text(changed_at)}"
        who = f"; {changed_by} recorded {name}{at}" if changed_by else ""
        super().__init__(f"{moved.stream} is at version {moved.present}, not {moved.expected}{who}.")


class TooMuchContention(Conflict):
    """Others kept changing what this command reads; send it again."""


class IdempotencyKeyReused(Refusal):
    """This idempotency key has been used for another command."""


class CommandInFlight(Conflict):
    """A command with this idempotency key is being carried out; wait for its answer."""


class AppendIsTooLarge(TooLarge):
    """An append is over a limit of the ledger."""


class EntryIsMalformed(Refusal):
    """These bytes are no entry of a ledger."""


class ClockIsBehind(Unavailable):
    """The database's clock is behind the ledger; set it right before anything is recorded."""


class LedgerIsBusy(Unavailable):
    """Somebody else holds the end of the ledger for too long; nothing was recorded, send it again in a moment."""


class ConnectionsAreTaken(Unavailable):
    """Every connection to the database is in use, and none came free in time; nothing was recorded, ask again."""


class LedgerIsFull(Unavailable):
    """The database has no room left for this; nothing was recorded. Make room on its disk, then it goes on."""


class HeadWentBack(Unavailable):
    """The ledger ends earlier than this server has seen: it was restored from an older backup; restart the server."""


class LedgerIsReadOnly(Unavailable):
    """The database takes no writes just now: it is being brought back, or is a copy of another one."""


class LedgerIsGone(Unavailable):
    """The ledger is not in its database any more: its schema or its roles were dropped or renamed.

    What is asked meanwhile is told so; restore it, then it goes on, without a restart.
    """


class LedgerIsEmpty(Unavailable):
    """This ledger has not been created yet; run `init` or `restore`."""


class LedgerExists(Conflict):
    """This ledger has already been created."""


class EntryIsSupersededTwice(Conflict):
    """An entry is superseded once."""


class ReferenceIsTaken(Conflict):
    """A reference is given once."""


class AppendIsUncertain(Unavailable):
    """The connection was lost while this was being recorded, and it could not be found out whether it was."""


class RecordIsFixed(Refusal):
    """An entry, once recorded, stays as it is."""


class PageIsTooLarge(TooLarge):
    """At most 10,000 entries are read at once."""


class KeyedCommandIsDone(Conflict):
    """This idempotency key has been used in the meantime."""


_BY_STATE: Mapping[str, type[Refusal]] = {
    "SL001": RecordIsFixed,
    "SL010": AppendIsTooLarge,
    "SL011": EntryIsMalformed,
    "SL013": KeyedCommandIsDone,
    "SL014": ClockIsBehind,
    "SL015": LiesInTheFuture,
}

_FULL = frozenset({"53100", "53200"})
"""No room on a disk, or in memory."""

_GONE = frozenset({"3F000", "42P01", "42883"})
"""No such schema, table or function: every statement names only those that a ledger has."""
_DENIED = "42501"

_BY_CONSTRAINT: Mapping[str, type[Refusal]] = {
    "entries_supersedes": EntryIsSupersededTwice,
    "entries_reference": ReferenceIsTaken,
    "receipts_pkey": KeyedCommandIsDone,
}
"""What the constraints of the tables say, should the function not have said it before."""


def refusal_of(error: Error) -> Refusal | None:
    """Return the refusal that a database error carries by its SQLSTATE, or None for any other error."""
    told = error.diag
    return refusal_for(
        error.sqlstate or "",
        told.message_primary or "",
        told.message_detail or "",
        told.constraint_name or "",
    )


def is_lost(error: BaseException) -> bool:
    """Return whether an error says that the connection was lost.

    Where a server is killed in the middle of an answer, psycopg has no SQLSTATE to go by and raises its general
    DatabaseError instead of an OperationalError.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return type(error) is DatabaseError and error.sqlstate is None


class ShutOut(PoolTimeout):
    """The database lets nobody in; its message says why."""

    @property
    def is_gone(self) -> bool:
        """Whether that is because the ledger's login is not there any more.

        Only the words tell: libpq hands on no SQLSTATE of a connection that was refused.
        """
        return re.search(r'role ".*" does not exist', str(self)) is not None


def is_gone(error: BaseException) -> bool:
    """Return whether an error says that the ledger's tables, or its login, are not in the database."""
    if isinstance(error, ShutOut):
        return error.is_gone
    if isinstance(error, Error):
        return _says_gone(error.sqlstate or "", error.diag.message_primary or "")
    return isinstance(error, LedgerIsGone)


def _says_gone(state: str, message: str) -> bool:
    """Return whether a database's words say that the ledger's things are not there.

    No right to a schema, which only the message tells, is what a session is told whose role was dropped; no right to a
    table or a function is what a login is told that may do less.
    """
    return state in _GONE or (state == _DENIED and "schema" in message.lower())


def passing(error: Exception) -> Unavailable | None:
    """Return in words what passes by itself or once its cause is gone; None for any other error."""
    if isinstance(error, ShutOut):
        return LedgerIsGone() if error.is_gone else None
    if isinstance(error, PoolTimeout):
        return ConnectionsAreTaken()
    refusal = refusal_of(error) if isinstance(error, Error) else None
    return refusal if isinstance(refusal, Unavailable) else None


def refusal_for(state: str, message: str, detail: str, constraint: str) -> Refusal | None:
    """Return the refusal of an SQLSTATE with its message, detail and constraint, or None where it is no refusal."""
    if state == "SL012":
        return StreamsHaveMoved(tuple(Moved(**one) for one in orjson.loads(detail or "[]")))
    if state == "SL016":
        return LedgerIsEmpty(message) if "empty" in message else LedgerExists(message)
    if state == "55P03":
        return LedgerIsBusy()
    if state == "25006":
        return LedgerIsReadOnly()
    if state in _FULL:
        return LedgerIsFull()
    if _says_gone(state, message):
        return LedgerIsGone()
    kind = _BY_STATE.get(state) or _BY_CONSTRAINT.get(constraint)
    if kind is None and state[:2] in ("22", "54"):
        return EntryIsMalformed(f"These bytes are no entry: {message}.")
    return kind(message) if kind else None
