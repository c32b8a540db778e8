"""Answering a question over HTTP: the basis from the parameters, the answer as bytes, the headers that go with it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregates.access import may
from aggregates.person.state import Person
from aggregates.refusals import ActionIsNotAllowed, EntryIsUnknown
from aggregates.values import day_of
from aggregates.world import state_of
from api.kept import Kept, Shelf
from api.parameters import ReadingParameters, query, reading_parameters
from api.probe import Probe, Standing
from api.receipts import Outcome
from api.release import RELEASE
from api.writing import Asked, Writer
from ledger.codec import export_line
from ledger.store import Ledger
from replay.asked import Question
from replay.engine import Engine
from replay.questions import Reader

COMMANDS_AT_ONCE = 3
ANSWERS_AT_ONCE = 4
"""Each of these may hold two of the pool's ten connections; were there more of them, all could wait for a second."""
KEPT_SECONDS = 10
"""How long bytes are handed out: a name that was changed in the directory, which has no position, shows by then."""
JSON = "application/json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to be kept: what it says and which headers go with it."""

    body: bytes
    headers: Mapping[str, str]
    media_type: str = JSON


class Desk:
    """What the routes talk to: one ledger, its answers and its commands."""

    def __init__(self, ledger: Ledger, reader: Reader, engine: Engine, writer: Writer) -> None:
        self.ledger = ledger
        self.reader = reader
        self.engine = engine
        self.writer = writer
        self.probe = Probe(self._look)
        self._commands = CapacityLimiter(COMMANDS_AT_ONCE)
        self._answers = CapacityLimiter(ANSWERS_AT_ONCE)
        self.shelf = Shelf()
        self._rights: dict[str, tuple[int, bool]] = {}

    def _look(self) -> Standing:
        """Ask the database where everything stands; runs in the probe's thread."""
        position = self.reader.position()
        head = self.ledger.head()
        return Standing(position, head.position, day_of(head.now, self.ledger.zone))

    async def actor_of(self, token: str) -> str | None:
        """Return whose token this is."""
        return await run_in_threadpool(self.ledger.tokens.actor_of, token)

    async def carry_out(self, asked: Asked) -> Outcome:
        """Carry out a command."""
        return await to_thread.run_sync(self.writer.carry_out, asked, limiter=self._commands)

    async def check_rights(self, request: Request, standing: Standing) -> None:
        """Refuse an actor who may not read, by the rights at the ledger's head. Raises ActionIsNotAllowed."""
        actor = str(request.state.actor)
        position, allowed = self._rights.get(actor, (-1, False))
        if position != standing.head:
            allowed = await run_in_threadpool(self._may_read, actor)
            self._rights[actor] = (standing.head, allowed)
        if not allowed:
            raise ActionIsNotAllowed("Reading needs a role; ask a steward for one.")

    def _may_read(self, actor: str) -> bool:
        state = state_of(self.ledger.world(), actor)
        if state is None or (isinstance(state, Person) and not state.was_here(self.ledger.head().now)):
            return False
        return may(state.roles, "read")

    async def answer(self, request: Request, question: Question) -> Response:
        """Return the answer to a question on the basis that the request names."""
        parameters, _ = reading_parameters(request)
        standing = await self.probe.standing()
        await self.check_rights(request, standing)
        if not parameters.present or (parameters.min_position or 0) > standing.position:
            return (await self._asked(request.url.path, question, parameters)).answer(request)
        key = (question, standing.position, standing.today, request.url.path)

        async def make() -> Kept:
            return await self._asked(request.url.path, question, parameters)

        return (await self._fresh(key, make)).answer(request)

    async def _asked(self, path: str, question: Question, parameters: ReadingParameters) -> Kept:
        """Return an answer that was asked for just now."""
        page = await to_thread.run_sync(self._page, path, question, parameters, limiter=self._answers)
        return self.keep(page)

    async def _fresh(self, key: tuple[Any, ...], make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the kept answer of this key, made anew when it is older than it may be."""
        slot = int(time.monotonic() / KEPT_SECONDS)
        return await self.shelf.get_or_make((slot, *key), make)

    def keep(self, page: Page) -> Kept:
        """Return a page with its ETag; rights belong to it, though as yet everybody who may read reads the same."""
        return Kept.make(
            page.body, page.headers, release=RELEASE, rights="reader", media_type=page.media_type
        )

    def _page(self, path: str, question: Question, parameters: ReadingParameters) -> Page:
        answer = self.reader.ask(
            question,
            as_of=parameters.as_of,
            effective_at=parameters.effective_at,
            min_position=parameters.min_position,
        )
        headers = {"Ledger-Position": str(answer.basis.position)}
        if not parameters.present:
            headers.update(self._memento(path, answer.basis.position))
        return Page(orjson.dumps(answer.body), headers)

    def _memento(self, path: str, position: int) -> dict[str, str]:
        """Return the headers of RFC 7089 for an answer of the past: its moment, and where the present one is."""
        headers = {"Link": f'<{quote(path)}>; rel="original"'}
        raw = self.ledger.entry(position) if position else None
        if raw is not None:
            headers["Memento-Datetime"] = format_datetime(raw.recorded_at.replace(microsecond=0), usegmt=True)
        return headers

    async def bare(self, request: Request, kind: str, item: str) -> Response:
        """Return the bare aggregate; its ETag is its stream version, which If-Match takes."""
        query(request, ())
        standing = await self.probe.standing()
        await self.check_rights(request, standing)
        body = await to_thread.run_sync(self._bare, kind, item, limiter=self._answers)
        headers = {"Ledger-Position": str(standing.position)}
        kept = Kept(orjson.dumps(body), headers, JSON, f'"{body["version"]}"')
        return kept.answer(request, packing=False)

    def _bare(self, kind: str, item: str) -> dict[str, Any]:
        """Return the bare aggregate of this kind; a reference of another kind is not one of it."""
        if kind == "person":
            item = str(self.writer.names.person(item, "/path/person"))
        return self.reader.bare(f"{kind}:{item}")

    async def feed(self, request: Request, after: int, limit: int, *, lines: bool) -> Response:
        """Return the entries after a position, in order and without gaps."""
        await self.check_rights(request, await self.probe.standing())
        rows = await run_in_threadpool(self.ledger.read_page, after, limit)
        native = [export_line(row) for row in rows]
        following = rows[-1].position if rows else after
        headers = {"Ledger-Position": str(following)}
        if len(rows) == limit:
            headers["Link"] = f'<{request.url.path}?after={following}&limit={limit}>; rel="next"'
        if lines:
            body = b"".join(line + b"\n" for line in native)
            return self.keep(Page(body, headers, "application/x-ndjson")).answer(request)
        body = b'{"entries":[' + b",".join(native) + b'],"next_after":' + str(following).encode() + b"}"
        return self.keep(Page(body, headers)).answer(request)

    async def entry(self, request: Request, position: int) -> Response:
        """Return one entry as it is kept."""
        await self.check_rights(request, await self.probe.standing())
        row = await run_in_threadpool(self.ledger.entry, position)
        if row is None:
            raise EntryIsUnknown(field="/path/position")
        return self.keep(Page(export_line(row), {"Ledger-Position": str(position)})).answer(request)

    def stopped(self) -> dict[str, str]:
        """Return the projections that stopped, each with its sentence."""
        with self.engine.reading() as reading:
            return reading.stopped

    def close(self) -> None:
        """End what runs beside the requests."""
        self.probe.close()
