"""The writes of one page, carried out in their order by a thread while the projections go on with the page."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, cast

from psycopg import Connection

from projections.writes import Packed, Write

FEW = 500
"""Rows that are written at once: for them a thread is not worth its while."""


VERY_FEW = 20
"""Rows that are sent with what ends the page."""


class WriteFailed(Exception):
    """A projection's write failed; names the projection and holds the cause."""

    def __init__(self, name: str, cause: Exception) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


class Writer:
    """The connection of one page's transaction; a context manager, left only when the thread has ended.

    Whoever asks the connection something first waits until everything before it is written, so each projection reads
    what the ones before it wrote, as if nothing happened beside it.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: list[Future[None]] = []
        self.left: list[tuple[str, Packed]] = []
        """Writes of a few rows, with their projections' names: they can be sent with what ends the page."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    @property
    def connection(self) -> Connection[Any]:
        """The connection for the handlers; it has `execute` and `cursor`."""
        return cast(
            "Connection[Any]", self
        )  # what else a connection can do belongs to whoever owns the transaction

    def take(self, name: str, writes: Iterable[Write]) -> None:
        """Have a projection's writes carried out after those taken before, each from when it is made.

        Raises WriteFailed, here or later.
        """
        for write in writes:
            rows = len(write)
            if not rows:
                continue
            if not self._under_way and rows <= VERY_FEW and isinstance(write, Packed):
                self.left.append((name, write))
                continue
            self._write_left()
            if not self._under_way and rows <= FEW:
                self._run(name, write)
                continue
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "projection writes")
            self._under_way.append(self._thread.submit(self._run, name, write))

    def _run(self, name: str, write: Write) -> None:
        try:
            write.run(self._connection)
        except Exception as error:
            raise WriteFailed(name, error) from error

    def _write_left(self) -> None:
        left, self.left = self.left, []
        for name, write in left:
            self._run(name, write)

    def settle(self) -> None:
        """Wait until everything taken is written. Raises WriteFailed."""
        self._write_left()
        self.finish()

    def finish(self) -> None:
        """Wait until everything is written but what is `left`. Raises WriteFailed."""
        under_way, self._under_way = self._under_way, []
        for future in under_way:
            future.result()

    def execute(self, *asked: Any, **options: Any) -> Any:
        """Ask the database, behind everything taken so far."""
        self.settle()
        return self._connection.execute(*asked, **options)

    def cursor(self, *asked: Any, **options: Any) -> Any:
        """Return a cursor, behind everything taken so far."""
        self.settle()
        return self._connection.cursor(*asked, **options)
