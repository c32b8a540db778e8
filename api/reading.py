"""Answering a question over HTTP: the basis from the parameters, the answer as bytes, the headers that go with it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from aggregates.access import ALL_SCOPES
from aggregates.refusals import ActionIsNotAllowed, EntryIsUnknown, Refusal
from aggregates.values import day_of
from api import paging, triage
from api.bare import Bare, BareOnes
from api.exporting.forms import Wish, with_teams
from api.exporting.serving import file_of, parameters_of, wish_of
from api.found import Found
from api.kept import Kept, Standpoint, takes_gzip
from api.latest import Latest
from api.lines import Line
from api.naming import Names
from api.paging import Listing
from api.parameters import ReadingParameters, query, reading_parameters
from api.probe import Look, Probe, Standing
from api.problems import TokenHasExpired
from api.receipts import Outcome
from api.release import RELEASE
from api.stream import ahead
from api.writing import Asked, Writer
from ledger import security
from ledger.errors import HeadWentBack
from ledger.store import Ledger
from ledger.tokens import Caller
from projections.bookmarks import Standing as Stand
from replay.asked import Question
from replay.basis import resolve
from replay.engine import Engine
from replay.questions import PATIENCE, ProjectionIsBehind, Reader
from replay.sight import Sight
from replay.veiling import restricted_in, visible_line

COMMANDS_AT_ONCE = 3
ANSWERS_AT_ONCE = 4
"""Each of these may hold two of the pool's ten connections; were there more of them, all could wait for a second."""
LOOKS_AT_ONCE = 8
"""What is looked up beside them, a token, rights, a page of entries: each of these holds one connection."""
WRITERS_KEPT = 10_000
JSON = "application/json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to be kept: what it says, which headers go with it, what it names that is not for everyone."""

    body: bytes
    headers: Mapping[str, str]
    media_type: str = JSON
    restricted: frozenset[str] = frozenset()
    standpoint: Standpoint | None = None


