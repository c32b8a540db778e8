"""Load, decide, append, and decide again when others were faster: the way of every command into the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg_pool import PoolTimeout

from aggregates.entry import Circumstances, Entry, Idempotency, Occasion, Recorded
from aggregates.frozen import dataclass
from ledger.appends import Appended, NotAtOnce
from ledger.claims import claimed
from ledger.codec import encode
from ledger.errors import (
    AppendIsUncertain,
    CommandInFlight,
    IdempotencyKeyReused,
    KeyedCommandIsDone,
    Moved,
    StaleVersion,
    StreamsHaveMoved,
    TooMuchContention,
    is_lost,
)
from ledger.identifiers import new_id
from ledger.keys import Keys
from ledger.library import Known, LedgerApplication, Loaded, Pending
from ledger.limits import RETRIES
from ledger.place import Connections
from ledger.receipts import IdempotencyKey, Kept, Receipt, find_key, find_request, read_receipt
from ledger.states import States
from ledger.worlds import LedgerWorld

log = logging.getLogger(__name__)

T = TypeVar("T")
Decide = Callable[[Any, Any, Occasion], Sequence[Recorded]]
"""Takes a world, a command and an occasion; returns what is to be recorded or raises a refusal."""
Decided = tuple[list[Recorded], LedgerWorld]
"""What an order would record, and the world on which that was decided."""

_PAUSES = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each look for a command whose answer was lost."""
_CONNECTIONS = 12
"""Connections that may turn out to be broken, one after the other, before a command is given up: a pool and two."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command and who gives it under which circumstances.

    `by` and `on_behalf_of` are `person:<uuid>` or `service:<uuid>`; `expected` pins streams to the versions that the
    caller has seen; `request` identifies this one attempt and is made where it is absent.
    """

    command: Any
    by: str
    on_behalf_of: str | None = None
    idempotency: IdempotencyKey | None = None
    expected: Mapping[str, int] | None = None
    imported: bool = False
    accept_faults: bool = False
    details: dict[str, Any] | None = None
    request: UUID | None = None
    looks_at: tuple[str, ...] = ()
    """Streams that deciding will look at, as far as they are known: a group of orders looks them up together."""

    def occasion(self, at: datetime, zone: ZoneInfo) -> Occasion:
        """Return the occasion of deciding this order at a time of the database's clock."""
        return Occasion(
            by=self.by,
            at=at,
            zone=zone,
            on_behalf_of=self.on_behalf_of,
            imported=self.imported,
            accept_faults=self.accept_faults,
            details=self.details or {},
        )

    def asked(self) -> bytes:
        """Return the bytes that an idempotency key stands for."""
        if self.idempotency is not None and self.idempotency.asked:
            return self.idempotency.asked
        told = (
            self.command.model_dump_json() if hasattr(self.command, "model_dump_json") else repr(self.command)
        )
        return f"{type(self.command).__name__} {told}".encode()


