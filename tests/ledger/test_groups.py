"""Many commands in one append: decided one after the other, recorded together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregates.entry import Occasion, Recorded
from aggregates.refusals import NothingChanges
from aggregates.team.events import TeamRenamed
from ledger.execute import Order
from ledger.identifiers import new_id
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of


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
