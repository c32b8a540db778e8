"""The event stream: every entry as it is recorded, from any position on, for as long as the listener may listen."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse
from starlette.types import Receive, Scope, Send

from aggregates.vocabulary import EVENTS
from api.parameters import invalid, query, single_header, whole_number
from api.problems import LastEventIdIsMalformed
from api.reading import Desk
from api.stream import Filter, Listener, Tail, ahead
from ledger.codec import RawEntry
from replay.sight import Sight
from replay.veiling import is_private, restricted_in, visible_line

router = APIRouter()
LATEST = 2**62
_STREAM = re.compile(r"organisation|[a-z]{1,20}:[a-z0-9][a-z0-9-]{0,59}")
_MOST_NAMES = 100


class Listening(EventSourceResponse):
    """A stream of events that gives its place back however it ends."""

    def __init__(self, listener: Listener, leave: Callable[[], None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(listener.events(), headers=headers)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


@router.get("/v1/stream", operation_id="follow_entries", tags=["entries"])
async def stream(request: Request) -> Response:
    """Server-sent events, one for each entry after a position; `id` is the position, by which a listener resumes."""
    desk: Desk = request.app.state.desk
    tail: Tail = request.app.state.tail
    taken = query(request, ("after", "stream", "names"))
    wants = Filter(stream_of(taken.get("stream")), names_of(taken.get("names")))
    await desk.check_rights(request, await desk.probe.standing())
    leave = tail.join(request.state.token)
    try:
        await tail.start()
        after = started(request, taken.get("after"), tail.head)
    except BaseException:
        leave()
        raise
    request.state.listens = True
    listener = Listener(
        tail=tail,
        after=after,
        wants=wants,
        shown=lambda rows: shown(request, rows),
        still=lambda: still(request),
        figures=request.app.state.figures,
    )
    return Listening(listener, leave)


async def shown(request: Request, rows: list[RawEntry]) -> list[tuple[RawEntry, str | None, bytes]]:
    """Return each entry as this reader may see it now: the row, its name (None where it is hidden), its line."""
    desk: Desk = request.app.state.desk
    sight = await desk.sight(request, await desk.probe.standing())
    await desk.by_office(request, sight, restricted_in(rows, sight))
    return [line_of(row, sight) for row in rows]


def line_of(row: RawEntry, sight: Sight) -> tuple[RawEntry, str | None, bytes]:
    """Return an entry as a reader sees it: in the place of a hidden one stands what the feed says too."""
    return row, None if is_private(row, sight) else row.name, visible_line(row, sight)


async def still(request: Request) -> None:
    """Raise once this reader may no longer listen: the token was revoked, or the right was taken away."""
    desk: Desk = request.app.state.desk
    await request.state.verify()
    await desk.check_rights(request, await desk.probe.standing())


def started(request: Request, after: str | None, head: int) -> int:
    """Return the position to begin after: that of Last-Event-ID, else of `after`, else the present end.

    Raises LastEventIdIsMalformed, ParameterIsInvalid, PositionIsAhead.
    """
    last = single_header(request, "Last-Event-ID")
    if last is not None and last.strip():
        text = last.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise LastEventIdIsMalformed(
                f"Last-Event-ID is {text[:40]!r}; it is the position of the last entry that was taken, a whole number."
            )
        place = int(text)
    elif after is not None:
        place = whole_number(after, "/query/after", greatest=LATEST)
    else:
        return head
    if place > head:
        raise ahead(place, head)
    return place


def stream_of(text: str | None) -> str | None:
    """Return the stream that is asked for, such as `cycle:2026-q3`."""
    if text is not None and not _STREAM.fullmatch(text):
        raise invalid(
            "/query/stream", "A stream is written as its entries say, such as cycle:2026-q3 or organisation."
        )
    return text


def names_of(text: str | None) -> frozenset[str]:
    """Return the stored names that are asked for, separated by commas."""
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    strange = sorted(names - EVENTS.keys())
    if strange or len(names) > _MOST_NAMES:
        raise invalid("/query/names", f"There is no event of the name {strange[0] if strange else ''!r}.")
    return names
