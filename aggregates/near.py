"""Words as people type them: references in their one spelling, and what stands nearest to a word that names nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

MOST_NEAR: Final = 3
_LONGEST: Final = 60
"""Characters of a word that are compared: a longer one is no slip of the fingers."""
_MOST_KNOWN: Final = 2_000
"""Names that a word is compared with, so that a wrong word costs little also where there are many."""

HOW_ITEMS_ARE_NAMED: Final = "write OBJ-142, KR-311 or an identifier"
_REFERENCE: Final = re.compile(r"\s*(obj|kr)([- ]?)0*([1-9][0-9]{0,8})\s*", re.IGNORECASE)


def reference_of(text: str, *, hyphened: bool = False) -> str | None:
    """Return the reference that a text spells, None for any other text: obj-142, OBJ142 and `obj 142` are OBJ-142.

    `hyphened` takes only those with a hyphen, where a word such as kr1 may be the key of a cycle.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None or (hyphened and found[2] != "-"):
        return None
    return f"{found[1].upper()}-{found[3]}"


def plain(name: str) -> str:
    """Return a name as names are compared: without regard to case, to blanks, and to how a letter is composed."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def near(asked: str, known: Iterable[str], most: int = MOST_NEAR) -> list[str]:
    """Return the known names that are spelled nearly as what was asked for, the nearest first.

    `changeCommitBy` and `change-commit-by` are near `change_commit_by`; a name that begins as asked, or holds what was
    asked for as a word of its own, is near as well.
    """
    spelled = {name: _loose(name) for name in list(known)[:_MOST_KNOWN]}
    wanted = _loose(asked[:_LONGEST])
    if not wanted:
        return []
    close = get_close_matches(wanted, dict.fromkeys(spelled.values()), most, 0.6)
    found = [name for one in close for name, loose in spelled.items() if loose == one]
    if len(wanted) > 2:
        found += [name for name, loose in spelled.items() if wanted in loose.split()]
        found += [name for name, loose in spelled.items() if loose.startswith(wanted)]
    return list(dict.fromkeys(found))[:most]


def near_is(found: Sequence[str]) -> str:
    """Return `near is a` or `near are a, b`; nothing where there is nothing near."""
    return f"near {'is' if len(found) == 1 else 'are'} {', '.join(found)}" if found else ""


def _loose(name: str) -> str:
    """Return a name as near ones are looked for: words apart, whatever stood between them."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return plain(re.sub(r"[-_./@]+", " ", words))
