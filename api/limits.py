"""Every limit of the product in one table: `python -m api.limits > docs/limits.md`."""

from __future__ import annotations

import sys
from typing import Final

from aggregates.command import MOST_CHANGES
from aggregates.finding.commands import MOST_FINDINGS
from aggregates.measures import MOST_STAGES, MOST_STEPS
from aggregates.objective.events import MOST_PEOPLE
from api.connection import HEAD_LIMIT
from api.door import LISTENERS, LISTENERS_PER_TOKEN, READS_PER_SECOND, UNDER_WAY, WRITES_PER_SECOND
from api.kept import MOST_KEPT_BYTES
from api.middleware import BODY_LIMIT
from api.paging import MOST_ROWS
from api.parameters import LONGEST_PARAMETER
from api.reading import ANSWERS_AT_ONCE
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
    Limit("requests under way in one server, unless set otherwise", UNDER_WAY, "requests", "server_is_busy"),
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


_KEPT_MB = MOST_KEPT_BYTES // 1024 // 1024
_WHOLE = f"""
## Answers are made whole

An answer is one picture of one position, and so are its flat table and its ETag: both are whole in the server's memory
before the first byte goes out, {ANSWERS_AT_ONCE} of them at a time; who comes after that waits. Measured: 20,000
findings are 75 MB as an answer, and their table is 9 MB of CSV or 22 MB of NDJSON beside it; a history of 10,000
entries is 19 MB, and 10 or 26 MB. Of what was answered {_KEPT_MB} MB are kept at most. On the command line a table is
written as it is made, with 2 MB beside the answer. The record itself, of whatever length, leaves in constant memory:
`export`, the feed, the views.
"""


def table() -> str:
    """Return the document."""
    rows = [f"| {one.what} | {one.most:,} {one.unit} | `{one.code}` |" for one in LIMITS]
    return "\n".join([_INTRODUCTION, "| What | At most | Code |", "|---|---|---|", *rows, _WHOLE])


if __name__ == "__main__":
    sys.stdout.write(table())
