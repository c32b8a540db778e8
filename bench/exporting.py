"""Exporting the record: how fast the native lines leave, and how much memory that takes."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from bench.figures import Measure, measure
from bench.host import rate_of_processor, worked
from bench.house import Laps
from ledger.store import Ledger

ROUNDS = 10
_LOOK_EVERY = 10_000
_MEGABYTE = 1 << 20


def exporting(ledger: Ledger, *, entries: int) -> list[Measure]:
    """Measure the export of a ledger as the command line writes it, each tenth of its entries a round, and the most
    memory it takes beyond the start."""
    process, laps = psutil.Process(), Laps(entries // ROUNDS)
    before = most = process.memory_info().rss
    size = 0

    def work() -> None:
        nonlocal most, size
        laps.begin()
        with Path(os.devnull).open("wb") as nowhere:
            for position, line in enumerate(ledger.export(), 1):
                nowhere.write(line)
                size += len(line)
                if position % _LOOK_EVERY == 0:
                    most = max(most, process.memory_info().rss)
                    laps.reached(position)

    by_processor = rate_of_processor(entries, worked(work, ledger.settings))
    note = (
        f"{entries:,} entries, {size / _MEGABYTE:,.0f} MB of native lines in one run, "
        f"each {entries // ROUNDS:,} entries a round"
    )
    return [
        measure("export_rate", laps.rates, note),
        *([measure("export_processor", by_processor)] if by_processor else []),
        measure("export_memory", [(most - before) / _MEGABYTE]),
    ]
