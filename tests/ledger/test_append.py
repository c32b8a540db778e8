"""The one append function under attack: two writers at its lock, clocks that are wrong, callers that lie."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from aggregates.entry import Occasion, Recorded
from aggregates.objective.events import ObjectiveAligned
from aggregates.refusals import AlignmentLoop, LiesInTheFuture
from aggregates.team.events import TeamFormed, TeamMoved, TeamRenamed
from ledger.appends import Appends, append
from ledger.errors import (
    AppendIsTooLarge,
    ClockIsBehind,
    EntryIsMalformed,
    LedgerExists,
    Moved,
    StaleVersion,
    StreamsHaveMoved,
    TooMuchContention,
)
from ledger.identifiers import new_id
from ledger.limits import BYTES_PER_ENTRY, EVENTS_PER_APPEND
from ledger.store import Ledger
from tests.ledger.helpers import forming, held_head, stored, team_of
from tests.waiting import PATIENCE, day_that_lasts, until, until_blocked


def test_positions_have_no_gaps_and_times_rise_by_microseconds(ledger: Ledger, steward: str) -> None:
    teams = [new_id() for _ in range(5)]
    receipt = ledger.append([Recorded(team_of(team), TeamFormed(name="T")) for team in teams], by=steward)
    entries = ledger.read_page(4, 100)
    assert [entry.position for entry in entries] == [5, 6, 7, 8, 9]
    assert {(b.recorded_at - a.recorded_at) for a, b in pairwise(entries)} == {timedelta(microseconds=1)}
    assert (receipt.first_position, receipt.position, receipt.recorded_at) == (5, 9, entries[-1].recorded_at)


def test_eight_writers_leave_no_gap_no_inversion_and_lose_nothing(ledger: Ledger, steward: str) -> None:
    shared = new_id()

    def write(writer: int) -> list[Any]:
        own = new_id()
        receipts = []
        for number in range(12):
            team = shared if number % 4 == 0 else own
            try:
                receipts.append(ledger.execute(f"{writer} {number}", forming(team), by=steward))
            except TooMuchContention:
                continue
        return receipts

    with ThreadPoolExecutor(8) as pool:
        receipts = [receipt for found in pool.map(write, range(8)) for receipt in found]
    entries = ledger.read_page(0, 1_000)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert all(a.recorded_at < b.recorded_at for a, b in pairwise(entries))
    assert sorted(receipt.position for receipt in receipts) == [entry.position for entry in entries[4:]]
    versions = [entry.version for entry in ledger.read_stream(team_of(shared))]
    assert versions == list(range(1, len(versions) + 1))


def test_two_who_close_one_loop_while_held_at_the_lock_cannot_both(ledger: Ledger, steward: str) -> None:
    """Given two decisions that each read the other's stream, when both wait at the lock, then one is refused."""
    one, other = new_id(), new_id()
    ledger.append([Recorded(team_of(team), TeamFormed(name="T")) for team in (one, other)], by=steward)

    def align(by_whom: Ledger, team: UUID, parent: UUID) -> Any:
        def decide(world: Any, command: None, occasion: Occasion) -> list[Recorded]:
            above = world.team(parent).parent.now
            if above == team:
                raise AlignmentLoop
            return [Recorded(team_of(team), TeamMoved(parent=parent))]

        return by_whom.execute(None, decide, by=steward)

    with ThreadPoolExecutor(2) as pool, Ledger.open(ledger.settings) as another:
        with held_head(ledger):
            waiting = [pool.submit(align, ledger, one, other), pool.submit(align, another, other, one)]
            until_blocked(ledger.place, 2)
        outcomes = [future.exception() for future in waiting]
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlignmentLoop", "NoneType"]
    assert ObjectiveAligned.stored_name not in {entry.name for entry in ledger.read_page(6, 10)}


