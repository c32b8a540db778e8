"""The parameters and headers of the description: what an address, a query and a header may say."""

from __future__ import annotations

import re
from typing import Any

from api.paging import MOST_ROWS, ROWS
from api.triage import CHOICES


def _query(name: str, text: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    told = {} if example is None else {"example": example}
    return {"name": name, "in": "query", "description": text, "schema": schema, **told}


def _header(name: str, text: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": text, "schema": schema, "example": example}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_WHOLE = {"type": "integer", "minimum": 0}

PARAMETERS: dict[str, Any] = {
    "as_of": _query(
        "as_of",
        "Only what the ledger had been told by then: a position, an instant, a date or a mark.",
        _TEXT,
        "1",
    ),
    "effective_at": _query(
        "effective_at",
        "What was true at the end of that day.",
        {"type": "string", "format": "date"},
        "2026-01-31",
    ),
    "min_position": _query(
        "min_position",
        "Wait (at most two seconds) until the answer has seen this position, else 503.",
        _WHOLE,
        1,
    ),
    "after": _query("after", "Entries after this position.", _WHOLE, 0),
    "limit": _query("limit", "At most so many.", {"type": "integer", "minimum": 1, "maximum": 1000}, 100),
    "format": _query(
        "format",
        "JSON, or native lines; else the Accept header says.",
        {"type": "string", "enum": ["json", "ndjson"]},
        "json",
    ),
    "written_as": _query(
        "format",
        "JSON, or the answer as a flat table (exports.md); else the Accept header says.",
        {"type": "string", "enum": ["json", "csv", "xlsx", "ndjson"]},
        "json",
    ),
    "bom": _query(
        "bom",
        "A byte order mark before CSV, for spreadsheets that need one.",
        {"type": "boolean"},
        example=False,
    ),
    "rows": _query(
        "limit",
        f"At most so many rows in a page; {ROWS:,} where it is absent.",
        {"type": "integer", "minimum": 1, "maximum": MOST_ROWS},
        ROWS,
    ),
    "cursor": _query(
        "cursor",
        "The next page: `next_cursor` as it was given, with the same parameters beside it.",
        _TEXT,
        None,
    ),
    "since": _query(
        "since",
        "Only what was recorded after this: a position, an instant, a date (its end) or a mark.",
        _TEXT,
        "1",
    ),
    "findings_group_by": _query(
        "group_by",
        "Add `groups`: by the decision cited or ratifying, by the person who made the change, by the owner of the "
        "objective, by its team.",
        {"type": "string", "enum": list(CHOICES["group_by"])},
        None,
    ),
    "findings_standing": _query(
        "standing",
        "Only findings that are open, answered, or whose last answer is this.",
        {"type": "string", "enum": list(CHOICES["standing"])},
        None,
    ),
    "findings_rule": _query(
        "rule", "Only findings of this rule.", {"type": "string", "enum": list(CHOICES["rule"])}, None
    ),
    "findings_direction": _query(
        "direction",
        "Only changes of this direction.",
        {"type": "string", "enum": list(CHOICES["direction"])},
        None,
    ),
    "findings_person": _query(
        "person",
        "Only what this person changed, by identifier, handle or address; `me` is whoever asks.",
        _TEXT,
        None,
    ),
    "findings_owner": _query(
        "owner", "Only findings on objectives of this owner, named as in `person`.", _TEXT, None
    ),
    "findings_team": _query(
        "team",
        "Only findings on objectives of this team or one below it, by identifier or name.",
        _TEXT,
        None,
    ),
    "findings_recorded_in_error": _query(
        "recorded_in_error",
        "Only findings on what was (or was not) recorded in error.",
        {"type": "boolean"},
        None,
    ),
    "to_confirm": _query(
        "to_confirm",
        "Only asserted decisions that wait for this person's confirmation, named as in `person` of findings.",
        _TEXT,
        None,
    ),
    "stream": _query("stream", "Only the entries of this stream, as they write it.", _TEXT, "cycle:2026-q3"),
    "names": _query(
        "names", "Only entries of these names, separated by commas.", _TEXT, "cycle.opened,cycle.closed"
    ),
    "dry_run": _query(
        "dry_run",
        "Answer the events that the command would record, and record nothing.",
        {"type": "boolean"},
        example=False,
    ),
    "idempotency_key": _header(
        "Idempotency-Key",
        "A key of the caller's own; a repeat under it gets the first receipt.",
        _TEXT,
        "4b1c-0001",
    ),
    "if_match": _header(
        "If-Match",
        "The ETag of the bare aggregate; the command is refused when its stream has moved on.",
        {"type": "string", "pattern": '^("[1-9][0-9]*(-[0-9a-z]{3,16})?"|\\*)$'},
        "*",
    ),
    "on_behalf_of": _header(
        "On-Behalf-Of",
        "The person for whom this is done, by identifier, handle or address; whoever asks needs a delegation.",
        _TEXT,
        "ines",
    ),
    "last_event_id": _header(
        "Last-Event-ID",
        "The position of the last entry that was taken; it goes before `after`.",
        {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "0",
    ),
    "if_none_match": _header("If-None-Match", "An ETag that the caller has.", {"type": "string"}, '"1"'),
}

_PATHS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "cycle": ("The cycle's key.", {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"}, "2027-q1"),
    "objective": ("The objective, by reference or identifier.", _TEXT, "OBJ-1"),
    "key_result": ("The key result, by reference or identifier.", _TEXT, "KR-1"),
    "person": ("The person, by identifier, handle or e-mail address.", _TEXT, "ines"),
    "service": (
        "The service, by identifier.",
        {"type": "string", "format": "uuid"},
        "01990f5e-7c00-7000-8000-00000000000c",
    ),
    "team": (
        "The team, by identifier.",
        {"type": "string", "format": "uuid"},
        "01990f5e-7c00-7000-8000-00000000000a",
    ),
    "decision": (
        "The decision, by identifier.",
        {"type": "string", "format": "uuid"},
        "01990f5e-7c00-7000-8000-00000000000b",
    ),
    "rule": ("The rule of the finding.", _TEXT, "change_without_decision"),
    "position": ("The position.", {"type": "integer", "minimum": 1}, 1),
    "code": ("The code of the problem.", _TEXT, "key_result_is_dropped"),
}

HEADERS: dict[str, Any] = {
    "Ledger-Position": {
        "description": "The position that the answer has seen.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "A strong ETag.", "schema": {"type": "string"}},
    "Memento-Datetime": {
        "description": "The moment of a past answer (RFC 7089).",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": "The present answer (rel=original), or the next page.",
        "schema": {"type": "string"},
    },
    "Content-Disposition": {
        "description": "A name for the file: question, cycle or item, position, effective day.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "Where what was recorded can be read.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "true: this is the first receipt again.",
        "schema": {"type": "string"},
    },
    "Projection": {
        "description": "behind: recorded, and not yet in the answers.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of the token's rate, and in how many seconds it is whole again.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "How often the token may ask: the quota and its window in seconds.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}},
    "X-Request-Id": {"description": "The request's identifier.", "schema": {"type": "string"}},
}


def names_in(path: str) -> list[str]:
    """Return the names in an address."""
    return re.findall(r"{(\w+)}", path)


def path_parameter(name: str) -> dict[str, Any]:
    """Return the description of a name in an address."""
    text, schema, example = _PATHS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": schema,
        "example": example,
    }
