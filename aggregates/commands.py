"""Every command by its name."""

from __future__ import annotations

from types import ModuleType

from aggregates import amendment
from aggregates.command import Command
from aggregates.cycle import commands as cycle
from aggregates.decision import commands as decision
from aggregates.finding import commands as finding
from aggregates.objective import commands as objective
from aggregates.objective import key_result_commands as key_result
from aggregates.organisation import commands as organisation
from aggregates.person import commands as person
from aggregates.team import commands as team


def _commands_of(module: ModuleType) -> list[type[Command]]:
    return [
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, Command)
        and member.__module__ == module.__name__
        and "command" in member.model_fields
    ]


COMMANDS: dict[str, type[Command]] = {
    command.command_name: command
    for module in (organisation, person, team, cycle, objective, key_result, decision, finding, amendment)
    for command in _commands_of(module)
}
"""Name to class, such as `change_target` to `ChangeTarget`."""
