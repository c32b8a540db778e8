"""The eventsourcing library behind the ledger: our recorder, mapper and factory in its places; nobody else imports it.

What is ours: the table, the append, the bytes and the names (a release of the library may change its own). What is the
library's: the contracts of recorder and mapper, the event store, the repository, the application that joins them.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, Repository
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    JSONTranscoder,
    Mapper,
    Notification,
    NotSupportedError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType

from aggregates.entry import Circumstances, Entry, Event
from aggregates.frozen import dataclass
from ledger.appends import Appended, Appends
from ledger.codec import RawEntry, decode
from ledger.errors import StreamsHaveMoved
from ledger.place import Connections, Home
from ledger.plain import Plain, plain_parts

Known = tuple[Home | None, int | None]
"""Where all that was read was heard, and a position to which it had followed the ledger there, if there is one."""
COLUMNS = "position, recorded_at, stream, version, name, data"

Evolve = Callable[[Any, Entry], Any]
"""Takes the state of a stream (None before its first entry) and the next entry; returns the next state."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event with its place in a stream and the bytes that stand for it, not recorded yet."""

    stream: str
    version: int
    circumstances: Circumstances
    event: Event
    data: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """The state of a stream at its version: what the library calls an aggregate, here an immutable value."""

    stream: str
    version: int
    state: Any


@dataclasses.dataclass(frozen=True)
class StoredEntry(Notification):
    """A stored event of the library with the time at which the database recorded it."""

    recorded_at: datetime


