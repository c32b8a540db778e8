"""Ledgers for the length of a block: restored from lines, opened, followed by an engine, read by a reader, dropped."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase
from hypothesis import settings as effort

from aggregates.decide import decide
from aggregates.refusals import Refusal
from ledger.codec import RawEntry, export_line
from ledger.lifecycle import initialise
from ledger.restore import restore
from ledger.settings import Settings, load_settings
from ledger.store import Ledger
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    PolicyOf,
    Question,
    TeamsList,
)
from replay.engine import Engine
from replay.questions import Reader
from tests.conftest import drop
from tests.laws.commands import QUICK, Improviser, LedgerStage
from tests.projections.paper import every_row
from tests.waiting import day_that_lasts

_numbers = itertools.count(1)


def law(profile: str, quick: int, long: int) -> Any:
    """Return how many plays a law is tried on: few in the quick profile, more and longer ones in the long one.

    They are the same in every run, so that a check that failed can be repeated; with `LAWS_AT_RANDOM` in the
    environment the long profile tries new ones.
    """
    return effort(
        max_examples=quick if profile == QUICK else long,
        derandomize=profile == QUICK or "LAWS_AT_RANDOM" not in os.environ,
        deadline=None,
        database=None,
        print_blob=profile != QUICK,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,) if profile == QUICK else (Phase.generate, Phase.shrink),
    )


@dataclass(frozen=True)
class Book:
    """An open ledger with its engine, caught up, and its reader."""

    settings: Settings
    ledger: Ledger
    engine: Engine
    reader: Reader

    def rows(self) -> dict[str, list[Any]]:
        """Return every row of every projection table that is read."""
        return every_row(self.engine)

    def entries(self) -> list[RawEntry]:
        """Return every entry."""
        return self.ledger.read_page(0, 10_000)

    def answers(
        self,
        *,
        as_of: str | None = None,
        effective_at: str | None = None,
        questions: Sequence[Question] | None = None,
    ) -> dict[str, bytes]:
        """Return what every question answers at a basis, as bytes, refusals in their words."""
        found: dict[str, bytes] = {}
        for question in self.questions() if questions is None else questions:
            try:
                answer = self.reader.ask(question, as_of=as_of, effective_at=effective_at)
                found[repr(question)] = orjson.dumps(answer.body)
            except Refusal as refusal:
                found[repr(question)] = f"{refusal.code()}: {refusal.detail}".encode()
        return found

    def questions(self, items: int = 8) -> list[Question]:
        """Return every question, about every cycle and about some of the items."""
        entries = self.entries()
        cycles = [raw.stream.partition(":")[2] for raw in entries if raw.name == "cycle.planned"]
        bodies = (
            orjson.loads(raw.data) for raw in entries if raw.name in ("objective.drafted", "key_result.added")
        )
        references = sorted({body["body"]["reference"] for body in bodies})
        asked: list[Question] = [
            CyclesList(),
            PeopleList(),
            TeamsList(),
            PolicyOf(),
            DecisionsOf(),
            FindingsOf(),
        ]
        for cycle in cycles[:5]:
            asked += [
                BoardOf(cycle),
                CommitmentsOf(cycle),
                DriftOf(cycle),
                DecisionsOf(cycle),
                FindingsOf(cycle),
            ]
        for place, item in enumerate(references[:: max(1, len(references) // items)]):
            asked.append(HistoryOf(item))
            if place % 3 == 0:
                asked += [DriftOf(item=item), DecisionsOf(item=item), FindingsOf(item=item)]
        return asked


class Shelf:
    """Where the laws take their ledgers from."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ

    def settings(self) -> Settings:
        """Return settings for a schema that does not exist yet."""
        return load_settings(
            {**self._environ, "STRATEGY_LEDGER_SCHEMA": f"law{os.getpid()}_{next(_numbers)}"}
        )

    @contextmanager
    def restored(
        self,
        lines: Iterable[bytes],
        directory: Iterable[bytes] | None = None,
        *,
        page: int = 5_000,
        **other: Any,
    ) -> Iterator[Book]:
        """Give a ledger restored from native lines; it is gone after the block."""
        settings = replace(self.settings(), **other)
        try:
            restore(settings, lines, directory)
            with self.opened(settings, page=page) as book:
                yield book
        finally:
            drop(settings)

    @contextmanager
    def company(self) -> Iterator[tuple[Book, Improviser]]:
        """Give a new ledger at the real time, with a company whose cycles began some days ago."""
        settings = self.settings()
        try:
            made = initialise(
                settings, "Example", "Europe/Berlin", steward_name="Ada Example", steward_handle="ada"
            )
            with self.opened(settings) as book:
                company = Improviser(LedgerStage(book.ledger, decide), made.steward)
                company.opens(day_that_lasts(book.ledger) - timedelta(days=30))
                yield book, company
        finally:
            drop(settings)

    @contextmanager
    def opened(self, settings: Settings, *, page: int = 5_000) -> Iterator[Book]:
        """Open a ledger once more and follow it."""
        with Ledger.open(settings) as ledger:
            engine = Engine(ledger, page=page)
            engine.catch_up()
            yield Book(settings, ledger, engine, Reader(ledger, engine))


def lines_of(entries: Sequence[RawEntry]) -> list[bytes]:
    """Return the native lines of entries, with their line breaks."""
    return [export_line(raw) + b"\n" for raw in entries]


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the questions that are answered differently, with the first place where they part."""
    told = []
    for question in sorted(one.keys() | other.keys()):
        left, right = one.get(question, b""), other.get(question, b"")
        if left != right:
            shorter = min(len(left), len(right))
            place = next((n for n in range(shorter) if left[n] != right[n]), shorter)
            around = slice(max(0, place - 200), place + 120)
            told.append(f"{question}: {left[around]!r} / {right[around]!r}")
    return told
