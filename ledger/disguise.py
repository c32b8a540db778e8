"""Files that hold native lines and are not bare ones any more: packed, saved by an editor, sent as text.

A restore takes a ledger's bytes as they were written, so it says what befell a file, not that its lines are wrong. A
file packed by gzip (RFC 1952) is unpacked on the way, in constant memory: its bytes are the ones that were packed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from io import BufferedReader
from typing import IO, Final

_GZIP: Final = b"\x1f\x8b\x08"
_UNPACK = "is packed by {0}; unpack it first: `{1}`."
_SAVED = (
    "is text in {0}, and a ledger's lines are UTF-8: it was opened and saved by another program. "
    "Take the file as it was written."
)
_BY_BEGIN: Final[tuple[tuple[bytes, str], ...]] = (
    (_GZIP, _UNPACK.format("gzip", "gunzip FILE")),
    (b"\xfd7zXZ\x00", _UNPACK.format("xz", "unxz FILE")),
    (b"\x28\xb5\x2f\xfd", _UNPACK.format("zstd", "unzstd FILE")),
    (b"BZh", _UNPACK.format("bzip2", "bunzip2 FILE")),
    (b"PK\x03\x04", _UNPACK.format("zip", "unzip FILE")),
    (b"7z\xbc\xaf\x27\x1c", _UNPACK.format("7-Zip", "7z x FILE")),
    (b"\x04\x22\x4d\x18", _UNPACK.format("lz4", "unlz4 FILE")),
    (b"PGDMP", "is a dump of the database; `pg_restore` takes it."),
    (b"--\n-- PostgreSQL database dump", "is a dump of the database; `psql` takes it."),
    (b"\xff\xfe", _SAVED.format("UTF-16")),
    (b"\xfe\xff", _SAVED.format("UTF-16")),
    (b"{\x00", _SAVED.format("UTF-16")),
    (b"\x00{", _SAVED.format("UTF-16")),
    (
        b"\xef\xbb\xbf",
        "begins with a byte order mark, which no export writes: an editor saved it. Take the file as it was "
        "written, or cut off the first three bytes: `tail -c +4 FILE`.",
    ),
)
"""What a file begins with, and what that means: signatures as the formats' own descriptions state them."""
_TAR: Final = slice(257, 262)
_LINE_ENDS: Final = (
    "it ends with CR LF, as Windows ends lines, and a ledger's lines end with LF: the file was carried as text. Carry "
    "it as bytes, or take the CRs away: `tr -d '\\r' < FILE > OTHER`, which leaves every entry as it was."
)


class PackedFileIsDamaged(ValueError):
    """A packed file cannot be unpacked to its end."""

    code = "restore_file_is_refused"


def disguise_of_file(begin: bytes) -> str | None:
    """Return what a file is instead of native lines, by its first bytes, as the end of a sentence; else None."""
    for signature, what in _BY_BEGIN:
        if begin.startswith(signature):
            return what
    return _UNPACK.format("tar", "tar -xf FILE") if begin[_TAR] == b"ustar" else None


def disguise_of_line(line: bytes) -> str | None:
    """Return why a line is not one as a ledger writes it, where its end tells; else None."""
    return _LINE_ENDS if line.endswith(b"\r\n") else None


def is_gzip(source: IO[bytes]) -> bool:
    """Return whether a source that can be looked ahead is packed by gzip; nothing of it is taken."""
    return isinstance(source, BufferedReader) and source.peek(len(_GZIP)).startswith(_GZIP)


@contextmanager
def unpacked(source: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give what reads a gzip file's content. Raises PackedFileIsDamaged where it is cut off or changed."""
    try:
        yield BufferedReader(GzipFile(fileobj=source))
    except EOFError as error:
        raise PackedFileIsDamaged("The gzip file is cut off before its end.") from error
    except (BadGzipFile, zlib.error) as error:
        raise PackedFileIsDamaged(
            "The gzip file is damaged: what it unpacks to is not what was packed."
        ) from error
