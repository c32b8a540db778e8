"""The cells of a Markdown pipe table: how a row is split and how a score, a priority, an assignee is read.

Source of the table syntax: GitHub Flavored Markdown, tables extension. Nothing here searches with a pattern that
can take more than linear time.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from aggregates.snapshots.page import Field

LONGEST_QUOTE = 120
MOST_ASSIGNEES = 10

HEADERS: dict[str, Field] = {
    "key result": "title",
    "key results": "title",
    "assignee": "assignees",
    "assignees": "assignees",
    "owner": "assignees",
    "priority": "priority",
    "mid-q score": "mid_score",
    "mid-quarter score": "mid_score",
    "projected score": "projected",
    "final score": "final",
}
"""Header, in lower case and single-spaced, to the field it holds."""

BLANK = frozenset({"", "n/a"})
_SCORE = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})\Z")
_PRIORITY = re.compile(r"[pP][0-9]\Z")
_BADGE = re.compile(r"!\[([^\[\]]{1,20})\]\([^()\s]{0,500}\)\Z")


class Unreadable(ValueError):
    """This cell is not understood; the arguments are the code, what was wrong and what to do."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        super().__init__(what)
        self.code, self.what, self.remedy = code, what, remedy


def one_line(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return " ".join(text.split())


def quote(text: str) -> str:
    """Return the text in printable form and at most 120 characters long, for a fault."""
    shown = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text[:LONGEST_QUOTE])
    return (
        shown
        if len(shown) <= LONGEST_QUOTE and len(text) <= LONGEST_QUOTE
        else shown[: LONGEST_QUOTE - 1] + "…"
    )


def split_row(line: str) -> list[str]:
    r"""Return the cells of a table line; `\|` is a pipe inside a cell, the outer pipes may be missing."""
    parts = line.strip().replace("\\|", "\0").split("|")
    if parts and not parts[0].strip():
        parts = parts[1:]
    if parts and not parts[-1].strip():
        parts = parts[:-1]
    return [part.replace("\0", "|").strip() for part in parts]


def is_rule(cells: list[str]) -> bool:
    """Return whether these are the cells of the line of dashes under a table's header."""
    return bool(cells) and all(set(cell.strip(":")) == {"-"} for cell in cells)


def read_score(text: str) -> Decimal | None:
    """Return a score from 0 to 1 (`0.5`, `.7`, `1`), or None for blank and `n/a`; raise Unreadable."""
    if text.casefold() in BLANK:
        return None
    if not _SCORE.match(text):
        raise Unreadable(
            "score_is_not_a_number", "This is not a score.", "Write one number from 0 to 1, such as 0.7."
        )
    score = Decimal(text)
    if score > 1:
        raise Unreadable(
            "score_is_out_of_range",
            "This score is greater than 1.",
            "Write a score from 0 to 1; it is not clamped.",
        )
    return score


def read_priority(text: str) -> str | None:
    """Return `p0` to `p9` from a word or from the alternative text of a badge; None for blank; raise Unreadable."""
    badge = _BADGE.match(text)
    word = badge.group(1).strip() if badge else text
    if word.casefold() in BLANK:
        return None
    if not _PRIORITY.match(word):
        raise Unreadable(
            "priority_is_unknown", "This is not a priority.", "Write p0 to p9, as a word or as a badge."
        )
    return word.lower()


@lru_cache(maxsize=1_000)
def read_assignees(text: str) -> tuple[str, ...]:
    """Return the names in the cell, in order: separated by `&`, `,`, `;`, `/`, `+` or ` and `; raise Unreadable.

    A link counts as its text. Two handles with only a blank between them are two names.
    """
    if text.casefold() in BLANK:
        return ()
    plain = _without_links(text)
    for sign in "&,;/+":
        plain = plain.replace(sign, "\0")
    words = ["\0" if word.casefold() == "and" else word for word in plain.replace("\0", " \0 ").split(" ")]
    names: list[str] = []
    for part in " ".join(words).split("\0"):
        name = one_line(part)
        if name.count("@") > 1 and all(word.startswith("@") for word in name.split()):
            names.extend(name.split())
        elif name:
            names.append(name)
    seen: dict[str, str] = {}
    for name in names:
        seen.setdefault(name.casefold(), name)
    unique = tuple(seen.values())
    if not unique or len(unique) > MOST_ASSIGNEES:
        raise Unreadable(
            "assignees_are_unclear",
            f"This does not name one to {MOST_ASSIGNEES} persons.",
            "Write one handle, such as @name.",
        )
    return unique


def _without_links(text: str) -> str:
    """Return the text with each `[words](address)` as its words."""
    out: list[str] = []
    rest = text
    while True:
        before, opening, after = rest.partition("[")
        words, closing, tail = after.partition("](")
        _, end, following = tail.partition(")")
        if not (opening and closing and end) or "[" in words:
            return "".join([*out, rest])
        out += [before, words]
        rest = following
