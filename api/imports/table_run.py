"""Imports tables through the rules, one version of one source at a time, in constant memory.

Each row is one order: all that it says is recorded together or refused together. A table is gone through once; then
alignments, lines and standings follow, for what was new. A second run of the same version records nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from aggregates.decide import as_seen, asker, decide
from aggregates.entry import Entry, Occasion, Recorded, stream_of
from aggregates.importing.compact import fingerprint
from aggregates.importing.comparing import PREVIEWED, Change, Frame, Kept
from aggregates.importing.header import Header
from aggregates.importing.merging import Merging
from aggregates.overlay import Overlay
from aggregates.refusals import PersonWasNotHere, Refusal
from aggregates.values import number_text
from aggregates.world import World
from api.imports.row_refusals import RowRefusals, column_of, refusals_of
from api.imports.table_report import RowReport, TableReport
from ledger.collecting import collecting_seldom
from ledger.execute import Order
from ledger.groups import Preview
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from ledger.worlds import LedgerWorld

Changes = Callable[[Merging], Iterator[Change]]
GROUP = 400
"""Rows that are recorded in one append."""
STATES = 2_000
"""Objectives whose states are kept, of about 20 KB each: one that is left behind is read again where it is needed."""
BLOCK = 1_800
"""Objectives whose states are still kept when their rows were recorded."""
REFERENCES = 400
"""References that are drawn at once."""


@dataclass(slots=True)
class RowOrder:
    """What one row asks: its line, its name among the rows, how its changes are made, and what came of deciding."""

    line: int
    name: str
    changes: Changes
    words: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    lists: bool = True
    """Whether the row itself is reported: the steps that complete a row are not counted again."""
    column: str = ""
    found: str = ""
    accepted: tuple[str, ...] = ()
    """Faults that are taken over because that was asked for; the report lists them."""
    owners: str = ""
    """Whom the row names, for a refusal that is about one of them."""
    may_need: tuple[int, int] = (0, 0)
    """How many references of objectives and of key results it may need."""
    objectives: tuple[UUID, ...] = ()
    """The objectives that the row is about, as far as they are known beforehand."""


class Recorder:
    """Carries out the orders of one version and reports what became of each."""

    def __init__(
        self,
        ledger: Ledger,
        by: str,
        frame: Frame,
        report: TableReport,
        header: Header,
        *,
        accept_faults: bool,
        dry_run: bool,
        progress: Callable[[int], None] | None = None,
        onto: Preview | None = None,
        references: References | None = None,
    ) -> None:
        self._onto = onto
        self._references = references
        self._ledger, self._by, self.frame, self._report, self._header = ledger, by, frame, report, header
        self._accept_faults, self._dry_run, self._progress = accept_faults, dry_run, progress
        self._waiting: deque[RowOrder | None] = deque()

    def record(self, asked: Iterable[RowOrder | Order]) -> None:
        """Carry out orders as they come; an order that is no row (a person who is added) is not reported."""
        orders = self._orders(asked)
        if self._dry_run:
            answers: Iterator[Any] = self._ledger.preview_many(orders, self._decide, onto=self._onto)
        else:
            answers = self._ledger.execute_many(orders, self._decide, group=GROUP)
        with collecting_seldom(), self._ledger.keeping(STATES):
            for answer in answers:
                row = self._waiting.popleft()
                if row is not None:
                    self._tell(row, answer)
                elif isinstance(answer, Refusal):
                    raise answer

    def _orders(self, asked: Iterable[RowOrder | Order]) -> Iterator[Order]:
        for one in asked:
            if isinstance(one, Order):
                self._waiting.append(None)
                yield one
                continue
            self._waiting.append(one)
            frame = self.frame
            source, version = shortened(frame.source, 60), shortened(frame.version, 40)
            key = f"import {source} {frame.cycle} {version} {one.name}"[:200]
            yield Order(
                one,
                self._by,
                idempotency=IdempotencyKey(key, key.encode()),
                imported=True,
                accept_faults=self._accept_faults,
                looks_at=tuple(stream_of("objective", objective) for objective in one.objectives),
            )

    def _decide(self, world: World, asked: Any, occasion: Occasion) -> Sequence[Recorded]:
        if not isinstance(asked, RowOrder):
            return decide(world, asked, occasion)
        if self._references is None:
            return self._decided(world, asked, occasion)
        with self._references.of(asked):
            return self._decided(world, asked, occasion)

    def _decided(self, world: World, asked: RowOrder, occasion: Occasion) -> list[Recorded]:
        actor = asker(world, occasion)
        overlay = Laid(as_seen(world, occasion, actor), occasion)
        merging = Merging(overlay, self.frame)
        asked.words, asked.kept = [], merging.kept
        out: list[Recorded] = []
        refusals = RowRefusals()
        try:
            for change in asked.changes(merging):
                if not refusals.asks(change.command):
                    continue
                try:
                    recorded = decide(overlay, change.command, occasion, actor=actor)
                except Refusal as refusal:
                    refusals.take(change.command, refusal)
                    continue
                overlay.take(recorded)
                out += recorded
                asked.words.append(change.words)
        except Refusal:  # which is about no command: where it is not the only one, it follows from another
            refusals.tell()
            raise
        refusals.tell()
        return out

    def _tell(self, row: RowOrder, answer: Receipt | Refusal | list[Recorded]) -> None:
        report, line = self._report, row.line
        if self._progress is not None and row.lists:
            self._progress(line)
        if isinstance(answer, Refusal):
            report.say([self._refused(row, one) for one in refusals_of(answer)])
            return
        doubts = [
            RowReport(
                "doubtful", line, one.field, one.there, "changed_here", f"{one.why}; here it is {one.here}"
            )
            for one in row.kept
        ]
        if isinstance(answer, Receipt):
            count = 0 if answer.replayed else len(answer.names)
            position = answer.position if count else None
        else:
            count, position = len(answer), None
        report.entries += count
        what = "; ".join(row.words)
        if count:
            reason, code = "; ".join(row.accepted), "fault_is_accepted" if row.accepted else ""
            told = RowReport("recorded", line, code=code, reason=reason, what=what, position=position)
            report.say([told], count=row.lists)
            report.say(doubts, count=False)
        elif doubts:
            report.say(doubts)
        elif row.lists:
            report.say([RowReport("unchanged", line)])

    def _refused(self, row: RowOrder, refusal: Refusal) -> RowReport:
        found, remedy = row.found, ""
        if isinstance(refusal, PersonWasNotHere):
            found = found or row.owners
            remedy = (
                f"In this ledger they joined after {self.frame.day}: name a later day of the table with --on, or "
                "amend the entry of their joining (docs/imports.md, People)."
            )
        return RowReport(
            "refused", row.line, row.column or column_of(refusal, self._header), found, code=type(refusal).code(),
            reason=refusal.detail, remedy=remedy, what="; ".join(row.words),
        )  # fmt: skip


class Laid(Overlay):
    """An overlay whose events happen when somebody looks at their stream: of the last one of a row nobody does.

    Over a world that expects them they stand where they will be recorded, and what they made of a state is kept there.
    """

    def __init__(self, world: World, occasion: Occasion) -> None:
        super().__init__(world, occasion)
        self._waiting: list[Recorded] = []
        self._ledger_world = world if isinstance(world, LedgerWorld) and world.expects else None

    def _place(self, number: int) -> tuple[int, datetime]:
        return super()._place(number) if self._ledger_world is None else self._ledger_world.place(number)

    def _laid(self, entry: Entry, before: Any, after: Any) -> None:
        if self._ledger_world is not None:
            self._ledger_world.lay(entry, before, after)

    def take(self, recorded: Sequence[Recorded]) -> None:
        """Let these events have happened."""
        self._waiting += recorded

    def _state(self, stream: str) -> Any:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            super().take(waiting)
        return super()._state(stream)

    def entry(self, position: int) -> Entry | None:
        """Return an entry that stands in the ledger: none where an event of this row is foreseen."""
        if self._ledger_world is not None and position >= self._ledger_world.place(1)[0]:
            return None
        return super().entry(position)

    def unveiled(self) -> Overlay:
        """Return the same events laid over the whole world."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            super().take(waiting)
        return super().unveiled()

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives whose visibility was ever set, in the ledger or just now."""
        laid = {one for one in objectives if any(told.stream == f"objective:{one}" for told in self._waiting)}
        return {*super().restricted(objectives), *laid}


class References:
    """Draws references when they are needed; in a dry run none is drawn.

    A row that is refused gives back what it took. So that few are left over at the end, each draw is at most twice
    the one before, and no more than the rows under way may need.
    """

    def __init__(self, ledger: Ledger, *, dry_run: bool) -> None:
        self._ledger, self._dry_run = ledger, dry_run
        self._drawn: dict[str, deque[str]] = {"OBJ": deque(), "KR": deque()}
        self._previewed = 0
        self._taken: list[tuple[str, str]] = []
        self._most = {"OBJ": 1, "KR": 1}
        self.expected = {"OBJ": 0, "KR": 0}
        """How many of each kind the rows that are asked and not decided yet may need."""

    def expect(self, objectives: int, key_results: int) -> None:
        """Take note of what a row may need that is asked for and not decided yet."""
        self.expected["OBJ"] += objectives
        self.expected["KR"] += key_results

    @contextmanager
    def of(self, row: RowOrder) -> Iterator[None]:
        """Give references for deciding one row, and take them back where it is refused."""
        self._taken.clear()
        try:
            yield
        except Refusal:
            for kind, reference in reversed(self._taken):
                self._drawn[kind].appendleft(reference)
            raise
        finally:
            for kind, needed in zip(("OBJ", "KR"), row.may_need, strict=True):
                self.expected[kind] = max(0, self.expected[kind] - needed)
            row.may_need = (0, 0)

    def next(self, kind: str) -> str:
        """Return the next reference of a kind."""
        if self._dry_run:
            self._previewed += 1
            return f"{kind}-{PREVIEWED + self._previewed}"
        drawn = self._drawn[kind]
        if not drawn:
            wanted = max(1, min(self.expected[kind], self._most[kind]))
            self._most[kind] = min(2 * wanted, REFERENCES)
            drawn.extend(self._ledger.next_references(kind, wanted))
        reference = drawn.popleft()
        self._taken.append((kind, reference))
        return reference


def shortened(text: str, longest: int) -> str:
    """Return a text; of one that is longer its beginning, with a fingerprint of the whole."""
    return text if len(text) <= longest else f"{text[: longest - 17]} {fingerprint(text):016x}"


def name_of(what: str, *content: Any) -> str:
    """Return the name of a row in an idempotency key: what it is, and a fingerprint of all that it says."""
    told = orjson.dumps(content, default=_spelled)
    return f"{what} {blake2b(told, digest_size=12).hexdigest()}"


def _spelled(value: Any) -> str:
    """Return a number, or a measure or a target, as a text."""
    return orjson.dumps(value, default=_member).decode() if isinstance(value, BaseModel) else str(value)


def _member(value: Any) -> Any:
    """Return the members of a measure or a target, or the spelling of a number in it: as pydantic writes them."""
    return value.__dict__ if isinstance(value, BaseModel) else number_text(value)