def test_a_stream_that_was_only_read_is_checked_after_the_lock(ledger: Ledger, steward: str) -> None:
    read = team_of(new_id())
    ledger.append([Recorded(read, TeamFormed(name="Read"))], by=steward)
    with ledger.pool.connection() as connection:
        append(connection, [stored(steward)], {read: 1})
        with pytest.raises(StreamsHaveMoved) as refused:
            append(connection, [stored(steward)], {read: 0, team_of(new_id()): 3})
    assert [(moved.expected, moved.present) for moved in refused.value.moved] == [(0, 1), (3, 0)]


def test_a_pinned_version_that_is_stale_says_who_changed_it(ledger: Ledger, steward: str) -> None:
    team = new_id()
    ledger.execute("First", forming(team), by=steward)
    receipt = ledger.execute("Second", forming(team), by=steward, expected={team_of(team): 1})
    with pytest.raises(StaleVersion) as refused:
        ledger.execute("Third", forming(team), by=steward, expected={team_of(team): 1})
    assert (refused.value.moved.present, refused.value.changed_by, refused.value.name) == (
        2,
        steward,
        "team.renamed",
    )
    assert refused.value.changed_at == receipt.recorded_at


def test_a_refusal_is_believed_only_on_fresh_states(ledger: Ledger, steward: str) -> None:
    """Given a kept state that is behind, when a decision would refuse on it, then it decides again."""
    team = new_id()
    seen: list[int] = []
    ledger.execute("First", forming(team), by=steward)
    ledger.world().team(team)

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        if not seen:
            with Ledger.open(ledger.settings) as another:
                another.execute("Second", forming(team), by=steward)
        seen.append(world.team(team).version)
        if seen[-1] == 1:
            raise AlignmentLoop
        return [Recorded(team_of(team), TeamRenamed(name=command))]

    ledger.execute("Third", decide, by=steward)
    assert seen == [1, 2]


def test_a_head_an_hour_ahead_is_refused_until_the_clock_is_right(ledger: Ledger, steward: str) -> None:
    with ledger.place.as_owner() as owner:
        owner.execute("update head set recorded_at = clock_timestamp() + interval '1 hour'")
    with pytest.raises(ClockIsBehind):
        ledger.execute("Late", forming(new_id()), by=steward)
    assert ledger.head().position == 4


def test_a_head_a_little_ahead_goes_on_from_there(ledger: Ledger, steward: str) -> None:
    for seconds in (2, 2, 2, 2, 4):
        ahead = f"update head set recorded_at = clock_timestamp() + interval '{seconds} seconds' returning recorded_at"
        with ledger.place.as_owner() as owner:
            row = owner.execute(ahead.encode()).fetchone()
        receipt = ledger.execute("On time", forming(new_id()), by=steward)
        assert row is not None
        if ledger.head().now < row[0]:  # else the machine stood still until the clock had overtaken that head
            assert receipt.recorded_at == row[0] + timedelta(microseconds=1)
            return
    raise AssertionError("the clock overtook every head")


def test_nothing_lies_in_the_future(ledger: Ledger, steward: str) -> None:
    today = day_that_lasts(ledger)
    now = ledger.head().now
    for moment in (now + timedelta(hours=1), today + timedelta(days=1)):
        with pytest.raises(LiesInTheFuture):
            ledger.execute("Early", forming(new_id(), effective_at=moment), by=steward)
    for moment in (now, today):
        ledger.execute("Now", forming(new_id(), effective_at=moment), by=steward)


def test_a_day_is_judged_in_the_organisations_zone(ledger: Ledger, steward: str) -> None:
    """Given zones on both sides of the date line, then the day that runs there is the last one taken."""
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        with ledger.place.as_owner() as owner:
            owner.execute("update head set zone = %s", [name])
        today = day_that_lasts(ledger, ZoneInfo(name))
        with ledger.pool.connection() as connection:
            append(connection, [stored(steward, effective_at=today)], {})
            with pytest.raises(LiesInTheFuture):
                append(connection, [stored(steward, effective_at=today + timedelta(days=1))], {})


