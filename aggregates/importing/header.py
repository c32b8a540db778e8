"""The header of a table: which column holds what, by the names that the profile gives them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregates.importing.cells import Cell, is_blank, shown
from aggregates.importing.profile import ColumnOf, Profile
from aggregates.refusals import Refusal
from aggregates.snapshots.cells import one_line, quote

NEEDED: dict[str, tuple[ColumnOf, ...]] = {
    "rows": ("objective",),
    "tree": ("objective", "objective_key", "owner"),
    "milestones": ("objective", "level", "owner"),
    "wide": ("objective", "owner"),
}
"""The columns without which a layout says nothing."""

_NUMBERED = re.compile(r"key[ _]result[ _](\d{1,2})[ _](title|completion)")


class HeaderDoesNotFit(Refusal):
    """The header of this table does not name the columns that the profile needs."""

    kind = "unavailable"


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table: their names as written, what each holds, and which are kept as they are."""

    names: tuple[str, ...]
    columns: Mapping[ColumnOf, int]
    kept: tuple[tuple[str, int], ...]
    only: tuple[tuple[int, str], ...]
    pairs: tuple[tuple[int, int | None], ...] = ()
    """In a wide table: where the title and the completion of each numbered key result stand."""

    def name(self, column: ColumnOf) -> str:
        """Return the name of a column as the file writes it; empty where it has none."""
        place = self.columns.get(column)
        return "" if place is None else self.names[place]


def plain(name: str) -> str:
    """Return a column's name as names are compared: single blanks, lower case."""
    return one_line(name).casefold()


def read_header(
    cells: Sequence[Cell], profile: Profile, *, row: int = 1, needed: tuple[ColumnOf, ...] | None = None
) -> Header:
    """Return what the columns hold. Raises HeaderDoesNotFit with what is missing and what is there.

    `needed` are the columns without which nothing can be read; those of the profile's layout where it is absent.
    A name that stands twice is refused where it is needed; columns without a name and without a use are let be.
    """
    names = tuple("" if is_blank(cell) else one_line(shown(cell)) for cell in cells)
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(plain(name), place)
    twice = {name for name, count in Counter(plain(name) for name in names if name).items() if count > 1}
    columns: dict[ColumnOf, int] = {}
    for column, accepted in profile.columns.items():
        found = next((plain(name) for name in accepted if plain(name) in places), None)
        if found is None:
            continue
        if found in twice:
            raise HeaderDoesNotFit(
                f"The column {names[places[found]]!r} stands twice in the header (row {row}); rename one of them."
            )
        columns[column] = places[found]
    pairs = _pairs(names) if profile.layout == "wide" else ()
    missing = [column for column in needed or NEEDED[profile.layout] if column not in columns]
    if profile.layout == "wide" and not pairs:
        raise HeaderDoesNotFit(f"Row {row} names no column such as key_result_1_title; {_there(names)}.")
    if missing:
        wanted = "; ".join(
            f"{column} (written as {' or '.join(map(repr, profile.columns.get(column, ('?',))))})"
            for column in missing
        )
        raise HeaderDoesNotFit(
            f"Row {row} names no column for {wanted}; {_there(names)}. Name it with --column {missing[0]}=NAME, or the "
            "row of the header with --header-row."
        )
    kept = tuple(
        (names[places[plain(name)]], places[plain(name)]) for name in profile.keep if plain(name) in places
    )
    return Header(names, columns, kept, _only(profile, places, names), pairs)


def looks_like_header(
    cells: Sequence[Cell], profile: Profile, needed: tuple[ColumnOf, ...] | None = None
) -> bool:
    """Return whether a row names every column that the profile's layout needs."""
    try:
        read_header(cells, profile, needed=needed)
    except HeaderDoesNotFit:
        return False
    return True


def _only(profile: Profile, places: Mapping[str, int], names: Sequence[str]) -> tuple[tuple[int, str], ...]:
    only = []
    for name, word in profile.only.items():
        if plain(name) not in places:
            raise HeaderDoesNotFit(
                f"Rows are chosen by the column {name!r}, which is not there; {_there(names)}."
            )
        only.append((places[plain(name)], plain(word)))
    return tuple(only)


def _there(names: Sequence[str]) -> str:
    named = [quote(name) for name in names if name][:30]
    empty = sum(not name for name in names[: _last(names)])
    told = f"there are {', '.join(named)}" if named else "it is empty"
    return f"{told} ({empty} columns have no name: are cells of the header merged?)" if empty else told


def _last(names: Sequence[str]) -> int:
    return max((place for place, name in enumerate(names, 1) if name), default=0)


def _pairs(names: Sequence[str]) -> tuple[tuple[int, int | None], ...]:
    titles: dict[int, int] = {}
    completions: dict[int, int] = {}
    for place, name in enumerate(names):
        found = _NUMBERED.fullmatch(plain(name))
        if found is not None:
            kind = titles if found[2] == "title" else completions
            if int(found[1]) in kind:
                raise HeaderDoesNotFit(f"The column {name!r} stands twice in the header; rename one of them.")
            kind[int(found[1])] = place
    return tuple((titles[number], completions.get(number)) for number in sorted(titles))
