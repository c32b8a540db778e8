"""Reads a source of dated versions: a folder with a manifest, a folder of dated files, or a repository's folder.

Every file is read whole and unchanged; what its bytes mean is decided elsewhere (`aggregates.snapshots`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from aggregates.refusals import Refusal
from aggregates.snapshots.markdown import LARGEST_PAGE
from aggregates.snapshots.page import SourceVersion

MANIFEST = "manifest.jsonl"
MANIFEST_FIELDS = ("file", "quarter", "committed_at", "author", "commit", "subject")
LARGEST_MANIFEST = 4_000_000
MOST_VERSIONS = 2_000
LONGEST_PATH = 1_000
LONGEST_WORDS = 500

_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_SERIES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_DATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{6})Z-([0-9a-f]{7,64})\.md\Z")


class SourceCannotBeRead(Refusal):
    """This source cannot be read as a series of dated versions."""

    kind = "unavailable"


@dataclass(frozen=True, slots=True)
class VersionFile:
    """One version of a page: which one, under which path it stood, its bytes (none where the page was deleted)."""

    version: SourceVersion
    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rename:
    """The page had another path before this commit; `score` is how alike the two were, in per cent."""

    commit: str
    before: str
    after: str
    score: int


@dataclass(frozen=True, slots=True)
class VersionSeries:
    """The versions of one page, ordered by time; `name` is its quarter, its folder or its file name."""

    name: str
    versions: tuple[VersionFile, ...]
    renames: tuple[Rename, ...] = ()


def read_folder(folder: Path) -> tuple[VersionSeries, ...]:
    """Return the series in a folder: by its `manifest.jsonl`, or else by files named `<instant>-<commit>.md`.

    Raises SourceCannotBeRead with file and line.
    """
    if not folder.is_dir():
        raise SourceCannotBeRead(f"{folder} is not a folder.")
    if (folder / MANIFEST).exists():
        return _grouped(_manifest(folder))
    return _grouped(_dated_files(folder))


def is_dated_folder(folder: Path) -> bool:
    """Return whether `read_folder` would find a manifest or at least one dated file here."""
    if (folder / MANIFEST).exists():
        return True
    return any(_DATED.match(path.name) for pattern in ("*.md", "*/*.md") for path in folder.glob(pattern))


def printable(text: str) -> str:
    """Return a source's own words on one line, unprintable signs as U+FFFD, at most 500 characters."""
    line = " ".join(text.split())[:LONGEST_WORDS]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


def check_path(path: str, where: str) -> PurePosixPath:
    """Return a relative path inside the source; raise SourceCannotBeRead for any other."""
    plain = PurePosixPath(path)
    odd = (
        not path.isprintable()
        or "\\" in path
        or ":" in path
        or path.startswith("-")
        or len(path) > LONGEST_PATH
    )
    if odd or plain.is_absolute() or ".." in plain.parts or ".git" in plain.parts:
        raise SourceCannotBeRead(f"{where}: the path {printable(path)!r} does not lie inside the source.")
    return plain


def _grouped(found: Iterator[tuple[str, VersionFile]]) -> tuple[VersionSeries, ...]:
    series: dict[str, list[VersionFile]] = {}
    for name, file in found:
        series.setdefault(name, []).append(file)
    if not series:
        raise SourceCannotBeRead(
            "The folder holds no manifest and no file named like 2019-01-22T195102Z-006f28b.md."
        )
    return tuple(
        VersionSeries(name, tuple(sorted(series[name], key=lambda file: file.version.instant)))
        for name in sorted(series)
    )


def _read_file(folder: Path, path: PurePosixPath, where: str) -> bytes:
    """Return at most one byte more than a page may have, so that a larger one is told from a page."""
    file = folder.joinpath(*path.parts)
    if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise SourceCannotBeRead(f"{where}: there is no file {path} inside the source.")
    with file.open("rb") as stream:
        return stream.read(LARGEST_PAGE + 1)


def _manifest(folder: Path) -> Iterator[tuple[str, VersionFile]]:
    with (folder / MANIFEST).open("rb") as stream:
        content = stream.read(LARGEST_MANIFEST + 1)
    lines = content.split(b"\n")
    if len(content) > LARGEST_MANIFEST or len(lines) > MOST_VERSIONS:
        raise SourceCannotBeRead(
            f"{MANIFEST} has more than {LARGEST_MANIFEST:,} bytes or {MOST_VERSIONS:,} lines.", field=MANIFEST
        )
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{MANIFEST}, line {number}"
        name, path, version = _manifest_line(line, where)
        for key in (("file", str(path)), (name, version.commit)):
            if key in seen:
                raise SourceCannotBeRead(f"{where}: {key[1]} already stands on line {seen[key]}.")
            seen[key] = number
        yield name, VersionFile(version, str(path), _read_file(folder, path, where))


def _manifest_line(line: bytes, where: str) -> tuple[str, PurePosixPath, SourceVersion]:
    try:
        pairs: Any = json.loads(line.decode(), object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise SourceCannotBeRead(f"{where}: this is not a JSON object in UTF-8.") from error
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise SourceCannotBeRead(f"{where}: this is not a JSON object.")
    if sorted(name for name, _ in pairs) != sorted(MANIFEST_FIELDS):
        raise SourceCannotBeRead(f"{where}: each line has exactly {', '.join(MANIFEST_FIELDS)}.")
    fields: dict[str, Any] = dict(pairs)
    for name, value in fields.items():
        if not isinstance(value, str):
            raise SourceCannotBeRead(f"{where}: {name} is not a text.")
    if not _COMMIT.match(fields["commit"]):
        raise SourceCannotBeRead(f"{where}: commit is not 7 to 64 hexadecimal digits.")
    if not _SERIES.match(fields["quarter"]):
        raise SourceCannotBeRead(f"{where}: quarter is not a short name such as 2019-q1.")
    path = check_path(fields["file"], where)
    instant = parse_instant(fields["committed_at"], where)
    named = _DATED.match(path.name)
    if named and (
        _named_instant(named, where) != instant.replace(microsecond=0)
        or not fields["commit"].startswith(named.group(3))
    ):
        raise SourceCannotBeRead(f"{where}: the file's name tells another instant or commit than the line.")
    version = SourceVersion(
        fields["commit"], instant, printable(fields["author"]), printable(fields["subject"])
    )
    return fields["quarter"], path, version


def parse_instant(text: str, where: str) -> datetime:
    """Return the instant in UTC of an ISO 8601 text with an offset; raise SourceCannotBeRead."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise SourceCannotBeRead(f"{where}: {printable(text)!r} is not an instant with an offset.")


def _named_instant(named: re.Match[str], where: str) -> datetime:
    day, clock = named.group(1), named.group(2)
    return parse_instant(f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}+00:00", where)


def _dated_files(folder: Path) -> Iterator[tuple[str, VersionFile]]:
    for count, path in enumerate(sorted([*folder.glob("*.md"), *folder.glob("*/*.md")]), 1):
        named = _DATED.match(path.name)
        inside = PurePosixPath(path.relative_to(folder).as_posix())
        if named is None:
            raise SourceCannotBeRead(
                f"{inside} is not named like 2019-01-22T195102Z-006f28b.md; move it elsewhere."
            )
        if count > MOST_VERSIONS:
            raise SourceCannotBeRead(f"The folder holds more than {MOST_VERSIONS:,} versions.")
        name = path.parent.name if path.parent != folder else folder.resolve().name
        version = SourceVersion(named.group(3), _named_instant(named, str(inside)))
        yield name, VersionFile(version, str(inside), _read_file(folder, inside, str(inside)))
