"""The sheet that planning edits: what its columns hold, and which commands the difference to its basis asks for.

Each cell is compared three ways: the basis that the sheet was written from, the cell, and the ledger as it stands now.
An unchanged cell asks for nothing; a cell that was changed here meanwhile, to something else, is refused and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from aggregates.command import Command
from aggregates.entry import Reason
from aggregates.importing.comparing import fits
from aggregates.measures import BandTarget, DoneTarget, Measure, PointTarget, Target
from aggregates.objective import commands as of_objective
from aggregates.objective import key_result_commands as of_key_result
from aggregates.refusals import Refusal
from aggregates.values import AS_KEPT, number_text

COLUMNS: dict[str, str] = {
    "level": "Level", "reference": "Reference", "title": "Title", "description": "Description", "owner": "Owner",
    "parent": "Parent", "local": "Local, because", "kind": "Kind", "unit": "Unit", "baseline": "Baseline",
    "target": "Target", "low": "Low", "high": "High", "value": "Value", "on": "Value on", "weight": "Weight",
    "ambition": "Ambition", "ends_on": "Ends on", "action": "Action", "standing": "Standing", "team": "Team",
    "version": "Version", "id": "Identifier",
}  # fmt: skip
"""Every column of a sheet and its header, in their order."""
EDITABLE = {
    "objective": ("title", "description", "owner", "parent", "local"),
    "key_result": (
        "title", "owner", "kind", "unit", "baseline", "target", "low", "high", "value", "on", "weight", "ambition",
        "ends_on",
    ),
}  # fmt: skip
"""What may be edited in the row of an objective and of a key result; every other column is there to be read."""
NEVER_BLANK = frozenset(
    {"title", "owner", "kind", "baseline", "target", "low", "high", "weight", "ambition", "value", "parent"}
)
"""Cells that say something in the basis and may not be emptied; what has to end has an action of its own."""
ACTIONS = {"objective": "withdraw", "key_result": "drop"}
WORDS = {"objective": "objective", "key_result": "key result"}

Values = Mapping[str, Any]
"""The cells of a row by column: texts, Decimals, days, or None for blank."""


class SheetIsStale(Refusal):
    """This row was changed in the ledger after the sheet was written."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class SheetItem:
    """An objective or a key result as a board has it, with the values of its row."""

    level: str
    identity: UUID
    home: UUID
    measure: Measure | None
    target: Any
    values: Values
    takes: bool = True
    """Whether it takes changes: neither over nor dropped."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A row of the sheet that asks for something: its line, the item (none where it is new), and the changed cells."""

    line: int
    level: str
    values: Values
    changed: Mapping[str, tuple[Any, Any]]
    base: SheetItem | None = None
    action: str | None = None
    above: int = 0
    """For a new key result: the line of its objective."""


@dataclass
class Compared:
    """What a sheet asks for, and what it says that cannot be asked."""

    edited: list[Edited] = field(default_factory=list)
    unchanged: int = 0
    missing: list[SheetItem] = field(default_factory=list)


def items_of(board: Mapping[str, Any], names: Mapping[str, str]) -> dict[UUID, SheetItem]:
    """Return the items of a board in their order; `names`: texts of persons and teams, references of parents."""
    items: dict[UUID, SheetItem] = {}
    for row in board["objectives"]:
        home = UUID(row["id"])
        alignment = row["alignment"] or {}
        parent = alignment.get("parent")
        values = {
            "level": "objective", "reference": row["reference"], "title": row["title"],
            "description": row["description"], "owner": names.get(row["owner"]["id"], row["owner"]["id"]),
            "parent": None if parent is None else names.get(_id(parent), _id(parent)),
            "local": alignment.get("local"), "standing": row["standing"]["word"],
            "team": None if row["team"] is None else names.get(row["team"], row["team"]), "id": row["id"],
        }  # fmt: skip
        takes = row["standing"]["word"] in ("draft", "committed")
        items[home] = SheetItem("objective", home, home, None, None, values, takes)
        for inner in row["key_results"]:
            item = _key_result(home, inner, names, takes=takes)
            items[item.identity] = item
    return items


