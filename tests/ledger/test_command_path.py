"""The way of a command under attack: connections that break, threads that are interrupted, states that are behind."""

from __future__ import annotations

import json
import signal
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import psycopg
import pytest

from aggregates.entry import Recorded
from aggregates.refusals import LiesInTheFuture
from aggregates.team.events import TeamFormed, TeamMoved, TeamRenamed
from ledger import calls
from ledger.appends import _ONE, Appended, Appends, _Ticket, _values, append
from ledger.calls import Statement, bytea_array, int4_array, statement, text_array, together
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
from ledger.library import EntryRecorder
from ledger.limits import READS_PER_APPEND
from ledger.place import Connections
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from tests.ledger.helpers import forming, stored, team_of
from tests.waiting import PATIENCE, until, until_blocked


@pytest.fixture
def another(ledger: Ledger) -> Iterator[Ledger]:
    """Another program on the same ledger, with states of its own."""
    with Ledger.open(ledger.settings) as opened:
        yield opened


@contextmanager
def held_head(ledger: Ledger) -> Iterator[Any]:
    """Hold the head's lock in another session, as an append does before it commits."""
    with psycopg.connect(ledger.place.owner_url) as holder:
        holder.execute(f"select from {ledger.schema}.head for update")
        yield holder
        holder.rollback()


def appends_of(ledger: Ledger) -> Appends:
    recorder = ledger._application.recorder
    assert isinstance(recorder, EntryRecorder)
    return recorder.appends


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
        start = time.monotonic()
        positions = [one.result() for one in waiting]
    assert sorted(positions) == list(range(5, 5 + size))
    assert time.monotonic() - start < 25


def test_states_that_are_looked_up_while_others_are_recorded_are_kept(
    another: Ledger, ledger: Ledger, steward: str
) -> None:
    """Given one stream that moves while two are looked up, then the other is kept and this one is read again."""
    still, moving = ledger.new_id(), ledger.new_id()
    for one in (still, moving):
        ledger.execute("A", forming(one), by=steward)
    states = another._executor.states
    states.refresh()
    with states._reading() as read:
        read.update((stream, another._application.load(stream)) for stream in map(team_of, (still, moving)))
        another.execute("B", forming(moving), by=steward)
    assert states._keeps(team_of(still))
    assert states.get(team_of(moving)).version == 2


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


def test_an_answer_that_was_left_unread_is_not_passed_over(ledger: Ledger, steward: str) -> None:
    """Given an append that was sent and not answered, when it is asked for again, then its connection is lost."""
    data = [stored(steward)]
    with ledger.pool.connection() as connection:
        append(connection, [stored(steward)], {})
        assert _ONE.send(connection, _values(data, {}, None))
        with pytest.raises(psycopg.OperationalError, match="still to come"):
            append(connection, data, {})
        assert connection.closed


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


