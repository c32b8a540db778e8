"""The bounded values that may enter the ledger: texts, numbers, days and instants."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo
from pydantic_core import PydanticCustomError

LINE_LENGTH = 200
TEXT_LENGTH = 4_000
NUMBER_DIGITS_BEFORE = 15
NUMBER_DIGITS_AFTER = 6
KEY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}$"
FIRST_YEAR = 1970
LAST_YEAR = 2199
NUMBER_LIMIT = Decimal(10) ** NUMBER_DIGITS_BEFORE
_EXACT_BELOW = 2**33
"""Below it two numbers of six digits after the point are never the same float, so that none is taken for another."""
_NUMBER_TEXT_LENGTH = 40
_SPELLED_AS_STORED = re.compile(r"(?!-0\Z)-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,5}[1-9])?")
"""A number within the bounds and in the spelling of `number_text`: nothing is left to check."""


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make what follows read in another order than it is kept (what UTR 36
and UTS 55 warn of). Arabic and Hebrew need none of them, and the marks of direction U+200E and U+200F stay allowed."""

_SEEN = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""A character that leaves something on paper: none that is blank, and none of Unicode's Default_Ignorable_Code_Point
(soft hyphen, joiners, Hangul fillers, variation selectors, tags); the blank of Braille and the notehead that is
none leave nothing either."""

_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,30}\U000e007f")
"""The flag of a region, such as Scotland's: the one place where tags are part of what is seen (UTS 51)."""
_TAG = re.compile("[\U000e0000-\U000e007f]")

AS_KEPT: Mapping[str, bool] = MappingProxyType({"as_kept": True})
"""The context in which pydantic reads what an entry holds: what was accepted once is read for ever, though a later
release, or a later Unicode, would not take it any more."""


def _fault(code: str, sentence: str) -> PydanticCustomError:
    return PydanticCustomError(code, sentence)


def clean_text(raw: str, *, longest: int, newlines: bool) -> str:
    """Return the text in NFC without outer blanks; raise ValueError with a sentence when it may not be stored.

    The one check of every text that comes through a door. Refused are: nothing, and nothing that can be seen; too
    much; control characters; and characters that make a text read differently from what it says.
    """
    text = _bounded(raw, longest)
    if text.isascii() and text.isprintable():
        return text
    if not text.isprintable():
        _check_characters(text, newlines=newlines)
    if _SEEN.search(text) is None:
        raise _fault(
            "text_is_invisible",
            f"This text holds nothing that can be seen (its first character is U+{ord(text[0]):04X}); "
            "write at least one letter, digit or sign.",
        )
    return text


def _bounded(raw: str, longest: int) -> str:
    text = unicodedata.normalize("NFC", raw).strip()
    if not text:
        raise _fault("text_is_empty", "This text is empty; write at least one character.")
    if len(text) > longest:
        raise _fault("text_is_too_long", f"This text has {len(text)} characters; at most {longest} are kept.")
    return text


def _check_characters(text: str, *, newlines: bool) -> None:
    for character in text:
        if character in "\n\t" and newlines:
            continue
        if character in _TURNING:
            raise _fault(
                "text_has_control_character",
                f"This text holds U+{ord(character):04X}, which turns the order in which the rest is read; remove it. "
                "Arabic and Hebrew are read rightly without it.",
            )
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp", "Cn", "Co"):
            raise _fault(
                "text_has_control_character",
                f"This text holds the unprintable character U+{ord(character):04X}; remove it.",
            )
    hidden = _TAG.search(_FLAG.sub("", text))
    if hidden is not None:
        raise _fault(
            "text_has_control_character",
            f"This text hides U+{ord(hidden[0]):04X}, a tag that nobody sees outside the flag of a region; remove it.",
        )


def _kept_text(raw: str, *, longest: int, newlines: bool) -> str:
    """Return a text of an entry as it is; what could not be stored, or would break a line, is no text of one.

    The append asks the same of a text among the circumstances (`ledger.circumstances`).
    """
    if not raw:
        raise _fault("text_is_empty", "This text is empty; write at least one character.")
    if len(raw) > longest:
        raise _fault("text_is_too_long", f"This text has {len(raw)} characters; at most {longest} are kept.")
    if raw.isprintable():
        return raw
    for character in raw:
        if character in "\n\t" and newlines:
            continue
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise _fault(
                "text_has_control_character",
                f"This text holds the unprintable character U+{ord(character):04X}.",
            )
    return raw


@lru_cache(maxsize=2_000)  # a line passes several doors on its way: a cell, a command, an event
def _clean_line(raw: str) -> str:
    return clean_text(raw, longest=LINE_LENGTH, newlines=False)


def _line(raw: str, info: ValidationInfo) -> str:
    if info.context is AS_KEPT:
        return _kept_text(raw, longest=LINE_LENGTH, newlines=False)
    return _clean_line(raw)


def _text(raw: str, info: ValidationInfo) -> str:
    check = _kept_text if info.context is AS_KEPT else clean_text
    return check(raw.replace("\r\n", "\n"), longest=TEXT_LENGTH, newlines=True)


Line = Annotated[str, AfterValidator(_line)]
"""One printable line, 1 to 200 characters, of which one is seen."""

Text = Annotated[str, AfterValidator(_text)]
"""Printable text with line breaks, 1 to 4,000 characters, of which one is seen."""

Key = Annotated[str, Field(pattern=KEY_PATTERN)]
"""A key that people say in meetings, such as `2026-q3`: lower-case letters, digits and hyphens, at most 40."""