def _id(parent: Any) -> str:
    return str(parent["id"]) if isinstance(parent, Mapping) else str(parent)


def _key_result(home: UUID, row: Mapping[str, Any], names: Mapping[str, str], *, takes: bool) -> SheetItem:
    target, value = row["target"], row["value"] or {}
    told = value.get("value")
    values = {
        "level": "key result", "reference": row["reference"], "title": row["title"],
        "owner": names.get(row["owner"]["id"], row["owner"]["id"]), "kind": row["measure"]["kind"],
        "unit": row["measure"].get("unit"), "baseline": _decimal(row["baseline"]),
        "target": _decimal(target.get("at")) if target["kind"] == "point" else None,
        "low": _decimal(target.get("low")), "high": _decimal(target.get("high")),
        "value": _value(told),
        "on": date.fromisoformat(value["effective_at"]) if value else None, "weight": _decimal(row["weight"]),
        "ambition": row["ambition"], "ends_on": date.fromisoformat(row["ends_on"]) if row["ends_on"] else None,
        "standing": row["standing"], "id": row["id"],
    }  # fmt: skip
    measure = Measure.model_validate(row["measure"], context=AS_KEPT)
    return SheetItem(
        "key_result", UUID(row["id"]), home, measure, target, values, takes and row["standing"] == "active"
    )


def _value(told: Any) -> Any:
    if isinstance(told, bool):
        return "yes" if told else "no"
    return Decimal(told) if isinstance(told, str) else None


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def changed_cells(level: str, base: Values, cells: Values) -> dict[str, tuple[Any, Any]]:
    """Return the editable cells that say something else than the basis: what it said, and what the cell says."""
    return {
        name: (base.get(name), cells.get(name))
        for name in EDITABLE[level]
        if name in cells and base.get(name) != cells.get(name)
    }


def moved(edited: Edited, now: SheetItem) -> list[str]:
    """Return the changed cells that were changed in the ledger meanwhile, to something else."""
    return [
        name
        for name, (before, wanted) in edited.changed.items()
        if now.values.get(name) not in (before, wanted)
    ]


@dataclass(frozen=True, slots=True)
class Asking:
    """Who edits: identifiers of names, the day, and why what was committed changes."""

    person: Mapping[str, UUID]
    parent: Mapping[str, UUID]
    today: date
    cycle: str
    reason: Reason | None = None
    decision: UUID | None = None


