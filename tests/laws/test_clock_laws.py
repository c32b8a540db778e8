"""Both clocks: what was known at a position, what was true at the end of a day, in any zone on any day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.commands import COMMANDS
from aggregates.refusals import LiesInTheFuture, Refusal, ValueIsOutsideTheCycle
from aggregates.values import day_of, end_of_day, start_of_day
from ledger.codec import RawEntry
from ledger.rehearsal import Rehearsal
from replay.asked import BoardOf, CommitmentsOf, HistoryOf
from tests.laws.commands import Asked, Improviser, RehearsalStage, Step, plays, rehearsed
from tests.laws.model import key_results_at
from tests.laws.shelf import Book, Shelf, law, lines_of
from tests.projections.paper import every_answer

ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu")


def entries_of(company: Improviser) -> list[RawEntry]:
    entries: list[RawEntry] = company.stage.rehearsal.entries  # type: ignore[attr-defined]
    return entries


def cycles_of(entries: list[RawEntry]) -> list[str]:
    return [raw.stream.partition(":")[2] for raw in entries if raw.name == "cycle.planned"]


def key_results_of(book: Book, position: int, day: date) -> dict[str, dict[str, Any]]:
    """Return what the projections say of every key result that there is at a basis, the facets of the model only."""
    found: dict[str, dict[str, Any]] = {}
    with book.engine.reading() as reading:
        boards = every_answer(reading, position, day, cycles_of(book.entries()), book.ledger.zone)["board"]
    for states in boards.values():
        for objective in states["objectives"] if states else ():
            for one in objective["key_results"]:
                if (
                    "standing" not in one["facets"]
                ):  # it was measured on a day before it was added; no answer shows it
                    continue
                found[one["id"]] = {
                    facet: (fact["effective_at"], fact["position"], fact["value"])
                    for facet, fact in one["facets"].items()
                    if facet not in ("confidence", "said", "check_in", "source")
                }
    return found


def test_every_answer_is_the_winner_by_both_clocks(shelf: Shelf, profile: str) -> None:
    """Given any position and any day, then each attribute is the fact that the definition names, and no other."""

    @law(profile, 3, 12)
    @given(plays(profile, 40, 80), st.sampled_from(ZONES), st.integers(0, 2**32))
    def holds(play: list[Step], zone: str, seed: int) -> None:
        choice = Random(seed)
        entries = entries_of(rehearsed(play, zone=zone))
        first, last = entries[0].recorded_at.date(), entries[-1].recorded_at.date()
        with shelf.restored(lines_of(entries)) as book:
            for _ in range(6):
                position = choice.randint(len(entries) // 3, len(entries))
                day = first + timedelta(days=choice.randint(0, (last - first).days + 1))
                expected = key_results_at(entries, position, day, book.ledger.zone)
                assert key_results_of(book, position, day) == expected, (position, day)

    holds()


def test_an_amendment_wins_from_its_position_on_and_not_before(shelf: Shelf, profile: str) -> None:
    """Given an entry and its amendment, then before it the entry stands, from it on nothing of the entry does."""
    seen: list[bool] = []

    @law(profile, 3, 12)
    @given(plays(profile, 30, 50), st.lists(st.integers(1, 2**32), min_size=20, max_size=20))
    def holds(play: list[Step], seeds: list[int]) -> None:
        company = rehearsed(play)
        for place, seed in enumerate(seeds):
            company.step("retract_entry" if place % 2 else "amend_entry", seed)
        entries = entries_of(company)
        amended = [
            (data["supersedes"], raw.position, data["body"].get("key_result"), raw.name)
            for raw in entries
            if "supersedes" in (data := orjson.loads(raw.data)) and raw.stream.startswith("objective:")
        ]
        with shelf.restored(lines_of(entries)) as book:
            for old, new, key_result, name in amended[-14:]:
                day = day_of(entries[-1].recorded_at, book.ledger.zone) + timedelta(days=1)
                before, after = key_results_of(book, new - 1, day), key_results_of(book, new, day)
                assert before == key_results_at(entries, new - 1, day, book.ledger.zone), "the entry stands"
                assert after == key_results_at(entries, new, day, book.ledger.zone)
                assert old not in _positions(after)
                seen.append(old in _positions(before))
                if key_result is not None and name != "entry.retracted":
                    rows = book.reader.ask(HistoryOf(key_result), as_of=str(new)).body
                    assert {old, new} <= set(_every_position(rows)), "the history keeps both"

    holds()
    assert any(seen), "some of the amended entries were what stood"


def _positions(found: dict[str, dict[str, Any]]) -> set[int]:
    return {fact[1] for facts in found.values() for fact in facts.values()}


def _every_position(body: Any) -> list[int]:
    if isinstance(body, dict):
        own = [body["position"]] if isinstance(body.get("position"), int) else []
        return own + [place for value in body.values() for place in _every_position(value)]
    return [place for one in body for place in _every_position(one)] if isinstance(body, list) else []


def test_a_back_dated_value_never_alters_a_commitment(shelf: Shelf, profile: str) -> None:
    """Given commitments, when values of earlier days are recorded, then every line reads as before, byte for byte."""

    @law(profile, 3, 12)
    @given(plays(profile, 20, 50), st.lists(st.integers(0, 2**32), min_size=10, max_size=20))
    def holds(play: list[Step], seeds: list[int]) -> None:
        company = rehearsed(play)
        before = len(entries_of(company))
        for seed in seeds:
            company.step("record_value", seed)
        entries = entries_of(company)
        day = day_of(entries[-1].recorded_at, ZoneInfo("Europe/Berlin")).isoformat()
        lines = lines_of(entries)
        with shelf.restored(lines[:before]) as then, shelf.restored(lines) as now:
            for cycle in cycles_of(entries):
                told = _lines(then, cycle, before, day)
                assert _lines(now, cycle, before, day) == told
                assert _lines(now, cycle, len(entries), day) == told

    holds()


def _lines(book: Book, cycle: str, position: int, day: str) -> bytes:
    body = book.reader.ask(CommitmentsOf(cycle), as_of=str(position), effective_at=day).body
    return orjson.dumps([(one["reference"], one["lines"], one["added_late"]) for one in body["objectives"]])


# -- days and zones

CHANGES = [
    ("Europe/Berlin", date(2024, 3, 31)), ("Europe/Berlin", date(2024, 10, 27)),
    ("America/New_York", date(2024, 3, 10)), ("America/New_York", date(2024, 11, 3)),
    ("Pacific/Kiritimati", date(2024, 2, 29)), ("Pacific/Pago_Pago", date(2024, 12, 31)),
    ("America/Havana", date(2024, 3, 10)),
]  # fmt: skip
"""Zones with days of 23, 24 and 25 hours; in Havana the day begins at one o'clock."""


