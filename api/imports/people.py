"""Reads the people map: which person of the ledger a name in a source means. Nobody is chosen, nobody is invented.

The file is CSV in UTF-8 with a header: `source` (a name as the source writes it: a handle, an author's name, or
several assignees of one row as `@a & @b`), `person` (an address, handle or reference known to the ledger: for several
assignees the one owner) and, if wanted, `name` (for a person who is to be created).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from aggregates.refusals import Refusal
from aggregates.snapshots.cells import Unreadable, one_line, read_assignees
from aggregates.snapshots.series import SourceNames
from aggregates.values import LINE_LENGTH, clean_text

COLUMNS = ("source", "person", "name")
LARGEST_MAP = 1_000_000
MOST_LINES = 10_000


class PeopleMapCannotBeRead(Refusal):
    """This people map is not a CSV file of source, person and name."""

    kind = "unavailable"


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One line of the map; `line` counts from 1; `together` holds the names where the line is for several assignees."""

    source: str
    person: str
    name: str
    line: int
    together: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PeopleMap:
    """The lines of a people map; names are compared without regard to case and to the order of several."""

    lines: tuple[PersonLine, ...] = ()

    def person_of(self, source: str) -> str | None:
        """Return the person whom this name means, or None where no line says so."""
        wanted = one_line(source).casefold()
        return next((line.person for line in self.lines if line.source.casefold() == wanted), None)

    def owner_of(self, assignees: tuple[str, ...]) -> str | None:
        """Return the one owner of a row: of several assignees the person of the line that names all of them."""
        if len(assignees) == 1:
            return self.person_of(assignees[0])
        wanted = frozenset(name.casefold() for name in assignees)
        return next((line.person for line in self.lines if wanted and line.together == wanted), None)

    def missing(self, names: SourceNames) -> tuple[str, ...]:
        """Return the names that no line covers, in the order assignees, several assignees, authors."""
        single = [name for name in (*names.assignees, *names.authors) if self.person_of(name) is None]
        several = [name for name in names.combined if self.owner_of(read_assignees(name)) is None]
        assignees = [name for name in names.assignees if name in single]
        return tuple(dict.fromkeys([*assignees, *several, *single]))

    def unused(self, names: SourceNames) -> tuple[PersonLine, ...]:
        """Return the lines that no name of the source needs: a misspelling, most often."""
        needed = {name.casefold() for name in (*names.assignees, *names.authors)}
        together = {_several(name) for name in names.combined}
        return tuple(
            line
            for line in self.lines
            if line.source.casefold() not in needed
            and (line.together is None or line.together not in together)
        )


def read_people(file: Path) -> PeopleMap:
    """Return the people map in a CSV file; raise PeopleMapCannotBeRead with the line."""
    if not file.is_file():
        raise PeopleMapCannotBeRead(f"{file} is not a file.")
    with file.open("rb") as stream:
        content = stream.read(LARGEST_MAP + 1)
    try:
        return parse_people(content)
    except PeopleMapCannotBeRead as fault:
        raise PeopleMapCannotBeRead(f"{file.name}: {fault.detail}") from fault


def parse_people(content: bytes) -> PeopleMap:
    """Return the people map in these bytes; raise PeopleMapCannotBeRead with the line."""
    if len(content) > LARGEST_MAP or content.count(b"\n") > MOST_LINES:
        raise PeopleMapCannotBeRead(f"The map has more than {LARGEST_MAP:,} bytes or {MOST_LINES:,} lines.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise PeopleMapCannotBeRead(f"Line {line}: this is not UTF-8.") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    lines: list[PersonLine] = []
    seen: dict[object, int] = {}
    started = 1
    try:
        for cells in reader:
            number, started = started, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, number)
            else:
                lines.append(_line(header, cells, number))
                key: object = lines[-1].together or lines[-1].source.casefold()
                if key in seen:
                    raise PeopleMapCannotBeRead(
                        f"Line {number}: {lines[-1].source!r} already stands on line {seen[key]}."
                    )
                seen[key] = number
    except csv.Error as error:
        raise PeopleMapCannotBeRead(f"Line {reader.line_num}: {error}.") from error
    if not header:
        raise PeopleMapCannotBeRead(
            "Line 1: the header is missing; it is source,person or source,person,name."
        )
    return PeopleMap(tuple(lines))


def _header(cells: list[str], number: int) -> list[str]:
    header = [cell.strip().casefold() for cell in cells]
    unknown = [cell for cell in header if cell not in COLUMNS]
    if unknown:
        raise PeopleMapCannotBeRead(
            f"Line {number}: there is no column {unknown[0]!r}; use {', '.join(COLUMNS)}."
        )
    if len(set(header)) != len(header):
        raise PeopleMapCannotBeRead(f"Line {number}: a column stands twice.")
    if not {"source", "person"} <= set(header):
        raise PeopleMapCannotBeRead(f"Line {number}: the columns source and person are both needed.")
    return header


def _line(header: list[str], cells: list[str], number: int) -> PersonLine:
    if len(cells) != len(header):
        raise PeopleMapCannotBeRead(
            f"Line {number}: {len(cells)} cells stand under the columns {', '.join(header)}; put a text that holds a "
            "comma in quotes."
        )
    texts: dict[str, str] = {"name": ""}
    for column, cell in zip(header, cells, strict=True):
        if column == "name" and not cell.strip():
            continue
        try:
            clean_text(cell, longest=LINE_LENGTH, newlines=False)
        except ValueError as error:
            raise PeopleMapCannotBeRead(f"Line {number}, column {column}: {error}") from error
        texts[column] = one_line(cell)
    return PersonLine(texts["source"], texts["person"], texts["name"], number, _several(texts["source"]))


def _several(source: str) -> frozenset[str] | None:
    """Return the names in a line for several assignees; None where it names one."""
    try:
        names = read_assignees(source)
    except Unreadable:
        return None
    return frozenset(name.casefold() for name in names) if len(names) > 1 else None
