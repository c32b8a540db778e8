"""Commands that are made when they are asked for: to make all of them costs each call a tenth of a second."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from api.cli.misuse import said_as_ours


class AtNeed(UserDict[str, Any]):
    """The commands of a group by name, each made by its maker when it is looked at for the first time."""

    def __init__(self, makers: dict[str, Callable[[], Any]]) -> None:
        super().__init__(makers)
        self._unmade = dict(makers)

    def __getitem__(self, name: str) -> Any:
        if make := self._unmade.pop(name, None):
            self.data[name] = make()
            self.data[name].name = name
        return super().__getitem__(name)


def made_at_need(app: typer.Typer) -> None:
    """Let a program make only those of its commands and groups that are asked for; all must be registered."""
    makers: dict[str, Callable[[], Any]] = {}
    for command in app.registered_commands:
        makers[str(command.name)] = partial(_alone, command)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            makers[str(group.name)] = partial(typer.main.get_group, group.typer_instance)

    class Program(TyperGroup):
        def __init__(self, **told: Any) -> None:
            super().__init__(**told)
            self.commands = AtNeed(makers)

        def make_context(self, *told: Any, **how: Any) -> Any:
            with said_as_ours():
                return super().make_context(*told, **how)

        def invoke(self, ctx: Any) -> Any:
            with said_as_ours():
                return super().invoke(ctx)

    app.registered_commands, app.registered_groups, app.info.cls = [], [], Program


def _alone(command: Any) -> Any:
    only = typer.Typer(rich_markup_mode=None, add_completion=False)
    only.registered_commands.append(command)
    return typer.main.get_command(only)
