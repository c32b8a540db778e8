"""The check of what happened, many times over: do these bodies have the form of their event?

In a ledger the same few values come again and again in the same places: the key result that is checked in on every
week, the word that is said of it, its confidence. A value that its place has held before needs no second look, and
those that are new in a place are looked at together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import SchemaValidator

from aggregates.values import AS_KEPT

REMEMBERED = 10_000
"""Values that are remembered of one member; with one more, all are forgotten."""
LONGEST_REMEMBERED = 40
"""Characters of a value that is remembered: identifiers, keys, days, numbers, words; no text."""
_TEXTS, _OBJECTS = {str}, {dict}


class BodyCheck:
    """Checks bodies of one event, or what stands in a body, as its model reads them."""

    def __init__(self, model: type[BaseModel], identifiers: set[str] | None = None) -> None:
        read = cast("SchemaValidator", model.__pydantic_validator__).validate_python
        self.read = partial(read, context=AS_KEPT)
        """Read one body, whatever was read before. Raises pydantic's ValidationError."""
        self.is_alone = is_alone(model)
        """Whether each member is judged by its own value, whatever the others are."""
        self._model = model
        self._shapes: dict[tuple[str, ...], list[_MemberCheck]] = {}
        """For each set of members that a body was read with, what looks at them."""
        self._members: dict[str, _MemberCheck] = {}
        self._identifiers = set[str]() if identifiers is None else identifiers
        """Identifiers that some member held; whoever gives it shares it between checks."""

    def read_all(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Read bodies. Raises pydantic's ValidationError where one of them cannot be read, and does not say which."""
        alike = defaultdict[tuple[str, ...], list[dict[str, Any]]](list)
        for body in bodies:
            alike[tuple(body)].append(body)
        for shape, group in alike.items():
            self.read_alike(shape, group)

    def read_alike(self, shape: tuple[str, ...], bodies: Sequence[dict[str, Any]]) -> None:
        """Read bodies that have these members, in this order. Raises pydantic's ValidationError as `read_all` does."""
        if not self.is_alone:
            for body in bodies:
                self.read(body)
            return
        members = self._shapes.get(shape) or self._shape(shape, bodies[0])
        for member, values in zip(members, zip(*map(dict.values, bodies), strict=True), strict=True):
            if type(values[0]) is not str or not member.known.issuperset(values):
                member.read_all(values)

    def _shape(self, shape: tuple[str, ...], sample: dict[str, Any]) -> list[_MemberCheck]:
        """Read a body with members that none had before: what they may be, and what is missing, shows in this one."""
        self.read(sample)
        found: list[_MemberCheck] = []
        for name in shape:
            if name not in self._members:
                self._members[name] = _MemberCheck(
                    self._model, self._model.model_fields[name], self._identifiers
                )
            found.append(self._members[name])
        self._shapes[shape] = found
        return found


class _MemberCheck:
    """Checks the values of one member."""

    def __init__(self, model: type[BaseModel], field: FieldInfo, identifiers: set[str]) -> None:
        self._model = model
        self._field = field
        self._identifiers = identifiers
        is_identifier = field.annotation is UUID and not field.metadata
        self.known = identifiers if is_identifier else set[str]()
        """Texts that were read here before; of an identifier, that were read wherever one stands alone."""

    @cached_property
    def _read(self) -> Callable[[list[Any]], Any]:
        """Read values, each as the model does; made when a first value is new."""
        one: Any = Annotated[self._field.annotation, self._field]
        read = TypeAdapter(list[one], config=self._model.model_config).validator.validate_python
        return partial(read, context=AS_KEPT)

    @cached_property
    def _inner(self) -> BodyCheck | None:
        """The check of objects where this member holds those of one model, as personal texts."""
        annotation = self._field.annotation
        if get_origin(annotation) not in (None, Union, UnionType):
            return None  # it holds objects in a list, or under keys
        kinds = [one for one in (get_args(annotation) or (annotation,)) if one]
        models = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        others = [one for one in kinds if one not in models and one is not type(None)]
        if len(models) != 1 or others or self._field.metadata or not is_alone(models[0]):
            return None
        return BodyCheck(models[0], self._identifiers)

    def read_all(self, values: Sequence[Any]) -> None:
        """Read values. Raises pydantic's ValidationError where one of them cannot be read."""
        kinds = set(map(type, values))
        if kinds == _TEXTS:
            fresh = set(values).difference(self.known)
            if fresh:
                self._read(list(fresh))
                self._remember(fresh)
        elif kinds == _OBJECTS and self._inner is not None:
            self._inner.read_all(values)
        else:
            self._read(list(values))

    def _remember(self, fresh: set[str]) -> None:
        short = [value for value in fresh if len(value) <= LONGEST_REMEMBERED]
        if len(self.known) + len(short) > REMEMBERED:
            self.known.clear()
        self.known.update(short)


def is_alone(model: type[BaseModel]) -> bool:
    """Return whether a model has no rule of its own beyond those of its members."""
    told = model.__pydantic_decorators__
    return not (told.model_validators or told.field_validators or told.root_validators)
