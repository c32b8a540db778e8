"""Exporting the record: how fast the native lines leave, and how much memory that takes."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from bench.figures import Measure, measure
from bench.house import seconds
from ledger.store import Ledger

_LOOK_EVERY = 10_000
_MEGABYTE = 1 << 20


def exporting(ledger: Ledger, *, entries: int, rounds: int) -> list[Measure]:
    """Measure the export of a ledger as the command line writes it, and the most memory it takes beyond the start."""
    rates, grown, size = [], [], 0
    process = psutil.Process()
    for _ in range(rounds):
        before = most = process.memory_info().rss
        size = 0

        def work() -> None:
            nonlocal most, size
            with Path(os.devnull).open("wb") as nowhere:
                for place, line in enumerate(ledger.export()):
                    nowhere.write(line)
                    size += len(line)
                    if place % _LOOK_EVERY == 0:
                        most = max(most, process.memory_info().rss)

        rates.append(entries / seconds(work))
        grown.append((most - before) / _MEGABYTE)
    note = f"{entries:,} entries, {size / _MEGABYTE:,.0f} MB of native lines"
    return [measure("export_rate", rates, note), measure("export_memory", grown)]
