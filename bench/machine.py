"""What the measurements ran on: no paths, no names of hosts."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import psutil
import psycopg

from ledger.place import Place
from ledger.settings import Settings

LIBRARIES = ("psycopg", "eventsourcing", "pydantic", "orjson", "fastapi", "uvicorn")
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def machine(settings: Settings) -> list[tuple[str, str]]:
    """Return what there is to know about this machine and its database, as pairs of a name and a value."""
    with Place.open(settings) as place, psycopg.connect(place.owner_url) as connection:
        server = connection.info.parameter_status("server_version") or ""
        shown = [f"{name} {_shown(connection, name)}" for name in _SETTINGS]
        kind = "embedded" if place.embedded else "a server of its own"
    load = os.getloadavg()[0]
    return [
        ("Cores", str(os.cpu_count())),
        ("Memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"),
        ("System", f"{platform.system()} {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("PostgreSQL", f"{server.split()[0]}, {kind}; {', '.join(shown)}"),
        ("Libraries", ", ".join(f"{name} {version(name)}" for name in LIBRARIES)),
        ("Load before the run", f"{load:.1f} (runs of other programs make the spread wider)"),
    ]


def _shown(connection: psycopg.Connection[tuple[str, ...]], name: str) -> str:
    row = connection.execute(f"show {name}".encode()).fetchone()
    return row[0] if row else ""
