"""Plays a script through the rules, in memory, and gives the native lines of the ledger that it makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from aggregates.commands import COMMANDS
from aggregates.refusals import Refusal
from api.demonstration.calendar import instant, quarters
from api.demonstration.people import ORGANISATION, STEWARD, ZONE
from api.demonstration.script import Act, NextReference, Personal, PositionOf, Script, resolve, uuid7
from api.demonstration.story import SEED, write
from ledger.rehearsal import Rehearsal

Seal = Callable[[UUID, str], Any]
"""Seals a personal text of an author with that person's key."""


class SceneIsRefused(Exception):
    """A scene of the demonstration was refused by the rules; the message names the act and the refusal."""


def rehearse(
    today: date, until: Any, identifier: UUID, seal: Seal, *, seed: int = SEED
) -> tuple[Rehearsal, Script]:
    """Return the rehearsal of the company's three quarters, played up to an instant, and its script.

    Deterministic for a day, an instant and a seed, except for what `seal` returns.
    """
    script = Script(seed)
    founded = instant(quarters(today)[0].starts_on - timedelta(days=24), "08:30", ZONE)
    steward = script.identifier("person", STEWARD, founded)
    write(today, script)
    stage = Rehearsal(
        identifier,
        ORGANISATION,
        ZONE,
        founded,
        random=Random(seed),  # noqa: S311 (an invented company needs no secrets)
        steward=steward,
        demonstration=True,
    )
    positions: dict[str, tuple[int, ...]] = {}
    for act in script.until(until):
        perform(stage, script, act, positions, seal)
    return stage, script


def perform(
    stage: Rehearsal, script: Script, act: Act, positions: dict[str, tuple[int, ...]], seal: Seal
) -> None:
    """Play one act at its moment.

    Raises:
        SceneIsRefused: the rules refuse it; a scene is wrong.
    """
    fields = resolve(act.fields, partial(_answer, stage, script, positions, seal))
    stage.at(max(act.at, stage.now))
    try:
        receipt = stage.do(COMMANDS[act.command](**fields), by=script.person(act.by))
    except (Refusal, ValueError) as error:
        raise SceneIsRefused(
            f"{act.at:%Y-%m-%d} {act.by} {act.command} {act.label or ''}: {error!r} {fields}"
        ) from error
    if act.label is not None:
        positions[act.label] = receipt.positions


def _answer(
    stage: Rehearsal, script: Script, positions: dict[str, tuple[int, ...]], seal: Seal, placeholder: Any
) -> Any:
    if isinstance(placeholder, NextReference):
        return stage.next_reference(placeholder.kind)
    if isinstance(placeholder, Personal):
        return seal(script.person(placeholder.author), placeholder.text)
    assert isinstance(placeholder, PositionOf)  # noqa: S101 (there are three kinds of placeholders)
    for position in positions[placeholder.label]:
        if placeholder.name in (None, stage.entries[position - 1].name):
            return position
    raise KeyError(f"{placeholder.label} recorded no {placeholder.name}")


def demonstration_id(today: date, seed: int = SEED) -> UUID:
    """Return the identifier of the demonstration's ledger for a day."""
    return uuid7(instant(today, "00:00", ZONE), Random(seed))  # noqa: S311
