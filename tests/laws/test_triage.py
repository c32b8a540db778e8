"""A ratification on both clocks: it comes later, says by how many days, and clears nothing before itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregates.reading.triage import Selection
from replay.asked import DecisionsOf, FindingsOf
from replay.verify import verify
from tests.laws.shelf import Book, Shelf, lines_of
from tests.rules.company import SCOPE, Company


class Told:
    """Three changes without a decision in May and June, all ratified on 10 June, confirmed on the 20th."""

    def __init__(self) -> None:
        self.company = company = Company().on("2026-04-02")
        company.do("open_cycle", cycle="2026-q2")
        objective, key_result = company.committed()
        change = {"objective": objective, "key_result": key_result, "reason": SCOPE}
        company.on("2026-05-04")
        self.softer = company.do("change_target", **change, target={"kind": "point", "at": "90"}).position
        self.weight = company.do("change_weight", **change, weight="2").position
        company.on("2026-06-09")
        self.dropped = company.do("drop_key_result", **change).position
        company.on("2026-06-10")
        self.causes = [self.softer, self.weight, self.dropped]
        decision = company.decided(decided_by=company.ben, ratifies=self.causes)
        self.decision: UUID = decision
        self.ratified = len(company.ledger.entries)
        company.on("2026-06-20").do("confirm_decision", decision=decision, by=company.ben)


@pytest.fixture
def told() -> Told:
    return Told()


def words(book: Book, **basis: Any) -> dict[int, list[str]]:
    asked = FindingsOf("2026-q2", select=Selection(rule="change_without_decision"))
    rows = book.reader.ask(asked, **basis).body["findings"]
    assert all(row["standing"] == "open" for row in rows)
    return {row["cause"]: [one["words"] for one in row["ratified_by"]] for row in rows}


def test_each_finding_says_how_much_later_it_was_ratified_and_none_is_cleared_before(
    shelf: Shelf, told: Told
) -> None:
    with shelf.restored(lines_of(told.company.ledger.entries)) as book:
        assert words(book) == {
            told.softer: ["ratified 37 days later"],
            told.weight: ["ratified 37 days later"],
            told.dropped: ["ratified 1 day later"],
        }
        asserted = words(book, as_of=str(told.ratified))
        assert asserted[told.dropped] == ["ratified 1 day later, asserted"]
        before = words(book, as_of=str(told.dropped))
        assert before == {cause: [] for cause in told.causes}
        assert words(book, effective_at="2026-06-09") == before
        assert words(book, effective_at="2026-05-31") == {told.softer: [], told.weight: []}
        verdict = verify(book.ledger, pairs=25, engine=book.engine)
        assert verdict.clean, verdict.difference


def test_the_decision_waits_for_its_decider_until_they_confirm(shelf: Shelf, told: Told) -> None:
    with shelf.restored(lines_of(told.company.ledger.entries)) as book:
        waiting = DecisionsOf(to_confirm=str(told.company.ben))
        (row,) = book.reader.ask(waiting, as_of=str(told.ratified)).body["decisions"]
        assert (row["decision"], row["standing"]) == (str(told.decision), "asserted")
        assert book.reader.ask(waiting).body["decisions"] == []
        assert book.reader.ask(DecisionsOf()).body["decisions"][0]["standing"] == "confirmed"
        groups = book.reader.ask(FindingsOf("2026-q2", group_by="decision")).body["groups"]
        assert {one["cause"] for one in groups[-1]["findings"]} >= set(told.causes)
        assert groups[-1]["decided"]["standing"] == "confirmed"
