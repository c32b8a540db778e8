"""Which findings, or decisions, somebody means: what they say in a request, with people and teams found by name."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aggregates.finding.commands import MOST_FINDINGS, FindingNamed
from aggregates.finding.events import FindingRule
from aggregates.reading.triage import DIRECTIONS, GROUPINGS, STANDINGS, Selection
from aggregates.refusals import PersonIsUnknown, Refusal, TooManyFindings
from aggregates.values import KEY_PATTERN, Line
from api.naming import Names
from api.parameters import one_of
from api.problems import BodyIsInvalid, Mistake
from replay.asked import DecisionsOf, FindingsOf, Question

RULES: Final[tuple[str, ...]] = typing.get_args(FindingRule)
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "standing": STANDINGS,
    "rule": RULES,
    "direction": DIRECTIONS,
    "recorded_in_error": ("true", "false"),
    "group_by": GROUPINGS,
}
"""What a parameter may say that is one of a few words."""
SELECTING: Final = tuple(one.name for one in fields(Selection))
CHOOSING: Final = (*SELECTING, "group_by")
_ME: Final = "me"


def parameters_of(question: Question) -> tuple[str, ...]:
    """Return the parameters by which rows of a question are chosen."""
    if isinstance(question, FindingsOf):
        return CHOOSING
    return ("to_confirm",) if isinstance(question, DecisionsOf) else ()


def refined(question: Question, said: Mapping[str, str], names: Names, by: str | None) -> Question:
    """Return the question with what these parameters say; `me` is whoever asks.

    Raises ParameterIsInvalid, PersonIsUnknown, OwnerIsATeam, TeamIsUnknown.
    """
    if isinstance(question, FindingsOf):
        by_name: Any = _word(said, "group_by", "/query")
        return replace(question, select=selection_of(said, names, by, "/query"), group_by=by_name)
    if isinstance(question, DecisionsOf) and "to_confirm" in said:
        return replace(question, to_confirm=_person(said["to_confirm"], names, by, "/query/to_confirm"))
    return question


def selection_of(said: Mapping[str, str], names: Names, by: str | None, at: str) -> Selection:
    """Return the selection that these words say; `at` is the pointer of where they stand."""
    slip = _word(said, "recorded_in_error", at)
    return Selection(
        standing=_word(said, "standing", at),
        rule=_word(said, "rule", at),
        direction=_word(said, "direction", at),
        person=_person(said["person"], names, by, f"{at}/person") if "person" in said else None,
        owner=_person(said["owner"], names, by, f"{at}/owner") if "owner" in said else None,
        team=str(names.team(said["team"], f"{at}/team")) if "team" in said else None,
        recorded_in_error=None if slip is None else slip == "true",
    )


def _word(said: Mapping[str, str], name: str, at: str) -> str | None:
    text = said.get(name)
    return None if text is None else one_of(text, CHOICES[name], f"{at}/{name}")


def _person(text: str, names: Names, by: str | None, at: str) -> str:
    if text != _ME:
        return str(names.person(text, at))
    if by is None or not by.startswith("person:"):
        raise PersonIsUnknown("Whoever asks is no person, so `me` names nobody.", field=at)
    return by.partition(":")[2]


class FindingSelection(BaseModel):
    """Findings by what they have in common, as a question chooses them; what is left out may be anything."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cycle: Annotated[str, Field(pattern=KEY_PATTERN, description="The key of a cycle.")] | None = None
    item: Annotated[Line, Field(description="An objective or a key result.")] | None = None
    standing: Literal["open", "answered", "explained", "accepted", "disputed"] | None = None
    rule: FindingRule | None = None
    direction: Literal["softer", "harder", "neutral"] | None = None
    person: Annotated[Line, Field(description="Who made the change; `me` is whoever asks.")] | None = None
    owner: Annotated[Line, Field(description="The owner of the objective; `me` is whoever asks.")] | None = (
        None
    )
    team: Annotated[Line, Field(description="Its team, or one above it.")] | None = None
    recorded_in_error: bool | None = None

    def said(self) -> dict[str, str]:
        """Return the selection as the parameters of a question say it."""
        return Selection(**{name: getattr(self, name) for name in SELECTING}).said()


ALSO: Final[Mapping[str, Any]] = {
    "selection": (
        Annotated[
            FindingSelection | None,
            Field(description="In place of `findings`: those that have this in common just now."),
        ],
        None,
    ),
    "only_open": (
        Annotated[
            bool, Field(description="Leave out what was answered before; else the last answer counts.")
        ],
        False,
    ),
}
"""What the body of `answer_findings` says beside the command: the door makes addresses of it."""


def addressed(body: Any, names: Names, by: str, found: Any) -> dict[str, Any]:
    """Return the command's `findings` and the `known` among them, from a list of addresses or a selection.

    `found` answers a question about findings as far as whoever asks sees them. Raises BodyIsInvalid, TooManyFindings,
    and what the words of a selection raise.
    """
    if bool(body.findings) == (body.selection is not None):
        told = "Name the findings one by one or by a selection, one of the two."
        raise BodyIsInvalid(mistakes=[Mistake("/findings", told)])
    select = body.selection
    if select is None:
        rows = found.findings(FindingsOf())
    else:
        chosen = selection_of(select.said(), names, by, "/selection")
        try:
            rows = found.findings(FindingsOf(select.cycle, select.item, chosen))
        except Refusal as refusal:
            if refusal.field.startswith("/path/"):
                refusal.field = "/selection/cycle" if refusal.field == "/path/cycle" else "/selection/item"
            raise
    known = {FindingNamed(rule=row["rule"], cause=row["cause"]): row["standing"] == "open" for row in rows}
    wanted = body.findings if select is None else tuple(known)
    if body.only_open:
        wanted = tuple(one for one in wanted if known.get(one, True))
    bounded(len(set(wanted)), "/selection" if select is not None else "/findings")
    return {"findings": wanted, "known": frozenset(known).intersection(wanted)}


def bounded(number: int, field: str) -> None:
    """Refuse more findings than one command takes. Raises TooManyFindings."""
    if number > MOST_FINDINGS:
        raise TooManyFindings(
            f"These are {number:,} findings; one command takes at most {MOST_FINDINGS:,}: choose fewer, by cycle, "
            "rule, person or team.",
            field=field,
        )


def distinct(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return the address of each finding among these rows, once."""
    return list(dict.fromkeys((row["rule"], row["cause"]) for row in rows))
