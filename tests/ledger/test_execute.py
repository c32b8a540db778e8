"""A command becomes entries: load, decide, append, and again when others were faster."""

from __future__ import annotations

from uuid import UUID

from aggregates.entry import Recorded, stream_of
from aggregates.team.events import TeamFormed
from ledger.store import Ledger


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
