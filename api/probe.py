"""The probe: where the ledger stands just now, asked once for all who wait.

A probe serves every request that arrived before it began, never one that arrived after: that one waits for the next.
So no request is ever answered from before its own arrival, and a hundred readers cost the database one question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from projections.base import Generation


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the ledger stands: the smallest bookmark, the last position, the day by the database's clock.

    `bookmarks` says how far each projection of the `generation` that is read is, for a question that does not stand on
    all of them.
    """

    position: int
    head: int
    today: date
    bookmarks: Mapping[str, int] = field(default_factory=dict)
    generation: Generation | None = None

    def position_of(self, names: Iterable[str]) -> int:
        """Return the smallest bookmark among these projections."""
        return min((self.bookmarks[name] for name in names if name in self.bookmarks), default=self.position)


class Probe:
    """Ask `look` in a thread of its own, at most one at a time."""

    def __init__(self, look: Callable[[], Standing]) -> None:
        self._look = look
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probe")
        self._boarding: asyncio.Future[Standing] | None = None
        self._flying: asyncio.Task[None] | None = None

    async def standing(self) -> Standing:
        """Return where the ledger stands at a moment after this call began."""
        if self._boarding is None:
            self._boarding = asyncio.get_running_loop().create_future()
        flight = self._boarding
        if self._flying is None:
            self._flying = asyncio.create_task(self._fly())
        return await asyncio.shield(flight)

    async def _fly(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._boarding is not None:
                flight, self._boarding = self._boarding, None
                try:
                    flight.set_result(await loop.run_in_executor(self._executor, self._look))
                except Exception as error:  # noqa: BLE001 (handed to everyone who waits)
                    flight.set_exception(error)
                    flight.exception()  # whoever waits raises it; a flight that everybody left is not worth a warning
        finally:
            self._flying = None

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown(wait=False)
