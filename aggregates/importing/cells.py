"""What one cell of a table says: a text, a number, a day, an owner. A doubt is refused, nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Literal

from aggregates.snapshots.cells import Unreadable, one_line
from aggregates.values import LINE_LENGTH, TEXT_LENGTH, clean_text, number_text, parse_number

DecimalSign = Literal[".", ","]
DateOrder = Literal["iso", "dmy", "mdy", "ymd"]
PercentRule = Literal["points", "fraction"]

LONGEST_CELL = 32_000
BLANKS = frozenset({"", "n/a", "na", "#n/a", "-", "–", "—", "none", "null"})
"""Words that say nothing, in lower case."""
_LONGEST_BLANK = max(map(len, BLANKS))

_ERROR = re.compile(
    r"#(?:REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|BLOCKED!|FIELD!)", re.IGNORECASE
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ][0-9:.,+Z-]*)?\Z")
_PARTS = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})\Z")
_WHOLE = re.compile(r"-?[0-9]{1,15}\Z")
_GROUPS = {" ": " ", "\u00a0": " ", "\u202f": " ", "’": "'"}
_MONEY = "€$£¥"


@dataclass(frozen=True, slots=True)
class Percent:
    """A number in a cell that is formatted as per cent: 0.45 is shown as 45 %."""

    fraction: Decimal


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell of a workbook that holds no value: an error, or a formula that nobody computed."""

    text: str
    why: Literal["error", "formula"]


Cell = str | int | float | Decimal | bool | date | datetime | Percent | Broken | None
"""A cell as the file has it: text, or typed where the format has types."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How the source writes numbers and days; what is not given is not known.

    `decimal` and `thousands` are signs, `dates` the order of the parts of a day, `percent` what `45 %` means (45 or
    0.45), `digits` to how many digits after the point longer numbers are rounded.
    """

    decimal: DecimalSign | None = None
    thousands: str = ""
    dates: DateOrder = "iso"
    percent: PercentRule | None = None
    digits: int | None = None


def shown(cell: Cell) -> str:
    """Return a cell as its original text."""
    match cell:
        case None:
            return ""
        case Percent():
            return f"{number_text(cell.fraction * 100)} %"
        case Broken():
            return cell.text
        case bool():
            return "TRUE" if cell else "FALSE"
        case Decimal():
            return number_text(cell)
        case datetime():
            return cell.isoformat(sep=" ")
        case date():
            return cell.isoformat()
    return str(cell)


def is_blank(cell: Cell) -> bool:
    """Return whether the cell says nothing: empty, `n/a`, a dash."""
    if not isinstance(cell, str):
        return cell is None
    if len(cell) > _LONGEST_BLANK and cell[0].isalnum() and cell[-1].isalnum():
        return False
    return cell.strip().casefold() in BLANKS


def sound(cell: Cell) -> Cell:
    """Return the cell; raise Unreadable for an error of a spreadsheet or a formula without a value."""
    if isinstance(cell, Broken):
        if cell.why == "formula":
            raise Unreadable(
                "formula_has_no_value",
                "This cell holds a formula whose value was never computed.",
                "Open the file in a spreadsheet program and save it, or write the value.",
            )
        raise _error(cell.text)
    if isinstance(cell, str) and cell.startswith("#") and _ERROR.match(cell):
        raise _error(cell)
    return cell


def _error(text: str) -> Unreadable:
    return Unreadable(
        "cell_is_an_error",
        f"This is an error of a spreadsheet ({text[:20]}), not a value.",
        "Mend the formula in the source, or write the value.",
    )


def read_line(cell: Cell, *, cut: bool = False) -> str | None:
    """Return one printable line (white space as single blanks), None for blank; raise Unreadable.

    With `cut` a line over 200 characters ends in `…` after 199.
    """
    if is_blank(cell):
        return None
    text = one_line(shown(sound(cell)))
    if cut and len(text) > LINE_LENGTH:
        text = text[: LINE_LENGTH - 1].rstrip() + "…"
    return _clean(text, LINE_LENGTH, newlines=False)


