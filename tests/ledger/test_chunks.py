"""Many lines are checked at once where they are plainly right: what passes there passes one by one as well."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import orjson
import pytest

from aggregates.vocabulary import EVENTS
from bench.company import Company
from ledger.bodies import BodyCheck
from ledger.chunks import plain_rows
from ledger.lines import LineCheck

BEFORE, AFTER = 900, 40


@cache
def history() -> tuple[bytes, ...]:
    """A company's first entries: whole cycles with values, sealed texts, changes and amendments."""
    return tuple(Company(objectives=4).lines(2_000))


def standing_after(lines: Sequence[bytes]) -> tuple[LineCheck, io.BytesIO]:
    receipts = io.BytesIO()
    check = LineCheck(receipts)
    for line in lines:
        check.row(line)
    return check, receipts


def told_by(check: LineCheck) -> tuple[object, ...]:
    return (
        check.position, check.recorded_at, check.ledger, dict(check.references), dict(check.versions),
        set(check.actors), check.superseding, check.gathers_a_receipt,
    )  # fmt: skip


def with_keys(lines: Sequence[bytes]) -> list[bytes]:
    """The same entries as if every fourth command had an idempotency key and two entries."""
    keyed = []
    for number, line in enumerate(lines):
        told = orjson.loads(line)
        entry = told["data"]
        if number % 4 in (1, 2):
            body = entry.pop("body")
            key = f"key {number // 4}"
            told["data"] = entry | {"idempotency": {"key": key, "fingerprint": "5e" * 32}, "body": body}
            told["data"]["by"] = f"person:{'0' * 8}-0000-0000-0000-{number // 4:012}"
        keyed.append(orjson.dumps(told) + b"\n")
    return keyed


@pytest.mark.parametrize("keyed", [False, True])
def test_plain_lines_give_the_same_rows_and_the_same_state(keyed: bool) -> None:
    lines = with_keys(history()) if keyed else history()
    one, receipts = standing_after(lines)
    other, others = standing_after(lines[:10])
    rows = b""
    for start in range(10, len(lines), 77):
        rows += plain_rows(other, lines[start : start + 77]) or b"not plain"
    again, _ = standing_after(lines[:10])
    assert rows == b"".join([again.row(line) for line in lines[10:]])
    assert told_by(other) == told_by(one)
    assert others.getvalue() == receipts.getvalue()
    assert bool(receipts.getvalue()) is keyed


def damaged(lines: list[bytes], random: Random) -> list[bytes]:
    """Change one line: a byte, a member, a member's value, or its place among the others."""
    at = random.randrange(len(lines))
    line, told = lines[at], orjson.loads(lines[at])
    entry = told["data"]
    where = random.choice([told, entry, entry["body"] or entry])
    member = random.choice(list(where))
    kind = random.randrange(8)
    if kind == 0:
        place = random.randrange(len(line))
        changed = [line[:place] + bytes([random.randrange(256)]) + line[place + 1 :]]
    elif kind == 1:
        changed = []
    elif kind == 2:
        changed = [line, line]
    elif kind == 3:
        changed = [line[: random.randrange(len(line))]]
    elif kind == 4:
        changed = [line.replace(b":", b": ", 1)]
    else:
        if kind == 5:
            del where[member]
        elif kind == 6:
            where["supersedes"] = random.choice([0, 1, told["position"], True, "1", None, 10**30])
        else:
            where[member] = random.choice(
                [
                    None,
                    True,
                    1,
                    1.0,
                    [],
                    {},
                    "",
                    "0.60",
                    "a\u0000",
                    'a"',
                    "x" * 70_000,
                    told["version"],
                    "2018-01-01",
                ]
            )
        try:
            changed = [orjson.dumps(told) + b"\n"]
        except TypeError:
            changed = [b"{}\n"]
    return [*lines[:at], *changed, *lines[at + 1 :]]