@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_a_cycle_of_one_day_in_any_zone(shelf: Shelf, name: str, day: date) -> None:
    """Given a cycle of one day, then values and commitments of its first and last instant are its own, no others."""
    zone = ZoneInfo(name)
    start, end = start_of_day(day, zone), end_of_day(day, zone)
    rehearsal = Rehearsal(
        UUID(int=9, version=4), "Example", name, start - timedelta(days=3), random=Random(1)
    )
    company = Improviser(RehearsalStage(rehearsal), rehearsal.steward)
    owner = rehearsal.new_id()
    company.must("add_person", person=owner)
    company.must(
        "plan_cycle",
        cycle="one-day",
        name="One day",
        kind="custom",
        starts_on=day,
        commit_by=day,
        ends_on=day,
    )
    company.must("open_cycle", cycle="one-day")

    # when on the day before a value is told, then it is refused; at the first instant of the day it is taken
    early = company.committed("one-day", owner)
    rehearsal.at(start - timedelta(microseconds=1))
    assert _refused(company, early, None) is ValueIsOutsideTheCycle
    assert _refused(company, early, day) is LiesInTheFuture
    rehearsal.at(start)
    first = company.must("record_value", objective=early[0], key_result=early[1], value="10").position

    # when the last instant comes, then a commitment is on time, and the next instant it is late by one day
    rehearsal.at(end - timedelta(microseconds=3))
    timely = company.committed("one-day", owner)
    assert rehearsal.entries[-1].recorded_at == end
    company.committed("one-day", owner)
    rehearsal.at(end + timedelta(hours=1))
    assert _refused(company, early, None) is ValueIsOutsideTheCycle
    told = company.must(
        "record_value", objective=early[0], key_result=early[1], value="20", measured_on=day
    ).position

    with shelf.restored(lines_of(rehearsal.entries)) as book:
        body = book.reader.ask(CommitmentsOf("one-day")).body
        assert [one["lines"][0]["days_late"] for one in body["objectives"]] == [0, 0, 1]
        assert body["objectives"][1]["objective"] == str(timely[0])

        # then the day's value is the first one as known then, and the later one as known at the end
        assert _value(book, str(told - 1), day) == ("10", first)
        assert _value(book, str(told), day) == ("20", told)
        assert _value(book, day.isoformat(), day) == ("10", first)
        assert _value(book, str(told), day - timedelta(days=1)) is None
        assert _value(book, end.isoformat(), day) == ("10", first)


