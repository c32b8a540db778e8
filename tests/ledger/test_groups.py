"""Many commands in one append: decided one after the other, recorded together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aggregates.entry import Occasion, Recorded
from aggregates.refusals import NothingChanges
from aggregates.team.events import TeamRenamed
from ledger.execute import Order
from ledger.identifiers import new_id
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of
from tests.waiting import end_sessions


def test_each_command_sees_what_the_ones_before_it_decided(ledger: Ledger, steward: str) -> None:
    team = new_id()

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        if command == "same":
            raise NothingChanges
        if command == "none":
            return []
        return list(forming(team)(world, command, occasion))

    orders = [Order(name, steward) for name in ("A", "same", "B", "none", "C")]
    answers = list(ledger.execute_many(orders, decide))
    assert [type(answer).__name__ for answer in answers] == [
        "Receipt",
        "NothingChanges",
        "Receipt",
        "Receipt",
        "Receipt",
    ]
    receipts = [answer for answer in answers if isinstance(answer, Receipt) and answer.names]
    stream = ledger.read_stream(team_of(team))
    assert [entry.version for entry in stream] == [1, 2, 3]
    assert [receipt.position for receipt in receipts] == [entry.position for entry in stream] == [5, 6, 7]
    assert [receipt.recorded_at for receipt in receipts] == [entry.recorded_at for entry in stream]
    assert len({receipt.request for receipt in receipts}) == 3
    assert stream[2].recorded_at - stream[0].recorded_at == timedelta(microseconds=2)


def test_what_is_tried_is_answered_as_what_is_recorded(ledger: Ledger, steward: str) -> None:
    """Given a key under which something else was asked, and orders that break, a rehearsal says what a run says."""
    teams = {name: new_id() for name in ("A", "B", "C")}

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        return list(forming(teams[command])(world, command, occasion))

    def orders(asked: bytes) -> Iterator[Order]:
        yield Order("A", steward, idempotency=IdempotencyKey("row 1", asked))
        yield Order("B", steward, idempotency=IdempotencyKey("row 2", asked))
        if asked != b"first":
            yield Order("C", steward, idempotency=IdempotencyKey("row 3", asked))
            raise LookupError("The table ends here.")

    list(ledger.execute_many(orders(b"first"), decide))
    answers: dict[str, list[str]] = {}
    for name, run in (("tried", ledger.preview_many), ("recorded", ledger.execute_many)):
        coming, told = run(orders(b"second"), decide), answers.setdefault(name, [])
        told += [type(next(coming)).__name__.replace("list", "Receipt") for _ in range(3)]
        with pytest.raises(LookupError, match="ends here"):
            next(coming)
    assert answers["tried"] == answers["recorded"] == ["IdempotencyKeyReused"] * 2 + ["Receipt"]


def test_a_second_run_records_nothing(ledger: Ledger, steward: str) -> None:
    teams = {f"row {number}": new_id() for number in range(12)}

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        return list(forming(teams[command])(world, command, occasion))

    orders = [Order(row, steward, idempotency=IdempotencyKey(row)) for row in teams]
    first = list(ledger.execute_many(orders, decide, group=5))
    second = list(ledger.execute_many(orders, decide, group=5))
    assert [answer.position for answer in first if isinstance(answer, Receipt)] == list(range(5, 17))
    assert [answer.position for answer in second if isinstance(answer, Receipt)] == list(range(5, 17))
    assert all(answer.replayed for answer in second if isinstance(answer, Receipt))
    assert ledger.head().position == 16


def test_one_key_twice_in_a_group_is_one_command(ledger: Ledger, steward: str) -> None:
    team = new_id()
    orders = [Order("A", steward, idempotency=IdempotencyKey("row"))] * 2
    first, second = list(ledger.execute_many(orders, forming(team)))
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert (first.position, second.position, second.replayed) == (5, 5, True)


def test_an_entry_of_the_group_can_be_superseded_by_it(ledger: Ledger, steward: str) -> None:
    team = new_id()

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        found = world.team(team)
        if found is None or command != "amend":
            return list(forming(team)(world, command, occasion))
        position = found.name.latest.position
        assert world.superseded_by(position) is None
        return [Recorded(team_of(team), TeamRenamed(name="Amended"), supersedes=position)]

    list(ledger.execute_many([Order(name, steward) for name in ("A", "B", "amend")], decide))
    assert [entry.version for entry in ledger.read_stream(team_of(team))] == [1, 2, 3]
    assert ledger.world().superseded_by(6) == 7


def test_others_who_write_meanwhile_make_the_group_decide_again(ledger: Ledger, steward: str) -> None:
    team = new_id()
    interrupted: list[str] = []

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        decided = list(forming(team)(world, command, occasion))
        if not interrupted:
            interrupted.append(command)
            with Ledger.open(ledger.settings) as another:
                another.execute("Other", forming(team), by=steward)
        return decided

    list(ledger.execute_many([Order("A", steward), Order("B", steward)], decide))
    assert [entry.name for entry in ledger.read_stream(team_of(team))] == [
        "team.formed",
        "team.renamed",
        "team.renamed",
    ]


def test_the_next_group_is_decided_on_what_the_one_before_it_will_leave(ledger: Ledger, steward: str) -> None:
    """Given forty renamings of one team, when they are recorded two at a time, then none is lost or told twice."""
    team = new_id()
    orders = [Order(f"Name {number}", steward) for number in range(40)]
    answers = list(ledger.execute_many(orders, forming(team), group=2))
    stream = ledger.read_stream(team_of(team))
    assert [raw.version for raw in stream] == list(range(1, 41))
    assert [answer.position for answer in answers if isinstance(answer, Receipt)] == [
        raw.position for raw in stream
    ]
    assert ledger.world().team(team).name.now == "Name 39"
    with Ledger.open(ledger.settings) as another:
        assert another.world().team(team) == ledger.world().team(team)


def test_others_who_write_between_two_groups_make_the_second_decide_again(
    ledger: Ledger, steward: str
) -> None:
    """Given somebody who writes while groups are on their way, then each group was decided on what stands in the
    ledger, at the positions where it stands, and each entry stands where its receipt says.
    """
    team, foreign = new_id(), new_id()
    seen: dict[str, int] = {}

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        found = world.team(team)
        seen[command] = 0 if found is None else found.name.latest.position
        return list(forming(team)(world, command, occasion))

    names = [f"Name {number}" for number in range(30)]
    answers = []
    with Ledger.open(ledger.settings) as another:
        for number, answer in enumerate(
            ledger.execute_many((Order(name, steward) for name in names), decide, group=3)
        ):
            answers.append(answer)
            if number % 4 == 1:
                another.execute(f"Other {number}", forming(foreign), by=steward)
    positions = [raw.position for raw in ledger.read_stream(team_of(team))]
    assert [answer.position for answer in answers if isinstance(answer, Receipt)] == positions
    assert [seen[name] for name in names[::3]] == [0, *positions[2:-1:3]], "the first of each group"
    assert ledger.head().position == 4 + 30 + len(ledger.read_stream(team_of(foreign)))


def test_a_key_of_the_group_on_its_way_is_answered_with_its_receipt(ledger: Ledger, steward: str) -> None:
    team = new_id()
    names = ["A", "B", "A", "B", "C"]
    orders = [Order(name, steward, idempotency=IdempotencyKey(name)) for name in names]
    answers = list(ledger.execute_many(orders, forming(team), group=2))
    assert [answer.replayed for answer in answers if isinstance(answer, Receipt)] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert [raw.version for raw in ledger.read_stream(team_of(team))] == [1, 2, 3]


def test_what_was_asked_before_a_fault_of_the_orders_is_answered_before_it_is_raised(
    ledger: Ledger, steward: str
) -> None:
    team = new_id()

    def orders() -> Iterator[Order]:
        for number in range(6):
            yield Order(f"Name {number}", steward)
        raise ValueError("line 7 cannot be read")

    answers = ledger.execute_many(orders(), forming(team), group=4)
    given = [next(answers) for _ in range(6)]
    with pytest.raises(ValueError, match="line 7"):
        next(answers)
    assert len(given) == len(ledger.read_stream(team_of(team))) == 6


def test_a_connection_lost_before_the_append_is_replaced(ledger: Ledger, steward: str) -> None:
    """Given a connection that is cut while a group is decided, then the group is decided again on another."""
    team = new_id()
    cut: list[str] = []

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        if command == "Name 5" and not cut:
            cut.append(command)
            end_sessions(ledger.place)
            world.entry(1)  # asks the database
        return list(forming(team)(world, command, occasion))

    orders = [Order(f"Name {number}", steward) for number in range(12)]
    answers = list(ledger.execute_many(orders, decide, group=4))
    assert cut
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [raw.version for raw in ledger.read_stream(team_of(team))] == list(range(1, 13))
