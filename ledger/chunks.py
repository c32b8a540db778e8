"""The check of many native lines at once, for what nearly all of them are: plainly right.

What `LineCheck.row` asks of one line after the other is asked here of a few hundred together. Whatever is not plainly
right is left to it, which says what is wrong and in which line, or that it is right after all. So nothing may pass
here that is refused there; `tests/ledger/test_chunks.py` holds one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import itemgetter, lt
from typing import Any

import orjson
from pydantic import ValidationError

from ledger.limits import BYTES_PER_ENTRY
from ledger.lines import LONGEST_LINE, PLAIN, LineCheck, is_actor, is_request, is_stream

_INTEGERS, _TEXTS, _OBJECTS = {int}, {str}, {dict}
_said = itemgetter("stream", "version", "name", "by", "request", "body")
_DATA, _END = b'"data":', b"}\n"
_ENDS = {ord("\n")}
_BEFORE_TIME = len('{"position":,"recorded_at":"')
_TIME = 27
"""Characters of a time as a ledger writes it."""


class _NotPlain(Exception):
    """These lines have to be looked at one by one."""


def plain_rows(check: LineCheck, lines: Sequence[bytes]) -> bytes | None:
    """Return the rows of lines, joined; None, and the check stands where it stood, where one of them is not plain."""
    try:
        return _rows(check, lines)
    except (_NotPlain, ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _rows(check: LineCheck, lines: Sequence[bytes]) -> bytes:
    _demand(check.position > 0 and max(map(len, lines)) <= LONGEST_LINE)
    entries = [orjson.loads(line[line.index(_DATA) + 7 : -2]) for line in lines]
    streams, versions, names, actors, requests, bodies = zip(*map(_said, entries), strict=True)
    for column, kind in ((streams, _TEXTS), (versions, _INTEGERS), (names, _TEXTS), (bodies, _OBJECTS)):
        _demand(set(map(type, column)) == kind)
    positions = range(check.position + 1, check.position + 1 + len(lines))
    times, stored = _times(lines, positions), list(map(orjson.dumps, entries))
    _demand({line[-1] for line in lines} == _ENDS)
    _demand(b"".join(lines) == _spelled(positions, times, streams, versions, names, stored))
    _demand(max(map(len, stored)) <= BYTES_PER_ENTRY)
    _demand(check.recorded_at < times[0] and all(map(lt, times, times[1:])))
    _demand("ledger.created" not in names and all(map(is_request, set(requests))))
    strangers = set(actors).difference(check.actors)
    _demand(all(map(is_actor, strangers)))
    reached = _versions(check, streams, versions)
    _read_bodies(check, names, bodies)
    supersedes = _circumstances(check, positions, times, entries)
    references = {
        position: reference
        for position, body in zip(positions, bodies, strict=True)
        if (reference := body.get("reference")) is not None and position not in supersedes
    }
    rows = check.writer.rows(positions, times, streams, versions, names, stored, references, supersedes)
    # Nothing is wrong: only now the check goes on.
    check.position, check.recorded_at = positions[-1], times[-1]
    check.versions.update(reached)
    check.actors |= strangers
    check.superseding += len(supersedes)
    for reference in references.values():
        check.give(reference)
    if check.gathers_a_receipt or any("idempotency" in entry for entry in entries):
        for position, entry in zip(positions, entries, strict=True):
            check.gather(entry, position)
    return rows


def _demand(right: bool) -> None:
    if not right:
        raise _NotPlain


def _times(lines: Sequence[bytes], positions: Sequence[int]) -> list[str]:
    """Return what stands where each line has its time; whether it is one shows when the row is packed."""
    digits, last = len(str(positions[0])), len(str(positions[-1]))
    if digits < last:  # from here on the time stands further to the right
        longer = 10 ** (last - 1) - positions[0]
        return _times(lines[:longer], positions[:longer]) + _times(lines[longer:], positions[longer:])
    start = _BEFORE_TIME + digits
    return [line[start : start + _TIME].decode() for line in lines]


def _spelled(
    positions: Iterable[int],
    times: Iterable[str],
    streams: Iterable[str],
    versions: Iterable[int],
    names: Iterable[str],
    stored: Iterable[bytes],
) -> bytes:
    """Return the lines that a ledger writes of all this."""
    heads = [
        f'{{"position":{position},"recorded_at":"{at}","stream":"{stream}","version":{version},"name":"{name}","data":'
        for position, at, stream, version, name in zip(
            positions, times, streams, versions, names, strict=True
        )
    ]
    return b"".join(chain.from_iterable(zip(map(str.encode, heads), stored, repeat(_END), strict=False)))


def _versions(check: LineCheck, streams: Sequence[str], versions: Sequence[int]) -> dict[str, int]:
    """Return the versions that streams reach with these lines."""
    reached: dict[str, int] = {}
    known = check.versions
    for stream, version in zip(streams, versions, strict=True):
        before = reached.get(stream) or known.get(stream, 0)
        if version != before + 1 or not (before or is_stream(stream)):
            raise _NotPlain
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
    for name, alike in named.items():
        check.bodies[name].read_all(alike)


def _circumstances(
    check: LineCheck, positions: Sequence[int], times: Sequence[str], entries: Sequence[dict[str, Any]]
) -> dict[int, int]:
    """Read what entries say beside who and what; return what is superseded, by the position that supersedes it."""
    superseded: dict[int, int] = {}
    today, over = times[0][:10], set[str]()
    if times[-1][:10] != today:
        today = ""
    for position, recorded_at, entry in zip(positions, times, entries, strict=True):
        if len(entry) == PLAIN:
            continue
        day = entry.get("effective_at")
        if day in over and len(entry) == PLAIN + 1:
            continue
        check.read_circumstances(entry, recorded_at)
        if day is not None and len(day) == 10 and day < today:
            over.add(day)  # for all these lines alike, as they are of one day
        if (earlier := entry.get("supersedes")) is not None:
            _demand(type(earlier) is int and 0 < earlier < position)
            superseded[position] = earlier
    return superseded
