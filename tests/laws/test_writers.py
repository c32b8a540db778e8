"""Many who write at the same moment: nothing is lost, nothing doubled, and of two who exclude each other one wins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from hypothesis import given

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from aggregates.refusals import (
    AlignmentLoop,
    CycleIsAlreadyOpen,
    EntryIsSuperseded,
    PersonWasNotHere,
    Refusal,
)
from aggregates.values import day_of
from ledger.execute import Order
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from replay.generations import rebuild
from replay.verify import verify
from tests.laws.commands import (
    Asked,
    Improviser,
    LedgerStage,
    RehearsalStage,
    Step,
    play_of,
    plays,
    rehearsed,
)
from tests.laws.shelf import Book, Shelf, law, lines_of
from tests.laws.writer import told
from tests.waiting import PATIENCE, until_blocked

STEPS = 14
REASON = {"kind": "scope", "text": "We align."}


def environ_of(book: Book) -> dict[str, str]:
    """Return the environment in which another process finds this ledger."""
    settings = book.settings
    named = {
        "STRATEGY_LEDGER_SCHEMA": settings.schema,
        "STRATEGY_LEDGER_DATA_DIR": str(settings.data_dir),
        "STRATEGY_LEDGER_MASTER_KEY": settings.master_key or "",
        "STRATEGY_LEDGER_DATABASE_URL": settings.database_url or "",
        "STRATEGY_LEDGER_MIGRATE_URL": settings.migrate_url or "",
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_")},
        **named,
    }


def start_writer(book: Book, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a writer in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.laws.writer", *arguments], env=environ_of(book), stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_eight_writers_at_once(shelf: Shelf, seed: int) -> None:
    """Given five threads and three processes that ask for anything, then every receipt stands in the ledger once."""
    with shelf.company() as (book, company):
        before = book.ledger.head().position
        entries = book.entries()

        def write(number: int) -> list[dict[str, Any]]:
            with Ledger.open(book.settings) as own:
                writer = Improviser(LedgerStage(own, decide), company.steward).knows(entries)
                for name, chance in play_of(seed * 100 + number, STEPS):
                    writer.step(name, chance)
                    writer.knows(own.read_page(own.head().position - 20, 20))
                return [told(receipt) for _, receipt in writer.accepted]

        steward = f"person:{company.steward}"
        processes = [start_writer(book, steward, str(seed * 100 + 50 + n), str(STEPS)) for n in range(3)]
        with ThreadPoolExecutor(5) as pool:
            receipts = [receipt for found in pool.map(write, range(5)) for receipt in found]
        for process in processes:
            output, _ = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0
            receipts += [orjson.loads(line) for line in output.splitlines()]
        is_in_order(book)
        for receipt in receipts:
            stands_once(book, receipt)
        positions = [place for receipt in receipts for place in range(receipt["first"], receipt["last"] + 1)]
        assert sorted(positions) == list(range(before + 1, book.ledger.head().position + 1))
        assert len(receipts) > 20
        live_equals_rebuilt(book)


def is_in_order(book: Book) -> None:
    """Positions have no gaps, times rise strictly, versions of a stream follow one another."""
    entries = book.entries()
    assert [raw.position for raw in entries] == list(range(1, len(entries) + 1))
    assert all(one.recorded_at < other.recorded_at for one, other in pairwise(entries))
    versions: dict[str, int] = {}
    for raw in entries:
        assert raw.version == versions.get(raw.stream, 0) + 1
        versions[raw.stream] = raw.version


def stands_once(book: Book, receipt: dict[str, Any]) -> None:
    """What was acknowledged is in the ledger at its positions, under its request, and nowhere else."""
    found = [raw for raw in book.entries() if orjson.loads(raw.data)["request"] == receipt["request"]]
    assert [raw.position for raw in found] == list(range(receipt["first"], receipt["last"] + 1))
    assert [raw.name for raw in found] == list(receipt["names"])
    assert found[-1].recorded_at.isoformat() == receipt["recorded_at"]


def live_equals_rebuilt(book: Book) -> None:
    """The projections that followed are those of a rebuild, and verify finds no difference."""
    book.engine.catch_up()
    rows = book.rows()
    verdict = verify(book.ledger, pairs=6, engine=book.engine)
    assert verdict.clean, verdict.difference
    rebuild(book.engine)
    assert book.rows() == rows


# -- two who exclude each other, both held at the lock


@contextmanager
def held(book: Book) -> Iterator[Callable[[int], None]]:
    """Hold the lock of the head in a third transaction; gives a function that waits until so many appends wait."""
    with psycopg.connect(book.ledger.place.owner_url) as holder:
        holder.execute(f"select from {book.ledger.schema}.head for update")
        yield lambda sessions: until_blocked(book.ledger.place, sessions)
        holder.rollback()


def both(book: Book, one: Asked, other: Asked) -> list[Receipt | Refusal]:
    """Give two commands from two openings of the ledger, both decided before either is appended."""

    def give(asked: Asked) -> Receipt | Refusal:
        with Ledger.open(book.settings) as own:
            try:
                return own.execute(asked.command, decide, by=asked.by)
            except Refusal as refusal:
                return refusal

    with ThreadPoolExecutor(2) as pool:
        with held(book) as wait:
            waiting = [pool.submit(give, asked) for asked in (one, other)]
            wait(2)
        return [future.result(PATIENCE) for future in waiting]


def asked(company: Improviser, name: str, by: UUID | None = None, **fields: Any) -> Asked:
    return Asked(COMMANDS[name].model_validate(fields), f"person:{by or company.steward}")


def one_is_refused(outcomes: list[Receipt | Refusal], refusal: type[Refusal]) -> None:
    assert sorted(type(outcome).__name__ for outcome in outcomes) == sorted(["Receipt", refusal.__name__])


def test_a_loop_of_alignments_closed_by_two_people_at_once(shelf: Shelf) -> None:
    """Given A under nothing and C under B, when one puts A under C and another B under A, then one is refused."""
    with shelf.company() as (book, company):
        a, b, c = (company.committed("first")[0] for _ in range(3))
        company.must("align_objective", objective=c, parent=b, reason=REASON)
        outcomes = both(
            book,
            asked(company, "align_objective", objective=a, parent=c, reason=REASON),
            asked(company, "align_objective", objective=b, parent=a, reason=REASON),
        )
        one_is_refused(outcomes, AlignmentLoop)
        is_in_order(book)


def test_an_owner_who_leaves_while_an_objective_is_given_to_them(shelf: Shelf) -> None:
    """Then either they got it before they left, or the gift is refused; both never go past each other."""
    with shelf.company() as (book, company):
        objective = company.objectives[0]
        leaver = company.people[2]
        outcomes = both(
            book,
            asked(company, "person_leaves", person=leaver),
            asked(company, "reown_objective", objective=objective, owner=leaver, reason=REASON),
        )
        left, given_to = outcomes
        assert isinstance(left, Receipt)
        if isinstance(given_to, Receipt):
            assert given_to.position < left.position
        else:
            assert isinstance(given_to, PersonWasNotHere)


def test_two_openings_of_one_cycle(shelf: Shelf) -> None:
    with shelf.company() as (book, company):
        opening = asked(company, "open_cycle", cycle="first")
        one_is_refused(both(book, opening, opening), CycleIsAlreadyOpen)
        assert [raw.name for raw in book.entries()].count("cycle.opened") == 1


def test_two_amendments_of_one_entry(shelf: Shelf) -> None:
    """Given a value, when two people amend it at once, then one amendment stands and the other is told to amend it."""
    with shelf.company() as (book, company):
        objective, key_result = company.committed("first")
        day = day_of(book.ledger.head().now, book.ledger.zone)
        fields = {"objective": objective, "key_result": key_result, "value": "10", "measured_on": day}
        position = company.must("record_value", **fields).position
        outcomes = both(
            book,
            asked(company, "amend_entry", position=position, body={"value": "11"}),
            asked(company, "amend_entry", position=position, body={"value": "12"}),
        )
        one_is_refused(outcomes, EntryIsSuperseded)
        live_equals_rebuilt(book)


def test_two_drafts_of_one_objective(shelf: Shelf) -> None:
    """Given two drafts with one identifier, then one is refused and one stands."""
    with shelf.company() as (book, company):
        objective = book.ledger.new_id()
        drafts = [
            asked(
                company, "draft_objective", objective=objective, reference=book.ledger.next_reference("OBJ"),
                cycle="first", title=title, owner=company.people[1],
            )
            for title in ("One", "Other")
        ]  # fmt: skip
        outcomes = both(book, *drafts)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IdentifierIsTaken", "Receipt"]


# -- one after the other, in groups, and in a rehearsal: the same decisions


def test_a_rehearsal_single_commands_and_groups_come_to_the_same(shelf: Shelf, profile: str) -> None:
    """Given a rehearsed play at the present hour, when its commands go through execute and through execute_many,
    then each is accepted or refused alike, the bytes differ in nothing but the request, and a repetition does nothing.
    """

    @law(profile, 3, 10)
    @given(plays(profile, 20, 45))
    def holds(play: list[Step]) -> None:
        company = rehearsed([])
        rehearsal = company.stage.rehearsal  # type: ignore[attr-defined]
        start = len(rehearsal.entries)
        lines = lines_of(rehearsal.entries)
        with shelf.restored(lines) as single, shelf.restored(lines) as grouped:
            now = single.ledger.head().now
            rehearsal.at(now)
            company.stage = RehearsalStage(rehearsal, stands=True)
            company.asked.clear()
            company.moments_ago = ()
            company.gives(play)
            orders = [
                Order(one.command, one.by, idempotency=IdempotencyKey(f"step {place}"), **one.keywords)
                for place, (one, _) in enumerate(company.asked)
            ]
            singly = [_execute(single, order) for order in orders]
            together = list(grouped.ledger.execute_many(orders, decide, group=9))
            if day_of(grouped.ledger.head().now, grouped.ledger.zone) != day_of(now, grouped.ledger.zone):
                return  # midnight came between
            expected = [_outcome(answer) for _, answer in company.asked]
            assert [_outcome(answer) for answer in singly] == expected
            assert [_outcome(answer) for answer in together] == expected
            told_by = [_told(raw) for raw in rehearsal.entries[start:]]
            assert [_told(raw) for raw in single.entries()[start:]] == told_by
            assert [_told(raw) for raw in grouped.entries()[start:]] == told_by

            # when all of it is sent again
            heads = (single.ledger.head().position, grouped.ledger.head().position)
            for order, first in zip(orders, singly, strict=True):
                again = _execute(single, order)
                if isinstance(first, Receipt):
                    assert isinstance(again, Receipt)
                    assert again.replayed
                    assert told(again) == told(first)
            recorded = [
                one for one, answer in zip(orders, together, strict=True) if isinstance(answer, Receipt)
            ]
            list(grouped.ledger.execute_many(recorded, decide))
            assert grouped.ledger.head().position == heads[1]

    holds()


def _execute(book: Book, order: Order) -> Receipt | Refusal:
    try:
        return book.ledger.execute(
            order.command,
            decide,
            by=order.by,
            on_behalf_of=order.on_behalf_of,
            idempotency=order.idempotency,
            imported=order.imported,
            accept_faults=order.accept_faults,
        )
    except Refusal as refusal:
        return refusal


def _outcome(answer: Any) -> str:
    return answer.code() if isinstance(answer, Refusal) else "accepted"


def _told(raw: Any) -> dict[str, Any]:
    data = orjson.loads(raw.data)
    for name in ("request", "idempotency"):
        data.pop(name, None)
    return {name: value for name, value in data.items() if name != "effective_at" or len(value) == 10}
