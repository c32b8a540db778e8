"""Every limit of the product in one table: `python -m api.limits > docs/limits.md`."""

from __future__ import annotations

import sys
from typing import Final

from aggregates.command import MOST_CHANGES
from aggregates.measures import MOST_STAGES, MOST_STEPS
from api.middleware import BODY_LIMIT
from api.parameters import LONGEST_PARAMETER
from ledger.limits import LIMITS as LIMITS_OF_THE_RECORD
from ledger.limits import Limit

LIMITS: Final = (
    Limit("bytes of a request's body, or of a line of `record`", BODY_LIMIT, "bytes", "body_is_too_large"),
    Limit("a parameter of an address", LONGEST_PARAMETER, "characters", "parameter_is_invalid"),
    Limit("changes that one decision carries out", MOST_CHANGES, "changes", "too_long"),
    Limit("stages of a milestone measure", MOST_STAGES, "stages", "too_long"),
    Limit("steps of a phased target", MOST_STEPS, "steps", "too_long"),
    *LIMITS_OF_THE_RECORD,
)
"""The doors' limits, then those of the record."""

_INTRODUCTION = """\
# Limits

Made from the code; do not edit by hand (`python -m api.limits > docs/limits.md`). What is over a limit is refused with
the code, a sentence and the field, and nothing is recorded. `tests/api/test_limits.py` goes one over each of them.
"""


def table() -> str:
    """Return the document."""
    rows = [f"| {one.what} | {one.most:,} {one.unit} | `{one.code}` |" for one in LIMITS]
    return "\n".join([_INTRODUCTION, "| What | At most | Code |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(table())