def test_what_passes_at_once_passes_one_by_one() -> None:
    """Given a thousand damages, then none passes at once that is refused by the line, and refusing leaves no trace."""
    good = list(history()[BEFORE : BEFORE + AFTER])
    check, _ = standing_after(history()[:BEFORE])
    stood, refused = told_by(check), 0
    random = Random(7)
    for _ in range(1_000):
        lines = damaged(good, random)
        one_by_one, _ = fork(check)
        try:
            expected: bytes | None = b"".join([one_by_one.row(line) for line in lines])
        except ValueError:
            expected, refused = None, refused + 1
        tried, _ = fork(check)
        rows = plain_rows(tried, lines)
        if rows is None:
            assert told_by(tried) == stood
        else:
            assert rows == expected
            assert told_by(tried) == told_by(one_by_one)
    assert refused > 600
    assert plain_rows(check, good) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"request":', b'"stream":"team:other","request":'),  # what the bytes begin with, said a second time
        (b'"request":', b'"name":"team.formed","request":'),
        (b'"request":', b'"by":"person:nobody","request":'),
        (b'"request":', b'"version":7,"effective_at":"2018-01-01","request":'),
        (b'"position":', b'"position":0'),
        (b'"version":', b'"version":0'),
        (b'Z","stream"', b'","stream"'),
        (b".", b","),
        (b'{"position":', b' {"position":'),
        (b'"data":{', b'"data": {'),
        (b"}\n", b"}\r\n"),
        (b"}\n", b"\n}\n"),
        (b"{", b"\n{"),
        (b"{", b"between\n{"),
    ],
)
def test_what_is_spelled_in_another_way_passes_only_where_it_passes_one_by_one(
    old: bytes, new: bytes
) -> None:
    """Given lines of which one says something twice, or more than an entry, then both ways take or refuse them."""
    check, _ = standing_after(history()[:BEFORE])
    for at in range(AFTER):
        lines = list(history()[BEFORE : BEFORE + AFTER])
        assert old in lines[at]
        lines[at] = lines[at].replace(old, new, 1)
        one_by_one, _ = fork(check)
        tried, _ = fork(check)
        rows = plain_rows(tried, lines)
        if rows is not None:
            assert rows == b"".join([one_by_one.row(line) for line in lines])
            assert told_by(tried) == told_by(one_by_one)


def test_nothing_between_two_lines_is_passed_over() -> None:
    """Given one line too few, and another that holds two, then they are looked at one by one."""
    check, _ = standing_after(history()[:BEFORE])
    first, second, third = history()[BEFORE : BEFORE + 3]
    for lines in ([first + second, b"nothing\n"], [first, b"nothing\n" + second]):
        assert plain_rows(check, lines) is None
    assert plain_rows(check, [first, second, third]) is not None


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "UTC"])
def test_a_day_that_has_not_begun_where_the_ledger_is_kept_does_not_pass(zone: str) -> None:
    """Given values of the day before, of the day and of the next, hour by hour, then both ways agree on each."""
    check, _ = standing_after(history()[:BEFORE])
    check._zone, check.zone = ZoneInfo(zone), zone
    line = next(line for line in history()[BEFORE:] if b'"effective_at"' in line)
    told, taken = orjson.loads(line), []
    told["data"]["version"] = told["version"] = check.versions[told["stream"]] + 1
    told["position"] = check.position + 1
    for hour in range(24):
        told["recorded_at"] = f"2030-03-10T{hour:02d}:30:00.000000Z"
        for day in ("2030-03-09", "2030-03-10", "2030-03-11"):
            told["data"]["effective_at"] = day
            (one, _), (other, _) = fork(check), fork(check)
            one.days = {day}
            crafted = orjson.dumps(told) + b"\n"
            passes = plain_rows(one, [crafted]) is not None
            try:
                other.row(crafted)
            except ValueError:
                assert not passes
            else:
                taken.append((hour, day))
                assert passes
    assert ((0, "2030-03-10") in taken) is (zone != "America/Los_Angeles")
    assert ((23, "2030-03-11") in taken) is (zone == "Pacific/Auckland")


@pytest.mark.parametrize(
    ("recorded_at", "effective_at", "more"),
    [
        ("9999-12-31T23:59:59.000000Z", "9999-12-31", ""),
        ("2030-01-01T00:00:00.000000Z", "0001-01-01T00:00:00+14:00", ""),
        ("2030-01-01T00:00:00.000000Z", "2018-01-01", "[" * 300 + "]" * 300),
    ],
    ids=["the last day of all", "before the first day of all", "nested without end"],
)
def test_what_lies_beyond_all_bounds_is_refused_as_any_other_line(
    recorded_at: str, effective_at: str, more: str
) -> None:
    """Given a day beyond the calendar, or more lists in lists than a ledger writes, then the line is refused."""
    check, _ = standing_after(history()[:BEFORE])
    check._zone = ZoneInfo("Pacific/Auckland")
    told = orjson.loads(history()[BEFORE])
    told["recorded_at"], told["data"]["effective_at"] = recorded_at, effective_at
    line = orjson.dumps(told) + b"\n"
    if more:
        line = line.replace(b'"body":{', b'"body":{"more":' + more.encode() + b",")
    assert plain_rows(fork(check)[0], [line]) is None
    with pytest.raises(ValueError, match=r"cannot be read|not spelled|not a line"):
        fork(check)[0].row(line)


def fork(check: LineCheck) -> tuple[LineCheck, io.BytesIO]:
    """Another check that stands where this one does and remembers the same values."""
    receipts = io.BytesIO()
    other = LineCheck(receipts)
    for name in ("position", "recorded_at", "ledger", "zone", "superseding", "_zone"):
        setattr(other, name, getattr(check, name))
    other.references, other.versions, other.actors = (
        dict(check.references),
        dict(check.versions),
        set(check.actors),
    )
    other.bodies = check.bodies
    return other, receipts


def test_every_event_is_judged_member_by_member() -> None:
    """An event whose members depend on each other would be read whole each time: right, but slow; there is none."""
    assert [name for name, event in EVENTS.items() if not BodyCheck(event).is_alone] == []
