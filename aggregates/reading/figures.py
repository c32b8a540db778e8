"""Exact figures without rounding: numbers as millionths, ratios as pairs of integers.

A stored number has at most six digits after the point, so it is a whole number of millionths; a ratio is
`(numerator, denominator)` with a positive denominator. Rounding happens once, when a figure becomes text.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import gcd

MILLION = 1_000_000
Ratio = tuple[int, int]
ZERO: Ratio = (0, 1)
ONE: Ratio = (1, 1)
_LARGE = 1 << 256


@lru_cache(maxsize=65_536)
def millionths(text: str) -> int:
    """Return a stored number as a whole number of millionths.

    Raises:
        ValueError: the text is not a decimal with at most six digits after the point.
    """
    whole, point, part = text.partition(".")
    if not point:
        return int(whole) * MILLION
    if not part.isdigit() or len(part) > 6:
        raise ValueError(f"{text} is not a number with at most six digits after the point.")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole or "0")) * MILLION + int(part.ljust(6, "0")))


def ratio(numerator: int, denominator: int) -> Ratio:
    """Return the ratio with a positive denominator; the denominator is not 0."""
    return (-numerator, -denominator) if denominator < 0 else (numerator, denominator)


@lru_cache(maxsize=65_536)
def ratio_of(text: str) -> Ratio:
    """Return a stored number as a ratio."""
    return (millionths(text), MILLION)


@lru_cache(maxsize=65_536)
def ratio_text(value: Ratio) -> str:
    """Return a ratio as a decimal string, rounded half to even at six digits after the point."""
    numerator, denominator = value
    whole, rest = divmod(abs(numerator) * MILLION, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    if not whole:
        return "0"
    front, back = divmod(whole, MILLION)
    text = f"{front}.{back:06d}".rstrip("0").rstrip(".") if back else str(front)
    return f"-{text}" if numerator < 0 else text


@lru_cache(maxsize=65_536)
def percent_text(value: Ratio) -> str:
    """Return a ratio in words for people, rounded half to even at one tenth of a percent: `12.5 %`."""
    numerator, denominator = value
    whole, rest = divmod(abs(numerator) * 1000, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    front, back = divmod(whole, 10)
    text = f"{front}.{back} %" if back else f"{front} %"
    return f"−{text}" if numerator < 0 and whole else text


def compare(left: Ratio, right: Ratio) -> int:
    """Return −1, 0 or 1 as the left ratio is below, equal to or above the right one, exactly."""
    difference = left[0] * right[1] - right[0] * left[1]
    return (difference > 0) - (difference < 0)


def difference(left: Ratio, right: Ratio) -> Ratio:
    """Return left − right, exactly."""
    return (left[0] * right[1] - right[0] * left[1], left[1] * right[1])


def clamp(value: Ratio) -> Ratio:
    """Return the ratio within 0..1."""
    if value[0] <= 0:
        return ZERO
    return ONE if value[0] >= value[1] else value


def total(values: Iterable[Ratio]) -> Ratio:
    """Return the exact sum."""
    top, bottom = 0, 1
    for numerator, denominator in values:
        if denominator == bottom:
            top += numerator
        else:
            top, bottom = top * denominator + numerator * bottom, bottom * denominator
            if bottom > _LARGE:
                shared = gcd(top, bottom)
                top, bottom = top // shared, bottom // shared
    return (top, bottom)
