"""Imports of tables: twice, a later version, what was changed here, strictness, files as people save them."""

from __future__ import annotations

import csv
import json
import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aggregates.decide import decide
from aggregates.entry import Reason
from aggregates.importing.header import HeaderDoesNotFit
from aggregates.measures import PointTarget
from aggregates.objective.key_result_commands import ChangeTarget
from api.imports.days import CycleIsNotDated
from api.imports.profile_files import ProfileCannotBeRead, load_profile, profile_as_json, with_options
from api.imports.tables.faults import TableCannotBeRead
from replay.engine import Engine
from replay.verify import verify
from tests.imports.conftest import Bakery, others, refused

HEAD = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current"
LOAVES = "Bread,ada@bakery.example,Loaves,ben@bakery.example,120,{target},{value}"
GUESTS = "Bread,ada@bakery.example,Guests,ben@bakery.example,40,60,40"


def table(*rows: str) -> str:
    return "\n".join([HEAD, *rows]) + "\n"


def loaves(target: int = 200, value: int | str = 120) -> str:
    return LOAVES.format(target=target, value=value)


def test_sources_whose_long_names_begin_alike_are_two_sources(bakery: Bakery) -> None:
    """Given the same rows of two sources whose names differ only at their end, then both are recorded."""
    rows = bakery.file("july.csv", table(loaves(), GUESTS))
    for place in ("Northern branch", "Southern branch"):
        report = bakery.takes(
            rows, on=date(2026, 7, 31), source=f"{'The export of the workboard ' * 3}{place}"
        )
        assert report.counts["recorded"] == 2


def test_a_second_run_records_nothing_and_a_later_version_only_what_differs(bakery: Bakery) -> None:
    first = bakery.file("july.csv", table(loaves(), GUESTS))
    report = bakery.takes(first, on=date(2026, 7, 31))
    assert (report.counts["recorded"], report.refused) == (2, 0)
    before = bakery.head
    assert bakery.takes(first, on=date(2026, 7, 31)).entries == 0
    assert bakery.takes(first, on=date(2026, 8, 1)).entries == 0, "another day, the same words"
    later = bakery.file("august.csv", table(loaves(180, 150), GUESTS))
    report = bakery.takes(later)
    assert report.counts == {"recorded": 1, "unchanged": 1, "refused": 0, "doubtful": 0, "left out": 0}
    assert bakery.entries(before) == [
        "2026-08-31 key_result.target_changed KR-1 target={at 180}",
        "2026-08-31 key_result.measured KR-1 value=150",
    ]
    assert "changed by source, decider unknown" in next(
        one.what for one in report.rows if one.became == "recorded"
    )


def test_a_baseline_and_a_target_that_rise_together_are_recorded_in_the_order_that_fits(
    bakery: Bakery,
) -> None:
    bakery.takes(bakery.file("july.csv", table(loaves())), on=date(2026, 7, 31))
    before = bakery.head
    bakery.takes(bakery.file("august.csv", table(loaves(400).replace("120,400", "300,400"))))
    assert bakery.entries(before) == [
        "2026-08-31 key_result.target_changed KR-1 target={at 400}",
        "2026-08-31 key_result.baseline_corrected KR-1 baseline=300",
    ]


def test_what_was_changed_here_is_not_overruled(bakery: Bakery) -> None:
    bakery.takes(bakery.file("july.csv", table(loaves(), GUESTS)), on=date(2026, 7, 31))
    objective, key_result = _of(bakery, "KR-1")
    command = ChangeTarget(
        objective=objective, key_result=key_result, target=PointTarget(at=Decimal(190)),
        reason=Reason(kind="external", text="The oven came late."),
    )  # fmt: skip
    bakery.ledger.execute(command, decide, by=bakery.steward)
    before = bakery.head
    same = bakery.takes(bakery.file("august.csv", table(loaves(200, 150), GUESTS)), on=date(2026, 8, 1))
    assert bakery.entries(before) == ["2026-08-01 key_result.measured KR-1 value=150"]
    assert [one.reason for one in same.rows if one.became == "doubtful"] == [
        "changed here, not in the source; here it is 190"
    ]
    both = bakery.takes(bakery.file("late.csv", table(loaves(170, 150), GUESTS)), on=date(2026, 8, 2))
    assert both.entries == 0
    assert [one.reason for one in both.rows if one.became == "doubtful"] == [
        "changed here and in the source; decide, and record it here; here it is 190"
    ]


