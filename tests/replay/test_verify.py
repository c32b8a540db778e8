"""Verify folds independently, compares every projection at pairs of both clocks, and names the first difference."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import sql

from ledger.codec import RawEntry
from ledger.store import Ledger
from replay.engine import Engine
from replay.verify import Differs, _Columns, verify
from tests.rules.company import Company


def test_a_whole_quarter_agrees_at_every_position(restored: Ledger) -> None:
    # given a quarter with changes, decisions, amendments, a retraction, a re-plan and a second closing
    told: list[tuple[int, int, str]] = []

    # when every position is a sample
    verdict = verify(restored, pairs=400, seed=3, progress=lambda *step: told.append(step))

    # then nothing differs
    assert verdict.difference is None, verdict.difference.sentence()
    assert verdict.clean
    assert verdict.entries == restored.head().position
    assert verdict.answers > verdict.pairs > 40
    assert told[-1][0] == verdict.entries
    assert verdict.as_dict()["difference"] is None


def test_a_tampered_projection_is_named_with_item_and_facet(restored: Ledger) -> None:
    engine = Engine(restored)
    engine.catch_up()
    with engine.connection() as connection:
        generation = engine.control.pointer(connection)
        assert generation is not None
        table = sql.Identifier(generation.schema, f"g{generation.number}_lines")
        connection.execute(sql.SQL("update {} set late_by_days = 99 where late_by_days > 0").format(table))

    verdict = verify(restored, pairs=0, engine=engine)

    assert not verdict.clean
    difference = verdict.difference
    assert difference is not None
    assert (difference.where, difference.found) == ("commitments", 99)
    assert "late_by_days" in difference.facet
    assert difference.sentence().endswith("but 99 was found.")


@pytest.mark.parametrize(
    ("facet", "changed"),
    [
        ("name", "objective.withdrawn"),
        ("stream", "organisation"),
        ("version", 9),
        ("position", 7),
    ],
)
def test_a_column_that_does_not_say_what_the_bytes_say_is_named(
    company: Company, facet: str, changed: Any
) -> None:
    entries: list[RawEntry] = list(company.ledger.entries)
    entries[10] = entries[10]._replace(**{facet: changed})

    with pytest.raises(Differs) as caught:
        list(_Columns().of(entries))

    assert caught.value.difference.where == "entries"
    assert caught.value.difference.facet == facet


def test_a_clock_that_stands_still_is_named(company: Company) -> None:
    entries = list(company.ledger.entries)
    entries[5] = entries[5]._replace(recorded_at=entries[4].recorded_at)

    with pytest.raises(Differs) as caught:
        list(_Columns().of(entries))

    assert caught.value.difference.facet == "recorded_at"
