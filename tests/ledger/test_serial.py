"""Every command stands where it was decided: what it saw is what was there just before its entries."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.refusals import Refusal
from aggregates.team.events import TeamFormed, TeamRenamed
from ledger.errors import StaleVersion, TooMuchContention
from ledger.execute import Order
from ledger.receipts import IdempotencyKey, Receipt
from ledger.settings import Settings, load_settings
from ledger.store import Ledger
from tests.waiting import PATIENCE

TEAMS = 5


class NotNow(Refusal):
    """The dice say no."""


@dataclass
class Told:
    """What one command was told, what it saw at last, and the ends of the ledger before and after it."""

    how: str
    saw: dict[int, int]
    before: int
    after: int
    receipt: tuple[int, int, datetime, bool] | None = None


def decide(world: Any, command: tuple[list[int], str, list[UUID], dict[int, int]], occasion: Occasion) -> Any:
    """Look at some teams; write what was seen on the first of them or on a new one, or do nothing, or refuse."""
    look, how, teams, saw = command
    saw.clear()
    for number in look:
        world.team(teams[number])
        saw[number] = world.version(stream_of("team", teams[number]))
    if how == "refuse":
        raise NotNow
    if how == "nothing":
        return []
    note = json.dumps(saw)
    if how == "new":
        return [Recorded(stream_of("team", Ledger.new_id()), TeamFormed(name=note))]
    return [
        Recorded(stream_of("team", teams[look[0]]), TeamRenamed(name=note)) for _ in range(1 + look[0] % 2)
    ]


def write(
    environ: Mapping[str, str], by: str, teams: list[UUID], seed: int, writers: int, commands: int
) -> list[Told]:
    """Send commands from several threads of one program and return what they were told."""
    with Ledger.open(load_settings(dict(environ))) as ledger:

        def one_writer(writer: int) -> list[Told]:
            dice, told = random.Random(f"{seed} {writer}"), []
            for number in range(commands):
                look = dice.sample(range(TEAMS), dice.choice([1, 1, 2, 3]))
                how = dice.choice(["write", "write", "new", "new", "new", "nothing", "refuse"])
                saw: dict[int, int] = {}
                command = (look, how, teams, saw)
                one = Told(how, saw, ledger.head().position, 0)
                key = IdempotencyKey(f"{seed} {writer} {number}") if dice.random() < 0.2 else None
                try:
                    if dice.random() < 0.2:
                        answer = next(ledger.execute_many([Order(command, by, idempotency=key)], decide))
                    else:
                        answer = ledger.execute(command, decide, by=by, idempotency=key)
                    if isinstance(answer, Receipt):
                        one.receipt = (
                            answer.first_position,
                            answer.position,
                            answer.recorded_at,
                            bool(answer.names),
                        )
                except (NotNow, TooMuchContention, StaleVersion) as refused:
                    one.how = type(refused).__name__
                one.after = ledger.head().position
                told.append(one)
            return told

        with ThreadPoolExecutor(writers) as threads:
            return [one for found in threads.map(one_writer, range(writers)) for one in found]


@pytest.mark.parametrize(("writers", "commands"), [(4, 40)])
def test_each_command_stands_where_it_was_decided(
    ledger: Ledger,
    steward: str,
    settings: Settings,
    server_environ: dict[str, str],
    writers: int,
    commands: int,
) -> None:
    """Given two programs with several writers on few streams, then each saw what was there just before its entries."""
    teams = [ledger.new_id() for _ in range(TEAMS)]
    ledger.append([Recorded(stream_of("team", team), TeamFormed(name="T")) for team in teams], by=steward)
    environ = {**server_environ, "STRATEGY_LEDGER_SCHEMA": settings.schema}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as programs:
        sent = [programs.submit(write, environ, steward, teams, seed, writers, commands) for seed in (1, 2)]
        told = [one for program in sent for one in program.result(PATIENCE)]

    entries = ledger.read_page(0, 10_000)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert all(a.recorded_at < b.recorded_at for a, b in pairwise(entries))
    numbers = {stream_of("team", team): number for number, team in enumerate(teams)}
    versions: dict[int, int] = dict.fromkeys(range(TEAMS), 0)
    there = [dict(versions)]  # the versions after each position
    for entry in entries:
        if entry.stream in numbers:
            assert entry.version == versions[numbers[entry.stream]] + 1
            versions[numbers[entry.stream]] = entry.version
        there.append(dict(versions))

    recorded: list[int] = []
    for one in told:
        if one.receipt is not None and one.receipt[3]:
            first, last, recorded_at, _ = one.receipt
            recorded += range(first, last + 1)
            assert entries[last - 1].recorded_at == recorded_at
            assert json.loads(json.loads(entries[first - 1].data)["body"]["name"]) == {
                str(number): version for number, version in one.saw.items()
            }
            assert {number: there[first - 1][number] for number in one.saw} == one.saw
        elif one.how != "TooMuchContention":
            assert any(
                {number: at[number] for number in one.saw} == one.saw
                for at in there[one.before : one.after + 1]
            ), one
    assert sorted(recorded) == list(range(5 + TEAMS, len(entries) + 1))
