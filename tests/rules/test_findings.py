"""Answers to many findings are one command, and what became of a facet is said in words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from aggregates.finding.commands import MOST_FINDINGS
from aggregates.reading.deeds import deed, told
from aggregates.refusals import ActionIsNotAllowed, FindingIsUnknown, TooManyFindings
from tests.rules.company import SCOPE, Company

ANSWER = {"answer": "accepted", "text": "Agreed in June."}


@pytest.fixture
def company() -> Company:
    """A company whose quarter is open."""
    company = Company().on("2026-04-02")
    company.do("open_cycle", cycle="2026-q2")
    return company


def changed(company: Company, owner: UUID | None = None) -> int:
    """Return the position of a change without a decision on an objective of this owner."""
    objective, _ = company.committed(owner=owner or company.cleo)
    return company.do("reword_objective", objective=objective, title="Another", reason=SCOPE).position


def named(*causes: int, rule: str = "change_without_decision") -> list[dict[str, Any]]:
    return [{"rule": rule, "cause": cause} for cause in causes]


def test_each_finding_is_answered_once_on_the_stream_of_its_cause(company: Company) -> None:
    first, second = changed(company), changed(company)
    findings = named(first, second, first)
    receipt = company.do("answer_findings", findings=findings, known=findings, **ANSWER, by=company.cleo)
    assert [company.entry(place).stream for place in receipt.positions] == [
        company.entry(cause).stream for cause in (first, second)
    ]
    assert [event.stored_name for event in company.events(receipt)] == ["finding.answered"] * 2
    again = company.do("answer_findings", findings=findings, known=findings, **ANSWER, by=company.cleo)
    assert len(again.positions) == 2


def test_no_findings_are_nothing_and_one_unknown_is_none(company: Company) -> None:
    entries = len(company.ledger.entries)
    company.do("answer_findings", **ANSWER)
    assert len(company.ledger.entries) == entries
    known = named(changed(company))
    strange = [*known, *named(changed(company), rule="late_line")]
    refusal = company.refused(FindingIsUnknown, "answer_findings", findings=strange, known=known, **ANSWER)
    assert refusal.field == "/findings/1"
    nowhere = [*known, *named(9_999)]
    company.refused(FindingIsUnknown, "answer_findings", findings=nowhere, known=nowhere, **ANSWER)
    many = named(*range(1, MOST_FINDINGS + 2))
    company.refused(
        TooManyFindings, "answer_findings", findings=many, known=many, **ANSWER, field="/findings"
    )


def test_an_owner_answers_only_what_is_their_own(company: Company) -> None:
    own, theirs = changed(company, owner=company.ada), changed(company, owner=company.ben)
    both = named(own, theirs)
    company.refused(
        ActionIsNotAllowed, "answer_findings", findings=both, known=both, **ANSWER, by=company.ada
    )
    mine = named(own)
    company.do("answer_findings", findings=mine, known=mine, **ANSWER, by=company.ada)


INCREASE = {"kind": "increase", "unit": "%"}


@pytest.mark.parametrize(
    ("facet", "old", "new", "said"),
    [
        ("target", {"kind": "point", "at": "90"}, {"kind": "point", "at": "80"}, "target changed from 90 to 80 %"),
        ("target", {"kind": "band", "low": "1", "high": "2"}, {"kind": "band", "low": "1", "high": "3"},
         "target changed from 1–2 to 1–3 %"),
        ("target", {"kind": "stages", "stages": [1, 2]}, {"kind": "stages", "stages": [1, 3]}, "target changed"),
        ("target", {"kind": "done"}, None, "target taken back"),
        ("baseline", "10", "12", "baseline changed from 10 to 12 %"),
        ("weight", None, "2", "weight set to 2"),
        ("measure", {"kind": "increase"}, {"kind": "at_or_above"}, "measure changed from increase to at or above"),
        ("measure", {"kind": "band", "unit": "a"}, {"kind": "band", "unit": "b"}, "measure changed"),
        ("wording", {"title": "Good bread"}, {"title": "Fresh bread"}, "reworded from “Good bread” to “Fresh bread”"),
        ("wording", {"title": "Good bread"}, {"title": "x" * 60}, "reworded"),
        ("ends_on", None, "2026-07-31", "end moved from that of the cycle to 2026-07-31"),
        ("cycle", "2026-q2", "2026-q3", "cycle moved from 2026-q2 to 2026-q3"),
        ("owner", "a", "b", "owner changed"),
        ("alignment", {"local": "a"}, {"local": "b"}, "alignment changed"),
        ("ambition", "committed", "aspirational", "ambition changed from committed to aspirational"),
        ("standing", "active", "dropped", "dropped"),
        ("standing", "dropped", "active", "taken up again"),
        ("standing", {"word": "committed"}, {"word": "withdrawn"}, "withdrawn"),
        ("standing", {"word": "committed"}, {"word": "recorded_in_error"}, "recorded in error"),
        ("standing", {"word": "committed"}, {"word": "carried", "into": "2026-q3"}, "carried into 2026-q3"),
    ],
)  # fmt: skip
def test_what_became_of_a_facet_is_said_in_words(facet: str, old: Any, new: Any, said: str) -> None:
    assert deed(facet, old, new, INCREASE) == said


def test_several_deeds_begin_one_sentence() -> None:
    assert told(["dropped"]) == "Dropped"
    assert told(["target changed", "weight set to 2"]) == "Target changed and weight set to 2"
    assert told(list("abcde")) == "A, b, c and 2 more"
