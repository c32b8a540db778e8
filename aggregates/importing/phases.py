"""Targets of several parts in one cell: steps, each with its day, and stages, each with its weight.

`2026-07-31: 10; 2026-08-31: 20` are steps; `Design 30 %; Build 0.5; Launch 20 %` are stages. Parts stand behind a
semicolon or on lines of their own.
"""

from __future__ import annotations

import re
from decimal import Decimal

from pydantic import ValidationError

from aggregates.importing.cells import Cell, Writing, read_day, read_line, read_number, read_text
from aggregates.measures import Stage, StagesTarget, Step, StepsTarget
from aggregates.snapshots.cells import Unreadable

_STEP = re.compile(r"(?P<day>[^:=]+?)\s*[:=]\s*(?P<number>.+)\Z")
_STAGE = re.compile(r"(?P<name>.+?)\s*[:=\s]\s*(?P<weight>[0-9]+(?:[.,][0-9]+)?)\s*(?P<percent>%?)\Z")
_REMEDY = "Write the steps as 2026-07-31: 10; 2026-08-31: 20, in the order of their days."
_STAGES = "Write the stages as Design 30 %; Build 50 %; Launch 20 %, at most 100 % together."


def parts(cell: Cell) -> list[str]:
    """Return the parts of a cell; raise Unreadable."""
    text = read_text(cell) or ""
    return [part.strip() for part in text.replace("\n", ";").split(";") if part.strip()]


def read_steps(cell: Cell, writing: Writing) -> StepsTarget | None:
    """Return the steps that a cell names, None for blank; raise Unreadable."""
    steps = []
    for part in parts(cell):
        found = _STEP.match(part)
        day = read_day(found["day"], writing) if found else None
        at = read_number(found["number"], writing) if found else None
        if day is None or at is None:
            raise Unreadable("steps_are_malformed", f"“{part[:60]}” is no step.", _REMEDY)
        steps.append(Step(on=day, at=at))
    try:
        return StepsTarget(steps=tuple(steps)) if steps else None
    except ValidationError as error:
        raise Unreadable("steps_are_malformed", _why(error), _REMEDY) from error


def read_stages(cell: Cell) -> StagesTarget | None:
    """Return the stages that a cell names, each with its share of the whole, None for blank; raise Unreadable."""
    stages = []
    for part in parts(cell):
        found = _STAGE.match(part)
        if found is None:
            raise Unreadable("stages_are_malformed", f"“{part[:60]}” says no weight.", _STAGES)
        weight = Decimal(found["weight"].replace(",", "."))
        name = read_line(found["name"].rstrip(":=").strip())
        try:
            stages.append(Stage(name=name or "", weight=weight / 100 if found["percent"] else weight))
        except ValidationError as error:
            raise Unreadable("stages_are_malformed", _why(error), _STAGES) from error
    try:
        return StagesTarget(stages=tuple(stages)) if stages else None
    except ValidationError as error:
        raise Unreadable("stages_are_malformed", _why(error), _STAGES) from error


def read_finished(cell: Cell, target: StagesTarget) -> tuple[str, ...] | None:
    """Return the names of the finished stages as the target writes them, None for blank; raise Unreadable."""
    named = {stage.name.casefold(): stage.name for stage in target.stages}
    found = parts(cell)
    for part in found:
        if part.casefold() not in named:
            raise Unreadable(
                "stage_is_unknown",
                f"“{part[:60]}” is none of the stages: {', '.join(named.values())}.",
                "Write the names of the finished stages, with semicolons between them.",
            )
    return tuple(dict.fromkeys(named[part.casefold()] for part in found)) or None


def _why(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
