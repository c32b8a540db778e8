"""New identifiers: no two are the same, also not where a process is forked from another."""

from __future__ import annotations

import subprocess
import sys

from ledger.identifiers import new_id

_FORKED = """
import os
from ledger.identifiers import new_id
new_id()
if child := os.fork():
    os.waitpid(child, 0)
print(*(new_id().int & (1 << 62) - 1 for _ in range(300)), flush=True)
"""


def test_identifiers_rise() -> None:
    made = [new_id() for _ in range(1_000)]
    assert made == sorted(made)
    assert len({one.int & (1 << 62) - 1 for one in made}) == len(made)


def test_a_forked_process_draws_other_bits() -> None:
    told = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, check=True, text=True).stdout
    assert len(set(told.split())) == 600
