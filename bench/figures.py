"""The figures that are measured: what each one is, what it must reach, and what was found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.host import NOTHING, Taken


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a ratio, a rate or a time, and its requirement; none where it is only shown."""

    key: str
    group: str
    title: str
    unit: Literal["times", "events/s", "events/CPU s", "requests/s", "ms", "MB"]
    sense: Literal["at least", "at most", "shown"] = "shown"
    bound: float = 0.0

    @property
    def required(self) -> str:
        """Return the requirement as the table says it."""
        if self.sense == "shown":
            return "–"
        return f"{self.sense} {_number(self.bound, self.unit)}"

    def passes(self, value: float) -> bool:
        """Return whether a value meets the requirement."""
        if self.sense == "at least":
            return value >= self.bound
        return self.sense == "shown" or value <= self.bound


WRITING, CARRYING, DERIVING, READING, DOOR = (
    "Writing",
    "Carrying over",
    "Deriving",
    "Reading the past",
    "HTTP",
)

FIGURES: tuple[Figure, ...] = (
    Figure("command", WRITING, "one command, of the rate of a bare insert and commit", "times", "at least", 0.4),
    Figure("command_statement", WRITING, "one command, of the rate of a bare insert in autocommit", "times"),
    Figure("command_keyed", WRITING, "one command with an idempotency key, of a bare insert and commit", "times"),
    Figure("command_slow", WRITING, "one command, of a bare insert and commit, where a flush takes 1 ms more", "times"),
    Figure("command_time", WRITING, "one command: load, decide, append one event", "ms"),
    Figure("wait_time", WRITING, "the wait for its projections after it", "ms"),
    Figure("writers", WRITING, "eight writers, of the rate of the stock recorder", "times", "at least", 3.0),
    Figure("writers_slow", WRITING, "eight writers, of the stock recorder, where a flush takes 1 ms more", "times"),
    Figure("writers_application", WRITING, "eight writers, of the rate of the stock application", "times"),
    Figure("writers_rate", WRITING, "eight writers: commands", "events/s"),
    Figure("restore", CARRYING, "restore, of the rate of COPY of the same rows", "times", "at least", 0.5),
    Figure("restore_rate", CARRYING, "restore: entries", "events/s"),
    Figure("rules_rate", CARRYING, "the check by the rules alone: decode and evolve", "events/s"),
    Figure("import_rate", CARRYING, "import through the rules", "events/s", "at least", 3_000),
    Figure("import_processor", CARRYING, "import through the rules, per second of processor time", "events/CPU s"),
    Figure("csv_import", CARRYING, "import of CSV through the rules", "events/s", "at least", 3_000),
    Figure("csv_processor", CARRYING, "import of CSV through the rules, per second of processor time", "events/CPU s"),
    Figure("csv_memory", CARRYING, "memory that the import of CSV takes beyond a fifth of it", "MB", "at most", 32),
    Figure("export_rate", CARRYING, "export of the large ledger: entries", "events/s", "at least", 50_000),
    Figure("export_processor", CARRYING, "export of the large ledger, per second of processor time", "events/CPU s"),
    Figure("export_memory", CARRYING, "memory that the export takes beyond the start", "MB", "at most", 64),
    Figure("catch_up", DERIVING, "all projections from empty", "events/s", "at least", 15_000),
    Figure("catch_up_processor", DERIVING, "all projections from empty, per second of processor time", "events/CPU s"),
    Figure("catch_up_large", DERIVING, "all projections from empty, the large ledger as a whole", "events/s"),
    Figure("fold", DERIVING, "fold from the log, of the rate of fetch and orjson.loads", "times", "at least", 0.4),
    Figure("present", READING, "the present board", "ms"),
    Figure("present_query", READING, "of it, the queries", "ms"),
    Figure("present_completion", READING, "of it, the completion", "ms"),
    Figure("past", READING, "the board at a past position, of the present one", "times", "at most", 2.0),
    Figure("growth", READING, "the past board on the large ledger, of the small one", "times", "at most", 1.3),
    Figure("growth_present", READING, "the present board on the large one, of the small one", "times", "at most", 1.3),
    Figure("effective", READING, "the board at an earlier effective day, of the present one", "times", "at most", 5.0),
    Figure("http", DOOR, "the warm present board, of the rate of the same bytes from memory", "times", "at least", 0.4),
    Figure("http_rate", DOOR, "the warm present board", "requests/s"),
    Figure("rights", DOOR, "the warm board, objectives hidden, of the rate with none hidden", "times", "at least", 0.9),
    Figure("rights_office", DOOR, "the same, read by an office and logged", "times"),
    Figure("not_modified_rate", DOOR, "unchanged answers (304)", "requests/s"),
)  # fmt: skip
"""Every figure, in the order of the table."""
BY_KEY = {figure.key: figure for figure in FIGURES}

CONSIDERABLE = 0.05
"""The share of the cores that may be taken before it is said beside a figure."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What several rounds found for one figure, and what has to be said about it."""

    figure: Figure
    rounds: tuple[float, ...]
    note: str = ""
    taken: Taken = NOTHING
    """What the machine's host and other programs took of the cores while this was measured."""

    @property
    def median(self) -> float:
        """Return the median of the rounds, which is what has to meet the requirement."""
        return statistics.median(self.rounds)

    @property
    def passes(self) -> bool:
        """Return whether the median meets the requirement."""
        return self.figure.passes(self.median)

    @property
    def said_of_the_machine(self) -> str:
        """Return what was taken of the cores, as far as it was considerable."""
        told = {"the host took": self.taken.by_host, "other programs took": self.taken.by_others}
        return ", ".join(f"{what} {share:.0%}" for what, share in told.items() if share > CONSIDERABLE)

    def row(self) -> tuple[str, str, str, str, str, str]:
        """Return title, requirement, median, spread, number of rounds and verdict as the table shows them."""
        unit = self.figure.unit
        spread = f"{_number(min(self.rounds), unit)} – {_number(max(self.rounds), unit)}"
        verdict = "" if self.figure.sense == "shown" else "pass" if self.passes else "MISS"
        told = ", ".join(filter(None, (verdict, self.said_of_the_machine)))
        return (
            self.figure.title, self.figure.required, _number(self.median, unit), spread, str(len(self.rounds)), told,
        )  # fmt: skip


def measure(key: str, rounds: Sequence[float], note: str = "") -> Measure:
    """Return what was found for the figure of this key. Raises KeyError for an unknown one."""
    return Measure(BY_KEY[key], tuple(rounds), note)


def worst(key: str, candidates: Mapping[str, Sequence[float]], note: str = "") -> Measure:
    """Return the candidate whose median is the furthest from meeting the requirement, named in the note."""
    figure = BY_KEY[key]
    pick = max if figure.sense == "at most" else min
    name = pick(candidates, key=lambda one: statistics.median(candidates[one]))
    others = ", ".join(
        f"{one} {_number(statistics.median(told), figure.unit)}" for one, told in candidates.items()
    )
    return Measure(figure, tuple(candidates[name]), f"the worst of: {others}{f'; {note}' if note else ''}")


def _number(value: float, unit: str) -> str:
    if unit == "times":
        return f"{value:.2f}×"
    if unit == "ms":
        return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
    if unit == "MB":
        return f"{value:.1f} MB"
    return f"{value:,.0f} /CPU s" if unit == "events/CPU s" else f"{value:,.0f} /s"
