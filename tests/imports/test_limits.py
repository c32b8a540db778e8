"""Every limit of the files that are taken over stands in the table, and what is over one is refused as it says."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import aggregates.importing
import aggregates.snapshots
import api.imports
from aggregates.importing.cells import LONGEST_CELL
from aggregates.importing.profile import CheckInTab
from aggregates.importing.profiles import PROFILES
from aggregates.refusals import Refusal
from api.imports import check_ins, limits, table_series
from api.imports.days import Days
from api.imports.people import LARGEST_MAP, MOST_LINES, parse_people
from api.imports.profile_files import LARGEST_PROFILE, load_profile
from api.imports.tables import json_rows, xlsx_rows
from api.imports.tables.csv_rows import LONGEST_FIELD
from api.imports.tables.reading import LARGEST_FILE, TableFile, format_of
from ledger.limits import Limit
from tests.imports.conftest import Bakery

NO_LIMITS = {
    "aggregates.snapshots.cells.LONGEST_QUOTE": "how much of a cell a sentence quotes",
    "api.imports.tables.xlsx_rows.MOST_ROWS": "the format's own: a tab that claims so many rows claims nothing",
}
_LIMIT = re.compile(r"(LARGEST|LONGEST|MOST)(_[A-Z]+)*")


def constants_of(package: ModuleType) -> set[str]:
    """Return the names of all constants of a package that are called like limits."""
    found = set()
    for path in Path(str(package.__file__)).parent.rglob("*.py"):
        inside = path.relative_to(Path(str(package.__file__)).parent).with_suffix("").parts
        for node in ast.parse(path.read_text("utf-8")).body:
            named = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [one.id for one in named if isinstance(one, ast.Name) and _LIMIT.fullmatch(one.id)]
            found |= {".".join((package.__name__, *inside, name)) for name in names}
    return found


def constants_in_the_table() -> set[str]:
    """Return the names of the constants that the table is made of."""
    tree = ast.parse(Path(str(limits.__file__)).read_text("utf-8"))
    modules, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                modules[one.asname or one.name] = whole
                if _LIMIT.fullmatch(one.name):
                    found.add(whole)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(f"{modules[node.value.id]}.{node.attr}")
    return found


def test_no_limit_is_missing_from_the_table() -> None:
    """Given a new constant that bounds a file, then it has a row here, or a reason why it has none."""
    known = set[str]().union(*map(constants_of, (api.imports, aggregates.importing, aggregates.snapshots)))
    table = constants_in_the_table()
    assert known - table == set(NO_LIMITS)
    assert table <= known
    assert len(limits.LIMITS) == len(table) == len({one.what for one in limits.LIMITS})


def read(path: Path) -> None:
    """Read a table to its end."""
    for _ in TableFile(path, format_of(path), PROFILES["table"]).rows():
        pass


def too_large(room: Path) -> None:
    path = room / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    TableFile(path, "csv", PROFILES["table"]).header()


def unpacks_to_too_much(room: Path) -> None:
    path = room / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 2_000)
    read(path)


def with_a_long_field(room: Path) -> None:
    path = room / "field.csv"
    path.write_text("Objective,Owner\n" + "x" * (LONGEST_FIELD + 1) + ",ada\n")
    read(path)


def with_a_long_line(room: Path) -> None:
    path = room / "line.jsonl"
    path.write_text('{"Objective": "' + "x" * json_rows.LONGEST_LINE + '"}\n')
    read(path)


def with_a_large_profile(room: Path) -> None:
    path = room / "profile.toml"
    path.write_text("#" * (LARGEST_PROFILE + 1))
    load_profile(str(path))


def with_many_exports(room: Path) -> None:
    for day in (1, 2, 3):
        (room / f"okrs-2026-07-0{day}.csv").touch()
    table_series.dated_files(room)


REFUSED: dict[str, Callable[[Path], Any]] = {
    "a table's file": too_large,
    "a workbook, unpacked (whatever it is packed to)": unpacks_to_too_much,
    "a cell of CSV, as it stands in the file": with_a_long_field,
    "a line of JSON lines": with_a_long_line,
    "a profile's file": with_a_large_profile,
    "exports of one series": with_many_exports,
    "a people map": lambda _: parse_people(b"x" * (LARGEST_MAP + 1)),
    "lines of a people map": lambda _: parse_people(b"a,b,\n" * (MOST_LINES + 1)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_over_a_limit_is_refused_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(xlsx_rows, "LARGEST_UNPACKED", 1_999)
    monkeypatch.setattr(table_series, "MOST_VERSIONS", 2)
    limit: Limit = next(one for one in limits.LIMITS if one.what == what)
    with pytest.raises(Refusal) as refused:
        REFUSED[what](tmp_path)
    assert type(refused.value).code() == limit.code


def test_a_table_of_check_ins_over_its_limit_is_refused(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_ins, "MOST_CHECK_INS", 1)
    rows = "Key Result,Date,Value\nK1,2026-07-02,1\nK1,2026-07-03,2\n"
    told = TableFile(bakery.file("check-ins.csv", rows), "csv", PROFILES["table"])
    tab = CheckInTab(
        tab="Check-ins", columns={"on": ("Date",), "key_result": ("Key Result",), "value": ("Value",)}
    )
    profile = check_ins.check_ins_of(told, tab)
    with pytest.raises(Refusal, match="more than 1 check-ins") as refused:
        check_ins.CheckIns(
            bakery.ledger, profile, Days(date(2026, 7, 1), date(2026, 7, 1), date(2026, 9, 30))
        )
    assert type(refused.value).code() == "table_cannot_be_read"


def test_a_cell_over_its_limit_is_a_fault_of_its_row(bakery: Bakery) -> None:
    """Given a cell that is too long, when its table is taken over, then that row alone is refused, with the place."""
    owned = "ada@bakery.example,0,9,1"
    rows = ["Objective,Key Result,Owner,Baseline,Target,Current", f"Bread,{'x' * (LONGEST_CELL + 1)},{owned}"]
    rows.append(f"Bread,Loaves,{owned}")
    report = bakery.takes(bakery.file("rows.csv", "\n".join(rows)), objective_owner="first", dry_run=True)
    refused = [(one.line, one.column, one.code) for one in report.rows if one.became == "refused"]
    assert (refused, report.counts["recorded"]) == ([(2, "Key Result", "cell_is_too_long")], 1)