def read_text(cell: Cell) -> str | None:
    """Return a text with its line breaks, None for blank; raise Unreadable."""
    if is_blank(cell):
        return None
    text = shown(sound(cell)).replace("\r\n", "\n").replace("\r", "\n")
    return _clean(text, TEXT_LENGTH, newlines=True)


def _clean(text: str, longest: int, *, newlines: bool) -> str:
    try:
        return clean_text(text, longest=longest, newlines=newlines)
    except ValueError as error:
        remedy = (
            "Shorten it in the source, or give --cut-titles." if len(text) > longest and not newlines else
            "Correct the cell in the source."
        )  # fmt: skip
        raise Unreadable("text_is_unreadable", str(error), remedy) from error


def read_number(cell: Cell, writing: Writing) -> Decimal | None:
    """Return the exact number, None for blank; raise Unreadable where it is none, or could be two."""
    if is_blank(cell):
        return None
    cell = sound(cell)
    if isinstance(cell, bool | date | datetime):
        raise _not_a_number(shown(cell))
    if isinstance(cell, Percent):
        return _bounded(_of_percent(cell.fraction * 100, writing), writing)
    if isinstance(cell, str):
        number, percent = _parse(cell, writing)
        return _bounded(_of_percent(number, writing) if percent else number, writing)
    if cell is None or isinstance(cell, Broken):
        return None
    if isinstance(cell, float):
        # A spreadsheet keeps fifteen digits; what a float has beyond them was never typed.
        cell = Decimal(f"{cell:.15g}") if cell == cell and abs(cell) != float("inf") else Decimal("NaN")
    return _bounded(Decimal(cell), writing)


def _bounded(number: Decimal, writing: Writing) -> Decimal:
    try:
        if writing.digits is not None and number.is_finite():
            number = _rounded(number, writing.digits)
        return parse_number(number)
    except ValueError as error:
        remedy = (
            "Round it in the source, or give --digits 6." if "after" in str(error) else "Correct the cell."
        )
        raise Unreadable("number_is_out_of_range", str(error), remedy) from error


def _rounded(number: Decimal, digits: int) -> Decimal:
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > digits and number.adjusted() < LINE_LENGTH:
        return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    return number


def _of_percent(points: Decimal, writing: Writing) -> Decimal:
    if writing.percent is None:
        raise Unreadable(
            "percent_is_doubtful",
            "This says per cent, and nothing says whether 45 % is 45 or 0.45 here.",
            "Give --percent points (45) or --percent fraction (0.45).",
        )
    return points if writing.percent == "points" else points / 100


def _not_a_number(text: str) -> Unreadable:
    words = len(text.split())
    what = "This is a sentence, not a number." if words > 2 else "This is not a number."
    return Unreadable("number_is_malformed", what, "Write one number, or leave the cell empty.")


def _parse(text: str, writing: Writing) -> tuple[Decimal, bool]:
    """Return the number in a text, and whether a per cent sign stands behind it."""
    if len(text) > 60:
        raise _not_a_number(text)
    if _WHOLE.match(text):  # the most frequent, which no sign makes doubtful
        return Decimal(text), False
    plain = text.strip()
    percent = plain.endswith("%")
    plain = plain.rstrip("%").strip().strip(_MONEY).strip()
    for sign, same in _GROUPS.items():
        plain = plain.replace(sign, same)
    plain = plain.replace("\u2212", "-")
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    sign, digits = ("-", plain[1:].strip()) if plain[:1] == "-" else ("", plain.removeprefix("+"))
    digits = digits.strip(_MONEY).strip()
    found = _plain_pattern(writing.decimal, writing.thousands).match(digits)
    if found is None:
        raise _doubt(text, digits, writing)
    whole = found["whole"].replace(writing.thousands, "") if writing.thousands else found["whole"]
    number = Decimal(f"{sign}{whole or '0'}.{found['after'] or '0'}")
    exponent = found["exponent"]
    return (number.scaleb(int(exponent)) if exponent else number), percent


