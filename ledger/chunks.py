"""The check of many native lines at once, for what nearly all of them are: plainly right.

What `LineCheck.row` asks of one line after the other is asked here of a few hundred together. Whatever is not plainly
right is left to it, which says what is wrong and in which line, or that it is right after all. So nothing may pass
here that is refused there; `tests/ledger/test_chunks.py` holds one to the other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter, lt
from typing import Any

import orjson
from pydantic import ValidationError

from ledger.limits import BYTES_PER_ENTRY
from ledger.lines import LineCheck, is_actor, is_request, is_stream
from ledger.rows import instants

_found = re.compile(
    rb'^\{"position":([1-9][0-9]*),"recorded_at":"([^"]{20})([0-9]{6})Z","stream":"([^"]+)","version":([1-9][0-9]*),'
    rb'"name":"([^"]+)","data":(\{"stream":"\4","version":\5,"name":"\6","by":"([^"]+)",(.*))\}\n',
    re.MULTILINE,
).findall
"""Lines that say of an entry what its bytes begin with, in full; what follows in those is read as JSON.

As neither the head nor what the bytes begin with has anything to be escaped, they are read when they are found.
"""
_BETWEEN = len(
    '{"position":,"recorded_at":"2018-01-01T00:00:00.000000Z","stream":"","version":,"name":"","data":}\n'
)
"""Bytes of a line beside its position, stream, version, name and data."""
_Found = tuple[bytes, ...]
_FRONT = frozenset(("stream", "version", "name", "by"))
"""What the bytes of an entry begin with, and say once."""
_with_brace = b"{".__add__
_request_and_body = itemgetter("request", "body")


class _NotPlain(Exception):
    """These lines have to be looked at one by one."""


def plain_rows(check: LineCheck, lines: Sequence[bytes]) -> bytes | None:
    """Return the rows of lines, joined; None, and the check stands where it stood, where one of them is not plain."""
    try:
        return _rows(check, lines)
    except (_NotPlain, ValidationError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        return None


def _rows(check: LineCheck, lines: Sequence[bytes]) -> bytes:
    _demand(check.position > 0)
    whole = b"".join(lines)
    found = _found(whole)
    _demand(len(found) == len(lines))
    numbers, seconds, fractions, streams, digits, names, stored, actors, rests = zip(*found, strict=True)
    parts = sum(map(len, stored)) + len(b"".join(chain(numbers, streams, digits, names)))
    _demand(len(whole) == parts + _BETWEEN * len(lines))  # nothing stands between those that were found
    positions = range(check.position + 1, check.position + 1 + len(lines))
    _demand(b",".join(numbers) == ",".join(map(str, positions)).encode())
    _demand(max(map(len, stored)) <= BYTES_PER_ENTRY)
    times = instants(seconds, fractions)
    _demand(check.recorded_at < _time(found[0]) and all(map(lt, times, times[1:])))
    said = list(map(orjson.loads, map(_with_brace, rests)))
    requests, bodies = zip(*map(_request_and_body, said), strict=True)
    _demand(all(map(is_request, set(requests))))
    strangers = set(map(bytes.decode, set(actors))).difference(check.actors)
    _demand(all(map(is_actor, strangers)))
    versions = list(map(int, digits))
    reached = _versions(check, streams, versions)
    gives_references = _read_bodies(check, names, bodies)
    supersedes, keyed = _circumstances(check, positions, found, said)
    references = {}
    if gives_references:
        references = {
            position: reference
            for position, body in zip(positions, bodies, strict=True)
            if (reference := body.get("reference")) is not None and position not in supersedes
        }
    rows = check.writer.rows(positions, times, streams, versions, names, stored, references, supersedes)
    # Nothing is wrong: only now the check goes on.
    check.position, check.recorded_at = positions[-1], _time(found[-1])
    check.versions.update(reached)
    check.actors |= strangers
    check.superseding += len(supersedes)
    for reference in references.values():
        check.give(reference)
    if keyed or check.gathers_a_receipt:
        for position, actor, entry in zip(positions, actors, said, strict=True):
            check.gather(actor.decode(), entry.get("idempotency"), position)
    return rows


def _demand(right: bool) -> None:
    if not right:
        raise _NotPlain


def _versions(check: LineCheck, streams: Sequence[bytes], versions: Sequence[int]) -> dict[str, int]:
    """Return the versions that streams reach with these lines."""
    spelled = {stream: stream.decode() for stream in set(streams)}
    known = check.versions
    reached = {stream: known.get(text, 0) for stream, text in spelled.items()}
    for stream, before in reached.items():
        _demand(before > 0 or is_stream(spelled[stream]) is not None)
    for stream, version in zip(streams, versions, strict=True):
        if version != reached[stream] + 1:
            raise _NotPlain
        reached[stream] = version
    return {spelled[stream]: version for stream, version in reached.items()}


def _read_bodies(check: LineCheck, names: Sequence[bytes], bodies: Sequence[Any]) -> bool:
    """Read what happened, the events of one name together; return whether one of them may give a reference."""
    _demand(set(map(type, bodies)) == {dict})
    alike = defaultdict[tuple[Any, ...], list[dict[str, Any]]](list)
    for name, body in zip(names, bodies, strict=True):
        alike[(name, *body)].append(body)
    for (name, *shape), group in alike.items():
        _demand(name != b"ledger.created")
        check.bodies[name.decode()].read_alike(tuple(shape), group)
    return any("reference" in shape for shape in alike)


def _circumstances(
    check: LineCheck, positions: Sequence[int], found: Sequence[_Found], said: Sequence[dict[str, Any]]
) -> tuple[dict[int, int], bool]:
    """Read what entries say beside who and what.

    Returns what is superseded, by the position that supersedes it, and whether an entry has an idempotency key.
    """
    superseded, keyed = dict[int, int](), False
    today, days = found[0][1][:10].decode(), check.days
    special = [place for place, told in enumerate(map(len, said)) if told != 2]
    for place in special:
        entry = said[place]
        day = entry.get("effective_at")
        if len(entry) == 3 and day in days and (day < today or day <= check.day_of(_time(found[place]))):
            continue
        _demand(entry.keys().isdisjoint(_FRONT))
        check.read_circumstances(entry, _time(found[place]))
        if day is not None and len(day) == 10:
            days.add(day)
        if (earlier := entry.get("supersedes")) is not None:
            _demand(type(earlier) is int and 0 < earlier < positions[place])
            superseded[positions[place]] = earlier
        keyed = keyed or "idempotency" in entry
    return superseded, keyed


def _time(found: _Found) -> str:
    """Return the time of a line."""
    return f"{found[1].decode()}{found[2].decode()}Z"
