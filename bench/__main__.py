"""`python -m bench`: take the measurements, print the table, write `docs/benchmarks.md`; exit 1 where one is missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import report
from bench.carrying import importing, restoring
from bench.company import Company
from bench.deriving import catching_up, catching_up_large, folding
from bench.exporting import exporting
from bench.figures import FIGURES, Measure
from bench.house import house, room
from bench.importing import importing_csv
from bench.machine import machine
from bench.reading import boards
from bench.serving import serving
from bench.writing import eight_writers, one_command
from ledger.lifecycle import restore
from ledger.settings import Settings
from ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured and for how long."""

    small: int
    large: int
    objectives: int
    rounds: int
    lasting: float
    """Seconds of one round of what is counted by the second."""

    def sentence(self) -> str:
        """Return the sizes in a sentence."""
        return (
            f"{self.large:,} entries in the large ledger, {self.small:,} in the small one; "
            f"{self.objectives} objectives and {3 * self.objectives:,} key results a cycle"
        )


FULL = Size(small=100_000, large=1_000_000, objectives=500, rounds=7, lasting=0.7)
QUICK = Size(small=10_000, large=30_000, objectives=50, rounds=3, lasting=0.3)


SECTIONS = ("writing", "carrying", "deriving", "reading", "http")
"""What `--only` takes; `reading` and `http` measure deriving on their way."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurements and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="The measurements of the house.")
    parser.add_argument("--list", action="store_true", help="list the figures and measure nothing")
    parser.add_argument("--quick", action="store_true", help="less data and fewer rounds; writes no document")
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="measure this section; writes no document"
    )
    asked = parser.parse_args(arguments)
    if asked.list:
        print(report.listing())
        return 0
    size = QUICK if asked.quick else FULL
    with house() as settings:
        about = machine(settings)
        measures = _measured(settings, size, frozenset(asked.only or SECTIONS))
    measures.sort(key=lambda one: FIGURES.index(one.figure))
    print(report.table(measures))
    for one in measures:
        if one.note:
            print(f"  {one.figure.title}: {one.note}.")
    if not asked.quick and not asked.only:
        report.write(measures, about, size.sentence())
    missed = [one.figure.title for one in measures if not one.passes]
    if missed:
        print(f"Missed: {'; '.join(missed)}.", file=sys.stderr)
    return 1 if missed else 0


def _measured(settings: Settings, size: Size, sections: frozenset[str]) -> list[Measure]:
    """Return the measures of these sections, in the order in which they are taken."""
    clock = _Clock()
    rounds, few = size.rounds, max(3, size.rounds // 2)
    found: list[Measure] = []
    if "writing" in sections:
        found += one_command(settings, rounds=rounds, lasting=size.lasting)
        clock.says("one command")
        found += eight_writers(settings, rounds=rounds, lasting=size.lasting)
        clock.says("eight writers")
    if "carrying" in sections:
        found += restoring(settings, entries=size.small, objectives=size.objectives, rounds=few)
        clock.says("restore")
        found += importing(settings, objectives=size.objectives // 10, rounds=few)
        clock.says("import")
        found += importing_csv(settings, rows=100 * size.objectives)
        clock.says("import of CSV")
    if sections & {"deriving", "reading", "http"}:
        found += _of_histories(settings, size, sections, clock)
    return found


def _of_histories(settings: Settings, size: Size, sections: frozenset[str], clock: _Clock) -> list[Measure]:
    """Return the measures that need a history of quarters, a small and a large one."""
    rounds, few = size.rounds, max(3, size.rounds // 2)
    found: list[Measure] = []
    with ExitStack() as stack:
        small, quarters = _history(stack, settings, "small", size.small, size.objectives)
        found += catching_up(small, size.small, rounds=few)
        found += folding(small, size.small, rounds=max(3, rounds - 2))
        clock.says("catching up and folding")
        large, all_quarters = _history(stack, settings, "large", size.large, size.objectives)
        clock.says("the large ledger restored")
        found += exporting(large, entries=size.large, rounds=2)
        clock.says("export")
        engine, told = catching_up_large(large, size.large)
        found += told
        clock.says("the large ledger caught up")
        if "reading" in sections:
            last, of_small = all_quarters.complete[-1], quarters.complete[-1]
            found += boards(large, engine, small, last, of_small, rounds=rounds)
            clock.says("boards")
        if "http" in sections:
            cycle = all_quarters.complete[-1].key
            found += serving(large, engine, cycle, quarters.steward, rounds=few, lasting=2 * size.lasting)
            clock.says("HTTP")
    return found


def _history(
    stack: ExitStack, settings: Settings, name: str, entries: int, objectives: int
) -> tuple[Ledger, Company]:
    """Restore so many entries of the company's history and return the open ledger."""
    own = stack.enter_context(room(settings, name))
    company = Company(objectives=objectives)
    restore(own, company.lines(entries))
    return stack.enter_context(Ledger.open(own)), company


class _Clock:
    """Says on the terminal what is done and how long it took."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()

    def says(self, what: str) -> None:
        now = time.perf_counter()
        print(f"{now - self._begin:4.0f} s  {what} ({now - self._last:.0f} s)", file=sys.stderr, flush=True)
        self._last = now


if __name__ == "__main__":
    sys.exit(main())
