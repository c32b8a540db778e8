"""What is answered from what was kept equals what is answered from nothing, for everybody, after every command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.refusals import Refusal
from aggregates.values import day_of
from projections.bookmarks import Standing
from replay import stretch
from replay.asked import BoardOf, DriftOf, HistoryOf, Question
from replay.questions import Answer, Reader
from replay.sight import EVERYTHING, Sight
from tests.laws.commands import Improviser, play_of
from tests.laws.shelf import Book, Shelf, law

OFTEN = ("check_in", "check_in", "record_value")
"""Between commands of every kind those are given that leave most of what is kept as it was."""


class Watcher:
    """Asks a reader that keeps and one that keeps nothing, and remembers what was answered."""

    def __init__(self, book: Book, choice: Random) -> None:
        self.book = book
        self.choice = choice
        self.keeping = Reader(book.ledger, book.engine, keeps=True)
        self.given: dict[tuple[str, str], tuple[Question, Sight, Answer]] = {}
        self.kept = self.unchanged = self.hiding = 0

    def sights(self, company: Improviser) -> list[Sight]:
        """Return what the house and everybody sees now, one of each kind."""
        found = [EVERYTHING]
        for person in company.people:
            try:
                sight = self.keeping.sights.now(f"person:{person}")
                sight.check_presence()
            except Refusal:
                continue
            found.append(sight)
        return list({sight.digest: sight for sight in found}.values())

    def look(self, company: Improviser) -> None:
        """Compare some answers at the present end, each for somebody."""
        self.book.engine.catch_up()
        standing = self.keeping.standing()
        assert set(standing.positions.values()) == {standing.head}
        today = day_of(standing.now, self.book.ledger.zone)
        questions, sights = self.book.questions(items=3), self.sights(company)
        for question in [*self.choice.sample(questions, 6), BoardOf("first"), DriftOf("first")]:
            sight = self.choice.choice(sights)
            fresh = asked(Reader(self.book.ledger, self.book.engine), question, sight)
            if isinstance(fresh, Answer) and fresh.basis.effective_on != today:
                continue  # midnight came between
            self._compare(question, sight, fresh, standing)

    def _compare(
        self,
        question: Question,
        sight: Sight,
        fresh: Answer | str,
        standing: Standing,
    ) -> None:
        position, today = standing.head, day_of(standing.now, self.book.ledger.zone)
        now: Answer | str | None
        try:
            now = self.keeping.from_kept(question, standing.generation, position, today=today, reader=sight)
            self.kept += now is not None
        except Refusal as refusal:
            now = f"{refusal.code()}: {refusal.detail}"
        now = now or asked(self.keeping, question, sight)
        if isinstance(fresh, str) or isinstance(now, str):
            assert now == fresh
            return
        assert orjson.loads(now.content()) == fresh.body
        assert (now.content(), now.named) == (orjson.dumps(fresh.body), fresh.named), question
        check_figures(question, now.body)
        self.hiding += bool(sight.hidden)
        before = self.given.get((repr(question), sight.digest))
        if before is not None and before[2].basis.effective_on != today:
            before = None  # midnight came between
        if before is not None and self.keeping.is_as_it_was(
            before[2].rests_on, before[2].basis.position, position
        ):
            moved = {**before[2].body, "basis": {**before[2].body["basis"], "position": position}}
            assert moved == fresh.body, question
            self.unchanged += position > before[2].basis.position
        self.given[repr(question), sight.digest] = (question, sight, now)


def check_figures(question: Question, body: Mapping[str, Any]) -> None:
    """Count anew, from the rows that are told, what the figures of a board or a drift say of them."""
    if not isinstance(question, BoardOf | DriftOf):
        return
    rows = body["objectives"]
    inner = [one for row in rows for one in row["key_results"]]
    if isinstance(question, BoardOf):
        for figures, counted in ((body, rows), (body["key_results"], inner)):
            words = Counter(one["status"]["counts_as"] for one in counted)
            assert {word: number for word, number in figures["counts"].items() if number} == words
            for name, said in (("silent", "silent"), ("disagreements", "disagrees")):
                assert figures[name] == sum(one["status"][said] for one in counted)
        left = {one["owner"]["id"] for one in (*rows, *inner) if one["owner"]["presence"] == "left"}
        assert {one["id"] for one in body["owners_who_left"]} <= left
    else:
        moved = [one for item in (*rows, *inner) for one in item["facets"] if one["kind"] != "kept"]
        assert body["counts"]["kinds"] == Counter(one["kind"] for one in moved)
        for word in ("softer", "harder", "neutral"):
            assert body["counts"][word] == sum(one["direction"] == word for one in moved)


def asked(reader: Reader, question: Question, sight: Sight) -> Answer | str:
    """Return an answer, or the words of the refusal."""
    try:
        return reader.ask(question, reader=sight)
    except Refusal as refusal:
        return f"{refusal.code()}: {refusal.detail}"


def objectives(book: Book) -> list[str]:
    """Return the identifiers of all objectives."""
    return [raw.stream.partition(":")[2] for raw in book.entries() if raw.name == "objective.drafted"]


def test_what_is_kept_is_what_would_be_answered_anew(shelf: Shelf, profile: str) -> None:
    """Given a ledger that grows by any commands, then kept and moved answers are, byte for byte, those made anew."""
    seen = [0, 0, 0]

    @law(profile, 2, 12)
    @given(st.integers(1, 2**32), st.integers(25, 45))
    def holds(seed: int, length: int) -> None:
        choice = Random(seed)
        with shelf.company() as (book, company):
            watcher = Watcher(book, choice)
            for objective in objectives(book)[choice.randint(0, 1) :]:
                who = [choice.choice(company.people[1:])]
                company.must("set_visibility", objective=objective, visibility="people", people=who)
            for name, details in play_of(seed, length):
                company.step(choice.choice(OFTEN) if choice.random() < 0.6 else name, details)
                watcher.look(company)
            seen[0] += watcher.kept
            seen[1] += watcher.unchanged
            seen[2] += watcher.hiding

    holds()
    assert min(seen) > 10, seen


def test_a_check_in_changes_the_rows_of_its_objective_only(shelf: Shelf) -> None:
    """Given kept answers about a cycle, when a key result gets a value, then the other rows are taken as they were."""
    with shelf.company() as (book, company):
        keeping = Reader(book.ledger, book.engine, keeps=True)
        added = next(raw for raw in book.entries() if raw.name == "key_result.added")
        key_result = orjson.loads(added.data)["body"]["key_result"]
        item = {"objective": added.stream.partition(":")[2], "key_result": key_result}
        for question in (BoardOf("first"), DriftOf("first")):
            rows = []
            for value in ("3", "4", "5"):
                company.must("record_value", value=value, **item)
                book.engine.catch_up()
                rows.append(keeping.ask(question).body["objectives"])
            same = [one is other for one, other in zip(rows[1], rows[2], strict=True)]
            assert sorted(same) == [False, True]


def test_a_check_in_adds_to_a_history_and_leaves_its_other_entries(shelf: Shelf) -> None:
    """Given a kept history, when a value comes to stand before another one, then those two are told anew alone."""
    with shelf.company() as (book, company):
        keeping = Reader(book.ledger, book.engine, keeps=True)
        added = next(raw for raw in book.entries() if raw.name == "key_result.added")
        key_result = orjson.loads(added.data)["body"]["key_result"]
        question = HistoryOf(added.stream.partition(":")[2])
        given: list[list[dict[str, Any]]] = []
        for value, days in (("3", 0), ("4", 0), ("5", 1)):
            company.must(
                "record_value",
                objective=question.item,
                key_result=key_result,
                value=value,
                measured_on=day_of(keeping.standing().now, book.ledger.zone) - timedelta(days=days),
            )
            book.engine.catch_up()
            given.append(keeping.ask(question).body["entries"])
        before, after = ({one["position"]: one for one in entries} for entries in given[1:])
        anew = {position for position, one in after.items() if one is not before.get(position)}
        assert len(after) == len(before) + 1
        assert max(after) in anew
        assert len(anew) == 2
        assert given[2] == Reader(book.ledger, book.engine).ask(question).body["entries"]


def test_the_histories_that_are_kept_have_a_bound(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given room for few entries, when every history is asked for, then those go that were not asked for longest."""
    monkeypatch.setattr(stretch, "TOLD_KEPT", 12)
    with shelf.company() as (book, _):
        book.engine.catch_up()
        keeping = Reader(book.ledger, book.engine, keeps=True)
        for _turn in range(2):
            for objective in objectives(book):
                found = keeping.ask(HistoryOf(objective)).body
                assert found == Reader(book.ledger, book.engine).ask(HistoryOf(objective)).body
        assert keeping._stretches is not None
        present = keeping._stretches._present
        assert present is not None
        weights = [one.weight for one in present._told.values()]
        assert weights
        assert present._told_rows == sum(weights) <= 12
