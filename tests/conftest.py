"""What tests share: one server for all of them, and a fresh ledger in a schema of its own for each."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as effort
from psycopg import sql

from ledger.embedded import EmbeddedServer
from ledger.embedded.cluster import Notes
from ledger.lifecycle import Created, initialise
from ledger.place import Place
from ledger.settings import Settings, load_settings
from ledger.store import Ledger

effort.register_profile(
    "house",
    derandomize="LAWS_AT_RANDOM" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
effort.load_profile("house")  # the same examples in every run, however slow the machine is

_numbers = itertools.count(1)
TEST_MASTER_KEY = "c3RyYXRlZ3ktbGVkZ2VyLXRlc3QtbWFzdGVyLWtleSE="
"""The one named test key: base64 of 32 readable bytes, never used outside the tests."""


@pytest.fixture(scope="session")
def server_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the tests' server is: the environment's, else an embedded one that is kept running for the session."""
    named = {
        name: value
        for name, value in os.environ.items()
        if name in ("STRATEGY_LEDGER_DATABASE_URL", "STRATEGY_LEDGER_MIGRATE_URL") and value
    }
    directory = tmp_path_factory.mktemp("ledger")
    if os.geteuid() == 0:
        for path in [directory, *directory.parents]:
            if path.stat().st_uid == 0 and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
    environ = {
        "STRATEGY_LEDGER_DATA_DIR": str(directory),
        "STRATEGY_LEDGER_MASTER_KEY": TEST_MASTER_KEY,
        **named,
    }
    if named:
        yield environ
        return
    with EmbeddedServer.start(directory):
        yield environ
        end_at_once(directory)


def end_at_once(directory: Path) -> None:
    """End a server whose data nobody wants any more: in a moment, without writing down what it still holds."""
    notes = Notes.read(directory / "postgres")
    if notes is not None and notes.process is not None:
        with suppress(ProcessLookupError):
            os.kill(notes.process, signal.SIGQUIT)


@pytest.fixture
def new_settings(server_environ: dict[str, str]) -> Iterator[Callable[[], Settings]]:
    """Make settings for a schema that does not exist yet; whatever was made under them is dropped afterwards."""
    made: list[Settings] = []

    def make() -> Settings:
        schema = f"t{os.getpid()}_{next(_numbers)}"
        made.append(load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": schema}))
        return made[-1]

    yield make
    for settings in made:
        drop(settings)


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    """The settings of one schema that does not exist yet."""
    return new_settings()


@pytest.fixture
def created(settings: Settings) -> Created:
    """A ledger that was just created, in Berlin's time zone, with Ada as its steward."""
    return initialise(
        settings, "Example Works", "Europe/Berlin", steward_name="Ada Example", steward_handle="ada"
    )


@pytest.fixture
def ledger(settings: Settings, created: Created) -> Iterator[Ledger]:
    """An open ledger with four entries: created, policy adopted, steward joined, role granted."""
    with Ledger.open(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def untouched(server_environ: dict[str, str]) -> Iterator[Ledger]:
    """One such ledger for all tests of a module in which everything is refused; it ends as it began."""
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": f"t{os.getpid()}_{next(_numbers)}"})
    try:
        initialise(settings, "Example Works", "Europe/Berlin", steward_name="Ada Example")
        with Ledger.open(settings) as opened:
            before = list(opened.export())
            yield opened
            assert list(opened.export()) == before
    finally:
        drop(settings)


@pytest.fixture
def steward(created: Created) -> str:
    """The steward, as an actor."""
    return f"person:{created.steward}"


def drop(settings: Settings) -> None:
    """Remove a ledger's schema and roles."""
    with Place.open(settings) as place, psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(place.schema)))
        for role in (place.application_role, place.auditor_role, place.reader_role, place.owner_role):
            if connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
                superuser = connection.execute(
                    "select from pg_roles where rolname = current_user and rolsuper"
                )
                if not superuser.rowcount:
                    connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
                connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture(scope="session")
def data_of_the_project() -> Path:
    """The public data beside the project; tests that need it skip where it is absent."""
    path = Path(__file__).parent.parent.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("the public data is not beside the project")
    return path
