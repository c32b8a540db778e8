"""What an import holds in memory: a few dozen bytes of each row, and nothing of what was recorded."""

from __future__ import annotations

import csv
import gc
import tracemalloc
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from aggregates.cycle.commands import PlanCycle
from aggregates.decide import decide
from aggregates.importing.compact import Numbers, Parents
from aggregates.objective.commands import DraftObjective, SetVisibility
from aggregates.team.commands import AddMember, FormTeam
from api.imports import table_run
from api.imports.table_report import TableReport
from ledger import foreseen
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


def test_what_is_tried_is_what_is_recorded_whatever_of_it_is_kept(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
):
    """Given room for one objective, when a table is tried whose rows rest on others, then it says what is recorded."""
    rows = [
        "A,Bread,,K1,ada@bakery.example,0,100,10,0.5",
        "B,Rolls,A,K2,ben@bakery.example,0,100,20,0.6",
        "A,Bread,,K3,ada@bakery.example,0,100,30,0.7",
        "C,Cakes,B,K4,cleo@bakery.example,0,100,40,0.8",
        "B,Rolls,A,K5,ben@bakery.example,0,0,50,0.4",
        "A,Bread,C,K6,ada@bakery.example,0,100,60,0.3",
    ]
    head = "Objective ID,Objective,Parent,Key Result,Owner,Baseline,Target,Current,Confidence"
    path = bakery.file("rows.csv", "\n".join([head, *rows, ""]))
    roomy = _told(bakery.takes(path, dry_run=True, objective_owner="first"))
    monkeypatch.setattr(foreseen, "STATES_KEPT", 1)
    before = bakery.head
    tried = _told(bakery.takes(path, dry_run=True, objective_owner="first"))
    assert bakery.head == before
    recorded = _told(bakery.takes(path, objective_owner="first"))
    assert tried == roomy == recorded
    assert bakery.head - before > 20
    assert bakery.takes(path, dry_run=True, objective_owner="first").entries == 0


def test_what_was_foreseen_is_found_by_its_place_also_where_only_its_bytes_are_kept(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
):
    """Given room for one objective, then entries of others, teams of people and what is restricted are still known."""
    monkeypatch.setattr(foreseen, "STATES_KEPT", 1)
    ledger, person = bakery.ledger, UUID(bakery.steward.partition(":")[2])
    homes, team = [uuid4(), uuid4(), uuid4()], uuid4()
    cycle = PlanCycle(
        cycle="2026-q4", name="Last", kind="quarter", starts_on=date(2026, 10, 1), commit_by=date(2026, 10, 9),
        ends_on=date(2026, 12, 31),
    )  # fmt: skip
    drafts = [
        DraftObjective(
            objective=home, cycle="2026-q4", title=f"Objective {number}", owner=person, reference=f"OBJ-{number}"
        )
        for number, home in enumerate(homes, 1)
    ]  # fmt: skip
    commands = [
        cycle, *drafts, SetVisibility(objective=homes[0], visibility="people", people=(person,)),
        FormTeam(team=team, name="Oven"), AddMember(team=team, person=person),
    ]  # fmt: skip
    onto = ledger.begin_preview()
    head = ledger.head().position
    orders = [Order(command, bakery.steward) for command in commands]
    answers = list(ledger.preview_many(orders, decide, onto=onto))
    events = [one.event for answer in answers if isinstance(answer, list) for one in answer]
    assert len(events) == len(commands)
    found = [onto.world.entry(place) for place in range(head + 1, head + 1 + len(events))]
    assert [one.event for one in found if one is not None] == events
    assert onto.world.entry(head) is not None
    assert onto.world.entry(head + 1 + len(events)) is None
    assert [onto.world.objective(home).reference for home in homes] == ["OBJ-1", "OBJ-2", "OBJ-3"]
    assert sum(stream.startswith("objective:") for stream in onto.world._seen) == 1
    assert set(onto.world.restricted(homes)) == {homes[0]}
    assert set(onto.world.teams_of(person)) == {team}


@pytest.mark.slow
def test_a_long_table_is_tried_in_little_more_than_a_short_one(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
):
    """Given small groups, when four times as many rows are tried, then a row leaves its bytes and no state."""
    monkeypatch.setattr(foreseen, "STATES_KEPT", 60)
    monkeypatch.setattr(table_run, "STATES", 60)
    _peak(bakery, "first", 200, dry_run=True)
    short, long = (
        _peak(bakery, name, rows, dry_run=True) for name, rows in (("short", 300), ("long", 1_200))
    )
    assert (long - short) / 900 < 2_000


def _told(report: TableReport) -> tuple[object, ...]:
    """What a report says of each row, but for positions, and for references, of which a rehearsal draws none."""
    rows = sorted((one.line, one.became, one.code, one.reason) for one in report.rows)
    return report.entries, report.counts, rows


def _peak(bakery: Bakery, name: str, rows: int, *, dry_run: bool = False) -> int:
    path = _table(bakery.room, name, rows)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        report = bakery.takes(path, source=name, objective_owner="first", dry_run=dry_run)
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
