"""Lists that grow are given page by page, each page of one reading; `since` leaves out what was known before.

A cursor names the basis of the list's first page and the last row that was given, so that pages fit together
whatever is recorded meanwhile. It is no secret and no permission: rights are asked anew for each page. Its checksum
tells a cursor of another list, of another ledger or of somebody's own making.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from aggregates.refusals import BasisIsUnknown
from api.parameters import ReadingParameters, invalid, whole_number
from api.problems import CursorIsNotValid
from ledger.store import Ledger
from replay.asked import Question
from replay.basis import Basis, resolve

ROWS: Final = 1_000
"""Rows of a page where the request does not say."""
MOST_ROWS: Final = 5_000
LISTS: Final[Mapping[str, str]] = {
    "history": "entries",
    "decisions": "decisions",
    "findings": "findings",
    "people": "people",
}
"""Which answers are lists that grow, and the member that holds their rows."""
WITH_SINCE: Final = frozenset({"history", "decisions", "findings", "drift"})
_NOTE: Final = "Send `next_cursor` as it was given, with the same parameters beside it, or begin without one."
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on: the basis that all its pages share, and the row after which."""

    position: int
    day: str
    after: str


@dataclass(frozen=True, slots=True)
class Listing:
    """How much of an answer is wanted: rows recorded after `since`, at most `limit` of them, from a cursor on."""

    question: Question
    path: str
    given: tuple[tuple[str, str], ...] = ()
    since: str | None = None
    limit: int | None = None
    cursor: str | None = None
    whole: bool = False
    """Whether the list is wanted whole, as in a file."""

    def basis(self, parameters: ReadingParameters, ledger: Ledger) -> ReadingParameters:
        """Return the parameters of the reading that the cursor continues. Raises CursorIsNotValid."""
        if self.cursor is None:
            return parameters
        found = self._read(ledger)
        return ReadingParameters(str(found.position), found.day, parameters.min_position)

    def of(self, body: dict[str, Any], basis: Basis, ledger: Ledger) -> tuple[dict[str, Any], str | None]:
        """Return what is wanted of an answer, and the address of the next page where there is one.

        Raises CursorIsNotValid, BasisIsUnknown.
        """
        if self.since is not None:
            body = later(self.question.name, body, told_by(ledger, self.since))
        member = LISTS.get(self.question.name)
        if member is None or self.whole:
            return body, None
        held = body[member]
        rows = list(held.items()) if isinstance(held, dict) else held
        begin = 0 if self.cursor is None else self._after(rows, ledger)
        page = rows[begin : begin + (self.limit or ROWS)]
        if len(page) == len(rows):
            return body, None
        body = {**body, member: dict(page) if isinstance(held, dict) else page}
        body = _narrowed(body, member)
        if begin + len(page) >= len(rows):
            return body, None
        cursor = self._write(Cursor(basis.position, basis.effective_on.isoformat(), _key(page[-1])), ledger)
        pairs = [(name, text) for name, text in self.given if name != "cursor"]
        return {
            **body,
            "next_cursor": cursor,
        }, f"{quote(self.path)}?{urlencode([*pairs, ('cursor', cursor)])}"

    def _after(self, rows: list[Any], ledger: Ledger) -> int:
        wanted = self._read(ledger).after
        for place, row in enumerate(rows):
            if _key(row) == wanted:
                return place + 1
        raise CursorIsNotValid(
            "The row after which this cursor goes on is not in the list any more, because what you may see has "
            "changed. Begin without a cursor."
        )

    def _write(self, cursor: Cursor, ledger: Ledger) -> str:
        said = orjson.dumps([cursor.position, cursor.day, cursor.after])
        return base64.urlsafe_b64encode(self._sum(said, ledger) + said).rstrip(b"=").decode()

    def _read(self, ledger: Ledger) -> Cursor:
        text = self.cursor or ""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            said = raw[8:]
            if raw[:8] != self._sum(said, ledger):
                raise CursorIsNotValid(f"This cursor was not given by this list. {_NOTE}")
            position, day, after = orjson.loads(said)
            date.fromisoformat(day)
        except (ValueError, TypeError, binascii.Error) as error:
            raise CursorIsNotValid(f"This is not a cursor. {_NOTE}") from error
        return Cursor(int(position), day, str(after))

    def _sum(self, said: bytes, ledger: Ledger) -> bytes:
        """Return the checksum that ties a cursor to this ledger, this list and the parameters that choose its rows."""
        pairs = sorted((name, text) for name, text in self.given if name not in ("cursor", "limit"))
        context = orjson.dumps([str(ledger.identifier), self.path, pairs])
        return hashlib.blake2b(said + context, digest_size=8, person=b"ledger-cursor").digest()


