"""The laws of the fold: the past is a shorter ledger, twice is once, an amendment wins from its position on."""

from __future__ import annotations

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codec import RawEntry
from replay.audit import Audit
from replay.audited import history_rows, line_rows
from replay.fold import EventIsUnknown, Fold
from replay.folded import states_of
from tests.replay.quarter import quarter
from tests.rules.company import SCOPE, ZONE, Company

CYCLE = "2026-q2"
BERLIN = ZoneInfo(ZONE)
ENTRIES = quarter().ledger.entries


def folded(entries: list[RawEntry]) -> Fold:
    fold = Fold()
    fold.apply(entries)
    return fold


def value_at(
    company: Company, key_result: UUID, facet: str, *, until: int | None = None, on: str | None = None
):
    fold = folded(company.ledger.entries[:until])
    states = states_of(fold, CYCLE, effective_on=date.fromisoformat(on) if on else None, zone=BERLIN)
    found = [
        one for state in states["objectives"] for one in state["key_results"] if one["id"] == str(key_result)
    ]
    return found[0]["facets"].get(facet, {}).get("value") if found else None


@settings(deadline=None)
@given(st.integers(0, len(ENTRIES)), st.integers(0, len(ENTRIES)))
def test_the_past_equals_a_shorter_ledger_and_twice_equals_once(one: int, other: int) -> None:
    first, second = sorted((one, other))

    # given a fold that was stopped and went on
    stepwise = Fold()
    stepwise.apply(ENTRIES[:first])
    past = states_of(stepwise, CYCLE, effective_on=None, zone=BERLIN)
    stepwise.apply(ENTRIES[first:second])

    # then its past is the answer of a shorter ledger, and its present that of one pass
    assert past == states_of(folded(ENTRIES[:first]), CYCLE, effective_on=None, zone=BERLIN)
    again = states_of(stepwise, CYCLE, effective_on=None, zone=BERLIN)
    assert again == states_of(folded(ENTRIES[:second]), CYCLE, effective_on=None, zone=BERLIN)


@settings(deadline=None)
@given(st.integers(1, len(ENTRIES)), st.dates(date(2026, 3, 25), date(2026, 7, 10)))
def test_every_winner_was_recorded_by_the_position_and_true_by_the_day(position: int, day: date) -> None:
    states = states_of(folded(ENTRIES[:position]), CYCLE, effective_on=day, zone=BERLIN)
    for state in states["objectives"]:
        for item in (state, *state["key_results"]):
            for fact in item["facets"].values():
                assert fact["position"] <= position
                assert fact["effective_at"][:10] <= day.isoformat()


def test_an_amendment_wins_from_its_position_on_and_not_before() -> None:
    # given a value of 15 April and its amendment of 4 May
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()
    company.on("2026-04-20")
    on = {"objective": objective, "key_result": key_result}
    first = company.do("record_value", **on, value="10", measured_on="2026-04-15").position
    company.on("2026-05-04")
    amended = company.do("amend_entry", position=first, body={"value": "12"}).position

    # then the ledger said 10 until the amendment and says 12 from it on, for the same day
    assert value_at(company, key_result, "value", until=amended - 1, on="2026-04-15") == "10"
    assert value_at(company, key_result, "value", until=amended, on="2026-04-15") == "12"
    assert value_at(company, key_result, "value", until=amended, on="2026-04-14") is None


def test_a_late_value_of_a_day_beats_an_earlier_recorded_one_of_that_day() -> None:
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()
    company.on("2026-05-04")
    on = {"objective": objective, "key_result": key_result}
    company.do("record_value", **on, value="30", measured_on="2026-05-01")
    company.do("record_value", **on, value="20", measured_on="2026-04-20")
    company.do("record_value", **on, value="31", measured_on="2026-05-01")

    assert value_at(company, key_result, "value") == "31"
    assert value_at(company, key_result, "value", on="2026-04-30") == "20"


def test_a_retraction_leaves_what_stood_before_and_the_original_stays_in_the_history() -> None:
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()
    on = {"objective": objective, "key_result": key_result}
    lowered = company.do("change_target", **on, target={"kind": "point", "at": "80"}, reason=SCOPE).position
    retraction = company.do("retract_entry", position=lowered, reason=SCOPE).position

    assert value_at(company, key_result, "target", until=lowered) == {"kind": "point", "at": "80"}
    assert value_at(company, key_result, "target") == {"kind": "point", "at": "100"}
    audit = Audit()
    audit.apply(company.ledger.entries)
    row = next(row for row in history_rows(audit, str(objective)) if row["position"] == lowered)
    assert row["superseded_at"] == retraction


def test_a_back_dated_value_never_alters_a_line() -> None:
    company = Company().on("2026-04-09")
    company.do("open_cycle", cycle=CYCLE)
    objective, key_result = company.committed()

    def lines() -> list[dict]:
        audit = Audit()
        audit.apply(company.ledger.entries)
        return line_rows(audit)

    before = lines()
    company.on("2026-04-20")
    company.do(
        "record_value", objective=objective, key_result=key_result, value="5", measured_on="2026-04-03"
    )

    assert lines() == before


def test_an_unknown_name_stops_the_fold() -> None:
    raw = ENTRIES[-1]
    strange = RawEntry(
        raw.position + 1, raw.recorded_at, raw.stream, 99, "cycle.sung",
        b'{"stream":"tune:1","version":1,"name":"cycle.sung","by":"person:x","request":"r","body":{}}',
    )  # fmt: skip

    with pytest.raises(EventIsUnknown, match=r"cycle\.sung"):
        folded([strange])
