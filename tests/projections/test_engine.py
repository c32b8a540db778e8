"""Catching up, waiting, stopping by name, rebuilding beside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, LiteralString, cast

import psycopg
import pytest
from psycopg import Connection, errors, sql
from psycopg_pool import ConnectionPool

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger.calls import roll_back
from ledger.codec import RawEntry
from ledger.errors import LedgerIsBusy
from ledger.store import Ledger
from projections import board, commitments, facts, history, states, tables
from projections.base import Generation, PlainEntry
from projections.board import Board
from projections.catalogue import PROJECTIONS
from projections.history import History
from projections.writes import Rows, Write
from replay import writer
from replay.engine import Engine
from replay.engine import _snapshot as snapshot_of
from replay.generations import RebuildIsRunning, RebuildStopped, rebuild
from replay.runner import Runner
from tests.projections.paper import Paper, every_row
from tests.projections.story import Story
from tests.waiting import PATIENCE, until


def strange(entries: Sequence[RawEntry], position: int) -> list[RawEntry]:
    """Give an entry a name that this release has never heard of."""
    changed = list(entries)
    raw = changed[position - 1]
    data = raw.data.replace(raw.name.encode(), b"objective.sung")
    changed[position - 1] = raw._replace(name="objective.sung", data=data)
    return changed


class Singing(History):
    """A history that knows one more name."""

    HANDLES: ClassVar[frozenset[str]] = History.HANDLES | {"objective.sung"}


class Failing(Board):
    """A board that falls over a closing."""

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Sequence[Write]:
        if any(entry["name"] == "cycle.closed" for entry in page):
            raise ZeroDivisionError("by design")
        return super().apply(page, connection, generation)


def test_an_unknown_name_stops_what_does_not_know_it_by_name_and_the_rest_go_on(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    kinds = [Singing if kind is History else kind for kind in PROJECTIONS]
    engine = Engine(on_paper(strange(story.entries, 40)), kinds, page=7)
    assert engine.catch_up() == len(story.entries)
    with engine.reading() as reading:
        assert reading.position == 39
        assert reading.bookmarks["history"].position == len(story.entries)
        assert reading.bookmarks["drift"].stopped_at == 40
        assert "objective.sung (entry 40)" in reading.stopped["decisions"]
        assert set(reading.stopped) == {kind.name for kind in PROJECTIONS} - {"history"}
        assert board.states_at_position(reading.connection, reading.generation, "2026-q2", 39) is not None
    assert engine.wait_for(len(story.entries), timeout=PATIENCE)


def test_a_projection_that_falls_over_stops_by_name_and_the_rest_go_on(
    story: Story, on_paper: Callable[..., Paper], engine_on: Callable[..., Engine]
) -> None:
    kinds = [Failing if kind is Board else kind for kind in PROJECTIONS]
    engine = Engine(on_paper(story.entries), kinds, page=10)
    engine.catch_up()
    with engine.reading() as reading:
        assert list(reading.stopped) == ["board"]
        assert "ZeroDivisionError: by design" in reading.stopped["board"]
        assert reading.position_of("facts", "drift", "findings") == len(story.entries)
    expected = every_row(engine_on(story.entries))
    found = every_row(engine)
    assert {name: rows for name, rows in found.items() if name != "cycle_events"} == {
        name: rows for name, rows in expected.items() if name != "cycle_events"
    }


def test_catching_up_stops_where_it_was_asked_to(story: Story, on_paper: Callable[..., Paper]) -> None:
    engine = Engine(on_paper(story.entries), page=7)
    seen: list[tuple[int, int]] = []
    assert engine.catch_up(25, progress=lambda *told: seen.append(told)) == 25
    assert [position for position, _ in seen] == [7, 14, 21, 25]
    with engine.reading() as reading:
        assert reading.position == 25
    assert engine.catch_up() == len(story.entries)


def test_a_reading_stays_as_it_is_while_the_ledger_goes_on(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    engine = Engine(on_paper(story.entries))
    engine.catch_up(30)
    with engine.reading() as reading:
        engine.catch_up()
        again = reading.connection.execute(
            reading.generation.query("select max(position) from {history}")
        ).fetchone()
        assert reading.position == 30
        assert again is not None
        assert again[0] <= 30
    with engine.reading() as reading:
        assert reading.position == len(story.entries)


def test_writers_wait_for_their_own_entries_together(story: Story, on_paper: Callable[..., Paper]) -> None:
    engine = Engine(on_paper(story.entries), page=9)
    others = Engine(engine.ledger, page=9)
    seen: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda one=one: seen.append(one.wait_for(len(story.entries), timeout=PATIENCE))
        )
        for one in (engine, others, engine, others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4


def test_who_comes_second_makes_no_tables_and_waits_for_no_reader(
    on_paper: Callable[..., Paper], paper_pool: ConnectionPool[Any]
) -> None:
    """Given two that start on a new ledger, when the first has made the tables and reads them, then the second, who
    waited to make them, takes them as they are: altering them would wait for the first, who may wait for the second."""
    control = Engine(on_paper([])).control
    key = [control._key("generations")]
    found: list[Generation] = []
    waits = "select count(*) = 1 from pg_locks where pid = %s and not granted and locktype = %s"

    def second_waits_for(kind: str) -> bool:
        row = watcher.execute(waits, [second.info.backend_pid, kind]).fetchone()
        return row == (True,)

    with (
        paper_pool.connection() as first,
        paper_pool.connection() as second,
        paper_pool.connection() as watcher,
    ):
        first.execute("select pg_advisory_lock(hashtextextended(%s, 0))", key)
        late = threading.Thread(target=lambda: found.append(control.prepare(second)))
        late.start()
        until(lambda: second_waits_for("advisory"))
        made = control.prepare(first)
        with first.transaction():
            assert set(control.bookmarks(first, made)) == {kind.name for kind in PROJECTIONS}
            first.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)
            until(lambda: found or second_waits_for("relation"))
            assert found == [made]
        late.join()


def test_what_a_database_lost_when_it_went_down_is_taken_in_again(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    """Given an engine that took in entries of which the database has lost the trace, then who waits waits for them."""
    engine = Engine(on_paper(story.entries))
    assert engine.catch_up(len(story.entries) - 3) == len(story.entries) - 3
    engine._stepped = {1: len(story.entries)}  # as it was before the fall
    assert engine.wait_for(len(story.entries), timeout=PATIENCE)
    with engine.reading() as reading:
        assert reading.position == len(story.entries)


def test_waiting_for_what_was_never_recorded_ends(story: Story, engine_on: Callable[..., Engine]) -> None:
    assert engine_on(story.entries).wait_for(len(story.entries) + 1, timeout=0.05) is False


def test_a_rebuild_leaves_readers_alone_and_drops_the_old_tables_after_them(
    story: Story, engine_on: Callable[..., Engine]
) -> None:
    engine = engine_on(story.entries)
    before = every_row(engine)
    seen: list[int] = []
    with engine.reading() as reading:
        new = rebuild(engine, progress=lambda position, _: seen.append(position))
        states = board.states_at_position(reading.connection, reading.generation, "2026-q2", reading.position)
        assert states is not None
        assert reading.generation.number == 1
    assert new.number == 2
    assert seen[-1] == len(story.entries)
    assert every_row(engine) == before
    with engine.connection() as connection:
        assert engine.control.sweep(connection) == [1]
        assert engine.control.sweep(connection) == []


def test_a_rebuild_that_stops_changes_nothing(story: Story, on_paper: Callable[..., Paper]) -> None:
    engine = Engine(on_paper(story.entries))
    engine.catch_up()
    before = every_row(engine)
    engine.ledger.entries = strange(story.entries, 40)  # type: ignore[attr-defined]
    with pytest.raises(RebuildStopped, match=r"objective\.sung"):
        rebuild(engine)
    assert every_row(engine) == before


def test_one_rebuild_at_a_time(story: Story, engine_on: Callable[..., Engine]) -> None:
    engine = engine_on(story.entries)
    with engine.connection() as connection, engine.control.alone(connection) as alone:
        assert alone
        with pytest.raises(RebuildIsRunning):
            rebuild(engine)


def test_a_ledger_that_goes_on_during_a_rebuild_is_level_afterwards(
    story: Story, engine_on: Callable[..., Engine]
) -> None:
    engine = engine_on(story.entries[:50], page=10)

    def meanwhile(position: int, _: int) -> None:
        if position >= 40:
            engine.ledger.entries[:] = story.entries  # type: ignore[attr-defined]
            Engine(engine.ledger).catch_up()

    rebuild(engine, progress=meanwhile)
    assert every_row(engine) == every_row(engine_on(story.entries))


def test_the_application_s_own_role_can_do_all_of_it(ledger: Ledger, steward: str) -> None:
    team = ledger.new_id()
    command = COMMANDS["form_team"].model_validate({"team": team, "name": "Growth"})
    receipt = ledger.execute(command, decide, by=steward)
    engine = Engine(ledger)
    assert engine.wait_for(receipt.position)
    with engine.reading() as reading:
        assert reading.position == receipt.position
        row = reading.connection.execute(
            reading.generation.query("select count(*) from {items} where kind = 4")
        ).fetchone()
        assert row == (1,)
    rebuild(engine)
    with engine.reading() as reading:
        assert (reading.generation.number, reading.position) == (2, receipt.position)


def test_the_runner_takes_in_what_nobody_waited_for(story: Story, on_paper: Callable[..., Paper]) -> None:
    engine = Engine(on_paper(story.entries[:30]))
    with Runner(engine, every=0.01) as runner:
        engine.ledger.entries[:] = story.entries  # type: ignore[attr-defined]
        runner.wake()
        assert Engine(engine.ledger).wait_for(len(story.entries), timeout=PATIENCE)
    with engine.reading() as reading:
        assert reading.position == len(story.entries)


def test_many_waiting_writers_do_not_use_up_the_connections(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    paper = on_paper(story.entries)
    with ConnectionPool(
        paper.pool.conninfo, min_size=1, max_size=3, kwargs=paper.pool.kwargs, timeout=PATIENCE
    ) as narrow:
        paper.pool = narrow
        read = paper.read_page

        def read_page(after: int, limit: int, until: int | None = None) -> list[RawEntry]:
            with narrow.connection():
                return read(after, limit, until)

        paper.read_page = read_page  # type: ignore[method-assign]
        engine = Engine(paper, page=8)
        seen: list[bool] = []
        threads = [
            threading.Thread(
                target=lambda: seen.append(engine.wait_for(len(story.entries), timeout=PATIENCE))
            )
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [True] * 12


def test_rows_written_behind_the_handlers_are_those_written_at_once(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = every_row(caught_up(on_paper(story.entries)))
    monkeypatch.setattr(writer, "FEW", 0)
    assert every_row(caught_up(on_paper(story.entries))) == at_once


def caught_up(ledger: Paper) -> Engine:
    engine = Engine(ledger, page=50)
    engine.catch_up()
    return engine


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


class Wider(Board):
    """A board of a later release, with one more table."""

    TABLE_NAMES: ClassVar[tuple[str, ...]] = (*Board.TABLE_NAMES, "wider")
    TABLES: ClassVar[LiteralString] = Board.TABLES + "create table {wider} (position bigint);"


def test_tables_of_another_shape_are_built_anew_before_anybody_reads_them(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    ledger = on_paper(story.entries)
    before = caught_up(ledger)
    with before.reading() as reading:
        old = reading.generation.number
    upgraded = Engine(ledger, [Wider if kind is Board else kind for kind in PROJECTIONS])
    with upgraded.reading() as reading:
        assert reading.generation.number == old + 1
        assert reading.position == len(story.entries)
        assert reading.connection.execute(reading.generation.query("select from {wider}")).fetchall() == []
    again = Engine(ledger, [Wider if kind is Board else kind for kind in PROJECTIONS])
    with again.reading() as reading:
        assert reading.generation.number == old + 1


def test_two_releases_read_and_follow_their_own_tables_side_by_side(
    story: Story, on_paper: Callable[..., Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a later release that built its tables, then an earlier one goes on with its own, whichever starts last,
    until a rebuild says that it is the only one; one that still runs then makes its own anew."""
    ledger = on_paper(story.entries[:60])
    earlier = caught_up(ledger)
    monkeypatch.setattr(tables, "REVISION", tables.REVISION + 1)
    later = caught_up(ledger)
    ledger.entries[:] = story.entries
    later.catch_up()
    with later.reading() as reading:
        assert (reading.generation.number, reading.position) == (2, len(story.entries))
    monkeypatch.undo()
    for engine in (earlier, Engine(ledger)):
        with engine.reading() as reading:
            assert (reading.generation.number, reading.position) == (1, 60)
    earlier.catch_up()
    rebuild(earlier, alone=True)
    with earlier.reading() as reading:
        assert (reading.generation.number, reading.position) == (3, len(story.entries))
    monkeypatch.setattr(tables, "REVISION", tables.REVISION + 1)
    with later.reading() as reading:
        assert (reading.generation.number, reading.position) == (4, len(story.entries))


