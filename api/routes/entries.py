"""The feed: every entry as the ledger keeps it, in order and without gaps."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from aggregates.refusals import EntryIsUnknown
from api.parameters import invalid, one_of, query, whole_number
from api.reading import Desk
from api.stream import ahead

router = APIRouter()
MOST_ENTRIES = 1_000
FORMATS = ("json", "ndjson")


@router.get("/v1/entries", operation_id="list_entries", tags=["entries"])
async def entries(request: Request) -> Response:
    """The entries after a position, in order and without gaps: JSON, or native lines with `format=ndjson`."""
    desk: Desk = request.app.state.desk
    taken = query(request, ("after", "limit", "format"))
    after = whole_number(taken.get("after", "0"), "/query/after", greatest=2**62)
    limit = whole_number(taken.get("limit", "100"), "/query/limit", greatest=MOST_ENTRIES)
    if limit == 0:
        raise invalid("/query/limit", f"This is a whole number from 1 to {MOST_ENTRIES}.")
    head = (await desk.probe.standing()).head
    if after > head:
        raise ahead(after, head)
    return await desk.feed(request, after, limit, lines=wants_lines(request, taken.get("format")))


@router.get("/v1/entries/{position}", operation_id="read_entry", tags=["entries"])
async def entry(request: Request) -> Response:
    """One entry as the ledger keeps it, its stored bytes verbatim."""
    desk: Desk = request.app.state.desk
    query(request, ())
    text = str(request.path_params["position"])
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise EntryIsUnknown(field="/path/position")
    return await desk.entry(request, int(text))


def wants_lines(request: Request, chosen: str | None) -> bool:
    """Return whether native lines are asked for, by `format` or else by Accept."""
    if chosen is not None:
        one_of(chosen, FORMATS, "/query/format")
    return chosen == "ndjson" if chosen else "application/x-ndjson" in request.headers.get("accept", "")
