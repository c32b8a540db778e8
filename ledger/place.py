"""Where a ledger's database is: the address of the owner, the address of the application, the names of the roles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.embedded import EmbeddedServer
from ledger.errors import ShutOut
from ledger.lasting import watched
from ledger.limits import LOCK_SECONDS
from ledger.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]
Home = tuple[datetime, int, int | None]
"""Where what is heard comes from: when the server began, and which database and which table of the head it is."""
_IDLE = TransactionStatus.IDLE
_KNOCK_SECONDS = 3


class Place:
    """The database of these settings; starts or joins the embedded server when there is no address.

    On the embedded server the application logs in as its own role over a socket that only the server's user can
    reach: it never holds a connection of the superuser. On a server of your own it takes the application's role on
    when it connects.
    """

    def __init__(self, settings: Settings, server: EmbeddedServer | None) -> None:
        self.schema = settings.schema
        self.owner_role = f"{settings.schema}_owner"
        self.application_role = f"{settings.schema}_app"
        self.auditor_role = f"{settings.schema}_auditor"
        self.reader_role = f"{settings.schema}_reader"
        self.embedded = server is not None
        self._server = server
        if server is not None:
            self.owner_url = server.url
            self.application_url = make_conninfo(server.url, user=self.application_role)
        else:
            self.application_url = watched(settings.database_url or "")
            self.owner_url = watched(settings.migrate_url) if settings.migrate_url else self.application_url

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Return the place of these settings, with its server running."""
        return cls(settings, EmbeddedServer.start(settings.data_dir) if settings.embedded else None)

    def close(self) -> None:
        """Leave the embedded server, which stops when nobody else uses it."""
        if self._server is not None:
            self._server.stop()

    def revive(self) -> bool:
        """Start the embedded server again where it was killed; return whether it was. A server of yours is your own."""
        return self._server is not None and self._server.revive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def same_login(self) -> bool:
        """Whether owner and application log in as the same role."""
        return conninfo_to_dict(self.owner_url).get("user") == conninfo_to_dict(self.application_url).get(
            "user"
        )

    @contextmanager
    def as_owner(self) -> Iterator[Connection]:
        """Give a connection, in a transaction, under the role that owns the ledger."""
        with psycopg.connect(self.owner_url) as connection:
            self.take_on(connection, self.owner_role)
            connection.execute(
                sql.SQL(
                    "select set_config('search_path', {}, false), set_config('timezone', 'UTC', false),"
                    "       set_config('datestyle', 'ISO, MDY', false)"
                ).format(sql.Literal(quoted(self.schema)))
            )
            connection.commit()
            yield connection

    def take_on(self, connection: Connection, role: str) -> bool:
        """Take a role on where it exists and this login is a member of it; return whether it was."""
        row = connection.execute(
            "select oid is not null and pg_has_role(oid, 'member') from (select to_regrole(%s) as oid) as found",
            [quoted(role)],
        ).fetchone()
        if row is None or not row[0]:
            return False
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        return True

    def pool(self, *, largest: int = 10, kept: int = 0) -> Pool:
        """Return an open pool of the application's connections: autocommit, in the ledger's schema, in UTC."""

        return Pool(
            self.application_url,
            self._configure,
            kept=kept,
            min_size=1,
            max_size=largest,
            kwargs=self._session(),
            name=f"ledger {self.schema}",
            timeout=30,
            open=True,
        )

    def connection(self) -> Connection:
        """Return a connection like those of the pool, beside it; whoever asked for it closes it."""
        connection: Connection = psycopg.connect(self.application_url, **self._session())
        try:
            self._configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _session(self) -> dict[str, Any]:
        return {"autocommit": True, "fallback_application_name": session_name(self.schema)}

    def _configure(self, connection: Connection) -> Home:
        """Make a new connection one of the application's, and return where it goes.

        It waits for no lock longer than an append does, unless its address or its login says how long.
        """
        if not self.embedded:
            self.take_on(connection, self.application_role)
        row = connection.execute(
            sql.SQL(
                "select pg_postmaster_start_time(), (select oid from pg_database where datname = current_database()),"
                "       to_regclass({})::oid, set_config('search_path', {}, false),"
                "       set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, MDY', false),"
                "       set_config('client_encoding', 'UTF8', false),"
                "       set_config('lock_timeout', coalesce(nullif(current_setting('lock_timeout'), '0'), {}), false)"
            ).format(
                sql.Literal(f"{quoted(self.schema)}.head"),
                sql.Literal(quoted(self.schema)),
                sql.Literal(f"{LOCK_SECONDS}s"),
            )
        ).fetchone()
        assert row is not None  # noqa: S101 (a select of values gives one row)
        return row[0], row[1], row[2]