A_COMMA = "This is not a number; its decimal sign is a point"
PER_CENT = "This is not a number; leave the sign for per cent out"
"""How the sentences about numbers begin that are spelled in another way."""
_BY_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3}){1,4}(\.[0-9]{1,6})?")
_WITH_COMMA = re.compile(r"[-+]?[0-9]{1,15},[0-9]{1,6}")
_WITH_PER_CENT = re.compile(r"[-+]?[0-9]{1,15}([.,][0-9]{1,6})?\s*%")


def parse_number(raw: Any) -> Decimal:
    """Return the exact decimal of a string, an integer or a float as printed; raise ValueError with a sentence.

    Bounds: finite, at most 15 digits before and 6 after the point. A float from 2^33 on may stand for another number
    than the one that was written, and is refused.
    """
    if type(raw) is Decimal and raw.is_finite():
        return _exact(raw)
    if isinstance(raw, str) and _SPELLED_AS_STORED.fullmatch(raw):
        return Decimal(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise _fault("number_is_malformed", 'This is not a number; send it as a string such as "0.8".')
    if isinstance(raw, str) and len(raw) > _NUMBER_TEXT_LENGTH:
        raise _fault("number_is_malformed", "This number has too many characters.")
    if isinstance(raw, int) and abs(raw) >= 10**NUMBER_DIGITS_BEFORE:
        raise _fault("number_is_out_of_range", "This number needs more than 15 digits before the point.")
    try:
        number = Decimal(
            raw.strip() if isinstance(raw, str) else repr(raw) if isinstance(raw, float) else raw
        )
    except InvalidOperation as error:
        raise _fault("number_is_malformed", _not_a_number(raw)) from error
    if not number.is_finite():
        raise _fault("number_is_not_finite", "This number is not finite.")
    if isinstance(raw, float) and _EXACT_BELOW <= abs(raw) < NUMBER_LIMIT:
        raise _fault(
            "number_is_not_exact",
            "So large a JSON number with a point or an exponent may lose digits on its way; "
            'send it between quotation marks, such as "12345678901.5".',
        )
    return _exact(number)


@lru_cache(
    maxsize=2_000
)  # like a line, a number passes several doors on its way; equal ones have one spelling
def _exact(number: Decimal) -> Decimal:
    if abs(number) >= NUMBER_LIMIT:
        raise _fault("number_is_out_of_range", "This number needs more than 15 digits before the point.")
    if number != number.quantize(Decimal(1).scaleb(-NUMBER_DIGITS_AFTER)):
        raise _fault("number_is_too_precise", "This number has more than 6 digits after the point.")
    return Decimal(number_text(number))


def _not_a_number(raw: Any) -> str:
    """Return what is wrong with the spelling of a number, and how it is written."""
    text = str(raw).strip()
    if _BY_THOUSANDS.fullmatch(text):
        return f"{A_COMMA}, and nothing stands between thousands, as in {text.replace(',', '')}."
    if _WITH_COMMA.fullmatch(text):
        return f"{A_COMMA}, as in {text.replace(',', '.')}."
    if _WITH_PER_CENT.fullmatch(text):
        return f"{PER_CENT}, and write a share as 0.6."
    return "This is not a number; write it as 1234.5."


def number_text(number: Decimal) -> str:
    """Return the one spelling in which a number is stored: no exponent, no trailing zeros, never `-0`."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


Number = Annotated[
    Decimal,
    BeforeValidator(parse_number),
    PlainSerializer(number_text, return_type=str),
    Field(json_schema_extra={"type": "string", "examples": ["0.8"]}),
]
"""An exact decimal with at most 15 + 6 digits, stored as a string."""


def _between(low: str, high: str, step: str | None) -> Any:
    lowest, highest = Decimal(low), Decimal(high)

    def check(number: Decimal) -> Decimal:
        if not lowest <= number <= highest:
            share = (low, high) == ("0", "1") and 1 < number <= 100
            meant = f"; {number_text(number)} per cent is {number_text(number / 100)}" if share else ""
            raise _fault("number_is_out_of_range", f"This number must lie between {low} and {high}{meant}.")
        if step is not None and number % Decimal(step) != 0:
            raise _fault("number_is_off_step", f"This number must be a multiple of {step}.")
        return number

    return AfterValidator(check)


Confidence = Annotated[Number, _between("0", "1", "0.1")]
"""A probability from 0.0 to 1.0 in steps of 0.1 that the target is met by the end."""

Score = Annotated[Number, _between("0", "1", None)]
"""A final score from 0.0 to 1.0."""

LEAST_WEIGHT, MOST_WEIGHT = Decimal("0.000001"), Decimal(1000)
Weight = Annotated[Number, _between(str(LEAST_WEIGHT), str(MOST_WEIGHT), None)]
"""A positive weight, at most 1,000."""


def _whole_instant(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise _fault("instant_has_no_zone", "This instant has no offset; write it as 2026-08-15T17:00:00Z.")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _fault(
            "instant_is_out_of_range", f"This instant must lie between {FIRST_YEAR} and {LAST_YEAR}."
        )
    return value.astimezone(UTC)


def instant_text(instant: datetime) -> str:
    """Return the one spelling of an instant: UTC with six digits and `Z`."""
    return _utc_text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


@lru_cache(maxsize=1_000)  # in UTC equal instants are the same instant; entries of one command share theirs
def _utc_text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


Instant = Annotated[datetime, AfterValidator(_whole_instant), PlainSerializer(instant_text, return_type=str)]
"""A moment in UTC with microseconds."""


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Return the organisation's calendar day that holds this instant."""
    return instant.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the last microsecond of an organisation's day, in UTC (a day may last 23 or 25 hours)."""
    following = datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone)
    return following.astimezone(UTC) - timedelta(microseconds=1)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of an organisation's day, in UTC."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
