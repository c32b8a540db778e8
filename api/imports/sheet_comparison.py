"""Compares an edited sheet with its basis and with the ledger as it stands: what each row asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, Protocol
from uuid import UUID

from aggregates.command import Command
from aggregates.importing.comparing import fits
from aggregates.importing.sheet import (
    ACTIONS,
    COLUMNS,
    NEVER_BLANK,
    WORDS,
    Asking,
    Edited,
    SheetItem,
    changed_cells,
    commands_of,
    moved,
    target_of,
    words,
)
from aggregates.measures import Kind, Measure
from aggregates.objective import commands as of_objective
from aggregates.objective import key_result_commands as of_key_result
from api.calling import NotOne
from api.imports.sheet_files import SheetRow
from api.imports.sheet_report import RowAsked, RowResult, SheetReport

KINDS: frozenset[str] = frozenset({"increase", "decrease", "at_or_above", "at_or_below", "band", "yes_no"})
"""The kinds of measure that fit into a row."""
_FIGURES = ("target", "low", "high", "value", "on")
_ENDED = {"withdraw": "withdrawn", "drop": "dropped"}
"""The standing that each action leads to."""
_READ = {
    "reference": "leave it as it is",
    "standing": "to end an item, write withdraw or drop in the column Action",
    "team": "a team is changed with the command reteam_objective",
}
"""Columns that an edit cannot change, and what to do instead."""


class Lookups(Protocol):
    """What a comparison looks up in the ledger."""

    def person(self, text: str) -> UUID | NotOne:
        """Return the person whom a cell names."""
        ...

    def objective(self, text: str) -> UUID | None:
        """Return the objective that a cell names."""
        ...

    def version(self, objective: UUID) -> int | None:
        """Return the present version of an objective's stream."""
        ...

    def identity(self, report: SheetReport, line: int, title: str) -> UUID:
        """Return the identifier of a new row."""
        ...


