"""Which members a body knows at a place: found in the models that it is made of, for who misspelt one."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel


def members_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Return the names of the members that are known at a place, as pydantic names it: branches of unions and all."""
    return list(
        dict.fromkeys(name for one in _models_at(list(_models_in(model)), place) for name in _names(one))
    )


def _models_at(models: list[type[BaseModel]], place: Sequence[int | str]) -> list[type[BaseModel]]:
    """Return the models of which the value at a place may be."""
    for part in place:
        if isinstance(part, int):
            continue
        inner = [field.annotation for one in models for name, field in _fields(one) if name == part]
        if inner:
            models = [found for annotation in inner for found in _models_in(annotation)]
        else:  # the branch of a union, by its tag or by its class
            models = [one for one in models if _is_branch(one, part)] or models
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Give the models of which a value may be that is annotated so, also as an item of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def _is_branch(model: type[BaseModel], tag: str) -> bool:
    tags = [word for _, field in _fields(model) for word in typing.get_args(field.annotation)]
    return model.__name__ == tag or tag in tags


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (name for name, _ in _fields(model))