def parameters_of(question: Question) -> tuple[str, ...]:
    """Return the parameters that the address of a question takes for its pages."""
    listed = ("limit", "cursor") if question.name in LISTS else ()
    return (*listed, "since") if question.name in WITH_SINCE else listed


def listing_of(
    question: Question,
    path: str,
    parameters: ReadingParameters,
    taken: Mapping[str, str],
    *,
    whole: bool = False,
) -> Listing:
    """Return which part of an answer a request wants; a file holds the `whole` list. Raises ParameterIsInvalid."""
    for name in ("limit", "cursor"):
        if whole and name in taken:
            raise invalid(f"/query/{name}", "A file holds the whole list; leave this out, or ask for JSON.")
    limit = taken.get("limit")
    if limit is not None and not 1 <= whole_number(limit, "/query/limit") <= MOST_ROWS:
        raise invalid("/query/limit", f"This is a whole number from 1 to {MOST_ROWS}.")
    given = dict(taken)
    for name in ("as_of", "effective_at"):
        text = getattr(parameters, name)
        if text is not None:
            given[name] = text
    return Listing(
        question,
        path,
        tuple(sorted((name, text) for name, text in given.items() if name not in ("format", "bom"))),
        since=taken.get("since"),
        limit=None if limit is None else int(limit),
        cursor=taken.get("cursor"),
        whole=whole,
    )


def told_by(ledger: Ledger, since: str) -> int:
    """Return the position that `since` names: a position, an instant, a date (its end) or a mark; 0 is the beginning.

    Raises BasisIsUnknown, with `since` as its field.
    """
    if since == "0":
        return 0
    try:
        return resolve(ledger, as_of=since).position
    except BasisIsUnknown as error:
        raise BasisIsUnknown(error.detail.replace("as_of", "since"), field="since") from error


def later(name: str, body: dict[str, Any], position: int) -> dict[str, Any]:
    """Return an answer with only those rows of which something was recorded after a position; counts stay whole."""
    kept = dict(body)
    if name == "drift":
        kept["objectives"] = [one for row in body["objectives"] if (one := _drifted(row, position))]
    else:
        member = LISTS[name]
        kept[member] = [row for row in body[member] if _LAST[name](row) > position]
    kept["since"] = position
    return kept


def _drifted(row: dict[str, Any], position: int) -> dict[str, Any] | None:
    """Return an objective's drift with only its later changes; None where nothing is left."""

    def facets(one: dict[str, Any]) -> list[Any]:
        found = [(facet, [change for change in facet["changes"] if _of_history(change) > position])
                 for facet in one.get("facets", ())]  # fmt: skip
        return [{**facet, "changes": changes} for facet, changes in found if changes]

    items = [{**one, "facets": found} for one in row.get("key_results", ()) if (found := facets(one))]
    own = facets(row)
    return {**row, "facets": own, "key_results": items} if own or items else None


def _of_history(row: dict[str, Any]) -> int:
    return max(int(row["position"]), int(row.get("superseded_at") or 0))


def _of_decision(row: dict[str, Any]) -> int:
    linked = [one["position"] for one in (*row.get("links", ()), *row.get("changes", ()))]
    return int(max(row["position"], row.get("confirmed_position") or 0, *linked, 0))


def _of_finding(row: dict[str, Any]) -> int:
    told = [one["position"] for one in (*row.get("answers", ()), *row.get("ratified_by", ()))]
    return int(max(row["cause"], row.get("superseded_at") or 0, *told, 0))


_LAST: Final[Mapping[str, Callable[[dict[str, Any]], int]]] = {
    "history": _of_history,
    "decisions": _of_decision,
    "findings": _of_finding,
}
"""The last position at which something was recorded of a row."""
_NAMES: Final = ("rule", "cause", "decision", "position", "objective", "key_result", "name")


def _key(row: Any) -> str:
    """Return what names a row among the others of its list."""
    if isinstance(row, tuple):
        return str(row[0])
    said = orjson.dumps([row.get(name) if not isinstance(row.get(name), dict) else None for name in _NAMES])
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _narrowed(body: dict[str, Any], member: str) -> dict[str, Any]:
    """Return the answer with only those references and people that the page's rows name."""
    named = set(_IDENTIFIER.findall(orjson.dumps([body[member], body.get("groups")]).decode()))
    for table in ("references", "people"):
        if table != member and isinstance(body.get(table), dict):
            body[table] = {key: text for key, text in body[table].items() if key in named}
    return body
