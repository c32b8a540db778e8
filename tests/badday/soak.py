"""A soak: writers and readers over HTTP while server and database are killed, and a model of what was answered.

The model knows nothing of the ledger's code: what was acknowledged, under which key, on which stream, in which order.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, choice
from typing import Any
from uuid import uuid4

import httpx
import orjson

from ledger.codec import RawEntry
from tests.laws.shelf import Book
from tests.laws.test_writers import environ_of
from tests.waiting import PATIENCE

WRITERS, READERS = 8, 2
MOST = 2_000
"""Attempts of one command before the soak gives up on it."""
PAUSE = 0.05


@dataclass(slots=True)
class Model:
    """What clients sent and what they were told; safe to use by many threads."""

    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Positions of each writer and stream in the order in which the writer was told them."""
    faults: list[str] = field(default_factory=list)
    told: threading.Condition = field(default_factory=threading.Condition)

    def takes(self, key: str, answer: dict[str, Any]) -> None:
        """Note an acknowledgement."""
        with self.told:
            self.acknowledged[key] = answer
            self.order[f"{key.split()[0]} {answer['stream']}"].append(answer["position"])
            self.told.notify_all()

    def wait_for(self, more: int) -> None:
        """Wait until so many more commands are acknowledged."""
        with self.told:
            enough = len(self.acknowledged) + more
            assert self.told.wait_for(lambda: len(self.acknowledged) >= enough or self.faults, PATIENCE), (
                "nothing goes on"
            )

    def holds(self, entries: list[RawEntry]) -> None:
        """Compare the record with what was told: all of it once, in order, nothing that nobody sent, no gap."""
        assert not self.faults, self.faults[:3]
        assert [raw.position for raw in entries] == list(range(1, len(entries) + 1))
        keyed: dict[str, list[RawEntry]] = defaultdict(list)
        for raw in entries:
            key = orjson.loads(raw.data).get("idempotency", {}).get("key")
            if key is not None:
                keyed[key].append(raw)
        assert set(self.acknowledged) <= set(keyed) <= self.sent
        for key, found in keyed.items():
            first = found[0].position
            assert [raw.position for raw in found] == list(range(first, first + len(found))), key
            assert len({orjson.loads(raw.data)["request"] for raw in found}) == 1, key
        for key, answer in self.acknowledged.items():
            last = keyed[key][-1]
            assert (last.position, last.stream) == (answer["position"], answer["stream"]), key
            assert len(keyed[key]) == answer["events"], key
        for stream, positions in self.order.items():
            assert positions == sorted(set(positions)), stream


def lasting_port() -> int:
    """Return a free port that no client is given while its server is away: one below those for outgoing connections.

    A client that tries a port of those again and again may meet itself there, and then the server cannot have it back.
    """
    range_ = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(range_.read_text().split()[0]) if range_.exists() else 32_768
    ports = list(range(10_000, lowest)) or [0]
    while True:
        try:
            with socket.create_server(("127.0.0.1", choice(ports))) as free:
                return int(free.getsockname()[1])
        except OSError:
            continue


