"""What a piece of work asked of the machine's processors, and what was taken of them meanwhile.

A virtual machine says how long its cores had work and were given to others by its host (*steal*, on Linux), and every
machine says how long they worked for other programs. A figure that is a plain rate is lower by that; a ratio whose two
sides took turns is not. The rate per second of processor time counts what this process and the database's processes
used, and is much the same on a machine of which much is taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from bench.house import seconds
from ledger.place import Place
from ledger.settings import Settings

_AT_WORK = ("user", "nice", "system", "irq", "softirq")


@dataclass(frozen=True, slots=True)
class Taken:
    """Shares, from 0 to 1, of the time in which the machine's cores had work: what the host took, and what others."""

    by_host: float = 0.0
    by_others: float = 0.0


NOTHING = Taken()


class Watch:
    """Looks at the cores from its making on, on behalf of this process, its children, and the database server."""

    def __init__(self, settings: Settings) -> None:
        self._server = _server(settings)
        self._before = self._now()

    def taken(self) -> Taken:
        """Return what was taken so far; nothing where the system does not tell, or the server is elsewhere."""
        busy, stolen, ours = (
            max(0.0, now - before) for now, before in zip(self._now(), self._before, strict=True)
        )
        wanted = busy + stolen
        if wanted <= 0:
            return NOTHING
        return Taken(stolen / wanted, 0.0 if self._server is None else max(0.0, busy - ours) / wanted)

    def _now(self) -> tuple[float, float, float]:
        told, own = psutil.cpu_times(), psutil.Process().cpu_times()
        busy = sum(getattr(told, name, 0.0) for name in _AT_WORK)
        return busy, stolen_so_far(), sum(own[:4]) + (_of_server(self._server) or 0.0)


def stolen_so_far() -> float:
    """Return the seconds in which a core of this machine had work and its host gave it none; 0 where unknown."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


@dataclass(frozen=True, slots=True)
class Worked:
    """Seconds that a piece of work took, and seconds of processor time; None where the database's are unknown."""

    passed: float
    processor: float | None


def worked(work: Callable[[], Any], settings: Settings) -> Worked:
    """Do a piece of work; count the processor time of this process and of the database server's processes."""
    server = _server(settings)
    of_server, own = _of_server(server), time.process_time()
    passed = seconds(work)
    own, after = time.process_time() - own, _of_server(server)
    return Worked(passed, None if of_server is None or after is None else own + after - of_server)


def rate_of_processor(entries: int, *done: Worked) -> list[float]:
    """Return entries per second of processor time of each piece of work; nothing where that is unknown."""
    return [entries / one.processor for one in done if one.processor]


def _server(settings: Settings) -> psutil.Process | None:
    """Return the first process of the database server; None where it runs on another machine."""
    with Place.open(settings) as place, psycopg.connect(place.owner_url) as connection:
        try:
            backend = psutil.Process(connection.info.backend_pid)
            return backend.parent() if "postgres" in backend.name() else None
        except psutil.Error:
            return None


def _of_server(server: psutil.Process | None) -> float | None:
    """Return the processor time so far of a server, of its processes that run, and of those that ended."""
    if server is None:
        return None
    while True:
        own = server.cpu_times()
        spent = sum(own[:4])
        for process in server.children():
            with suppress(psutil.Error):  # it ended just now
                spent += sum(process.cpu_times()[:2])
        if server.cpu_times()[2:4] == own[2:4]:  # else one ended meanwhile, and is in both or in neither
            return float(spent)
