"""`import csv`, `xlsx`, `jsonl`: one version of one table becomes entries, by the rules, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from aggregates.cycle.commands import PlanCycle, StartScoring
from aggregates.entry import Source
from aggregates.importing.compact import Objectives, Parents
from aggregates.importing.comparing import Change, Frame
from aggregates.importing.header import Header
from aggregates.importing.layouts import SHAPERS
from aggregates.importing.merging import Merging
from aggregates.importing.reader import AS_IT_STANDS, EQUAL
from aggregates.importing.rows import KeyResultRow, ObjectiveRow, RefusedRow, Shaped, TableRow
from aggregates.importing.shaping import Shaper
from aggregates.person.commands import AddPerson
from aggregates.refusals import LiesInTheFuture
from aggregates.team.commands import FormTeam
from aggregates.values import day_of, end_of_day, start_of_day
from api.calling import person_called
from api.imports.asked import FIRST, Ask, cycle_of
from api.imports.check_ins import CheckIns
from api.imports.days import cycle_kind
from api.imports.own_board import header_of
from api.imports.owners import OwnersOf
from api.imports.people import PeopleMap, read_people
from api.imports.planned import identifier
from api.imports.sieve import RowIsFaulty, Sieve
from api.imports.table_report import RowReport, TableReport, of_fault
from api.imports.table_run import BLOCK, Recorder, References, RowOrder, name_of
from api.imports.tables.reading import TableFile
from api.imports.teams import TeamsOf
from ledger.execute import Order
from ledger.groups import Preview
from ledger.store import Ledger


def import_table(
    ledger: Ledger,
    table: TableFile,
    ask: Ask,
    *,
    by: str,
    check_ins: TableFile | None = None,
    progress: Callable[[int], None] | None = None,
) -> TableReport:
    """Import one version of a table, or say what would be recorded.

    With `strict` nothing is recorded where one row would be refused. Raises TableCannotBeRead, HeaderDoesNotFit,
    PeopleMapCannotBeRead, CycleIsNotDated, PersonIsUnknown, LiesInTheFuture; what the rules refuse is in the report.
    """
    if ask.strict and not ask.dry_run:
        tried = TableImport(ledger, table, replace(ask, dry_run=True, report=None), by, check_ins).run(None)
        if tried.refused:
            tried.notes.append(
                f"--strict: nothing was recorded, because {tried.refused} rows would be refused"
            )
            return tried
    return TableImport(ledger, table, ask, by, check_ins).run(progress)


class TableImport:
    """One import of one table."""

    def __init__(
        self,
        ledger: Ledger,
        table: TableFile,
        ask: Ask,
        by: str,
        check_ins: TableFile | None = None,
        *,
        before: TableImport | None = None,
        onto: Preview | None = None,
    ) -> None:
        self._ledger, self._table, self._ask, self._by = ledger, table, ask, by
        self._header: Header = header_of(table)
        now = ledger.head().now
        self._today = day_of(now, ledger.zone)
        day = ask.on or self._today
        if day > self._today:
            raise LiesInTheFuture(f"{day} has not come yet; --on names the day of the table.", field="/on")
        at = now if day == self._today else end_of_day(day, ledger.zone)
        self._key, self._days, self._known_cycle = cycle_of(ledger, ask.cycle, onto)
        self._onto = onto
        self._check_ins = None if check_ins is None else CheckIns(ledger, check_ins, self._days)
        since = at if self._check_ins is None else self._check_ins.first(at)
        self._begin = start_of_day(self._days.start, ledger.zone)
        self._latest: dict[str, tuple[str, UUID]] = {}
        self._references: References = (
            References(ledger, dry_run=ask.dry_run) if before is None else before._references
        )
        self._source = ask.source or table.path.resolve().name
        version = ask.version or f"{day} {table.digest()}"
        joined = min(start_of_day(self._days.start, ledger.zone), since) - timedelta(seconds=1)
        self._new_people: list[AddPerson | FormTeam] = []
        mapped = read_people(ask.people) if ask.people is not None else PeopleMap()
        self._owners: OwnersOf = OwnersOf(
            ledger,
            mapped,
            create=ask.create_people,
            dry_run=ask.dry_run,
            joined=joined,
            add=self._new_people.append,
            before=None if before is None else before._owners,
            are=table.profile.owners_are,
        )
        self._frame = Frame(
            source=self._source, version=version, at=at, day=day, since=since, cycle=self._key,
            starts_on=self._days.start, ends_on=self._days.end, identity=self._identity, person=self._owners.person,
            reference=self._references.next, not_before=ask.not_before,
        )  # fmt: skip
        self._report = TableReport(self._source, version, self._key, ask.dry_run, ask.report)
        self._objectives, self._parents = Objectives(BLOCK), Parents()
        self._teams: TeamsOf = TeamsOf(
            ledger, create=ask.create_teams, begin=joined, source=self._frame.said(0), form=self._new_people.append,
            before=None if before is None else before._teams, onto=onto,
        )  # fmt: skip
        self._sieve = Sieve(
            self._owners, self._today, self._header, repeats=table.profile.layout == "rows",
            given=ask.objective_owner, person=self._given_owner(ask.objective_owner), teams=self._teams,
        )  # fmt: skip
        self.present: dict[UUID, UUID | None] = {}
        """In a series: every item of this version, a key result with its objective."""
        self.gone: Callable[[], Iterator[RowOrder]] | None = None
        """In a series: the orders for what no longer stands in this version."""

    def run(self, progress: Callable[[int], None] | None) -> TableReport:
        """Record everything and return the report."""
        if self._table.profile.layout == "rows" and "key_result" not in self._header.columns:
            written = " or ".join(self._table.profile.columns.get("key_result", ())) or "nothing"
            self.note(
                f"no column holds key results (it is looked for as {written}): only objectives are read; "
                "--column key_result=NAME names it"
            )
        recorder = Recorder(
            self._ledger, self._by, self._frame, self._report, self._header,
            accept_faults=self._ask.accept_faults, dry_run=self._ask.dry_run, progress=progress, onto=self._onto,
            references=self._references,
        )  # fmt: skip
        with self._report:
            recorder.record(self._everything())
            self._report.people, self._report.missing = self._owners.added, list(self._owners.missing)
            self._report.teams, self._report.missing_teams = self._teams.formed, list(self._teams.missing)
        return self._report

    @property
    def refused(self) -> int:
        """How many rows were refused so far."""
        return self._report.refused

    def note(self, words: str) -> None:
        """Add a sentence to the report."""
        self._report.notes.append(words)

    def _everything(self) -> Iterator[RowOrder | Order]:
        yield from self._plan()
        for shaped in self._shaped():
            yield from self._with_people(self._row(shaped))
        if self.gone is not None:
            yield from self.gone()
        yield from self._aligned()
        if self._commits():
            late = self._frame.day > self._days.commit_by
            late = late if self._ask.no_record_at_start is None else self._ask.no_record_at_start
            for identity, line in self._objectives:
                yield RowOrder(
                    line,
                    f"line {identity}",
                    self._commitment(identity, line, late),
                    lists=False,
                    objectives=(identity,),
                )
        elif not self._ask.as_drafts and self._ask.commits is None:
            self._report.notes.append(
                f"{self._key} has not begun: everything is a draft until it is committed here"
            )
        yield from self._standings()
        if self._check_ins is not None:
            yield from self._check_ins.orders(
                self._frame, self._report, self._owners, dry_run=self._ask.dry_run
            )
        yield from self._scoring()

    # -- the cycle

    def _plan(self) -> Iterator[Order]:
        if self._known_cycle is not None:
            return
        days, frame = self._days, self._frame
        command = PlanCycle(
            cycle=self._key,
            name=self._ask.cycle.partition("=")[0].strip(),
            kind=cycle_kind(self._key, days.start, days.end),
            starts_on=days.start,
            commit_by=days.commit_by,
            ends_on=days.end,
            effective_at=min(start_of_day(days.start, self._ledger.zone), frame.since),
            source=Source(name=frame.source, version=frame.version, row="cycle"),
        )
        yield Order(command, self._by, imported=True)

    def _commits(self) -> bool:
        if self._ask.as_drafts:
            return False
        if self._ask.commits is not None:
            return self._ask.commits
        standing = None if self._known_cycle is None else self._known_cycle.standing
        return standing in ("open", "scoring") or self._days.start <= self._frame.day

    def _scoring(self) -> Iterator[Order]:
        """Give the start of scoring of a cycle that this source brought and that is past: no closing is invented."""
        scores = self._known_cycle is None if self._ask.scores is None else self._ask.scores
        if not scores or self._days.end >= self._today:
            return
        frame = self._frame
        at = max(end_of_day(self._days.end, self._ledger.zone), frame.since)
        source = Source(name=frame.source, version=frame.version, row="cycle")
        yield Order(StartScoring(cycle=self._key, effective_at=at, source=source), self._by, imported=True)

    # -- rows

    def _shaped(self) -> Iterator[Shaped]:
        shaper = self._shaper()
        if shaper.looks_first:
            for row in self._table.rows():
                shaper.look(row)
        for row in self._table.rows():
            yield from shaper.shape(row)
        yield from shaper.finish()

    def _shaper(self) -> Shaper:
        return SHAPERS[self._table.profile.layout](
            self._header, self._table.profile, accept_faults=self._ask.accept_faults
        )

    def _with_people(self, rows: Iterator[RowOrder]) -> Iterator[RowOrder | Order]:
        """Give the persons that a row needs before the row."""
        for row in rows:
            for command in self._new_people:
                yield Order(command, self._by, imported=True)
            self._new_people.clear()
            yield row

    def _row(self, shaped: Shaped) -> Iterator[RowOrder]:
        if isinstance(shaped, RefusedRow):
            self._report.say([of_fault(fault) for fault in self._sieve.refused(shaped)])
            return
        self._say_left(shaped)
        if shaped.objective is None and not shaped.key_results:
            return
        try:
            row, owner, owners = self._sieve.sifted(shaped)
        except RowIsFaulty as found:
            self._report.say([of_fault(fault) for fault in found.faults])
            return
        team = None
        if row.objective is not None:
            team = self._team(row.objective)
            identity = self._identity("objective", row.objective.key)
            self._objectives.add(identity, row.line)
            if row.objective.parents:
                self._parents.add(identity, row.objective.parents[0], row.line)
        may_need = (int(row.objective is not None), len(row.key_results))
        self._references.expect(*may_need)
        if self.gone is not None:
            self._take_presence(row)
        if self._check_ins is not None:
            for told in row.key_results:
                self._check_ins.knows(told)

        def changes(merging: Merging) -> Iterator[Change]:
            if row.objective is not None:
                yield from merging.objective(row.objective, owner, team)
            for one, of in zip(row.key_results, owners, strict=True):
                yield from merging.key_result(one, of)

        homes = {one.objective for one in row.key_results}
        if row.objective is not None:
            homes.add(row.objective.key)
        objectives = tuple(self._identity("objective", key) for key in sorted(homes))
        yield RowOrder(
            row.line,
            name_of("row", row.said(), owner, owners, team),
            changes,
            objectives=objectives,
            may_need=may_need,
            owners=_owners(row),
            accepted=_accepted(row),
        )

    def _team(self, objective: ObjectiveRow) -> UUID | None:
        """Return the team of an objective; one that is not known is listed, and the row is taken over without it."""
        try:
            return self._sieve.team(objective)
        except RowIsFaulty as found:
            self._report.say(
                [replace(of_fault(fault), became="left out") for fault in found.faults], count=False
            )
            return None

    def _take_presence(self, row: TableRow) -> None:
        if row.objective is not None:
            self.present[self._identity("objective", row.objective.key)] = None
        for one in row.key_results:
            home = self._identity("objective", one.objective)
            self.present[self._identity("key_result", one.key)] = home

    def _say_left(self, row: TableRow) -> None:
        whole = row.objective is None and not row.key_results
        for left in row.left:
            told = RowReport("left out", left.line, left.column, left.text, left.code, left.why)
            self._report.say([told], count=whole)
        for one in row.key_results:
            day = one.on or self._frame.day
            if one.value is not None and not self._frame.holds(day) and day <= self._today:
                days = f"{self._days.start} to {self._days.end}"
                why = f"a value of {day}, outside the cycle ({days}): not placed; --on names the day of the table"
                told = RowReport("left out", one.line, found=str(one.value), code="not_placed", reason=why)
                self._report.say([told], count=False)

    # -- what completes rows

    def _aligned(self) -> Iterator[RowOrder]:
        for child, key, line in self._parents:

            def changes(
                merging: Merging, child: UUID = child, key: str = key, line: int = line
            ) -> Iterator[Change]:
                yield from merging.alignment(line, child, self._identity("objective", key))

            yield RowOrder(
                line,
                name_of("parent", child, key),
                changes,
                lists=False,
                column=self._header.name("parent"),
                found=key,
            )

    def _commitment(self, identity: UUID, line: int, late: bool) -> Callable[[Merging], Iterator[Change]]:
        return lambda merging: merging.commitment(line, identity, no_record=late)

    def _standings(self) -> Iterator[RowOrder]:
        """Give confidences, words and scores, which follow the lines: the table is gone through once more."""
        if not {"confidence", "said", "score"} & set(self._header.columns):
            return
        for shaped in self._shaped():
            if not isinstance(shaped, TableRow):
                continue
            for one in shaped.key_results:
                tells = one.confidence is not None or one.said is not None or one.score is not None
                if tells and self._sieve.key_results.first(one.key, one.line) == one.line:
                    yield RowOrder(one.line, name_of("standing", one), self._standing(one), lists=False)

    def _standing(self, row: KeyResultRow) -> Callable[[Merging], Iterator[Change]]:
        return lambda merging: merging.standing(row)

    def _identity(self, kind: str, key: str) -> UUID:
        before = self._latest.get(kind)
        if before is not None and before[0] == key:
            return before[1]
        told, key = key, self._ask.renames.get((kind, key), key)
        ledger = self._ledger.identifier
        assert ledger is not None  # noqa: S101 (somebody with a token imports)
        found = identifier(ledger, self._source, self._key, f"{kind} {key}", self._begin)
        self._latest[kind] = (told, found)
        return found

    def _given_owner(self, text: str | None) -> UUID | None:
        if text is None or text == FIRST:
            return None
        return person_called(self._ledger.directory, text, "/objective_owner")


def _owners(row: TableRow) -> str:
    """Return whom a row names, each once."""
    told = () if row.objective is None else row.objective.owners
    return ", ".join(dict.fromkeys((*told, *(name for one in row.key_results for name in one.owners))))


def _accepted(row: TableRow) -> tuple[str, ...]:
    """Return the faults of a row that are taken over as they stand."""
    return tuple(
        f"“{one.title}”: {doubt}"
        for one in row.key_results
        for doubt in one.doubts
        if doubt.startswith((EQUAL, AS_IT_STANDS))
    )