def test_a_state_that_was_kept_while_the_ledger_was_far_ahead_is_not_kept_behind_it(
    ledger: Ledger, another: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more entries than are followed, then what was read before the next look is not held on to."""
    monkeypatch.setattr("ledger.states.TAIL", 3)
    team, states = ledger.new_id(), ledger._executor.states
    ledger.execute("Platform", forming(team), by=steward)
    for number in range(4):
        another.execute(str(number), forming(another.new_id()), by=steward)
    states.refresh()
    assert states.get(team_of(team)).version == 1
    another.execute("Core", forming(team), by=steward)
    assert ledger.world().team(team).name.now == "Core"


def test_a_group_in_which_nothing_is_to_be_done_says_so_on_fresh_states_only(
    ledger: Ledger, another: Ledger, steward: str
) -> None:
    team = ledger.new_id()
    seen: list[str] = []
    ledger.execute("Platform", forming(team), by=steward)

    def name(world: Any, command: str, occasion: Any) -> list[Recorded]:
        state = world.team(team)
        if not seen:
            another.execute("Core", forming(team), by=steward)
        seen.append(state.name.now)
        return [] if state.name.now == command else [Recorded(team_of(team), TeamRenamed(name=command))]

    answer = next(ledger.execute_many([Order("Platform", steward)], name))
    assert seen == ["Platform", "Core"]
    assert isinstance(answer, Receipt)
    assert answer.streams == {team_of(team): 3}


def test_states_of_a_moment_ago_that_do_not_agree_are_no_failure(
    ledger: Ledger, another: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a team that is kept as absent, when another program forms it and one below, then both are seen."""
    monkeypatch.setattr("ledger.states.GOOD_FOR", 60.0)
    above, below = ledger.new_id(), ledger.new_id()
    assert ledger.world().team(above) is None
    another.execute("Above", forming(above), by=steward)
    another.append(
        [
            Recorded(team_of(below), TeamFormed(name="Below")),
            Recorded(team_of(below), TeamMoved(parent=above)),
        ],
        by=steward,
    )

    def name_as_above(world: Any, command: None, occasion: Any) -> list[Recorded]:
        parent = world.team(world.team(below).parent.now)
        return [Recorded(team_of(below), TeamRenamed(name=f"Below {parent.name.now}"))]

    ledger.execute(None, name_as_above, by=steward)
    assert ledger.world().team(below).name.now == "Below Above"


def test_a_failure_that_is_true_is_raised(ledger: Ledger, steward: str) -> None:
    def fail(world: Any, command: None, occasion: Any) -> list[Recorded]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.execute(None, fail, by=steward)


def test_the_clock_of_a_decision_is_never_before_an_entry_that_it_sees(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an append of this program that comes in during a look at the ledger, then the look is not the older one."""
    states, receipts = ledger._executor.states, []
    look = Connections.use

    class Late:
        """A connection in use that is given back only after an append."""

        def __init__(self, connections: Connections) -> None:
            self._use = look(connections)

        def __enter__(self) -> Any:
            return self._use.__enter__()

        def __exit__(self, *told: Any) -> None:
            self._use.__exit__(*told)
            monkeypatch.setattr(Connections, "use", look)
            receipts.append(ledger.execute("A", forming(ledger.new_id()), by=steward))

    ledger.execute("Before", forming(ledger.new_id()), by=steward)
    monkeypatch.setattr("ledger.states.GOOD_FOR", 60.0)
    monkeypatch.setattr(Connections, "use", lambda connections: Late(connections))
    assert states.refresh() >= receipts[0].recorded_at


def test_nothing_is_true_later_than_it_was_recorded(ledger: Ledger, steward: str) -> None:
    """Given an append that is held up after it took its time, then what lies after that time is still in the future."""

    def send(soon: datetime) -> Any:
        with ledger.pool.connection() as connection:
            return append(connection, [stored(steward, effective_at=soon)], {})

    refused: BaseException | None = None
    for seconds in (0.3, 1, 3, 10, 30):
        with ThreadPoolExecutor(1) as threads:
            with ledger.place.as_owner() as owner:
                owner.execute("lock table entries in access exclusive mode")
                soon = ledger.head().now + timedelta(seconds=seconds)
                sent = threads.submit(send, soon)
                until_blocked(ledger.place, 1)
                came_in_time = not _has_come(owner, soon)
                until(partial(_has_come, owner, soon))
                owner.rollback()
            refused = sent.exception()
        if came_in_time:
            break  # else it took its time after that moment: on a machine that was slower than that
    assert isinstance(refused, LiesInTheFuture)


def _has_come(connection: Any, moment: datetime) -> bool:
    return bool(connection.execute("select clock_timestamp() > %s", [moment]).fetchone() == (True,))


def test_a_preview_sees_what_another_program_recorded_before_it_was_asked_for(
    ledger: Ledger, another: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given states of a moment ago, then a preview, which no append checks, is not made on them."""
    monkeypatch.setattr("ledger.states.GOOD_FOR", 60.0)
    team = ledger.new_id()
    ledger.execute("Platform", forming(team), by=steward)
    another.execute("Core", forming(team), by=steward)

    def repeat(world: Any, command: None, occasion: Any) -> list[Recorded]:
        return [Recorded(team_of(team), TeamRenamed(name=world.team(team).name.now))]

    assert [one.event for one in ledger.preview(None, repeat, by=steward)] == [TeamRenamed(name="Core")]


def test_a_session_that_forgot_its_statements_learns_them_again(ledger: Ledger, steward: str) -> None:
    team = ledger.new_id()
    with ledger._connections.use() as connection:
        for number in range(1, 4):
            assert ledger.execute(str(number), forming(team), by=steward).streams == {team_of(team): number}
            connection.execute("deallocate all")


def test_an_append_that_waits_is_recorded_after_an_instant_that_became_final(
    ledger: Ledger, steward: str
) -> None:
    """Given an append that came before the question, then the answer to the question is final all the same."""
    appends = appends_of(ledger)
    with ThreadPoolExecutor(1) as threads:
        with held_head(ledger) as holder:
            sent = threads.submit(ledger.execute, "A", forming(ledger.new_id()), by=steward)
            until(lambda: appends._calling)
            until_blocked(ledger.place, 1)
            row = holder.execute("select clock_timestamp()").fetchone()
            holder.execute(f"select {ledger.schema}.settle(%s)", [row[0]])
            holder.commit()
        assert sent.result().recorded_at > row[0]
    assert ledger.position_at(row[0]) == 4


def test_arrays_are_what_the_database_reads_in_them(ledger: Ledger) -> None:
    texts = ["", "a", '"{}",\\ ', "Größe 😀", "x" * 100_000, *map(str, range(2_000))]
    numbers = [0, 1, -1, 2**31 - 1, -(2**31)]
    ask = Statement("arrays", "select to_jsonb($1::text[]), to_jsonb($2::int4[]), to_jsonb($3::bytea[])", 3)
    with ledger.pool.connection() as connection:
        for some, count in ((texts, numbers), ([], [])):
            values = [text_array(some), int4_array(count), bytea_array([one.encode() for one in some])]
            answer = ask.call(connection, values)
            told = [json.loads((answer.get_value(0, column) or b"")[1:]) for column in range(3)]
            assert told == [some, count, ["\\x" + one.encode().hex() for one in some]]
        with pytest.raises(struct.error):
            int4_array([2**31])


def test_the_most_that_one_decision_looks_at(ledger: Ledger, steward: str) -> None:
    reads = {team_of(ledger.new_id()): 0 for _ in range(READS_PER_APPEND)}
    with ledger.pool.connection() as connection:
        assert append(connection, [stored(steward)], reads).position == 5
        with pytest.raises(AppendIsTooLarge):
            append(connection, [stored(steward)], {**reads, team_of(ledger.new_id()): 0})


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


@pytest.mark.parametrize("polls", [True, False])
def test_more_than_a_socket_holds_goes_through_both_ways_at_once(
    untouched: Ledger, monkeypatch: pytest.MonkeyPatch, polls: bool
) -> None:
    """Neither side waits for the other to read first, also where a system has no poll."""
    monkeypatch.setattr(calls, "_POLLS", polls)
    if not polls:
        monkeypatch.delattr("select.poll")
    asked = (statement("select $1::bytea || $1", 1), [bytes(1_000_000)])
    with untouched.pool.connection() as connection:
        answers = together(connection, [asked] * 20)
        assert [len(one.get_value(0, 0) or b"") for one in answers] == [2_000_000] * 20
        assert connection.execute("select 1").fetchone() == (1,)
