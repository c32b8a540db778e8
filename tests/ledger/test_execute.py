"""A command becomes entries: load, decide, append, and again when others were faster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.refusals import TeamIsUnknown
from aggregates.team.events import TeamFormed, TeamRenamed
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of
from tests.waiting import PATIENCE


@pytest.fixture
def another(ledger: Ledger) -> Iterator[Ledger]:
    """Another program on the same ledger, with states of its own."""
    with Ledger.open(ledger.settings) as opened:
        yield opened


def form(name: str):
    team = Ledger.new_id()

    def decide(world, command, occasion):
        assert world.team(team) is None
        return [Recorded(stream_of("team", team), TeamFormed(name=command))]

    return team, decide


def test_a_command_is_recorded(ledger: Ledger, steward: str) -> None:
    team, decide = form("Platform")
    receipt = ledger.execute("Platform", decide, by=steward)
    assert (receipt.first_position, receipt.position) == (5, 5)
    assert receipt.streams == {f"team:{team}": 1}
    raw = ledger.entry(5)
    assert raw is not None
    assert raw.recorded_at == receipt.recorded_at
    assert [one.position for one in ledger.read_page(0, 100)] == [1, 2, 3, 4, 5]
    assert isinstance(ledger.identifier, UUID)


def test_a_command_that_follows_another_is_one_round_trip(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a command a moment ago, when the next one comes, then the ledger is not looked at before its append."""
    monkeypatch.setattr("ledger.states.GOOD_FOR", PATIENCE)
    team, decide = form("Platform")
    ledger.execute("Platform", decide, by=steward)
    monkeypatch.setattr(ledger._executor.states, "_refresh", lambda: pytest.fail("it was looked at"))
    receipt = ledger.execute("Core", forming(team), by=steward)
    assert receipt.streams == {team_of(team): 2}


def test_what_another_program_recorded_a_moment_ago_is_seen_by_who_would_refuse(
    ledger: Ledger, another: Ledger, steward: str
) -> None:
    team = another.new_id()

    def rename(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        if world.team(team) is None:
            raise TeamIsUnknown("There is no such team.")
        return [Recorded(team_of(team), TeamRenamed(name=command))]

    with pytest.raises(TeamIsUnknown):
        ledger.execute("Core", rename, by=steward)
    another.execute("Platform", forming(team), by=steward)
    assert ledger.execute("Core", rename, by=steward).streams == {team_of(team): 2}


def test_what_another_program_recorded_a_moment_ago_is_seen_by_who_would_do_nothing(
    ledger: Ledger, another: Ledger, steward: str
) -> None:
    team = ledger.new_id()

    def name(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        state = world.team(team)
        return [] if state.name.now == command else [Recorded(team_of(team), TeamRenamed(name=command))]

    ledger.execute("Platform", forming(team), by=steward)
    assert ledger.execute("Platform", name, by=steward).names == ()
    another.execute("Core", forming(team), by=steward)
    assert ledger.execute("Platform", name, by=steward).streams == {team_of(team): 3}


def test_what_another_program_recorded_a_moment_ago_is_not_overwritten(
    ledger: Ledger, another: Ledger, steward: str
) -> None:
    """Given two programs that rename one team in turn, then each name follows the one before it."""
    team, seen = ledger.new_id(), []

    def name(world: Any, command: str, occasion: Occasion) -> list[Recorded]:
        seen.append(world.team(team).name.now)
        return [Recorded(team_of(team), TeamRenamed(name=command))]

    ledger.execute("0", forming(team), by=steward)
    for number in range(1, 5):
        (another if number % 2 else ledger).execute(str(number), name, by=steward)
    assert seen[-1] == "3"
    assert [entry.version for entry in ledger.read_stream(team_of(team))] == [1, 2, 3, 4, 5]
