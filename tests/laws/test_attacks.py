"""The append under attack from outside: cut connections, wrong clocks, midnight, callers that lie about the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from psycopg.conninfo import conninfo_to_dict

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from aggregates.entry import Occasion, Recorded
from aggregates.refusals import LiesInTheFuture, Refusal
from aggregates.values import day_of
from ledger.appends import append
from ledger.errors import AppendIsUncertain, ClockIsBehind, IdempotencyKeyReused, StaleVersion
from ledger.keys import MasterKeyError
from ledger.receipts import IdempotencyKey
from ledger.restore import restore
from ledger.store import Ledger
from replay.asked import BoardOf
from tests.conftest import drop
from tests.laws.commands import Improviser, LedgerStage, rehearsed
from tests.laws.proxy import Proxy, proxy
from tests.laws.shelf import Book, Shelf, lines_of
from tests.laws.test_writers import held, is_in_order, live_equals_rebuilt, stands_once
from tests.laws.writer import give, item_of, told
from tests.ledger.helpers import stored
from tests.waiting import PATIENCE, day_that_lasts, end_sessions


@contextmanager
def through(book: Book, gate: Proxy) -> Iterator[Ledger]:
    """Open the ledger through the proxy."""
    address = conninfo_to_dict(gate.address)
    login = quote(str(address["user"]))
    if address.get("password"):
        login += f":{quote(str(address['password']))}"
    url = f"postgresql://{login}@127.0.0.1:{address['port']}/{address['dbname']}?sslmode=disable&gssencmode=disable"
    with Ledger.open(
        replace(book.settings, database_url=url, migrate_url=book.ledger.place.owner_url)
    ) as ledger:
        yield ledger


@pytest.mark.parametrize("cut", ["before", "after", "unseen"])
def test_a_connection_that_is_cut_while_a_command_is_recorded(shelf: Shelf, cut: str) -> None:
    """Given a connection that is cut before the command arrives or after its commit, which the database may or may not
    notice, then the caller gets its receipt, the command stands once, and when it is sent again it is answered with the
    first receipt."""
    with shelf.company() as (book, company), proxy(book.ledger.place.application_url) as gate:
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        with through(book, gate) as ledger:
            give(ledger, 1, steward, item)
            for number in (2, 3, 4):
                before = book.ledger.head().position
                gate.cut, gate.mark = cut, f'"key":"number {number}"'.encode()
                receipt = give(ledger, number, steward, item)
                assert gate.cuts == number - 1, "the connection was cut"
                assert receipt.first_position == before + 1
                stands_once(book, told(receipt))
                again = give(ledger, number, steward, item)
                assert again.replayed
                assert told(again) == told(receipt)
                assert book.ledger.head().position == receipt.position

            # when a command without a key is cut too, then it stands once all the same
            before = book.ledger.head().position
            said = {"objective": item[0], "key_result": item[1], "confidence": "0.5", "value": "4242.42"}
            gate.cut, gate.mark = cut, b"4242.42"
            receipt = ledger.execute(COMMANDS["check_in"].model_validate(said), decide, by=steward)
            stands_once(book, told(receipt))
            assert (before + 2, receipt.position) == (book.ledger.head().position, before + 2)
        assert gate.cuts == 4
        is_in_order(book)
        live_equals_rebuilt(book)


@pytest.mark.slow
def test_a_server_that_does_not_come_back_is_told_as_uncertain(shelf: Shelf) -> None:
    """Given a cut after the commit and nobody who answers afterwards, then the caller is told to send it again, and
    is answered with the receipt of what was recorded."""
    with shelf.company() as (book, company), proxy(book.ledger.place.application_url) as gate:
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        before = book.ledger.head().position
        with through(book, gate) as ledger:
            give(ledger, 1, steward, item)
            gate.mark, gate.closed = b'"key":"number 2"', True
            with pytest.raises(AppendIsUncertain, match="send the command again"):
                give(ledger, 2, steward, item)
        assert book.ledger.head().position == before + 2
        again = give(book.ledger, 2, steward, item)
        assert again.replayed
        assert again.position == before + 2


def test_a_session_that_is_ended_at_the_lock(shelf: Shelf) -> None:
    """Given an append that waits at the lock, when the database ends its session, then it is recorded once."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        with Ledger.open(book.settings) as other, ThreadPoolExecutor(1) as pool:
            with held(book) as wait:
                waiting = pool.submit(give, other, 1, steward, item)
                wait(1)
                end_sessions(book.ledger.place, in_an_append=True)
            receipt = waiting.result(PATIENCE)
        stands_once(book, told(receipt))
        assert give(book.ledger, 1, steward, item).replayed
        is_in_order(book)


