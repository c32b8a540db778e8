"""The body of a command as it is sent: the command's own fields, with people and items named as people say them.

A body is made from its command, so a field added there is taken here. What the address names and what the server
makes is left out; a person is named by identifier, handle, e-mail address or name, a team by identifier or name, an
objective or key result by identifier or reference; personal text is sent in clear and sealed before the command is
built.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from aggregates.command import MOST_CHANGES, Command
from aggregates.decision.commands import AnyChange
from aggregates.entry import Sealed
from aggregates.values import Confidence, Line, Text

LEFT_OUT = frozenset({"command", "source", "synthesised", "no_record_at_start", "known"})
"""What only an import says, and what the server finds out itself."""
LABEL_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"


class Means(Enum):
    """What a name in a body stands for."""

    PERSON = "A person, by identifier, handle, e-mail address or the name that they alone have."
    ACTOR = (
        "A person, by identifier, handle, e-mail address or name, or a service, by `service:` and its identifier "
        "or name."
    )
    OBJECTIVE = "An objective, by identifier or reference such as `OBJ-142`."
    KEY_RESULT = "A key result, by identifier or reference such as `KR-311`."
    TEAM = "A team, by identifier or the name that it alone has."
    DECISION = "A decision, by identifier."
    SERVICE = "A service, by identifier or the name that it alone has."
    PERSONAL = "Personal text; it is sealed with its author's key before it is recorded."
    CHANGES = "What the decision changes, in the same append."
    LINES = "The objectives that get a further line."
    CARRIED = "The key results that go along, by identifier or reference."
    PLAIN = ""


MEANINGS: Mapping[str, Means] = {
    "person": Means.PERSON,
    "people": Means.PERSON,
    "principal": Means.PERSON,
    "owner": Means.PERSON,
    "acting_owner": Means.PERSON,
    "accepted_by": Means.PERSON,
    "decided_by": Means.PERSON,
    "actor": Means.ACTOR,
    "objective": Means.OBJECTIVE,
    "successor": Means.OBJECTIVE,
    "carried_from": Means.OBJECTIVE,
    "touches": Means.OBJECTIVE,
    "key_result": Means.KEY_RESULT,
    "team": Means.TEAM,
    "decision": Means.DECISION,
    "service": Means.SERVICE,
    "changes": Means.CHANGES,
    "objectives": Means.LINES,
    "key_results": Means.CARRIED,
    "what_changed": Means.PERSONAL,
    "needs_decision": Means.PERSONAL,
}
"""The meaning of a field by its name; `parent` depends on whose parent it is."""

MADE: Mapping[str, Mapping[str, Literal["id", "OBJ", "KR"]]] = {
    "add_person": {"person": "id"},
    "register_service": {"service": "id"},
    "form_team": {"team": "id"},
    "draft_objective": {"objective": "id", "reference": "OBJ"},
    "carry_objective": {"successor": "id", "reference": "OBJ"},
    "add_key_result": {"key_result": "id", "reference": "KR"},
    "record_decision": {"decision": "id"},
}
"""What the server makes for a command: an identifier, or the next reference of a kind."""

DIRECTORY: Mapping[str, Any] = {
    "name": (
        Annotated[
            Line, Field(description="The person's name; it stands in the directory, never in an entry.")
        ],
        ...,
    ),
    "handle": (Annotated[Line | None, Field(description="A short name that people say.")], None),
    "email": (Annotated[Line | None, Field(description="An e-mail address.")], None),
}
"""What is said of a person beside the entries."""


class NewLineBody(BaseModel):
    """An objective that gets a further line, with the owner's confidence and who accepted it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    objective: Annotated[Line, Field(description=Means.OBJECTIVE.value)]
    confidence: Confidence | None = None
    accepted_by: Annotated[Line | None, Field(description=Means.PERSON.value)] = None


