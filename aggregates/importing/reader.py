"""Reads the cells of one row under a header; what cannot be understood becomes a fault of its column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from aggregates.command import FIRST_DAY, LAST_DAY
from aggregates.importing.cells import (
    LONGEST_CELL,
    Broken,
    Cell,
    Writing,
    is_blank,
    read_day,
    read_done,
    read_line,
    read_number,
    read_text,
    shown,
)
from aggregates.importing.header import Header
from aggregates.importing.phases import read_finished, read_stages, read_steps
from aggregates.importing.profile import ColumnOf, Profile
from aggregates.importing.rows import LeftRow, RawRow
from aggregates.measures import BandTarget, DoneTarget, Kind, Measure, PointTarget, Target, check_measure
from aggregates.refusals import Refusal, TargetEqualsBaseline
from aggregates.snapshots.cells import Unreadable, one_line, quote, read_assignees
from aggregates.snapshots.page import Fault
from aggregates.values import LEAST_WEIGHT, LINE_LENGTH, MOST_WEIGHT, TEXT_LENGTH, clean_text, number_text

T = TypeVar("T")
EQUAL = "baseline and target are equal: counts 0"
AS_IT_STANDS = "taken over as it stands: "
MOST_KEPT = 12
"""Texts of the source that are kept beside one item."""


class RowReader:
    """The cells of one row; `faults` is what was not understood, `doubts` what has to be said about how it was read.

    `left` is what could not be placed though the row is taken over, `named` and `days` whom and which days it names.
    """

    __slots__ = ("days", "doubts", "faults", "header", "left", "named", "profile", "row", "writing")

    def __init__(self, row: RawRow, header: Header, profile: Profile, writing: Writing) -> None:
        self.row, self.header, self.profile, self.writing = row, header, profile, writing
        self.faults: list[Fault] = []
        self.doubts: list[str] = []
        self.left: list[LeftRow] = []
        self.named: list[tuple[str, tuple[str, ...]]] = []
        self.days: list[tuple[str, date]] = []

    def cell(self, column: ColumnOf) -> Cell:
        """Return the cell of a column, None where the table has no such column."""
        place = self.header.columns.get(column)
        return None if place is None else self.at(place)

    def at(self, place: int) -> Cell:
        """Return the cell at a place; a row may be shorter than its header."""
        cells = self.row.cells
        return cells[place] if place < len(cells) else None

    def read(self, column: ColumnOf, how: Callable[[Cell], T]) -> T | None:
        """Return what a column's cell says, None where it is blank, absent or a fault."""
        place = self.header.columns.get(column)
        return None if place is None else self.read_at(place, how)

    def read_at(self, place: int, how: Callable[[Cell], T]) -> T | None:
        """Return what the cell at a place says, None where it is blank or a fault."""
        cells = self.row.cells
        cell = cells[place] if place < len(cells) else None
        if cell is None or cell == "":
            return None
        try:
            if isinstance(cell, str) and len(cell) > LONGEST_CELL:
                raise Unreadable(
                    "cell_is_too_long", f"This cell has more than {LONGEST_CELL:,} characters.", "Shorten it."
                )
            return how(cell)
        except Unreadable as error:
            self.fault(self.header.names[place], shown(cell), error.code, error.what, error.remedy)
            return None

    def fault(self, column: str, text: str, code: str, what: str, remedy: str) -> None:
        """Note that something in this row cannot be taken over; what is read twice is noted once."""
        found = Fault(self.row.line, quote(column), quote(text), code, what, remedy)
        if all((one.column, one.code, one.text) != (found.column, code, found.text) for one in self.faults):
            self.faults.append(found)

    def missing(self, column: ColumnOf, what: str, remedy: str) -> None:
        """Note that a cell is blank which has to say something."""
        self.fault(self.header.name(column) or column, "", f"{column}_is_missing", what, remedy)

    # -- what cells say

    def line(self, column: ColumnOf) -> str | None:
        """Return one printable line; a title that is too long is cut where the profile says so."""
        return self.read(column, lambda cell: read_line(cell, cut=self.profile.cut_titles))

    def text(self, column: ColumnOf) -> str | None:
        """Return a text with its line breaks."""
        return self.read(column, read_text)

    def key(self, column: ColumnOf) -> str | None:
        """Return an identifier of the source; `7` and `7.0` are the same."""
        return self.read(column, _key)

    def number(self, column: ColumnOf) -> Decimal | None:
        """Return an exact number."""
        return self.read(column, lambda cell: read_number(cell, self.writing))

    def share(self, column: ColumnOf) -> Decimal | None:
        """Return a number from 0 to 1, of which per cent are parts."""
        place = self.header.columns.get(column)
        return None if place is None else self.share_at(place)

    def share_at(self, place: int) -> Decimal | None:
        """Return a number from 0 to 1 at a place."""
        writing = replace(self.writing, percent="fraction")

        def how(cell: Cell) -> Decimal | None:
            number = read_number(cell, writing)
            if number is not None and not 0 <= number <= 1:
                raise Unreadable(
                    "share_is_out_of_range",
                    f"{number_text(number)} does not lie between 0 and 1; it is neither clamped nor divided.",
                    "Write 0 to 1, or map the words of another scale in a profile.",
                )
            return number

        return self.read_at(place, how)

    def weight(self) -> Decimal | None:
        """Return a weight within its bounds."""
        found = self.number("weight")
        if found is not None and not LEAST_WEIGHT <= found <= MOST_WEIGHT:
            self.fault(
                self.header.name("weight"), shown(self.cell("weight")), "number_is_out_of_range",
                f"A weight lies between {LEAST_WEIGHT} and {MOST_WEIGHT}.", "Correct it, or leave the cell empty.",
            )  # fmt: skip
            return None
        return found

    def day(self, column: ColumnOf) -> date | None:
        """Return a day; that of a value is kept for those who know what day it is."""
        found = self.read(column, lambda cell: read_day(cell, self.writing))
        if found is not None and not FIRST_DAY <= found <= LAST_DAY:
            self.fault(
                self.header.name(column), shown(self.cell(column)), "day_is_out_of_range",
                f"A day lies between {FIRST_DAY.year} and {LAST_DAY.year}.", "Correct it, or leave the cell empty.",
            )  # fmt: skip
            return None
        if found is not None and column == "on":
            self.days.append((self.header.name(column), found))
        return found

    def owners(self, column: ColumnOf) -> tuple[str, ...]:
        """Return the names in a cell, in their order; they are kept for those who know the people."""
        found = self.read(column, lambda cell: read_assignees(read_line(cell) or "")) or ()
        if found:
            self.named.append((self.header.name(column), found))
        return found

    def word(self, column: ColumnOf, words: Mapping[str, T]) -> T | None:
        """Return what a word of the source means; an unknown one is a fault that names the known ones."""

        def how(cell: Cell) -> T | None:
            if is_blank(cell):
                return None
            text = one_line(shown(cell))
            for word, meaning in words.items():
                if word.casefold() == text.casefold():
                    return meaning
            known = ", ".join(words) or "none"
            raise Unreadable(
                "word_is_unknown", f"The profile says nothing of this word; it knows {known}.",
                "Map it in a profile, or correct the cell.",
            )  # fmt: skip

        return self.read(column, how)

    def confidence(self) -> Decimal | None:
        """Return the confidence: by the words of the profile, else a number from 0 to 1 in steps of 0.1."""
        cell = self.cell("confidence")
        if is_blank(cell):
            return None
        if not self.profile.confidence:
            found = self.share("confidence")
            if found is not None and found * 10 % 1:
                self.fault(
                    self.header.name("confidence"), shown(cell), "confidence_is_between_steps",
                    "A confidence has steps of 0.1.", "Round it in the source, or map it in a profile.",
                )  # fmt: skip
                return None
            return found
        found = self.word("confidence", self.profile.confidence)
        if found is not None:
            self.doubts.append(
                f"{self.header.name('confidence')} “{shown(cell)}” read as {number_text(found)}"
            )
        return found

    def kept(self) -> dict[str, str]:
        """Return the texts of the columns that are kept as they are; what cannot be kept is left out in words."""
        kept: dict[str, str] = {}
        for name, place in self.header.kept:
            cell = self.at(place)
            if is_blank(cell):
                continue
            if isinstance(cell, Broken):
                self._leave(name, cell, *_broken(cell))
                continue
            if len(kept) >= MOST_KEPT:
                self._leave(name, cell, "too_many_texts", f"{MOST_KEPT} texts are kept beside one item")
                continue
            try:
                label = clean_text(name, longest=LINE_LENGTH, newlines=False)
                text = shown(cell).replace("\r\n", "\n").replace("\r", "\n")
                kept[label] = clean_text(text, longest=TEXT_LENGTH, newlines=True)
            except ValueError as error:
                self.fault(
                    name, shown(cell), "text_is_unreadable", str(error), "Correct the cell in the source."
                )
        return kept

    def _leave(self, column: str, cell: Cell, code: str, why: str) -> None:
        """Note that a cell which is only kept cannot be; the row is taken over without it."""
        told = LeftRow(self.row.line, quote(shown(cell)), f"{why}: not placed", quote(column), code)
        if told not in self.left:
            self.left.append(told)

    # -- what a key result measures

    def measured(
        self, accept_faults: bool
    ) -> tuple[Measure, Decimal | None, Target, Decimal | bool | tuple[str, ...] | None] | None:
        """Return measure, baseline, target and value of this row, or None with the faults noted."""
        word = self.word("kind", self.profile.measures) if not is_blank(self.cell("kind")) else None
        if word is not None and word.refused:
            self.fault(
                self.header.name("kind"), shown(self.cell("kind")), "measure_is_refused", word.refused,
                "Set a target in the source, or leave the row out.",
            )  # fmt: skip
            self.number("baseline")
            self.number("target")
            self.number("value")
            return None
        kind = word.kind if word is not None else None
        unit = self.line("unit") or (word.unit if word is not None else None) or self.profile.default_unit
        if kind in (None, "phased") and not is_blank(self.cell("steps")):
            return self._phased(unit, accept_faults)
        if kind in (None, "milestones") and not is_blank(self.cell("stages")):
            stages = self.read("stages", read_stages)
            finished = (
                None if stages is None else self.read("value", lambda cell: read_finished(cell, stages))
            )
            if stages is None or self.faults:
                return None
            return _measure("milestones", unit), None, stages, finished
        if kind in ("milestones", "phased"):
            column: ColumnOf = "steps" if kind == "phased" else "stages"
            self.missing(
                column, f"A measure of this kind needs its {column}.", f"Name them in a column {column}."
            )
            if kind == "phased":
                self.number("baseline")
                self.number("value")
            return None
        if kind == "yes_no":
            done = self.read("value", read_done)
            return None if self.faults else (Measure(kind=kind, unit=unit), None, DoneTarget(), done)
        baseline, value = self.number("baseline"), self.number("value")
        if baseline is None and is_blank(self.cell("baseline")) and self.profile.baseline is not None:
            baseline = Decimal(self.profile.baseline)
        target: Target | None
        if kind == "band":
            low, high = self.number("low"), self.number("high")
            if low is None or high is None or low >= high:
                self.missing("low", "A band needs a low and a high edge, in this order.", "Write both edges.")
                return None
            target = BandTarget(low=low, high=high)
        else:
            at = self.number("target")
            if at is None and is_blank(self.cell("target")) and self.profile.target is not None:
                at = Decimal(self.profile.target)
            if at is None and is_blank(self.cell("target")):
                self.missing(
                    "target", "There is no target.", "Write the number to reach; nothing is assumed."
                )
            if is_blank(self.cell("kind")) and baseline is None and is_blank(self.cell("baseline")):
                self.missing(
                    "baseline", "There is no baseline.", "Write the number at the start; 0 is not assumed."
                )
            if at is None or (kind is None and baseline is None):
                return None
            target = PointTarget(at=at)
            if kind is None and baseline is not None:
                kind = "decrease" if at < baseline else "increase"
        if baseline is None and not is_blank(self.cell("baseline")):
            return None
        measure = _measure(kind or "increase", unit)
        self._check(measure, baseline, target, accept_faults)
        return None if self.faults else (measure, baseline, target, value)

    def _phased(
        self, unit: str | None, accept_faults: bool
    ) -> tuple[Measure, Decimal | None, Target, Decimal | None] | None:
        """Return what a target reached by steps says; the target's own cell, where there is one, is its last step."""
        steps = self.read("steps", lambda cell: read_steps(cell, self.writing))
        baseline, value, target = self.number("baseline"), self.number("value"), self.number("target")
        if baseline is None and is_blank(self.cell("baseline")):
            self.missing(
                "baseline", "There is no baseline.", "Write the number at the start; 0 is not assumed."
            )
        if steps is not None and target is not None and target != steps.steps[-1].at:
            self.fault(
                self.header.name("target"), shown(self.cell("target")), "target_is_not_the_last_step",
                f"The last step reaches {number_text(steps.steps[-1].at)}.", "Make the two the same.",
            )  # fmt: skip
        if steps is None or self.faults:
            return None
        measure = _measure("phased", unit)
        self._check(measure, baseline, steps, accept_faults)
        return None if self.faults else (measure, baseline, steps, value)

    def _check(self, measure: Measure, baseline: Decimal | None, target: Target, accept_faults: bool) -> None:
        try:
            check_measure(measure, baseline, target)
        except Refusal as refusal:
            if accept_faults and baseline is not None:
                equal = isinstance(refusal, TargetEqualsBaseline)
                self.doubts.append(EQUAL if equal else f"{AS_IT_STANDS}{refusal.detail}")
                return
            column: ColumnOf = "baseline" if refusal.field == "/baseline" else "target"
            remedy = "Correct the row, or give --accept-faults to take it over as it stands."
            self.fault(
                self.header.name(column) or column, shown(self.cell(column)), type(refusal).code(), refusal.detail,
                remedy if baseline is not None else "Write the number at the start.",
            )  # fmt: skip


@lru_cache(maxsize=1_000)
def _measure(kind: Kind, unit: str | None) -> Measure:
    return Measure(kind=kind, unit=unit)


def _broken(cell: Broken) -> tuple[str, str]:
    """Return the code and the reason of a cell that has no value to keep."""
    if cell.why == "formula":
        return "formula_has_no_value", "this cell holds a formula whose value was never computed"
    return "cell_is_an_error", f"this is an error of a spreadsheet ({cell.text[:20]}), not a value"


def _key(cell: Cell) -> str | None:
    text = read_line(cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**15:
        return str(int(cell))
    return text
