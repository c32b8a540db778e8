"""The load of `python -m bench.load` is wired: every kind of request is asked and answered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.load import READS

HOUSE = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_every_request_of_the_load_is_answered() -> None:
    asked = ["--seconds", "4", "--reads", "30", "--writes", "5", "--objectives", "5", "--entries", "1300"]
    command = [sys.executable, "-m", "bench.load", *asked]
    told = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False).stdout
    statuses = {word.partition(":")[0] for line in told.splitlines() for word in line.split() if ":" in word}
    assert statuses, told
    assert statuses <= {"200", "201", "304"}, told
    for kind in (*READS, "check-in"):
        assert f"\n{kind}" in told
