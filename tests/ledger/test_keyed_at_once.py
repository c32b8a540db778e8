"""A plain entry with an idempotency key: claimed, looked up and kept in the append's own round trip."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from aggregates.entry import Occasion, Recorded
from aggregates.refusals import ReasonIsMissing
from aggregates.team.events import TeamRenamed
from ledger.calls import Statement
from ledger.claims import claimed
from ledger.codec import decode, encode
from ledger.errors import CommandInFlight, IdempotencyKeyReused
from ledger.execute import Decide
from ledger.identifiers import new_id
from ledger.plain import NEXT
from ledger.receipts import IdempotencyKey, Receipt
from ledger.restore import restore
from ledger.store import Ledger
from tests.ledger.helpers import forming, held_head
from tests.ledger.test_append_next import refuse_append
from tests.ledger.test_restore import NewSettings
from tests.waiting import PATIENCE, end_sessions, until_blocked

MONDAY = IdempotencyKey("monday", b"body")
WRITERS = 8


@pytest.fixture
def team(ledger: Ledger, steward: str) -> Decide:
    """What renames a team that was formed just now: a plain entry."""
    decide = forming(new_id())
    ledger.execute("First", decide, by=steward)
    return decide


@pytest.fixture
def others(ledger: Ledger) -> Iterator[list[Ledger]]:
    """As many programs on the same ledger as there are writers, with states and connections of their own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Ledger.open(ledger.settings)) for _ in range(WRITERS)]


@pytest.fixture
def another(ledger: Ledger) -> Iterator[Ledger]:
    """Another program on the same ledger."""
    with Ledger.open(ledger.settings) as opened:
        yield opened


def kept(ledger: Ledger) -> list[tuple[Any, ...]]:
    """What is remembered of keys."""
    with ledger.pool.connection() as connection:
        return connection.execute(
            "select actor, key, fingerprint, first_position, position from receipts"
        ).fetchall()


def told(receipt: Receipt) -> tuple[Any, ...]:
    streams = tuple(receipt.streams.items())
    return (
        receipt.position,
        receipt.first_position,
        receipt.recorded_at,
        streams,
        receipt.names,
        receipt.request,
    )