class Served:
    """`strategy-ledger serve` on one port; killed and started again."""

    def __init__(self, book: Book, log: Path) -> None:
        self._book = book
        self._log = log
        self.address = ""
        self.process: subprocess.Popen[str] | None = None
        self.start(lasting_port())

    def start(self, port: int) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
        rates = {f"STRATEGY_LEDGER_{kind}_PER_SECOND": "0" for kind in ("READS", "WRITES")}
        environ = {**environ_of(self._book), **rates}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Answering at "), self._log.read_text(errors="replace")[-3_000:]
        self.address = line.split()[2]

    def said(self, request: str) -> str:
        """Return what the servers' log says of a request."""
        lines = self._log.read_text(errors="replace").splitlines()
        place = next((n for n, line in enumerate(lines) if request in line), 0)
        return "\n".join(lines[place : place + 60])

    def is_killed(self) -> None:
        """End the server as a power cut does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def starts_again(self) -> None:
        """Start the server at the address where it was."""
        port = int(self.address.rpartition(":")[2])
        self.start(port)


class Soak:
    """Writers and readers that go on through every kill."""

    def __init__(self, book: Book, served: Served, token: str, key_results: list[str]) -> None:
        self.model = Model()
        self._served = served
        self._headers = {"Authorization": f"Bearer {token}"}
        self._key_results = key_results
        self._ended = threading.Event()
        self._book = book
        self.reads = 0
        kinds = [
            *((self._write, number) for number in range(WRITERS)),
            *((self._read, n) for n in range(READERS)),
        ]
        self._threads = [threading.Thread(target=self._guarded, args=kind) for kind in kinds]

    def __enter__(self) -> Soak:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _guarded(self, work: Any, number: int) -> None:
        try:
            with httpx.Client(headers=self._headers, timeout=PATIENCE) as client:
                work(client, number)
        except BaseException as error:  # noqa: BLE001 (whatever a writer meets is a fault of the soak)
            with self.model.told:
                self.model.faults.append(f"{type(error).__name__}: {error}")
                self.model.told.notify_all()

    def _write(self, client: httpx.Client, number: int) -> None:
        """Form a team, then rename it or say where a key result stands, each under a key of its own."""
        team = f"/v1/teams/{uuid4()}"
        step = 0
        while not self._ended.is_set():
            key = f"{number} {step}"
            if step == 0:
                answer = self._send(client, key, "/v1/teams", {"name": f"Team {number}"})
                team = f"/v1/teams/{answer['stream'].partition(':')[2]}"
            elif step % 3:
                self._send(client, key, f"{team}/names", {"name": f"Team {number}, {step}"})
            else:
                item = self._key_results[number % len(self._key_results)]
                self._send(
                    client,
                    key,
                    f"/v1/key-results/{item}/check-ins",
                    {"value": str(step), "confidence": "0.5"},
                )
            step += 1

    def _send(self, client: httpx.Client, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a command until it is answered, as a client does that keeps its key."""
        self.model.sent.add(key)
        for _ in range(MOST):
            try:
                answer = client.post(
                    f"{self._served.address}{path}", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                threading.Event().wait(PAUSE)
                continue
            if answer.status_code in (200, 201):
                told = answer.json()
                stream = next(iter(told["streams"]))
                known = {"position": told["position"], "stream": stream, "events": len(told["events"])}
                self.model.takes(key, known)
                return known
            assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
            again = answer.status_code == 503 or answer.json()["type"].endswith(("in_flight", "contention"))
            assert again, f"{answer.text}\n{self._served.said(answer.json()['request'])}"
            assert "sqlstate" not in answer.text.lower()
            assert answer.status_code != 503 or answer.headers["retry-after"]
            threading.Event().wait(PAUSE)
        raise AssertionError(f"{key} was never answered")

    def _read(self, client: httpx.Client, number: int) -> None:
        """Read the feed from the beginning on, without gaps, and the board, whose position never goes back."""
        after = seen = 0
        while not self._ended.is_set():
            try:
                page = client.get(f"{self._served.address}/v1/entries", params={"after": after, "limit": 200})
                board = client.get(f"{self._served.address}/v1/cycles/first/board")
            except httpx.TransportError:
                threading.Event().wait(PAUSE)
                continue
            if page.status_code == 200:
                positions = [entry["position"] for entry in page.json()["entries"]]
                assert positions == list(range(after + 1, after + 1 + len(positions)))
                after += len(positions)
            if board.status_code == 200:
                position = int(board.headers["ledger-position"])
                assert position >= seen, "a board went back"
                seen = position
                self.reads += 1
            for answer in (page, board):
                assert answer.status_code in (200, 503), answer.text


def kill_database(data: Path, choice: Random) -> None:
    """End the database as a power cut does: its first process, or one of those that work for a connection."""
    import psutil

    first = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    workers = psutil.Process(first).children()
    if workers and choice.random() < 0.3:
        os.kill(choice.choice(workers).pid, signal.SIGKILL)
        return
    os.kill(first, signal.SIGKILL)
