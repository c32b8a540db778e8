"""The report of an import of tables: what became of each row, written as it goes, kept in short for the screen."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO, get_args

from aggregates.snapshots.page import Fault

Became = Literal["recorded", "unchanged", "refused", "doubtful", "left out"]
FIELDS = ("became", "line", "column", "found", "code", "reason", "remedy", "what", "position")
SHOWN = 200
"""Rows of each kind that are kept for the screen; the report file holds all."""
_BEGINS = b'{"rows": ['
_LONGEST_BEGIN = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row, or of one cell of it."""

    became: Became
    line: int
    column: str = ""
    found: str = ""
    code: str = ""
    reason: str = ""
    remedy: str = ""
    what: str = ""
    position: int | None = None

    def body(self) -> dict[str, Any]:
        """Return the row ready for JSON, without what it does not say."""
        told = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in told.items() if value not in ("", None)}

    def sentence(self, *, dry_run: bool = False) -> str:
        """Return the row in one line; of a dry run it is said what would be."""
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        found = f" {self.found!r}:" if self.found else ""
        words = " ".join(part for part in (self.what, self.reason, self.remedy) if part)
        code = f" ({self.code})" if self.code else ""
        became = "would be recorded" if dry_run and self.became == "recorded" else self.became
        return f"{became}: {place}:{found} {words}{code}"


def of_fault(fault: Fault) -> RowReport:
    """Return a fault as a refused row."""
    return RowReport("refused", fault.line, fault.column, fault.text, fault.code, fault.what, fault.remedy)


@dataclass
class TableReport:
    """The counts of an import and the first rows of each kind. A context manager around its report file."""

    source: str
    version: str
    cycle: str
    dry_run: bool
    file: Path | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Became), 0))
    rows: list[RowReport] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    missing_teams: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    entries: int = 0
    _shown: dict[str, int] = field(default_factory=dict)
    _out: TextIO | None = None
    _table: Any = None
    _written: int = 0

    @property
    def refused(self) -> int:
        """Return how many rows were refused."""
        return self.counts["refused"]

    def __enter__(self) -> Self:
        if self.file is not None:
            self._out = self.file.open("w", encoding="utf-8", newline="")
            if self.file.suffix.casefold() == ".csv":
                self._table = csv.writer(self._out)
                self._table.writerow(FIELDS)
            else:
                self._out.write(_BEGINS.decode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is None:
            return
        if self._table is None:
            told = json.dumps(self._summary(), ensure_ascii=False)
            self._out.write(f"\n], {told[1:]}\n")
        self._out.close()
        self._out = None

    def say(self, rows: Sequence[RowReport], *, count: bool = True) -> None:
        """Report one row of the table: each thing that is said of it, counted once as the first."""
        if rows and count:
            self.counts[rows[0].became] += 1
        for row in rows:
            kind = f"{row.became} {row.code}" if row.became == "recorded" else row.became
            shown = self._shown.get(kind, 0)
            if shown < SHOWN:
                self._shown[kind] = shown + 1
                self.rows.append(row)
            self._write(row)

    def body(self) -> dict[str, Any]:
        """Return the report ready for JSON; `rows` holds the first of each kind."""
        return {**self._summary(), "rows": [row.body() for row in self.rows]}

    def blocks(self) -> list[str]:
        """Return the report as lines for people."""
        dry = " (dry run: nothing is recorded)" if self.dry_run else ""
        verb = "would be recorded" if self.dry_run else "recorded"
        told = self.counts
        lines = [
            f"Import of {self.source}, {self.version}, into {self.cycle}{dry}",
            f"  rows: {told['recorded']} {verb} ({self.entries} entries), {told['unchanged']} unchanged, "
            f"{told['refused']} refused, {told['doubtful']} doubtful, {told['left out']} left out",
        ]
        if self.people:
            lines.append(f"  people {'who would be ' if self.dry_run else ''}added: {', '.join(self.people)}")
        if self.teams:
            lines.append(f"  teams {'that would be ' if self.dry_run else ''}formed: {', '.join(self.teams)}")
        if self.missing_teams:
            lines.append(f"  no team of this ledger has the name: {', '.join(self.missing_teams)}")
        if self.missing:
            lines.append(f"  nobody in this ledger is meant by: {', '.join(self.missing)}")
        lines += [f"  {note}" for note in self.notes]
        listed = [
            row
            for row in self.rows
            if row.became not in ("unchanged", "recorded") or self.dry_run or row.reason
        ]
        lines += [f"  {row.sentence(dry_run=self.dry_run)}" for row in listed if row.became != "unchanged"]
        more = {name: count - SHOWN for name, count in self._shown_over().items() if count > SHOWN}
        where = f"all are in {self.file}" if self.file is not None else "--report FILE lists all"
        lines += [f"  … and {count} more {name}; {where}" for name, count in more.items()]
        return lines

    def _shown_over(self) -> dict[str, int]:
        return {
            name: count
            for name, count in self.counts.items()
            if name not in ("unchanged", "recorded") or self.dry_run
        }

    def _summary(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "version": self.version,
            "cycle": self.cycle,
            "dry_run": self.dry_run,
            "counts": {name.replace(" ", "_"): count for name, count in self.counts.items()},
            "entries": self.entries,
            "people": self.people,
            "missing": self.missing,
            "teams": self.teams,
            "missing_teams": self.missing_teams,
            "notes": self.notes,
        }

    def _write(self, row: RowReport) -> None:
        if self._out is None:
            return
        if self._table is not None:
            self._table.writerow([_neutral(getattr(row, name)) for name in FIELDS])
            return
        self._out.write(f"{',' if self._written else ''}\n{json.dumps(row.body(), ensure_ascii=False)}")
        self._written += 1


def is_report(file: Path) -> bool:
    """Return whether a file is the report of an earlier import, by how it begins."""
    try:
        with file.open("rb") as content:
            begin = content.read(_LONGEST_BEGIN)
    except OSError:
        return False
    first = begin.removeprefix(_BEGINS)
    is_json = first != begin and (not first or first.startswith((b'\n{"became": ', b"\n], ")))
    return is_json or begin.startswith(",".join(FIELDS).encode())


def _neutral(value: Any) -> Any:
    """Return a cell of the report that no spreadsheet program takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