def test_limits_are_kept(ledger: Ledger, steward: str) -> None:
    with ledger.pool.connection() as connection:
        for data in (
            [],
            [stored(steward)] * (EVENTS_PER_APPEND + 1),
            [stored(steward) + b" " * BYTES_PER_ENTRY],
            [stored(steward) + b" " * 30_000 for _ in range(140)],
        ):
            with pytest.raises(AppendIsTooLarge):
                append(connection, data, {})
        appended = append(connection, [stored(steward) for _ in range(EVENTS_PER_APPEND)], {})
    assert appended.position == 4 + EVENTS_PER_APPEND


DAMAGES = [
    lambda data: data.replace(b"Platform", b"Plat\\u0000form"),
    lambda data: data.replace(b"Platform", b"Plat\x00form"),
    lambda data: data.replace(b"Platform", b"Plat\xff\xfeform"),
    lambda data: data + b"\n",
    lambda data: data[:-1],
    lambda data: b"[]",
    lambda data: data.replace(b'"version":1', b'"version":"one"'),
    lambda data: data.replace(b'"version":1', b'"version":0'),
    lambda data: data.replace(b'"by":"person:', b'"by":"nobody:'),
    lambda data: data.replace(b'"name":"team.formed"', b'"name":"Team Formed"'),
    lambda data: data.replace(b'"stream":"team:', b'"stream":"team of:'),
    lambda data: data.replace(b'"body":{', b'"effective_at":"yesterday","body":{'),
    lambda data: data.replace(b'"body":{', b'"effective_at":"2026-02-31","body":{'),
    lambda data: data.replace(b'"body":{', b'"supersedes":99,"body":{'),
    lambda data: data.replace(b'"request"', b'"requested"'),
    lambda data: data.replace(b'"version":1', b'"version":[1]'),
    lambda data: data.replace(b'"name":"team.formed"', b'"name":["team.formed"]'),
    lambda data: data.replace(b'"body":{', b'"body":[],"source":{'),
    lambda data: data.replace(b'","request"', b':x","request"'),
    lambda data: data.replace(b'"by":"person:', b'"by":"person:x:'),
    lambda data: data.replace(b'"body":{', b'"decision":"none","body":{'),
    lambda data: data.replace(b'"body":{', b'"supersedes":"1","body":{'),
    lambda data: data.replace(b'"body":{', b'"supersedes":0,"body":{'),
    lambda data: data.replace(b'"body":{', b'"supersedes":5,"body":{'),  # itself, where it is alone
    lambda data: data.replace(b'"body":{', b'"supersedes":6,"body":{'),  # itself, beside another
    lambda data: data.replace(b'"body":{', b'"idempotency":{"key":"monday"},"body":{'),
    lambda data: data.replace(b'"body":{', b'"body":{"reference":"obj-1",'),
    lambda data: data.replace(b'"body":{', b'"body":{"reference":["OBJ-1"],'),
]
"""What makes an entry none."""


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("among_others", [False, True])
def test_bytes_that_are_no_entry_are_refused(untouched: Ledger, damage: Any, among_others: bool) -> None:
    """Given bytes that are no entry, then they are refused alone, which is judged apart, and beside an entry."""
    by = f"person:{new_id()}"
    data = [stored(by)] if among_others else []
    with untouched.pool.connection() as connection, pytest.raises(EntryIsMalformed):
        append(connection, [*data, damage(stored(by))], {})
    assert untouched.head().position == 4


def test_what_is_known_up_to_a_position_is_looked_at_where_more_was_recorded(
    ledger: Ledger, steward: str
) -> None:
    """Given one who knew the ledger up to a position, when more was recorded since, then what was read is looked at;
    when nothing was, then what is written is."""
    written, read = team_of(new_id()), team_of(new_id())
    with ledger.pool.connection() as connection:
        known = append(connection, [stored(steward, written)], {read: 0}).position
        assert append(connection, [stored(steward, read)], {written: 1}, known).position == known + 1
        for later in (None, known, known + 2):
            with pytest.raises(StreamsHaveMoved) as told:
                append(connection, [stored(steward, written, 2)], {read: 0}, later)
            assert told.value.moved == (Moved(read, 0, 1),)
        for version in (1, 3):
            with pytest.raises(StreamsHaveMoved) as told:
                append(connection, [stored(steward, written, version)], {read: 1}, known + 1)
            assert told.value.moved == (Moved(written, version - 1, 1),)
        append(connection, [stored(steward, written, 2)], {read: 1}, known)
    assert ledger.head().position == known + 2


