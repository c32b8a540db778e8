"""A load of HTTP requests, in a process of its own, and the endpoint that answers bytes from memory.

It is a load of `CLIENTS` connections, kept open, on loopback; client and server share the machine, so ratios count.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response

CLIENTS = 32
MEMORY = "/v1/health/bytes"


def add_memory_endpoint(app: FastAPI, body: bytes) -> None:
    """Let the application answer these bytes from memory, behind the same token and the same layers."""

    async def from_memory(_: Request) -> Response:
        return Response(body, media_type="application/json")

    app.router.add_route(MEMORY, from_memory, methods=["GET"])


def load(
    address: str,
    path: str,
    token: str,
    *,
    seconds: float,
    rounds: int,
    others: Mapping[str, str] | None = None,
) -> dict[str, list[float]]:
    """Return the requests per second of each way in each round: `memory`, `board`, `not_modified`.

    With `others`, which are the board with another token by name, those and `board` alone.

    The server is one on which `add_memory_endpoint` was called with the board's bytes.
    """
    asked = json.dumps([address, path, token, seconds, rounds, dict(others or {})])
    done = subprocess.run(
        [sys.executable, "-m", "bench.http"], input=asked, capture_output=True, text=True, check=True
    )  # a process of its own, so that the load does not take the server's interpreter
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def fetch(address: str, path: str, token: str) -> tuple[bytes, str]:
    """Return the body and the ETag of one answer."""
    return asyncio.run(_fetch(address, path, token))


async def _fetch(address: str, path: str, token: str) -> tuple[bytes, str]:
    reader, writer = await _connect(address)
    writer.write(_request(path, token))
    head, body = await _answer(reader)
    writer.close()
    return body, _etag(head)


async def _load(
    address: str, path: str, token: str, seconds: float, rounds: int, others: dict[str, str]
) -> dict[str, list[float]]:
    _, etag = await _fetch(address, path, token)
    ways = {"board": _request(path, token), **{name: _request(path, one) for name, one in others.items()}}
    if not others:
        ways |= {"memory": _request(MEMORY, token), "not_modified": _request(path, token, etag)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):  # the ways take turns, so that a slow moment of the machine meets them all
        for name, request in ways.items():
            rates[name].append(await _rate(address, request, seconds, 304 if name == "not_modified" else 200))
    return rates


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
    print(json.dumps(asyncio.run(_load(*json.load(sys.stdin)))))