class EntryMapper(Mapper[str]):
    """Turns an event with its circumstances into stored bytes and stored bytes into an entry."""

    def __init__(self) -> None:
        super().__init__(transcoder=JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Return the stored bytes of a pending event."""
        pending: Pending = domain_event
        return StoredEvent(
            originator_id=pending.stream,
            originator_version=pending.version,
            topic=pending.event.stored_name,
            state=pending.data,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return the entry of a stored event."""
        return decode(raw_entry(stored_event))


class EntryRecorder(ApplicationRecorder):
    """Reads entries and appends them through the functions of the database."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.appends = Appends()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append in one round trip; `reads` maps streams to the versions at which they were read.

        `keys` are the idempotency keys in these events, each with its actor. Raises a refusal by the codes of the
        function.
        """
        appended = self.append(
            [stored.state for stored in stored_events],
            {str(stored.originator_id) for stored in stored_events},
            kwargs.get("reads") or {},
            kwargs.get("keys") or (),
        )
        return range(appended.first_position, appended.position + 1)

    def append(
        self,
        data: list[bytes],
        writes: Collection[str],
        reads: Mapping[str, int],
        keys: Collection[tuple[str, str]] = (),
        known: Known | None = None,
        plain: Plain | None = None,
        *,
        at_once: bool = False,
    ) -> Appended:
        """Append stored bytes, as `insert_events` does, and return what the database answered."""
        with self._connections.use() as connection:
            position = self._still(known)
            return self.appends.append(
                connection, data, writes, reads, keys, position, plain, at_once=at_once
            )

    def _still(self, known: Known | None) -> int | None:
        """Return the position that was known, if it was heard where a connection goes to which was given since.

        Raises StreamsHaveMoved, to decide anew, where connections go elsewhere meanwhile: there may be another history.
        """
        if known is None:
            return None
        home, position = known
        if home != self._connections.pool.home:
            raise StreamsHaveMoved(())
        return position

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the entries of one stream in the order of their versions."""
        with self._connections.use() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from entries"  # noqa: S608
                " where stream = %s and version > %s and version <= %s"
                f" order by version {'desc' if desc else 'asc'} limit %s",
                [str(originator_id), gt or 0, lte if lte is not None else 2**31 - 1, limit],
                binary=True,
            ).fetchall()
        return [stored_entry(row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return a page of entries in the order of their positions."""
        first = (start or 0) if inclusive_of_start else (start or 0) + 1
        with self._connections.use() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from entries"  # noqa: S608
                " where position >= %s and position <= %s and (%s or name = any (%s)) order by position limit %s",
                [first, stop if stop is not None else 2**62, not topics, list(topics), limit],
                binary=True,
            ).fetchall()
        return [stored_entry(row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Return the last position, or None for an empty ledger."""
        with self._connections.use() as connection:
            row = connection.execute("select max(position) from entries").fetchone()
        return row[0] if row else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Return an iterator that waits for entries by looking for them at an interval."""
        return PollingSubscription(self, gt, topics)


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Follows the ledger by asking for the next page every tenth of a second: no notification can be lost."""

    interval = 0.1

    def __init__(self, recorder: ApplicationRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._page: list[Notification] = []
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the waiting."""
        super().stop()
        self._stopping.set()

    def __next__(self) -> Notification:
        """Return the next entry, waiting for it where needed."""
        while not self._page:
            if self._stopping.is_set():
                raise StopIteration
            found = self._recorder.select_notifications(
                self._last_notification_id, 500, topics=self._topics, inclusive_of_start=False
            )
            self._page = list(reversed(found))
            if not found:
                self._stopping.wait(self.interval)
        following = self._page.pop()
        self._last_notification_id = following.id
        return following


class EntryFactory(InfrastructureFactory[TrackingRecorder]):
    """Gives the library our recorder and mapper."""

    def __init__(self, env: Environment, connections: Connections) -> None:
        super().__init__(env)
        self._connections = connections

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Any:
        """Return the mapper of entries; no other can be chosen from outside."""
        del transcoder, mapper_class
        return EntryMapper()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Return the recorder of entries."""
        del purpose
        return EntryRecorder(self._connections)

    def application_recorder(self) -> ApplicationRecorder:
        """Return the recorder of entries."""
        return EntryRecorder(self._connections)

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        """Refuse: what is derived keeps its own bookmarks."""
        del tracking_recorder_class
        raise NotSupportedError("Projections keep their own bookmarks.")

    def process_recorder(self) -> ProcessRecorder:
        """Refuse: what is derived keeps its own bookmarks."""
        raise NotSupportedError("Projections keep their own bookmarks.")


class LedgerApplication(Application[str]):
    """The library's application over one ledger: loads the states of streams, saves pending events."""

    name = "StrategyLedger"

    def __init__(self, connections: Connections, evolve: Mapping[str, Evolve]) -> None:
        self._connections = connections
        self._evolve = evolve
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Return an empty environment: no variable of the process changes what is stored."""
        del env
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Return our factory."""
        return EntryFactory(env, self._connections)

    def construct_repository(self) -> Repository[str]:
        """Return a repository without a cache: `ledger.states` keeps one that follows the whole ledger at once."""
        return Repository(event_store=self.events, deepcopy_from_cache=False)

    def load(self, stream: str, version: int | None = None) -> Loaded:
        """Return the state of a stream at its last version or an earlier one; version 0 and None where absent."""
        try:
            return cast("Loaded", self.repository.get(stream, version=version, projector_func=self._project))
        except AggregateNotFoundError:
            return Loaded(stream, 0, None)

    def evolve(self, loaded: Loaded | None, entry: Entry) -> Loaded:
        """Return the state of a stream after one more entry."""
        kind = self._evolve[entry.stream.partition(":")[0]]
        return Loaded(entry.stream, entry.version, kind(loaded.state if loaded else None, entry))

    def do_meanwhile(self, work: Callable[[], object]) -> None:
        """Do some work in each append, while the database is at it."""
        cast("EntryRecorder", self.recorder).appends.meanwhile = work

    @property
    def appends_alone(self) -> bool:
        """Whether who appends now is likely to go the short way."""
        return cast("EntryRecorder", self.recorder).appends.is_alone

    def put(
        self,
        pending: Sequence[Pending],
        reads: Mapping[str, int],
        known: Known | None = None,
        *,
        at_once: bool = False,
    ) -> Appended:
        """Append pending events and return where they stand; `known` says what all reads had followed, and where.

        With `at_once` they go the short way or none, and NotAtOnce is raised.

        They go to the recorder directly: the event store would make bytes of what is bytes already, and notifications
        that nobody reads.
        """
        keys = {
            (one.circumstances.by, one.circumstances.idempotency.key)
            for one in pending
            if one.circumstances.idempotency is not None
        }
        recorder = cast("EntryRecorder", self.recorder)
        return recorder.append(
            [one.data for one in pending],
            {one.stream for one in pending},
            reads,
            keys,
            known,
            _plain(pending[0]) if len(pending) == 1 and known is not None and known[1] is not None else None,
            at_once=at_once,
        )

    def _project(self, loaded: Any, entries: Iterable[Any]) -> Any:
        for entry in entries:
            loaded = self.evolve(loaded, entry)
        return loaded


def _plain(one: Pending) -> Plain:
    return partial(plain_parts, one.stream, one.version, one.circumstances, one.event, one.data)


def stored_entry(row: tuple[Any, ...]) -> StoredEntry:
    """Return the library's shape of a row."""
    position, recorded_at, stream, version, name, data = row
    return StoredEntry(stream, version, name, data, position, recorded_at)


def raw_entry(stored: StoredEvent) -> RawEntry:
    """Return the row of the library's shape."""
    entry = cast("StoredEntry", stored)
    return RawEntry(
        entry.id,
        entry.recorded_at,
        str(entry.originator_id),
        entry.originator_version,
        entry.topic,
        entry.state,
    )
