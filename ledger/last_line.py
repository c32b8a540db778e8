"""The last line of a file of entries: it says up to which position the file goes.

`{"table":"end","ledger":…,"position":…}` follows the native lines that `export` and `backup` write, so that a file
which was cut off between two of them is told from a whole one, also where it came through a pipe. It says nothing that
changes with the time of writing: the same entries give the same bytes. Files written before there was such a line have
none. Where pieces of a ledger were put into one file, each may have its own.
"""

from __future__ import annotations

from uuid import UUID

import orjson

_BEGINS = b'{"table":"end",'


def last_line(ledger: UUID, position: int) -> bytes:
    """Return the line that follows the entry at a position, with its line break."""
    return orjson.dumps({"table": "end", "ledger": str(ledger), "position": position}) + b"\n"


def is_last(line: bytes) -> bool:
    """Return whether a line is none of an entry, but means to say where the entries end."""
    return line.startswith(_BEGINS)


def check_last(line: bytes, ledger: UUID, position: int) -> None:
    """Hold such a line against the entries before it. Raises ValueError with a sentence."""
    if line == last_line(ledger, position) and position > 0:
        return
    if line[-1:] != b"\n":
        raise ValueError("the line has no end; the file was cut off.")
    try:
        told = orjson.loads(line)
        of, said = UUID(told["ledger"]), told["position"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("this is not a last line that an export writes.") from None
    if position > 0 and of != ledger:
        raise ValueError(f"the file says that it ends ledger {of}, and its entries are of {ledger}.")
    if said != position:
        raise ValueError(
            f"the file was written up to position {said}, and the entries before this line end at {position}; "
            "entries are missing, or not of this file."
        )
    raise ValueError("the last line is not spelled as an export writes it.")
