"""The ledger as the rest of the house sees it: commands in, entries out, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID
from weakref import WeakSet
from zoneinfo import ZoneInfo

import psycopg

from aggregates.entry import Recorded
from ledger.calls import Asked
from ledger.codec import LINE_IN_SQL, RawEntry
from ledger.directory import Directory
from ledger.ending import end_soon
from ledger.errors import LedgerIsEmpty, PageIsTooLarge, refusal_of
from ledger.execute import Decide, Executor, Order
from ledger.groups import Answer, Preview, Previewed, execute_group, preview_group
from ledger.identifiers import new_id
from ledger.keys import Keys
from ledger.library import COLUMNS, Evolve, LedgerApplication
from ledger.limits import PAGE
from ledger.pages import entries_after
from ledger.place import Connection, Connections, Place
from ledger.receipts import IdempotencyKey, Receipt
from ledger.security import SecurityLog
from ledger.settings import Settings
from ledger.states import States
from ledger.tokens import Tokens
from ledger.worlds import LedgerWorld

KEPT = 1
"""Connections that stay beside the pool between two commands."""
_EXPORT_ROWS = 2_000
_LINES = f"select {LINE_IN_SQL} from entries where position > %s and position <= %s order by position"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the ledger: the last position and its time (None before the first entry), the database's clock."""

    position: int
    recorded_at: datetime | None
    now: datetime


