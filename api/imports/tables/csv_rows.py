"""Rows of CSV, read as a stream: encoding by its mark, delimiter by the header, the line where each row begins."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from aggregates.importing.profile import Profile
from aggregates.importing.rows import RawRow
from api.imports.tables.faults import TableCannotBeRead

DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LONGEST_FIELD = 1_000_000
csv.field_size_limit(LONGEST_FIELD)


def csv_rows(path: Path, profile: Profile) -> Generator[RawRow, None, None]:
    """Give every row with the line where it begins, the header's included; a row may last over several lines.

    Raises TableCannotBeRead for an encoding, a delimiter or a quote that cannot be told, with the line.
    """
    encoding = encoding_of(path, profile.encoding)
    try:
        with path.open(encoding=encoding, newline="") as stream:
            delimiter = profile.delimiter or _delimiter(stream.readline(LONGEST_FIELD), path)
            stream.seek(0)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            begins = 1
            try:
                for cells in reader:
                    yield RawRow(begins, tuple(cells))
                    begins = reader.line_num + 1
            except csv.Error as error:
                raise TableCannotBeRead(_malformed(path, begins, reader.line_num, str(error))) from error
    except UnicodeDecodeError as error:
        raise TableCannotBeRead(_undecodable(path, encoding)) from error


def encoding_of(path: Path, given: str | None) -> str:
    """Return the encoding: by the mark at the beginning, else as given, else UTF-8. Raises TableCannotBeRead."""
    with path.open("rb") as stream:
        begin = stream.read(4)
    if begin == b"PK\x03\x04":
        raise TableCannotBeRead(f"{path.name} is a workbook, whatever its name; use import xlsx.")
    marked = next((name for mark, name in _MARKS if begin.startswith(mark)), None)
    if marked is not None:
        return marked
    if given is not None:
        with suppress(LookupError):
            return codecs.lookup(given).name
        raise TableCannotBeRead(
            f"There is no encoding {given!r}; give utf-8, cp1252 or utf-16.", unreadable=True
        )
    if begin[1:2] == b"\0" or begin[:1] == b"\0":
        name = "UTF-32" if begin[1:] == b"\0\0\0" or begin[:3] == b"\0\0\0" else "UTF-16"
        low = name.lower()
        raise TableCannotBeRead(
            f"{path.name} looks like {name} without its mark; give --encoding {low}-le or {low}-be."
        )
    return "utf-8"


def _delimiter(header: str, path: Path) -> str:
    """Return the delimiter that the header's line uses outside of quotes; raise where two are as likely."""
    plain = "".join(part for number, part in enumerate(header.split('"')) if number % 2 == 0)
    counts = {sign: plain.count(sign) for sign in DELIMITERS}
    most = max(counts.values())
    found = [sign for sign in DELIMITERS if counts[sign] == most]
    if most == 0:
        return ","
    if len(found) > 1:
        told = " or ".join("tab" if sign == "\t" else repr(sign) for sign in found)
        raise TableCannotBeRead(f"The header of {path.name} may be delimited by {told}; give --delimiter.")
    return found[0]


def _malformed(path: Path, begins: int, ended: int, what: str) -> str:
    if "unexpected end" in what:
        return f"{path.name}, line {begins}: a quote is opened and never closed; close it."
    return (
        f"{path.name}, line {max(begins, ended)}: {what}; put a text that holds quotes in quotes and write each of its "
        "quotes twice."
    )


def _undecodable(path: Path, encoding: str) -> str:
    """Return the sentence that names the first line which is not in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                decoder.decode(line)
            except UnicodeDecodeError:
                return (
                    f"{path.name}, line {number}: this is not {encoding}; give --encoding, for instance cp1252 for "
                    "files of older Windows programs."
                )
    return f"{path.name} ends in the middle of a character; it may have been cut off."
