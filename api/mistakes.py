"""What is wrong with a body, said in sentences: no word of the library that noticed it reaches a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aggregates.near import near, near_is
from aggregates.values import A_COMMA, KEY_PATTERN, PER_CENT
from api.members import members_at

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_LONGEST_WORD = 60
MOST_MISTAKES = 50
"""So many mistakes of one body are listed."""

A_VALUE = 'A value is a number such as "1234.5", true or false, or a list of the names of finished stages.'
_BRANCHED = frozenset({"target", "value"})
"""Members of several forms: pydantic names the form that it tried after the member."""
_OTHER_FORM = frozenset({"bool_type", "tuple_type", "number_is_malformed"})
_KINDS_OF_TARGET = "point, band, stages, done or steps"

Context = Mapping[str, Any]


def _list(quoted: str) -> str:
    """Return the words that pydantic lists, without its quotation marks."""
    return quoted.replace("'", "")


def _which(context: Context) -> str:
    if context["discriminator"] == "'kind'":
        return f"Say which kind of target this is: its kind is {_KINDS_OF_TARGET}."
    return "Say which command this is, by its member command."


def _none_of(context: Context) -> str:
    tag, tags = str(context["tag"])[:_LONGEST_WORD], _list(context["expected_tags"])
    return f"{tag!r} is none of {tags}{_near(tag, _words(tags))}."


def _one_of(context: Context) -> str:
    words = _list(context["expected"])
    return f"This must be {words}{_near(context.get('input'), _words(words))}."


def _words(listed: str) -> list[str]:
    """Return the words of a list such as `softer, harder or neutral`."""
    return re.split(", | or ", listed)


def _near(said: object, words: Iterable[str]) -> str:
    """Return the end of a sentence that names what is near to what was said; nothing where nothing is."""
    close = near(said[:_LONGEST_WORD], words) if isinstance(said, str) else []
    return f"; {near_is(close)}" if close else ""


def _not_known(context: Context) -> str:
    close = _near(context["member"], context["members"]) if "member" in context else ""
    return f"Nothing of this name is known here{close or '; take it out, or look at its spelling'}."


def _pattern(context: Context) -> str:
    if context["pattern"] == KEY_PATTERN:
        return "A key is 1 to 40 lower-case letters, digits and hyphens, and begins with a letter or digit."
    return f"This text has another form; it must match {context['pattern']}."


def _said(sentence: str) -> Callable[[Context], str]:
    return lambda _: sentence


_A_DAY = _said("This is not a day; write it as 2026-08-15.")
_AN_INSTANT = _said("This is not an instant; write it with its offset, as 2026-08-15T17:00:00Z.")
_AN_IDENTIFIER = _said("This is not an identifier; it has the form 01a200ea-5d37-7f64-bbb3-b0189414bfab.")
_AN_OBJECT = _said("This must be a JSON object: members and their values between braces.")
_A_LIST = _said("This must be a JSON list.")
_A_WHOLE_NUMBER = _said("This must be a whole number, without quotation marks.")

_SENTENCES: Mapping[str, Callable[[Context], str]] = {
    "missing": _said("This is needed and missing."),
    "extra_forbidden": _not_known,
    "literal_error": _one_of,
    "enum": _one_of,
    "union_tag_not_found": _which,
    "union_tag_invalid": _none_of,
    "string_type": _said("This must be a text, between quotation marks."),
    "string_pattern_mismatch": _pattern,
    "string_too_long": lambda context: f"This text is too long; at most {context['max_length']} characters.",
    "string_too_short": lambda context: (
        f"This text is too short; at least {context['min_length']} characters."
    ),
    "bool_type": _said("This must be true or false, without quotation marks."),
    "int_type": _A_WHOLE_NUMBER,
    "int_parsing": _A_WHOLE_NUMBER,
    "int_from_float": _A_WHOLE_NUMBER,
    "greater_than_equal": lambda context: f"This number must be at least {context['ge']}.",
    "greater_than": lambda context: f"This number must be more than {context['gt']}.",
    "less_than_equal": lambda context: f"This number must be at most {context['le']}.",
    "less_than": lambda context: f"This number must be less than {context['lt']}.",
    "date_type": _A_DAY,
    "date_parsing": _A_DAY,
    "date_from_datetime_parsing": _A_DAY,
    "date_from_datetime_inexact": _A_DAY,
    "datetime_type": _AN_INSTANT,
    "datetime_parsing": _AN_INSTANT,
    "datetime_from_date_parsing": _AN_INSTANT,
    "datetime_object_invalid": _AN_INSTANT,
    "timezone_aware": _AN_INSTANT,
    "uuid_type": _AN_IDENTIFIER,
    "uuid_parsing": _AN_IDENTIFIER,
    "dict_type": _AN_OBJECT,
    "model_type": _AN_OBJECT,
    "model_attributes_type": _AN_OBJECT,
    "list_type": _A_LIST,
    "tuple_type": _A_LIST,
    "too_short": lambda context: f"This list is too short; it holds at least {context['min_length']}.",
    "too_long": lambda context: f"This list is too long; it holds at most {context['max_length']}.",
}


def sentence_of(error: Mapping[str, Any]) -> str:
    """Return what one error of pydantic means to whoever sent the body; our own checks say it themselves."""
    if (say := _SENTENCES.get(error["type"])) is not None:
        return say(error.get("ctx", {}))
    return str(error["msg"]).removeprefix("Value error, ").rstrip(".") + "."


class Found(NamedTuple):
    """One thing that is wrong: its JSON Pointer, a sentence, and the stable code of `docs/limits.md`."""

    pointer: str
    sentence: str
    code: str


def found_in(error: ValidationError, model: type[BaseModel] | None = None) -> list[Found]:
    """Return what is wrong, in the order of the body, a misspelt member first, with those of the model near it."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(error.errors(include_url=False), key=lambda told: told["type"] != "extra_forbidden"):
        parts = [str(part).replace("~", "~0").replace("/", "~1") for part in _place(one["loc"])]
        told_of = {**one, "ctx": {**one.get("ctx", {}), **_beside(one, model)}}
        found.setdefault("".join(f"/{part}" for part in parts), []).append(told_of)
    told = []
    for pointer, errors in found.items():
        if any(deeper.startswith(f"{pointer}/") for deeper in found) and _is_other_form(errors):
            continue
        told += [Found(pointer, *said) for said in _at_one_place(errors)]
    return told[:MOST_MISTAKES]


