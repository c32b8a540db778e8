"""Imports a series of dated snapshots: reads the source, maps its people, plans, and records through the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from aggregates.decide import as_seen, decide
from aggregates.entry import Occasion, Recorded
from aggregates.person.commands import AddPerson
from aggregates.refusals import EntryIsUnknown, Refusal
from aggregates.snapshots.markdown import parse_markdown
from aggregates.snapshots.series import SnapshotSeries, read_series
from aggregates.values import LINE_LENGTH, instant_text, start_of_day
from aggregates.world import World
from api.calling import person_called
from api.imports.days import CycleIsNotDated, Days, cycle_key, cycle_kind, quarter, read_days
from api.imports.people import PeopleMap, read_people
from api.imports.plan import Planner
from api.imports.planned import Cycle, Owners, Planned
from api.imports.report import Report, SeriesReport
from api.imports.repository import read_source
from api.imports.sources import VersionSeries, printable
from api.imports.table_run import shortened
from api.references import HeldReferences
from ledger.execute import Order
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger

Progress = Callable[[int], None]


class PeopleAreMissing(Refusal):
    """Names of the source mean nobody in this ledger; add lines to the people map, or give --create-people."""


class SourceHasFaults(Refusal):
    """Rows of the source cannot be read; mend them, or give --accept-faults to list and leave them out."""


def run(
    ledger: Ledger,
    place: Path,
    *,
    by: str,
    people: Path | None = None,
    create_people: bool = False,
    cycles: Sequence[str] = (),
    objective_owner: str | None = None,
    source: str | None = None,
    accept_faults: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import every series at a place (a folder with a manifest, of dated files, or of a git repository).

    `cycles` are `NAME=START..END[,COMMIT-BY]`; a series named like `2019-q3` has the days of that quarter, and its
    first day as commit-by. `source` names the source in entries (otherwise the folder does). `progress` is told how
    many changes were answered so far. A second run with the same versions records nothing new. Raises
    SourceCannotBeRead, PeopleMapCannotBeRead, CycleIsNotDated, PeopleAreMissing, SourceHasFaults; what the rules
    refuse is listed in the report.
    """
    days = dict(read_days(one) for one in cycles)
    found = read_source(place)
    names = source or place.resolve().name
    mapped = read_people(people) if people is not None else PeopleMap()
    read = [(one, _series(one, days, ledger)) for one in found]
    report = Report(names, dry_run)
    for _, series in read:
        if series.faults and not accept_faults:
            raise SourceHasFaults(_first_fault(series))
    importer = _Importer(ledger, by, names, mapped, dry_run=dry_run, create=create_people)
    importer.owner = None if objective_owner is None else importer.known(objective_owner)
    importer.people(report, [series for _, series in read])
    importer.progress = progress
    for one, series in read:
        kind = cycle_kind(one.name, series.start, series.end)
        report.series.append(importer.record(series, Cycle(cycle_key(one.name), one.name, kind)))
    return report


