"""A command sent twice is carried out once, whatever happens to its answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from aggregates.entry import Occasion, Recorded
from aggregates.refusals import ReasonIsMissing
from ledger.claims import claimed
from ledger.errors import CommandInFlight, IdempotencyKeyReused
from ledger.identifiers import new_id
from ledger.receipts import IdempotencyKey
from ledger.store import Ledger
from tests.ledger.helpers import forming, held_head, team_of
from tests.waiting import PATIENCE, end_sessions, until_blocked


def test_the_same_key_answers_the_first_receipt(ledger: Ledger, steward: str) -> None:
    team, key = new_id(), IdempotencyKey("monday", b"body")
    first = ledger.execute("A", forming(team), by=steward, idempotency=key)
    again = ledger.execute("A", forming(team), by=steward, idempotency=key)
    assert again.replayed
    assert (again.position, again.first_position, again.recorded_at, again.streams, again.names, again.request) == (
        first.position, first.first_position, first.recorded_at, first.streams, first.names, first.request,
    )  # fmt: skip
    assert ledger.head().position == 5


def test_another_body_under_the_same_key_is_refused(ledger: Ledger, steward: str) -> None:
    ledger.execute("A", forming(new_id()), by=steward, idempotency=IdempotencyKey("monday", b"body"))
    with pytest.raises(IdempotencyKeyReused):
        ledger.execute("A", forming(new_id()), by=steward, idempotency=IdempotencyKey("monday", b"other"))


def test_a_key_is_an_actors_own(ledger: Ledger, steward: str) -> None:
    for actor in (steward, f"person:{new_id()}"):
        assert not ledger.execute(
            "A", forming(new_id()), by=actor, idempotency=IdempotencyKey("m", b"x")
        ).replayed


def test_a_refusal_is_not_remembered(ledger: Ledger, steward: str) -> None:
    key, team = IdempotencyKey("monday", b"body"), new_id()

    def refuse(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        raise ReasonIsMissing

    with pytest.raises(ReasonIsMissing):
        ledger.execute("A", refuse, by=steward, idempotency=key)
    assert not ledger.execute("A", forming(team), by=steward, idempotency=key).replayed


def test_a_key_in_flight_is_refused(ledger: Ledger, steward: str) -> None:
    key, team = IdempotencyKey("monday", b"body"), new_id()
    with ThreadPoolExecutor(1) as pool:
        with held_head(ledger):
            first = pool.submit(ledger.execute, "A", forming(team), by=steward, idempotency=key)
            until_blocked(ledger.place, 1)
            with pytest.raises(CommandInFlight):
                ledger.execute("A", forming(team), by=steward, idempotency=key)
        recorded = first.result()
    again = ledger.execute("A", forming(team), by=steward, idempotency=key)
    assert (again.position, again.replayed) == (recorded.position, True)


def test_a_key_that_a_lost_session_still_holds_is_answered_once_its_command_is_recorded(
    ledger: Ledger, steward: str
) -> None:
    """Given a session of which the database has not noticed yet that it is lost, then its key is answered all the same,
    where its command was recorded, and nobody else may use it."""
    key, other = IdempotencyKey("monday", b"body"), IdempotencyKey("monday", b"other")
    first = ledger.execute("A", forming(new_id()), by=steward, idempotency=key)
    with ledger.pool.connection() as lost, claimed(lost, steward, "monday") as (is_held, _):
        assert is_held
        again = ledger.execute("A", forming(new_id()), by=steward, idempotency=key)
        assert (again.position, again.replayed) == (first.position, True)
        with pytest.raises(IdempotencyKeyReused):
            ledger.execute("B", forming(new_id()), by=steward, idempotency=other)
    assert ledger.head().position == first.position


@pytest.mark.parametrize("key", [None, IdempotencyKey("monday", b"body")])
def test_a_connection_cut_before_the_commit_sends_the_command_again(
    ledger: Ledger, steward: str, key: IdempotencyKey | None
) -> None:
    team = new_id()
    with ThreadPoolExecutor(1) as pool:
        with held_head(ledger):
            asked = pool.submit(ledger.execute, "A", forming(team), by=steward, idempotency=key)
            until_blocked(ledger.place, 1)
            end_sessions(ledger.place, in_an_append=True)
        receipt = asked.result(PATIENCE)
    assert receipt.position == 5
    assert [entry.version for entry in ledger.read_stream(team_of(team))] == [1]


@pytest.mark.parametrize("key", [None, IdempotencyKey("monday", b"body")])
def test_a_connection_cut_after_the_commit_finds_what_was_recorded(
    ledger: Ledger, steward: str, key: IdempotencyKey | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an append that was committed and an answer that never came, then the first receipt is answered once."""
    real, calls = ledger_append(), []

    def lose_the_first_answer(connection: Any, *said: Any) -> Any:
        answer = real(connection, *said)
        calls.append(answer)
        if len(calls) == 1:
            connection.close()
            raise psycopg.OperationalError("the connection was lost")
        return answer

    monkeypatch.setattr("ledger.appends.append", lose_the_first_answer)
    team = new_id()
    receipt = ledger.execute("A", forming(team), by=steward, idempotency=key)
    again = ledger.execute("A", forming(team), by=steward, idempotency=key) if key else receipt
    assert len(calls) == 1
    assert receipt.position == again.position == 5
    assert [entry.version for entry in ledger.read_stream(team_of(team))] == [1]


def test_connections_that_a_restart_of_the_server_broke_are_replaced(ledger: Ledger, steward: str) -> None:
    ledger.execute("A", forming(new_id()), by=steward)
    end_sessions(ledger.place)
    assert ledger.execute("B", forming(new_id()), by=steward).position == 6


def ledger_append() -> Any:
    from ledger.appends import append

    return append
