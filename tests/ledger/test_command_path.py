"""The way of a command: states that are behind, clocks, and what becomes final."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from aggregates.entry import Recorded
from aggregates.refusals import LiesInTheFuture
from aggregates.team.events import TeamFormed, TeamMoved, TeamRenamed
from ledger.appends import append
from ledger.errors import AppendIsTooLarge, LedgerIsBusy
from ledger.execute import Order
from ledger.limits import READS_PER_APPEND
from ledger.place import Connections
from ledger.receipts import Receipt
from ledger.store import Ledger
from tests.ledger.helpers import appends_of, forming, held_head, stored, team_of
from tests.waiting import until, until_blocked


@pytest.fixture
def another(ledger: Ledger) -> Iterator[Ledger]:
    """Another program on the same ledger, with states of its own."""
    with Ledger.open(ledger.settings) as opened:
        yield opened


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
    for seconds in (0.3, 1, 3, 5, 5, 7, 7):  # an append waits no longer than ten
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
        if came_in_time and not isinstance(refused, LedgerIsBusy):
            break  # else the machine was slower than that: it took its time after that moment, or waited too long
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


def test_the_most_that_one_decision_looks_at(ledger: Ledger, steward: str) -> None:
    reads = {team_of(ledger.new_id()): 0 for _ in range(READS_PER_APPEND)}
    with ledger.pool.connection() as connection:
        assert append(connection, [stored(steward)], reads).position == 5
        with pytest.raises(AppendIsTooLarge):
            append(connection, [stored(steward)], {**reads, team_of(ledger.new_id()): 0})
