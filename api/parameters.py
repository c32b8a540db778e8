"""What a request says beside its body: query parameters, names in the address, Idempotency-Key and If-Match.

Nothing is guessed and nothing is ignored: an unknown or repeated parameter is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from aggregates.near import near, near_is
from aggregates.values import clean_text
from api.problems import Mistake, ParameterIsInvalid, ParameterIsRepeated, ParameterIsUnknown

GREATEST_POSITION = 2**63 - 1
LONGEST_PARAMETER = 200
LONGEST_KEY = 200
READING_PARAMETERS = ("as_of", "effective_at", "min_position")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")
_STRONG_TAG = re.compile(r'"([1-9][0-9]{0,18})(?:-[0-9a-z]{3,16})?"')
"""A stream version; behind it, where something is hidden from the reader, the name of that set."""


@dataclass(frozen=True, slots=True)
class ReadingParameters:
    """The two clocks of a read, and the position that it must at least have seen."""

    as_of: str | None = None
    effective_at: str | None = None
    min_position: int | None = None

    @property
    def present(self) -> bool:
        """Whether the read asks for what is known and true just now."""
        return self.as_of is None and self.effective_at is None


def query(request: Request, allowed: Iterable[str]) -> dict[str, str]:
    """Return the query parameters; refuse one that is unknown, repeated, too long or unprintable."""
    taken: dict[str, str] = {}
    known = tuple(allowed)
    for name, value in request.query_params.multi_items():
        pointer = f"/query/{_shown(name)}"
        if name not in known:
            takes = near_is(near(name, known)) or f"this address takes {', '.join(known) or 'none'}"
            raise ParameterIsUnknown(
                mistakes=[Mistake(pointer, f"There is no parameter of this name; {takes}.")]
            )
        if name in taken:
            raise ParameterIsRepeated(mistakes=[Mistake(pointer, "Give this parameter once.")])
        taken[name] = printable(value, pointer)
    return taken


def reading_parameters(
    request: Request, also: Iterable[str] = ()
) -> tuple[ReadingParameters, dict[str, str]]:
    """Return the parameters of a read and those that this address takes beside them."""
    taken = query(request, (*READING_PARAMETERS, *also))
    least = taken.pop("min_position", None)
    return (
        ReadingParameters(
            as_of=taken.pop("as_of", None),
            effective_at=taken.pop("effective_at", None),
            min_position=None if least is None else whole_number(least, "/query/min_position"),
        ),
        taken,
    )


def printable(text: str, pointer: str, longest: int = LONGEST_PARAMETER) -> str:
    """Return the text, trimmed and in one spelling; refuse an empty, long or unprintable one."""
    try:
        return clean_text(text, longest=longest, newlines=False)
    except ValueError as error:
        raise invalid(pointer, str(error)) from error


def whole_number(text: str, pointer: str, *, greatest: int = GREATEST_POSITION) -> int:
    """Return a whole number that is not negative."""
    if not _WHOLE_NUMBER.fullmatch(text) or int(text) > greatest:
        raise invalid(pointer, f"This is a whole number from 0 to {greatest}.")
    return int(text)


def switch(taken: Mapping[str, str], name: str) -> bool:
    """Return a yes-or-no parameter; absent is no."""
    value = taken.get(name, "false")
    if value not in ("true", "false"):
        raise invalid(f"/query/{name}", "This is true or false.")
    return value == "true"


def one_of(said: str, words: Iterable[str], pointer: str) -> str:
    """Return a word that is one of a few. Raises ParameterIsInvalid with what is near and what there is."""
    known = tuple(words)
    if said in known:
        return said
    close = near_is(near(said, known))
    told = f"{said!r} is none of {', '.join(known)}" + (f"; {close}" if close else "")
    raise invalid(pointer, f"{told}.")


def invalid(pointer: str, detail: str) -> ParameterIsInvalid:
    """Return the fault of one parameter."""
    return ParameterIsInvalid(mistakes=[Mistake(pointer, detail)])


def single_header(request: Request, name: str) -> str | None:
    """Return a header that may be sent once."""
    sent = request.headers.getlist(name)
    if len(sent) > 1:
        raise ParameterIsRepeated(mistakes=[Mistake(f"/header/{name}", "Send this header once.")])
    return sent[0] if sent else None


def idempotency_key(request: Request) -> str | None:
    """Return the caller's key of a command: printable, at most 200 characters; outer quotes belong to its spelling."""
    sent = single_header(request, "Idempotency-Key")
    if sent is None:
        return None
    text = sent.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return printable(text, "/header/Idempotency-Key", LONGEST_KEY)


def on_behalf_of(request: Request) -> str | None:
    """Return the person for whom a command is given, as the caller names them."""
    sent = single_header(request, "On-Behalf-Of")
    return None if sent is None else printable(sent, "/header/On-Behalf-Of")


def expected_version(request: Request) -> int | None:
    """Return the stream version of If-Match; `*` asks for none in particular."""
    sent = single_header(request, "If-Match")
    if sent is None or sent.strip() == "*":
        return None
    match = _STRONG_TAG.fullmatch(sent.strip())
    if match is None:
        raise invalid(
            "/header/If-Match", 'Send the ETag of the bare aggregate, such as "7"; a reading has no version.'
        )
    return int(match.group(1))


def _shown(name: str) -> str:
    """Return a parameter's name fit for a pointer."""
    kept = "".join(character if character.isprintable() else "?" for character in name[:60])
    return kept.replace("~", "~0").replace("/", "~1")
