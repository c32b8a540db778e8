"""Groups that are decided ahead: what is foreseen is not kept for true, and what fails or is lost is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from aggregates.entry import Entry, Occasion, Recorded, stream_of
from aggregates.objective.events import ObjectiveDrafted, ObjectiveReworded
from aggregates.refusals import NothingChanges
from api.imports.table_run import Laid
from ledger import states
from ledger.appends import Appended
from ledger.execute import Order
from ledger.identifiers import new_id
from ledger.library import LedgerApplication, Pending
from ledger.receipts import Receipt
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of


def test_a_time_that_was_foreseen_is_not_kept(ledger: Ledger, steward: str) -> None:
    """Given an objective that is drafted when it is recorded, when the next groups reword it as of days, then its
    state here is the one that another process reads.
    """
    objective, owner = new_id(), new_id()

    def decide(world: Any, command: int, occasion: Occasion) -> list[Recorded]:
        stream = stream_of("objective", objective)
        if world.objective(objective) is None:
            drafted = ObjectiveDrafted(reference="OBJ-900", cycle="2026-q1", title="A", owner=owner)
            return [Recorded(stream, drafted)]
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=command)
        return [Recorded(stream, ObjectiveReworded(title=f"Title {command}"), effective_at=day)]

    list(ledger.execute_many([Order(number, steward) for number in range(8)], decide, group=1))
    with Ledger.open(ledger.settings) as another:
        assert another.world().objective(objective) == ledger.world().objective(objective)


def test_a_group_ends_before_it_has_looked_at_more_than_an_append_may_name(
    ledger: Ledger, steward: str
) -> None:
    """Given rows that change nothing and look at much, when one of them records, then each has its answer."""
    team = new_id()

    def decide(world: Any, command: int, occasion: Occasion) -> list[Recorded]:
        for _ in range(7):
            world.team(new_id())
        if command != 50:
            raise NothingChanges
        return list(forming(team)(world, f"Name {command}", occasion))

    orders = [Order(number, steward) for number in range(200)]
    answers = list(ledger.execute_many(orders, decide, group=200))
    assert [number for number, answer in enumerate(answers) if isinstance(answer, Receipt)] == [50]
    assert len(answers) == 200


def test_what_was_recorded_is_answered_before_the_fault_of_the_next_group_is_raised(
    ledger: Ledger, steward: str
) -> None:
    team = new_id()

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        if command == "Name 5":
            raise ZeroDivisionError
        return list(forming(team)(world, command, occasion))

    given = ledger.execute_many([Order(f"Name {number}", steward) for number in range(12)], decide, group=4)
    answers = [next(given) for _ in range(4)]
    with pytest.raises(ZeroDivisionError):
        next(given)
    assert len(answers) == len(ledger.read_stream(team_of(team))) == 4


def test_a_group_that_was_found_recorded_is_not_recorded_again(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an append whose answer is lost, when the connection is cut once it was found, then it is told once."""
    team, real, cut = new_id(), LedgerApplication.put, list[str]()
    use = ledger._executor.connections.use

    def put(own: LedgerApplication, pending: Sequence[Pending], *said: Any, **more: Any) -> Appended:
        appended = real(own, pending, *said, **more)
        if not cut:
            cut.append("the answer")
            raise psycopg.OperationalError("The connection was lost.")
        return appended

    def looking(after: int, request: Any) -> Receipt | None:
        found = look_for(after, request)
        cut.append("the next one")
        return found

    def using() -> Any:
        if cut[-1:] == ["the next one"]:
            cut.append("no more")
            raise psycopg.OperationalError("The connection was lost.")
        return use()

    look_for = ledger._executor._look_for
    monkeypatch.setattr(LedgerApplication, "put", put)
    monkeypatch.setattr(ledger._executor, "_look_for", looking)
    monkeypatch.setattr(ledger._executor.connections, "use", using)
    orders = [Order(f"Name {number}", steward) for number in range(3)]
    answers = list(ledger.execute_many(orders, forming(team)))
    monkeypatch.undo()
    stream = ledger.read_stream(team_of(team))
    assert [raw.version for raw in stream] == [1, 2, 3]
    assert [answer.position for answer in answers if isinstance(answer, Receipt)] == [5, 6, 7]
    assert [answer.recorded_at for answer in answers if isinstance(answer, Receipt)] == [
        raw.recorded_at for raw in stream
    ]


def test_a_group_is_decided_at_the_time_at_which_its_orders_came(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given orders that keep one waiting while a group is on its way, then they are not decided as of before."""
    monkeypatch.setattr(states, "GOOD_FOR", 0.0)
    team, came, seen = new_id(), list[datetime](), dict[str, datetime]()
    inner: Callable[..., Any] = forming(team)

    def decide(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        seen[command] = occasion.at
        return list(inner(world, command, occasion))

    def orders() -> Iterator[Order]:
        with psycopg.connect(ledger.place.application_url) as clock:
            for number in range(9):
                clock.rollback()
                came.extend(*clock.execute("select clock_timestamp()").fetchall())
                yield Order(f"Name {number}", steward)

    list(ledger.execute_many(orders(), decide, group=3))
    assert [seen[f"Name {number}"] > came[number] for number in range(9)] == [True] * 9


def test_what_a_decision_laid_out_beforehand_is_not_followed_again(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given rows that draft an objective and look at it, then each draft is followed once, and as it is read back."""
    owner, drafts = new_id(), [new_id() for _ in range(6)]
    followed: list[int] = []
    inner = LedgerApplication.evolve

    def evolve(application: LedgerApplication, loaded: Any, entry: Entry) -> Any:
        followed.append(entry.position)
        return inner(application, loaded, entry)

    def decide(world: Any, command: int, occasion: Occasion) -> list[Recorded]:
        stream = stream_of("objective", drafts[command])
        drafted = ObjectiveDrafted(reference=f"OBJ-{command + 1}", cycle="2026-q1", title="A", owner=owner)
        told = [
            Recorded(stream, drafted, effective_at=occasion.at),
            Recorded(stream, ObjectiveReworded(title="B"), effective_at=occasion.at),
        ]
        overlay = Laid(world, occasion)
        overlay.take(told[:1])
        drafted_here = overlay.objective(drafts[command])
        assert drafted_here is not None
        assert [one.position for one in drafted_here.standing] == [len(told) * command + first]
        overlay.take(told[1:])
        return told

    first = ledger.head().position + 1
    monkeypatch.setattr(LedgerApplication, "evolve", evolve)
    list(ledger.execute_many([Order(number, steward, imported=True) for number in range(6)], decide, group=2))
    assert followed == [first + 2 * number + 1 for number in range(6)]
    with Ledger.open(ledger.settings) as another:
        for one in drafts:
            assert another.world().objective(one) == ledger.world().objective(one)
