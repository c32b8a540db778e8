"""A basis names what the ledger had been told by then, and what was true on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from aggregates.policy import DEFAULT_POLICY
from aggregates.refusals import BasisIsUnknown
from aggregates.values import instant_text
from ledger.store import Ledger
from replay.basis import Basis, resolve
from tests.rules.company import Company
from tests.waiting import day_that_lasts

TODAY = date(2026, 11, 1)


def position_of(company: Company, name: str, which: int = 0) -> int:
    return [entry.position for entry in company.ledger.entries if entry.name == name][which]


def test_the_present_is_the_head_today(restored: Ledger) -> None:
    basis = resolve(restored, today=TODAY)

    assert basis.position == restored.head().position
    assert basis.effective_on == TODAY
    assert basis.policy_version == 1
    assert set(basis.as_dict()) == {
        "ledger", "position", "effective_at", "policy_version", "reading_version", "redactions",
    }  # fmt: skip


def test_a_position_means_the_day_on_which_it_was_recorded(restored: Ledger, company: Company) -> None:
    closed = position_of(company, "cycle.closed")

    assert restored.identifier is not None
    assert resolve(restored, as_of=str(closed)) == Basis(restored.identifier, closed, date(2026, 7, 2), 1)


def test_an_instant_and_a_date_mean_what_had_been_told_by_then(restored: Ledger, company: Company) -> None:
    entry = company.ledger.entries[30]

    at = resolve(restored, as_of=instant_text(entry.recorded_at))
    day = resolve(restored, as_of="2026-04-20")

    assert at.position == entry.position
    assert day.effective_on == date(2026, 4, 20)
    assert day.position == max(
        one.position
        for one in company.ledger.entries
        if one.recorded_at < datetime(2026, 4, 20, 22, tzinfo=UTC)
    )


def test_marks_are_the_first_commit_by_the_opening_not_voided_and_the_first_closing(
    restored: Ledger, company: Company
) -> None:
    assert resolve(restored, as_of="2026-q2:commit-by").effective_on == date(2026, 4, 10)
    opened = resolve(restored, as_of="2026-q2:opened")
    assert (opened.position, opened.effective_on) == (position_of(company, "cycle.opened"), date(2026, 4, 1))
    assert resolve(restored, as_of="2026-q2:closed").position == position_of(company, "cycle.closed")


def test_the_policy_is_that_of_the_position_and_of_the_day(restored: Ledger, company: Company) -> None:
    """Given another policy adopted today, then a position or a day before it is read by the one that ruled then."""
    today, before = day_that_lasts(restored), restored.head().position
    policy = DEFAULT_POLICY.model_copy(update={"name": "second", "bands": "mooncamp"})
    adopt = COMMANDS["adopt_policy"].model_validate({"policy": policy})
    restored.execute(adopt, decide, by=f"person:{company.steward}")
    versions = [
        resolve(restored, today=today).policy_version,
        resolve(restored, as_of=str(before), today=today).policy_version,
        resolve(restored, as_of=str(before), effective_at=today, today=today).policy_version,
        resolve(restored, effective_at="2026-07-02", today=today).policy_version,
    ]
    assert versions == [2, 1, 1, 1]


def test_effective_at_is_the_other_clock(restored: Ledger) -> None:
    basis = resolve(restored, as_of="2026-q2:closed", effective_at="2026-05-01")

    assert basis.effective_on == date(2026, 5, 1)
    assert basis.position == resolve(restored, as_of="2026-q2:closed").position


@pytest.mark.parametrize("as_of", ["2019-12-31", "2019-12-31T10:00:00Z"])
def test_a_time_before_the_first_entry_is_refused_with_the_way_out(restored: Ledger, as_of: str) -> None:
    with pytest.raises(BasisIsUnknown, match="use effective_at=2019-12-31"):
        resolve(restored, as_of=as_of)


@pytest.mark.parametrize(
    ("as_of", "sentence"),
    [
        ("999999", "There is no position"),
        ("0", "There is no position"),
        ("9" * 400, "There is no position"),
        ("", "as_of is empty"),
        ("yesterday", "cannot be read"),
        ("2026-08-15T17:00:00", "has no offset"),
        ("2026-02-30", "cannot be read"),
        ("2026-08-15T17:00:00 02:00", "In an address the sign . is written %2B"),
        ("9999-12-31", "out of range"),
        ("2126-01-01", "has not ended"),
        ("2126-01-01T00:00:00Z", "lies in the future"),
        ("2031-q1:opened", "is not in this ledger"),
        ("2026-q2:paused", "is not a mark"),
        ("２", "cannot be read"),
    ],
)
def test_what_names_no_basis_is_refused_with_a_sentence(restored: Ledger, as_of: str, sentence: str) -> None:
    with pytest.raises(BasisIsUnknown, match=sentence) as caught:
        resolve(restored, as_of=as_of)
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("day", ["2126-01-01", "2026-13-01", "today"])
def test_an_effective_day_is_a_day_up_to_today(restored: Ledger, day: str) -> None:
    with pytest.raises(BasisIsUnknown):
        resolve(restored, effective_at=day)
