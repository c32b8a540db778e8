"""How connections to a server of one's own are watched: one that dies without a word is noticed in bounded time."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CONNECT_SECONDS: Final = 10
"""How long each address of a server may take to answer at all."""
SILENT_SECONDS: Final = 30
"""After so long at most without a sign of life the system gives a connection up."""
IDLE_SECONDS, PROBE_SECONDS, PROBES = 15, 5, 3
"""After how long it asks for a sign, how often, how many times: together `SILENT_SECONDS`."""
WATCHED: Final = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": str(IDLE_SECONDS),
    "keepalives_interval": str(PROBE_SECONDS),
    "keepalives_count": str(PROBES),
    "tcp_user_timeout": str(SILENT_SECONDS * 1_000),
}
"""In libpq's words; a system that has no such thing, and a socket of this machine, pass over them."""


def watched(url: str) -> str:
    """Return an address of PostgreSQL whose connections are watched, with what the address says itself unchanged.

    One that names a service is left as it is: what the service's file says would count for less than what stands here.
    """
    said = conninfo_to_dict(url)
    if "service" in said or os.environ.get("PGSERVICE"):
        return url
    more = {name: value for name, value in WATCHED.items() if said.get(name) is None}
    if os.environ.get("PGCONNECT_TIMEOUT"):
        more.pop("connect_timeout", None)
    if not more:
        return url
    longer = f"{url}{'&' if '?' in url else '?'}{urlencode(more)}"
    try:
        is_so = conninfo_to_dict(longer) == {**said, **more}
    except psycopg.ProgrammingError:
        is_so = False
    return longer if is_so else make_conninfo(url, **more)  # a question mark in a password
