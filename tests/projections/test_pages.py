"""A page: rows that are written behind the handlers, and what befalls its connection, its tables and its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import psycopg
import pytest
from psycopg import Connection, errors, sql

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger.calls import roll_back
from ledger.codec import RawEntry
from ledger.errors import LedgerIsBusy
from ledger.store import Ledger
from projections import commitments, facts, history, states
from projections.base import Generation, PlainEntry
from projections.board import Board
from projections.catalogue import PROJECTIONS
from projections.history import History
from projections.trouble import ProjectionIsHeld
from projections.writes import Rows, Write
from replay import writer
from replay.engine import Engine
from replay.engine import _snapshot as snapshot_of
from replay.generations import rebuild
from replay.run import FEW
from tests.projections.paper import Paper, caught_up, every_row
from tests.projections.story import Story
from tests.waiting import PATIENCE


def test_rows_written_behind_the_handlers_are_those_written_at_once(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = every_row(caught_up(on_paper(story.entries)))
    monkeypatch.setattr(writer, "FEW", 0)
    assert every_row(caught_up(on_paper(story.entries))) == at_once


class Spilling(History):
    """A history whose rows have no table."""

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Sequence[Write]:
        return [*super().apply(page, connection, generation), Rows(b"copy nowhere from stdin", [("a row",)])]


def test_little_is_held_at_a_time_and_the_rows_are_the_same(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given few items that may be remembered and few lines together, then no more are held, and nothing is missing."""
    expected = every_row(caught_up(on_paper(story.entries)))
    for place, most in ((facts, 3), (history, 3)):
        monkeypatch.setattr(place, "MOST_REMEMBERED", most)
    monkeypatch.setattr(commitments, "PORTION", 2)
    asked: list[int] = []
    read = states.rows_at_positions

    def counted(
        connection: Connection[Any], generation: Generation, roots: Sequence[int], positions: Sequence[int]
    ) -> Any:
        asked.append(len(positions))
        return read(connection, generation, roots, positions)

    monkeypatch.setattr(states, "rows_at_positions", counted)
    engine = caught_up(on_paper(story.entries))
    assert every_row(engine) == expected
    assert max(asked) == 2
    (run,) = engine._runs.values()
    (remembered,) = [len(one._items) for one in run._handlers if isinstance(one, facts.Facts)]
    assert remembered <= 3


