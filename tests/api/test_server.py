"""The server as a process: it says where it answers, survives a stop in the middle, and binds to loopback."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import httpx
import pytest

from api import server as server_module
from api.server import COLLECTED_AFTER, HOST, address_of, listening_socket, many_served, running
from tests.waiting import PATIENCE, until

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


def test_while_it_serves_what_is_old_and_in_a_circle_is_taken_away_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Left:
        """What a connection leaves, in a circle."""

        def __init__(self) -> None:
            self.itself = self

    monkeypatch.setattr(server_module, "COLLECTED_AFTER", (1_000_000, 20, 1))
    with many_served():
        # given that it was looked at while it was in use, so that it is old
        left = Left()
        until(lambda: any(type(one) is Left for one in gc.get_objects(generation=2)))
        gone = weakref.ref(left)
        # when it is in use no more, then it goes, although nothing is made that has Python look
        del left
        until(lambda: gone() is None)


def test_while_it_serves_the_collector_looks_at_what_is_new_again_and_again() -> None:
    before, looked, old = gc.get_threshold(), threading.Semaphore(0), {"kept": [1]}

    def saw(phase: str, about: dict[str, int]) -> None:
        if phase == "stop" and about["generation"] == 1 and threading.current_thread().name == "collector":
            looked.release()

    gc.callbacks.append(saw)
    try:
        # given a server that keeps much and adds nothing to it
        with many_served():
            kept = {"kept": [old]}
            # when it serves on, then what is new is looked at all the same, and is old from then on
            assert looked.acquire(timeout=PATIENCE)
            assert looked.acquire(timeout=PATIENCE)
            assert any(one is kept for one in gc.get_objects(generation=2))
            # and all that is kept is looked at most seldom
            assert gc.get_threshold() == COLLECTED_AFTER
    finally:
        gc.callbacks.remove(saw)
    # then the process is as it was
    assert gc.get_threshold() == before
    assert "collector" not in {thread.name for thread in threading.enumerate()}
