"""The reference of the command line, made from its definitions: `python -m api.cli.reference > docs/commands.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from api.cli.app import app
from api.cli.codes import MEANINGS, NAMES, Code

_INTRODUCTION = """\
# Commands

Made from the definitions of the command line; do not edit by hand (`python -m api.cli.reference > docs/commands.md`).

Every asking command takes `--as-of` (what the ledger had been told by then) and `--effective-at` (what was true at the
end of that day), and shows a table on a terminal, aligned text elsewhere. With `--json` it writes the bytes of the HTTP
answer, followed by one line break, and nothing else. Under every page stand its basis, the address of the same
answer and the command line that gives it again.

Whoever writes names themselves by a token, also on the machine of the ledger: `STRATEGY_LEDGER_TOKEN`, or a file with
`--token-file`. No server is needed: the command line catches the projections up itself.

An error is one sentence on standard error: what was wrong, where, what to do. With `--json` every refusal, of the line
as it was typed too, is also a line of JSON on standard output, `{code, detail, errors: [{pointer, detail}]}`, with the
stable code and the places of the HTTP door. What has no code there is called by its exit code, in the table below.
Where a report stands on standard output already (`import`, `reconcile`, `verify`), it says what was refused or differs,
and no other line follows.
"""


def reference() -> str:
    """Return the whole reference as Markdown."""
    group: Any = typer.main.get_command(app)
    lines = [_INTRODUCTION, "## Exit codes", "", "| Code | Meaning | In JSON |", "|---|---|---|"]
    lines += [f"| {code.value} | {meaning} | {_in_json(code)} |" for code, meaning in MEANINGS.items()]
    lines += ["", "## For every command", "", *_parameters(group, "strategy-ledger")]
    for name, command in _commands(group, "strategy-ledger"):
        lines += ["", f"## {name.removeprefix('strategy-ledger ')}", "", *_described(command), ""]
        lines += ["```", f"{name} {' '.join(_usage(command))}".rstrip(), "```"]
        parameters = _parameters(command, name)
        lines += ["", *parameters] if parameters else []
    return "\n".join(lines).rstrip() + "\n"


def _in_json(code: Code) -> str:
    """Return what programs read of such an end where nothing has a code of its own."""
    return "–" if code == Code.DONE else f"`{NAMES[code]}`"


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _described(command: Any) -> list[str]:
    text = inspect.cleandoc(command.help or "").replace("\f", "")
    return text.splitlines()


def _usage(command: Any) -> list[str]:
    words = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = parameter.metavar or parameter.name.upper()
            words.append(shown if parameter.required or shown.startswith("[") else f"[{shown}]")
    return [*words, "[OPTIONS]"]


def _parameters(command: Any, _: str) -> list[str]:
    rows = []
    for parameter in command.params:
        text = (getattr(parameter, "help", None) or "").replace("|", "\\|")
        if parameter.name == "help":
            continue
        if parameter.param_type_name == "argument":
            shown = (parameter.metavar or parameter.name.upper()).replace("|", "\\|")
            rows.append(f"| `{shown}` | {text} |")
        else:
            spelled = "/".join([*parameter.opts, *parameter.secondary_opts])
            shown = (parameter.metavar or parameter.name.upper()).replace("|", "\\|")
            value = "" if parameter.is_flag else f" {shown}"
            default = _default(parameter)
            rows.append(f"| `{spelled}{value}` | {text}{default} |".replace("|-", "\\|-"))
    return ["| | |", "|---|---|", *rows] if rows else []


def _default(parameter: Any) -> str:
    if parameter.is_flag or parameter.default is None or callable(parameter.default):
        return ""
    return f" Default: {parameter.default}."


if __name__ == "__main__":
    sys.stdout.write(reference())
