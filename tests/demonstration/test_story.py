"""The demonstration's story: accepted by the rules on any day, always the same, with all that can happen in it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import orjson
import pytest

from aggregates.entry import Sealed
from aggregates.vocabulary import EVENTS
from api.demonstration.calendar import instant, quarters
from api.demonstration.company import TEAMS, THEMES
from api.demonstration.people import NAMES, ZONE
from api.demonstration.player import demonstration_id, rehearse
from ledger.rehearsal import Rehearsal

TODAY = date(2026, 11, 18)
OTHER_DAYS = [
    date(2028, 2, 29),
    date(2026, 12, 31),
    *(pytest.param(day, marks=pytest.mark.slow) for day in (date(2027, 2, 1), date(2027, 5, 14))),
]
NOT_IN_THE_STORY = {
    "access.role_revoked",
    "service.registered",
    "team.renamed",
    "team.moved",
    "team.closed",
    "cycle.reopened",
    "objective.moved_to_cycle",
    "objective.noted_in_source",
    "key_result.noted_in_source",
}


def sealed(author: UUID, text: str) -> Sealed:
    """Seal with nothing, so that two rehearsals can be compared."""
    return Sealed(author=author, key_id=author, commitment="0" * 64, ciphertext="AA==")


def played(today: date, clock: str = "18:00") -> Rehearsal:
    return rehearse(today, instant(today, clock, ZONE), demonstration_id(today), sealed)[0]


@pytest.fixture(scope="module")
def stage() -> Rehearsal:
    """The story as it is told on one evening."""
    return played(TODAY)


def test_the_company_has_the_size_that_was_promised() -> None:
    assert len(TEAMS) == 9
    assert len(NAMES) == 40
    assert len(THEMES) == 45
    for quarter in range(3):
        planned = [
            one for _, theme in THEMES.values() for one in theme.metrics if one.goals[quarter] is not None
        ]
        assert 120 <= len(planned) <= 140
    assert {metric.kind for _, theme in THEMES.values() for metric in theme.metrics} == {
        "increase", "decrease", "at_or_above", "at_or_below", "band", "milestones", "yes_no", "phased",
    }  # fmt: skip
    assert all((theme.parent is None) != (theme.local is None) for _, theme in THEMES.values())


@pytest.mark.parametrize("today", OTHER_DAYS, ids=str)
def test_the_rules_accept_every_scene_whatever_the_day(today: date) -> None:
    assert_is_whole(played(today), today)


def test_the_rules_accept_every_scene_of_this_day(stage: Rehearsal) -> None:
    assert_is_whole(stage, TODAY)


def assert_is_whole(stage: Rehearsal, today: date) -> None:
    assert stage.entries[-1].recorded_at < instant(today, "18:00", ZONE)
    assert len(stage.entries) > 7_000


@pytest.mark.parametrize(
    "today", [date(2026, 1, 1) + timedelta(days=13 * number) for number in range(60)], ids=str
)
def test_the_running_quarter_is_in_its_eighth_week(today: date) -> None:
    first, last, running = quarters(today)
    assert (today - running.starts_on).days // 7 == 7
    assert len({first.key, last.key, running.key}) == 3
    assert first.ends_on < last.starts_on <= last.ends_on < running.starts_on


def test_the_same_day_and_seed_give_the_same_bytes(stage: Rehearsal) -> None:
    assert list(played(TODAY).lines()) == list(stage.lines())


def test_a_morning_knows_less_than_an_evening_and_nothing_else(stage: Rehearsal) -> None:
    morning, evening = list(played(TODAY, "08:00").lines()), list(stage.lines())
    assert len(morning) < len(evening)
    assert evening[: len(morning)] == morning


def test_everything_that_can_happen_happens(stage: Rehearsal) -> None:
    found = Counter(entry.name for entry in stage.entries)
    assert set(EVENTS) - set(found) == NOT_IN_THE_STORY


def test_what_an_auditor_looks_for_is_there(stage: Rehearsal) -> None:
    entries = [(raw, orjson.loads(raw.data)) for raw in stage.entries]
    decisions = {data["stream"]: data for raw, data in entries if raw.name == "decision.recorded"}
    confirmed = {data["stream"] for raw, data in entries if raw.name == "decision.confirmed"}
    asserted = [
        stream
        for stream, data in decisions.items()
        if stream not in confirmed and data["by"] != f"person:{data['body']['decided_by']}"
    ]
    assert asserted
    assert any(data["body"]["ratifies"] for data in decisions.values())
    changes = [data for raw, data in entries if raw.name == "key_result.target_changed"]
    assert {("decision" in data) for data in changes} == {True, False}
    late = [
        data
        for raw, data in entries
        if raw.name == "key_result.measured" and data["effective_at"] < str(raw.recorded_at.date())
    ]
    assert late
    superseding = Counter(raw.name for raw, data in entries if "supersedes" in data)
    assert superseding == {"key_result.scored": 2, "key_result.measured": 1, "entry.retracted": 1}
    assert all(raw.recorded_at < instant(TODAY, "18:00", ZONE) for raw, _ in entries)
