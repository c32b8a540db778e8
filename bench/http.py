"""The HTTP door measured over real HTTP: the warm present board beside the same bytes from memory, and 304s.

A load of `CLIENTS` connections, kept open, on loopback; client and server share the machine, so ratios count.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import FastAPI, Request, Response

from aggregates.cycle.events import CycleOpened, CyclePlanned
from aggregates.entry import Event, Recorded
from aggregates.measures import Measure, PointTarget
from aggregates.objective.events import (
    CheckedIn,
    KeyResultAdded,
    KeyResultMeasured,
    ObjectiveCommitted,
    ObjectiveDrafted,
)
from aggregates.values import day_of
from api.app import create_app
from api.server import in_background
from ledger.lifecycle import initialise
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader

CLIENTS = 32
SECONDS = 2.0
ROUNDS = 3
MEMORY = "/v1/health/bytes"


@dataclass(frozen=True, slots=True)
class HttpFigures:
    """Requests per second of each way, the median of the rounds, and the ratio that is aimed at."""

    size: int
    memory: float
    board: float
    not_modified: float

    @property
    def ratio(self) -> float:
        """Return the rate of the warm board as a share of that of bytes from memory."""
        return self.board / self.memory


def warm_board(settings: Settings, objectives: int = 500) -> dict[str, float]:
    """Return the figures for a board of so many objectives with three key results each, in a new schema.

    `memory`, `board` and `not_modified` are requests per second, `ratio` is board to memory, `bytes` the size of the
    answer.
    """
    created = initialise(settings, "Bench", "Europe/Berlin", steward_name="Bench")
    with Ledger.open(settings) as ledger:
        fill(ledger, created.steward, objectives)
        engine = Engine(ledger)
        engine.catch_up()
        app = create_app(ledger, Reader(ledger, engine), engine, settings)
        with in_background(app) as address:
            path = "/v1/cycles/bench/board"
            body, _ = fetch(address, path, created.token)
            add_memory_endpoint(app, body)
            figures = measure(address, path, created.token)
    return {
        "memory": figures.memory,
        "board": figures.board,
        "not_modified": figures.not_modified,
        "ratio": figures.ratio,
        "bytes": float(figures.size),
    }


def fill(ledger: Ledger, owner: UUID, objectives: int) -> None:
    """Record a running cycle `bench` with committed objectives, three measured key results each."""
    today = day_of(ledger.head().now, ledger.zone)
    begins, ends = today - timedelta(days=30), today + timedelta(days=60)
    planned = CyclePlanned(
        key="bench", name="Bench", kind="custom", starts_on=begins, commit_by=today, ends_on=ends
    )
    recorded = [Recorded("cycle:bench", planned), Recorded("cycle:bench", CycleOpened())]
    for number in range(objectives):
        recorded += _objective(ledger, owner, number, today)
        if len(recorded) > 900:
            ledger.append(recorded, by=f"person:{owner}")
            recorded = []
    if recorded:
        ledger.append(recorded, by=f"person:{owner}")


def _objective(ledger: Ledger, owner: UUID, number: int, today: date) -> list[Recorded]:
    stream = f"objective:{ledger.new_id()}"
    title = f"Objective number {number} of a company that is only there to be measured"
    events: list[tuple[Event, date | None]] = [
        (ObjectiveDrafted(reference=f"OBJ-{number + 1}", cycle="bench", title=title, owner=owner), None)
    ]
    measure = Measure(kind="increase", unit="%", path="straight")
    for place in range(3):
        key_result = ledger.new_id()
        added = KeyResultAdded(
            key_result=key_result,
            reference=f"KR-{number * 3 + place + 1}",
            title=f"Key result {place} of objective number {number}",
            owner=owner,
            measure=measure,
            baseline=Decimal(0),
            target=PointTarget(at=Decimal(100)),
            weight=Decimal(1),
            ambition="committed",
        )
        value = KeyResultMeasured(key_result=key_result, value=Decimal(number % 100))
        events += [
            (added, None),
            (value, today),
            (CheckedIn(key_result=key_result, confidence=Decimal("0.7")), None),
        ]
    events.append((ObjectiveCommitted(policy=1), None))
    return [Recorded(stream, event, day) for event, day in events]


def add_memory_endpoint(app: FastAPI, body: bytes) -> None:
    """Let the application answer these bytes from memory, behind the same token and the same layers."""

    async def from_memory(_: Request) -> Response:
        return Response(body, media_type="application/json")

    app.router.add_route(MEMORY, from_memory, methods=["GET"])


def measure(
    address: str, path: str, token: str, *, seconds: float = SECONDS, rounds: int = ROUNDS
) -> HttpFigures:
    """Return the figures of a server on which `add_memory_endpoint` was called with the board's bytes."""
    asked = json.dumps([address, path, token, seconds, rounds])
    done = subprocess.run(
        [sys.executable, "-m", "bench.http"], input=asked, capture_output=True, text=True, check=True
    )  # a process of its own, so that the load does not take the server's interpreter
    return HttpFigures(*json.loads(done.stdout))


def fetch(address: str, path: str, token: str) -> tuple[bytes, str]:
    """Return the body and the ETag of one answer."""
    return asyncio.run(_fetch(address, path, token))


async def _fetch(address: str, path: str, token: str) -> tuple[bytes, str]:
    reader, writer = await _connect(address)
    writer.write(_request(path, token))
    head, body = await _answer(reader)
    writer.close()
    return body, _etag(head)


async def _measure(address: str, path: str, token: str, seconds: float, rounds: int) -> HttpFigures:
    body, etag = await _fetch(address, path, token)
    ways = {
        "memory": _request(MEMORY, token),
        "board": _request(path, token),
        "not_modified": _request(path, token, etag),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):  # the ways take turns, so that a slow moment of the machine meets them all
        for name, request in ways.items():
            rates[name].append(await _rate(address, request, seconds, 304 if name == "not_modified" else 200))
    median = {name: statistics.median(found) for name, found in rates.items()}
    return HttpFigures(len(body), median["memory"], median["board"], median["not_modified"])


async def _rate(address: str, request: bytes, seconds: float, status: int) -> float:
    """Return how many answers a second all connections get together."""
    counts = [0] * CLIENTS
    begin = time.perf_counter()

    async def client(number: int) -> None:
        reader, writer = await _connect(address)
        while time.perf_counter() - begin < seconds:
            writer.write(request)
            head, _ = await _answer(reader)
            assert head.startswith(b"HTTP/1.1 %d" % status), head[:80]
            counts[number] += 1
        writer.close()

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return sum(counts) / (time.perf_counter() - begin)


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(address)
    return await asyncio.open_connection(parts.hostname, parts.port, limit=4 * 1024 * 1024)


def _request(path: str, token: str, etag: str | None = None) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        "Accept-Encoding: identity",
    ]
    if etag is not None:
        lines.append(f"If-None-Match: {etag}")
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    place = lower.find(b"content-length:")
    length = int(lower[place + 15 : lower.find(b"\r", place)]) if place >= 0 else 0
    return head, await reader.readexactly(length) if length else b""


def _etag(head: bytes) -> str:
    for line in head.decode("latin-1").split("\r\n"):
        if line.lower().startswith("etag:"):
            return line[5:].strip()
    return ""


if __name__ == "__main__":
    figures = asyncio.run(_measure(*json.load(sys.stdin)))
    print(json.dumps([figures.size, figures.memory, figures.board, figures.not_modified]))
