"""The round trip of planning: a sheet is written, edited, compared with its basis, then recorded or proposed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from aggregates.commands import COMMANDS
from aggregates.decide import as_seen, decide
from aggregates.entry import Occasion, Reason, Recorded
from aggregates.importing.profile import Profile
from aggregates.importing.sheet import (
    Asking,
    SheetIsStale,
    SheetItem,
    items_of,
)
from aggregates.near import reference_of
from aggregates.refusals import ReasonIsMissing, Refusal
from aggregates.values import day_of
from aggregates.world import World
from api.calling import NotOne, anyone_called, called_in
from api.imports.planned import identifier
from api.imports.sheet_comparison import Comparison
from api.imports.sheet_files import SheetBasis, read_sheet, write_csv, write_xlsx
from api.imports.sheet_report import RowAsked, RowResult, SheetReport
from api.imports.table_run import Laid
from api.imports.tables.faults import TableCannotBeRead
from api.imports.tables.reading import format_of
from api.references import HeldReferences
from ledger.execute import Order
from ledger.store import Ledger
from replay.questions import BoardOf, Reader, TeamsList


class SheetIsAnothers(Refusal):
    """This sheet was written from another ledger."""


class ProposalCannotBeRead(Refusal):
    """This file is no proposal that was written from a sheet of this ledger."""

    kind = "unavailable"


class Sheet:
    """The sheet of one ledger, for one person who edits."""

    def __init__(self, ledger: Ledger, reader: Reader) -> None:
        self._ledger, self._reader, self._dry_run = ledger, reader, False
        self._among = cache(called_in)

    def write(self, cycle: str, out: Path, *, as_of: str | None = None) -> tuple[bytes, int]:
        """Return the sheet of a cycle as the bytes of a file, and its position."""
        answer = self._reader.ask(BoardOf(cycle), as_of=as_of)
        items = self._items(answer.body)
        world = self._ledger.world()
        told = answer.body["basis"]
        basis = SheetBasis(told["ledger"], told["position"], told["effective_at"], cycle)
        rows = []
        for item in items.values():
            state = world.objective(item.home)
            rows.append((item, {"version": None if state is None else Decimal(state.version)}))
        if format_of(out) == "xlsx":
            return write_xlsx(basis, rows), basis.position
        return b"".join(write_csv(basis, rows)), basis.position

    def compare(
        self, file: Path, profile: Profile, *, reason: Reason | None = None, decision: UUID | None = None
    ) -> tuple[SheetReport, list[RowAsked]]:
        """Return what a sheet asks for. Raises TableCannotBeRead, SheetIsAnothers."""
        basis, rows = read_sheet(file, profile)
        if basis.ledger != str(self._ledger.identifier):
            raise SheetIsAnothers(f"{file.name} was written from the ledger {basis.ledger}.")
        then = self._reader.ask(
            BoardOf(basis.cycle), as_of=str(basis.position), effective_at=basis.effective_at
        )
        base = self._items(then.body)
        answer = self._reader.ask(BoardOf(basis.cycle))
        now = self._items(answer.body)
        head = self._ledger.head()
        report = SheetReport(basis.cycle, basis.position, answer.body["basis"]["position"])
        asking = Asking(
            person={}, parent={}, today=day_of(head.now, self._ledger.zone), cycle=basis.cycle, reason=reason,
            decision=decision,
        )  # fmt: skip
        return report, list(Comparison(self, report, base, now, asking).asked(rows))

    def record(self, report: SheetReport, asked: Sequence[RowAsked], *, by: str, dry_run: bool) -> None:
        """Record what a sheet asks for, each row whole or not at all, or say what would be recorded."""
        self._dry_run = dry_run
        latest: dict[UUID, RowAsked] = {}
        for one in asked:
            if one.objective is not None:
                one.before, latest[one.objective] = latest.get(one.objective), one
        orders = [Order(one, by) for one in asked]
        answers: Iterator[Any] = (
            self._ledger.preview_many(orders, self._decide) if dry_run
            else self._ledger.execute_many(orders, self._decide)
        )  # fmt: skip
        for one, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Refusal):
                became: Any = "stale" if isinstance(answer, SheetIsStale) else "refused"
                remedy = (
                    " Give --reason TEXT, and --class CLASS." if isinstance(answer, ReasonIsMissing) else ""
                )
                told = f"{'; '.join(one.words)}: {answer.detail}{remedy}"
                report.rows.append(RowResult(one.line, became, told))
            else:
                position = None if dry_run else answer.position
                became = "would record" if dry_run else "recorded"
                report.rows.append(RowResult(one.line, became, "; ".join(one.words), position))
        report.rows.sort(key=lambda row: row.line)

    def propose(self, report: SheetReport, asked: Sequence[RowAsked], *, by: str) -> Iterator[bytes]:
        """Give the lines of a proposal: its basis, then each row with its commands, for somebody else to record."""
        head = {
            "proposal": 1, "ledger": str(self._ledger.identifier), "cycle": report.cycle, "position": report.position,
            "proposed_by": str(by),
        }  # fmt: skip
        yield json.dumps(head).encode() + b"\n"
        for one in asked:
            told = {
                "line": one.line, "words": one.words,
                "objective": None if one.objective is None else str(one.objective),
                "version": one.expected,
                "commands": [command.model_dump(mode="json", exclude_none=True) for command in one.commands],
            }  # fmt: skip
            yield json.dumps(told, ensure_ascii=False).encode() + b"\n"

    def proposed(self, file: Path) -> tuple[SheetReport, list[RowAsked]]:
        """Return what a proposal asks for; references are drawn when it is recorded. Raises ProposalCannotBeRead."""
        asked: list[RowAsked] = []
        report: SheetReport | None = None
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            try:
                told = json.loads(line)
                if report is None:
                    if told["proposal"] != 1 or told["ledger"] != str(self._ledger.identifier):
                        raise ProposalCannotBeRead(f"{file.name} was written from another ledger.")
                    report = SheetReport(told["cycle"], told["position"], self._ledger.head().position)
                    continue
                commands = [COMMANDS[one["command"]].model_validate(one) for one in told["commands"]]
                home = None if told["objective"] is None else UUID(told["objective"])
                asked.append(RowAsked(told["line"], commands, told["words"], home, told["version"]))
            except (ValueError, KeyError, TypeError) as error:
                raise ProposalCannotBeRead(
                    f"{file.name}, line {number}: this is no row of a proposal."
                ) from error
        if report is None:
            raise ProposalCannotBeRead(f"{file.name} is empty.")
        return report, asked

    def person(self, text: str) -> UUID | NotOne:
        """Return the person whom a cell names, by handle, address, identifier or whole name; else why there is none."""
        return anyone_called(self._ledger.directory, text, among=self._among)

    def objective(self, text: str) -> UUID | None:
        """Return the objective that a cell names by reference or identifier."""
        found = self._reader.find(reference_of(text) or text)
        return None if found is None else found[0]

    def version(self, objective: UUID) -> int | None:
        """Return the present version of an objective's stream."""
        state = self._ledger.world().objective(objective)
        return None if state is None else int(state.version)

    def identity(self, report: SheetReport, line: int, title: str) -> UUID:
        """Return the identifier of a new row: the same each time that the same sheet is recorded."""
        ledger = self._ledger.identifier
        assert ledger is not None  # noqa: S101 (a sheet was written from it)
        written = self._ledger.entry(report.basis)
        assert written is not None  # noqa: S101 (a basis is the position of an entry)
        return identifier(
            ledger, "sheet", report.cycle, f"{report.basis} {line} {title}", written.recorded_at
        )

    def _items(self, board: Mapping[str, Any]) -> dict[UUID, SheetItem]:
        names = {row["id"]: row["reference"] for row in board["objectives"]}
        for person in self._ledger.directory.names().values():
            names[str(person.identifier)] = person.handle or person.email or str(person.identifier)
        at = board["basis"]
        teams = self._reader.ask(
            TeamsList(), as_of=str(at["position"]), effective_at=str(at["effective_at"])
        ).body["teams"]
        names |= {team: str(told["name"]["value"]) for team, told in teams.items()}
        return items_of(board, names)

    def _decide(self, world: World, asked: Any, occasion: Occasion) -> Sequence[Recorded]:
        world = as_seen(world, occasion)
        expected = asked.expected if asked.before is None else asked.before.after
        asked.after = expected
        state = None if asked.objective is None else world.objective(asked.objective)
        if state is not None and expected is not None and state.version != expected:
            raise SheetIsStale(
                f"{state.reference} was changed meanwhile (version {state.version}, compared at {expected}); "
                "compare the sheet again."
            )
        overlay = Laid(world, occasion)
        out: list[Recorded] = []
        references = HeldReferences(self._ledger.next_reference)
        for command in asked.commands:
            kind = {"draft_objective": "OBJ", "add_key_result": "KR"}.get(command.command_name)
            if kind is not None:
                command = command.model_copy(update={"reference": references.place(kind)})
            recorded = decide(overlay, command, occasion)
            overlay.take(recorded)
            out += recorded
        if expected is not None:
            asked.after = expected + sum(one.stream == f"objective:{asked.objective}" for one in out)
        return out if self._dry_run else references.referenced(out)


WRITTEN: Final = (".csv", ".xlsx")
"""What a sheet is called that is written; one of text by another name is read all the same."""


def check_format(path: Path, *, written: bool = False) -> None:
    """Refuse a sheet that is neither a workbook nor CSV. Raises TableCannotBeRead."""
    if format_of(path) == "jsonl" or (written and path.suffix.casefold() not in WRITTEN):
        raise TableCannotBeRead(f"A sheet is .xlsx or .csv; {path.name} is neither.")
