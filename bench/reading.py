"""The board of a cycle at other bases than the present, on a large ledger and on one that is its beginning.

A board is the complete answer of `Reader.ask`: the queries and the completion by the policy, without HTTP.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from aggregates.policy import DEFAULT_POLICY
from aggregates.reading.board import complete_board
from bench.company import WEEKS, Quarter
from bench.figures import Measure, measure, worst
from ledger.store import Ledger
from projections import board
from replay.engine import Engine
from replay.questions import BoardOf, Reader

Times = list[float]


@dataclass(frozen=True, slots=True)
class Asked:
    """Readers of the large and the small ledger, and the cycles asked about: the large one's last, and one of both."""

    large: Reader
    small: Reader
    last: Quarter
    shared: Quarter


def boards(
    large: Ledger, engine: Engine, small: Ledger, last: Quarter, shared: Quarter, *, rounds: int
) -> list[Measure]:
    """Measure the board at every kind of basis, the bases taking turns.

    `last` is the last complete cycle of the large ledger, `shared` that of the small one, which both hold.
    """
    asked = Asked(Reader(large, engine), Reader(small, Engine(small)), last, shared)
    times = _turns(_bases(asked), rounds)
    present, first = times["present"], times["shared present"]
    past = {
        **{f"{one} in the last cycle": _by(times[one], present) for one in ("committed", "middle", "ended")},
        **{
            f"{one} in an early cycle": _by(times[f"shared {one}"], first)
            for one in ("committed", "middle", "ended")
        },
    }
    day = {
        "at the last position": _by(times["day"], present),
        "at a past position": _by(times["day then"], present),
        "in an early cycle": _by(times["shared day"], first),
    }
    parts = _parts(large, engine, last, rounds)
    size = f"{len(asked.large.ask(BoardOf(last.key)).body['objectives']):,} objectives"
    return [
        measure(
            "present", [one * 1000 for one in present], f"{size}; of the large ledger's last complete cycle"
        ),
        measure(
            "present_query", [one * 1000 for one in parts[0]], "the states of the cycle from the projections"
        ),
        measure(
            "present_completion", [one * 1000 for one in parts[1]], "progress, status and roll-up in Python"
        ),
        worst("past", past),
        worst(
            "growth",
            {one: _by(times[f"shared {one}"], times[f"small {one}"]) for one in ("middle", "ended", "day")},
        ),
        measure("growth_present", _by(first, times["small present"]), "the same cycle on both"),
        worst("effective", day),
    ]


def _bases(asked: Asked) -> dict[str, Callable[[], Any]]:
    """Return each basis by its name; those of the shared cycle are asked of both ledgers."""

    def ask(
        reader: Reader, quarter: Quarter, *, as_of: str | None = None, effective_at: str | None = None
    ) -> Callable[[], Any]:
        return lambda: reader.ask(BoardOf(quarter.key), as_of=as_of, effective_at=effective_at)

    found: dict[str, Callable[[], Any]] = {}
    last = asked.last
    for name, reader, quarter in (
        ("", asked.large, asked.last),
        ("shared ", asked.large, asked.shared),
        ("small ", asked.small, asked.shared),
    ):
        day = quarter.day(WEEKS // 2).isoformat()
        found[f"{name}present"] = ask(reader, quarter)
        for mark in ("middle", "ended") if reader is asked.small else ("committed", "middle", "ended"):
            found[f"{name}{mark}"] = ask(reader, quarter, as_of=str(quarter.marks[mark]))
        found[f"{name}day"] = ask(reader, quarter, effective_at=day)
    found["day then"] = ask(
        asked.large, last, as_of=str(last.marks["ended"]), effective_at=last.day(WEEKS // 2).isoformat()
    )
    return found


def _turns(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Times]:
    """Return the seconds of each piece of work in each round, after one round that is not counted."""
    times: dict[str, Times] = {name: [] for name in works}
    gc.collect()
    gc.freeze()
    for number in range(rounds + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            if number:
                times[name].append(time.perf_counter() - begin)
    gc.unfreeze()
    return times


def _by(times: Times, others: Times) -> Times:
    """Return ratios to the median of the others: one board takes too short for ratios of single pairs."""
    one = median(others)
    return [each / one for each in times]


def _parts(ledger: Ledger, engine: Engine, quarter: Quarter, rounds: int) -> tuple[Times, Times]:
    """Return the seconds of the queries of the present board, and of its completion."""
    day = quarter.ends_on
    with engine.reading() as reading:

        def query() -> Any:
            return board.states_at_position(
                reading.connection, reading.generation, quarter.key, reading.position
            )

        states = query()

        def complete() -> Any:
            return complete_board(states, policy=DEFAULT_POLICY, policy_version=1, day=day, zone=ledger.zone)

        times = _turns({"query": query, "completion": complete}, rounds)
    return times["query"], times["completion"]
