"""Appends of one program that share calls and take turns, under attack: connections that break, threads that are
interrupted, answers that say no."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import psycopg
import pytest

from aggregates.refusals import LiesInTheFuture
from ledger.appends import Appended, Appends, _Ticket, append
from ledger.calls import Statement
from ledger.errors import (
    AppendIsTooLarge,
    ClockIsBehind,
    EntryIsMalformed,
    KeyedCommandIsDone,
    LedgerIsBusy,
    RecordIsFixed,
    StreamsHaveMoved,
)
from ledger.execute import Order
from ledger.receipts import IdempotencyKey
from ledger.store import Ledger
from tests.ledger.helpers import appends_of, forming, held_head, stored, team_of
from tests.waiting import PATIENCE, until


def end_sessions(ledger: Ledger, sessions: list[int]) -> None:
    with psycopg.connect(ledger.place.application_url, autocommit=True) as killer:
        killer.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) as pid", [sessions])


def test_writers_that_all_lose_their_connections_do_not_wait_for_each_other_s(
    ledger: Ledger, steward: str
) -> None:
    """Given as many writers as connections, when all connections break in one append, then each gets a new one."""
    appends, size = appends_of(ledger), ledger.pool.max_size
    sessions: list[int] = []

    def write(number: int) -> int:
        with ledger._connections.use() as connection:
            sessions.append(connection.info.backend_pid)
            return ledger.execute(str(number), forming(ledger.new_id()), by=steward).position

    with ThreadPoolExecutor(size) as threads:
        with held_head(ledger):
            waiting = [threads.submit(write, number) for number in range(size)]
            until(lambda: len(appends._waiting) == size - 1)
            end_sessions(ledger, sessions)
        positions = [one.result() for one in waiting]  # who waits for another's waits in vain, and raises
    assert sorted(positions) == list(range(5, 5 + size))


def test_one_key_in_two_appends_of_one_call_is_recorded_once(ledger: Ledger, steward: str) -> None:
    """Given two groups with one key that share a call, then one is recorded and the other is told its receipt."""
    appends, key = appends_of(ledger), IdempotencyKey("monday", b"body")

    def send() -> Any:
        order = Order("Platform", steward, idempotency=key)
        return next(ledger.execute_many([order], forming(ledger.new_id())))

    with ThreadPoolExecutor(3) as threads:
        with held_head(ledger):
            first = threads.submit(ledger.execute, "A", forming(ledger.new_id()), by=steward)
            until(lambda: appends._calling)
            sent = [threads.submit(send) for _ in range(2)]
            until(lambda: len(appends._waiting) == 2)
        assert first.result().position == 5
        told = [one.result() for one in sent]
    assert [receipt.position for receipt in told] == [6, 6]
    assert sorted(receipt.replayed for receipt in told) == [False, True]
    assert ledger.head().position == 6


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_who_is_interrupted_while_others_append_keeps_nobody_waiting(ledger: Ledger, steward: str) -> None:
    """Given one at the lock and two who wait, when the first of these is interrupted, then the second goes on."""
    appends = appends_of(ledger)
    main = threading.main_thread().ident or 0

    def write() -> int:
        return ledger.execute("A", forming(ledger.new_id()), by=steward).position

    with ThreadPoolExecutor(3) as threads:
        with held_head(ledger):
            first = threads.submit(write)
            until(lambda: appends._calling and not appends._waiting)

            def interrupt() -> int:
                until(lambda: len(appends._waiting) == 1)
                behind = threads.submit(write)
                until(lambda: len(appends._waiting) == 2)
                signal.pthread_kill(main, signal.SIGINT)
                return behind.result(PATIENCE)

            second = threads.submit(interrupt)
            with pytest.raises(KeyboardInterrupt):
                write()
        assert [first.result(), second.result()] == [5, 6]
    assert write() == 7


def test_who_is_interrupted_when_it_is_its_turn_hands_the_turn_on(ledger: Ledger, steward: str) -> None:
    """Given three who wait, when the first is interrupted with what was sent for it, then the others go on."""
    appends, data = Appends(), stored(steward)
    with ledger.pool.connection() as connection, psycopg.connect(ledger.place.application_url) as own:
        append(connection, [stored(steward)], {})
        ahead = _Ticket(connection, [], (), {}, ())
        interrupted, along, behind = (_Ticket(connection, [data], (), {}, ()) for _ in range(3))
        ahead.calls = appends._calling = True
        appends._last = 1
        appends._waiting.extend([interrupted, along, behind])
        appends._hand_over(ahead)
        assert (interrupted.calls, interrupted.taken) == (True, [interrupted, along])
        assert interrupted.sent is not None
        behind.connection = own
        appends._leave(interrupted)
        assert connection.closed
    assert isinstance(along.answer, psycopg.OperationalError)
    assert [one.gate.acquire(blocking=False) for one in (along, behind)] == [True, True]
    assert behind.calls
    appends._leave(behind)
    assert (appends._calling, len(appends._waiting)) == (False, 0)


def test_what_is_sent_ahead_is_answered_as_if_its_own_call_had_sent_it(ledger: Ledger, steward: str) -> None:
    """Given appends that are sent by who called before, then each is recorded or refused, whatever the others are."""
    appends, stale = appends_of(ledger), team_of(ledger.new_id())

    def write(reads: dict[str, int]) -> Any:
        with ledger.pool.connection() as connection:
            append(connection, [stored(steward)], {})
            begin.wait(PATIENCE)  # each has its own connection, on which the statement is prepared
            begin.wait(PATIENCE)
            stream = team_of(ledger.new_id())
            return appends.append(connection, [stored(steward, stream)], {stream}, reads)

    begin = threading.Barrier(7)
    with ThreadPoolExecutor(6) as threads:
        told = [threads.submit(write, {stale: 7} if number == 3 else {}) for number in range(6)]
        begin.wait(PATIENCE)
        with held_head(ledger):
            begin.wait(PATIENCE)
            until(lambda: len(appends._waiting) == 5)
        refused = [one.exception(PATIENCE) for one in told]
    assert [type(one) for one in refused] == [type(None)] * 3 + [StreamsHaveMoved] + [type(None)] * 2
    positions = [one.result().position for one, no in zip(told, refused, strict=True) if no is None]
    assert sorted(positions) == list(range(11, 16))


def test_what_cannot_be_sent_ahead_is_told_to_whose_it_is(ledger: Ledger, steward: str) -> None:
    """Given one who waits with what cannot be said to the database, then who called before has its own answer."""
    appends = Appends()
    with ledger.pool.connection() as connection:
        first = _Ticket(connection, [stored(steward)], (), {}, ())
        wrong = _Ticket(connection, [stored(steward)], (), {"team:\ud800": 0}, ())
        first.calls, first.taken, appends._calling = True, [first], True
        appends._waiting.append(wrong)
        appends._call(first)
        assert isinstance(first.answer, Appended)
        appends._call(wrong)
    assert isinstance(wrong.answer, UnicodeEncodeError)
    assert not appends._calling


def test_who_is_interrupted_while_the_turn_goes_on_loses_nobody(ledger: Ledger, steward: str) -> None:
    """Given one who waits, when who called is interrupted as it takes that one along, then its turn still comes."""

    class Interrupting(list[bytes]):
        times = 0

        def __iter__(self) -> Iterator[bytes]:
            self.times += 1
            if self.times == 1:
                raise KeyboardInterrupt
            return super().__iter__()

    appends = Appends()
    with ledger.pool.connection() as connection:
        first = _Ticket(connection, [stored(steward)], (), {}, ())
        second = _Ticket(connection, Interrupting([stored(steward)]), (), {}, ())
        first.calls, first.taken, appends._calling = True, [first], True
        appends._waiting.append(second)
        with pytest.raises(KeyboardInterrupt):
            appends._call(first)
        appends._leave(first)
        assert second.gate.acquire(blocking=False)
        appends._call(second)
    assert [type(one.answer) for one in (first, second)] == [Appended] * 2
    assert not appends._calling


def test_a_busy_ledger_is_waited_for_once(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a shared call that waited for the lock in vain, then each is told so, and not after a second wait."""
    asked: list[int] = []

    def busy(*_: Any) -> Any:
        asked.append(1)
        raise LedgerIsBusy

    monkeypatch.setattr("ledger.appends.append", busy)
    monkeypatch.setattr("ledger.appends._append_each", busy)
    appends = appends_of(ledger)
    with ledger.pool.connection() as connection:
        tickets = [_Ticket(connection, [stored(steward)], (), {}, ()) for _ in range(2)]
        tickets[0].taken = tickets
        tickets[0].calls = appends._calling = True
        appends._call(tickets[0])
    assert asked == [1]
    assert [type(ticket.answer) for ticket in tickets] == [LedgerIsBusy] * 2


