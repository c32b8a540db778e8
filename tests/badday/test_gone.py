"""A ledger whose schema is dropped under those who work on it: said at every door, and recovered from without hands."""

from __future__ import annotations

import httpx
import psycopg
import pytest
from psycopg import sql

from api import middleware
from api.cli.codes import Code
from api.cli.faults import describe
from ledger.errors import LedgerIsGone
from ledger.lifecycle import restore
from replay.runner import Runner
from tests.badday.test_faults import served
from tests.conftest import drop
from tests.laws.shelf import Shelf
from tests.laws.writer import give, item_of
from tests.waiting import PATIENCE, patient_server, until


@pytest.mark.parametrize("is_heard_anew", [False, True])
@pytest.mark.parametrize("token_seconds", [1_000_000.0, 0.0])
@pytest.mark.parametrize("with_its_roles", [False, True])
def test_a_ledger_whose_schema_was_dropped_is_said_and_recovered_from(
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    *,
    with_its_roles: bool,
    token_seconds: float,
    is_heard_anew: bool,
) -> None:
    """Given a server at work, when the schema is dropped, then each answer says so with its code, readers and writers
    alike, whether or not their token is looked up again and other connections are asked for; and when it is restored,
    it is answered and written again by the same server."""
    monkeypatch.setattr(middleware, "TOKEN_SECONDS", token_seconds)
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        give(book.ledger, 1, steward, item)
        book.engine.catch_up()
        with patient_server(), Runner(book.engine), served(book, company.steward, patience=2.0) as client:
            board = client.get("/v1/cycles/first/board")
            lines, people = list(book.ledger.export()), list(book.ledger.directory.export())
            assert board.status_code == 200
            if (
                with_its_roles and book.ledger.place.embedded
            ):  # nobody is let in, and that is waited for in vain
                monkeypatch.setattr(book.ledger.pool, "timeout", 1.0)
            if with_its_roles:
                drop(book.settings)
            else:
                with book.ledger.place.as_owner() as owner:
                    owner.execute(
                        sql.SQL("drop schema {} cascade").format(sql.Identifier(book.settings.schema))
                    )
            if is_heard_anew:  # as by the runner at its next turn
                book.ledger.pool.drain()
            answers = [
                client.get("/v1/cycles/first/board"),
                client.get("/v1/entries"),
                client.post("/v1/teams", json={"name": "Later"}),
                client.post("/v1/teams?dry_run=true", json={"name": "Later"}),
            ]
            for answer in answers:
                assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/ledger_is_gone")
                assert "its schema or its roles were dropped or renamed" in answer.json()["detail"]
            until(lambda: client.get("/v1/ready").json()["status"] == "ledger_is_gone")  # or away, at first
            with pytest.raises((LedgerIsGone, psycopg.Error)) as met:
                book.ledger.head()
            fault = describe(met.value)
            assert fault is not None
            assert (fault.code, fault.sentence) == (Code.UNAVAILABLE, LedgerIsGone.sentence())

            monkeypatch.setattr(book.ledger.pool, "timeout", PATIENCE)
            restore(book.settings, lines, people)
            again = until_it_answers(client)
            assert again.json()["objectives"] == board.json()["objectives"]
            formed = client.post("/v1/teams", json={"name": "Later"})
            assert (formed.status_code, formed.json()["position"]) == (201, len(lines) + 1)
            assert "Later" in client.get("/v1/teams", params={"min_position": len(lines) + 1}).text
            assert client.get("/v1/ready").json()["status"] == "ready"


def until_it_answers(client: httpx.Client) -> httpx.Response:
    """Return the board, once it is there again."""
    answers: list[httpx.Response] = []

    def answers_again() -> bool:
        answers.append(client.get("/v1/cycles/first/board"))
        assert answers[-1].status_code in (200, 503), answers[-1].text
        return answers[-1].status_code == 200

    until(answers_again)
    return answers[-1]
