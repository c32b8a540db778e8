"""What an import holds in memory: a few dozen bytes of each row, and nothing of what was recorded."""

from __future__ import annotations

import csv
import gc
import tracemalloc
from pathlib import Path
from uuid import uuid4

import pytest

from aggregates.decide import decide
from aggregates.importing.compact import Numbers, Parents
from aggregates.team.commands import FormTeam
from api.imports import table_run
from ledger.execute import Order
from ledger.store import Ledger
from tests.imports.conftest import Bakery


def test_a_number_is_known_by_each_name():
    """Whatever the number of names: the first that was told stays, and a name takes at most a few dozen bytes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        numbers = Numbers()
        assert [numbers.first(f"name {one}", one) for one in range(5_000)] == list(range(5_000))
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert [numbers.first(f"name {one}", 1) for one in (0, 1, 77, 4_999)] == [0, 1, 77, 4_999]
    assert (numbers.known("name 42"), numbers.known("another"), "another" in numbers) == (42, None, False)
    assert held / len(numbers) < 40


def test_parents_come_back_as_they_were_told():
    told = [(uuid4(), "O-1", 3), (uuid4(), "Überblick › " + "x" * 180, 70_000)]
    parents = Parents()
    for one in told:
        parents.add(*one)
    assert list(parents) == told


def test_nothing_of_an_append_stays_behind(bakery: Bakery):
    """Given no collector, when commands were recorded, then what carried their entries is gone."""
    orders = [Order(FormTeam(team=uuid4(), name=f"Oven {one}"), bakery.steward) for one in range(3)]
    gc.collect()
    gc.disable()
    try:
        list(bakery.ledger.execute_many(orders, decide, group=1))
        assert [one for one in gc.get_objects() if type(one).__name__ == "_Ticket"] == []
    finally:
        gc.enable()


def test_states_that_are_left_behind_are_let_go(bakery: Bakery):
    """Given more streams than may be kept, when a run passes through, then it keeps the last ones, and later more."""
    ledger = bakery.ledger
    teams = [uuid4() for _ in range(6)]
    orders = [Order(FormTeam(team=team, name=f"Oven {team}"), bakery.steward) for team in teams]
    with ledger.keeping(3):
        list(ledger.execute_many(orders, decide, group=1))
        assert _kept(ledger) <= 3
        world = ledger.world()
        assert [world.team(team) is not None for team in teams] == [True] * 6
        assert _kept(ledger) <= 3
    world = ledger.world()
    assert [world.team(team) is not None for team in teams] == [True] * 6
    assert _kept(ledger) >= 6


@pytest.mark.slow
def test_a_long_table_takes_no_more_than_a_short_one(bakery: Bakery, monkeypatch: pytest.MonkeyPatch):
    """Given small groups, when four times as many rows are imported, then none of their entries and states stay.

    What grows yet are caches of texts and numbers, which have an end; the benchmark goes beyond it.
    """
    monkeypatch.setattr(table_run, "GROUP", 40)
    monkeypatch.setattr(table_run, "STATES", 60)
    _peak(bakery, "first", 200)
    short, long = _peak(bakery, "short", 300), _peak(bakery, "long", 1_200)
    assert (long - short) / 900 < 1_000


def _peak(bakery: Bakery, name: str, rows: int) -> int:
    path = _table(bakery.room, name, rows)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        report = bakery.takes(path, source=name, objective_owner="first")
        assert report.counts["recorded"] == rows
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _table(room: Path, name: str, rows: int) -> Path:
    path = room / f"{name}.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["Objective ID", "Objective", "Key Result", "Owner", "Baseline", "Target", "Current"])
        for one in range(rows):
            home, owner = one // 2, "ada@bakery.example"
            out.writerow(
                [f"{name}-{home}", f"Objective {home}", f"Key result {one}", owner, 0, 100, one % 90]
            )
    return path


def _kept(ledger: Ledger) -> int:
    return len(ledger._executor.states._kept)
