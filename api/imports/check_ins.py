"""The check-ins of a tracker: each row becomes a value and a confidence of its day, in the order of the days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from aggregates.importing.cells import is_blank
from aggregates.importing.comparing import Change, Frame
from aggregates.importing.header import plain
from aggregates.importing.merging import Merging
from aggregates.importing.profile import CheckInTab, ColumnOf, Profile
from aggregates.importing.reader import RowReader
from aggregates.importing.rows import CheckInRow, KeyResultRow, RawRow, RefusedRow
from aggregates.snapshots.page import Fault
from aggregates.values import day_of, end_of_day, start_of_day
from api.imports.days import Days
from api.imports.owners import OwnersOf
from api.imports.table_report import RowReport, TableReport, of_fault
from api.imports.table_run import RowOrder, name_of
from api.imports.tables.faults import TableCannotBeRead
from api.imports.tables.reading import TableFile, format_of
from api.imports.tables.xlsx_rows import tabs_of
from ledger.store import Ledger

MOST_CHECK_INS = 200_000
"""Check-ins of one file; they are sorted by day, so they are held together."""
NEEDED: tuple[ColumnOf, ...] = ("key_result", "on")


def check_ins_of(table: TableFile, tab: CheckInTab) -> TableFile:
    """Return the table of check-ins in a file whose rows are read as `tab` says."""
    told = table.profile.model_dump(
        exclude={"columns", "check_ins", "only", "keep", "tab", "layout", "header"}
    )
    profile = Profile.model_validate({**told, "columns": tab.columns})
    return TableFile(table.path, table.format, profile, tab.tab, NEEDED)


def beside(table: TableFile, given: Any) -> TableFile | None:
    """Return the check-ins beside a table: the file that was given, else the workbook's own tab where it has one."""
    tab = table.profile.check_ins
    if tab is None:
        if given is not None:
            raise TableCannotBeRead(f"The profile {table.profile.name!r} says nothing of check-ins.")
        return None
    if given is not None:
        return check_ins_of(TableFile(given, format_of(given), table.profile), tab)
    if table.format != "xlsx":
        return None
    there = any(name.strip().casefold() == tab.tab.casefold() for name in tabs_of(table.path))
    return check_ins_of(table, tab) if there else None