def _refused(company: Improviser, item: tuple[UUID, UUID], day: date | None) -> type[Refusal] | None:
    asked = COMMANDS["record_value"].model_validate(
        {"objective": item[0], "key_result": item[1], "value": "1", "measured_on": day}
    )
    try:
        company.stage.do(Asked(asked, f"person:{company.steward}"))
    except Refusal as refusal:
        return type(refusal)
    return None


def _value(book: Book, as_of: str, day: date) -> tuple[str, int] | None:
    body = book.reader.ask(BoardOf("one-day"), as_of=as_of, effective_at=day.isoformat()).body
    shown = [one for one in body["objectives"] if one["reference"] == "OBJ-1"]
    value = shown[0]["key_results"][0]["value"] if shown and shown[0]["key_results"] else None
    return None if value is None else (value["value"], value["position"])


@pytest.mark.parametrize("name", ZONES)
def test_the_day_of_a_position_is_the_organisations_day(shelf: Shelf, name: str) -> None:
    """Given an entry a microsecond before midnight and one after it, then their days differ, in any zone."""
    zone = ZoneInfo(name)
    midnight = start_of_day(date(2024, 7, 1), zone)
    company = rehearsed([], zone=name, start=midnight - timedelta(days=1))
    rehearsal = company.stage.rehearsal  # type: ignore[attr-defined]
    rehearsal.at(midnight - timedelta(microseconds=1))
    last = company.must("form_team", team=rehearsal.new_id(), name="Late").position
    first = company.must("form_team", team=rehearsal.new_id(), name="Early").position
    assert [raw.recorded_at for raw in rehearsal.entries[-2:]] == [
        midnight - timedelta(microseconds=1),
        midnight,
    ]
    with shelf.restored(lines_of(rehearsal.entries)) as book:
        ask = book.reader.ask
        assert ask(BoardOf("first"), as_of=str(last)).basis.effective_on == date(2024, 6, 30)
        assert ask(BoardOf("first"), as_of=str(first)).basis.effective_on == date(2024, 7, 1)
        assert ask(BoardOf("first"), as_of="2024-06-30").basis.position == last
        assert ask(BoardOf("first"), as_of="2024-07-01").basis.position == first
        at = datetime(2024, 7, 1, tzinfo=zone).astimezone(UTC)
        assert ask(BoardOf("first"), as_of=at.isoformat()).basis.position == first
        assert (
            ask(BoardOf("first"), as_of=(at - timedelta(microseconds=1)).isoformat()).basis.position == last
        )