class Ledger:
    """One ledger: one schema, one identifier. Made by `open`; a context manager.

    `pool` gives connections of the application's role: autocommit, `search_path` on the ledger's schema, UTC.
    """

    def __init__(self, place: Place, settings: Settings, evolve: Mapping[str, Evolve]) -> None:
        self.schema = settings.schema
        self.settings = settings
        self.place = place
        self.pool = place.pool(kept=KEPT)
        self._connections = Connections(self.pool)
        self._beside: WeakSet[Connection] = WeakSet()
        self._identity: tuple[UUID, ZoneInfo] | None = None
        self._keys: Keys | None = None
        application = LedgerApplication(self._connections, evolve)
        states = States(application, self._connections)
        application.do_meanwhile(states.catch_up)
        self.pool.when_replaced = self._begin_anew
        self._states = states
        self._executor = Executor(
            application, states, self._connections, lambda: self.keys, lambda: self._identified()[1]
        )
        self._application = application
        self.directory = Directory(self._connections, lambda: self.keys)
        self.tokens = Tokens(self._connections)
        self.security = SecurityLog(self._connections)

    @classmethod
    def open(cls, settings: Settings, *, evolve: Mapping[str, Evolve] | None = None) -> Self:
        """Open a ledger that was migrated, starting or joining the embedded server where there is no address.

        `evolve` maps kinds of streams to their functions; those of the rules by default.
        """
        if evolve is None:
            from aggregates.evolve import EVOLVE

            evolve = EVOLVE
        place = Place.open(settings)
        try:
            return cls(place, settings, evolve)
        except BaseException:
            place.close()
            raise

    def close(self) -> None:
        """Close the connections and leave the embedded server."""
        self.security.settle()
        self._application.close()
        for connection in tuple(self._beside):
            connection.close()
        self.pool.close()
        self.place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    new_id = staticmethod(new_id)

    @property
    def identifier(self) -> UUID | None:
        """The ledger's random identifier; None while it is empty."""
        found = self._identify()
        return found[0] if found is not None else None

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone. Raises LedgerIsEmpty before the ledger was created."""
        return self._identified()[1]

    @property
    def keys(self) -> Keys:
        """The keys of persons. Raises LedgerIsEmpty before the ledger was created."""
        if self._keys is None or self._keys.ledger != self._identified()[0]:
            self._keys = Keys(self._connections, self.settings, self._identified()[0])
        return self._keys

    def end_soon(self, after: float) -> None:
        """Let nobody wait for the database any longer, in so many seconds: for the end of a process."""
        end_soon(self.pool, after)

    def _begin_anew(self) -> None:
        """Forget what was read where connections go no longer: there may be another ledger of this name."""
        self._states.begin_anew()
        self._identity = None

    def connection(self) -> Connection:
        """Return a connection beside the pool, for who keeps one; it is closed with the ledger at the latest."""
        connection = self.place.connection()
        self._beside.add(connection)
        return connection

    # -- writing

    def execute(
        self,
        command: Any,
        decide: Decide,
        *,
        by: str,
        on_behalf_of: str | None = None,
        idempotency: IdempotencyKey | None = None,
        expected: Mapping[str, int] | None = None,
        imported: bool = False,
        accept_faults: bool = False,
        details: dict[str, Any] | None = None,
        request: UUID | None = None,
    ) -> Receipt:
        """Load, decide, append one command; decide again (at most 8 times) when others changed what it read.

        Raises the refusals of `decide`; StaleVersion where a stream is not at the version that `expected` pins;
        IdempotencyKeyReused, CommandInFlight, TooMuchContention, AppendIsTooLarge, LiesInTheFuture, ClockIsBehind,
        AppendIsUncertain.
        """
        order = Order(
            command, by, on_behalf_of, idempotency, expected, imported, accept_faults, details, request
        )
        return self._executor.execute(order, decide)

    def execute_many(self, orders: Iterable[Order], decide: Decide, *, group: int = 500) -> Iterator[Answer]:
        """Carry out many commands, `group` at a time in one append each, and give their answers in order.

        Each command is decided on what the ones before it left. An answer is a receipt or the refusal that the command
        met; a refusal leaves the other commands as they are. A group is recorded whole or not at all; pinned versions
        (`expected`) are not for groups. Raises TooMuchContention, AppendIsTooLarge, ClockIsBehind, AppendIsUncertain.
        """
        for answers in execute_group(self._executor, orders, decide, group):
            yield from answers

    def preview_many(
        self, orders: Iterable[Order], decide: Decide, *, onto: Preview | None = None
    ) -> Iterator[Previewed]:
        """Give what many commands would record, one after the other: events, a refusal, or an earlier receipt.

        `onto` is what earlier ones would have left, and takes up what these leave.
        """
        return preview_group(self._executor, orders, decide, onto)

    def begin_preview(self) -> Preview:
        """Return the ledger as it is now, for several runs of `preview_many`."""
        return Preview(self._executor)

    def preview(
        self,
        command: Any,
        decide: Decide,
        *,
        by: str,
        on_behalf_of: str | None = None,
        expected: Mapping[str, int] | None = None,
        imported: bool = False,
        accept_faults: bool = False,
        details: dict[str, Any] | None = None,
        **_ignored: Any,
    ) -> list[Recorded]:
        """Return what a command would record; nothing is recorded."""
        order = Order(command, by, on_behalf_of, None, expected, imported, accept_faults, details)
        self._executor.states.refresh()  # no append will check what this looks at
        return self._executor.decide(order, decide)[0]

    def append(
        self,
        recorded: Sequence[Recorded],
        reads: Mapping[str, int] | None = None,
        *,
        by: str,
        request: UUID | None = None,
    ) -> Receipt:
        """Append events without a decision, after the present versions of their streams.

        Raises StreamsHaveMoved where a stream read is not at its version or somebody else wrote meanwhile.
        """
        request = request or new_id()
        world = LedgerWorld(self._executor.states, self._connections)
        self._executor.states.refresh()
        pending = self._executor.pending(Order(None, by), recorded, world, None, request)
        return self._executor.append(pending, reads or {}, request)

    def next_reference(self, kind: str) -> str:
        """Return a new reference such as `OBJ-142`; `kind` is `OBJ` or `KR`. One that is not used stays unused:
        draw it once the command is allowed."""
        return self.next_references(kind, 1)[0]

    def next_references(self, kind: str, number_of: int) -> list[str]:
        """Return new references in one round trip."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select next_references(%s, %s)", [kind, number_of], prepare=True
            ).fetchall()
        if any(row[0] is None for row in rows):
            raise ValueError(f"There are no references of the kind {kind!r}.")
        return [f"{kind}-{row[0]}" for row in rows]

    def keeping(self, states: int) -> AbstractContextManager[None]:
        """Keep at most so many states of streams in memory meanwhile: for who leaves many streams behind."""
        return self._executor.states.keeping(states)

    def world(self) -> LedgerWorld:
        """Return a fresh world, for reading present states outside a command."""
        self._executor.states.refresh()
        return LedgerWorld(self._executor.states, self._connections)

    # -- reading

    def read_page(self, after: int, limit: int, until: int | None = None) -> list[RawEntry]:
        """Return at most `limit` entries (10,000) with positions above `after`, up to `until`, in their order."""
        if limit > PAGE:
            raise PageIsTooLarge
        return self._rows(
            "position > %s and position <= %s order by position limit %s",
            [after, until if until is not None else 2**62, limit],
        )

    def page_asked(self, after: int, limit: int) -> Asked | None:
        """Return the question for a page, to be sent with others on a connection of the pool."""
        return entries_after(after, limit)

    def read_copies(self, after: int, until: int) -> dict[int, tuple[str | None, int | None]]:
        """Return what the columns `reference` and `supersedes` say, by position, of the entries where either speaks."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select position, reference, supersedes from entries"
                " where position > %s and position <= %s and (reference is not null or supersedes is not null)",
                [after, until],
            ).fetchall()
        return {position: (reference, supersedes) for position, reference, supersedes in rows}

    def read_stream(self, stream: str) -> list[RawEntry]:
        """Return all entries of a stream in the order of their versions."""
        return self._rows("stream = %s order by version", [stream])

    def read_names(self, streams: Sequence[str], names: Sequence[str], until: int) -> list[RawEntry]:
        """Return the entries of these streams with these names, up to a position, in the order of their positions."""
        return self._rows(
            "stream = any (%s) and name = any (%s) and position <= %s order by position",
            [list(streams), list(names), until],
        )

    def restricted(self) -> list[UUID]:
        """Return every objective whose visibility was ever set."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select distinct stream from entries where name = 'objective.visibility_set'"
            ).fetchall()
        return [UUID(stream.partition(":")[2]) for (stream,) in rows]

    def teams(self) -> list[UUID]:
        """Return every team that was ever formed."""
        with self._connections.use() as connection:
            rows = connection.execute("select stream from entries where name = 'team.formed'").fetchall()
        return [UUID(stream.partition(":")[2]) for (stream,) in rows]

    def entry(self, position: int) -> RawEntry | None:
        """Return the entry at a position, or None."""
        found = self._rows("position = %s", [position])
        return found[0] if found else None

    def head(self) -> Head:
        """Return the end of the ledger and the database's clock."""
        with self._connections.use() as connection:
            row = connection.execute("select position, recorded_at, clock_timestamp() from head").fetchone()
        if row is None:
            raise LedgerIsEmpty
        return Head(row[0], row[1] if row[0] else None, row[2])

    def position_at(self, instant: datetime, *, final: bool = True) -> int:
        """Return the last position recorded at or before an instant; 0 before the first entry.

        With `final` the answer can never change: an entry with a later time is visible, or the ledger was asked, behind
        its lock, to record nothing more at or before the instant. Raises LiesInTheFuture for a later instant.
        """
        with self._connections.use() as connection:
            row = connection.execute("select * from position_at(%s)", [instant], prepare=True).fetchone()
            if row is not None and final and not row[1]:
                try:
                    connection.execute("select settle(%s)", [instant])
                except psycopg.Error as error:
                    refusal = refusal_of(error)
                    if refusal is None:
                        raise
                    raise refusal from error
                row = connection.execute("select * from position_at(%s)", [instant]).fetchone()
        return int(row[0]) if row else 0

    def export(self, after: int = 0, until: int | None = None) -> Iterator[bytes]:
        """Give the native lines, each with its line break, as of the moment of the first; constant memory."""
        until = self.head().position if until is None else until
        while after < until:
            last = min(after + _EXPORT_ROWS, until)
            with self._connections.use() as connection:
                rows = connection.execute(_LINES.encode(), [after, last], binary=True).fetchall()
            if not rows:
                return
            for (line,) in rows:
                yield line
            after = last

    def restored(self) -> dict[str, Any] | None:
        """Return when and from how many lines the ledger was restored, or None where it was not."""
        with self._connections.use() as connection:
            row = connection.execute("select value from settings where name = 'restored'").fetchone()
        return row[0] if row else None

    def _rows(self, condition: str, values: list[Any]) -> list[RawEntry]:
        with self._connections.use() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from entries where {condition}".encode(),  # noqa: S608
                values,
                binary=True,
            ).fetchall()
        return list(map(RawEntry._make, rows))

    def _identify(self) -> tuple[UUID, ZoneInfo] | None:
        if self._identity is None:
            with self._connections.use() as connection:
                row = connection.execute("select ledger, zone from head").fetchone()
            if row is not None and row[0] is not None:
                self._identity = (row[0], ZoneInfo(row[1]))
        return self._identity

    def _identified(self) -> tuple[UUID, ZoneInfo]:
        identity = self._identify()
        if identity is None:
            raise LedgerIsEmpty
        return identity
