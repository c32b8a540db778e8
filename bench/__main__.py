"""`python -m bench`: take the measurements, print the table, write `docs/benchmarks.md`; exit 1 where one is missed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from bench import report
from bench.carrying import importing, restoring
from bench.company import Company
from bench.deriving import catching_up, folding
from bench.exporting import exporting
from bench.figures import FIGURES, Measure
from bench.host import Watch
from bench.house import house, room
from bench.importing import importing_csv
from bench.machine import machine
from bench.reading import boards
from bench.serving import serving
from bench.writing import eight_writers, one_command
from ledger.lifecycle import restore
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine


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


FULL = Size(small=100_000, large=1_000_000, objectives=500, rounds=9, lasting=0.7)
QUICK = Size(small=10_000, large=30_000, objectives=50, rounds=3, lasting=0.2)
FEWEST = 3
"""Rounds of what is only shown, and of everything that begins late."""
LATE = 200.0
"""Seconds after which a run is late: the machine is busy, and the whole is to end in five minutes."""


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
        run = _Run(settings, size)
        run.measure(frozenset(asked.only or SECTIONS))
    measures = run.found
    measures.sort(key=lambda one: FIGURES.index(one.figure))
    print(report.table(measures))
    for one in measures:
        if one.note:
            print(f"  {one.figure.title}: {one.note}.")
    if not asked.quick and not asked.only:
        report.write(measures, about, size.sentence())
    missed = [one for one in measures if not one.passes]
    if missed:
        told = (
            one.figure.title + (f" ({one.said_of_the_machine})" if one.said_of_the_machine else "")
            for one in missed
        )
        print(f"Missed: {'; '.join(told)}.", file=sys.stderr)
    return 1 if missed else 0


class _Run:
    """The parts of one run, in the order in which they are taken; says on the terminal how long each one took."""

    def __init__(self, settings: Settings, size: Size) -> None:
        self.found: list[Measure] = []
        self._settings, self._size = settings, size
        self._begin = time.perf_counter()

    def measure(self, sections: frozenset[str]) -> None:
        """Take the measures of these sections."""
        settings, size = self._settings, self._size
        if "writing" in sections:
            with self._part("one command") as found:
                found += one_command(settings, rounds=size.rounds, fewer=FEWEST, lasting=size.lasting)
            with self._part("eight writers") as found:
                found += eight_writers(settings, rounds=size.rounds, fewer=FEWEST, lasting=size.lasting)
        if "carrying" in sections:
            with self._part("restore") as found:
                found += restoring(settings, entries=size.small, objectives=size.objectives, rounds=FEWEST)
            with self._part("import") as found:
                found += importing(settings, objectives=size.objectives // 10, rounds=FEWEST)
            with self._part("import of CSV") as found:
                found += importing_csv(settings, rows=100 * size.objectives)
        if sections & {"deriving", "reading", "http"}:
            with ExitStack() as stack:
                self._of_histories(stack, sections)

    def _of_histories(self, stack: ExitStack, sections: frozenset[str]) -> None:
        """Take the measures that need a history of quarters, a large and a small one."""
        size = self._size
        with self._part("the large ledger restored"):
            large, quarters = self._history(stack, "large", size.large)
        with self._part("export") as found:
            found += exporting(large, entries=size.large)
        with self._part("the large ledger caught up") as found:
            engine, told = catching_up(large, entries=size.large)
            found += told
        with self._part("the small ledger restored and caught up"):
            small, fewer_quarters = self._history(stack, "small", size.small)
            Engine(small).catch_up()
        with self._part("fold") as found:
            found += folding(small, size.small, rounds=self._rounds)
        last, shared = quarters.complete[-1], fewer_quarters.complete[-1]
        if "reading" in sections:
            with self._part("boards") as found:
                found += boards(large, engine, small, last, shared, rounds=self._rounds)
        if "http" in sections:
            with self._part("HTTP") as found:
                found += serving(
                    large, engine, last.key, quarters.steward, rounds=self._rounds, lasting=size.lasting
                )

    def _history(self, stack: ExitStack, name: str, entries: int) -> tuple[Ledger, Company]:
        """Restore so many entries of the company's history and return the open ledger."""
        own = stack.enter_context(room(self._settings, name))
        company = Company(objectives=self._size.objectives)
        restore(own, company.lines(entries))
        return stack.enter_context(Ledger.open(own)), company

    @property
    def _rounds(self) -> int:
        """How many rounds the next part takes."""
        return min(5, self._size.rounds) if time.perf_counter() - self._begin < LATE else FEWEST

    @contextmanager
    def _part(self, what: str) -> Iterator[list[Measure]]:
        """Give a list for what a part measures; each measure then bears what was taken of the cores meanwhile."""
        begin, watch = time.perf_counter(), Watch(self._settings)
        found: list[Measure] = []
        yield found
        taken, now = watch.taken(), time.perf_counter()
        self.found += [replace(one, taken=taken) for one in found]
        print(
            f"{now - self._begin:4.0f} s  {what} ({now - begin:.0f} s; the host took {taken.by_host:.0%}, "
            f"other programs {taken.by_others:.0%})",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