class Comparison:
    """One sheet against its basis and the ledger as it stands."""

    def __init__(
        self,
        sheet: Lookups,
        report: SheetReport,
        base: dict[UUID, SheetItem],
        now: dict[UUID, SheetItem],
        asking: Asking,
    ) -> None:
        self._sheet, self._report, self._base, self._now, self._asking = sheet, report, base, now, asking
        self._person: dict[str, UUID] = {}
        self._parent: dict[str, UUID] = {}
        self._above: UUID | None = None
        self._seen: dict[UUID, int] = {}

    def asked(self, rows: Sequence[SheetRow]) -> Iterator[RowAsked]:
        """Give what each row asks for; what cannot be asked is reported."""
        standing = {str(row.values.get(name)) for row in rows for name in ("id", "reference")}
        for row in rows:
            try:
                found = self._row(row)
            except _Refused as refused:
                self._report.rows.append(RowResult(row.line, refused.became, str(refused)))
                continue
            if found is None:
                self._report.unchanged += 1
            else:
                yield found
        for identity, item in self._base.items():
            if standing.isdisjoint((str(identity), str(item.values["reference"]))):
                named = f"{item.values['reference']} {item.values['title']}"
                told = f"{named}: nothing is recorded about it; use the column Action"
                self._report.rows.append(RowResult(0, "not in the sheet", told))

    def _row(self, row: SheetRow) -> RowAsked | None:
        if row.faults:
            faults = (f"column {one.column}: {one.text!r}: {one.what} {one.remedy}" for one in row.faults)
            raise _Refused("; ".join(faults))
        values = dict(row.values)
        if values.get("id") is None:
            return self._new(row.line, values)
        identity = _identifier(values["id"])
        base, now = self._base.get(identity), self._now.get(identity)
        if base is None or now is None:
            what = f"the identifier {values['id']!r} is nothing of this cycle"
            raise _Refused(f"{what}; leave it blank for something new")
        if identity in self._seen:
            raise _Refused(f"{base.values['reference']} already stands on line {self._seen[identity]}")
        self._seen[identity] = row.line
        if base.level == "objective":
            self._above = identity
        self._only_read(base, values)
        changed = changed_cells(base.level, base.values, self._same_target(base, values))
        action = self._action(base, values)
        if action is not None and now.values["standing"] == _ENDED[action]:
            action = None  # what it asks for has happened
        if not changed and action is None:
            return None
        edited = Edited(row.line, base.level, values, changed, base, action)
        self._check(edited, now)
        asking = self._with_names(changed)
        told = list(commands_of(edited, now, asking))
        if not told:
            return None
        return RowAsked(
            row.line, [command for command, _ in told], [text for _, text in told], now.home,
            self._sheet.version(now.home),
        )  # fmt: skip

    def _only_read(self, base: SheetItem, values: Mapping[str, Any]) -> None:
        """Refuse a cell that says something new in a column that is only there to be read."""
        for name, instead in _READ.items():
            told = values.get(name)
            if told is not None and str(told).casefold() != str(base.values.get(name) or "").casefold():
                raise _Refused(
                    f"column {COLUMNS[name]}: {str(told)!r}: this column is only read; {instead} "
                    f"(it was {words(base.values.get(name))})"
                )
        if base.measure is None or base.measure.kind in KINDS:
            return
        for name in _FIGURES:
            told = values.get(name)
            if told is not None and told != base.values.get(name):
                raise _Refused(
                    f"column {COLUMNS[name]}: {words(told)!r}: a row cannot say this of a measure of kind "
                    f"{base.measure.kind}; use `check-in` for a value, `record` for a target"
                )

    def _same_target(self, base: SheetItem, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values without what a row cannot say: the target of stages or steps."""
        if base.measure is None or base.measure.kind in KINDS:
            return values
        return {name: value for name, value in values.items() if name not in _FIGURES}

    def _action(self, base: SheetItem, values: Mapping[str, Any]) -> str | None:
        told = (values.get("action") or "").casefold()
        if not told:
            return None
        if told != ACTIONS[base.level]:
            raise _Refused(f"column Action: {told!r}: for this row it is blank or {ACTIONS[base.level]!r}")
        return str(told)

    def _check(self, edited: Edited, now: SheetItem) -> None:
        reference = now.values["reference"]
        if not now.takes:
            raise _Refused(f"{reference} or its objective has ended; its record takes no changes")
        for name, (before, after) in edited.changed.items():
            is_lost = name == "local" and not edited.values.get("parent")
            if after is None and (name in NEVER_BLANK or is_lost):
                raise _Refused(f"column {COLUMNS[name]}: {words(before)} cannot be made blank")
        kind = edited.values.get("kind")
        if edited.level == "key_result" and "kind" in edited.changed and kind not in KINDS:
            raise _Refused(f"column Kind: {kind!r} is none of {', '.join(sorted(KINDS))}")
        stale = moved(edited, now)
        if stale:
            told = ", ".join(f"{COLUMNS[name]} is {words(now.values.get(name))} now" for name in stale)
            raise _Refused(
                f"{reference} was changed meanwhile: {told}; write the sheet anew, or take it up here",
                "stale",
            )

    def _with_names(self, changed: Mapping[str, tuple[Any, Any]]) -> Asking:
        if "owner" in changed:
            self._owner(changed["owner"][1])
        if changed.get("parent", (None, None))[1]:
            self._home(changed["parent"][1])
        return replace(self._asking, person=self._person, parent=self._parent)

    def _owner(self, text: str) -> UUID:
        if text not in self._person:
            found = self._sheet.person(text)
            if isinstance(found, NotOne):
                raise _Refused(f"column Owner: {found.told}; write a handle, an address or a whole name")
            self._person[text] = found
        return self._person[text]

    def _home(self, text: str) -> UUID:
        if text not in self._parent:
            found = self._sheet.objective(text)
            if found is None:
                raise _Refused(f"column Parent: {text!r}: there is no such objective")
            self._parent[text] = found
        return self._parent[text]

    def _new(self, line: int, values: dict[str, Any]) -> RowAsked | None:
        level = {text: name for name, text in WORDS.items()}.get((values.get("level") or "").casefold())
        title, owner = values.get("title"), values.get("owner")
        if level is None:
            raise _Refused("column Level: a new row is an objective or a key result")
        reference = values.get("reference")
        if any(reference == item.values["reference"] for item in self._base.values()):
            raise _Refused(
                f"column Identifier: {reference} has lost its identifier; copy it back from the sheet as it was "
                "written, or make the reference blank too for something new"
            )
        if reference or values.get("action"):
            raise _Refused("a new row has no reference and no action: both are blank")
        if values.get("team"):
            raise _Refused(f"column Team: {values['team']!r}: {_READ['team']}, once the objective is there")
        if not title or not owner:
            blank = COLUMNS["owner" if title else "title"]
            raise _Refused(f"column {blank}: a new row has a title and one owner; this is blank")
        person = self._owner(owner)
        why: dict[str, Any] = {"reason": self._asking.reason, "decision": self._asking.decision}
        identity = self._sheet.identity(self._report, line, title)
        if identity in self._now:
            self._above = identity if level == "objective" else self._above
            return None
        if level == "objective":
            return self._new_objective(line, values, person, identity)
        if self._above is None:
            raise _Refused("a new key result stands below its objective")
        measure, baseline = self._measure(values)
        command = of_key_result.AddKeyResult(
            objective=self._above, key_result=identity, reference="KR-1", title=title, owner=person,
            measure=measure, baseline=baseline, target=target_of({**values, "kind": measure.kind}),
            weight=Decimal(1) if values.get("weight") is None else values["weight"],
            ambition=values.get("ambition") or "committed", ends_on=values.get("ends_on"), **why,
        )  # fmt: skip
        return RowAsked(
            line, [command], [f"new key result “{title}”"], self._above, self._sheet.version(self._above)
        )

    def _new_objective(self, line: int, values: dict[str, Any], person: UUID, identity: UUID) -> RowAsked:
        commands: list[Command] = [
            of_objective.DraftObjective(
                objective=identity, reference="OBJ-1", cycle=self._asking.cycle, title=values["title"],
                description=values.get("description"), owner=person,
            )
        ]  # fmt: skip
        if values.get("parent"):
            commands.append(
                of_objective.AlignObjective(objective=identity, parent=self._home(values["parent"]))
            )
        elif values.get("local"):
            commands.append(of_objective.DeclareLocal(objective=identity, because=values["local"]))
        self._above = identity
        return RowAsked(line, commands, [f"new objective “{values['title']}”"])

    def _measure(self, values: dict[str, Any]) -> tuple[Measure, Decimal | None]:
        kind, baseline, target = values.get("kind"), values.get("baseline"), values.get("target")
        if kind is not None and kind not in KINDS:
            raise _Refused(f"column Kind: {kind!r} is none of {', '.join(sorted(KINDS))}")
        if kind == "yes_no":
            return Measure(kind="yes_no", unit=values.get("unit")), None
        needed = ("low", "high") if kind == "band" else ("target",) if kind else ("baseline", "target")
        for name in needed:
            if values.get(name) is None:
                raise _Refused(f"column {COLUMNS[name]}: a new key result needs it")
        falls = target is not None and baseline is not None and target < baseline
        chosen: Kind = kind or ("decrease" if falls else "increase")
        measure = Measure(kind=chosen, unit=values.get("unit"))
        if kind != "band" and not fits(measure, baseline, target_of({**values, "kind": chosen})):
            raise _Refused("baseline and target do not fit the kind of measure, or are equal")
        return measure, baseline


class _Refused(Exception):
    """A row that cannot be asked for."""

    def __init__(self, told: str, became: Literal["refused", "stale"] = "refused") -> None:
        self.became: Literal["refused", "stale"] = became
        super().__init__(told)


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _Refused(f"column Identifier: {text!r} was changed; write the sheet anew") from None
