"""The five real quarters become history: recorded, read on both clocks, and recorded only once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.imports.run import PeopleAreMissing, run
from ledger.lifecycle import initialise
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import BoardOf, CommitmentsOf, DriftOf, FindingsOf, HistoryOf, Reader
from replay.verify import verify


class Imported:
    """A ledger in UTC into which the five quarters were imported."""

    def __init__(self, ledger: Ledger, steward: str, folder: Path, people: Path) -> None:
        self.ledger, self.steward, self.folder, self.people = ledger, steward, folder, people
        self.engine = Engine(ledger)
        self.reader = Reader(ledger, self.engine)
        self.report = self.again()

    def again(self, **how: Any) -> Any:
        report = run(self.ledger, self.folder, by=self.steward, people=self.people, create_people=True, **how)
        self.engine.catch_up()
        return report

    def ask(self, question: Any, **when: Any) -> dict[str, Any]:
        return self.reader.ask(question, **when).body


@pytest.fixture(scope="module")
def imported(
    server_environ: dict[str, str], data_of_the_project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Imported]:
    from ledger.settings import load_settings
    from tests.conftest import drop

    schema = f"real_quarters{os.getpid()}"
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": schema})
    created = initialise(settings, "IPLD", "UTC", steward_name="Steward", steward_handle="steward")
    people = tmp_path_factory.mktemp("people") / "people.csv"
    people.write_text("source,person,name\n@rvagg & @warpfork,rvagg,\n", encoding="utf-8")
    with Ledger.open(settings) as ledger:
        yield Imported(ledger, f"person:{created.steward}", data_of_the_project / "ipld-okrs", people)
    drop(settings)


def titles(rows: list[dict[str, Any]]) -> set[str]:
    return {row["state"]["facets"]["wording"]["value"]["title"] for row in rows}


def test_nothing_of_the_source_is_refused(imported: Imported) -> None:
    for series in imported.report.series:
        assert [(one.words, code, detail) for one, code, detail in series.refused] == []
    assert [one.cycle for one in imported.report.series] == [
        "2019-q1",
        "2019-q2",
        "2019-q3",
        "2019-q4",
        "2020-q1",
    ]


def test_a_second_run_records_nothing_new(imported: Imported) -> None:
    before = imported.ledger.head().position
    report = imported.again()
    assert imported.ledger.head().position == before
    assert [len(series.recorded) for series in report.series] == [0] * 5
    assert all(series.known for series in report.series)


@pytest.mark.parametrize(
    ("cycle", "objectives", "key_results", "late", "no_record"),
    [
        ("2019-q1", 4, 8, 0, False),
        ("2019-q2", 2, 12, 0, False),
        ("2019-q3", 2, 9, 57, True),
        ("2019-q4", 2, 6, 0, False),
        ("2020-q1", 5, 7, 41, True),
    ],
)
def test_the_lines_are_those_read_by_hand(
    imported: Imported, cycle: str, objectives: int, key_results: int, late: int, no_record: bool
) -> None:
    body = imported.ask(CommitmentsOf(cycle))
    first = [one["lines"][0] for one in body["objectives"] if one["lines"][0]["days_late"] == late]
    assert len(first) == objectives
    assert sum(len(one["state"]["key_results"]) for one in first) == key_results
    assert {one["grade"] for one in first} == {"reconstructed"}
    assert {one["no_record_at_start"] for one in first} == {no_record}
    rules = imported.ask(FindingsOf(cycle))["counts"]["rules"]
    assert rules.get("no_record_at_start", 0) == (objectives if no_record else 0)


def test_the_p0_key_result_that_vanished_in_a_scoring_fix_is_named(imported: Imported) -> None:
    body = imported.ask(DriftOf("2019-q3"))
    dropped = [
        (key_result["title"], change)
        for objective in body["objectives"]
        for key_result in objective["key_results"]
        for facet in key_result["facets"]
        if facet["kind"] == "dropped"
        for change in facet["changes"]
    ]
    assert [title for title, _ in dropped] == ["GraphSync has the functionality required by Filecoin"]
    change = dropped[0][1]
    assert change["direction"] == "softer"
    assert change["effective_at"] == "2019-08-28T22:44:00.000000Z"
    assert change["source"]["version"].startswith("7a1fa84")
    assert change["source"]["not_before"] == "2019-08-28T22:43:40.000000Z"
    assert change["decided"]["how"] == "according_to_source"


def test_the_board_as_it_was_true_on_a_day_of_2019(imported: Imported) -> None:
    before = imported.ask(BoardOf("2019-q3"), effective_at="2019-08-27")
    after = imported.ask(BoardOf("2019-q3"), effective_at="2019-08-31")

    def active(body: dict[str, Any]) -> int:
        return sum(one["standing"] == "active" for row in body["objectives"] for one in row["key_results"])

    assert (active(before), active(after)) == (9, 8)


def test_the_reworded_key_result_of_the_first_quarter(imported: Imported) -> None:
    body = imported.ask(DriftOf("2019-q1"))
    reworded = [
        (facet["old"]["title"], facet["new"]["title"])
        for objective in body["objectives"]
        for key_result in objective["key_results"]
        for facet in key_result["facets"]
        if facet["kind"] == "reworded"
    ]
    assert reworded == [
        ("`js-ipld-interace` refactoring is complete.", "`js-ipld-interface` refactoring is complete.")
    ]


def test_a_changed_final_score_is_an_amendment(imported: Imported) -> None:
    board = imported.ask(BoardOf("2019-q1"))
    item = next(
        one["reference"]
        for row in board["objectives"]
        for one in row["key_results"]
        if one["title"].startswith("Standalone JS implementation")
    )
    scored = [one for one in imported.ask(HistoryOf(item))["entries"] if one["name"] == "key_result.scored"]
    assert [change["after"] for one in scored for change in one["changes"]] == ["0.4", "1"]
    assert scored[1]["supersedes"] == scored[0]["position"]


def test_values_outside_their_cycle_are_listed_and_not_recorded(imported: Imported) -> None:
    left = {
        series.cycle: [one for one in series.left if "outside the cycle" in one.why]
        for series in imported.report.series
    }
    assert {cycle: len(rows) for cycle, rows in left.items()} == {
        "2019-q1": 0, "2019-q2": 9, "2019-q3": 0, "2019-q4": 5, "2020-q1": 0,
    }  # fmt: skip


def test_the_projections_equal_the_fold(imported: Imported) -> None:
    verdict = verify(imported.ledger, pairs=5, seed=3)
    assert verdict.difference is None


def test_nobody_is_invented(new_settings: Callable[[], Settings], data_of_the_project: Path) -> None:
    settings = new_settings()
    created = initialise(settings, "IPLD", "UTC", steward_name="Steward")
    with Ledger.open(settings) as ledger:
        head = ledger.head().position
        with pytest.raises(PeopleAreMissing):
            run(ledger, data_of_the_project / "ipld-okrs", by=f"person:{created.steward}")
        assert ledger.head().position == head


def test_a_dry_run_says_what_would_be_recorded(
    new_settings: Callable[[], Settings], data_of_the_project: Path
) -> None:
    settings = new_settings()
    created = initialise(settings, "IPLD", "UTC", steward_name="Steward")
    with Ledger.open(settings) as ledger:
        head = ledger.head().position
        report = run(
            ledger,
            data_of_the_project / "ipld-okrs",
            by=f"person:{created.steward}",
            create_people=True,
            dry_run=True,
        )
        assert ledger.head().position == head
        assert sum(len(series.recorded) for series in report.series) > 100
        assert any("several are assigned" in one.why for series in report.series for one in series.left)
