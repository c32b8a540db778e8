"""Generations: made once, built beside and read by each release, and made anew where they do not fit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, LiteralString

import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from projections import board, tables
from projections.base import Generation
from projections.board import Board
from projections.catalogue import PROJECTIONS
from replay.engine import Engine
from replay.generations import RebuildIsRunning, RebuildStopped, rebuild
from tests.projections.paper import Paper, caught_up, every_row, strange
from tests.projections.story import Story
from tests.waiting import until


def test_who_comes_second_makes_no_tables_and_waits_for_no_reader(
    on_paper: Callable[..., Paper], paper_pool: ConnectionPool[Any]
) -> None:
    """Given two that start on a new ledger, when the first has made the tables and reads them, then the second, who
    waited to make them, takes them as they are: altering them would wait for the first, who may wait for the second."""
    engine = Engine(on_paper([]))
    control = engine.control
    key = [control.key("generations")]
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
            assert set(engine.bookmarks.of(first, made)) == {kind.name for kind in PROJECTIONS}
            first.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", key)
            until(lambda: found or second_waits_for("relation"))
            assert found == [made]
        late.join()


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
