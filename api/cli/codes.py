"""The exit codes of the command line: the one table, shown in `--help` and in the docs."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    UNAVAILABLE = 5
    DIFFERS = 6
    NOT_ALLOWED = 7
    INTERRUPTED = 130
    NOT_READ = 141


MEANINGS: dict[Code, str] = {
    Code.DONE: "done",
    Code.REFUSED: "refused by a rule; nothing was recorded",
    Code.USAGE: "the command line was not understood: a word, an option, or a value that it cannot take",
    Code.NOT_FOUND: "nothing of that name, or a basis that this ledger does not have",
    Code.CONFLICT: "the record has moved on, or the place is taken (a ledger that is not empty)",
    Code.UNAVAILABLE: "no ledger, no database, or a key, file or address that cannot be used",
    Code.DIFFERS: "verify found a difference",
    Code.NOT_ALLOWED: "no token, an unknown token, or a person who may not do this",
    Code.INTERRUPTED: "interrupted",
    Code.NOT_READ: "whoever read the output left before its end; what was recorded stays recorded",
}

NAMES: dict[Code, str] = {
    Code.DONE: "done",
    Code.REFUSED: "refused",
    Code.USAGE: "not_understood",
    Code.NOT_FOUND: "not_found",
    Code.CONFLICT: "conflict",
    Code.UNAVAILABLE: "unavailable",
    Code.DIFFERS: "differs",
    Code.NOT_ALLOWED: "not_allowed",
    Code.INTERRUPTED: "interrupted",
    Code.NOT_READ: "not_read",
}
"""What programs read of a refusal that has no code of its own."""

_KINDS: dict[str, Code] = {
    "invalid": Code.REFUSED,
    "closed": Code.REFUSED,
    "unknown": Code.NOT_FOUND,
    "conflict": Code.CONFLICT,
    "stale": Code.CONFLICT,
    "behind": Code.UNAVAILABLE,
    "unavailable": Code.UNAVAILABLE,
    "forbidden": Code.NOT_ALLOWED,
    "unauthorised": Code.NOT_ALLOWED,
}


def code_of_kind(kind: str) -> Code:
    """Return the exit code of a refusal's kind."""
    return _KINDS.get(kind, Code.REFUSED)


def epilogue() -> str:
    """Return the table of exit codes as it stands under `--help`."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\b\nExit codes:\n" + "\n".join(lines)