class Pool(ConnectionPool[Connection]):
    """A pool of which up to `kept` connections wait beside it for their next use, which spares a command the pool's
    bookkeeping; a connection that somebody waits for is never kept."""

    def __init__(
        self, url: str, configure: Callable[[Connection], Home], *, kept: int = 0, **told: Any
    ) -> None:
        self.home: Home | None = None
        """Where the last new connection goes; `configure` says it of each."""
        self.when_replaced: Callable[[], object] | None = None
        """What is done before a connection is given that goes somewhere else: there may be another history."""
        self._hearing = threading.Lock()
        self._kept = kept
        self._ready: list[Connection] = []
        self._asking = 0
        """How many threads found nothing beside the pool and ask the pool itself."""
        self._is_shut_out = False
        """Whether somebody waited in vain, as the database let nobody in, and no connection was made since."""
        self._counting = threading.Lock()
        self._made: WeakSet[Connection] = WeakSet()
        super().__init__(url, configure=lambda connection: self._take_in(connection, configure), **told)

    def made(self) -> list[Connection]:
        """Return the connections that were made and are open, those in use as well."""
        with self._counting:
            made = tuple(self._made)
        return [connection for connection in made if not connection.closed]

    def _take_in(self, connection: Connection, configure: Callable[[Connection], Home]) -> None:
        with self._counting:
            self._made.add(connection)
        self._hear(configure(connection))
        self._is_shut_out = False

    def _hear(self, home: Home) -> None:
        with self._hearing:
            if home == self.home:
                return
            if self.home is not None and self.when_replaced is not None:
                self.when_replaced()
            self.home = home  # only now: what is read after this was heard there

    def getconn(self, timeout: float | None = None) -> Connection:
        """Return a connection that nobody uses, as far as is known a sound one.

        Raises PoolTimeout where all are in use, and ShutOut where there is none, as the database lets nobody in: at
        once where somebody waited for that in vain already.
        """
        connection = self._sound()
        if connection is not None:
            return connection
        if self._is_shut_out:
            self._knock()
        with self._counting:
            self._asking += 1
        try:  # one that was kept before this thread counted; whoever comes now sees that it asks
            return self._sound() or super().getconn(timeout)
        except PoolTimeout:
            if self.closed or self.made():
                raise
            self._knock()
            return super().getconn(timeout)
        finally:
            with self._counting:
                self._asking -= 1

    def _knock(self) -> None:
        """Try whether the database lets anybody in. Raises ShutOut."""
        url = self.conninfo if isinstance(self.conninfo, str) else self.conninfo()
        try:
            psycopg.connect(url, connect_timeout=_KNOCK_SECONDS).close()
        except psycopg.Error as error:
            self._is_shut_out = True
            raise ShutOut(str(error)) from error
        self._is_shut_out = False

    def putconn(self, conn: Connection) -> None:
        """Take back a connection that nobody uses any more."""
        if len(self._ready) >= self._kept or conn.pgconn.transaction_status != _IDLE:
            super().putconn(conn)
            return
        self._ready.append(conn)
        if self._asking or not self._kept:  # since that was asked above
            self._give_up()

    def drain(self) -> None:
        """Have every connection replaced, those in use once they come back: what they go to is heard anew."""
        self._give_up()
        super().drain()

    def close(self, timeout: float = 5.0) -> None:
        """Close what waits, here and in the pool; what is in use is closed when it comes back."""
        self._kept = 0
        super().close(timeout)
        self._give_up()

    def _sound(self) -> Connection | None:
        try:
            connection = self._ready.pop()
        except IndexError:
            return None
        if not connection.closed:
            return connection
        super().putconn(connection)
        return None

    def _give_up(self) -> None:
        """Give what waits beside the pool to the pool."""
        while True:
            try:
                connection = self._ready.pop()
            except IndexError:
                return
            super().putconn(connection)


class _Held(threading.local):
    connection: Connection | None = None
    uses = 0


class Connections:
    """The pool's connections, one at a time per thread: whoever uses one inside another's use gets the same.

    One that turns out to be broken is given back at once, so that threads that all lost theirs do not wait for each
    other's; the next use inside gets a new one, which stays until the outermost use ends.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._held = _Held()

    def use(self) -> AbstractContextManager[Connection]:
        """Give the connection that this thread uses already, or one that nobody uses."""
        return _Use(self.pool, self._held)


class _Use:
    """One use of a connection; written out, as each command passes here several times."""

    __slots__ = ("_held", "_pool")

    def __init__(self, pool: ConnectionPool[Connection], held: _Held) -> None:
        self._pool = pool
        self._held = held

    def __enter__(self) -> Connection:
        held = self._held
        connection = held.connection
        if connection is not None and connection.closed:
            held.connection = None
            self._pool.putconn(connection)
            connection = None
        if connection is None:
            connection = held.connection = self._pool.getconn()
        held.uses += 1
        return connection

    def __exit__(self, *_: object) -> None:
        held = self._held
        held.uses -= 1
        if held.uses == 0 and held.connection is not None:
            connection, held.connection = held.connection, None
            self._pool.putconn(connection)


def session_name(schema: str) -> str:
    """Return what `pg_stat_activity` calls the application's sessions on a ledger, unless the address names them."""
    return f"strategy-ledger {schema}"


def quoted(name: str) -> str:
    """Return a name as SQL writes it; the pattern of a schema leaves nothing in it to escape."""
    return f'"{name}"'