def meaning_of(command: type[BaseModel], name: str) -> Means:
    """Return what a field of a command stands for."""
    info = command.model_fields.get(name)
    if info is not None and Sealed in set(_parts(info.annotation)):
        return Means.PERSONAL
    if name == "parent":
        if "objective" in command.model_fields:
            return Means.OBJECTIVE
        return Means.TEAM if "team" in command.model_fields else Means.PLAIN
    return MEANINGS.get(name, Means.PLAIN)


def body_of(
    command: type[Command],
    *,
    name: str,
    without: Iterable[str] = (),
    example: Mapping[str, Any] | None = None,
    directory: Iterable[str] = (),
    also: Mapping[str, Any] | None = None,
) -> type[BaseModel]:
    """Return the model of the body of a command, without what the address names and what the server makes.

    `also` are members that are no field of the command: what the door makes some of its fields of.
    """
    left_out = {*LEFT_OUT, *without, *MADE.get(command.command_name, ())}
    fields: dict[str, Any] = {
        field: DIRECTORY[field] for field in directory if field not in command.model_fields
    }
    for field, info in command.model_fields.items():
        if field not in left_out:
            fields[field] = _sent(command, field, info)
    return _model(name, command, {**fields, **(also or {})}, example)


@cache
def change_of(command: type[Command]) -> type[BaseModel]:
    """Return the model of a change within a decision: it names its command, and what it makes by `as`.

    A key result's objective is known by the key result.
    """
    made = MADE.get(command.command_name, {})
    by_key_result = "key_result" in command.model_fields and "key_result" not in made
    left_out = {*LEFT_OUT, *made, *({"objective"} if by_key_result else ())}
    fields: dict[str, Any] = {"command": (command.model_fields["command"].annotation, ...)}
    if made:
        said = "A label for what is made; later changes name it as `$label`."
        fields["label"] = (
            Annotated[str | None, Field(alias="as", pattern=LABEL_PATTERN, description=said)],
            None,
        )
    for field, info in command.model_fields.items():
        if field not in left_out:
            fields[field] = _sent(command, field, info)
    return _model(f"{command.__name__}Change", command, fields, None)


@cache
def any_change() -> Any:
    """Return the tagged union of the changes that a decision may carry out."""
    union = typing.get_args(AnyChange)[0]
    bodies = tuple(change_of(command) for command in typing.get_args(union))
    return Annotated[typing.Union[bodies], Field(discriminator="command")]  # noqa: UP007


def _model(
    name: str, command: type[Command], fields: dict[str, Any], example: Mapping[str, Any] | None
) -> type[BaseModel]:
    extra: Any = None if example is None else {"examples": [dict(example)]}
    model: type[BaseModel] = create_model(
        name,
        __config__=ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=extra),
        __doc__=command.__doc__,
        __module__=__name__,
        **fields,
    )
    return model


def _sent(command: type[Command], name: str, info: FieldInfo) -> tuple[Any, Any]:
    """Return the type and the default of a field as it is sent."""
    if meaning_of(command, name) is Means.PLAIN:
        return info.annotation, copy(info)
    return _named(command, name, info), ... if info.is_required() else info.default


def _named(command: type[Command], name: str, info: FieldInfo) -> Any:
    """Return the type of a field in which people and items are named, or personal text stands in clear."""
    means = meaning_of(command, name)
    if means is Means.CHANGES:
        changes: Any = tuple[any_change(), ...]  # type: ignore[misc]
        return Annotated[changes, Field(max_length=MOST_CHANGES, description=means.value)]
    if means is Means.LINES:
        return Annotated[
            tuple[NewLineBody, ...], Field(min_length=1, max_length=MOST_CHANGES, description=means.value)
        ]
    sent: Any = Annotated[Text if means is Means.PERSONAL else Line, Field(description=means.value)]
    if typing.get_origin(info.annotation) is tuple:
        return Annotated[(tuple[sent, ...], *info.metadata)] if info.metadata else tuple[sent, ...]
    return sent | None if _is_optional(info.annotation) else sent


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def _is_optional(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType) and type(None) in typing.get_args(
        annotation
    )
