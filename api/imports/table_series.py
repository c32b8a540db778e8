"""Dated exports of one tool become history: each version is compared with what the ledger has of the ones before.

What changed between two exports took effect at the later one, and not before the earlier one. What no longer stands
in an export is dropped or withdrawn, unless rows of that export could not be read: then an absence proves nothing.
Where the source has no identifiers, a row that was reworded is found again by the likeness of its title.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from aggregates.importing.comparing import Change
from aggregates.importing.layouts import SHAPERS
from aggregates.importing.merging import Merging
from aggregates.importing.rows import TableRow
from aggregates.snapshots.identity import identify
from aggregates.snapshots.matching import Item, judge_key_result, judge_objective
from aggregates.values import end_of_day
from api.imports.asked import Ask, cycle_of
from api.imports.check_ins import beside
from api.imports.days import Days
from api.imports.sources import SourceCannotBeRead
from api.imports.table_import import TableImport
from api.imports.table_report import TableReport
from api.imports.table_run import RowOrder
from api.imports.tables.reading import FORMATS, TableFile
from ledger.store import Ledger

_DAY = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")
MOST_VERSIONS = 500


@dataclass(frozen=True, slots=True)
class DatedFile:
    """One export and its day."""

    day: date
    path: Path


def is_dated_tables(place: Path) -> bool:
    """Return whether a folder holds tables whose names carry a day, and nothing that is read otherwise."""
    return place.is_dir() and any(
        path.suffix.casefold() in FORMATS and _DAY.search(path.stem)
        for path in place.iterdir()
        if path.is_file()
    )


def dated_files(place: Path, days: Path | None = None) -> list[DatedFile]:
    """Return the exports of a folder in the order of their days: by their names, or by a file of `file,day`.

    Raises SourceCannotBeRead for a file without a day, an impossible day, or two files of one day.
    """
    told = {} if days is None else _told(days)
    files: dict[date, DatedFile] = {}
    for path in sorted(place.iterdir()):
        if not path.is_file() or path.suffix.casefold() not in FORMATS or path == days:
            continue
        day = told.get(path.name) or _named_day(path)
        if day is None:
            raise SourceCannotBeRead(
                f"{path.name} carries no day such as 2026-07-05 in its name; rename it, or name its day with "
                "--days FILE."
            )
        if day in files:
            raise SourceCannotBeRead(
                f"{path.name} and {files[day].path.name} are of the same day, {day}; keep one."
            )
        files[day] = DatedFile(day, path)
    if not files:
        raise SourceCannotBeRead(f"{place} holds no .csv, .xlsx or .jsonl.")
    if len(files) > MOST_VERSIONS:
        raise SourceCannotBeRead(f"{place} holds more than {MOST_VERSIONS} exports.")
    return [files[day] for day in sorted(files)]


def import_series(
    ledger: Ledger,
    files: Sequence[DatedFile],
    table: Callable[[Path], TableFile],
    ask: Ask,
    *,
    by: str,
    progress: Callable[[int], None] | None = None,
) -> list[TableReport]:
    """Import dated exports one after the other; the line is the last one on or before commit-by, else the first.

    In a dry run each is compared with what the ones before it would have left.
    """
    _, days, known = cycle_of(ledger, ask.cycle)
    line = _line(files, days)
    reports = []
    titles = _Titles()
    run: TableImport | None = None
    onto = ledger.begin_preview() if ask.dry_run else None
    not_before: datetime | None = None
    present: dict[UUID, UUID | None] = {}
    for number, file in enumerate(files):
        opened = table(file.path)
        own = replace(
            ask,
            on=file.day,
            not_before=not_before,
            commits=number >= line and not ask.as_drafts,
            no_record_at_start=files[line].day > days.commit_by,
            scores=known is None and number == len(files) - 1,
            report=report_of(ask.report, file.day),
            renames=titles.renames(opened),
        )
        run = TableImport(ledger, opened, own, by, beside(opened, None), before=run, onto=onto)
        run.gone = _gone(run, dict(present))
        reports.append(run.run(None))
        present = {**({} if not reports[-1].refused else present), **run.present}
        not_before = end_of_day(file.day, ledger.zone)
        if progress is not None:
            progress(number + 1)
    return reports


def report_of(file: Path | None, day: date) -> Path | None:
    return None if file is None else file.with_name(f"{file.stem}-{day}{file.suffix}")


def _line(files: Sequence[DatedFile], days: Days) -> int:
    in_time = [number for number, file in enumerate(files) if file.day <= days.commit_by]
    return in_time[-1] if in_time else 0


def _gone(run: TableImport, before: Mapping[UUID, UUID | None]) -> Callable[[], Iterator[RowOrder]]:
    """Return the orders for what no longer stands in a version: asked when all of it was read."""

    def orders() -> Iterator[RowOrder]:
        missing = {item: home for item, home in before.items() if item not in run.present}
        if missing and run.refused:
            run.note(
                f"{len(missing)} items of the export before do not stand in this one; {run.refused} rows of it were "
                "refused, so nothing is dropped"
            )
            return
        for item, home in missing.items():
            if home is None:
                yield RowOrder(0, f"withdrawn {item}", _withdrawn(item))
            elif home not in missing:
                yield RowOrder(0, f"dropped {item}", _dropped(home, item))

    return orders


def _withdrawn(item: UUID) -> Callable[[Merging], Iterator[Change]]:
    return lambda merging: merging.withdrawn(item)


def _dropped(home: UUID, item: UUID) -> Callable[[Merging], Iterator[Change]]:
    return lambda merging: merging.dropped(home, item)


class _Titles:
    """The titles of the version before, where the source has no identifiers: which row of the next one is which."""

    def __init__(self) -> None:
        self._before: dict[str, dict[str, Item]] = {"objective": {}, "key_result": {}}
        self._gone: dict[str, dict[str, Item]] = {"objective": {}, "key_result": {}}

    def renames(self, table: TableFile) -> dict[tuple[str, str], str]:
        """Return which keys of this version stand for an earlier key; none where the source has identifiers."""
        header = table.header()
        if {"objective_key", "key_result_key"} & set(header.columns):
            return {}
        shaper = SHAPERS[table.profile.layout](header, table.profile, accept_faults=True)
        objectives: dict[str, Item] = {}
        key_results: dict[str, Item] = {}
        lost = False
        for row in table.rows():
            for shaped in shaper.shape(row):
                lost |= not isinstance(shaped, TableRow)
                if isinstance(shaped, TableRow):
                    _take(shaped, objectives, key_results)
        for shaped in shaper.finish():
            if isinstance(shaped, TableRow):
                _take(shaped, objectives, key_results)
        found = {
            ("objective", new): old for new, old in self._match("objective", objectives, lost=lost).items()
        }
        homes = {new: old for (_, new), old in found.items()}
        moved = {
            key: replace(item, group=homes.get(item.group, item.group)) for key, item in key_results.items()
        }
        matched = self._match("key_result", moved, lost=lost)
        return found | {("key_result", new): old for new, old in matched.items()}

    def _match(self, kind: str, new: dict[str, Item], *, lost: bool) -> dict[str, str]:
        before, gone = self._before[kind], self._gone[kind]
        keys = list(new)
        verdict = judge_objective if kind == "objective" else judge_key_result
        found = identify(before, gone, [new[key] for key in keys], verdict, rows_are_lost=lost)
        canonical: dict[str, Item] = {}
        renames: dict[str, str] = {}
        for place, key in enumerate(keys):
            old = found.keys.get(place)
            known = before.get(old or "") or gone.get(old or "")
            if old is not None and known is not None and known.group == new[key].group:
                canonical[old] = new[key]
                if old != key:
                    renames[key] = old
            else:
                canonical[key] = new[key]
        self._gone[kind] = {key: item for key, item in {**gone, **before}.items() if key not in canonical}
        self._before[kind] = canonical
        return renames


def _take(row: TableRow, objectives: dict[str, Item], key_results: dict[str, Item]) -> None:
    told = row.objective
    if told is not None and told.key not in objectives:
        objectives[told.key] = Item(told.title, row.line, "", frozenset())
    for one in row.key_results:
        marks = frozenset(name.casefold() for name in one.owners)
        key_results.setdefault(one.key, Item(one.title, one.line, one.objective, marks))


def _named_day(path: Path) -> date | None:
    found = _DAY.search(path.stem)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise SourceCannotBeRead(f"{path.name} carries an impossible day in its name.") from None


def _told(file: Path) -> dict[str, date]:
    """Return the days that a CSV file of `file,day` names."""
    days: dict[str, date] = {}
    with file.open(encoding="utf-8-sig", newline="") as stream:
        for number, cells in enumerate(csv.reader(stream), 1):
            if number == 1 and [cell.strip().casefold() for cell in cells] == ["file", "day"]:
                continue
            if not any(cells):
                continue
            try:
                name, day = cells
                days[name.strip()] = date.fromisoformat(day.strip())
            except ValueError:
                raise SourceCannotBeRead(
                    f"{file.name}, line {number}: write a file's name and its day."
                ) from None
    return days