def _beside(error: Mapping[str, Any], model: type[BaseModel] | None) -> Context:
    """Return what a sentence needs beside what the library says: the word that was given, or the members there are."""
    if error["type"] in ("literal_error", "enum"):
        return {"input": error["input"]}
    if error["type"] == "extra_forbidden" and model is not None and error["loc"]:
        return {"member": str(error["loc"][-1]), "members": members_at(model, error["loc"][:-1])}
    return {}


def _at_one_place(errors: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the sentences and codes of one place; where every form of a value was tried, what a value is."""
    if len(errors) > 1 and _is_other_form(errors):
        told = (sentence_of(error) for error in errors if error["type"] == "number_is_malformed")
        spelled = (one for one in told if one.startswith((A_COMMA, PER_CENT)))
        return [(next(spelled, A_VALUE), "value_is_malformed")]
    tried = len(errors) > 1 and errors[0]["type"] in _OTHER_FORM
    meant = [error for error in errors if not tried or error["type"] not in _OTHER_FORM]
    return [(sentence_of(error), error["type"]) for error in meant]


def _is_other_form(errors: Sequence[Mapping[str, Any]]) -> bool:
    return {error["type"] for error in errors} <= _OTHER_FORM


def _place(loc: Sequence[int | str]) -> list[int | str]:
    """Return the members and indexes of a place, without the names of the branches of a union."""
    place: list[int | str] = []
    for number, part in enumerate(loc):
        before = loc[number - 1] if number else ""
        is_change = isinstance(before, int) and loc[number - 2] == "changes"
        if isinstance(part, str) and (before in _BRANCHED or is_change):
            continue
        place.append(part)
    return place
