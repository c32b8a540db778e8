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
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response

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
