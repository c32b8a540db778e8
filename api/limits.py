"""Every limit of the product in one table: `python -m api.limits > docs/limits.md`."""

from __future__ import annotations

import sys
from typing import Final

from aggregates.command import MOST_CHANGES
from aggregates.finding.commands import MOST_FINDINGS
from aggregates.measures import MOST_STAGES, MOST_STEPS
from aggregates.objective.events import MOST_PEOPLE
from api.connection import HEAD_LIMIT
from api.door import LISTENERS, LISTENERS_PER_TOKEN, READS_PER_SECOND, WRITES_PER_SECOND
from api.middleware import BODY_LIMIT
from api.paging import MOST_ROWS
from api.parameters import LONGEST_PARAMETER
from api.routes.entries import MOST_ENTRIES
from ledger.limits import LIMITS as LIMITS_OF_THE_RECORD
from ledger.limits import Limit

LIMITS: Final = (
    Limit("bytes of a request's body, or of a line of `record`", BODY_LIMIT, "bytes", "body_is_too_large"),
    Limit("bytes of a request's line and headers", HEAD_LIMIT, "bytes", "request_is_malformed"),
    Limit("a parameter of an address", LONGEST_PARAMETER, "characters", "parameter_is_invalid"),
    Limit(
        "rows of a page of history, decisions, findings, people", MOST_ROWS, "rows", "parameter_is_invalid"
    ),
    Limit("entries of a page of the feed", MOST_ENTRIES, "entries", "parameter_is_invalid"),
    Limit(
        "reads of one token in a second, unless set otherwise",
        READS_PER_SECOND,
        "requests",
        "too_many_requests",
    ),
    Limit(
        "writes of one token in a second, unless set otherwise",
        WRITES_PER_SECOND,
        "requests",
        "too_many_requests",
    ),
    Limit(
        "listeners with one token, unless set otherwise", LISTENERS_PER_TOKEN, "streams", "too_many_listeners"
    ),
    Limit("listeners of one server, unless set otherwise", LISTENERS, "streams", "too_many_listeners"),
    Limit("findings that one command answers", MOST_FINDINGS, "findings", "too_many_findings"),
    Limit("changes that one decision carries out", MOST_CHANGES, "changes", "too_long"),
    Limit("people that a visibility names", MOST_PEOPLE, "people", "too_long"),
    Limit("stages of a milestone measure", MOST_STAGES, "stages", "too_long"),
    Limit("steps of a phased target", MOST_STEPS, "steps", "too_long"),
    *LIMITS_OF_THE_RECORD,
)
"""The doors' limits, then those of the record."""

_INTRODUCTION = """\
# Limits

Made from the code; do not edit by hand (`python -m api.limits > docs/limits.md`). What is over a limit is refused with
the code, a sentence and the field, and nothing is recorded. Of a rate, two seconds' worth may be asked at once.
`tests/api/test_limits.py` goes one over each of them.
"""


def table() -> str:
    """Return the document."""
    rows = [f"| {one.what} | {one.most:,} {one.unit} | `{one.code}` |" for one in LIMITS]
    return "\n".join([_INTRODUCTION, "| What | At most | Code |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(table())
