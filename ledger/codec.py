"""The stored bytes of an entry: the one place that knows their format, which is fixed for ever.

The bytes are a JSON object with the keys, in this order, `stream`, `version`, `name`, `by`, `on_behalf_of`,
`effective_at`, `reason`, `decision`, `source`, `request`, `idempotency`, `supersedes`, `body`. Absent
circumstances are left out. Numbers are decimal strings, instants UTC with six digits and `Z`, days ISO dates.
The export line is `{"position":…,"recorded_at":…,"stream":…,"version":…,"name":…,"data":…}` with the stored
bytes verbatim as `data`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import BaseModel

from aggregates.entry import Circumstances, Entry, Event, Idempotency, Reason, Source
from aggregates.values import AS_KEPT, instant_text, number_text
from aggregates.vocabulary import EVENTS

MEMBERS = (
    "stream", "version", "name", "by", "on_behalf_of", "effective_at", "reason", "decision", "source", "request",
    "idempotency", "supersedes", "body",
)  # fmt: skip
"""What stored bytes may say, in their order."""

_NOBODY_ASKS = UUID(int=0)


class UnreadableEntry(Exception):
    """Stored bytes that this release cannot read; the message names the place and what is wrong."""


class RawEntry(NamedTuple):
    """One row of the ledger as stored: columns are copies of what `data` says, except position and recorded_at."""

    position: int
    recorded_at: datetime
    stream: str
    version: int
    name: str
    data: bytes


def encode(stream: str, version: int, circumstances: Circumstances, event: Event) -> bytes:
    """Return the stored bytes of one event and its circumstances."""
    data: dict[str, Any] = {
        "stream": stream,
        "version": version,
        "name": event.stored_name,
        "by": circumstances.by,
    }
    if circumstances.on_behalf_of is not None:
        data["on_behalf_of"] = circumstances.on_behalf_of
    if circumstances.effective_at is not None:
        data["effective_at"] = moment_text(circumstances.effective_at)
    if circumstances.reason is not None:
        data["reason"] = circumstances.reason
    if circumstances.decision is not None:
        data["decision"] = circumstances.decision
    if circumstances.source is not None:
        data["source"] = _source(circumstances.source)
    data["request"] = circumstances.request
    if circumstances.idempotency is not None:
        mark = circumstances.idempotency
        data["idempotency"] = {"key": mark.key, "fingerprint": mark.fingerprint}
    if circumstances.supersedes is not None:
        data["supersedes"] = circumstances.supersedes
    data["body"] = event
    told = orjson.dumps(data, _spelled, orjson.OPT_PASSTHROUGH_DATETIME)
    return bytes(
        memoryview(told)
    )  # the encoder's own bytes keep its room of 4 to 8 KB for as long as they live


_BY_TO_REQUEST = b'","request":"'
_REQUEST_TO_BODY = b'","body":'
_REQUEST_TO_KEY = b'","idempotency":{"key":"%b","fingerprint":"%b"},"body":'
_BEFORE_REQUEST = len('{"stream":"","version":,"name":"","by":"') + len(_BY_TO_REQUEST)


def plain_body(
    stream: str, version: int, circumstances: Circumstances, event: Event, data: bytes
) -> bytes | None:
    """Return the body within the bytes of an entry that say nothing beside who, which request, under which idempotency
    key and what, else None.

    What comes before the body is told by its length then, as every member stands where it is expected, and the key
    as it is.
    """
    request = (
        _BEFORE_REQUEST + len(stream) + len(str(version)) + len(event.stored_name) + len(circumstances.by)
    )
    if not data.startswith(_BY_TO_REQUEST, request - len(_BY_TO_REQUEST)):
        return None
    end, mark, between = request + 36, circumstances.idempotency, _REQUEST_TO_BODY
    if mark is not None:
        between = _REQUEST_TO_KEY % (mark.key.encode(), mark.fingerprint.encode())
    return data[end + len(between) : -1] if data.startswith(between, end) else None


def _spelled(value: Any) -> Any:
    """Return what stands for a value that JSON does not have; of a model its members in their order, absent ones left
    out.

    The bytes are those of pydantic's own way, which takes twice as long: it asks a function for each number too.
    """
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, BaseModel):
        return {name: member for name, member in value.__dict__.items() if member is not None}
    if isinstance(value, date):
        return moment_text(value)
    raise TypeError(f"{type(value).__name__} is not stored.")


_last_source: tuple[Source | None, orjson.Fragment] = (None, orjson.Fragment(b""))


def _source(source: Source) -> orjson.Fragment:
    """Return what is stored of a source; the entries of one row have the same, one after the other."""
    global _last_source
    last, told = _last_source
    if last is not source:
        told = orjson.Fragment(orjson.dumps(source, _spelled, orjson.OPT_PASSTHROUGH_DATETIME))
        _last_source = (source, told)
    return told


def decode(raw: RawEntry) -> Entry:
    """Return the entry of a stored row.

    Raises:
        UnreadableEntry: the bytes are not of this format, or their name is not in the vocabulary.
    """
    try:
        data = orjson.loads(raw.data)
        kind = EVENTS[data["name"]]
        event = kind.model_validate(data["body"], context=AS_KEPT)
        circumstances = read_circumstances(data)
    except KeyError as error:
        raise UnreadableEntry(
            f"Entry {raw.position} ({raw.name}): {error} is not known to this release."
        ) from error
    except ValueError as error:
        raise UnreadableEntry(f"Entry {raw.position} ({raw.name}) cannot be read: {error}") from error
    return Entry(raw.position, raw.recorded_at, data["stream"], data["version"], circumstances, event)


def decode_for_state(raw: RawEntry) -> Entry:
    """Return the entry of a stored row as far as a state follows from it: without its request, reason and source.

    Raises:
        UnreadableEntry: as `decode` does.
    """
    try:
        data = orjson.loads(raw.data)
        event = EVENTS[data["name"]].model_validate(data["body"], context=AS_KEPT)
        effective = data.get("effective_at")
        circumstances = Circumstances(
            by=data["by"],
            request=_NOBODY_ASKS,
            effective_at=read_moment(effective) if effective is not None else None,
            supersedes=data.get("supersedes"),
        )
    except (KeyError, ValueError):
        return decode(raw)  # which says what is wrong
    return Entry(raw.position, raw.recorded_at, raw.stream, raw.version, circumstances, event)


def read_circumstances(data: dict[str, Any]) -> Circumstances:
    """Return the circumstances of a parsed entry; raise ValueError or KeyError where one is malformed."""
    effective = data.get("effective_at")
    decision = data.get("decision")
    reason, source, idempotency = data.get("reason"), data.get("source"), data.get("idempotency")
    return Circumstances(
        by=data["by"],
        request=UUID(data["request"]),
        on_behalf_of=data.get("on_behalf_of"),
        effective_at=read_moment(effective) if effective is not None else None,
        reason=Reason.model_validate(reason, context=AS_KEPT) if reason is not None else None,
        decision=UUID(decision) if decision is not None else None,
        source=Source.model_validate(source, context=AS_KEPT) if source is not None else None,
        idempotency=Idempotency.model_validate(idempotency, context=AS_KEPT)
        if idempotency is not None
        else None,
        supersedes=data.get("supersedes"),
    )


def moment_text(moment: date | datetime) -> str:
    """Return the spelling of a day or an instant."""
    return instant_text(moment) if isinstance(moment, datetime) else moment.isoformat()


def read_moment(text: str) -> date | datetime:
    """Return the day or the instant of its spelling (a day has ten characters)."""
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def export_line(raw: RawEntry) -> bytes:
    """Return the native line of an entry, without the line break; `data` is the stored bytes verbatim."""
    head = orjson.dumps(
        {
            "position": raw.position,
            "recorded_at": instant_text(raw.recorded_at),
            "stream": raw.stream,
            "version": raw.version,
            "name": raw.name,
        }
    )
    return head[:-1] + b',"data":' + raw.data + b"}"


LINE_IN_SQL = """convert_to('{"position":' || position || ',"recorded_at":"'
                   || to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                   || '","stream":"' || stream || '","version":' || version || ',"name":"' || name || '","data":',
                   'UTF8') || data || '}\\012'::bytea"""
"""The native line of a row of entries with its line break, as the database builds it: three times as fast.

Streams and names hold nothing that JSON would escape; the append sees to that."""


def read_line(line: bytes) -> RawEntry:
    """Return the row of a native line.

    Raises:
        ValueError: the line is not byte for byte what `export_line` writes.
    """
    parsed = orjson.loads(line)
    if not isinstance(parsed, dict) or "data" not in parsed:
        raise ValueError("this is not a line of a ledger's export")
    place = line.find(b',"data":')
    raw = RawEntry(
        position=int(parsed["position"]),
        recorded_at=datetime.fromisoformat(parsed["recorded_at"]),
        stream=str(parsed["stream"]),
        version=int(parsed["version"]),
        name=str(parsed["name"]),
        data=line[place + 8 : -1],
    )
    if export_line(raw) != line:
        raise ValueError("the line is not spelled as a ledger writes it")
    return raw
