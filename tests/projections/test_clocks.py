"""Days are days in the organisation's zone: the edges of a day, also of one with 23 hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from projections import board, commitments, findings
from replay.audit import Audit
from replay.audited import line_rows
from replay.engine import Engine, Reading
from tests.projections.paper import ZONE
from tests.rules.company import START, Company, instant


def wording(reading: Reading, day: date, position: int | None = None) -> str | None:
    states = board.states_at(
        reading.connection, reading.generation, "2026-q2", position or reading.position, day, ZONE
    )
    assert states is not None
    return states["objectives"][0]["facets"]["wording"]["value"]["title"] if states["objectives"] else None


def test_a_day_ends_at_midnight_in_the_organisation_s_zone(engine_on: Callable[..., Engine]) -> None:
    company = Company()
    company.on("2026-03-28")
    objective = company.drafted(title="First")
    company.ledger.at(instant("2026-03-28T22:59:59"))  # 23:59:59 in Berlin
    company.do("reword_objective", objective=objective, title="The 28th")
    company.ledger.at(instant("2026-03-29T21:59:59"))  # 23:59:59 of a day with 23 hours
    company.do("reword_objective", objective=objective, title="The 29th")
    company.ledger.at(instant("2026-03-29T22:00:00"))
    company.do("reword_objective", objective=objective, title="The 30th")
    with engine_on(company.ledger.entries).reading() as reading:
        assert wording(reading, date(2026, 3, 27)) is None
        assert wording(reading, date(2026, 3, 28)) == "The 28th"
        assert wording(reading, date(2026, 3, 29)) == "The 29th"
        assert wording(reading, date(2026, 3, 30)) == "The 30th"
        assert wording(reading, date(2026, 3, 30), reading.position - 1) == "The 29th"


def test_a_line_is_late_from_midnight_of_commit_by_on(engine_on: Callable[..., Engine]) -> None:
    company = Company()
    company.ledger.at(instant("2026-04-10T21:59:00"))
    company.committed()
    in_time = company.ledger.position
    company.ledger.at(instant("2026-04-10T22:00:00"))
    company.committed()
    late = company.ledger.position
    with engine_on(company.ledger.entries).reading() as reading:
        rows = commitments.commitments(reading.connection, reading.generation, reading.position)
        assert [(row["position"], row["late_by_days"]) for row in rows] == [(in_time, 0), (late, 1)]
        found = findings.findings(reading.connection, reading.generation, reading.position, rule="late_line")
        assert [row["cause"] for row in found] == [late]


def test_a_line_is_migrated_only_in_a_ledger_made_after_the_first_day(
    engine_on: Callable[..., Engine],
) -> None:
    company = Company()
    grades = {}
    for day, grade in ((START.date(), "witnessed"), (START.date() - timedelta(days=1), "migrated")):
        company.plan(f"from-{day}", str(day), str(day), "2026-03-31", kind="custom")
        objective, _ = company.committed(cycle=f"from-{day}")
        grades[str(objective)] = grade
    with engine_on(company.ledger.entries).reading() as reading:
        rows = commitments.commitments(reading.connection, reading.generation, reading.position)
    assert {row["objective"]: row["grade"] for row in rows} == grades
    fold = Audit()
    fold.apply(company.ledger.entries)
    assert {row["objective"]: row["grade"] for row in line_rows(fold)} == grades


def test_of_two_values_of_one_day_the_one_told_later_wins(engine_on: Callable[..., Engine]) -> None:
    company = Company()
    company.on("2026-04-01")
    objective, key_result = company.committed()
    company.do("open_cycle", cycle="2026-q2")
    company.on("2026-04-20")
    told = {
        name: company.do(
            "check_in", objective=objective, key_result=key_result, value=value, measured_on=day
        ).position
        for name, value, day in (
            ("first", "10", "2026-04-15"),
            ("later day", "20", "2026-04-18"),
            ("same day again", "15", "2026-04-15"),
        )
    }

    def value(reading: Reading, position: int, day: date) -> str:
        states = board.states_at(reading.connection, reading.generation, "2026-q2", position, day, ZONE)
        assert states is not None
        facets = states["objectives"][0]["key_results"][0]["facets"]
        return str(facets["value"]["value"])

    with engine_on(company.ledger.entries, page=1).reading() as reading:
        assert value(reading, told["later day"], date(2026, 4, 15)) == "10"
        assert value(reading, told["same day again"], date(2026, 4, 15)) == "15"
        assert value(reading, told["same day again"], date(2026, 4, 17)) == "15"
        assert value(reading, told["same day again"], date(2026, 4, 18)) == "20"
        now = board.states_at_position(reading.connection, reading.generation, "2026-q2", reading.position)
        assert now is not None
        assert now["objectives"][0]["key_results"][0]["facets"]["value"]["value"] == "20"
