"""Wrong use of the command line: the parser's refusals, said as all others are, with what stands nearest.

One place for all of them: the program and its groups come here with what the parser raised, whatever its class.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from aggregates.near import near, near_is
from api.cli.codes import Code
from api.cli.refused_as_json import tell

_UsageError: Any = typer.BadParameter.__mro__[1]
"""What the parser raises for every wrong use, of which typer itself shows only one kind."""
_LONGEST_WORD = 60


@contextmanager
def said_as_ours(*, as_json: bool = False) -> Iterator[None]:
    """End a command line that was not understood with a sentence and its exit code, not with the parser's words.

    With `as_json` it is a line for programs too.
    """
    try:
        yield
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        raise _ended(Code.USAGE, sentence_of(error), as_json=as_json) from None
    except typer.Abort:
        told = "The question was not answered, so nothing was done."
        raise _ended(Code.INTERRUPTED, told, as_json=as_json) from None


def _ended(code: Code, sentence: str, *, as_json: bool) -> typer.Exit:
    sys.stderr.write(f"strategy-ledger: {sentence}\n")
    if as_json:
        tell(code, sentence)
    return typer.Exit(code)


def sentence_of(error: Any) -> str:
    """Return what was wrong, where, and what to do, for a refusal of the parser.

    Known by their classes' names, so that neither the parser's own package nor that which it brings along is named.
    """
    context = error.ctx
    if context is None:
        return _without_a_place(error)
    help_ = f"`{context.command_path} --help` shows"
    match type(error).__name__:
        case "NoSuchOption":
            return _no_such_option(context, error.option_name, help_)
        case "MissingParameter" if error.param is not None:
            return f"{_name(context)} needs {_described(error.param)}; {help_} how it is called."
        case "BadParameter" if error.param is not None:
            return _bad_value(error, help_)
    return _whole(context, error.message, help_)


def _whole(context: Any, message: str, help_: str) -> str:
    """Return the sentence for what the parser says of the line as a whole: its words hold what is wrong."""
    names = _commands(context)
    if not names:
        extra = re.search(r"argument(?:s|\(s\))? \((.*)\)\Z", message, re.DOTALL)
        told = f"{_word(extra[1])} is too much" if extra else message.rstrip(".")
        takes = " ".join(str(one.metavar or one.name) for one in _arguments(context))
        takes = f"{takes} and options" if takes else "options only"
        return f"{_name(context)} takes {takes}; {told}. What has blanks in it stands in quotes."
    asked = re.search(r"command (['\"])(.*?)\1", message, re.DOTALL)
    if asked is None:
        return f"{_name(context)} needs a command: {', '.join(sorted(names))}."
    close = near(asked[2], names) or _deeper(context, asked[2])
    return f"There is no command {_word(asked[2])}{_below(context)}; {_is_near(close, help_, 'all')}."


def _no_such_option(context: Any, option: str, help_: str) -> str:
    """Return the sentence for an option that is not one of the command's."""
    close, root = near(option, _options(context)), context.find_root()
    for name in [option] if option in _options(root) else near(option, _options(root)):
        if root is not context and (name == option or not close):
            return f"{name} stands before the command: `{root.command_path} {name} … {_name(context)}`."
    if _commands(context):
        below = f"; an option of a command stands after its name; {_is_near(close, help_, 'all')}."
        return f"There is no option {_word(option)} before a command{below}"
    return f"{_name(context)} has no option {_word(option)}; {_is_near(close, help_, 'all')}."


def _without_a_place(error: Any) -> str:
    """Return the sentence for an option without its value, or with one that it does not take: no command is named."""
    option = getattr(error, "option_name", None)
    if option is None:
        return f"{error.format_message().rstrip('.')}; `--help` after a command shows what it takes."
    if "not take" in error.message:
        return f"{option} takes no value; leave out the = and what follows it."
    return f"{option} needs a value after it; `--help` in its place shows which."


def _bad_value(error: Any, help_: str) -> str:
    """Return the sentence for a value that its option or argument cannot take."""
    param, given = error.param, _given(error)
    where = _spelled(param)
    choices = _choices(param)
    if choices:
        close = near(given or "", choices, 1)
        hint = f"; {near_is(close)}" if close else ""
        return f"{where} {_word(given)} is not one of {', '.join(choices)}{hint}."
    if _kind(param) is int:
        return f"{where} {_word(given)} is not a whole number{_range(param)}."
    return f"{where} {_word(given)} cannot be taken: {error.message.rstrip('.')}; {help_} what it takes."


def _given(error: Any) -> str | None:
    """Return the value that was refused, as the checker behind the parser kept it."""
    cause = error.__cause__
    if cause is None or not hasattr(cause, "errors"):
        return None
    told = cause.errors()
    return str(told[0]["input"]) if told else None


def _choices(param: Any) -> list[str]:
    kind = getattr(param, "type_descriptor", None)
    found = getattr(kind if kind is not None else param.type, "choices", None)
    return [str(one) for one in found or ()]


def _kind(param: Any) -> object:
    kind = getattr(param, "type_descriptor", None)
    annotation = getattr(kind, "annotation", None) if kind is not None else None
    if annotation is None:
        return int if getattr(param.type, "name", "").startswith("integer") else None
    return int if int in (annotation, *getattr(annotation, "__args__", ())) else annotation


def _range(param: Any) -> str:
    held = param if hasattr(param, "min") else getattr(param, "type", None)
    low, high = getattr(held, "min", None), getattr(held, "max", None)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f", {low} or more"
    return f", {high} at most" if high is not None else ""


def _described(param: Any) -> str:
    """Return how a parameter is called and what it is: its help as it stands, without the full stop."""
    told = " ".join(str(getattr(param, "help", None) or "").split()).rstrip(".")
    told = told[:1].lower() + told[1:] if told[1:2].islower() or told[1:2] == " " else told
    shown = (
        str(param.metavar or param.name).upper() if param.param_type_name == "argument" else _spelled(param)
    )
    if param.param_type_name == "option" and param.metavar:
        shown = f"{shown} {param.metavar}"
    return f"{shown} ({told})" if told else shown


def _spelled(param: Any) -> str:
    if param.param_type_name == "argument":
        return str(param.metavar or param.name)
    return str(max(param.opts, key=len))


def _name(context: Any) -> str:
    return str(context.command_path).partition(" ")[2] or str(context.command_path)


def _below(context: Any) -> str:
    return f" below {_name(context)}" if context.parent is not None else ""


def _arguments(context: Any) -> list[Any]:
    return [one for one in context.command.params if one.param_type_name == "argument"]


def _options(context: Any) -> dict[str, Any]:
    options = [one for one in context.command.params if one.param_type_name == "option"]
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


def _commands(context: Any) -> list[str]:
    return list(getattr(context.command, "commands", ()))


def _deeper(context: Any, asked: str) -> list[str]:
    """Return commands one level down that are called so: `issue` is `token issue`."""
    found = []
    for name in _commands(context):
        inner = getattr(context.command.commands[name], "commands", {})
        found += [f"{name} {below}" for below in inner if near(asked, [below])]
    return found


def _is_near(found: Sequence[str], help_: str, what: str) -> str:
    return near_is(found) or f"{help_} {what}"


def _word(text: str | None) -> str:
    """Return what was typed, in quotes, without signs that would steer a terminal, and not without end."""
    return repr(text[:_LONGEST_WORD]) if text is not None else "what was given"
