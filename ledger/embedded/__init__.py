"""The embedded PostgreSQL: a server in the ledger's own data directory, shared by every process that opens it.

Two lock files in the data directory carry the sharing. The kernel drops a lock with its process, so a killed process
leaves nothing behind in them:

- `postgres.lock`, held alone while a server is being started or stopped;
- `postgres.users`, held together by all who use the server; whoever leaves last stops it.

The server listens on a socket in a directory that only its own user can enter, and on no network address. As root it
runs as the user `pgserver`; no permission outside the data directory is changed for that, and programs in a private
home are copied to the machine's cache, not opened.
"""

import atexit
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ledger.embedded.cluster import DURABLE, PATIENCE, Cluster
from ledger.embedded.errors import (
    AccountIsMissing,
    DirectoryIsNotUsable,
    EmbeddedServerError,
    EngineIsMissing,
    ServerDoesNotAnswer,
    ServerDoesNotStart,
    ServerIsBusy,
    ServerIsNotDurable,
    VersionDiffers,
)

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "AccountIsMissing",
    "DirectoryIsNotUsable",
    "EmbeddedServer",
    "EmbeddedServerError",
    "EngineIsMissing",
    "ServerDoesNotAnswer",
    "ServerDoesNotStart",
    "ServerIsBusy",
    "ServerIsNotDurable",
    "VersionDiffers",
]


class EmbeddedServer:
    """One use of the embedded server of a data directory; the last use that ends stops the server.

    `url` connects as the superuser `postgres` to the database `postgres`; `version` is PostgreSQL's, such as `18.4`.
    Made by `start`; ends with `stop`, with the block it manages, or with the process.
    """

    def __init__(self, cluster: Cluster, users: int, version: str, url: str) -> None:
        self.url = url
        self.version = version
        self._cluster = cluster
        self._users: int | None = users
        self._process = os.getpid()
        atexit.register(self._stop_at_exit)

    @classmethod
    def start(cls, data_dir: Path) -> "EmbeddedServer":
        """Use the server of this directory, making the directory and starting the server where needed.

        Raises a subclass of EmbeddedServerError. Takes about a second the first time and a twentieth after that.
        """
        data_dir = _prepare(data_dir)
        with _alone(data_dir), ExitStack() as undo:
            cluster = Cluster.open(data_dir)
            users = _lock_file(data_dir / "postgres.users")
            undo.callback(os.close, users)
            fcntl.flock(users, fcntl.LOCK_SH)
            url, version = _reach(cluster)
            undo.pop_all()
            return cls(cluster, users, version, url)

    def revive(self) -> bool:
        """Start the server again where it was killed while it was in use; return whether it was.

        Raises a subclass of EmbeddedServerError where it does not start, as on a disk that is full.
        """
        if self._users is None or not self._cluster.is_gone():
            return False
        with _alone(self._cluster.data_dir):
            if not self._cluster.is_gone():
                return False
            self._cluster.ensure_running()
            return True

    def stop(self) -> None:
        """End this use; the server stops when no other use is left. A second call does nothing."""
        users, self._users = self._users, None
        if users is None:
            return
        atexit.unregister(self._stop_at_exit)
        try:
            if self._process == os.getpid():  # a forked child holds only a copy of its parent's use
                with _alone(self._cluster.data_dir), suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._cluster.stop()
        finally:
            os.close(users)

    def _stop_at_exit(self) -> None:
        with suppress(EmbeddedServerError, OSError):
            self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _prepare(data_dir: Path) -> Path:
    """Return the data directory without links, made where needed; as root, others may pass through it but not look."""
    root = os.geteuid() == 0
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir(mode=0o700, exist_ok=True)
        data_dir = data_dir.resolve(strict=True)
        found = data_dir.stat()
        if root and found.st_uid == 0 and found.st_mode & 0o011 != 0o011:
            data_dir.chmod(found.st_mode & 0o7777 | 0o011)
    except OSError as error:
        raise DirectoryIsNotUsable(
            f"The data directory {data_dir} cannot be made or entered: {error.strerror}."
        ) from error
    if found.st_mode & 0o002 and found.st_uid == os.geteuid():
        raise DirectoryIsNotUsable(
            f"Everybody may write to the data directory {data_dir}, and so put another key or another database in the "
            f"place of yours; close it with `chmod o-w {data_dir}`, or choose another with STRATEGY_LEDGER_DATA_DIR."
        )
    if found.st_uid != os.geteuid():
        raise DirectoryIsNotUsable(
            f"The data directory {data_dir} belongs to another user; run as that user, or choose another directory "
            "with STRATEGY_LEDGER_DATA_DIR."
        )
    return data_dir


def _lock_file(path: Path) -> int:
    """Return an open file for locks, made where needed."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DirectoryIsNotUsable(f"{path} cannot be opened: {error.strerror}.") from error


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Hold the right to start or stop the server of this directory; raises ServerIsBusy after five minutes."""
    lock = _lock_file(data_dir / "postgres.lock")
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerIsBusy(
                        f"Another process keeps starting or stopping the server in {data_dir}."
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _reach(cluster: Cluster) -> tuple[str, str]:
    """Return the address and the version of the running server.

    One that is killed meanwhile is started again; one whose worker was killed recovers, and is waited for.
    """
    deadline, left = time.monotonic() + PATIENCE, 3
    while True:
        url = cluster.ensure_running()
        try:
            return url, _check_durable(url)
        except ServerDoesNotAnswer as error:
            recovers = "the database system is" in str(error)
            left -= 0 if recovers else 1
            if left == 0 or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _wait_for_recovery(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Wait until the server takes writes: one that is brought back to a point in time answers readers before that."""
    deadline = time.monotonic() + PATIENCE
    while connection.execute("select pg_is_in_recovery()").fetchone() == (True,):
        if time.monotonic() > deadline:
            raise ServerIsBusy(
                "The embedded server recovers and does not come to an end; see server.log, and the target of the "
                "recovery in postgresql.auto.conf."
            )
        time.sleep(0.05)


def _check_durable(url: str) -> str:
    """Return the version of the server; refuse one that a crash would rob of commits."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
            query = "select name, current_setting(name) from unnest(%s::text[]) as name"
            for name, found in connection.execute(query, [list(DURABLE)]):
                if found != DURABLE[name]:
                    raise ServerIsNotDurable(
                        f"The running server has {name} = {found}; it must be {DURABLE[name]}."
                    )
            _wait_for_recovery(connection)
            return str(connection.info.parameter_status("server_version"))
    except psycopg.Error as error:
        raise ServerDoesNotAnswer(f"The embedded server runs and does not answer: {error}") from error