class _Importer:
    """One run: who imports what, and whom the source's names mean."""

    def __init__(
        self, ledger: Ledger, by: str, source: str, people: PeopleMap, *, dry_run: bool, create: bool
    ) -> None:
        self._ledger, self._by, self._source, self._map = ledger, by, source, people
        self._dry_run, self._create = dry_run, create
        self._persons: dict[str, UUID] = {}
        self._new: list[AddPerson] = []
        self._aliases: dict[str, UUID | None] = {}
        self._previewed = 0
        self.owner: UUID | None = None
        self.progress: Progress | None = None
        self._done = 0

    def known(self, text: str) -> UUID:
        """Return the person whom an identifier, a handle, an address or a whole name means."""
        return person_called(self._ledger.directory, text, "/objective_owner")

    def people(self, report: Report, series: Sequence[SnapshotSeries]) -> None:
        """Map every name to a person; add persons only where that was asked for."""
        wanted: dict[str, str] = {}
        for one in series:
            for name in (*one.names.assignees, *one.names.authors):
                wanted.setdefault(name.casefold(), name)
        needed = {name.casefold() for one in series for name in one.names.assignees}
        begin = min(
            min(start_of_day(one.start, one.zone), one.steps[0].effective_at) for one in series
        ) - timedelta(seconds=1)
        before = {one.name.casefold(): one.person for one in self._ledger.directory.aliases(self._source)}
        for key, name in wanted.items():
            text = self._map.person_of(name)
            person = self._ledger.directory.lookup(text or name) or before.get(key)
            if person is None and self._create and (key in needed or self.owner is None or text):
                person = self._add(report, name, text, begin)
            if person is None and (text is not None or key in needed):
                report.missing.append(name)
            if person is not None:
                self._persons[key] = person
        for line in self._map.lines:
            key = line.source.casefold()
            if key not in self._persons and (person := self._ledger.directory.lookup(line.person)):
                self._persons[key] = person
        unused = [set(self._map.unused(one.names)) for one in series]
        if unused:
            common = set.intersection(*unused)
            report.unused = [line.source for line in self._map.lines if line in common]
        if report.missing and not self._dry_run:
            raise PeopleAreMissing(
                f"Nobody in this ledger is meant by {', '.join(report.missing)}; add lines to the people map, or give "
                "--create-people.",
                field="/people",
            )
        if not self._dry_run:
            for command in self._new:
                self._ledger.execute(command, decide, by=self._by)
            for key, name in wanted.items():
                person = self._persons.get(key)
                self._aliases[name] = self._ledger.directory.alias(self._source, name, person=person).alias
            subjects = {
                step.later.commit: printable(step.later.subject)[:LINE_LENGTH]
                for one in series
                for step in one.steps
                if step.later.subject
            }
            self._ledger.directory.note_versions(self._source, subjects)

    def _add(self, report: Report, name: str, text: str | None, begin: datetime) -> UUID:
        person = self._ledger.new_id()
        line = next((one for one in self._map.lines if one.source.casefold() == name.casefold()), None)
        shown = (line.name if line is not None else "") or name.removeprefix("@")
        report.people.append(shown)
        self._new.append(AddPerson(person=person, effective_at=begin))
        if not self._dry_run:
            handle = (text or name).removeprefix("@")
            if "@" in handle:
                self._ledger.directory.add(person, shown, email=handle)
            elif re.fullmatch(r"[\w][\w.-]{0,62}", handle):
                self._ledger.directory.add(person, shown, handle=handle)
            else:
                self._ledger.directory.add(person, shown)
        return person

    def record(self, series: SnapshotSeries, cycle: Cycle) -> SeriesReport:
        """Plan one series and record it, or find out what would be recorded."""
        identifier = self._ledger.identifier
        assert identifier is not None  # noqa: S101 (somebody with a token imports)
        owners = Owners(self._owner_of, self._author, self._aliases.get, self.owner)
        plan = Planner(series, cycle, owners, ledger=identifier, source=self._source).plan()
        line = series.line_version
        report = SeriesReport(
            cycle.key, line.commit, instant_text(line.instant), series.no_record_at_start, series.late_by_days
        )
        report.left = plan.left
        orders = [self._order(cycle, one) for one in plan.planned]
        for planned, answer in zip(plan.planned, self._answers(orders), strict=True):
            self._done += 1
            if self.progress is not None:
                self.progress(self._done)
            if isinstance(answer, Refusal):
                report.refused.append((planned, type(answer).code(), answer.detail))
            elif isinstance(answer, Receipt) and answer.replayed:
                report.known += 1
            else:
                report.recorded.append((planned, answer.position if isinstance(answer, Receipt) else None))
        return report

    def _answers(self, orders: list[Order]) -> Iterator[Receipt | Refusal | list[Recorded]]:
        if not self._dry_run:
            yield from self._ledger.execute_many(orders, self._decide)
            return
        first = [Order(command, self._by) for command in self._new]
        answers = self._ledger.preview_many([*first, *orders], self._decide)
        for place, answer in enumerate(answers):
            if place >= len(first):
                yield answer

    def _order(self, cycle: Cycle, planned: Planned) -> Order:
        version = planned.version.commit if planned.version is not None else "days"
        source = shortened(self._source, 60)
        key = f"import {source} {cycle.key} {shortened(version, 40)} {planned.row}"[:200]
        asked = f"{self._source}\n{cycle.key}\n{version}\n{planned.row}\n{planned.words}".encode()
        return Order(
            planned, self._by, idempotency=IdempotencyKey(key, asked), imported=True, accept_faults=True
        )

    def _decide(self, world: World, planned: Any, occasion: Occasion) -> Sequence[Recorded]:
        if isinstance(planned, Planned):
            references = HeldReferences(self._ledger.next_reference)
            reference = self._previewed_reference if self._dry_run else references.place
            try:
                command = planned.build(as_seen(world, occasion), reference)
                return references.referenced(decide(world, command, occasion))
            except LookupError as error:
                raise EntryIsUnknown(str(error)) from error
        return decide(world, planned, occasion)

    def _previewed_reference(self, kind: str) -> str:
        self._previewed += 1
        return f"{kind}-{900_000_000 + self._previewed}"

    def _owner_of(self, assignees: tuple[str, ...]) -> UUID | None:
        if len(assignees) == 1:
            return self._persons.get(assignees[0].casefold())
        text = self._map.owner_of(assignees)
        return (
            None
            if text is None
            else self._persons.get(text.casefold()) or self._ledger.directory.lookup(text)
        )

    def _author(self, name: str) -> UUID | None:
        return self._persons.get(name.casefold())


def _series(one: VersionSeries, days: dict[str, Days], ledger: Ledger) -> SnapshotSeries:
    known = days.get(one.name) or quarter(one.name)
    if known is None:
        raise CycleIsNotDated(
            f"The days of {one.name!r} are not known; name them with --cycle {one.name}=START..END[,COMMIT-BY].",
            field="/cycle",
        )
    snapshots = [parse_markdown(version.content, version.version) for version in one.versions]
    return read_series(
        snapshots, start=known.start, commit_by=known.commit_by, end=known.end, zone=ledger.zone
    )


def _first_fault(series: SnapshotSeries) -> str:
    one = series.faults[0]
    told = f"{one.fault.what} {one.fault.remedy}"
    return (
        f"{len(series.faults)} rows cannot be read; the first is line {one.fault.line} of version "
        f"{one.version.commit[:12]} ({one.fault.text!r}): {told} Give --accept-faults to list them and go on."
    )