class Executor:
    """Carries commands out on one ledger."""

    def __init__(
        self,
        application: LedgerApplication,
        states: States,
        connections: Connections,
        keys: Callable[[], Keys],
        zone: Callable[[], ZoneInfo],
    ) -> None:
        self._application = application
        self.states = states
        self.connections = connections
        self._keys = keys
        self.zone = zone

    def execute(self, order: Order, decide: Decide) -> Receipt:
        """Decide an order and record its events; see `Ledger.execute`.

        A connection that is lost before anything was sent to be recorded is replaced by another; what is lost
        during the append is settled there.
        """
        return self.patiently(lambda: self._execute(order, decide))

    def patiently(self, work: Callable[[], T]) -> T:
        """Do some work, again with another connection where one is lost before anything was sent to be recorded."""
        for attempt in range(_CONNECTIONS):
            try:
                return work()
            except PoolTimeout:
                raise
            except psycopg.Error as error:
                if not is_lost(error) or attempt == _CONNECTIONS - 1:
                    raise
                time.sleep(0.05 * attempt)
        raise TooMuchContention

    def _execute(self, order: Order, decide: Decide) -> Receipt:
        if order.idempotency is None:
            return self._until_settled(order, decide, None)
        mark = Idempotency(key=order.idempotency.key, fingerprint=self.fingerprint(order))
        tried = None if order.idempotency.first else self._at_once(order, decide, mark)
        if isinstance(tried, Receipt):
            return tried
        with self.connections.use() as connection, claimed(connection, order.by, mark.key) as (is_held, kept):
            if kept is not None:  # recorded is recorded, also where a lost session still holds the key
                return self._first_receipt(kept, mark)
            if not is_held:
                raise CommandInFlight
            return self._until_settled(order, decide, mark, tried)

    def _at_once(self, order: Order, decide: Decide, mark: Idempotency) -> Receipt | Decided | None:
        """Record an order with an idempotency key in one round trip, by the short way, and return its receipt.

        That claims the key, finds it unused and keeps it in one transaction with the entry. Where it is closed, or
        another order than a plain one was decided, what was decided is returned; None where there is nothing to go on
        with. What is refused, fails or comes to nothing is not believed: perhaps the key was used.
        """
        if not self._application.appends_alone:
            return None
        at, _ = self.states.present()
        world = LedgerWorld(self.states, self.connections)
        if any(world.version(stream) != version for stream, version in (order.expected or {}).items()):
            return None
        try:
            decided = list(decide(world, order.command, order.occasion(at, self.zone())))
        except psycopg.Error:
            raise
        except Exception:  # noqa: BLE001 (it comes again where the key is new)
            return None
        if len(decided) != 1:
            return (decided, world) if decided else None
        request = order.request or new_id()
        pending, reads = self._prepared(order, decided, world, mark, request)
        try:
            return self.append(pending, reads, request, known=world.known, at_once=True)
        except NotAtOnce:
            return decided, world
        except (StreamsHaveMoved, KeyedCommandIsDone):
            return None

    def _prepared(self, order: Order, decided: Sequence[Recorded], world: LedgerWorld, mark: Idempotency | None,
                  request: UUID) -> tuple[list[Pending], dict[str, int]]:  # fmt: skip
        """Return decided events with their places, and the versions of what else was looked at."""
        pending = self.pending(order, decided, world, mark, request)
        written = {one.stream for one in pending}
        return pending, {stream: version for stream, version in world.looked.items() if stream not in written}

    def fingerprint(self, order: Order) -> str:
        """Return the keyed fingerprint of what an order asks under its idempotency key."""
        key = order.idempotency.key if order.idempotency is not None else ""
        return self._keys().fingerprint(order.by, key, order.asked())

    def decide(self, order: Order, decide: Decide) -> Decided:
        """Return what an order would record.

        Where it is refused, fails, or nothing is to be done, the states are known to be fresh: those of a moment ago
        may not even agree with each other.
        """
        at, fresh = self.states.present()
        for _ in range(RETRIES):
            world = LedgerWorld(self.states, self.connections)
            failed: Exception | None = None
            decided: list[Recorded] = []
            try:
                self._check_pins(order, world)
                decided = list(decide(world, order.command, order.occasion(at, self.zone())))
            except psycopg.Error:
                raise
            except Exception as error:  # noqa: BLE001 (raised below, once it is known to be true)
                failed = error
            if decided:
                return decided, world
            if fresh:
                moved = self.states.moved(world.looked)
                if not moved and not world.is_elsewhere:
                    if failed is not None:
                        raise failed
                    return decided, world
                self.states.forget(moved)
            at, fresh = self.states.refresh(), True
        raise TooMuchContention

    def pending(self, order: Order, decided: Sequence[Recorded], world: LedgerWorld, mark: Idempotency | None,
                request: UUID) -> list[Pending]:  # fmt: skip
        """Return decided events with their places in their streams."""
        versions: dict[str, int] = {}
        pending = []
        for one in decided:
            versions[one.stream] = version = versions.get(one.stream, world.version(one.stream)) + 1
            circumstances = Circumstances(
                by=order.by,
                request=request,
                on_behalf_of=order.on_behalf_of,
                effective_at=one.effective_at,
                reason=one.reason,
                decision=one.decision,
                source=one.source,
                idempotency=mark,
                supersedes=one.supersedes,
            )
            data = encode(one.stream, version, circumstances, one.event)
            pending.append(Pending(one.stream, version, circumstances, one.event, data))
        return pending

    def append(
        self, pending: Sequence[Pending], reads: Mapping[str, int], request: UUID, search: UUID | None = None,
        foreseen: tuple[int, Sequence[Loaded]] | None = None, known: Known | None = None, *, at_once: bool = False,
    ) -> Receipt:  # fmt: skip
        """Append and, where the connection is lost meanwhile, find out what became of it.

        The same bytes are sent again only after the ledger was searched for the request behind its lock; their
        stream versions let them in at most once. `search` is the request that its last entry carries, where it
        is not `request`; `foreseen` the first position that was counted on, and states that are true if it is so;
        `known` where all that was read was heard, and a position to which it had followed the ledger there; with
        `at_once` the first attempt goes the short way or raises NotAtOnce.
        """
        after, turn = self.states.position or 0, self.states.turn
        try:
            appended = self._application.put(pending, reads, known, at_once=at_once)
            left = foreseen[1] if foreseen is not None and foreseen[0] == appended.first_position else ()
            self.states.take(_entries(pending, appended), turn, left)
            return _receipt(pending, appended, request)
        except psycopg.Error as lost:
            if not is_lost(lost):
                raise
            log.warning("The connection was lost during an append; looking for request %s.", request)
            found = self._settle(pending, reads, search or request, after, known, lost)
            if search is None:
                return found
            # It is recorded: nothing is asked of the database any more whose loss would look like one before that.
            first = found.position - len(pending) + 1
            return _receipt(pending, Appended(first, found.position, found.recorded_at), request)

    def known_receipt(self, actor: str, mark: Idempotency) -> Receipt | None:
        """Return the first receipt of an idempotency key, or None where it is new.

        Raises IdempotencyKeyReused where another command was sent under it.
        """
        with self.connections.use() as connection:
            kept = find_key(connection, actor, mark.key)
        return None if kept is None else self._first_receipt(kept, mark)

    def _first_receipt(self, kept: Kept, mark: Idempotency) -> Receipt:
        if kept.fingerprint != mark.fingerprint:
            raise IdempotencyKeyReused
        with self.connections.use() as connection:
            return read_receipt(connection, kept.first_position, kept.position).again()

    def _until_settled(
        self, order: Order, decide: Decide, mark: Idempotency | None, tried: Decided | None = None
    ) -> Receipt:
        request = order.request or new_id()
        for _ in range(RETRIES):
            (decided, world), tried = tried or self.decide(order, decide), None
            if not decided:
                return self.nothing(request)
            pending, reads = self._prepared(order, decided, world, mark, request)
            try:
                return self.append(pending, reads, request, known=world.known)
            except StreamsHaveMoved as error:
                self.states.forget(one.stream for one in error.moved)
                for one in error.moved:
                    if order.expected and one.stream in order.expected:
                        raise self._stale(one) from error
            except KeyedCommandIsDone:
                known = self.known_receipt(order.by, mark) if mark else None
                if known is None:
                    raise
                return known
        raise TooMuchContention

    def _settle(
        self,
        pending: Sequence[Pending],
        reads: Mapping[str, int],
        request: UUID,
        after: int,
        known: Known | None,
        lost: psycopg.Error,
    ) -> Receipt:
        """Find out what became of an append whose answer was lost; `after` is a position from before it."""
        heard = None if known is None else (known[0], None)
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                found = self._look_for(after, request)
                if found is not None:
                    return found
                try:
                    return _receipt(pending, self._application.put(pending, reads, heard), request)
                except (StreamsHaveMoved, KeyedCommandIsDone):
                    found = self._look_for(after, request)
                    if found is not None:
                        return found
                    raise
            except PoolTimeout as error:
                log.warning("The database was waited for in vain: %s", error)
                break  # half a minute without a connection; a caller is not kept longer
            except psycopg.Error as error:
                if not is_lost(error):
                    raise
                log.warning("The database does not answer yet: %s", error)
        raise AppendIsUncertain(
            f"The connection was lost while request {request} was being recorded, and the database does not answer; "
            "send the command again with the same idempotency key."
        ) from lost

    def _look_for(self, after: int, request: UUID) -> Receipt | None:
        """Return the receipt of a request once whoever is appending has finished."""
        with self.connections.use() as connection:
            connection.execute("select wait_for_appends()")
            return find_request(connection, after, request)

    def _check_pins(self, order: Order, world: LedgerWorld) -> None:
        for stream, version in (order.expected or {}).items():
            if world.version(stream) != version:
                raise self._stale(Moved(stream, version, world.version(stream)))

    def _stale(self, moved: Moved) -> StaleVersion:
        with self.connections.use() as connection:
            row = connection.execute(
                "select version, recorded_by, recorded_at, name from entries_json where stream = %s"
                " order by version desc limit 1",
                [moved.stream],
            ).fetchone()
        if row is None:
            return StaleVersion(Moved(moved.stream, moved.expected, 0), None, None, None)
        return StaleVersion(Moved(moved.stream, moved.expected, row[0]), row[1], row[2], row[3])

    def nothing(self, request: UUID) -> Receipt:
        """Return the receipt of a command that changed nothing: the end of the ledger, and no names."""
        with self.connections.use() as connection:
            row = connection.execute("select position, recorded_at from head").fetchone()
        position, recorded_at = row if row else (0, None)
        return Receipt(position, position, recorded_at, request=request)


def _entries(pending: Sequence[Pending], appended: Appended) -> list[Entry]:
    """Return what was appended as entries, as they would be read back."""
    first, last = appended.first_position, appended.position
    if first == last:  # far the most frequent
        (one,) = pending
        at = appended.recorded_at
        return [Entry(first, at, one.stream, one.version, one.circumstances, one.event)]
    return [
        Entry(
            first + place,
            appended.recorded_at - timedelta(microseconds=last - first - place),
            one.stream,
            one.version,
            one.circumstances,
            one.event,
        )
        for place, one in enumerate(pending)
    ]


def _receipt(pending: Sequence[Pending], appended: Appended, request: UUID) -> Receipt:
    return Receipt(
        position=appended.position,
        first_position=appended.first_position,
        recorded_at=appended.recorded_at,
        streams={one.stream: one.version for one in pending},
        names=tuple(one.event.stored_name for one in pending),
        request=request,
        entries=tuple((one.stream, one.data) for one in pending),
    )
