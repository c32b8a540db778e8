"""How alike two titles are, and whether a word of one was exchanged for another word.

Two measures, each between 0 and 1, are averaged: the share of characters in common and in order (`difflib`'s ratio)
and the share of words in common (Dice). Among the 217 pairs of key results that stand side by side in the five
quarters of ipld/roadmap, and so are different for certain, 211 are at most 0.51 alike; the other six are twins of
0.70 to 0.96 ("… grammar in Go", "… grammar in JS") and in each of them a word was exchanged.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from difflib import SequenceMatcher
from fractions import Fraction

NEAR = Decimal("0.40")
"""Below this two titles have nothing in common."""
SAME_SPELLING = Fraction(3, 4)
_WORD = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W_\u2e80-\u9fff\uac00-\ud7af]+")
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Likeness:
    """`similarity` from 0 to 1 in hundredths; `exchanged` when a word stands where another word stood.

    A word that is only spelled differently, added or left out is not exchanged; a word with a digit in it is never
    a spelling of another ("v1", "v2").
    """

    similarity: Decimal
    exchanged: bool


def words(title: str) -> list[str]:
    """Return the words of a title in lower case; an ideograph is a word."""
    return _WORD.findall(title.casefold())


def likeness(earlier: str, later: str) -> Likeness:
    """Return how alike two titles are; takes time with the product of their lengths, so bound both."""
    old, new = words(earlier), words(later)
    common = sum((Counter(old) & Counter(new)).values())
    by_words = Fraction(2 * common, len(old) + len(new)) if old or new else Fraction(0)
    mean = (_by_characters(earlier.casefold(), later.casefold()) + by_words) / 2
    similarity = (Decimal(mean.numerator) / Decimal(mean.denominator)).quantize(_HUNDREDTH, ROUND_HALF_EVEN)
    return Likeness(similarity, similarity < NEAR or _exchanges_a_word(old, new))


def _by_characters(earlier: str, later: str) -> Fraction:
    blocks = SequenceMatcher(None, earlier, later, autojunk=False).get_matching_blocks()
    return Fraction(2 * sum(block.size for block in blocks), max(len(earlier) + len(later), 1))


def _exchanges_a_word(earlier: list[str], later: list[str]) -> bool:
    for kind, i, j, k, m in SequenceMatcher(None, earlier, later, autojunk=False).get_opcodes():
        if kind == "replace" and (j - i != m - k or not all(map(_is_spelling, earlier[i:j], later[k:m]))):
            return True
    return False


def _is_spelling(word: str, other: str) -> bool:
    digits = any(sign.isdigit() for sign in word + other)
    return not digits and _by_characters(word, other) >= SAME_SPELLING