@lru_cache(maxsize=64)
def _plain_pattern(decimal: str | None, thousands: str) -> re.Pattern[str]:
    """Return what a number looks like; without a decimal sign a point counts where it cannot be a thousands sign."""
    whole = r"(?:\d{1,40}"
    if thousands:
        whole += rf"|\d{{1,3}}(?:{re.escape(_GROUPS.get(thousands, thousands))}\d{{3}})+"
    if decimal is None:
        after = r"(?:\.(?P<after>(?!\d{3}\Z)\d{1,40}|(?<=^0\.)\d{3}))?"
    else:
        after = rf"(?:{re.escape(decimal)}(?P<after>\d{{0,40}}))?"
    return re.compile(rf"(?=.?\d)(?P<whole>{whole})?){after}(?:[eE](?P<exponent>[+-]?\d{{1,2}}))?\Z")


def _doubt(text: str, digits: str, writing: Writing) -> Unreadable:
    if not re.fullmatch(r"[0-9][0-9.,' ]*", digits):
        return _not_a_number(text)
    said = (
        "no decimal sign is given" if writing.decimal is None else f"the decimal sign is {writing.decimal!r}"
    )
    more = f" and the thousands sign {writing.thousands!r}" if writing.thousands else " and no thousands sign"
    return Unreadable(
        "number_is_doubtful",
        f"This number can be read in two ways or in none: {said}{more}.",
        "Give --decimal and --thousands as the source writes them.",
    )


_ORDERS: dict[str, tuple[int, int, int]] = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
"""Where year, month and day stand among the three parts."""


def read_day(cell: Cell, writing: Writing) -> date | None:
    """Return the day, None for blank; raise Unreadable for an impossible day or an order that is not given."""
    if is_blank(cell):
        return None
    cell = sound(cell)
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if not isinstance(cell, str):
        raise Unreadable(
            "day_is_malformed", "This is not a day.", "Write it as 2026-07-01, or format the cell as a date."
        )
    text = cell.strip()
    iso = _ISO.match(text)
    if iso:
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    parts = _PARTS.match(text)
    if parts is None:
        raise Unreadable("day_is_malformed", "This is not a day.", "Write it as 2026-07-01.")
    if writing.dates == "iso":
        raise Unreadable(
            "day_is_doubtful",
            "Nothing says in which order day, month and year stand here.",
            "Give --dates dmy, mdy or ymd.",
        )
    year, month, day = (parts.group(1, 3, 4)[place] for place in _ORDERS[writing.dates])
    if len(year) != 4:
        raise Unreadable(
            "day_is_doubtful", f"The year {year!r} has not four digits.", "Write years with four digits."
        )
    return _day(int(year), int(month), int(day))


def _day(year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise Unreadable(
            "day_is_impossible",
            f"There is no day {year:04}-{month:02}-{day:02}.",
            "Correct the day in the source.",
        ) from error
    if not 1970 <= year <= 2199:
        raise Unreadable(
            "day_is_out_of_range", "A day lies between 1970 and 2199.", "Correct the day in the source."
        )
    return found


_YES = frozenset({"yes", "y", "true", "done", "complete", "completed", "1", "100", "100%"})
_NO = frozenset({"no", "n", "false", "not done", "open", "0", "0%"})


def read_done(cell: Cell) -> bool | None:
    """Return a yes or a no, None for blank; raise Unreadable."""
    if is_blank(cell):
        return None
    cell = sound(cell)
    if isinstance(cell, bool):
        return cell
    word = ("1" if cell.fraction == 1 else "0" if not cell.fraction else "?") if isinstance(cell, Percent) else (
        shown(cell).strip().casefold().removesuffix(".0")
    )  # fmt: skip
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable("answer_is_malformed", "This is neither yes nor no.", "Write yes or no.")