def test_a_row_is_recorded_whole_or_not_at_all_and_strict_means_all_or_nothing(bakery: Bakery) -> None:
    path = bakery.file(
        "rows.csv", table(loaves(), "Bread,ada@bakery.example,Words,ben@bakery.example,1,many,2")
    )
    before = bakery.head
    strict = bakery.takes(path, strict=True)
    assert (strict.refused, bakery.head) == (1, before)
    assert strict.notes == ["--strict: nothing was recorded, because 1 rows would be refused"]
    dry = bakery.takes(path, dry_run=True)
    assert (dry.counts["recorded"], bakery.head) == (1, before)
    assert bakery.takes(path).counts["recorded"] == 1


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_the_report_file_lists_everything(bakery: Bakery, suffix: str) -> None:
    file = bakery.room / f"report{suffix}"
    rows = [loaves(), GUESTS, "=Bread,ada@bakery.example,=1+1,nobody,1,#REF!,2"]
    bakery.takes(bakery.file("rows.csv", table(*rows)), report=file)
    if suffix == ".json":
        told = json.loads(file.read_text(encoding="utf-8"))
        assert told["counts"] == {"recorded": 2, "unchanged": 0, "refused": 1, "doubtful": 0, "left_out": 0}
        became = [(row["became"], row["line"]) for row in told["rows"]]
    else:
        with file.open(encoding="utf-8", newline="") as stream:
            became = [(row["became"], int(row["line"])) for row in csv.DictReader(stream)]
    assert set(became) == {("recorded", 2), ("recorded", 3), ("refused", 4)}


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (("\ufeff" + table(loaves(), GUESTS)).encode(), {}),
        (table(loaves(), GUESTS).replace("\n", "\r\n").encode("utf-16"), {}),
        (table(loaves(), GUESTS).encode("utf-32"), {}),
        (b"\0\0\xfe\xff" + table(loaves(), GUESTS).encode("utf-32-be"), {}),
        (table(loaves(), GUESTS).encode("utf-32-le"), {"encoding": "utf-32-le"}),
        (table(loaves(), GUESTS).replace("Bread", "Brötchen").encode("cp1252"), {"encoding": "cp1252"}),
        (table(loaves(), GUESTS).replace(",", "\t").encode(), {}),
        (("\n\nPlan of the bakery\n" + table(loaves(), GUESTS) + "\n\n,,,\n").encode(), {"header": 4}),
    ],
    ids=[
        "byte order mark",
        "utf-16 with CRLF",
        "utf-32",
        "utf-32-be",
        "utf-32 as told",
        "cp1252",
        "tabs",
        "a title above the header",
    ],
)
def test_files_as_people_save_them(bakery: Bakery, content: bytes, options: dict[str, Any]) -> None:
    report = bakery.takes(bakery.file("saved.csv", content), options=options)
    assert (report.counts["recorded"], refused(report)) == (2, [])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"Objective,Target\nBrot \xe4,1\n", "line 2: this is not utf-8; give --encoding"),
        (b'Objective,Target\n"never closed,1\n', "line 2: a quote is opened and never closed"),
        (b"Objective,Owner;Target\na,b;c\n", "may be delimited by ',' or ';'; give --delimiter"),
        (b"Goal Name,Target\na,1\n", "names no column for objective"),
        (b"Objective,objective,Target\na,b,1\n", "stands twice in the header"),
        (b"Plan\nObjective,Key Result,Owner\n", "Row 2 looks like the header: --header-row 2"),
        (b"", "has no row 1"),
        (
            "Objective".encode("utf-32-le"),
            "looks like UTF-32 without its mark; give --encoding utf-32-le or utf-32-be",
        ),
        ("Objective".encode("utf-32-be"), "looks like UTF-32 without its mark"),
        ("Objective".encode("utf-16-le"), "looks like UTF-16 without its mark; give --encoding utf-16-le"),
        ("Objective".encode("utf-16-be"), "looks like UTF-16 without its mark"),
    ],
)
def test_files_that_cannot_be_read_say_where_and_what_to_do(
    bakery: Bakery, content: bytes, sentence: str
) -> None:
    before = bakery.head
    with pytest.raises((TableCannotBeRead, HeaderDoesNotFit)) as told:
        bakery.takes(bakery.file("broken.csv", content))
    assert sentence in str(told.value)
    assert bakery.head == before


def test_a_quoted_line_break_does_not_move_the_numbers_of_the_lines(bakery: Bakery) -> None:
    rows = [
        'Bread,ada@bakery.example,"Loaves\nin a\nday",ben@bakery.example,1,2,1',
        "Bread,,Guests,ben@bakery.example,1,x,1",
    ]
    assert refused(bakery.takes(bakery.file("rows.csv", table(*rows)))) == ["5 Target: number_is_malformed"]


def test_a_coming_cycle_is_drafted_and_a_running_one_gets_its_lines(bakery: Bakery) -> None:
    path = bakery.file("plan.csv", table(loaves(value="n/a")))
    coming = bakery.takes(path, cycle="next=2199-01-01..2199-03-31", on=None)
    assert [one for one in bakery.entries() if "committed OBJ-1" in one] == []
    assert coming.notes == ["next has not begun: everything is a draft until it is committed here"]
    bakery.takes(path, as_drafts=True)
    assert not any("objective.committed" in one for one in bakery.entries())
    bakery.takes(path, on=date(2026, 9, 1))
    assert sum("objective.committed" in one for one in bakery.entries()) == 1
    with pytest.raises(CycleIsNotDated):
        bakery.takes(path, cycle="whenever")


