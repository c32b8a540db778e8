"""Everything that the rules say no to in one row, as far as one no does not follow from another."""

from __future__ import annotations

from collections.abc import Hashable

from aggregates.command import Command
from aggregates.importing.header import Header
from aggregates.importing.profile import ColumnOf
from aggregates.objective.commands import DraftObjective, ReownObjective
from aggregates.objective.key_result_commands import (
    AddKeyResult,
    ChangeMeasure,
    ChangeTarget,
    CorrectBaseline,
    RecordValue,
)
from aggregates.refusals import Refusal

_FIGURES = (ChangeMeasure, CorrectBaseline, ChangeTarget)
"""Changes that fit each other or not, so that only the first no among them is told."""

_COLUMNS: dict[str, tuple[ColumnOf, ...]] = {
    "/objective_owner": ("objective_owner", "owner"),
    "/owner": ("owner", "objective_owner"),
    "/measure": ("kind",),
    "/baseline": ("baseline",),
    "/target": ("target", "steps", "stages", "high"),
    "/value": ("value", "progress"),
    "/measured_on": ("on", "value"),
    "/confidence": ("confidence",),
    "/said": ("said",),
    "/score": ("score",),
    "/weight": ("weight",),
    "/ambition": ("ambition",),
    "/ends_on": ("ends_on",),
    "/parent": ("parent",),
}
"""Where the member of a command that was refused stands in a table: the first of these columns that there is."""


def column_of(refusal: Refusal, header: Header) -> str:
    """Return the name of the column that a refusal of the rules is about, empty where no single one is."""
    names = (header.name(one) for one in _COLUMNS.get(refusal.field, ()))
    return next((name for name in names if name), "")


class RowIsRefused(Refusal):
    """The rules say no to several things in this row."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(" ".join(one.detail for one in refusals))
        self.refusals = refusals


class RowRefusals:
    """The refusals of one row: what was refused, and what is not asked any more because of it."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []
        self._lost: set[Hashable] = set()

    def asks(self, command: Command) -> bool:
        """Return whether a command may be decided: nothing that it stands on was refused in this row."""
        return not self._lost or self._lost.isdisjoint(_stands_on(command))

    def take(self, command: Command, refusal: Refusal) -> None:
        """Take what was said to a command, each no once."""
        self._lost.update(_brings(command))
        if refusal.field == "/owner" and isinstance(command, (DraftObjective, ReownObjective)):
            refusal.field = "/objective_owner"
        told = {(type(one), one.detail) for one in self._found}
        if (type(refusal), refusal.detail) not in told:
            self._found.append(refusal)

    def tell(self) -> None:
        """Raise what was refused: the one Refusal, or RowIsRefused with all of them."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise RowIsRefused(tuple(self._found))


def refusals_of(refusal: Refusal) -> tuple[Refusal, ...]:
    """Return each single refusal of a row."""
    return refusal.refusals if isinstance(refusal, RowIsRefused) else (refusal,)


def _stands_on(command: Command) -> set[Hashable]:
    objective, key_result = getattr(command, "objective", None), getattr(command, "key_result", None)
    if isinstance(command, DraftObjective):
        return set()
    if isinstance(command, AddKeyResult):
        return {objective}
    figures = {(key_result, "figures")} if isinstance(command, (*_FIGURES, RecordValue)) else set()
    return {objective, key_result, *figures}


def _brings(command: Command) -> set[Hashable]:
    """Return what there is not, or not as it was asked for, without this command."""
    if isinstance(command, DraftObjective):
        return {command.objective}
    if isinstance(command, AddKeyResult):
        return {command.key_result}
    return {(getattr(command, "key_result", None), "figures")} if isinstance(command, _FIGURES) else set()
