"""Standard output and its like where they are not what a terminal is: closed, full, or nobody reads on."""

from __future__ import annotations

import os
import stat
import sys
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC, EPIPE

_FULL = frozenset({EDQUOT, EFBIG, ENOSPC})
_NOT_TAKEN = frozenset({EBADF, EIO, EPIPE}) | _FULL


def has_no_room(error: OSError) -> bool:
    """Return whether a file could not grow."""
    return error.errno in _FULL


def nothing_is_closed() -> None:
    """Put `/dev/null` where a standard stream was closed (`>&-`): nothing that is opened later takes its place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(null := os.open(os.devnull, os.O_RDWR), number)
            if null != number:
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="replace", closefd=False))  # noqa: SIM115


def is_of_output(error: BaseException) -> bool:
    """Return whether it is standard output that took no more: files are named by the errors about them, but for those
    that have no name.

    What standard output had not taken is then let go.
    """
    if not isinstance(error, OSError) or error.filename or error.errno not in _NOT_TAKEN:
        return False
    kind = os.fstat(1).st_mode
    has_readers = stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
    if (error.errno in _FULL and has_readers) or (error.errno == EPIPE and not has_readers):
        return False  # a pipe lacks no room, and a file no reader: this was something else
    os.dup2(null := os.open(os.devnull, os.O_WRONLY), 1)
    os.close(null)
    return True
