"""The server killed in the middle of requests: what it answered stands, what is sent again gets the first answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any

import httpx
import orjson
import pytest

from tests.laws.shelf import Book, Shelf
from tests.laws.test_writers import environ_of, is_in_order, live_equals_rebuilt
from tests.waiting import PATIENCE, until


class Server:
    """`strategy-ledger serve` as a process of its own, on a port that is free."""

    def __init__(self, book: Book) -> None:
        command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0"]
        environ = {**environ_of(book), "STRATEGY_LEDGER_WRITES_PER_SECOND": "0"}
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[2]

    def is_killed(self) -> None:
        """End the process as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def form(server: Server, token: str, number: int) -> tuple[int, dict[str, Any]] | None:
    """Form the team of a number under its key; None where no answer came."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"team {number}"}
    try:
        answer = httpx.post(
            f"{server.address}/v1/teams", json={"name": f"Team {number}"}, headers=headers, timeout=PATIENCE
        )
    except httpx.TransportError:
        return None
    return answer.status_code, answer.json()


def answered_again(server: Server, token: str, number: int) -> dict[str, Any]:
    """Send a team's command again, for as long as the session of a killed server still holds its key."""
    answers: list[tuple[int, dict[str, Any]]] = []

    def comes() -> bool:
        answer = form(server, token, number)
        assert answer is not None
        answers.append(answer)
        return not answer[1].get("type", "").endswith("command_in_flight")

    until(comes)
    assert answers[-1][0] == 201, answers[-1]
    return answers[-1][1]


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_server_is_killed_in_the_middle_of_requests(shelf: Shelf, kills: int) -> None:
    """Given four clients, when the server is killed while they send, then every answer that came stands, each key was
    recorded at most once, and a key sent again to the next server is answered as it was."""
    with shelf.company() as (book, company):
        token = book.ledger.tokens.issue(f"person:{company.steward}", "clients")
        before = book.ledger.head().position
        answered: dict[int, dict[str, Any]] = {}
        sent: set[int] = set()
        for round_ in range(kills):
            server = Server(book)
            enough = threading.Semaphore(0)

            def send(first: int, server: Server = server, enough: threading.Semaphore = enough) -> None:
                for number in range(first, first + 400):
                    sent.add(number)
                    answer = form(server, token, number)
                    if answer is None:
                        return
                    assert answer[0] == 201, answer
                    answered[number] = answer[1]
                    enough.release()

            clients = [threading.Thread(target=send, args=(round_ * 10_000 + n * 1_000,)) for n in range(4)]
            for client in clients:
                client.start()
            for _ in range(12):
                assert enough.acquire(timeout=PATIENCE)
            server.is_killed()
            for client in clients:
                client.join(PATIENCE)
        keys = [
            data["idempotency"]["key"]
            for raw in book.entries()[before:]
            if "idempotency" in (data := orjson.loads(raw.data))
        ]
        assert len(keys) == len(set(keys))
        assert {f"team {number}" for number in answered} <= set(keys) <= {f"team {number}" for number in sent}

        # when every command is sent again to a server that was started anew
        server = Server(book)
        try:
            for number in sorted(sent):
                again = answered_again(server, token, number)
                if number in answered:
                    for name in ("position", "recorded_at"):
                        assert again[name] == answered[number][name]
        finally:
            server.is_killed()
        assert book.ledger.head().position == before + len(sent)
        is_in_order(book)
        live_equals_rebuilt(book)
