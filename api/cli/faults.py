"""Faults that a person can do something about: each becomes one sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import typer

from api.cli.codes import Code, code_of_kind
from api.cli.refused_as_json import tell
from api.cli.streams import has_no_room, is_of_output

P = ParamSpec("P")
R = TypeVar("R")


class Fault(Exception):
    """The command cannot go on: an exit code, and a sentence that says what is wrong and what to do.

    `name` is its stable code for programs, where the HTTP door has one too; `reported` says that the answer on standard
    output, which was written before, tells of it.
    """

    def __init__(self, code: Code, sentence: str, *, name: str = "", reported: bool = False) -> None:
        self.code = code
        self.sentence = sentence
        self.name = name
        self.reported = reported
        super().__init__(sentence)


def spoken(function: Callable[P, R]) -> Callable[P, R]:
    """Return the command so that an expected fault ends it with a sentence and a code, never with a traceback."""

    @functools.wraps(function)
    def command(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            result = function(*arguments, **options)
            sys.stdout.flush()
            return result
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:
            fault = of_output(error) or describe(error)
            if fault is None or os.environ.get("STRATEGY_LEDGER_TRACEBACK"):
                raise
            if fault.sentence:
                sys.stderr.write(f"strategy-ledger: {fault.sentence}\n")
            if options.get("json") and not fault.reported:
                tell(fault.code, fault.sentence, error)
            raise typer.Exit(fault.code) from None

    return command


def of_output(error: BaseException) -> Fault | None:
    """Return the fault of an answer that standard output did not take; nothing is said to who stopped reading."""
    if not is_of_output(error):
        return None
    if isinstance(error, BrokenPipeError):
        return Fault(Code.NOT_READ, "", reported=True)
    told = f"Standard output did not take the answer: {getattr(error, 'strerror', error)}"
    return Fault(Code.UNAVAILABLE, f"{told}. What was recorded stays recorded.", reported=True)


def describe(error: BaseException) -> Fault | None:
    """Return the fault behind an exception, or None for one that nobody expected.

    Known by their shape, so that no heavy module is imported to tell: refusals carry `kind` and `detail`, the
    ledger's own errors a `code` and a message, PostgreSQL's driver errors live in `psycopg`.
    """
    if isinstance(error, Fault):
        return error
    kind, detail = getattr(error, "kind", None), getattr(error, "detail", None)
    if isinstance(kind, str) and isinstance(detail, str):
        code = Code.USAGE if getattr(error, "unreadable", False) else code_of_kind(kind)
        return Fault(code, _with_field(detail, getattr(error, "field", "")))
    mistakes = getattr(error, "mistakes", None)
    if isinstance(detail, str) and mistakes is not None:
        first = mistakes[0] if mistakes else None
        more = f" ({len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        code = Code.USAGE if type(error).__name__ in _OF_OPTIONS else Code.REFUSED
        return Fault(code, _with_field(first.detail, first.pointer) + more if first else _one_line(detail))
    names = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(error).__mro__}
    if names & _USAGE:
        return Fault(Code.USAGE, _one_line(str(error)))
    if names & _REFUSED:
        return Fault(Code.REFUSED, _one_line(str(error)))
    if "pydantic_core.ValidationError" in names:
        return Fault(Code.REFUSED, _sentence_of_validation(error))
    if "psycopg.Error" in names and (refusal := _passing(error)) is not None:
        return Fault(Code.UNAVAILABLE, refusal)
    if "psycopg.Error" in names or "psycopg_pool.PoolTimeout" in names:
        return Fault(Code.UNAVAILABLE, f"The database refused or does not answer: {_one_line(str(error))}")
    if names & {"ledger.LedgerError", "ledger.EmbeddedServerError", "ledger.SettingsError"} or type(
        error
    ).__module__.startswith(("ledger.", "replay.", "projections.", "api.imports.")):
        own = getattr(type(error), "exit_kind", "unavailable")
        return Fault(code_of_kind(own), _one_line(str(error)))
    if isinstance(error, OSError) and error.filename:
        return Fault(Code.UNAVAILABLE, f"{error.filename}: {error.strerror}.")
    if isinstance(error, OSError) and has_no_room(error):
        return Fault(
            Code.UNAVAILABLE,
            f"A temporary file in {tempfile.gettempdir()} did not get the room it needs ({error.strerror}); make room "
            "there, or name another place in TMPDIR.",
        )
    return None


_USAGE = {"ledger.ZoneIsUnknown"}
"""What an option said and nobody can read; so are the unreadable ones among the refusals."""
_OF_OPTIONS = {"ParameterIsInvalid"}
"""Faults with mistakes of which each is a value that an option cannot take; those of a body are refused."""
_REFUSED = {"pydantic_core.PydanticCustomError", "ledger.RestoreRefused"}
"""Errors without a kind that refuse what was given; the ledger's other errors say that it cannot be used."""
_OPTIONS = {"as_of": "--as-of", "effective_at": "--effective-at"}
"""Options that a refusal names as parameters; in a command's body they begin with a slash."""


@contextmanager
def said_by_options(options: Mapping[str, str], *, no_rule: bool = False) -> Iterator[None]:
    """Name the places of a refusal by the options that said them: `--on` for `/measured_on`.

    What such an option says and cannot be read is wrong use of the command line, not refused by a rule; with `no_rule`
    nothing of what they say meets one.
    """
    try:
        yield
    except Exception as error:
        fault = describe(error)
        if fault is None:
            raise
        sentence, code = fault.sentence, fault.code
        code = Code.USAGE if no_rule and code == Code.REFUSED else code
        for place, option in options.items():
            said = sentence.replace(f"(at {place})", f"(at {option})")
            if said != sentence and getattr(error, "mistakes", None) is not None:
                code = Code.USAGE
            sentence = said
        raise Fault(code, sentence) from error


def _passing(error: BaseException) -> str | None:
    """Return in words what the database said, where the ledger has words for it."""
    from ledger.errors import passing

    found = passing(error)  # type: ignore[arg-type]
    return None if found is None else found.detail


def _with_field(detail: str, field: str) -> str:
    """Return the sentence with its place; a place that the command line itself names is plain from the sentence."""
    if not field or field.startswith(("/path/", "/query/", "/header/")):
        return _one_line(detail)
    if field in _OPTIONS:
        said = re.sub(r"\b(as_of|effective_at)\b=?", lambda one: _option_of(one[0]), detail)
        return _one_line(said if _OPTIONS[field] in said else f"{said} (at {_OPTIONS[field]})")
    return _one_line(f"{detail} (at {field})")


def _option_of(parameter: str) -> str:
    """Return a parameter as an option: `effective_at=` is `--effective-at `."""
    return _OPTIONS[parameter.rstrip("=")] + (" " if parameter.endswith("=") else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence_of_validation(error: BaseException) -> str:
    """Return the first fault of a malformed command, with its place."""
    from api.mistakes import found_in

    found = found_in(error)  # type: ignore[arg-type]
    place, sentence, _ = found[0]
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return _one_line(f"{sentence} (at {place or '/'}){more}")