def test_an_objective_without_an_owner_is_refused_unless_one_is_given(bakery: Bakery) -> None:
    head = "Objective,Key Result,Owner,Baseline,Target"
    path = bakery.file("rows.csv", f"{head}\nBread,Loaves,ben@bakery.example,1,2\n")
    report = bakery.takes(path)
    assert (report.refused, report.counts["recorded"]) == (1, 0)
    assert "--objective-owner" in next(one.reason for one in report.rows)
    assert bakery.takes(path, objective_owner="first").refused == 0
    assert any("the owner of its first key result" in one for one in bakery.entries())


def test_people_are_created_only_on_request(bakery: Bakery) -> None:
    path = bakery.file("rows.csv", table(loaves().replace("ben@", "dora@")))
    assert refused(bakery.takes(path)) == ["2 Owner: owner_is_unknown"]
    before = bakery.head
    assert bakery.takes(path, create_people=True, dry_run=True).people == ["dora@bakery.example"]
    assert bakery.head == before
    assert bakery.ledger.directory.lookup("dora@bakery.example") is None
    assert bakery.takes(path, create_people=True).counts["recorded"] == 1


def test_scales_of_others_are_mapped_by_the_profile_and_the_original_is_kept(bakery: Bakery) -> None:
    head = "Objective,Objective Owner,Key Result,Owner,Baseline,Target,Current,Confidence,Status"
    rows = "Bread,ada@bakery.example,Loaves,ben@bakery.example,1,2,1,7,Amber\n"
    words = {"confidence": {"7": "0.7"}, "said": {"Amber": "behind", "Planned": "nothing"}}
    before = bakery.head
    bakery.takes(bakery.file("rows.csv", f"{head}\n{rows}"), options=words)
    assert bakery.entries(before)[-2] == (
        "2026-08-31 key_result.checked_in KR-1 confidence=0.7 said=behind"
        "  [Confidence “7” read as 0.7; Status “Amber” read as behind]"
    )


def test_a_profile_is_saved_and_read_again(bakery: Bakery, tmp_path: Path) -> None:
    profile = with_options(
        load_profile(None), {"decimal": ",", "columns": {"target": "Ziel"}, "only": {"Quarter": "Q3"}}
    )
    ours = tmp_path / "ours.json"
    ours.write_bytes(profile_as_json(profile, ours))
    read = load_profile(str(tmp_path / "ours.json"))
    assert read == profile.model_copy(update={"name": "ours"})
    toml = bakery.file(
        "ours.toml", 'decimal = ","\n[columns]\ntarget = "Ziel"\nobjective = ["Thema", "Ziele"]\n'
    )
    assert load_profile(str(toml)).columns["objective"] == ("Thema", "Ziele")
    with pytest.raises(ProfileCannotBeRead, match=r"at /columns/aim"):
        load_profile(str(bakery.file("wrong.json", '{"columns": {"aim": "Ziel"}}')))


def test_memory_does_not_grow_with_the_table(bakery: Bakery) -> None:
    def peak(rows: int) -> int:
        lines = (
            f"Objective {n // 5},ada@bakery.example,KR {n},ben@bakery.example,{n % 7},100,x"
            for n in range(rows)
        )
        path = bakery.file("large.csv", table(*lines))
        tracemalloc.start()
        report = bakery.takes(path)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert report.refused == rows
        return most

    small, large = peak(1_000), peak(4_000)
    assert large < small + 640_000


def test_what_was_imported_is_verified(bakery: Bakery) -> None:
    bakery.takes(bakery.file("july.csv", table(loaves(), GUESTS)), on=date(2026, 7, 31))
    bakery.takes(bakery.file("august.csv", table(loaves(180, 150), GUESTS)))
    Engine(bakery.ledger).catch_up()
    assert verify(bakery.ledger, pairs=3, seed=1).difference is None
    assert others(bakery.takes(bakery.file("x.csv", table(loaves(180, 150)))), "left out") == []


def _of(bakery: Bakery, reference: str) -> tuple[UUID, UUID]:
    from replay.questions import Reader

    engine = Engine(bakery.ledger)
    engine.catch_up()
    found = Reader(bakery.ledger, engine).find(reference)
    assert found is not None
    return found


def test_a_handle_that_is_somebody_elses_whole_name_owns_nothing(bakery: Bakery) -> None:
    """Given Ada Berg with the handle ben, when a table names Ben, then no row is given to either of the two."""
    bakery.ledger.directory.add(bakery.ledger.new_id(), "Ada Berg", handle="ben")
    row = loaves().replace("ada@bakery.example", "Ben").replace("ben@bakery.example", "Ben")
    report = bakery.takes(bakery.file("rows.csv", table(row)), create_people=True, dry_run=True)
    fault = next(one for one in report.rows if one.became == "refused")
    assert (fault.code, report.counts["recorded"]) == ("owner_is_ambiguous", 0)
    assert "'Ben' is the handle of Ada Berg and the whole name of somebody else; write @ben" in fault.reason
