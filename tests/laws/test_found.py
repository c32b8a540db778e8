"""Faults that the laws found, each as a small case of its own."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from aggregates.refusals import ObjectiveIsUnknown
from replay.asked import CommitmentsOf, DriftOf, FindingsOf, HistoryOf, PeopleList
from replay.verify import verify
from tests.laws.shelf import Book, Shelf, lines_of
from tests.rules.company import SCOPE, Company


@pytest.fixture
def company() -> Company:
    """A company on 2 April 2026 whose quarter 2026-q2 is open, with the next quarter planned."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle="2026-q2")
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    return company


def restored(shelf: Shelf, company: Company) -> Any:
    return shelf.restored(lines_of(company.ledger.entries))


def is_clean(book: Book) -> None:
    verdict = verify(book.ledger, pairs=25, engine=book.engine)
    assert verdict.clean, verdict.difference


def test_the_line_of_a_late_key_result_is_its_own_and_not_that_of_a_later_line(
    shelf: Shelf, company: Company
) -> None:
    """Given two key results added late in one page, when the first was reworded between, then its line is not."""
    objective, _ = company.committed()
    company.key_result(objective, title="As committed", reason=SCOPE)
    late = company.ledger.entries[-1]
    key_result = orjson.loads(late.data)["body"]["key_result"]
    company.do(
        "reword_key_result", objective=objective, key_result=key_result, title="Reworded", reason=SCOPE
    )
    company.key_result(objective, title="Another", reason=SCOPE)
    with restored(shelf, company) as book:
        added = book.reader.ask(CommitmentsOf("2026-q2")).body["objectives"][0]["added_late"]
        titles = [one["state"]["facets"]["wording"]["value"]["title"] for one in added]
        assert titles == ["As committed", "Another"]
        is_clean(book)


def test_the_drift_of_an_objective_before_it_was_there_is_refused_in_words(
    shelf: Shelf, company: Company
) -> None:
    objective, _ = company.committed()
    with restored(shelf, company) as book, pytest.raises(ObjectiveIsUnknown, match="was not there yet"):
        book.reader.ask(DriftOf(item=str(objective)), effective_at="2026-03-01")


def test_a_key_result_added_after_its_objective_moved_to_another_cycle_has_its_line_in_the_drift(
    shelf: Shelf, company: Company
) -> None:
    """Given an objective committed in one cycle and moved, when a key result is added there and measured, then the
    drift of the first cycle tells it as added late."""
    objective, _ = company.committed()
    company.do("move_objective_to_cycle", objective=objective, cycle="2026-q3", reason=SCOPE)
    key_result = company.key_result(objective, reason=SCOPE)
    company.on("2026-07-03")
    company.do(
        "record_value", objective=objective, key_result=key_result, value="7", measured_on="2026-07-02"
    )
    with restored(shelf, company) as book:
        (told,) = book.reader.ask(DriftOf("2026-q2")).body["objectives"]
        kinds = {one["reference"]: [facet["kind"] for facet in one["facets"]] for one in told["key_results"]}
        assert kinds["KR-2"] == ["added late"]
        assert book.reader.ask(DriftOf("2026-q3")).body["objectives"] == []


def test_a_finding_of_an_amended_value_is_not_there_before_the_day_of_the_value(
    shelf: Shelf, company: Company
) -> None:
    """Given a value amended after close, then at an effective day before the value there is no finding yet."""
    objective, key_result = company.committed()
    company.on("2026-04-20")
    item = {"objective": objective, "key_result": key_result}
    value = company.do("record_value", **item, value="7", measured_on="2026-04-20").position
    company.do("close_cycle", cycle="2026-q2")
    company.do("amend_entry", position=value, body={"value": "8"}, reason=SCOPE)
    with restored(shelf, company) as book:
        found = [
            book.reader.ask(FindingsOf(), effective_at=f"2026-04-{day}").body["findings"] for day in (19, 20)
        ]
        assert [[one["rule"] for one in day] for day in found] == [
            ["opened_late"],
            ["opened_late", "closed_early", "change_after_close"],
        ]
        assert found[1][1]["sentence"] == "The cycle was closed before its last day, by 71 days."
        assert found[1][2]["sentence"] == "A measured value was recorded after the cycle closed."
        is_clean(book)


