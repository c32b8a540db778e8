"""The forms at the HTTP door: which one a request wants, by `format` or by Accept."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from starlette.requests import Request

from api.exporting.catalogue import TABLES
from api.exporting.forms import FORMS, Form, Wish, file_name, written
from api.exporting.table import Body
from api.parameters import invalid, one_of, switch
from api.problems import Mistake, NoneOfTheseTypes
from replay.asked import Question

_JSON = "application/json"
_TYPES = {_JSON: "json", **{form.media_type.partition(";")[0]: name for name, form in FORMS.items()}}
"""What is offered, the first where nothing else decides."""


def parameters_of(question: Question) -> tuple[str, ...]:
    """Return the parameters that the address of a question takes for its forms."""
    return ("format", "bom") if question.name in TABLES else ()


def wish_of(request: Request, question: Question, taken: Mapping[str, str]) -> Wish | None:
    """Return the form that a request wants, None for JSON: `format` decides, else Accept.

    Raises ParameterIsInvalid, and NoneOfTheseTypes where Accept names only what is not offered.
    """
    if question.name not in TABLES:
        return None
    form = _form(request, taken.get("format"))
    bom = switch(taken, "bom")
    if bom and (form is None or form.name != "csv"):
        raise invalid("/query/bom", "A byte order mark stands before CSV only.")
    if form is None:
        return None
    return Wish(form, bom, str(request.state.actor) if form.name == "xlsx" else "")


def file_of(
    wish: Wish, question: Question, body: Body, zone: ZoneInfo, headers: Mapping[str, str]
) -> tuple[bytes, dict[str, str], str]:
    """Return the bytes of an answer in a form, with its headers and its media type. Raises TooManyRows."""
    name = file_name(wish.form, question, body)
    named = {**headers, "Content-Disposition": f'attachment; filename="{name}"'}
    whole = io.BytesIO()  # holds the bytes once; a list of chunks, joined, would hold them twice
    whole.writelines(written(wish, question, body, zone))
    return whole.getvalue(), named, wish.form.media_type


def _form(request: Request, named: str | None) -> Form | None:
    if named is not None:
        return FORMS.get(one_of(named, ("json", *FORMS), "/query/format"))
    accept = request.headers.get("accept")
    if not accept or accept == "*/*":
        return None
    chosen = best(accept)
    if chosen is None:
        raise NoneOfTheseTypes(mistakes=[Mistake("/header/Accept", f"Offered are {', '.join(_TYPES)}.")])
    return FORMS.get(chosen)


def best(accept: str) -> str | None:
    """Return the form that an Accept header (RFC 9110) likes best, None where it takes none of them."""
    ranges = list(_ranges(accept))
    liked: list[tuple[float, str]] = []
    for media_type, name in _TYPES.items():
        fitting = [(breadth, weight) for pattern, breadth, weight in ranges if _fits(pattern, media_type)]
        if fitting:
            liked.append((min(fitting)[1], name))
    weight, name = max(liked, key=lambda one: one[0], default=(0.0, ""))
    return name if weight > 0 else None


def _ranges(accept: str) -> Iterator[tuple[str, int, float]]:
    """Give each media range with its breadth (0 for one type, 2 for all) and its weight."""
    for part in accept.split(","):
        pattern, *parameters = [one.strip().lower() for one in part.split(";")]
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if pattern:
            yield pattern, pattern.count("*"), weight


def _fits(pattern: str, media_type: str) -> bool:
    kind = media_type.partition("/")[0]
    return pattern in ("*/*", f"{kind}/*", media_type)
