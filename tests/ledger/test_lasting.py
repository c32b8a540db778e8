"""Connections by TCP are watched: one that dies without a word is noticed. What an address says itself counts."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.lasting import IDLE_SECONDS, PROBE_SECONDS, PROBES, SILENT_SECONDS, WATCHED, watched
from ledger.place import Connection, Place
from ledger.settings import load_settings
from ledger.store import Ledger
from tests.laws.proxy import proxy

HERE = "postgresql://someone@there/books"


@contextmanager
def by_tcp(ledger: Ledger, more: str = "") -> Iterator[Place]:
    """The place of a ledger, reached by TCP whatever its server is, with more in its address."""
    with proxy(ledger.place.application_url) as gate:
        said = conninfo_to_dict(gate.address)
        login = quote(str(said["user"]))
        if said.get("password"):
            login += f":{quote(str(said['password']))}"
        at = f"{login}@127.0.0.1:{said['port']}/{said['dbname']}"
        url = f"postgresql://{at}?sslmode=disable&gssencmode=disable{more}"
        with Place.open(replace(ledger.settings, database_url=url, migrate_url=None)) as place:
            yield place


def timers_of(connection: Connection | psycopg.Connection) -> tuple[int, int, int, int, int]:
    """What the system does on a connection: whether it asks for signs of life, after how long, how often, and so on."""
    tcp = socket.IPPROTO_TCP
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
        return (
            line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            line.getsockopt(tcp, socket.TCP_KEEPIDLE),
            line.getsockopt(tcp, socket.TCP_KEEPINTVL),
            line.getsockopt(tcp, socket.TCP_KEEPCNT),
            line.getsockopt(tcp, socket.TCP_USER_TIMEOUT),
        )


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such timers")
def test_every_connection_by_tcp_is_watched(ledger: Ledger) -> None:
    wanted = (1, IDLE_SECONDS, PROBE_SECONDS, PROBES, SILENT_SECONDS * 1_000)
    with by_tcp(ledger) as place:
        with place.pool(largest=1) as pool, pool.connection() as connection:
            assert timers_of(connection) == wanted
        with closing(place.connection()) as beside:
            assert timers_of(beside) == wanted
        with psycopg.connect(place.owner_url) as owner:
            assert timers_of(owner) == wanted
    assert IDLE_SECONDS + PROBE_SECONDS * PROBES == SILENT_SECONDS


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such timers")
def test_what_an_address_says_itself_counts(ledger: Ledger) -> None:
    more = "&keepalives_idle=77&keepalives_count=9&tcp_user_timeout=4000"
    with by_tcp(ledger, more) as place, closing(place.connection()) as connection:
        assert timers_of(connection) == (1, 77, PROBE_SECONDS, 9, 4_000)
    with by_tcp(ledger, "&keepalives=0") as place, closing(place.connection()) as connection:
        assert timers_of(connection)[0] == 0


@pytest.mark.parametrize(
    "url",
    [
        HERE,
        f"{HERE}?sslmode=disable",
        "postgresql:///?host=/run/here",
        "postgresql://someone:a?b@there/books",
        "postgresql://one,other:5433/books?target_session_attrs=read-write",
    ],
)
def test_nothing_else_of_an_address_changes(url: str) -> None:
    assert conninfo_to_dict(watched(url)) == {**conninfo_to_dict(url), **WATCHED}
    assert watched(watched(url)) == watched(url)


def test_what_a_service_or_the_environment_says_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(f"{HERE}?service=books") == f"{HERE}?service=books"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    assert "connect_timeout" not in conninfo_to_dict(watched(HERE))
    monkeypatch.setenv("PGSERVICE", "books")
    assert watched(HERE) == HERE


def test_settings_with_an_address_lead_to_a_place_that_is_watched() -> None:
    environ = {"STRATEGY_LEDGER_DATABASE_URL": HERE, "STRATEGY_LEDGER_MIGRATE_URL": f"{HERE}?user=owner"}
    place = Place(load_settings(environ), None)
    for url in (place.application_url, place.owner_url):
        assert conninfo_to_dict(url).items() >= WATCHED.items()
    assert not place.same_login