def test_there_is_one_head(ledger: Ledger) -> None:
    """Given the ledger's owner, when a second head is added, then that is refused."""
    with (
        ledger.place.as_owner() as connection,
        pytest.raises(psycopg.Error, match="INSERT on head is refused"),
    ):
        connection.execute("insert into head (only_one) values (false)")


@pytest.mark.parametrize("among_others", [False, True])
def test_streams_that_have_moved_are_named(ledger: Ledger, steward: str, among_others: bool) -> None:
    """Given a stream written and one read that others changed, then both are named with their versions."""
    written, read = team_of(new_id()), team_of(new_id())
    data = [stored(steward)] if among_others else []
    with ledger.pool.connection() as connection:
        for stream in (written, read):
            append(connection, [stored(steward, stream)], {})
        for reads, moved in (
            ({read: 1}, {written: (0, 1)}),
            ({read: 0, "cycle:none": 0}, {written: (0, 1), read: (0, 1)}),
        ):
            with pytest.raises(StreamsHaveMoved) as told:
                append(connection, [*data, stored(steward, written)], reads)
            assert {one.stream: (one.expected, one.present) for one in told.value.moved} == moved
        with pytest.raises(StreamsHaveMoved) as told:
            append(connection, [*data, stored(steward, written, 3)], {})
        assert {one.stream: (one.expected, one.present) for one in told.value.moved} == {written: (2, 1)}
        with pytest.raises(StreamsHaveMoved) as told:
            append(connection, [*data, stored(steward, written, 2)], {read: 2})
        assert {one.stream: (one.expected, one.present) for one in told.value.moved} == {read: (2, 1)}
    assert ledger.head().position == 6


def test_versions_of_one_append_follow_one_another(ledger: Ledger, steward: str) -> None:
    team = team_of(new_id())
    with ledger.pool.connection() as connection, pytest.raises(EntryIsMalformed):
        append(connection, [stored(steward, team, 1), stored(steward, team, 3)], {})


def test_a_ledger_is_created_once(ledger: Ledger, steward: str) -> None:
    again = ledger.entry(1)
    assert again is not None
    data = again.data.replace(b'"version":1', b'"version":3')
    for entries in ([data], [stored(steward), data]):
        with ledger.pool.connection() as connection, pytest.raises(LedgerExists):
            append(connection, entries, {})


def test_columns_are_what_the_bytes_say(ledger: Ledger, steward: str) -> None:
    """A caller gives bytes and nothing else, so there is nothing to lie with; the view reads the same."""
    ledger.execute("Platform", forming(new_id()), by=steward)
    with ledger.pool.connection() as connection:
        rows = connection.execute(
            "select stream = entry ->> 'stream' and version = (entry ->> 'version')::int and name = entry ->> 'name'"
            "  from entries_json"
        ).fetchall()
    assert rows == [(True,)] * 5


def test_an_instant_is_final_once_it_was_asked_for(ledger: Ledger, steward: str) -> None:
    """Given an answer for this very moment, then nothing is recorded at or before it any more."""
    start = ledger.entry(1)
    assert start is not None
    assert ledger.position_at(start.recorded_at - timedelta(microseconds=1)) == 0
    assert ledger.position_at(start.recorded_at) == 1
    now = ledger.head().now
    assert ledger.position_at(now) == 4
    receipt = ledger.execute("After", forming(new_id()), by=steward)
    assert receipt.recorded_at > now
    assert ledger.position_at(now) == 4
    assert ledger.position_at(receipt.recorded_at) == 5
    with pytest.raises(LiesInTheFuture):
        ledger.position_at(datetime(2999, 1, 1, tzinfo=UTC))


