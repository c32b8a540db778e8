"""Importing a table of many rows through the rules: the rate of its entries, and how memory grows with its length."""

from __future__ import annotations

import csv
import resource
import tempfile
from pathlib import Path

from aggregates.importing.profiles import PROFILES
from api.imports.asked import Ask
from api.imports.table_import import import_table
from api.imports.table_report import TableReport
from api.imports.tables.reading import TableFile
from bench.figures import Measure, measure
from bench.house import room, seconds
from ledger.lifecycle import initialise
from ledger.settings import Settings
from ledger.store import Ledger

PER_OBJECTIVE = 5
PEOPLE = 40
HEAD = ("Objective ID", "Objective", "Key Result", "Owner", "Baseline", "Target", "Current")


def importing_csv(settings: Settings, *, rows: int) -> list[Measure]:
    """Measure the import of a table with its people, and by how much the process grows over an import of a fifth."""
    with tempfile.TemporaryDirectory() as folder, room(settings, "csv") as own:
        created = initialise(own, "Bench", "Europe/Oslo", steward_name="Steward")
        by = f"person:{created.steward}"
        with Ledger.open(own) as ledger:
            _import(ledger, _table(Path(folder), rows // 5), by, "few")
            before = _most()
            table = _table(Path(folder), rows)
            reports: list[TableReport] = []
            passed = seconds(lambda: reports.append(_import(ledger, table, by, "many")))
            grown = _most() - before
    entries = reports[0].entries
    note = (
        f"{entries:,} entries of {rows:,} rows, read, compared and recorded with their people and lines, one round; "
        f"the process held {before:.0f} MB after {rows // 5:,} rows and at most {grown:.0f} MB more during {rows:,}"
    )
    return [measure("csv_import", [entries / passed], note)]


def _most() -> float:
    """Return the most memory that this process has held so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
