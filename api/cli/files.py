"""Files that a command leaves behind: whole or not at all, for their owner alone, never over another unasked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from api.cli.codes import Code
from api.cli.faults import Fault


def refuse_taken(*paths: Path | None, replace: bool) -> None:
    """Refuse to begin where a file would be written over that nobody gave up. Raises Fault."""
    told = [path for path in paths if path is not None]
    if len({path.absolute() for path in told}) < len(told):
        raise Fault(Code.USAGE, f"{told[0]} is named twice; give each file a name of its own.")
    for path in told:
        if path.is_dir():
            raise Fault(Code.USAGE, f"{path} is a directory; name a file in it.")
        if not replace and path.exists() and not _is_a_way_out(path):
            raise _taken(path)


def write_anew(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a small file whole; one that is there and holds the same stays as it is. Raises Fault, OSError."""
    with suppress(OSError):
        if path.is_file() and path.read_bytes() == content:
            return
    write_whole(path, [content], replace=replace)


def write_whole(path: Path, chunks: Iterable[bytes], *, replace: bool) -> None:
    """Write a file that only its owner can read, whole or not at all; over one that is there only with `replace`.

    It grows under a name that nobody can know beforehand: in a directory of many, a link laid there would be followed.
    A terminal, a pipe or `/dev/null` is written to as it stands: it is no file whose place could be taken.
    Raises Fault where somebody else was quicker, OSError with the asked name.
    """
    if _is_a_way_out(path):
        with path.open("wb", buffering=0) as out:
            out.writelines(chunks)
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        _put(beside, path, replace=replace)
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.filename or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _put(beside: Path, path: Path, *, replace: bool) -> None:
    """Give a finished file its name: in one step, and without `replace` only where there is none of that name."""
    if not replace:
        try:
            path.hardlink_to(beside)
        except FileExistsError:
            raise _taken(path) from None
        except OSError:  # a file system without hard links
            if path.exists():
                raise _taken(path) from None
        else:
            beside.unlink()
            return
    beside.replace(path)


def _is_a_way_out(path: Path) -> bool:
    """Return whether this is a device, a pipe or a name for standard output, and no file that could be replaced."""
    if path.parent in (Path("/dev"), Path("/dev/fd")) or path.is_relative_to("/proc"):
        return True
    with suppress(OSError):
        return path.exists() and not path.is_file() and not path.is_dir()
    return False


def _taken(path: Path) -> Fault:
    return Fault(
        Code.CONFLICT,
        f"{path} is there already, and may have been edited; give another name, or --replace to write over it.",
    )
