"""Catching up, waiting for an entry, reading at one basis, and stopping by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from psycopg import Connection
from psycopg_pool import ConnectionPool

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger.codec import RawEntry
from ledger.store import Ledger
from projections import board
from projections.base import Generation, PlainEntry
from projections.board import Board
from projections.catalogue import PROJECTIONS
from projections.history import History
from projections.writes import Write
from replay.engine import Engine
from replay.generations import rebuild
from replay.runner import Runner
from tests.projections.paper import Paper, every_row, strange
from tests.projections.story import Story
from tests.waiting import PATIENCE


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


def test_the_application_s_own_role_can_do_all_of_it(ledger: Ledger, steward: str) -> None:
    team = ledger.new_id()
    command = COMMANDS["form_team"].model_validate({"team": team, "name": "Growth"})
    receipt = ledger.execute(command, decide, by=steward)
    engine = Engine(ledger)
    assert engine.wait_for(receipt.position, timeout=PATIENCE)
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
