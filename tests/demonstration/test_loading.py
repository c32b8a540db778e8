"""The demonstration's ledger: made, found again, made anew when stale, never the user's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from api.demonstration import loading
from api.demonstration.loading import load, settings_of, token_file_of
from api.demonstration.people import ZONE
from ledger.demonstration import IsNoDemonstration, discard
from ledger.lifecycle import initialise
from ledger.migrate import MigrationError, migrate
from ledger.place import Place
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.verify import verify
from tests.cli.conftest import CommandLine
from tests.conftest import drop
from tests.waiting import PATIENCE, day_that_lasts_at


@pytest.fixture
def place(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Where the demonstration of this test goes: the tests' server, a schema of its own, a key file of its own."""
    settings = new_settings()
    a_day_that_lasts(settings)
    own = replace(settings, master_key=None, master_key_file=settings.data_dir / f"{settings.schema}.key")
    yield own
    own.master_key_file.unlink(missing_ok=True)


def a_day_that_lasts(settings: Settings) -> None:
    """Wait out the end of a day: a demonstration is of the day on which it was made."""
    with Place.open(settings) as where:
        day_that_lasts_at(where.owner_url, ZoneInfo(ZONE), 300)


def test_it_is_made_once_found_again_and_renewed_when_stale(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = load(place)
    assert made.made > 7_000
    assert not made.renewed
    with Ledger.open(place) as ledger:
        head, first = ledger.head(), ledger.identifier
        assert head.recorded_at is not None
        assert head.recorded_at < head.now
        assert ledger.restored()["demonstration"] is True  # type: ignore[index]
        kept = token_file_of(ledger, place)
        token = kept.read_text(encoding="ascii").strip()
        assert ledger.tokens.actor_of(token) is not None
        assert kept.stat().st_mode & 0o077 == 0
        assert token_file_of(ledger, place).read_text(encoding="ascii").strip() == token
        engine = Engine(ledger)
        engine.catch_up()
        assert verify(ledger, pairs=2, engine=engine).difference is None
    assert load(place).made == 0

    monkeypatch.setattr(loading, "STALE_AFTER", timedelta(0))
    renewed = load(place)
    assert renewed.renewed
    with Ledger.open(place) as ledger:
        assert ledger.head().position == renewed.made
        assert ledger.identifier == first  # of the same day


def test_a_ledger_of_somebody_is_kept(place: Settings) -> None:
    initialise(place, "Somebody's", "UTC", steward_name="Ada")
    with pytest.raises(IsNoDemonstration):
        load(place)
    with pytest.raises(IsNoDemonstration):
        discard(place)
    with Ledger.open(place) as ledger:
        assert ledger.head().position == 4


def test_what_was_broken_off_by_another_release_is_thrown_away(place: Settings) -> None:
    """Given a schema without an entry whose migrations are another release's, then nothing in it has to be kept."""
    migrate(place)
    with Place.open(place) as where, where.as_owner() as owner:
        owner.execute("update migrations set digest = 'another' where number = 5")
        owner.commit()
    with pytest.raises(MigrationError):
        migrate(place)
    discard(place)
    assert migrate(place) is not None


def test_its_place_is_never_that_of_the_users_ledger(settings: Settings) -> None:
    own = settings_of(settings)
    assert own.schema != settings.schema
    assert own.data_dir != settings.data_dir
    assert own.master_key_file != settings.master_key_file
    assert own.master_key is None


def test_demo_prints_the_history_test_twice_in_a_row(
    server_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SCHEMA", f"demo{os.getpid()}")  # the server may be shared
    line = CommandLine({**server_environ, "STRATEGY_LEDGER_TOKEN": ""})
    own = settings_of(loading_settings(line.environ))
    a_day_that_lasts(own)
    try:
        first = line("demo", "--no-serve")
        again = line("demo", "--no-serve")
        assert (first.code, again.code) == (0, 0), first.err + again.err
        assert "entries generated through the rules and restored" in first.err
        assert "already there" in again.err
        for words in (
            "committed",
            "▽ softer",
            "△ harder",
            "ratified",
            "findings",
            "against line 2",
            "Needs attention",
        ):
            assert words in first.out, words
        assert "<" not in first.out
    finally:
        drop(own)


def loading_settings(environ: dict[str, str]) -> Settings:
    from ledger.settings import load_settings

    return load_settings(environ)


def test_serve_answers_the_same_bytes_and_ends_without_a_complaint(season: CommandLine) -> None:
    program = "from api.cli import main; import sys; sys.argv[1:] = ['serve', '--port', '0']; main()"
    server = subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        env={**os.environ, **season.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert said.startswith("Answering at http://127.0.0.1:"), server.communicate()[1]
        address = said.split()[2]
        asked = urllib.request.Request(
            f"{address}/v1/cycles/spring/board",
            headers={"Authorization": f"Bearer {season.environ['STRATEGY_LEDGER_TOKEN']}"},
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            body = answer.read()
        assert season("board", "spring", "--json").out.encode() == body + b"\n"
    finally:
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
    assert [line.split(maxsplit=3)[1:3] for line in err.splitlines()] == [
        ["info", "warmed"],
        ["info", "answering"],
        ["info", "answered"],
        ["info", "ended"],
    ]