def test_an_instant_waits_for_whoever_is_appending(ledger: Ledger, steward: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with held_head(ledger) as holder:
            now = ledger.head().now
            asked = pool.submit(ledger.position_at, now)
            assert not asked.done()
            holder.execute(f"set search_path = {ledger.schema}")
            append(holder, [stored(steward)], {})
            holder.commit()
        assert asked.result(PATIENCE) in (4, 5)
        assert ledger.position_at(now) == asked.result()


def test_appends_that_share_a_call_are_each_taken_or_refused_for_themselves(
    ledger: Ledger, steward: str
) -> None:
    """Given one append at the lock and three that came meanwhile, then each has an answer of its own."""
    appends, team = Appends(), team_of(new_id())

    def send(data: bytes, reads: dict[str, int]) -> Any:
        with ledger.pool.connection() as connection:
            writes = {json.loads(data)["stream"]} if data != b"[]" else set()
            return appends.append(connection, [data], writes, reads)

    with ThreadPoolExecutor(4) as pool:
        with held_head(ledger):
            first = pool.submit(send, stored(steward, team), {})
            until_blocked(ledger.place, 1)
            stale = pool.submit(send, stored(steward), {team: 0})
            malformed = pool.submit(send, b"[]", {})
            good = pool.submit(send, stored(steward), {team: 1})
            until(lambda: len(appends._waiting) >= 3)
        assert first.result().position == 5
        assert isinstance(stale.exception(), StreamsHaveMoved)
        assert isinstance(malformed.exception(), EntryIsMalformed)
        assert good.result().position == 6
    assert ledger.head().position == 6


def _wait(appends: Appends, number: int) -> bool:
    return len(appends._waiting) >= number


def test_appends_that_share_a_call_see_what_those_before_them_wrote(ledger: Ledger, steward: str) -> None:
    """Given five appends in one call, when one read and one writes what the first of them wrote, both are refused."""
    appends, held, team = Appends(), team_of(new_id()), team_of(new_id())

    def send(stream: str, reads: dict[str, int]) -> Any:
        with ledger.pool.connection() as connection:
            return appends.append(connection, [stored(steward, stream)], {stream}, reads)

    with ThreadPoolExecutor(6) as pool:
        sent = []
        with held_head(ledger):
            sent.append(pool.submit(send, held, {}))
            until_blocked(ledger.place, 1)
            others = [(team, {}), (team_of(new_id()), {team: 0}), (team, {}), *[(team_of(new_id()), {})] * 2]
            for number, (stream, reads) in enumerate(others, 1):
                sent.append(pool.submit(send, stream, reads))
                until(partial(_wait, appends, number))
        outcomes = [type(one.exception()).__name__ for one in sent]
    assert outcomes == [*["NoneType"] * 2, *["StreamsHaveMoved"] * 2, "NoneType", "StreamsHaveMoved"]
    entries = ledger.read_page(4, 10)
    assert [entry.position for entry in entries] == [5, 6, 7]
    assert all(a.recorded_at < b.recorded_at for a, b in pairwise(entries))


def test_appends_that_share_a_call_and_touch_nothing_of_each_other_are_one_append(
    ledger: Ledger, steward: str
) -> None:
    """Given four appends in one call, each is told its own position and time; the times differ by a microsecond."""
    appends = Appends()

    def send() -> Any:
        stream = team_of(new_id())
        with ledger.pool.connection() as connection:
            return stream, appends.append(connection, [stored(steward, stream)], {stream}, {})

    with ThreadPoolExecutor(5) as pool:
        with held_head(ledger):
            first = pool.submit(send)
            until_blocked(ledger.place, 1)
            sent = [pool.submit(send) for _ in range(4)]
            until(lambda: len(appends._waiting) >= 4)
            appends._last = 4  # as if eight wrote: half of them share a call
        told = [one.result() for one in [first, *sent]]
    entries = {entry.stream: entry for entry in ledger.read_page(4, 10)}
    for stream, appended in told:
        assert (entries[stream].position, entries[stream].recorded_at) == (
            appended.position,
            appended.recorded_at,
        )
    ordered = sorted(entry.recorded_at for entry in entries.values())[1:]
    assert {b - a for a, b in pairwise(ordered)} == {timedelta(microseconds=1)}
