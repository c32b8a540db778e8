"""The check of many native lines at once, for what nearly all of them are: plainly right.

What `LineCheck.row` asks of one line after the other is asked here of a few hundred together. Whatever is not plainly
right is left to it, which says what is wrong and in which line, or that it is right after all. So nothing may pass
here that is refused there; `tests/ledger/test_chunks.py` holds one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter, lt
from typing import Any

import orjson
from pydantic import ValidationError

from ledger.limits import BYTES_PER_ENTRY
from ledger.lines import LONGEST_LINE, PLAIN, LineCheck, is_actor, is_request, is_stream

_HEADS = {("position", "recorded_at", "stream", "version", "name", "data")}
_INTEGERS, _TEXTS, _OBJECTS = {int}, {str}, {dict}
_said = itemgetter("stream", "version", "name")
_by, _request, _body = itemgetter("by"), itemgetter("request"), itemgetter("body")
_DATA = b'"data":'


class _NotPlain(Exception):
    """These lines have to be looked at one by one."""


def plain_rows(check: LineCheck, lines: Sequence[bytes]) -> list[bytes] | None:
    """Return the rows of lines; None, and the check stands where it stood, where one of them is not plain."""
    try:
        return _rows(check, lines)
    except (_NotPlain, ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _rows(check: LineCheck, lines: Sequence[bytes]) -> list[bytes]:
    positions, times, streams, versions, names, entries = _told(lines)
    _demand(positions == tuple(range(check.position + 1, check.position + 1 + len(lines))))
    _demand(check.position > 0 and "ledger.created" not in names)
    _demand(check.recorded_at < times[0] and all(map(lt, times, times[1:])))
    _demand(list(map(_said, entries)) == list(zip(streams, versions, names, strict=True)))
    _demand(all(map(is_request, set(map(_request, entries)))))
    actors = set(map(_by, entries)).difference(check.actors)
    _demand(all(map(is_actor, actors)))
    reached = _versions(check, streams, versions)
    bodies = list(map(_body, entries))
    _read_bodies(check, names, bodies)
    rows, given, keyed, superseding = [], [], False, 0
    stored = [line[line.index(_DATA) + 7 : -2] for line in lines]
    _demand(max(map(len, stored)) <= BYTES_PER_ENTRY)
    for data, position, recorded_at, stream, version, name, entry, body in zip(
        stored, positions, times, streams, versions, names, entries, bodies, strict=True
    ):
        reference, supersedes = body.get("reference"), None
        if len(entry) > PLAIN:
            check.read_circumstances(entry, recorded_at)
            keyed = keyed or "idempotency" in entry
            if (supersedes := entry.get("supersedes")) is not None:
                _demand(type(supersedes) is int and 0 < supersedes < position)
                superseding, reference = superseding + 1, None
        if reference is not None:
            given.append(reference)
        rows.append(check.pack(position, recorded_at, stream, version, name, data, reference, supersedes))
    # Nothing is wrong: only now the check goes on.
    check.position, check.recorded_at = positions[-1], times[-1]
    check.versions.update(reached)
    check.actors |= actors
    check.superseding += superseding
    for reference in given:
        check.give(reference)
    if keyed or check.gathers_a_receipt:
        for position, entry in zip(positions, entries, strict=True):
            check.gather(entry, position)
    return rows


def _demand(right: bool) -> None:
    if not right:
        raise _NotPlain


def _told(lines: Sequence[bytes]) -> tuple[tuple[Any, ...], ...]:
    """Return what lines say, each member a column, of the types and in the spelling of a line."""
    bare = [line[:-1] for line in lines if line[-1:] == b"\n"]
    _demand(len(bare) == len(lines) and max(map(len, lines)) <= LONGEST_LINE)
    told = list(map(orjson.loads, bare))
    _demand(list(map(orjson.dumps, told)) == bare and set(map(tuple, told)) == _HEADS)
    columns = tuple(zip(*map(dict.values, told), strict=True))
    for column, kind in zip(columns, (_INTEGERS, _TEXTS, _TEXTS, _INTEGERS, _TEXTS, _OBJECTS), strict=True):
        _demand(set(map(type, column)) == kind)
    return columns


def _versions(check: LineCheck, streams: Sequence[str], versions: Sequence[int]) -> dict[str, int]:
    """Return the versions that streams reach with these lines."""
    reached: dict[str, int] = {}
    for stream, version in zip(streams, versions, strict=True):
        before = reached.get(stream) or check.versions.get(stream, 0)
        _demand(version == before + 1 and bool(before or is_stream(stream)))
        reached[stream] = version
    return reached


def _read_bodies(check: LineCheck, names: Sequence[str], bodies: Sequence[Any]) -> None:
    """Read what happened, the events of one name together."""
    named: dict[str, list[Any]] = {}
    for name, body in zip(names, bodies, strict=True):
        if name in named:
            named[name].append(body)
        else:
            named[name] = [body]
    _demand(set(map(type, bodies)) == _OBJECTS)
    for name, alike in named.items():
        check.bodies[name].read_all(alike)