def test_a_write_that_fails_behind_the_handlers_stops_its_projection_and_no_other(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FEW", 0)
    engine = Engine(on_paper(story.entries), [Spilling if kind is History else kind for kind in PROJECTIONS])
    engine.catch_up()
    with engine.reading() as reading:
        assert list(reading.stopped) == ["history"]
        assert 'relation "nowhere" does not exist' in reading.stopped["history"]
        assert reading.position_of("facts", "findings", "decisions") == len(story.entries)


def test_who_asks_reads_what_was_left_to_be_written_before(on_paper: Callable[..., Paper]) -> None:
    gate, told = threading.Event(), list[str]()

    class Held:
        def __len__(self) -> int:
            return writer.FEW + 1

        def run(self, connection: Connection[Any]) -> None:
            gate.wait(PATIENCE)
            connection.execute("select count(*) from generate_series(1, 200000)")
            told.append("written")

    with on_paper([]).pool.connection() as connection, writer.Writer(connection) as page:
        page.take("history", [cast("Write", Held())])
        gate.set()
        page.connection.execute("select 1")
        assert told == ["written"]


@pytest.mark.parametrize("what", ["readers 1", "generation 1"])
def test_who_holds_a_lock_of_ours_is_named_and_waited_for_so_long(
    on_paper: Callable[..., Paper], story: Story, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    # given a login that reads for another tool, and holds what the programs of a ledger take in turns
    monkeypatch.setattr("projections.locks.HELD_MS", 50)
    paper = on_paper(story.entries)
    engine = Engine(paper)
    engine.catch_up(until=5)
    with paper.pool.connection() as tool:
        tool.execute("set application_name to 'Charts'")
        key = [f"strategy-ledger {paper.schema} {what}"]
        tool.execute("select pg_advisory_lock(hashtextextended(%s, 0))", key)
        # when somebody asks, or the answers are to follow, then who holds it is said after the bound
        ask = engine.reading().__enter__ if what.startswith("readers") else engine.catch_up
        with pytest.raises(LedgerIsBusy, match=rf"\(process {tool.info.backend_pid}, Charts\) holds a lock"):
            ask()
        tool.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)
        tool.execute("reset application_name")
    # and once it is let go, all goes on
    monkeypatch.undo()
    assert engine.catch_up() == story.entries[-1].position
    with engine.reading() as reading:
        assert reading.position == story.entries[-1].position


def test_a_page_is_applied_on_a_connection_that_forgot_what_was_prepared(
    story: Story, on_paper: Callable[..., Paper], engine_on: Callable[..., Engine]
) -> None:
    engine = Engine(on_paper(story.entries), page=5)
    assert engine.catch_up(25) == 25
    # given that the statements of a page are gone, at its beginning and between that and its end
    with engine.ledger.pool.connection() as connection:
        connection.pgconn.exec_(b"deallocate all")
    assert engine.catch_up(50) == 50
    forget, apply = iter([True]), Board.apply

    class Forgetting(Board):
        def apply(self, page: Any, connection: Any, generation: Any) -> Any:
            if next(forget, False):
                connection.execute("deallocate all", prepare=False)
            return apply(self, page, connection, generation)

    other = Engine(engine.ledger, [Forgetting if kind is Board else kind for kind in PROJECTIONS], page=5)
    assert other.catch_up() == len(story.entries)
    # then nothing is missing and nothing is there twice
    assert every_row(other) == every_row(engine_on(story.entries))


def test_a_reading_leaves_what_is_prepared_on_its_connection(
    engine_on: Callable[..., Engine], story: Story
) -> None:
    """A rollback through the driver has the database forget every prepared statement of the connection."""
    engine = engine_on(story.entries)

    with engine.connection() as connection:

        def prepared() -> int:
            return connection.execute("select from pg_prepared_statements", prepare=True).rowcount

        prepared()
        before = prepared()
        assert before
        with snapshot_of(connection):
            pass
        assert prepared() >= before


def test_a_projection_whose_table_is_gone_stops_by_name_and_the_rest_go_on(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    """Its few rows cannot even be prepared to be sent."""
    paper = on_paper(story.entries)
    last = len(story.entries)
    assert Engine(paper).catch_up(last - 1) == last - 1
    with paper.pool.connection() as connection:
        connection.execute(sql.SQL("drop table {}").format(sql.Identifier(paper.schema, "g1_history")))
    engine = Engine(paper)
    assert engine.catch_up() == last
    with engine.reading() as reading:
        assert list(reading.stopped) == ["history"]
        assert f"could not apply the entries from {last} on" in reading.stopped["history"]


@pytest.mark.parametrize("waits", [True, False])
def test_a_table_that_somebody_holds_stops_no_projection(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    monkeypatch.setattr("projections.locks.HELD_MS", 50)
    paper = on_paper(story.entries)
    engine = Engine(paper)
    last = len(story.entries)
    engine.catch_up(last - 1)
    # given a tool that lets nobody write to one table of the answers, as one does that makes an index
    with paper.pool.connection() as tool, tool.transaction():
        table = sql.Identifier(paper.schema, "g1_history")
        tool.execute(sql.SQL("lock table {} in share mode").format(table))
        # when its entry is to be taken in, then that has to wait
        if waits:
            assert not engine.wait_for(last, timeout=0.2)
        else:
            with pytest.raises(ProjectionIsHeld, match="holds g1_history"):
                engine.catch_up()
    # and once the tool is done, all goes on
    monkeypatch.undo()
    assert engine.catch_up() == last
    with engine.reading() as reading:
        assert reading.stopped == {}
        assert reading.position == last


def test_who_holds_the_bookmarks_is_not_taken_for_who_holds_the_turn(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that somebody keeps is no turn: nobody is to be named who does not hold one."""
    monkeypatch.setattr("projections.locks.HELD_MS", 50)
    paper = on_paper(story.entries)
    engine = Engine(paper)
    engine.catch_up(5)
    with (
        psycopg.connect(str(paper.pool.conninfo), autocommit=True) as connection,
        paper.pool.connection() as tool,
        tool.transaction(),
    ):
        generation = engine.control.prepare(connection)
        for _ in range(2):  # prepared, so that it waits within its page
            engine.bookmarks.begin_page(connection, generation, None)
            roll_back(connection)
        tool.execute(sql.SQL("lock table {}").format(sql.Identifier(paper.schema, "projections_bookmarks")))
        with pytest.raises(errors.LockNotAvailable):
            engine.bookmarks.begin_page(connection, generation, None)
        roll_back(connection)
    monkeypatch.undo()
    assert engine.catch_up() == story.entries[-1].position


def test_the_entries_of_a_small_page_come_along_with_its_beginning(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an engine that is level, what is recorded next is not asked for by itself, unless there may be more."""

    def formed(number: int) -> int:
        for _ in range(number):
            team = {"team": ledger.new_id(), "name": "Growth"}
            ledger.execute(COMMANDS["form_team"].model_validate(team), decide, by=steward)
        return ledger.head().position

    read, asked = ledger.read_page, []

    def read_page(after: int, limit: int, until: int | None = None) -> list[RawEntry]:
        asked.append(after)
        return read(after, limit, until)

    monkeypatch.setattr(ledger, "read_page", read_page)
    engine = Engine(ledger)
    assert engine.catch_up() == ledger.head().position
    asked.clear()
    # when one entry follows, then several of which not all are wanted, then the rest
    for recorded, wanted in ((1, 1), (3, 1), (0, 2)):
        level = ledger.head().position - (2 if not recorded else 0)
        formed(recorded)
        assert engine.catch_up(level + wanted) == level + wanted
    assert asked == []
    # when there are as many as may come along, then the page is read by itself
    level = ledger.head().position
    end = formed(FEW)
    assert engine.catch_up() == end == level + FEW
    assert asked == [level]
    # then all of it says what is said when everything is read anew
    taken_in = every_row(engine)
    rebuild(engine)
    assert every_row(engine) == taken_in
