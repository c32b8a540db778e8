"""The event stream: one tail of the ledger for all who listen, and what each of them is sent.

Each listener keeps nothing but its position. The newest entries are read once for everybody; whoever is further back
reads pages until level. What makes it reliable is the position: a wake-up that is lost costs half a second, never an
entry.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson
from fastapi.sse import format_sse_event

from api.door import Door
from api.logs import SERVER
from api.metrics import Figures
from api.middleware import told
from api.problems import Fault, PositionIsAhead, TooManyListeners, code_of, problem_kind
from ledger.codec import RawEntry

PAGE: Final = 200
"""Entries that a listener reads at once; with the bound on an entry this bounds what one listener holds."""
RECENT: Final = 1_000
"""Newest entries that are kept for all listeners together."""
LOOK_SECONDS: Final = 0.5
"""How often the tail looks where the ledger stands, unless a write of this process wakes it sooner."""
CHECK_SECONDS: Final = 2.0
"""How often it is asked whether the listener's token and rights still hold."""
HEARTBEAT_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 2_000

_log = logging.getLogger(__name__)


class Stands(Protocol):
    """Where the ledger stands."""

    @property
    def head(self) -> int:
        """The last position."""
        ...


Look = Callable[[], Awaitable[Stands]]
Read = Callable[[int, int], Awaitable[list[RawEntry]]]
Shown = Callable[[list[RawEntry]], Awaitable[list[tuple[RawEntry, str | None, bytes]]]]


