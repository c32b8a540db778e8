"""`python -m bench.load`: a served ledger under mixed reads with writes beside them, for minutes.

An open loop: requests begin at moments that were drawn beforehand (Poisson arrivals, seeded), whatever became of those
before them, and a latency counts from the moment at which the request should have begun. A server that stalls so shows
every request that would have come meanwhile, not only the one that met the stall.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from urllib.parse import urlsplit

import orjson
import psutil

from bench.host import stolen_so_far
from bench.house import house, room
from bench.machine import machine
from bench.report import write_load
from bench.scene import Scene, staged
from ledger.settings import Settings

READS = {
    "board": 25, "board, unchanged": 25, "commitments": 8, "drift": 8, "history": 12, "objective": 15, "findings": 4,
    "past board": 3,
}  # fmt: skip
"""What is read, by weight; *unchanged* sends the last ETag and is answered with 304 where nothing was recorded."""
P99_MS = 100.0
WARM_UP = 10.0
"""Seconds at the beginning that are shown apart: a server that has just begun has nothing prepared and nothing kept."""
_BEGINNING = "the beginning"
_GRACE = 30.0
"""Seconds after the end in which what was begun may still be answered."""


@dataclass(slots=True)
class Told:
    """What came of the requests of one kind."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        """Return the row of this kind."""
        found = sorted(self.latencies)
        ms = [1_000 * _share(found, share) for share in (0.5, 0.95, 0.99, 1.0)]
        statuses = " ".join(f"{status}:{times}" for status, times in sorted(self.statuses.items()))
        return f"{name:<18}{len(found):>8}" + "".join(f"{one:>9.1f}" for one in ms) + f"   {statuses}"


def _share(found: Sequence[float], share: float) -> float:
    return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


class Client:
    """Connections that are kept open and used again; one is made where none is free."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and the head of one answer, read to its end; a connection that was left is replaced."""
        while self._free:
            reader, writer = self._free.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                continue
            try:
                return await self._asked(reader, writer, request)
            except (ConnectionResetError, asyncio.IncompleteReadError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    raise
                writer.close()
                continue  # the server closed what had been idle for too long
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=8 * 1024 * 1024)
        self.opened += 1
        return await self._asked(reader, writer, request)

    def close(self) -> None:
        """Close the connections that are free."""
        for _, writer in self._free:
            writer.close()

    async def _asked(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, bytes]:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        place = head.lower().find(b"content-length:")
        length = int(head[place + 15 : head.find(b"\r", place)]) if place >= 0 else 0
        if length:
            await reader.readexactly(length)
        if b"connection: close" in head.lower():
            writer.close()
        else:
            self._free.append((reader, writer))
        return int(head[9:12]), head