def test_answers_made_from_entries_that_are_no_longer_there_are_made_anew(
    story: Story, on_paper: Callable[..., Paper], caplog: pytest.LogCaptureFixture
) -> None:
    """Given answers up to a position, when the ledger is replaced by an older one that went another way from there,
    then they are not followed further but made anew, and the log says why; also while the engine runs."""
    ledger = on_paper(story.entries)
    running = caught_up(ledger)
    shorter = list(story.entries[:50])
    shorter[30:] = [raw._replace(recorded_at=raw.recorded_at + timedelta(seconds=1)) for raw in shorter[30:]]
    expected = every_row(caught_up(on_paper(shorter)))
    ledger.entries[:] = shorter
    running.catch_up()
    assert "restored from an older backup" in caplog.text
    assert every_row(running) == expected
    with running.reading() as reading:
        assert (reading.generation.number, reading.position) == (2, 50)
    ledger.entries[:] = story.entries
    with Engine(ledger).reading() as reading:
        assert (reading.generation.number, reading.position) == (3, len(story.entries))


def test_a_ledger_whose_generations_tell_no_shape_is_built_anew(
    story: Story, on_paper: Callable[..., Paper]
) -> None:
    ledger = on_paper(story.entries)
    expected = every_row(caught_up(ledger))
    with ledger.pool.connection() as connection:
        generations, bookmarks = (
            sql.Identifier(ledger.schema, f"projections_{name}") for name in ("generations", "bookmarks")
        )
        connection.execute(sql.SQL("alter table {} drop shape, drop revision").format(generations))
        connection.execute(sql.SQL("alter table {} drop recorded_at").format(bookmarks))
    engine = Engine(ledger)
    assert every_row(engine) == expected
    with engine.reading() as reading:
        assert reading.generation.number == 2


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
            with pytest.raises(errors.LockNotAvailable):
                engine.catch_up()
    # and once the tool is done, all goes on
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
            engine.control.begin_page(connection, generation, None)
            roll_back(connection)
        tool.execute(sql.SQL("lock table {}").format(sql.Identifier(paper.schema, "projections_bookmarks")))
        with pytest.raises(errors.LockNotAvailable):
            engine.control.begin_page(connection, generation, None)
        roll_back(connection)
    assert engine.catch_up() == story.entries[-1].position