class Tail:
    """Follows the end of the ledger while anybody listens; lives in one event loop."""

    def __init__(self, look: Look, read: Read, door: Door, figures: Figures) -> None:
        self._look = look
        self._read = read
        self._door = door
        self._figures = figures
        self._listening: Counter[bytes] = Counter()
        self._recent: list[RawEntry] = []
        self._following: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self.news = asyncio.Event()
        self.head = 0
        self.ended = False
        self.turned = 0
        """How often the past of the ledger was found to be another one."""

    def join(self, token: bytes) -> Callable[[], None]:
        """Take a place among the listeners and return what gives it back. Raises TooManyListeners."""
        door, all_of_them = self._door, self._listening.total()
        if door.listeners_per_token and self._listening[token] >= door.listeners_per_token:
            raise TooManyListeners(
                f"This token listens {self._listening[token]} times already; end one of them first.",
                headers={"Retry-After": "30"},
            )
        if door.listeners and all_of_them >= door.listeners:
            raise TooManyListeners(f"{all_of_them} listen already.", headers={"Retry-After": "30"})
        self._listening[token] += 1
        self._figures.listeners.inc()

        def leave() -> None:
            self._listening[token] -= 1
            if not self._listening[token]:
                del self._listening[token]
            self._figures.listeners.dec()
            self._woken.set()  # the last one to leave lets the tail end

        return leave

    async def start(self) -> None:
        """Look where the ledger stands, and follow it from there on."""
        if not self._is_following():
            head = (await self._look()).head
            if not self._is_following():  # nobody else began meanwhile
                self.head, self._recent = head, []
                self._following = asyncio.create_task(self._follow())

    def _is_following(self) -> bool:
        return self._following is not None and not self._following.done()

    def wake(self) -> None:
        """Say that something was recorded just now."""
        self._woken.set()

    def end(self) -> None:
        """Let every listener go, because the server ends."""
        self.ended = True
        self._woken.set()
        self._tell()

    async def page(self, after: int) -> list[RawEntry]:
        """Return the next entries after a position, none beyond the head: from memory, older ones from the database."""
        if after >= self.head:
            return []
        limit = min(PAGE, self.head - after)
        recent = self._recent
        if recent and recent[0].position <= after + 1:
            place = after + 1 - recent[0].position
            return recent[place : place + limit]
        return await self._read(after, limit)

    async def _follow(self) -> None:
        while self._listening and not self.ended:
            self._woken.clear()
            try:
                await self._step()
            except Exception as error:  # noqa: BLE001 (a database that is away comes back)
                _log.error("The stream cannot look where the ledger stands; it looks again: %s", told(error))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _step(self) -> None:
        head = (await self._look()).head
        if head == self.head:
            return
        if head < self.head or not await self._take(head):
            SERVER.error(
                "The ledger's past is another one: it stood at %s and now stands at %s. Was it restored from an "
                "older backup? Restart the server, and let whoever keeps a copy begin anew.",
                self.head,
                head,
            )
            self.turned += 1
            self._recent = []
        self.head = head
        self._tell()

    async def _take(self, head: int) -> bool:
        """Keep the newest entries; return False where the last one kept is no longer what it was."""
        last = self._recent[-1] if self._recent else None
        after = max(self.head, head - RECENT)
        if last is None or after > last.position:
            self._recent = await self._read(after, RECENT)
            return True
        found = await self._read(last.position - 1, RECENT)
        if not found or found[0] != last:
            return False
        self._recent = [*self._recent, *found[1:]][-RECENT:]
        return True

    def _tell(self) -> None:
        told, self.news = self.news, asyncio.Event()
        told.set()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a listener wants: of one stream, of some names; what is hidden from the listener has neither."""

    stream: str | None = None
    names: frozenset[str] = field(default_factory=frozenset)

    def takes(self, row: RawEntry, name: str | None) -> bool:
        """Return whether this entry is wanted; `name` is None where the entry is hidden."""
        if name is None:
            return self.stream is None and not self.names
        return self.stream in (None, row.stream) and (not self.names or name in self.names)


@dataclass(slots=True)
class Listener:
    """One connection: its place, what it wants, and how to ask whether it may still listen."""

    tail: Tail
    after: int
    wants: Filter
    shown: Shown
    still: Callable[[], Awaitable[None]]
    figures: Figures
    said: float = 0.0
    checked: float = 0.0

    async def events(self) -> AsyncIterator[bytes]:
        """Give the bytes of the stream until the listener may no longer listen or the server ends."""
        turned, now = self.tail.turned, asyncio.get_running_loop().time
        self.checked = self.said = now()
        yield format_sse_event(comment=f"from {self.after}", id=str(self.after), retry=RETRY_MILLISECONDS)
        while not self.tail.ended:
            news = self.tail.news
            if self.tail.turned != turned or self.tail.head < self.after:
                yield self._end(ahead(self.after, self.tail.head))
                return
            try:
                if now() - self.checked >= CHECK_SECONDS:
                    await self.still()
                    self.checked = now()
                sent, place = await self._next()
            except Fault as fault:
                yield self._end(fault)
                return
            except Exception as error:  # noqa: BLE001 (a database that is away comes back)
                no = refused(error)
                if no is not None:
                    yield self._end(no)
                    return
                _log.error("A page of the stream cannot be read; it is tried again: %s", told(error))
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if place != self.after:
                self.after = place
                if sent:
                    self.said = now()
                    yield sent
                continue
            if now() - self.said >= HEARTBEAT_SECONDS:
                self.said = now()
                yield format_sse_event(comment="still here", id=str(self.after))
            await _either(news, CHECK_SECONDS)
        yield format_sse_event(comment="The server ends; go on from the last id.", id=str(self.after))

    async def _next(self) -> tuple[bytes, int]:
        """Return the bytes of the next page, as far as it is wanted, and the position after it."""
        rows = await self.tail.page(self.after)
        if not rows:
            return b"", self.after
        parts = []
        for row, name, line in await self.shown(rows):
            if self.wants.takes(row, name):
                parts.append(
                    format_sse_event(data_str=line.decode(), event=name or "entry", id=str(row.position))
                )
        self.figures.streamed.inc(len(parts))
        return b"".join(parts), rows[-1].position

    def _end(self, fault: Fault | BaseException) -> bytes:
        """Return the last event: why the stream ends, as a problem."""
        status = getattr(fault, "status", 403)
        kind = problem_kind(type(fault), status)  # type: ignore[arg-type]
        body = {
            "type": f"/v1/problems/{code_of(type(fault))}",  # type: ignore[arg-type]
            "title": kind.title,
            "status": status,
            "detail": str(fault),
        }
        return format_sse_event(
            comment=str(fault), event="stream.ended", data_str=orjson.dumps(body).decode()
        )


def ahead(after: int, head: int) -> PositionIsAhead:
    """Return the refusal of a position that the ledger has not reached."""
    return PositionIsAhead(
        f"The ledger stands at position {head}, and {after} was asked for. Either this is the position of another "
        "ledger, or the ledger was restored from a backup older than what was read of it: read again from an earlier "
        "position and compare, or begin anew."
    )


def refused(error: Exception) -> Exception | None:
    """Return the error where it is a refusal of the rules, such as a right that was taken away; else None."""
    from aggregates.refusals import Refusal

    return error if isinstance(error, Refusal) and error.kind == "forbidden" else None


async def _either(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
