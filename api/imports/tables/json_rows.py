"""Rows of JSON lines: one object on each line, whose names are the columns."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from aggregates.importing.cells import Cell
from aggregates.importing.profile import Profile
from api.imports.tables.csv_rows import encoding_of
from api.imports.tables.faults import TableCannotBeRead

LONGEST_LINE = 4_000_000
LOOKED_AT = 1_000
"""Lines whose names make the header."""


def json_objects(path: Path, profile: Profile) -> Generator[tuple[int, dict[str, Cell]], None, None]:
    """Give each line's number and its names with their values. Raises TableCannotBeRead with the line."""
    encoding = encoding_of(path, profile.encoding)
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise TableCannotBeRead(
                    f"{path.name}, line {number}: a line has at most {LONGEST_LINE:,} bytes."
                )
            if line.strip():
                yield number, _object(line, encoding, f"{path.name}, line {number}")


def json_header(objects: Iterable[tuple[int, dict[str, Cell]]]) -> list[str]:
    """Return the names of the first lines, in the order in which they come."""
    names: dict[str, None] = {}
    for _, told in islice(objects, LOOKED_AT):
        names.update(dict.fromkeys(told))
    return list(names)


def _object(line: bytes, encoding: str, where: str) -> dict[str, Cell]:
    try:
        told = json.loads(
            line.decode(encoding), object_pairs_hook=_Object, parse_float=Decimal, parse_constant=_constant
        )
    except (ValueError, RecursionError) as error:
        raise TableCannotBeRead(f"{where}: this is not a JSON object on one line.") from error
    if not isinstance(told, _Object):
        raise TableCannotBeRead(f"{where}: this is not a JSON object.")
    names = [name for name, _ in told.pairs]
    if len(set(names)) != len(names):
        raise TableCannotBeRead(f"{where}: a name stands twice in this object.")
    return {name: _cell(value) for name, value in told.pairs}


class _Object:
    """An object with its pairs as they stand, so that a name that stands twice is seen."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _constant(name: str) -> str:
    return name


def _cell(value: Any) -> Cell:
    """Return a value as a cell; what is nested is kept as its text, which no number and no title will accept."""
    if value is None or isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return "{…}" if isinstance(value, _Object) else "[…]"