def commands_of(edited: Edited, now: SheetItem, asking: Asking) -> Iterator[tuple[Command, str]]:
    """Give the commands of an edited row with their words; a cell that says what the ledger already says gives none."""
    wanted = {name: after for name, (_, after) in edited.changed.items() if now.values.get(name) != after}
    why: dict[str, Any] = {"reason": asking.reason, "decision": asking.decision}
    of = str(now.values["reference"])
    if now.level == "objective":
        yield from _objective(wanted, now, asking, {"objective": now.identity, **why}, of)
        if edited.action:
            yield of_objective.WithdrawObjective(objective=now.identity, **why), f"{of} withdrawn"
        return
    about: dict[str, Any] = {"objective": now.home, "key_result": now.identity}
    yield from _definition(wanted, now, asking, {**about, **why}, of)
    if "value" in wanted or "on" in wanted:
        day = wanted.get("on") or (now.values["on"] if "value" not in wanted else None) or asking.today
        value = wanted.get("value", now.values["value"])
        measured: Any = {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value
        command = of_key_result.RecordValue(**about, value=measured, measured_on=day)
        yield command, f"{of} value {words(value)} on {day}"
    if edited.action:
        yield of_key_result.DropKeyResult(**about, **why), f"{of} dropped"


def _objective(
    wanted: Values, now: SheetItem, asking: Asking, about: dict[str, Any], of: str
) -> Iterator[tuple[Command, str]]:
    if "title" in wanted or "description" in wanted:
        title = wanted.get("title", now.values["title"])
        description = wanted.get("description", now.values["description"])
        command = of_objective.RewordObjective(title=title, description=description, **about)
        yield command, f"{of} reworded: “{now.values['title']}” → “{title}”"
    if "owner" in wanted:
        owner = asking.person[wanted["owner"]]
        yield (
            of_objective.ReownObjective(owner=owner, **about),
            f"{of} owner {now.values['owner']} → {wanted['owner']}",
        )
    if wanted.get("parent"):
        parent = asking.parent[wanted["parent"]]
        yield of_objective.AlignObjective(parent=parent, **about), f"{of} aligned to {wanted['parent']}"
    elif wanted.get("local"):
        yield (
            of_objective.DeclareLocal(because=wanted["local"], **about),
            f"{of} local, because {wanted['local']}",
        )


def _definition(
    wanted: Values, now: SheetItem, asking: Asking, about: dict[str, Any], of: str
) -> Iterator[tuple[Command, str]]:
    values = now.values
    if "title" in wanted:
        command: Command = of_key_result.RewordKeyResult(title=wanted["title"], **about)
        yield command, f"{of} reworded: “{values['title']}” → “{wanted['title']}”"
    if "owner" in wanted:
        owner = asking.person[wanted["owner"]]
        yield (
            of_key_result.ReownKeyResult(owner=owner, **about),
            f"{of} owner {values['owner']} → {wanted['owner']}",
        )
    whole = {**values, **wanted}
    figures = {"target", "low", "high"} & set(wanted)
    if {"kind", "unit"} & set(wanted) and now.measure is not None:
        measure = now.measure.model_copy(update={"kind": whole["kind"], "unit": whole["unit"]})
        told = {"measure": measure, "baseline": whole["baseline"], "target": target_of(whole)}
        yield of_key_result.ChangeMeasure(**told, **about), f"{of} measure {values['kind']} → {whole['kind']}"
    elif now.measure is not None:
        changes: list[tuple[Command, str]] = []
        if "baseline" in wanted:
            command = of_key_result.CorrectBaseline(baseline=wanted["baseline"], **about)
            changes.append(
                (command, f"{of} baseline {words(values['baseline'])} → {words(wanted['baseline'])}")
            )
        if figures:
            command = of_key_result.ChangeTarget(target=target_of(whole), **about)
            changes.append((command, f"{of} target {_target(values)} → {_target(whole)}"))
        if len(changes) == 2 and not fits(now.measure, whole["baseline"], target_of(values)):
            changes.reverse()
        yield from changes
    if "weight" in wanted:
        command = of_key_result.ChangeWeight(weight=wanted["weight"], **about)
        yield command, f"{of} weight {words(values['weight'])} → {words(wanted['weight'])}"
    if "ambition" in wanted:
        command = of_key_result.ChangeAmbition(ambition=wanted["ambition"], **about)
        yield command, f"{of} ambition {values['ambition']} → {wanted['ambition']}"
    if "ends_on" in wanted:
        command = of_key_result.RedateKeyResult(ends_on=wanted["ends_on"], **about)
        yield command, f"{of} ends on {words(values['ends_on'])} → {words(wanted['ends_on'])}"


def target_of(values: Values) -> Target:
    """Return the target that a row's cells name."""
    if values["kind"] == "yes_no":
        return DoneTarget()
    if values["kind"] == "band":
        return BandTarget(low=values["low"], high=values["high"])
    return PointTarget(at=values["target"])


def _target(values: Values) -> str:
    if values["kind"] == "band":
        return f"{words(values['low'])}–{words(values['high'])}"
    return words(values["target"])


def words(value: Any) -> str:
    """Return a value in words."""
    if value is None:
        return "none"
    return number_text(value) if isinstance(value, Decimal) else str(value)
