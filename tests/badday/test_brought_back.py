"""A database that is brought back to an earlier moment under a process which goes on running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from aggregates.entry import Occasion, Recorded
from aggregates.refusals import LiesInTheFuture
from aggregates.team.events import TeamFormed
from ledger.appends import Appended
from ledger.embedded import EmbeddedServer
from ledger.execute import Order
from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from tests.laws.shelf import Shelf
from tests.ledger.helpers import forming, team_of
from tests.waiting import end_sessions, until


@pytest.mark.parametrize("swapped", ["before it decides", "while it decides"])
def test_who_outlives_a_restore_of_the_database_decides_on_what_is_there_now(
    own_shelf: Shelf, tmp_path: Path, swapped: str
) -> None:
    """Given a process that knows a team and the position at which it was formed, when the server is brought back to
    the moment before, and somebody else records another entry at that very position, then the process sees, at the
    latest when it records, that there is no such team: what it knew was heard from a server that is gone."""
    with own_shelf.company() as (book, company):
        ledger, steward, data = book.ledger, f"person:{company.steward}", book.settings.data_dir
        base = tmp_path / "base"
        _stop(data)
        _copy(data / "postgres", base)
        with EmbeddedServer.start(data):
            _connected(ledger)
            team, seen = ledger.new_id(), list[bool]()
            formed = ledger.execute("Formed, and lost", forming(team), by=steward)

            def swap() -> None:
                _stop(data)
                shutil.rmtree(data / "postgres")
                _copy(base, data / "postgres")
                EmbeddedServer.start(data).stop()  # who had joined it before finds it again
                with Ledger.open(book.settings) as other:
                    again = other.execute("Another past", forming(ledger.new_id()), by=steward)
                assert again.position == formed.position
                _connected(ledger)

            def decide(world: Any, command: str, _: Occasion) -> list[Recorded]:
                seen.append(world.team(team) is not None)
                if swapped == "while it decides" and len(seen) == 1:
                    swap()
                return [Recorded(team_of(ledger.new_id()), TeamFormed(name=command))]

            if swapped == "before it decides":
                swap()
            receipt = ledger.execute("On what is there", decide, by=steward)
            assert seen[-1] is False
            assert receipt.position == formed.position + 1


@pytest.mark.parametrize(
    "way", ["between two", "while one decides", "as one is recorded", "in a group", "at a refusal"]
)
def test_who_outlives_a_schema_that_was_dropped_and_restored_hears_that_it_is_another(
    ledger: Ledger, settings: Settings, steward: str, way: str
) -> None:
    """Given a process that knows a team, when its connections are ended, the schema is dropped and restored from before
    on a server that goes on running, and somebody else gives the team another name, then the process decides on that
    one, although the team has the version and the ledger the position that it knew."""
    lines, team, new = list(ledger.export()), ledger.new_id(), ledger.new_id()
    formed = ledger.execute("Formed, and lost", forming(team), by=steward)
    seen = list[str]()

    def swap() -> None:
        end_sessions(ledger.place)
        with psycopg.connect(ledger.place.owner_url, autocommit=True) as connection:
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(settings.schema)))
        restore(settings, lines)
        end_sessions(ledger.place)  # those too that the pool began in between
        with Ledger.open(settings) as other:
            assert other.execute("Another past", forming(team), by=steward).position == formed.position
        if way != "as one is recorded":
            _connected(ledger)

    def decide(world: Any, command: str, _: Occasion) -> list[Recorded]:
        assert world.team(new) is None
        seen.append(world.team(team).name.now)
        if way != "between two" and len(seen) == 1:
            swap()
        if way == "at a refusal":
            raise LiesInTheFuture
        return [Recorded(team_of(new), TeamFormed(name=command))]

    if way == "between two":
        swap()
    if way == "in a group":
        assert len(list(ledger.execute_many([Order("On what is there", steward)], decide))) == 1
    elif way == "at a refusal":
        ledger._executor.states.forget([])  # so that it looks before it decides
        with pytest.raises(LiesInTheFuture):
            ledger.execute("On what is there", decide, by=steward)
    else:
        ledger.execute("On what is there", decide, by=steward)
    assert seen[-1] == "Another past"
    assert ledger.head().position == formed.position + (way != "at a refusal")


def test_what_was_appended_before_everything_was_dropped_is_not_followed_after_it(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an append whose answer is there, when the ledger turns out to end before it and only then it is followed,
    then the next entry at its place is one that nobody has followed yet."""
    states, put = ledger._executor.states, ledger._application.put

    def answered_late(*told: Any, **more: Any) -> Appended:
        appended = put(*told, **more)
        states.begin_anew()
        states.refresh()
        states.position = appended.position - 1  # as a ledger says that was brought back
        return appended

    monkeypatch.setattr(ledger._application, "put", answered_late)
    receipt = ledger.execute("Formed, and lost", forming(ledger.new_id()), by=steward)
    assert states.position == receipt.position - 1


def _stop(data: Path) -> None:
    process = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGINT)
    until(lambda: not (data / "postgres" / "postmaster.pid").exists())


def _copy(one: Path, other: Path) -> None:
    subprocess.run(["cp", "-a", str(one), str(other)], check=True)


def _connected(ledger: Ledger) -> None:
    """Wait until the ledger's own pool has a connection to the server that runs now."""
    until(lambda: _answers(ledger.head))


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except psycopg.Error:
        return False
    return True