def refusing(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
    raise ReasonIsMissing


def doing_nothing(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
    return []


def ending_it(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
    raise KeyError(command)


def test_it_asks_the_database_once(
    ledger: Ledger, steward: str, team: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given who writes alone, then a command with a key is one call, and its bytes are those of any other."""
    refuse_append(ledger, monkeypatch)
    ledger.keys.fingerprint(steward, "", b"")  # the master key is read once
    calls: list[str] = []
    carried_out, execute = Statement._carried_out, psycopg.Connection.execute

    def noting(self: Statement, *said: Any) -> Any:
        calls.append(self._query.decode())
        return carried_out(self, *said)

    def executing(self: Any, query: Any, *said: Any, **more: Any) -> Any:
        if "clock_timestamp()" not in str(query):  # where the last command is too long ago to decide on
            calls.append(str(query))
        return execute(self, query, *said, **more)

    monkeypatch.setattr(Statement, "_carried_out", noting)
    monkeypatch.setattr(psycopg.Connection, "execute", executing)
    keys = ("monday", " a, b: {c} [d] 'e' %s ~", "8e03978e-40d5-43dd-bc93-6894a57f9324", "k" * 200)
    receipts = [
        ledger.execute(f"Number {number}", team, by=steward, idempotency=IdempotencyKey(key, b"body"))
        for number, key in enumerate(keys)
    ]
    monkeypatch.undo()
    assert [call.partition("(")[0] for call in calls] == ["select append_next"] * len(receipts)
    for receipt in receipts:
        raw = ledger.entry(receipt.position)
        assert raw is not None
        entry = decode(raw)
        mark = entry.circumstances.idempotency
        assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
        assert isinstance(entry.event, TeamRenamed)
        assert mark is not None
        assert (steward, mark.key, mark.fingerprint, raw.position, raw.position) in kept(ledger)
    assert len(kept(ledger)) == len(receipts)


@pytest.mark.parametrize("key", ['say "no"', "back\\slash", "Zürich", "東京"])
def test_any_other_key_takes_the_long_way(ledger: Ledger, steward: str, team: Decide, key: str) -> None:
    sent = IdempotencyKey(key, b"body")
    receipt = ledger.execute("Second", team, by=steward, idempotency=sent)
    assert [row[1] for row in kept(ledger)] == [key]
    assert told(ledger.execute("Second", team, by=steward, idempotency=sent)) == told(receipt)


@pytest.mark.parametrize("repeated", [None, refusing, doing_nothing, ending_it])
def test_a_repeat_is_answered_the_first_receipt_whatever_it_would_come_to_now(
    ledger: Ledger, steward: str, team: Decide, repeated: Decide | None
) -> None:
    first = ledger.execute("Second", team, by=steward, idempotency=MONDAY)
    for _ in range(2):
        again = ledger.execute("Second", repeated or team, by=steward, idempotency=MONDAY)
        assert (again.replayed, told(again)) == (True, told(first))
        with pytest.raises(IdempotencyKeyReused):
            ledger.execute(
                "Other", repeated or team, by=steward, idempotency=IdempotencyKey("monday", b"other")
            )
    assert ledger.head().position == first.position
    assert not ledger.execute("Second", team, by=f"person:{new_id()}", idempotency=MONDAY).replayed


@pytest.mark.parametrize("repeated", [refusing, doing_nothing, ending_it])
def test_what_recorded_nothing_leaves_its_key(
    ledger: Ledger, steward: str, team: Decide, repeated: Decide
) -> None:
    """Given a command that is refused, fails or comes to nothing, then its key is as good as new, for any body."""
    if repeated is doing_nothing:
        assert ledger.execute("Second", repeated, by=steward, idempotency=MONDAY).names == ()
    else:
        with pytest.raises((ReasonIsMissing, KeyError)):
            ledger.execute("Second", repeated, by=steward, idempotency=MONDAY)
    assert kept(ledger) == []
    other = IdempotencyKey("monday", b"other")
    assert not ledger.execute("Second", team, by=steward, idempotency=other).replayed


def test_where_deciding_leaves_traces_the_key_is_looked_up_first(
    ledger: Ledger, steward: str, team: Decide
) -> None:
    first = IdempotencyKey("monday", b"body", first=True)
    receipt = ledger.execute("Second", team, by=steward, idempotency=first)
    decided: list[str] = []

    def noting(world: Any, command: str, occasion: Occasion) -> Any:
        decided.append(command)
        return team(world, command, occasion)

    assert told(ledger.execute("Second", noting, by=steward, idempotency=first)) == told(receipt)
    assert decided == []


def test_a_failed_append_leaves_no_key(ledger: Ledger, steward: str, team: Decide) -> None:
    """Given an entry whose version was taken or a key that was used, then neither the entry nor the key is there."""
    renamed = ledger.execute("Second", team, by=steward, idempotency=MONDAY)
    (stream,) = renamed.streams
    said = {
        "place": renamed.position + 1, "stream": stream, "name": "team.renamed", "person": True,
        "by": steward.partition(":")[2], "request": str(new_id()), "body": '{"name":"Third"}', "print": b"a" * 32,
    }  # fmt: skip
    query = "select append_next(%(place)s, %(stream)s, %(version)s, %(name)s, %(person)s, %(by)s, %(request)s, %(body)s, %(key)s, %(print)s)"  # noqa: E501
    before = list(ledger.export()), kept(ledger)
    with ledger.pool.connection() as connection:
        for key, version in (("tuesday", 2), ("monday", 3)):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(query, said | {"key": key, "version": version})
            assert (list(ledger.export()), kept(ledger)) == before
            assert ledger.head().position == renamed.position
        locks = "select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
        assert connection.execute(locks).rowcount == 0
        connection.execute(query, said | {"key": "tuesday", "version": 3})
    assert [row[1] for row in kept(ledger)] == ["monday", "tuesday"]


@pytest.mark.parametrize("shared", [True, False])
def test_one_of_many_who_send_a_key_at_the_same_moment_records(
    ledger: Ledger, steward: str, team: Decide, others: list[Ledger], shared: bool
) -> None:
    """Given eight who send one key, in one program or in eight, half of them with another body, then one command is
    recorded, and each is answered its receipt, that it is in flight, or that the key was used."""
    for number in range(6):
        start = threading.Barrier(WRITERS)
        before = ledger.head().position

        def send(writer: int, number: int = number, start: threading.Barrier = start) -> Any:
            program = ledger if shared else others[writer]
            program.head()  # so that everybody has a connection
            start.wait(PATIENCE)
            key = IdempotencyKey(f"key {number}", b"body" if writer % 2 else b"other")
            try:
                return told(program.execute(f"By {writer % 2}", team, by=steward, idempotency=key))
            except (CommandInFlight, IdempotencyKeyReused) as refusal:
                return type(refusal)

        with ThreadPoolExecutor(WRITERS) as threads:
            answers = list(threads.map(send, range(WRITERS)))
        assert ledger.head().position == before + 1
        (winner,) = {answer for answer in answers if isinstance(answer, tuple)}
        assert winner[0] == before + 1
        sides = {writer % 2 for writer, answer in enumerate(answers) if answer == winner}
        assert len(sides) == 1  # with the other body nobody is told that receipt


@pytest.mark.parametrize("own", [True, False])
def test_who_sends_a_key_that_is_on_its_way_is_told_so(
    ledger: Ledger, steward: str, team: Decide, another: Ledger, own: bool
) -> None:
    """Given a command that waits for the head on the short way, then its key is claimed for everybody."""
    other = ledger if own else another
    with ThreadPoolExecutor(1) as thread:
        with held_head(ledger):
            first = thread.submit(ledger.execute, "Second", team, by=steward, idempotency=MONDAY)
            until_blocked(ledger.place, 1)
            for body in (b"body", b"other"):
                with pytest.raises(CommandInFlight):
                    other.execute("Second", team, by=steward, idempotency=IdempotencyKey("monday", body))
        recorded = first.result(PATIENCE)
    again = other.execute("Second", team, by=steward, idempotency=MONDAY)
    assert (again.replayed, told(again)) == (True, told(recorded))


def test_a_key_that_a_session_holds_is_not_used_by_the_short_way(
    ledger: Ledger, steward: str, team: Decide
) -> None:
    with ledger.pool.connection() as holder, claimed(holder, steward, "monday") as (is_held, _):
        assert is_held
        with pytest.raises(CommandInFlight):
            ledger.execute("Second", team, by=steward, idempotency=MONDAY)
        tuesday = IdempotencyKey("tuesday", b"body")
        assert not ledger.execute("Second", team, by=steward, idempotency=tuesday).replayed
    assert not ledger.execute("Third", team, by=steward, idempotency=MONDAY).replayed


def test_a_session_that_is_ended_at_the_head_loses_nothing_and_leaves_no_claim(
    ledger: Ledger, steward: str, team: Decide
) -> None:
    with ThreadPoolExecutor(1) as thread:
        with held_head(ledger):
            sent = thread.submit(ledger.execute, "Second", team, by=steward, idempotency=MONDAY)
            until_blocked(ledger.place, 1)
            end_sessions(ledger.place, in_an_append=True)
        receipt = sent.result(PATIENCE)
    again = ledger.execute("Second", team, by=steward, idempotency=MONDAY)
    assert (again.replayed, told(again)) == (True, told(receipt))
    assert ledger.head().position == receipt.position
    assert len(kept(ledger)) == 1


def test_an_answer_that_is_lost_is_found(
    ledger: Ledger, steward: str, team: Decide, another: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a connection that breaks once the database has recorded, then the receipt is told, and told again."""

    class Losing(Statement):
        def call(self, connection: Any, *said: Any) -> Any:
            NEXT.call(connection, *said)
            connection.close()
            raise psycopg.OperationalError("The connection was lost.")

    before = ledger.head().position
    monkeypatch.setattr("ledger.plain.NEXT", Losing("", "", 0))
    receipt = ledger.execute("Second", team, by=steward, idempotency=MONDAY)
    monkeypatch.undo()
    assert receipt.position == before + 1 == ledger.head().position
    for program in (ledger, another):
        again = program.execute("Second", team, by=steward, idempotency=MONDAY)
        assert (again.replayed, told(again)) == (True, told(receipt))
        with pytest.raises(IdempotencyKeyReused):
            program.execute("Second", team, by=steward, idempotency=IdempotencyKey("monday", b"other"))


def test_after_a_restore_its_key_is_answered(
    ledger: Ledger, steward: str, team: Decide, new_settings: NewSettings
) -> None:
    receipt = ledger.execute("Second", team, by=steward, idempotency=MONDAY)
    settings = new_settings()
    restore(settings, iter(list(ledger.export())), ledger.directory.export())
    with Ledger.open(settings) as restored:
        assert kept(restored) == kept(ledger)
        again = restored.execute("Second", team, by=steward, idempotency=MONDAY)
        assert (again.replayed, told(again)) == (True, told(receipt))
        with pytest.raises(IdempotencyKeyReused):
            restored.execute("Third", team, by=steward, idempotency=IdempotencyKey("monday", b"other"))
        third = restored.execute("Third", team, by=steward, idempotency=IdempotencyKey("tuesday", b"body"))
        assert third.position == receipt.position + 1
