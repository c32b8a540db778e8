"""The published progress of the agency goals, and the goals as an import."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path

from aggregates.policy import DEFAULT_POLICY
from aggregates.reading.progress import progress_of
from tests.imports.conftest import Bakery

FILE = "us-agency-goals-fy22-q1-q2.jsonl"
KINDS = {"Measurable increase": "increase", "Measurable decrease": "decrease"}
FIGURES = ("value_start", "value_target", "value_current", "progress_pct")


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def test_our_formula_gives_the_published_progress_of_every_computable_row(data_of_the_project: Path) -> None:
    """The file holds two quarters: 239 increase and decrease rows, of which 164 say all four figures."""
    same, not_computable = 0, Counter[str]()
    for line in (data_of_the_project / FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        kind = KINDS.get(row["indicator_type"])
        if kind is None:
            continue
        figures = [number(row[name]) for name in FIGURES]
        missing = [name for name, figure in zip(FIGURES, figures, strict=True) if figure is None]
        if missing:
            not_computable[" and ".join(missing)] += 1
            continue
        start, target, current, published = (figure for figure in figures if figure is not None)
        if start == target:
            not_computable["baseline equals target"] += 1
            continue
        found, _, mark = progress_of(
            {"kind": kind}, f"{start:f}", {"at": f"{target:f}"}, f"{current:f}", DEFAULT_POLICY
        )
        assert mark is None
        assert found is not None
        assert abs(Decimal(found[0]) / Decimal(found[1]) - published) <= Decimal("0.0000005"), row
        same += 1
    assert same == 164
    assert sum(not_computable.values()) == 75
    assert "baseline equals target" not in not_computable


def test_the_goals_of_a_quarter_come_in_with_a_people_map(bakery: Bakery, data_of_the_project: Path) -> None:
    agencies = [
        "VA",
        "USAID",
        "HHS",
        "DOL",
        "NASA",
        "DOC",
        "GSA",
        "OPM",
        "DOS",
        "HUD",
        "USDA",
        "DOT",
        "SSA",
        "EPA",
        "USDT",
        "NSF",
        "SBA",
        "DHS",
        "DOI",
    ]
    people = "".join(f"{name},ada@bakery.example,\n" for name in agencies)
    pairs = 'DOS & USAID,ben@bakery.example,\n"DOC & USDA",ben@bakery.example,\n'
    mapped = bakery.file("agencies.csv", f"source,person,name\n{people}{pairs}")
    report = bakery.takes(
        data_of_the_project / FILE,
        "agency-goals",
        {"only": {"fiscal_qtr": "1"}},
        people=mapped,
        accept_faults=True,
    )
    assert report.counts["recorded"] == 120
    codes = Counter(one.code for one in report.rows if one.became == "refused")
    assert codes == {"measure_is_refused": 32, "row_is_repeated": 4}, (
        "undefined targets, and two targets for one"
    )
    nobody = bakery.takes(
        data_of_the_project / FILE, "agency-goals", {"only": {"fiscal_qtr": "2"}}, source="other"
    )
    assert nobody.counts["recorded"] == 0
    assert {one.code for one in nobody.rows if one.column == "related_owner"} == {
        "owner_is_unknown",
        "owners_are_several",
    }