@pytest.mark.parametrize(
    ("day", "hour", "early"), [("2026-06-29", 21, 1), ("2026-06-29", 22, 0), ("2026-07-20", 9, 0)]
)
def test_a_cycle_that_is_closed_before_its_last_day_is_found_with_the_days(
    shelf: Shelf, company: Company, day: str, hour: int, early: int
) -> None:
    """Given a close at 23:00 in Berlin on the day before the last, and one an hour later, then only the first is."""
    company.on(day, hour)
    closed = company.do("close_cycle", cycle="2026-q2", reason=SCOPE).position
    with restored(shelf, company) as book:
        found = book.reader.ask(FindingsOf("2026-q2")).body["findings"]
        told = [(one["cause"], one["detail"]["days"]) for one in found if one["rule"] == "closed_early"]
        assert told == ([(closed, early)] if early else [])
        is_clean(book)


def test_the_drift_of_a_key_result_is_its_own(shelf: Shelf, company: Company) -> None:
    """Given two key results of one objective that both changed, then each one's drift tells of itself alone."""
    objective, first = company.committed()
    second = company.key_result(objective, title="Another", reason=SCOPE)
    company.do(
        "change_target",
        objective=objective,
        key_result=first,
        target={"kind": "point", "at": "90"},
        reason=SCOPE,
    )
    company.do("drop_key_result", objective=objective, key_result=second, reason=SCOPE)
    company.do("reown_objective", objective=objective, owner=company.cleo, reason=SCOPE)
    with restored(shelf, company) as book:
        told = {one: book.reader.ask(DriftOf(item=str(one))).body for one in (objective, first, second)}
        shown = {
            one: [row["key_result"] for row in told[one]["objectives"][0]["key_results"]] for one in told
        }
        assert shown == {objective: [str(first), str(second)], first: [str(first)], second: [str(second)]}
        assert told[first]["counts"]["kinds"] == {"retargeted": 1}
        assert "re-owned" in told[objective]["counts"]["kinds"]
    company.do("withdraw_objective", objective=objective, reason=SCOPE)
    with restored(shelf, company) as book:
        body = book.reader.ask(DriftOf(item=str(first))).body
        assert body["counts"]["kinds"] == {"retargeted": 1, "withdrawn": 1}


def test_an_entry_that_links_a_decision_tells_it(shelf: Shelf, company: Company) -> None:
    """Given two decisions about one objective, then its history tells each where it was linked."""
    objective, _ = company.committed()
    first = company.decided(text="We go on.", touches=(objective,))
    company.do("reword_objective", objective=objective, title="Another", reason=SCOPE)
    second = company.decided(text="We stop.", touches=(objective,), decided_by=company.ada)
    with restored(shelf, company) as book:
        entries = book.reader.ask(HistoryOf(str(objective))).body["entries"]
        links = [one["decided"] for one in entries if one["name"] == "objective.decision_linked"]
        assert [(one["decision"], one["text"], one["how"]) for one in links] == [
            (str(first), "We go on.", "own"),
            (str(second), "We stop.", "asserted"),
        ]
        (reworded,) = (one for one in entries if one["name"] == "objective.reworded")
        assert reworded["decided"]["how"] == "none"


def test_roles_of_the_past_are_those_of_the_past(shelf: Shelf, company: Company) -> None:
    """Given a role that was granted and taken, then each position shows who held it there."""
    actor = f"person:{company.cleo}"
    granted = company.do("grant_role", actor=actor, role="auditor").position
    revoked = company.do("revoke_role", actor=actor, role="auditor").position
    with restored(shelf, company) as book:
        roles = {
            position: book.reader.ask(PeopleList(), as_of=str(position)).body["people"][str(company.cleo)][
                "roles"
            ]
            for position in (granted - 1, granted, revoked)
        }
        assert roles == {
            granted - 1: ["facilitator"],
            granted: ["auditor", "facilitator"],
            revoked: ["facilitator"],
        }
        assert book.reader.ask(PeopleList(), effective_at="2026-01-04").body["people"] == {}


def test_an_amendment_of_presence_that_names_a_decision_is_one_of_its_changes(
    shelf: Shelf, company: Company
) -> None:
    decision = company.decided(text="Cleo came a day earlier.")
    joined = next(raw for raw in company.ledger.entries if raw.stream == f"person:{company.cleo}")
    company.do(
        "amend_entry",
        position=joined.position,
        body={},
        decision=decision,
        effective_at="2026-01-04T09:00:00Z",
    )
    with restored(shelf, company) as book:
        is_clean(book)


def test_a_retraction_between_two_changes_restores_what_stood_then(shelf: Shelf, company: Company) -> None:
    """Given two corrections of a baseline, when the first is retracted, then its row says what stood at its time."""
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result, "reason": SCOPE}
    first = company.do("correct_baseline", **item, baseline="33").position
    company.do("correct_baseline", **item, baseline="32")
    company.do("retract_entry", position=first, reason=SCOPE)
    with restored(shelf, company) as book:
        is_clean(book)
