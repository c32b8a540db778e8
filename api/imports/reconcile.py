"""Compares the ledger at a basis with another tool's export and lists where the two disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from aggregates.importing.header import plain
from aggregates.importing.layouts import SHAPERS
from aggregates.importing.merging import target_words
from aggregates.importing.rows import KeyResultRow, ObjectiveRow, TableRow
from aggregates.importing.sheet import SheetItem, items_of, target_of, words
from aggregates.values import start_of_day
from api.calling import anyone_called, called_in
from api.exporting.forms import with_teams
from api.imports.days import Days
from api.imports.disagreements import Disagreement, Reconciled, What
from api.imports.own_board import compare, is_own_board, refuse_sheet
from api.imports.people import PeopleMap
from api.imports.planned import identifier
from api.imports.table_report import RowReport, of_fault
from api.imports.tables.reading import TableFile
from ledger.store import Ledger
from replay.questions import BoardOf, Reader


def reconcile(
    ledger: Ledger,
    reader: Reader,
    table: TableFile,
    cycle: str,
    people: PeopleMap,
    *,
    source: str | None = None,
    as_of: str | None = None,
    effective_at: str | None = None,
) -> Reconciled:
    """Return where the ledger and an export disagree. Raises TableCannotBeRead, HeaderDoesNotFit, BasisIsUnknown.

    An item is found by the identifier that an import of `source` gave it, else by its title among the items of the
    cycle; a title that stands twice is doubtful and not compared. A board that was exported here is known by its
    columns and compared by its identifiers.
    """
    refuse_sheet(table)
    is_ours = is_own_board(table)
    answer = reader.ask(BoardOf(cycle), as_of=as_of, effective_at=effective_at)
    if is_ours:
        return compare(ledger, table, cycle, with_teams(reader, answer.body))
    return _Comparison(ledger, table, cycle, people, source, answer.body).run()


class _Comparison:
    """One board against one table."""

    def __init__(
        self,
        ledger: Ledger,
        table: TableFile,
        cycle: str,
        people: PeopleMap,
        source: str | None,
        board: Mapping[str, Any],
    ) -> None:
        self._ledger, self._table, self._people = ledger, table, people
        self._among = cache(called_in)
        self._source = source or table.path.resolve().name
        self._out = Reconciled(cycle, board["basis"])
        self._items = items_of(board, {})
        told = ledger.world().cycle(cycle)
        self._days = Days(told.starts_on, told.commit_by, told.ends_on)
        self._titles: dict[tuple[str, str], list[SheetItem]] = {}
        for item in self._items.values():
            self._titles.setdefault((item.level, plain(item.values["title"])), []).append(item)
        self._said = {
            UUID(inner["id"]): (inner["status"]["said"] or {}).get("word") if isinstance(inner["status"]["said"], dict)
            else inner["status"]["said"]
            for row in board["objectives"] for inner in row["key_results"]
        }  # fmt: skip
        self._seen: set[UUID] = set()
        self._people_called: dict[str, UUID | None] = {}
        self._item: SheetItem

    def run(self) -> Reconciled:
        """Compare every row, then list what stands here only."""
        header = self._table.header()
        shaper = SHAPERS[self._table.profile.layout](header, self._table.profile, accept_faults=True)
        if shaper.looks_first:
            for row in self._table.rows():
                shaper.look(row)
        for row in self._table.rows():
            for shaped in shaper.shape(row):
                self._shaped(shaped)
        for shaped in shaper.finish():
            self._shaped(shaped)
        for identity, item in self._items.items():
            if identity not in self._seen and item.takes:
                self._say("missing there", item, item.values["title"])
        return self._out

    def _shaped(self, shaped: Any) -> None:
        if not isinstance(shaped, TableRow):
            for fault in shaped.faults:
                told = of_fault(fault)
                self._out.found.append(
                    Disagreement("unreadable", "", _cell(told), there=told.reason, line=told.line)
                )
            return
        if shaped.objective is not None:
            self._compare("objective", shaped.objective, self._objective(shaped.objective))
        for one in shaped.key_results:
            self._compare("key_result", one, self._key_result(one))

    def _compare(
        self, level: str, row: ObjectiveRow | KeyResultRow, differences: Iterator[tuple[str, str, str]]
    ) -> None:
        found = self._found(level, row.key, row.title)
        if len(found) > 1:
            self._out.found.append(
                Disagreement(
                    "doubtful", "", row.title, there="this title stands more than once here", line=row.line
                )
            )
            self._seen.update(item.identity for item in found)
            return
        if not found:
            self._out.found.append(Disagreement("missing here", "", row.title, line=row.line))
            return
        item = found[0]
        if item.identity in self._seen and level == "objective":
            return
        self._seen.add(item.identity)
        self._item = item
        told = list(differences)
        for name, here, there in told:
            self._say("differs", item, item.values["title"], name, here, there, row.line)
        self._out.agree += not told

    def _objective(self, row: ObjectiveRow) -> Iterator[tuple[str, str, str]]:
        yield from self._text("title", row.title)
        if row.owners:
            yield from self._owner(row.owners)
        if not self._item.takes:
            yield "standing", str(self._item.values["standing"]), "not ended"

    def _key_result(self, row: KeyResultRow) -> Iterator[tuple[str, str, str]]:
        values = self._item.values
        yield from self._text("title", row.title)
        yield from self._owner(row.owners)
        if values["kind"] != row.measure.kind:
            yield "measure", str(values["kind"]), row.measure.kind
        elif row.measure.kind in ("increase", "decrease", "at_or_above", "at_or_below", "band", "yes_no"):
            here = target_of(values)
            if here != row.target:
                yield "target", target_words(here), target_words(row.target)
        if row.baseline is not None and row.baseline != values["baseline"]:
            yield "baseline", words(values["baseline"]), words(row.baseline)
        there = row.value if isinstance(row.value, Decimal | None) else "yes" if row.value else "no"
        if there is not None and there != values["value"]:
            yield "value", words(values["value"]), words(there)
        if row.said is not None and row.said != self._said.get(self._item.identity):
            yield "status", words(self._said.get(self._item.identity)), row.said
        if not self._item.takes:
            yield "standing", str(values["standing"]), "not ended"

    def _text(self, name: str, there: str) -> Iterator[tuple[str, str, str]]:
        here = str(self._item.values[name])
        if plain(here) != plain(there):
            yield name, here, there

    def _called(self, text: str) -> UUID | None:
        if text not in self._people_called:
            found = anyone_called(self._ledger.directory, text, among=self._among)
            self._people_called[text] = found if isinstance(found, UUID) else None
        return self._people_called[text]

    def _owner(self, names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        text = self._people.owner_of(names) or (names[0] if len(names) == 1 else None)
        person = None if text is None else self._called(text)
        if person is None or str(person) != self._item.values["owner"]:
            known = self._ledger.directory.of(UUID(self._item.values["owner"]))
            yield "owner", known.display_name if known else self._item.values["owner"], " & ".join(names)

    def _found(self, level: str, key: str, title: str) -> list[SheetItem]:
        ledger = self._ledger.identifier
        assert ledger is not None  # noqa: S101 (it was read)
        begin = start_of_day(self._days.start, self._ledger.zone)
        own = self._items.get(identifier(ledger, self._source, self._out.cycle, f"{level} {key}", begin))
        return [own] if own is not None else self._titles.get((level, plain(title)), [])

    def _say(
        self,
        what: What,
        item: SheetItem,
        title: str,
        name: str = "",
        here: str = "",
        there: str = "",
        line: int = 0,
    ) -> None:
        self._out.found.append(
            Disagreement(what, str(item.values["reference"]), title, name, here, there, line)
        )


def _cell(told: RowReport) -> str:
    return f"{told.column}: {told.found}" if told.column else told.found