class CheckIns:
    """The check-ins of one import, read and in order; those that cannot be read are kept as refused rows."""

    def __init__(self, ledger: Ledger, table: TableFile, days: Days) -> None:
        self._ledger, self._days = ledger, days
        self._rows: list[CheckInRow] = []
        self._refused: list[RefusedRow] = []
        self._titles: dict[str, dict[str, str]] = {}
        """The title of a key result to the objectives that have one of this title, each with its key."""
        self._table = table
        header, writing = table.header(), table.profile.writing()
        self._column, self._notes = header.name("key_result"), header.name("notes")
        for raw in table.rows():
            if all(is_blank(cell) for cell in raw.cells):
                continue
            reader = RowReader(raw, header, table.profile, writing)
            row = _read(reader, raw)
            if row is None:
                self._refused.append(RefusedRow(raw.line, tuple(reader.faults)))
            else:
                self._rows.append(row)
            if len(self._rows) > MOST_CHECK_INS:
                raise TableCannotBeRead(
                    f"{table.path.name} has more than {MOST_CHECK_INS:,} check-ins; split it."
                )
        self._rows.sort(key=lambda row: (row.on, row.line))

    def first(self, at: datetime) -> datetime:
        """Return the instant from which the items have left a trace: the first check-in of the cycle, at most `at`."""
        day = next((row.on for row in self._rows if self._days.start <= row.on <= self._days.end), None)
        return at if day is None else min(at, start_of_day(day, self._ledger.zone))

    def knows(self, row: KeyResultRow) -> None:
        """Take note of a key result that check-ins may name."""
        self._titles.setdefault(plain(row.title), {})[row.objective] = row.key

    def orders(
        self, frame: Frame, report: TableReport, owners: OwnersOf, *, dry_run: bool
    ) -> Iterator[RowOrder]:
        """Give one order for each check-in; what is refused or outside the cycle is reported."""
        for refused in self._refused:
            report.say([self._told(fault) for fault in refused.faults])
        seen: dict[tuple[str, str | None, Any], int] = {}
        today = day_of(frame.at, self._ledger.zone)
        for row in self._rows:
            faults = self._faults(row, seen, today)
            if faults:
                report.say([self._told(fault) for fault in faults])
                continue
            if not frame.holds(row.on):
                why = f"a check-in of {row.on}, outside the cycle ({frame.starts_on} to {frame.ends_on}): not placed"
                report.say(
                    [RowReport("left out", row.line, found=row.key_result, code="not_placed", reason=why)]
                )
                continue
            self._say_lost_notes(row, owners, report)
            yield RowOrder(
                row.line, name_of("check-in", row), self._changes(row, frame, owners, dry_run=dry_run)
            )

    def _told(self, fault: Fault) -> RowReport:
        """Return a fault with the name of the tab, whose lines are not those of the other tab."""
        return replace(of_fault(fault), column=f"{self._table.tab}: {fault.column}")

    def _faults(
        self, row: CheckInRow, seen: dict[tuple[str, str | None, Any], int], today: Any
    ) -> list[Fault]:
        """Return everything that is wrong with a check-in."""
        homes = self._titles.get(plain(row.key_result), {})
        first = seen.setdefault((plain(row.key_result), row.objective, row.on), row.line)
        told: list[tuple[str, str, str]] = []
        if row.on > today:
            what = f"{row.on} had not come yet on the day of the table."
            told.append(("day_lies_in_the_future", what, "Correct the day."))
        if first != row.line:
            what = f"A check-in of {row.on} already stands on line {first}."
            told.append(("row_is_repeated", what, "Keep one of the two."))
        if not homes:
            what = "No row that was taken over has this key result."
            told.append(("key_result_is_unknown", what, "Write it as the other tab does."))
        elif self._home(row) is None:
            what = f"{len(homes)} objectives have a key result of this title."
            told.append(("key_result_is_doubtful", what, "Add a column Objective to the check-ins."))
        return [Fault(row.line, self._column, row.key_result, *one) for one in told]

    def _say_lost_notes(self, row: CheckInRow, owners: OwnersOf, report: TableReport) -> None:
        """List notes that nobody in this ledger wrote: personal text is sealed with its author's key, or not kept."""
        why = owners.unknown(row.owners) if row.owners else None
        if not row.notes or (row.owners and why is None):
            return
        column = f"{self._table.tab}: {self._notes}"
        told = f"notes of nobody whom this ledger knows ({' & '.join(row.owners) or 'no owner is named'}): not placed"
        report.say([RowReport("left out", row.line, column, code="not_placed", reason=told)], count=False)

    def _home(self, row: CheckInRow) -> tuple[str, str] | None:
        homes = self._titles[plain(row.key_result)]
        if row.objective is not None:
            key = homes.get(plain(row.objective))
            return None if key is None else (plain(row.objective), key)
        return next(iter(homes.items())) if len(homes) == 1 else None

    def _changes(
        self, row: CheckInRow, frame: Frame, owners: OwnersOf, *, dry_run: bool
    ) -> Callable[[Merging], Iterator[Change]]:
        home = self._home(row)
        assert home is not None  # noqa: S101 (a row without a home is a fault)
        objective, key_result = frame.identity("objective", home[0]), frame.identity("key_result", home[1])
        at = min(end_of_day(row.on, self._ledger.zone), frame.at)
        author = owners.person(row.owners) if row.owners and row.notes else None

        def changes(merging: Merging) -> Iterator[Change]:
            sealed = None
            if row.notes and author is not None and not dry_run:
                sealed = self._ledger.keys.seal(author, row.notes)
            yield from merging.check_in(row, objective, key_result, at, sealed)

        return changes


def _read(reader: RowReader, raw: RawRow) -> CheckInRow | None:
    title, on = reader.line("key_result"), reader.day("on")
    if title is None and is_blank(reader.cell("key_result")):
        reader.missing("key_result", "This check-in names no key result.", "Write it as the other tab does.")
    if on is None and is_blank(reader.cell("on")):
        reader.missing("on", "This check-in has no day.", "Write it as 2026-07-01.")
    value: Decimal | None = reader.number("value")
    confidence = reader.confidence()
    said = reader.word("said", reader.profile.said)
    objective, notes, owners = reader.line("objective"), reader.text("notes"), reader.owners("owner")
    if value is None and confidence is None and said is None and not reader.faults:
        reader.missing(
            "value",
            "This check-in says neither a value nor a confidence.",
            "Write one, or leave the row out.",
        )
    if reader.faults or title is None or on is None:
        return None
    told = None if said == "nothing" else said
    return CheckInRow(
        raw.line, title, objective, on, value, confidence, told, notes, owners, tuple(reader.doubts)
    )
