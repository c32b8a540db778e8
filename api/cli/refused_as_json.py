"""A refusal as programs read it: one line `{code, detail, errors: [{pointer, detail}]}` in UTF-8."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from api.cli.codes import NAMES, Code
from api.cli.page import write_json

Place = tuple[str, str]
"""Where something is wrong, and what."""


def tell(code: Code, sentence: str, error: BaseException | None = None) -> None:
    """Write a refusal as its line, with the stable code of the error behind it, else that of its exit code."""
    name, detail, places = _of(error) or (NAMES[code], sentence, ())
    told: dict[str, object] = {"code": name, "detail": _one_line(detail)}
    errors = [
        {"pointer": place if place.startswith("/") else f"/query/{place}", "detail": _one_line(said)}
        for place, said in places
        if place
    ]
    line = json.dumps(told | ({"errors": errors} if errors else {}), ensure_ascii=False)
    write_json(line.encode(errors="replace"))  # UTF-8, whatever a terminal is set to


def _of(error: BaseException | None) -> tuple[str, str, Sequence[Place]] | None:
    """Return code, sentence and places of an error that has a code at every door; None for another one.

    Known by their shape, as in `api.cli.faults`.
    """
    if error is None:
        return None
    sentence = getattr(error, "sentence", None)
    if isinstance(
        sentence, str
    ):  # the command line's own fault: what is behind it, else the name that it was given
        name = getattr(error, "name", "")
        return _of(error.__cause__) or ((name, sentence, ()) if name else None)
    code, detail = getattr(error, "code", None), getattr(error, "detail", None)
    if callable(code) and isinstance(detail, str):
        return str(code()), detail, [(str(getattr(error, "field", "")), detail)]
    mistakes = getattr(error, "mistakes", None)
    if mistakes is not None and isinstance(detail, str):
        from api.problems import code_of

        return code_of(type(error)), detail, [(one.pointer, one.detail) for one in mistakes]  # type: ignore[arg-type]
    if any(base.__name__ == "ValidationError" for base in type(error).__mro__):
        from api.mistakes import found_in

        found = found_in(error)  # type: ignore[arg-type]
        return "body_is_invalid", found[0][1], [(place or "/", said) for place, said, _ in found]
    if type(error).__module__.startswith("ledger."):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower(), str(error), ()
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
