"""Calls of the database: what is sent and read without a driver's help, and a session that forgot what was prepared."""

from __future__ import annotations

import json
import struct

import psycopg
import pytest

from ledger import calls
from ledger.appends import _ONE, _values, append
from ledger.calls import Statement, bytea_array, int4_array, statement, text_array, together
from ledger.store import Ledger
from tests.ledger.helpers import forming, stored, team_of


def test_an_answer_that_was_left_unread_is_not_passed_over(ledger: Ledger, steward: str) -> None:
    """Given an append that was sent and not answered, when it is asked for again, then its connection is lost."""
    data = [stored(steward)]
    with ledger.pool.connection() as connection:
        append(connection, [stored(steward)], {})
        assert _ONE.send(connection, _values(data, {}, None))
        with pytest.raises(psycopg.OperationalError, match="still to come"):
            append(connection, data, {})
        assert connection.closed


def test_a_session_that_forgot_its_statements_learns_them_again(ledger: Ledger, steward: str) -> None:
    team = ledger.new_id()
    with ledger._connections.use() as connection:
        for number in range(1, 4):
            assert ledger.execute(str(number), forming(team), by=steward).streams == {team_of(team): number}
            connection.execute("deallocate all")


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
