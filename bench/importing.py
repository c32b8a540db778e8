"""Importing a table of many rows through the rules: the rate of its entries, and how memory grows with its length."""

from __future__ import annotations

import csv
import multiprocessing
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from aggregates.importing.profiles import PROFILES
from api.imports.asked import Ask
from api.imports.table_import import import_table
from api.imports.table_report import TableReport
from api.imports.tables.reading import TableFile
from bench.figures import Measure, measure
from bench.host import Worked, rate_of_processor, worked
from bench.house import room
from ledger.lifecycle import initialise
from ledger.settings import Settings
from ledger.store import Ledger

PER_OBJECTIVE = 5
PEOPLE = 40
HEAD = ("Objective ID", "Objective", "Key Result", "Owner", "Baseline", "Target", "Current")
_LOOK_EVERY = 0.05
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Run:
    """One import in a process of its own: its entries, what it took, and the most memory that process held."""

    entries: int
    done: Worked
    most: float


def importing_csv(settings: Settings, *, rows: int) -> list[Measure]:
    """Measure the import of a table with its people, and how much memory it takes beyond what a fifth of it takes."""
    with room(settings, "csv") as own:
        by = f"person:{initialise(own, 'Bench', 'Europe/Oslo', steward_name='Steward').steward}"
        few, many = (_run(own, by, name, count) for name, count in (("few", rows // 5), ("many", rows)))
    note = f"{many.entries:,} entries of {rows:,} rows, read, compared and recorded with people and lines, one round"
    held = (
        f"a process held at most {few.most:.0f} MB during the import of {rows // 5:,} rows, another {many.most:.0f} MB "
        f"during that of {rows:,}"
    )
    by_processor = rate_of_processor(many.entries, many.done)
    return [
        measure("csv_import", [many.entries / many.done.passed], note),
        *([measure("csv_processor", by_processor)] if by_processor else []),
        measure("csv_memory", [many.most - few.most], held),
    ]


def _run(settings: Settings, by: str, name: str, rows: int) -> _Run:
    """Import a table in a process that did nothing before, and look at its memory meanwhile."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_imports, args=(theirs, settings, by, name, rows)
    )
    process.start()
    theirs.close()
    looked, most = psutil.Process(process.pid), 0
    while not ours.poll(_LOOK_EVERY):
        most = max(most, looked.memory_info().rss)
    entries, done = ours.recv()
    process.join()
    return _Run(entries, done, most / _MEGABYTE)


def _imports(answer: Connection, settings: Settings, by: str, name: str, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Ledger.open(settings) as ledger:
        table = _table(Path(folder), rows)
        reports: list[TableReport] = []
        done = worked(lambda: reports.append(_import(ledger, table, by, name)), settings)
    answer.send((reports[0].entries, done))


def _table(folder: Path, rows: int) -> Path:
    path = folder / f"rows-{rows}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(HEAD)
        for number in range(rows):
            home = number // PER_OBJECTIVE
            owner = f"person{home % PEOPLE}@example.org"
            out.writerow(
                [f"O-{home}", f"Objective number {home} of the year", f"Key result {number}", owner, number % 7,
                 100 + number % 50, 8 + number % 90]
            )  # fmt: skip
    return path


def _import(ledger: Ledger, path: Path, by: str, cycle: str) -> TableReport:
    day = ledger.head().now.date()
    ask = Ask(
        cycle=f"{cycle}={day.replace(month=1, day=1)}..{day.replace(month=12, day=31)}", create_people=True,
        objective_owner="first", source=cycle,
    )  # fmt: skip
    report = import_table(ledger, TableFile(path, "csv", PROFILES["table"]), ask, by=by)
    if report.refused:
        raise RuntimeError(f"{report.refused} rows were refused; the first: {report.rows[0].sentence()}")
    return report
