"""For each format a file made by hand with its traps; what has to come of it is written out in files/*.expected.txt."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.imports.conftest import FILES, Bakery, others, refused
from tests.imports.tracker import tracker

CASES: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "table": (
        "table.csv", "table",
        {"delimiter": ",", "decimal": ",", "thousands": ".", "dates": "dmy", "percent": "points"}, {},
    ),
    "peoplebox": ("peoplebox.csv", "peoplebox", {}, {}),
    "betterworks": ("betterworks.csv", "betterworks", {}, {}),
    "culture-amp": ("culture-amp.csv", "culture-amp", {"decimal": ","}, {}),
    "agency-goals": (
        "agency-goals.jsonl", "agency-goals", {"only": {"fiscal_qtr": "1"}}, {"create_people": True},
    ),
    "sheet-tracker": (
        "tracker.xlsx", "sheet-tracker", {"only": {"Quarter": "2026-Q3"}, "fill_down": True, "percent": "points"},
        {"objective_owner": "first"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_comes_of_a_file(bakery: Bakery, case: str) -> None:
    name, profile, options, asked = CASES[case]
    path = tracker(bakery.room / name) if name == "tracker.xlsx" else FILES / name
    before = bakery.head
    report = bakery.takes(path, profile, options, **asked)
    entries = [
        re.sub(r"what_changed=\{[^}]*\}", "what_changed=(sealed)", one) for one in bakery.entries(before)
    ]
    sections = {
        "recorded": entries,
        "refused": refused(report),
        "left out": others(report, "left out"),
        "counts": [f"{name} {count}" for name, count in report.counts.items()],
    }
    told = "".join(f"# {name}\n" + "".join(f"{one!r}\n" for one in lines) for name, lines in sections.items())
    assert told == (FILES / f"{case}.expected.txt").read_text(encoding="utf-8")
    again = bakery.takes(path, profile, options, **asked)
    assert (again.entries, again.counts["recorded"], again.refused) == (0, 0, report.refused)
    assert again.counts["unchanged"] == report.counts["recorded"]


def test_faults_that_are_accepted_count_nothing_and_are_listed(bakery: Bakery) -> None:
    """Given a baseline that equals its target and a target on the wrong side, when faults are accepted, then both are
    taken over, each marked in its entry and named in the report.
    """
    name, profile, options, _ = CASES["table"]
    report = bakery.takes(FILES / name, profile, options, accept_faults=True)
    listed = [(one.line, one.reason) for one in report.rows if one.code == "fault_is_accepted"]
    assert listed == [
        (11, "“Equal”: baseline and target are equal: counts 0"),
        (12, "“Falls instead”: taken over as it stands: An increase has its target above its baseline."),
    ]
    marked = [one.rpartition("[")[2] for one in bakery.entries() if "title=Equal" in one]
    assert marked == ["baseline and target are equal: counts 0]"]


def test_every_trap_is_answered_with_a_line_a_reason_and_what_to_do(bakery: Bakery) -> None:
    name, profile, options, _ = CASES["table"]
    report = bakery.takes(FILES / name, profile, options, dry_run=True)
    told = [one for one in report.rows if one.became == "refused"]
    assert len(told) > 20
    assert all(one.line and one.code and one.reason.endswith((".", ")")) for one in told)
    assert {one.code for one in told if not one.column} == {
        "row_has_too_many_cells"
    }  # which is about no one cell
    assert all(one.remedy or "; " in one.reason for one in told if one.code != "objective_is_unknown")
