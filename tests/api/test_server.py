"""The server as a process: it says where it answers, survives a stop in the middle, and binds to loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from api.server import HOST, address_of, listening_socket, running
from tests.waiting import PATIENCE

PROGRAM = """
import sys, threading
from fastapi import FastAPI
from api.server import serve

app = FastAPI()

@app.get("/")
async def home() -> str:
    return "here"

class Runner:
    def run(self, stop: threading.Event) -> None:
        stop.wait()
        print("the runner ended", flush=True)

serve(app, Runner(), announce=lambda address: print(address, flush=True))
print("the server ended", flush=True)
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_what_runs_beside_it(sent: signal.Signals) -> None:
    root = Path(__file__).parent.parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert httpx.get(address, timeout=PATIENCE).json() == "here"
        process.send_signal(sent)
        rest, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert rest.splitlines() == ["the runner ended", "the server ended"]
    assert process.returncode == 0


def test_it_listens_on_loopback_and_a_taken_port_is_an_error() -> None:
    with listening_socket() as first:
        first.listen()
        assert address_of(first).startswith(f"http://{HOST}:")
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listening_socket(HOST, port)


def test_a_runner_that_fails_is_started_again() -> None:
    class Failing:
        runs = 0
        again = threading.Event()

        def run(self, stop: threading.Event) -> None:
            self.runs += 1
            if self.runs == 1:
                raise OSError("the database is away")
            self.again.set()
            stop.wait()

    failing = Failing()
    with running(failing):
        assert failing.again.wait(PATIENCE)
    assert failing.runs == 2
