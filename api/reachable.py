"""Which refusals a rule can end in: found by walking from its function to every function of the rules that it calls."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from aggregates.checks import check_clock
from aggregates.command import Command
from aggregates.decide import RULES, check_access
from aggregates.decision.commands import AnyChange
from aggregates.refusals import Refusal

_FAMILIES = frozenset({"Refusal", "Unknown", "Forbidden", "Conflict", "Closed"})


def refusals_of(command: type[Command]) -> list[type[Refusal]]:
    """Return every refusal that a command can end in, by code; one that carries out changes can end in theirs."""
    functions: list[Any] = [check_access, check_clock, RULES[command.command_name]]
    if "changes" in command.model_fields:
        functions += [RULES[change.command_name] for change in _changes()]
    found: set[type[Refusal]] = set()
    seen: set[FunctionType] = set()
    for function in functions:
        _walk(_plain(function), found, seen)
    return sorted(found, key=lambda refusal: refusal.code())


def _changes() -> Iterator[type[Command]]:
    yield from typing.get_args(typing.get_args(AnyChange)[0])


def _plain(function: Callable[..., Any]) -> Any:
    return function.func if isinstance(function, partial) else function


def _walk(function: Any, found: set[type[Refusal]], seen: set[FunctionType]) -> None:
    if (
        not isinstance(function, FunctionType)
        or function in seen
        or not function.__module__.startswith("aggregates")
    ):
        return
    seen.add(function)
    for value in _named(function):
        if isinstance(value, type) and issubclass(value, Refusal) and value.__name__ not in _FAMILIES:
            found.add(value)
        else:
            _walk(_plain(value) if callable(value) else value, found, seen)


def _named(function: FunctionType) -> Iterator[Any]:
    """Give what the names in a function's code stand for: globals, and members of the modules among them."""
    names = set(_names(function.__code__))
    known = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from known
    for module in known:
        if isinstance(module, ModuleType):
            yield from (vars(module)[name] for name in names if name in vars(module))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
