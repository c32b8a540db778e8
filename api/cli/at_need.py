"""Commands that are made when they are asked for: to make all of them costs each call a tenth of a second."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from api.cli.misuse import said_as_ours

_AS_JSON = "strategy_ledger.as_json"


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

        def make_context(self, info_name: str | None, args: list[str], *told: Any, **how: Any) -> Any:
            as_json = "--json" in args  # the parser takes the words away as it understands them
            with said_as_ours(as_json=as_json):
                made = super().make_context(info_name, args, *told, **how)
                made.meta[_AS_JSON] = as_json
                return made

        def invoke(self, ctx: Any) -> Any:
            with said_as_ours(as_json=ctx.meta[_AS_JSON]):
                return super().invoke(ctx)

    app.registered_commands, app.registered_groups, app.info.cls = [], [], Program


def _alone(command: Any) -> Any:
    only = typer.Typer(rich_markup_mode=None, add_completion=False)
    only.registered_commands.append(command)
    return typer.main.get_command(only)