class Desk:
    """What the routes talk to: one ledger, its answers and its commands."""

    def __init__(self, ledger: Ledger, reader: Reader, engine: Engine, writer: Writer) -> None:
        self.ledger = ledger
        self.reader = reader
        self.engine = engine
        self.writer = writer
        self.probe = Probe(self._look, lambda: engine.glance(ledger.connection), self._judge)
        self._commands = Line("command", COMMANDS_AT_ONCE)
        self._answers = Line("answer", ANSWERS_AT_ONCE, newest_first=True)
        self._looks = Line("look", LOOKS_AT_ONCE)
        self.latest = Latest(reader, lambda: self._answers.is_full)
        self.bare_ones = BareOnes(reader)
        self._furthest = 0
        self._home = ledger.pool.home
        self._said: Stand | None = None
        self._wrote: OrderedDict[str, int] = OrderedDict()

    def _look(self, found: Stand | None = None) -> Standing:
        """Ask the database where everything stands, or begin with what it said; runs in the probe's thread."""
        home = self.ledger.pool.home
        if self._home != home:  # another server, or another ledger in this one's place
            self._forget()
            found = None
        found = found or self.reader.standing()
        if found.head < self._furthest:  # what this process remembers is of another past
            self._forget()
            raise HeadWentBack
        if self._home != home and not self.engine.wait_for(self._furthest, PATIENCE):
            raise ProjectionIsBehind
        self._home = home
        self._furthest = found.head
        found = self._regained(found)
        self.reader.follow(found.head)
        return self._standing(found)

    def _forget(self) -> None:
        self.reader.forget()
        self.latest.forget()
        self.bare_ones.forget()

    def _judge(self, found: Stand | None) -> Standing | Look:
        """Return where everything stands by what the database said, where nothing has to be read for it: at the head
        that was followed, with nothing lost."""
        if found is None or not self.engine.renewal.is_done or self._home != self.ledger.pool.home:
            return self._look
        is_known = found.head == self._furthest and self.reader.follows(found.head)
        if not is_known or self._said is None or self._said.generation != found.generation:
            return partial(self._look, found)
        if found.positions is not self._said.positions and _lost(self._said, found):
            return partial(self._look, found)
        self._said = found
        return self._standing(found)

    def _standing(self, found: Stand) -> Standing:
        today = day_of(found.now, self.ledger.zone)
        return Standing(min(found.positions.values()), found.head, today, found.positions, found.generation)

    def _regained(self, found: Stand) -> Stand:
        """Return where everything stands, no earlier than it was said to: who read further must not read back.

        The projections do not wait for the disk, so a database that went down may come back without their last page,
        which is applied again; so is everything where somebody dropped its tables. Raises ProjectionIsBehind where that
        takes too long.
        """
        if self._said is not None:
            lost = _lost(self._said, found)
            if lost:
                self.engine.wait_for(lost, PATIENCE)
                found = self.reader.standing()
                if _lost(self._said, found):
                    raise ProjectionIsBehind
        self._said = found
        return found

    async def actor_of(self, token: str) -> Caller | None:
        """Return whom a token names, None for one that is unknown or revoked. Raises TokenHasExpired."""
        caller = await self.looked_up(self.ledger.tokens.caller_of, token)
        if caller is None or caller.is_expired:
            action = "token_is_not_valid" if caller is None else "token_has_expired"
            await self._written_down("failed", action, actor=caller)
        if caller is not None and caller.is_expired:
            challenge = 'Bearer realm="strategy-ledger", error="invalid_token"'
            raise TokenHasExpired(headers={"WWW-Authenticate": challenge})
        return caller

    async def looked_up(self, work: Callable[..., T], *values: Any, **named: Any) -> T:
        """Look something up in a thread."""
        return await self._looks.look(partial(work, *values, **named))

    async def carry_out(self, asked: Asked) -> Outcome:
        """Carry out a command; who wrote reads from there on."""
        outcome = await self._commands.run(partial(self.writer.carry_out, asked))
        position = outcome.headers.get("Ledger-Position", "")
        if position.isdigit():
            self._wrote[str(asked.by)] = int(position)
            self._wrote.move_to_end(str(asked.by))
            if len(self._wrote) > WRITERS_KEPT:
                self._wrote.popitem(last=False)
        return outcome

    async def sight(self, request: Request, standing: Standing) -> Sight:
        """Return what whoever asks may see, by the rights at the ledger's head."""
        caller = request.state.actor
        scopes = getattr(caller, "scopes", ALL_SCOPES)
        known = self.reader.sights.known(str(caller), standing.head, scopes)
        if known is not None:
            return known
        return await self.looked_up(self.reader.sights.of, str(caller), standing.head, scopes)

    async def check_rights(self, request: Request, standing: Standing, action: str = "read") -> Sight:
        """Return what whoever asks may see; refuse one who may not do this. Raises ActionIsNotAllowed."""
        sight = await self.sight(request, standing)
        try:
            sight.check(action)
        except ActionIsNotAllowed:
            await self._note(request, "refused", action)
            raise
        return sight

    async def by_office(self, request: Request, sight: Sight, named: frozenset[str]) -> None:
        """Write down that somebody was shown what only an office shows them."""
        if sight.office.isdisjoint(named):
            return
        if not self.ledger.security.repeats("read_by_office", "read", request.state.actor, request.url.path):
            await self._note(request, "read_by_office", "read")

    async def _note(self, request: Request, outcome: security.Outcome, action: str) -> None:
        await self._written_down(
            outcome,
            action,
            actor=request.state.actor,
            subject=request.url.path,
            request=UUID(request.state.request_id),
        )

    async def _written_down(self, outcome: security.Outcome, action: str, **more: Any) -> None:
        """Write into the security log, also of somebody who leaves meanwhile."""
        work = partial(self.ledger.security.note, outcome, action, door="http", **more)
        await asyncio.shield(asyncio.ensure_future(self._looks.look(work)))

    async def _attempted(self, request: Request, sight: Sight, item: str | None) -> None:
        """Write down that somebody asked for an item that is hidden from them."""
        if item is None or not sight.names:
            return
        if item.lower() not in sight.names:
            found = await self.looked_up(self.reader.find, item.upper())
            if found is None or str(found[0]) not in sight.hidden:
                return
        await self._note(request, "refused", "read")

    async def answer(self, request: Request, question: Question) -> Response:
        """Return the answer to a question on the basis that the request names, in the form that it wants."""
        parameters, taken = reading_parameters(
            request,
            (*parameters_of(question), *paging.parameters_of(question), *triage.parameters_of(question)),
        )
        wish = wish_of(request, question, taken)
        listing = paging.listing_of(question, request.url.path, parameters, taken, whole=wish is not None)
        parameters = listing.basis(parameters, self.ledger)
        standing = await self.probe.standing()
        sight = await self.check_rights(request, standing)
        listing = await self._refined(request, listing, taken, sight)
        if (parameters.min_position or 0) > standing.head:
            raise ahead(parameters.min_position or 0, standing.head)
        position = standing.position_of(question.stands_on)
        is_later = parameters.as_of is not None or (parameters.min_position or 0) > position
        at_most = standing.head if is_later else position
        lately = standing if parameters.present and not is_later else None

        packs = takes_gzip(request.headers.get("accept-encoding"))

        shared = (listing, wish, sight.digest, self.reader.sights.digest, standing.generation)

        async def make() -> Kept:
            return await self._asked(listing, parameters, wish, sight, at_most, lately, packs=packs)

        try:
            wanted = max(parameters.min_position or 0, self._wrote.get(str(request.state.actor), 0))
            if (parameters.min_position or 0) > position:
                kept = await make()
            elif parameters.present:
                kept = await self.latest.at((*shared, standing.today), position, wanted, make)
            else:
                kept = await self._past(parameters, position, shared, make)
        except Refusal as refusal:
            if refusal.kind == "unknown":
                await self._attempted(request, sight, getattr(question, "item", None))
            raise
        await self.by_office(request, sight, kept.restricted)
        return kept.answer(request)

    async def _refined(
        self, request: Request, listing: Listing, taken: Mapping[str, str], sight: Sight
    ) -> Listing:
        """Return the listing of those rows that the request means."""
        if taken.keys().isdisjoint(triage.parameters_of(listing.question)):
            return listing
        names, by = Names(self.ledger, Found(self.reader, sight)), request.state.actor
        question = await self.looked_up(
            triage.refined, listing.question, taken, names, None if by is None else str(by)
        )
        return replace(listing, question=question)

    async def _asked(
        self,
        listing: Listing,
        parameters: ReadingParameters,
        wish: Wish | None,
        sight: Sight,
        at_most: int,
        lately: Standing | None,
        *,
        packs: bool,
    ) -> Kept:
        """Return an answer that was asked for just now, no later than the place for which it is kept."""

        def make() -> Kept:
            kept = self.keep(self._page(listing, parameters, wish, sight, at_most, lately), sight)
            if packs:
                kept.pack()
            return kept

        return await self._answers.run(make)

    async def _past(
        self,
        parameters: ReadingParameters,
        position: int,
        family: tuple[Any, ...],
        make: Callable[[], Awaitable[Kept]],
    ) -> Kept:
        """Return an answer at a basis of the past, which stays as it is but for the names of people."""
        as_of, effective_at = parameters.as_of, parameters.effective_at
        look = partial(resolve, self.ledger, as_of=as_of, effective_at=effective_at, present=position)
        basis = await self.looked_up(look)
        if basis.position > position:
            return await make()
        return await self.latest.once((basis, effective_at, *family), make)

    def keep(self, page: Page, sight: Sight) -> Kept:
        """Return a page with its ETag, to which the set of what the reader does not see belongs."""
        return Kept.make(
            page.body,
            page.headers,
            release=RELEASE,
            rights=sight.digest,
            media_type=page.media_type,
            restricted=page.restricted,
            standpoint=page.standpoint,
        )

    def _page(
        self,
        listing: Listing,
        parameters: ReadingParameters,
        wish: Wish | None,
        sight: Sight,
        at_most: int,
        lately: Standing | None,
    ) -> Page:
        answer = None
        if lately is not None and lately.generation is not None:
            answer = self.reader.from_kept(
                listing.question, lately.generation, at_most, today=lately.today, reader=sight
            )
        answer = answer or self.reader.ask(
            listing.question,
            as_of=parameters.as_of,
            effective_at=parameters.effective_at,
            min_position=parameters.min_position,
            reader=sight,
            at_most=at_most,
        )
        if lately is not None and answer.basis.position < at_most:  # the database went down since the look
            raise ProjectionIsBehind
        restricted = answer.named & self.reader.sights.restricted
        headers = {"Ledger-Position": str(answer.basis.position)}
        if not parameters.present:
            headers.update(self._memento(listing.path, answer.basis.position))
        body, following = listing.of(answer.body, answer.basis, self.ledger)
        if wish is not None:
            body = with_teams(self.reader, body)
            content, headers, media_type = file_of(wish, listing.question, body, self.ledger.zone, headers)
            return Page(content, headers, media_type, restricted)
        if following is not None:
            links = (headers.get("Link"), f'<{following}>; rel="next"')
            headers["Link"] = ", ".join(link for link in links if link)
        if body is not answer.body or answer.rests_on is None:
            return Page(orjson.dumps(body), headers, restricted=restricted)
        standpoint = Standpoint(answer.basis.as_dict(), answer.rests_on)
        return Page(answer.content(), headers, restricted=restricted, standpoint=standpoint)

    def _memento(self, path: str, position: int) -> dict[str, str]:
        """Return the headers of RFC 7089 for an answer of the past: its moment, and where the present one is."""
        headers = {"Link": f'<{quote(path)}>; rel="original"'}
        raw = self.ledger.entry(position) if position else None
        if raw is not None:
            headers["Memento-Datetime"] = format_datetime(raw.recorded_at.replace(microsecond=0), usegmt=True)
        return headers

    async def bare(self, request: Request, kind: str, item: str) -> Response:
        """Return the bare aggregate; its ETag begins with its stream version, which If-Match takes."""
        query(request, ())
        standing = await self.probe.standing()
        sight = await self.check_rights(request, standing)
        key = (kind, item, sight.digest, self.reader.sights.digest, self.reader.names_version)
        known = self.bare_ones.get(key, standing.head)
        if known is None:
            read = partial(self._bare, kind, item, sight, standing.head)
            try:
                known = await self._answers.run(read)
            except Refusal:
                await self._attempted(request, sight, item if kind in ("objective", "decision") else None)
                raise
            self.bare_ones.put(key, known)
        await self.by_office(request, sight, known.restricted)
        headers = {"Ledger-Position": str(standing.position)}
        return Kept(known.content, headers, JSON, known.etag).answer(request, packing=False)

    def _bare(self, kind: str, item: str, sight: Sight, position: int) -> Bare:
        """Return the bare aggregate of this kind; a reference of another kind is not one of it."""
        if kind == "person":
            item = str(self.writer.names.person(item, "/path/person"))
        return Bare.read(self.reader, f"{kind}:{item}", sight, position)

    async def feed(self, request: Request, after: int, limit: int, *, lines: bool) -> Response:
        """Return the entries after a position, in order and without gaps; what is hidden has only its place."""
        standing = await self.probe.standing()
        sight = await self.check_rights(request, standing)
        rows = await self.looked_up(self.ledger.read_page, after, limit, standing.head)
        native = [visible_line(row, sight) for row in rows]
        await self.by_office(request, sight, restricted_in(rows, sight))
        following = rows[-1].position if rows else after
        headers = {"Ledger-Position": str(following)}
        if len(rows) == limit:
            headers["Link"] = f'<{request.url.path}?after={following}&limit={limit}>; rel="next"'
        if lines:
            body = b"".join(line + b"\n" for line in native)
            return self.keep(Page(body, headers, "application/x-ndjson"), sight).answer(request)
        body = b'{"entries":[' + b",".join(native) + b'],"next_after":' + str(following).encode() + b"}"
        return self.keep(Page(body, headers), sight).answer(request)

    async def entry(self, request: Request, position: int) -> Response:
        """Return one entry as it is kept, or its place where it is hidden."""
        standing = await self.probe.standing()
        sight = await self.check_rights(request, standing)
        is_there = position <= standing.head
        row = await self.looked_up(self.ledger.entry, position) if is_there else None
        if row is None:
            raise EntryIsUnknown(field="/path/position")
        await self.by_office(request, sight, restricted_in([row], sight))
        page = Page(visible_line(row, sight), {"Ledger-Position": str(position)})
        return self.keep(page, sight).answer(request)

    def stopped(self) -> dict[str, str]:
        """Return the projections that stopped, each with its sentence."""
        with self.engine.reading() as reading:
            return reading.stopped

    def close(self) -> None:
        """End what runs beside the requests."""
        self.probe.close()
        for line in (self._commands, self._answers, self._looks):
            line.close()


def _lost(said: Stand, found: Stand) -> int:
    """Return the position up to which something has to be taken in again; 0 where nothing was lost."""
    return max(
        (there for name, there in said.positions.items() if found.positions.get(name, there) < there),
        default=0,
    )
