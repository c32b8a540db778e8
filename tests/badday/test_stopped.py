"""A projection that stopped: it is named with its entry, and every question that does not stand on it goes on."""

from __future__ import annotations

from uuid import UUID

import httpx
import orjson
import pytest

from aggregates.decide import decide
from projections.catalogue import PROJECTIONS
from replay.generations import rebuild
from replay.questions import ProjectionIsBehind
from tests.badday.test_faults import served
from tests.fixtures import make
from tests.laws.commands import Improviser, LedgerStage
from tests.laws.shelf import Book, Shelf, differing


def stop(book: Book, name: str, *, emptied: bool = False) -> None:
    """Let a projection stop at the next entry, if wanted with nothing left in its tables."""
    with book.ledger.pool.connection() as connection, connection.transaction():
        generation = book.engine.control.prepare(connection)
        kind = next(kind for kind in PROJECTIONS if kind.name == name)
        for table in kind.TABLE_NAMES if emptied else ():
            connection.execute(generation.query(f"truncate {{{table}}}"))
        here = book.engine.bookmarks.of(connection, generation)[name].position
        book.engine.bookmarks.stop(connection, generation, name, here + 1, f"{name} stopped by a test.")


def test_every_question_goes_on_that_does_not_stand_on_what_stopped(shelf: Shelf) -> None:
    """Given each projection in turn without a row and stopped, when more is recorded, then each question that does not
    stand on it answers at the new head what it answers with all of them, and the others say how far they are."""
    kept = make.path_of("ledger").read_bytes().splitlines(True)  # every stored name is told in it
    with shelf.restored(kept) as book:
        keyed = next(orjson.loads(raw.data) for raw in book.entries() if b'"idempotency"' in raw.data)
        company = Improviser(LedgerStage(book.ledger, decide), UUID(keyed["by"].partition(":")[2]))
        company.knows(book.entries())
        for kind in PROJECTIONS:
            book.engine.catch_up()
            before = book.ledger.head().position
            stop(book, kind.name, emptied=True)
            company.committed("2024-q3", owner=company.people[0])
            book.engine.catch_up()
            with book.engine.reading() as reading:
                stopped = reading.stopped
            assert kind.name in stopped
            going = [one for one in book.questions() if stopped.keys().isdisjoint(one.stands_on)]
            standing = [one for one in book.questions() if not stopped.keys().isdisjoint(one.stands_on)]
            assert going or kind.name == "facts"
            found = book.answers(questions=going)
            head = book.ledger.head().position
            for question in going:
                assert book.reader.ask(question).basis.position == head
            for question in standing:
                with pytest.raises(
                    ProjectionIsBehind, match=rf"up to position {before}.* at entry {before + 1} stopped"
                ):
                    book.reader.ask(question, min_position=head)
            rebuild(book.engine)
            assert differing(found, book.answers(questions=going)) == []


def test_over_http_the_others_answer_and_say_their_position(shelf: Shelf) -> None:
    with shelf.company() as (book, company), served(book, company.steward) as client:
        before = book.ledger.head().position
        book.engine.catch_up()
        stop(book, "drift")
        objective, _ = company.committed("first")
        book.engine.catch_up()
        head = book.ledger.head().position
        for path in (
            "/v1/cycles/first/board",
            "/v1/cycles/first/commitments",
            f"/v1/objectives/{objective}/history",
        ):
            answer = client.get(path, params={"min_position": head})
            assert (answer.status_code, answer.headers["ledger-position"]) == (200, str(head))
        stands(client, "/v1/cycles/first/drift", before, head)
        stands(client, "/v1/cycles/first/findings", before, head)
        told = client.get("/v1/ready").json()
        assert told["status"] == "stopped"
        assert told["stopped"]["drift"]["entry"] == before + 1
        assert told["bookmarks"]["board"] == head
        team = client.post("/v1/teams", json={"name": "Goes on"})
        assert team.status_code == 201
        assert team.json()["position"] == head + 1


def stands(client: httpx.Client, path: str, here: int, head: int) -> None:
    """An answer that stands on what stopped says where it is, and who asks for more is told what stopped where."""
    answer = client.get(path)
    assert (answer.status_code, answer.json()["basis"]["position"]) == (200, here)
    late = client.get(path, params={"min_position": head})
    assert late.status_code == 503
    assert late.json()["type"] == "/v1/problems/projection_is_behind"
    assert f"drift at entry {here + 1}" in late.json()["detail"]
