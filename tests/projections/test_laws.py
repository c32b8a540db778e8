"""Laws: live equals rebuilt, the past equals a shorter ledger, and the fold comes to the same states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from projections import facts
from projections.catalogue import PROJECTIONS
from replay.engine import Engine
from replay.fold import Fold
from replay.folded import states_of
from replay.generations import rebuild
from tests.projections.paper import ZONE, every_answer, every_row
from tests.projections.story import CYCLES, Story

DAYS = (None, date(2026, 4, 1), date(2026, 4, 20), date(2026, 5, 5), date(2026, 6, 30), date(2026, 12, 31))


@pytest.mark.parametrize("page", [1, 3, 17])
def test_small_pages_write_what_one_page_writes(
    story: Story, engine_on: Callable[..., Engine], page: int
) -> None:
    whole = every_row(engine_on(story.entries))
    assert every_row(engine_on(story.entries, page=page)) == whole


def test_rows_are_the_same_however_the_pieces_of_a_page_are_cut(
    story: Story, engine_on: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = every_row(engine_on(story.entries))
    monkeypatch.setattr(facts, "PIECE", 7)
    assert every_row(engine_on(story.entries)) == whole


def test_live_equals_rebuilt(story: Story, engine_on: Callable[..., Engine]) -> None:
    live = engine_on(story.entries[:40], page=5)
    live.ledger.entries += story.entries[40:]  # type: ignore[attr-defined]
    live.catch_up()
    before = every_row(live)
    with live.connection() as connection:
        first = live.control.pointer(connection)
    second = rebuild(live)
    assert first is not None
    assert (first.number, second.number) == (1, 2)
    assert every_row(live) == before


def test_another_process_takes_turns(story: Story, engine_on: Callable[..., Engine]) -> None:
    one = engine_on([], page=4)
    two = Engine(one.ledger, page=3)
    for place in range(5, len(story.entries) + 5, 5):
        one.ledger.entries[:] = story.entries[:place]  # type: ignore[attr-defined]
        (one if place % 2 else two).catch_up()
    assert every_row(one) == every_row(engine_on(story.entries))


def test_the_past_equals_a_shorter_ledger(story: Story, engine_on: Callable[..., Engine]) -> None:
    whole = engine_on(story.entries)
    for position in range(8, len(story.entries), 7):
        shorter = engine_on(story.entries[:position])
        with whole.reading() as past, shorter.reading() as present:
            assert present.position == position
            for on in DAYS:
                expected = every_answer(present, position, on, CYCLES)
                for question, answer in every_answer(past, position, on, CYCLES).items():
                    assert answer == expected[question], (position, on, question)


def test_the_fold_comes_to_the_same_states(story: Story, engine_on: Callable[..., Engine]) -> None:
    engine = engine_on(story.entries)
    with engine.reading() as reading:
        for position in range(1, len(story.entries) + 1):
            fold = Fold()
            fold.apply(story.entries[:position])
            for on in DAYS:
                answers = every_answer(reading, position, on, CYCLES)
                for cycle in CYCLES:
                    expected = states_of(fold, cycle, effective_on=on, zone=ZONE)
                    found = answers["board"][cycle]
                    if found is None:
                        assert expected["cycle"] is None
                        continue
                    assert found["cycle"] == expected["cycle"], (position, on)
                    assert found["objectives"] == expected["objectives"], (position, on)
                    assert found["teams"] == _told(expected["teams"])
                    assert found["people"] == _told(expected["people"])


def _told(items: dict[str, dict[str, object]]) -> dict[str, object]:
    return {key: facets for key, facets in items.items() if facets}


def test_every_projection_knows_every_name() -> None:
    from aggregates.vocabulary import EVENTS

    for projection in PROJECTIONS:
        assert set(EVENTS) == projection.HANDLES | projection.PASSES_BY, projection.name
        assert not projection.HANDLES & projection.PASSES_BY, projection.name
