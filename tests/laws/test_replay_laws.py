"""Live equals rebuilt, twice equals once, accepted means replayable, an as-of answer never changes."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregates.commands import COMMANDS
from aggregates.evolve import evolve
from aggregates.vocabulary import EVENTS
from ledger.codec import RawEntry, decode, encode, export_line, read_line
from replay.fold import Fold
from replay.generations import rebuild
from replay.verify import verify
from tests.laws.commands import Improviser, Step, play_of, plays, rehearsed
from tests.laws.shelf import Book, Shelf, differing, law, lines_of


def entries_of(company: Improviser) -> list[RawEntry]:
    entries: list[RawEntry] = company.stage.rehearsal.entries  # type: ignore[attr-defined]
    return entries


def days_of(entries: list[RawEntry], choice: Random) -> list[str | None]:
    """Return effective days worth asking at: the day of the last entry, and one of the days before it."""
    first, last = entries[0].recorded_at.date(), entries[-1].recorded_at.date()
    return [None, (first + timedelta(days=choice.randint(0, max(1, (last - first).days)))).isoformat()]


def test_the_plays_cover_every_command_and_every_stored_name() -> None:
    accepted: Counter[str] = Counter()
    names: Counter[str] = Counter()
    refusals: set[str] = set()
    for seed in range(40):
        company = rehearsed(play_of(seed, 60))
        accepted.update(asked.command.command_name for asked, _ in company.accepted)
        names.update(raw.name for raw in entries_of(company))
        refusals |= {refusal.code() for _, refusal in company.refused}
    assert set(COMMANDS) - set(accepted) == set()
    assert set(EVENTS) - set(names) == set()
    assert len(refusals) > 30


def test_what_is_accepted_can_be_replayed(shelf: Shelf, profile: str) -> None:
    """Given any play, then its bytes read back into the same states, and fold, restore and verify without a word."""

    @law(profile, 5, 15)
    @given(plays(profile))
    def holds(play: list[Step]) -> None:
        company = rehearsed(play)
        entries = entries_of(company)
        states: dict[str, Any] = {}
        for raw in entries:
            entry = decode(raw)
            assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
            assert read_line(export_line(raw)) == raw
            states[entry.stream] = evolve(states.get(entry.stream), entry)
        assert states == company.stage.world().states
        assert all(one.recorded_at < other.recorded_at for one, other in pairwise(entries))
        Fold().apply(entries)
        with shelf.restored(lines_of(entries)) as book:
            verdict = verify(book.ledger, pairs=12, seed=len(play), engine=book.engine)
            assert verdict.clean, verdict.difference

    holds()


def test_what_is_refused_leaves_nothing(shelf: Shelf, profile: str) -> None:
    """Given a refused command, then entries, states and references used by entries are as before."""

    @law(profile, 20, 60)
    @given(plays(profile))
    def holds(play: list[Step]) -> None:
        company = rehearsed([])
        rehearsal = company.stage.rehearsal  # type: ignore[attr-defined]
        for name, seed in play:
            entries, states = len(rehearsal.entries), dict(rehearsal.world.states)
            accepted, refused = len(company.accepted), len(company.refused)
            company.step(name, seed)
            if len(company.refused) > refused:
                assert len(rehearsal.entries) == entries
                assert rehearsal.world.states == states
                detail = company.refused[-1][1].detail
                assert detail.endswith("."), detail
            elif len(company.accepted) > accepted:
                assert len(rehearsal.entries) > entries

    holds()


def test_live_in_small_pages_equals_one_page_equals_rebuilt(shelf: Shelf, profile: str) -> None:
    """Given a ledger that grows while it is followed, then its tables and answers are those of a rebuild."""

    @law(profile, 3, 10)
    @given(plays(profile, 15, 40), st.integers(1, 7))
    def holds(play: list[Step], page: int) -> None:
        company = rehearsed(play)
        lines = lines_of(entries_of(company))
        with shelf.restored(lines, page=page) as small, shelf.restored(lines) as whole:
            assert small.rows() == whole.rows()
            before = small.answers()
            assert differing(before, whole.answers()) == []
            rebuild(small.engine)
            assert small.rows() == whole.rows()
            assert differing(small.answers(), before) == []
            small.engine.catch_up()
            assert small.rows() == whole.rows()

    holds()


def test_the_past_equals_a_shorter_ledger(shelf: Shelf, profile: str) -> None:
    """Given any play and any position, then every question answers there what a ledger cut off there answers now."""

    @law(profile, 3, 12)
    @given(plays(profile, 25, 70), st.integers(0, 2**32))
    def holds(play: list[Step], seed: int) -> None:
        choice = Random(seed)
        entries = entries_of(rehearsed(play))
        lines = lines_of(entries)
        with shelf.restored(lines) as book:
            for position in sorted(
                {choice.randint(5, len(lines)), choice.randint(len(lines) // 2, len(lines))}
            ):
                with shelf.restored(lines[:position]) as shorter:
                    last = entries[position - 1].recorded_at
                    for day in (
                        last.astimezone(book.ledger.zone).date().isoformat(),
                        days_of(entries[:position], choice)[1],
                    ):
                        questions = shorter.questions()
                        past = book.answers(as_of=str(position), effective_at=day, questions=questions)
                        present = shorter.answers(effective_at=day, questions=questions)
                        assert differing(past, present) == [], (position, day)

    holds()


def test_an_as_of_answer_never_changes(shelf: Shelf, profile: str) -> None:
    """Given answers at a basis, when anything else is recorded, then the same basis gives the same bytes."""

    @law(profile, 3, 10)
    @given(plays(profile, 20, 40), plays(profile, 20, 40), st.integers(0, 2**32))
    def holds(play: list[Step], later: list[Step], seed: int) -> None:
        choice = Random(seed)
        company = rehearsed(play)
        before = len(entries_of(company))
        company.gives(later)
        entries = entries_of(company)
        with shelf.restored(lines_of(entries[:before])) as book, shelf.restored(lines_of(entries)) as longer:
            for position in (before, choice.randint(5, before)):
                for day in days_of(entries[:position], choice):
                    questions = book.questions()
                    then = book.answers(as_of=str(position), effective_at=day, questions=questions)
                    now = longer.answers(as_of=str(position), effective_at=day, questions=questions)
                    assert differing(then, now) == [], (position, day)

    holds()


def test_twice_equals_once(shelf: Shelf, profile: str) -> None:
    """Given a restored ledger, then its export is what was restored, and following it again changes nothing."""

    @law(profile, 3, 10)
    @given(plays(profile, 20, 60))
    def holds(play: list[Step]) -> None:
        lines = lines_of(entries_of(rehearsed(play)))
        with shelf.restored(lines) as book:
            assert list(book.ledger.export()) == lines
            rows = book.rows()
            book.engine.catch_up()
            assert book.rows() == rows
            with shelf.restored(book.ledger.export(), book.ledger.directory.export()) as again:
                assert list(again.ledger.export()) == lines
                assert again.rows() == rows

    holds()


def test_a_day_that_has_passed_is_an_address(shelf: Shelf) -> None:
    """Given a date, an instant and a position of one moment, then they are answered alike."""
    entries = entries_of(rehearsed(play_of(11, 60)))
    with shelf.restored(lines_of(entries)) as book:
        position = len(entries) * 2 // 3
        moment = entries[position - 1].recorded_at
        day = moment.astimezone(book.ledger.zone).date()
        assert _figures(book, str(position), day) == _figures(book, moment.isoformat(), day)
        end = max(
            raw.position for raw in entries if raw.recorded_at.astimezone(book.ledger.zone).date() <= day
        )
        assert _figures(book, day.isoformat(), day) == _figures(book, str(end), day)


def _figures(book: Book, as_of: str, day: date) -> dict[str, bytes]:
    return book.answers(as_of=as_of, effective_at=day.isoformat(), questions=book.questions(items=3))
