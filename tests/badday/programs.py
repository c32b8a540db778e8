"""PostgreSQL's own programs for the tests' server: pg_dump and pg_restore of its version or a later one, by address."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from ledger.embedded.programs import find_engine


def program(name: str, url: str) -> Path:
    """Return a program that fits the server of this address; the test is skipped where there is none."""
    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10_000
    engine, brought = find_engine()
    places = [engine] if brought == major else []
    places += sorted(Path("/usr/lib/postgresql").glob(f"{major}/bin"))
    if found := shutil.which(name):
        places.append(Path(found).parent)
    for place in places:
        told = subprocess.run([str(place / name), "--version"], capture_output=True, text=True, check=False)
        if told.returncode == 0 and int(told.stdout.split()[2].split(".")[0]) >= major:
            return place / name
    pytest.skip(f"there is no {name} for PostgreSQL {major} here")


def run(*command: str | Path) -> str:
    """Run a program and return what it printed; it must not fail."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
