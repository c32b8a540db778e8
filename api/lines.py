"""A few threads and who waits for one of them: each takes the next by itself, whatever the event loop has to do.

Where the event loop handed over each place that comes free, a place would stand empty for as long as the loop takes to
come round: under load that is most of the time, and a hundred may wait for threads that do nothing.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final, Literal, TypeVar

from api.visits import ERRAND, Errand, aboard

T = TypeVar("T")
Ticket = Literal["job", "end"]
LATE_SECONDS: Final = 1.0
"""Once the first of a line has waited for so long, the line does not end soon by itself."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    errand: Errand
    done: asyncio.Future[Any]
    context: Context
    since: float = field(default_factory=time.monotonic)


class Line:
    """So many threads for one kind of work, and those who wait, first come first served.

    With `newest_first` the newest is served first once the first has waited for a second: under a load that lasts each
    in a queue would wait as long as may be waited, and most of them would be answered when they have left.
    """

    def __init__(self, name: str, places: int, *, newest_first: bool = False) -> None:
        """Make a line; its threads begin when there is something to do."""
        self._name = name
        self._places = places
        self._newest_first = newest_first
        self._jobs: deque[_Job] = deque()
        self._tickets: SimpleQueue[Ticket] = SimpleQueue()
        """One at least for each job, whichever it will be."""
        self._threads = 0
        self._under_way = 0

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return self._under_way >= self._places

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work in a thread; once it has begun, whoever asked for it waits for its end."""
        errand = ERRAND.get()
        if errand is not None:
            return await self._done(work, errand)
        errand = Errand()
        with aboard(errand):
            return await self._done(work, errand)

    async def look(self, work: Callable[[], T]) -> T:
        """Look something up in a thread before the work itself; who waits too long does not wait for its end."""
        errand = Errand()
        errand.join()
        try:
            return await self._done(work, errand)
        finally:
            errand.leave()

    async def _done(self, work: Callable[[], T], errand: Errand) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job, jobs = _Job(work, errand, done, copy_context()), self._jobs
        self._under_way += 1
        try:
            self._have_threads()
            jobs.append(job)
            self._tickets.put("job")
            return await done
        finally:
            self._under_way -= 1
            if done.cancelled():  # nobody may come to it for long
                with suppress(ValueError, IndexError):  # or somebody has
                    jobs.remove(job)

    def _have_threads(self) -> None:
        """Begin another thread where a place is free. Raises RuntimeError where the system allows not even one."""
        if self._threads >= min(self._places, self._under_way):
            return
        line, name = (self._tickets, self._jobs), f"{self._name} {self._threads + 1}"
        try:
            threading.Thread(target=self._serve, args=line, name=name, daemon=True).start()
        except RuntimeError:
            if not self._threads:
                raise
        else:
            self._threads += 1

    def close(self) -> None:
        """End the threads once they have done what was asked of them; whoever still asks gets others."""
        for _ in range(self._threads):
            self._tickets.put("end")
        self._threads, self._jobs, self._tickets = 0, deque(), SimpleQueue()

    def _serve(self, tickets: SimpleQueue[Ticket], jobs: deque[_Job]) -> None:
        while tickets.get() == "job":
            job = self._next(jobs)
            if job is not None:
                _serve_one(job)
            del job  # what it came from must not stay until the next

    def _next(self, jobs: deque[_Job]) -> _Job | None:
        """Take the job whose turn it is; None where whoever asked for it has left."""
        with suppress(IndexError):
            if self._newest_first and time.monotonic() - jobs[0].since > LATE_SECONDS:
                return jobs.pop()
            return jobs.popleft()
        return None


def _serve_one(job: _Job) -> None:
    """Do a job for which somebody waits, and hand over what came of it."""
    if not job.errand.begin():
        return
    found: Any = None
    failed: BaseException | None = None
    try:
        found = job.context.run(job.work)
    except StopIteration as error:  # which no future takes
        failed = RuntimeError(f"The work ended: {error!r}")
    except BaseException as error:  # noqa: BLE001 (raised to whoever waits)
        failed = error
    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        job.done.get_loop().call_soon_threadsafe(_settle, job.done, found, failed)


def _settle(done: asyncio.Future[Any], found: Any, failed: BaseException | None) -> None:
    if done.done():
        return
    if failed is not None:
        done.set_exception(failed)
    else:
        done.set_result(found)