class Load:
    """One run of a load."""

    def __init__(self, address: str, scene: Scene, seed: int, warm_up: float = 0.0) -> None:
        self.client = Client(address)
        self.scene = scene
        self.warm_up = warm_up
        self.told: dict[str, Told] = defaultdict(Told)
        self.late = 0.0
        self._random = Random(seed)
        self._etags: dict[str, str] = {}
        self._numbers = count(1)

    async def run(self, seconds: float, reads: float, writes: float) -> None:
        """Ask and write at these rates for this long, after the warm-up at the same rates."""
        begin = time.perf_counter() + 0.2
        tasks: set[asyncio.Task[None]] = set()
        for at, is_write in self._arrivals(self.warm_up + seconds, reads, writes):
            due = begin + at
            while (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.late = max(self.late, -wait)
            name, request = self._write() if is_write else self._read()
            kind = _BEGINNING if at < self.warm_up else name
            tasks.add(asyncio.create_task(self._one(kind, request, due)))
        _, unanswered = await asyncio.wait(tasks, timeout=_GRACE)
        self.client.close()
        await asyncio.sleep(0.05)
        for task in unanswered:
            task.cancel()
            self.told["unanswered"].statuses["none"] += 1

    def _arrivals(self, seconds: float, reads: float, writes: float) -> Iterator[tuple[float, bool]]:
        at = 0.0
        while (at := at + self._random.expovariate(reads + writes)) < seconds:
            yield at, self._random.random() < writes / (reads + writes)

    async def _one(self, name: str, request: bytes, due: float) -> None:
        told = self.told[name]
        try:
            status, head = await self.client.ask(request)
        except (OSError, asyncio.IncompleteReadError) as error:
            told.statuses[type(error).__name__] += 1
            return
        told.latencies.append(time.perf_counter() - due)
        told.statuses[str(status)] += 1
        if b"/board HTTP" in request:
            for line in head.decode("latin-1").split("\r\n"):
                if line.lower().startswith("etag:"):
                    self._etags["board"] = line[5:].strip()

    def _read(self) -> tuple[str, bytes]:
        scene, name = self.scene, self._random.choices(list(READS), list(READS.values()))[0]
        item = self._random.choice(scene.objectives)
        path = {
            "board": f"/v1/cycles/{scene.cycle}/board",
            "board, unchanged": f"/v1/cycles/{scene.cycle}/board",
            "commitments": f"/v1/cycles/{scene.cycle}/commitments",
            "drift": f"/v1/cycles/{scene.cycle}/drift",
            "history": f"/v1/objectives/{item}/history",
            "objective": f"/v1/objectives/{item}",
            "findings": f"/v1/cycles/{scene.cycle}/findings",
            "past board": f"/v1/cycles/{scene.past}/board?as_of={scene.past}:closed",
        }[name]
        more = ""
        if name == "board, unchanged" and "board" in self._etags:
            more = f"If-None-Match: {self._etags['board']}\r\n"
        return name, _request("GET", path, scene.reader, more)

    def _write(self) -> tuple[str, bytes]:
        key_result, token = self._random.choice(self.scene.key_results)
        number = next(self._numbers)
        body = orjson.dumps({
            "value": f"{10 + self._random.randrange(70)}", "confidence": "0.6", "measured_on": self.scene.day,
        })  # fmt: skip
        more = f"Idempotency-Key: load {number}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return "check-in", _request("POST", f"/v1/key-results/{key_result}/check-ins", token, more) + body

    def passes(self) -> bool:
        """Return whether nothing failed and the reads were fast enough."""
        good = {"200", "201", "304"}
        found = sorted(one for name, told in self.told.items() if name in READS for one in told.latencies)
        return (
            all(set(told.statuses) <= good for told in self.told.values())
            and _share(found, 0.99) * 1_000 < P99_MS
        )

    def report(self) -> list[str]:
        """Return the table of what was measured."""
        every = Told(
            [one for name, told in self.told.items() if name in READS for one in told.latencies],
            sum((told.statuses for name, told in self.told.items() if name in READS), Counter()),
        )
        all_of_it = Told(
            [one for told in self.told.values() for one in told.latencies],
            sum((told.statuses for told in self.told.values()), Counter()),
        )
        rows = [told.line(name) for name, told in sorted(self.told.items())]
        return [
            f"{'':<18}{'asked':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}",
            *rows,
            every.line("all reads"),
            all_of_it.line("all of it"),
            f"{self.client.opened} connections; the load itself was late by at most {self.late * 1_000:.1f} ms.",
        ]


def _request(method: str, path: str, token: str, more: str) -> bytes:
    lines = f"{method} {path} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n"
    return f"{lines}{more}\r\n".encode()


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """Give the address of `strategy-ledger serve` on this ledger, and its process."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_")},
        "STRATEGY_LEDGER_DATA_DIR": str(settings.data_dir),
        "STRATEGY_LEDGER_SCHEMA": settings.schema,
        "STRATEGY_LEDGER_MASTER_KEY": settings.master_key or "",
        "STRATEGY_LEDGER_DATABASE_URL": settings.database_url or "",
        "STRATEGY_LEDGER_MIGRATE_URL": settings.migrate_url or "",
    }
    program = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0"]
    server = subprocess.Popen(
        program, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[2], psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(30)


def spent(server: psutil.Process, settings: Settings) -> tuple[float, float, float]:
    """Return the CPU seconds so far of the server, of the embedded database's processes, and of this one."""
    database = 0.0
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if "postgres" in (process.info["name"] or "") and any(
                str(settings.data_dir) in " ".join(one.cmdline()) for one in (process, *process.parents())
            ):
                database += sum(process.cpu_times()[:2])
    own = psutil.Process().cpu_times()
    return sum(server.cpu_times()[:2]), database, own.user + own.system


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load, print the table, and return 1 where something failed or was too slow."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="A served ledger under load.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--reads", type=float, default=200, help="requests a second")
    parser.add_argument("--writes", type=float, default=20, help="requests a second")
    parser.add_argument(
        "--objectives", type=int, default=100, help="of a quarter, with three key results each"
    )
    parser.add_argument("--entries", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=WARM_UP, help="seconds before it, shown apart")
    parser.add_argument("--write", action="store_true", help="write the document as well")
    asked = parser.parse_args(arguments)
    with house() as settings, room(settings, "load") as own:
        about = machine(settings)
        scene = staged(own, asked.objectives, asked.entries)
        with served(own) as (address, server):
            load = Load(address, scene, asked.seed, asked.warm_up)
            seconds = asked.warm_up + asked.seconds
            gc.freeze()
            before, stolen = spent(server, own), stolen_so_far()
            asyncio.run(load.run(asked.seconds, asked.reads, asked.writes))
            busy, database, own_share = (
                (after - one) / seconds for after, one in zip(spent(server, own), before, strict=True)
            )
            stolen = (stolen_so_far() - stolen) / seconds / (os.cpu_count() or 1)
    cost = (busy + database + own_share) / asked.reads * 1_000
    told = [
        f"{asked.reads:.0f} reads and {asked.writes:.0f} writes a second for {asked.seconds:.0f} s; "
        f"{asked.entries:,} entries, {asked.objectives} objectives a quarter.",
        *load.report(),
        f"The server was busy for {busy:.0%} of a core; one process has one, so from some 80 % on requests queue.",
        f"The database was busy for {database:.0%}, the load itself for {own_share:.0%}; with the writes beside it",
        f"one read cost {cost:.1f} ms of the machine. The machine's host took {stolen:.0%} of its cores for others.",
        f"No error and a p99 of all reads under {P99_MS:.0f} ms are what is required, and this run is a "
        + ("pass." if load.passes() else "MISS."),
    ]
    print("\n".join(told))
    if asked.write:
        write_load(told, about)
    return 0 if load.passes() else 1


if __name__ == "__main__":
    sys.exit(main())