# -- clocks


def test_a_head_an_hour_ahead(shelf: Shelf) -> None:
    """Given a head an hour ahead of the database's clock, then every command is refused in words and nothing is half
    done, reading goes on, and once the clocks agree again writing goes on with no gap and the old keys."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        first = give(book.ledger, 0, steward, item)
        before, answers = book.ledger.head(), book.answers(as_of=str(first.position))
        _set_head(book, "recorded_at + interval '1 hour'")
        for number in (1, 2, 3):
            with pytest.raises(ClockIsBehind) as refused:
                give(book.ledger, number, steward, item)
            assert "set the clock right" in refused.value.detail
        assert book.ledger.head().position == before.position
        assert book.answers(as_of=str(first.position)) == answers
        assert book.reader.ask(BoardOf("first")).basis.position == first.position
        with book.ledger.pool.connection() as connection:
            row = connection.execute("select count(*) from receipts").fetchone()
        assert row == (1,)

        # when the clock is right again
        _set_head(book, "recorded_at - interval '1 hour'")
        assert give(book.ledger, 1, steward, item).position == before.position + 1
        assert told(give(book.ledger, 0, steward, item)) == told(first)
        is_in_order(book)
        live_equals_rebuilt(book)


def _set_head(book: Book, expression: str) -> None:
    with book.ledger.place.as_owner() as owner:
        owner.execute(f"update head set recorded_at = {expression}")


def lying(by: timedelta) -> Callable[[Any, Any, Occasion], Sequence[Recorded]]:
    """Decide as if it were another time: what a decision is that was taken before midnight, or by a caller who lies."""

    def decide_then(world: Any, command: Any, occasion: Occasion) -> Sequence[Recorded]:
        return decide(world, command, replace(occasion, at=occasion.at + by))

    return decide_then


def value_of(company: Improviser, **fields: Any) -> Any:
    return COMMANDS["record_value"].model_validate({"value": "7", **fields})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_midnight_between_deciding_and_appending(shelf: Shelf, zone: str) -> None:
    """Given a value of today decided just before midnight and appended after it, then it stays a value of the day on
    which it was decided; a value of tomorrow is refused by the append, whoever decided it, and leaves nothing."""
    with shelf.company() as (book, _):
        now = book.ledger.head().now
    company = rehearsed([], zone=zone, start=now - timedelta(days=40))
    rehearsal = company.stage.rehearsal  # type: ignore[attr-defined]
    with shelf.restored(lines_of(rehearsal.entries)) as book, Ledger.open(book.settings) as ledger:
        by = f"person:{company.steward}"
        objective, key_result = item_of(ledger)
        item = {"objective": objective, "key_result": key_result}
        today = day_that_lasts(ledger)
        receipt = ledger.execute(value_of(company, **item), lying(timedelta(days=-1)), by=by)
        raw = ledger.entry(receipt.position)
        assert raw is not None
        assert orjson.loads(raw.data)["effective_at"] == (today - timedelta(days=1)).isoformat()
        assert day_of(raw.recorded_at, ledger.zone) == today

        before = ledger.head().position
        for lie in (timedelta(days=1), timedelta(days=400)):
            with pytest.raises(LiesInTheFuture) as refused:
                ledger.execute(
                    value_of(company, **item, measured_on=today + timedelta(days=1)), lying(lie), by=by,
                    idempotency=IdempotencyKey("tomorrow"),
                )  # fmt: skip
            assert zone in refused.value.detail
        assert ledger.head().position == before
        honest = ledger.execute(
            value_of(company, **item, measured_on=today),
            decide,
            by=by,
            idempotency=IdempotencyKey("tomorrow"),
        )
        assert (honest.position, honest.replayed) == (before + 1, False)


def test_a_future_time_given_to_the_append_itself(shelf: Shelf) -> None:
    """Given bytes with a time of the future for the append function, then a microsecond is enough to be refused."""
    with shelf.company() as (book, company):
        today = day_that_lasts(book.ledger)
        by, before = f"person:{company.steward}", book.ledger.head()
        future: list[date | datetime] = [
            before.now + timedelta(minutes=5), before.now + timedelta(days=3_000),
            today + timedelta(days=1), date(2199, 1, 1),
        ]  # fmt: skip
        with book.ledger.pool.connection() as connection:
            for moment in future:
                for data in (
                    [stored(by, effective_at=moment)],
                    [stored(by), stored(by, effective_at=moment)],
                ):
                    with pytest.raises(LiesInTheFuture):
                        append(connection, data, {})
            assert book.ledger.head().position == before.position
            append(connection, [stored(by, effective_at=before.now), stored(by, effective_at=today)], {})


# -- after a restore


def test_writing_goes_on_after_a_restore(shelf: Shelf) -> None:
    """Given a company that is restored from its two files, then position, versions, keys, references, sealed text and
    projections go on where they were."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        sealed = book.ledger.keys.seal(company.steward, "I am worried about March.")
        told_in = COMMANDS["check_in"].model_validate(
            {"objective": item[0], "key_result": item[1], "confidence": "0.3", "what_changed": sealed}
        )
        book.ledger.execute(told_in, decide, by=steward)
        first = give(book.ledger, 0, steward, item)
        stream = f"objective:{item[0]}"
        version = len(book.ledger.read_stream(stream))
        reference = int(book.ledger.next_reference("KR").partition("-")[2])
        lines, directory = list(book.ledger.export()), list(book.ledger.directory.export())
        book.engine.catch_up()
        answers = book.answers(as_of=str(len(lines)))
        assert b"worried about March" in b"".join(answers.values())
        with shelf.restored(lines, directory) as again:
            ledger = again.ledger
            assert again.answers(as_of=str(len(lines))) == answers
            assert ledger.keys.open(sealed) == "I am worried about March."

            # old keys are answered, and a new command comes next
            assert told(give(ledger, 0, steward, item)) == told(first)
            reused = COMMANDS["form_team"].model_validate({"team": ledger.new_id(), "name": "Other"})
            with pytest.raises(IdempotencyKeyReused):
                ledger.execute(reused, decide, by=steward, idempotency=IdempotencyKey("number 0"))
            with pytest.raises(StaleVersion):
                ledger.execute(told_in, decide, by=steward, expected={stream: version - 1})
            assert (
                ledger.execute(told_in, decide, by=steward, expected={stream: version}).position
                == len(lines) + 1
            )

            # references that stand in the ledger are never given again
            taken = {
                body["reference"]
                for raw in again.entries()
                if "reference" in (body := orjson.loads(raw.data)["body"])
            }
            assert ledger.next_reference("KR") not in taken
            assert int(ledger.next_reference("KR").partition("-")[2]) <= reference + 1
            going = Improviser(LedgerStage(ledger, decide), company.steward).knows(again.entries())
            going.committed("second")
            for seed in range(12):
                going.step("check_in", seed)
            is_in_order(again)
            live_equals_rebuilt(again)

        # with another master key nothing personal can be read, and that is said before anything is written
        settings = replace(shelf.settings(), master_key="YW5vdGhlciBrZXksIGFsc28gMzIgYnl0ZXMgbG9uZy4=")
        try:
            with pytest.raises((MasterKeyError, Refusal)):
                restore(settings, lines, directory)
        finally:
            drop(settings)
