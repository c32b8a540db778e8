"""Verify folds independently, compares every projection at pairs of both clocks, and names the first difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from psycopg import sql

from ledger.codec import RawEntry
from ledger.store import Ledger
from replay.columns import Columns
from replay.difference import Differs
from replay.engine import Engine
from replay.verify import verify
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
        list(Columns().of(entries))

    assert caught.value.difference.where == "entries"
    assert caught.value.difference.facet == facet


Copies = dict[int, tuple[str | None, int | None]]


def copies_of(entries: list[RawEntry]) -> Copies:
    """Return reference and supersedes by position, as the columns of an untouched ledger have them."""
    read = ((raw.position, orjson.loads(raw.data)) for raw in entries)
    return {
        position: (None if "supersedes" in data else data["body"].get("reference"), data.get("supersedes"))
        for position, data in read
    }


def differs(entries: list[RawEntry], copies: Copies | None = None) -> tuple[int, str]:
    """Return the position and the facet of the first difference among entries."""
    with pytest.raises(Differs) as caught:
        list(Columns().of(entries, copies))
    return caught.value.difference.position, caught.value.difference.facet


def first(entries: list[RawEntry], with_: str) -> RawEntry:
    return next(raw for raw in entries if with_ in orjson.loads(raw.data) | orjson.loads(raw.data)["body"])


def test_a_copy_of_a_reference_or_of_what_is_superseded_is_compared(company: Company) -> None:
    entries = list(company.ledger.entries)
    copies = copies_of(entries)
    assert len(list(Columns().of(entries, copies))) == len(entries)
    named, amends = first(entries, "reference"), first(entries, "supersedes")
    assert differs(entries, copies | {named.position: ("OBJ-99", None)}) == (named.position, "reference")
    told = copies[amends.position][1]
    assert told is not None
    assert differs(entries, copies | {amends.position: (None, told - 1)}) == (amends.position, "supersedes")


def test_an_entry_missing_from_its_stream_is_named_by_the_version_after_it(company: Company) -> None:
    entries = list(company.ledger.entries[:20])
    gone = first(entries, "key_result")
    entries.remove(gone)
    closed_up = [raw._replace(position=place) for place, raw in enumerate(entries, 1)]
    after = closed_up[gone.position - 1]
    assert (after.stream, after.version) == (gone.stream, gone.version + 1)
    assert differs(closed_up) == (after.position, "version")


def test_what_supersedes_is_later(company: Company) -> None:
    entries = list(company.ledger.entries)
    amends = first(entries, "supersedes")
    for supersedes in (amends.position, amends.position + 1, 0, "2"):
        data = orjson.dumps(orjson.loads(amends.data) | {"supersedes": supersedes})
        entries[amends.position - 1] = amends._replace(data=data)
        assert differs(entries) == (amends.position, "supersedes")


def test_a_head_that_does_not_say_what_the_last_entry_says_is_named(
    restored: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = restored.head()
    assert head.recorded_at is not None
    for changed, facet in (
        ({"recorded_at": head.recorded_at + timedelta(seconds=1)}, "recorded_at"),
        ({"position": head.position + 1}, "position"),
        ({"position": head.position - 1}, "position"),
    ):
        monkeypatch.setattr(restored, "head", lambda changed=changed: replace(head, **changed))
        difference = verify(restored, pairs=0).difference
        assert difference is not None
        assert (difference.where, difference.facet) == ("head", facet)


def test_a_tampered_history_is_named(restored: Ledger) -> None:
    engine = Engine(restored)
    engine.catch_up()
    with engine.connection() as connection:
        generation = engine.control.pointer(connection)
        assert generation is not None
        table = sql.Identifier(generation.schema, f"g{generation.number}_history")
        last = sql.SQL("delete from {0} where position = (select max(position) from {0})").format(table)
        connection.execute(last)
    difference = verify(restored, pairs=0, engine=engine).difference
    assert difference is not None
    assert difference.where == "history"


def test_a_projection_that_stopped_is_named(restored: Ledger) -> None:
    engine = Engine(restored)
    engine.catch_up()
    with engine.connection() as connection:
        generation = engine.control.pointer(connection)
        assert generation is not None
        engine.bookmarks.stop(
            connection, generation, "drift", 9, "drift does not know objective.sung (entry 9)."
        )
    difference = verify(restored, pairs=0, engine=engine).difference
    assert difference is not None
    assert (difference.where, difference.item, difference.found) == (
        "engine", "drift", "drift does not know objective.sung (entry 9).",
    )  # fmt: skip


def test_a_clock_that_stands_still_is_named(company: Company) -> None:
    entries = list(company.ledger.entries)
    entries[5] = entries[5]._replace(recorded_at=entries[4].recorded_at)

    with pytest.raises(Differs) as caught:
        list(Columns().of(entries))

    assert caught.value.difference.facet == "recorded_at"