def test_each_answer_of_the_database_is_one_of_ours_in_a_shared_call_as_well(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given functions that say no with a code, then everybody in the call is told it, and nobody waits on."""
    expected: dict[str, type[Exception]] = {
        "SL001": RecordIsFixed,
        "SL010": AppendIsTooLarge,
        "SL011": EntryIsMalformed,
        "SL013": KeyedCommandIsDone,
        "SL014": ClockIsBehind,
        "SL015": LiesInTheFuture,
        "55P03": LedgerIsBusy,
        "57014": psycopg.errors.QueryCanceled,
        "57P01": psycopg.errors.AdminShutdown,
        "40001": psycopg.errors.SerializationFailure,
        "ZZ999": psycopg.DatabaseError,
    }
    told: dict[tuple[str, bool], list[type]] = {}
    with ledger.pool.connection() as connection:
        connection.execute(
            "create function pg_temp.no(state text) returns int8 language plpgsql as"
            " $$ begin raise exception using errcode = state, message = 'no'; end $$"
        )
        for state, each_by_itself in product(expected, (False, True)):
            whole = "SL011" if each_by_itself else state
            one = f"select pg_temp.no('{whole}') as last_position, $1::bytea[], $2::text[], $3::int4[], $4::int8"
            each = (
                f"select null, null, null, '{state}'::text, 'no'::text, null, null"
                "  from unnest($1::bytea[]), (select $2::int4[], $3::text[], $4::int4[], $5::int4[]) as unread"
            )
            monkeypatch.setattr("ledger.appends._ONE", Statement(f"one {whole}", one, 4))
            monkeypatch.setattr("ledger.appends._EACH", Statement(f"each {state}", each, 5))
            appends = Appends()
            tickets = [_Ticket(connection, [stored(steward)], (), {}, ()) for _ in range(2)]
            tickets[0].taken = tickets
            tickets[0].calls = appends._calling = True
            appends._call(tickets[0])
            told[state, each_by_itself] = [type(ticket.answer) for ticket in tickets]
            assert tickets[1].gate.acquire(blocking=False)
            assert not appends._calling
    assert told == {(state, each): [expected[state]] * 2 for state, each in told}
