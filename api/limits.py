"""Every limit of the product in one table: `python -m api.limits > docs/limits.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from aggregates.command import MOST_CHANGES
from aggregates.cycle.decide import LONGEST_CYCLE_DAYS
from aggregates.decision.decide import MOST_LINES, MOST_TOUCHED
from aggregates.finding.commands import MOST_FINDINGS
from aggregates.measures import MOST_STAGES, MOST_STEPS
from aggregates.objective.events import MOST_PEOPLE
from api.connection import HEAD_LIMIT
from api.crowd import UNREAD
from api.door import (
    LISTENERS,
    LISTENERS_PER_TOKEN,
    READS_PER_SECOND,
    UNDER_WAY,
    WAITING_SECONDS,
    WRITES_PER_SECOND,
)
from api.exporting.sheets import MOST_ROWS as MOST_ROWS_OF_A_SHEET
from api.imports.limits import LIMITS as LIMITS_OF_FILES
from api.imports.limits import NOT_READ
from api.kept import MOST_KEPT_BYTES
from api.middleware import BODY_LIMIT
from api.paging import MOST_ROWS
from api.parameters import LONGEST_PARAMETER
from api.reading import ANSWERS_AT_ONCE
from api.routes.entries import MOST_ENTRIES
from ledger.foreseen import STATES_KEPT
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
    Limit(
        "wait of a request until its work begins, unless set otherwise",
        WAITING_SECONDS,
        "seconds",
        "server_is_busy",
    ),
    Limit(
        "wait of a request behind others of its connection, unless that wait is set otherwise",
        round(WAITING_SECONDS * UNREAD),
        "seconds",
        "server_is_busy",
    ),
    Limit("rows of a workbook that is asked for", MOST_ROWS_OF_A_SHEET, "rows", "too_many_rows"),
    Limit("findings that one command answers", MOST_FINDINGS, "findings", "too_many_findings"),
    Limit("changes that one decision carries out", MOST_CHANGES, "changes", "too_long"),
    Limit("objectives that one decision touches", MOST_TOUCHED, "objectives", "too_many_objectives"),
    Limit("lines of one objective", MOST_LINES, "lines", "too_many_lines"),
    Limit("days of a cycle", LONGEST_CYCLE_DAYS, "days", "cycle_dates_are_impossible"),
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
before the first byte goes out, {ANSWERS_AT_ONCE} of them at a time; who comes after that waits. To send a table as it
is made would keep the answer itself, which is several times as large, for as long as a slow reader takes. Rows of a
workbook lie on the disk while it is made, its bytes do not. Measured: 20,000
findings are 75 MB as an answer, and their table is 9 MB of CSV or 22 MB of NDJSON beside it; a history of 10,000
entries is 19 MB, and 10 or 26 MB. Of what was answered {_KEPT_MB} MB are kept at most. On the command line a table is
written as it is made, with 2 MB beside the answer. The record itself, of whatever length, leaves in constant memory:
`export`, the feed, the views.

## What is tried is kept as bytes until the end

An import holds no more for a long table than for a short one. A dry run holds the states of the last {STATES_KEPT:,}
objectives and of every other the compressed bytes of what would be recorded, about 1.5 KB, because a later row may rest
on it: from these it is followed anew. Measured, five key results to an objective: 98 MB for a process that tries 5,000
rows, 155 MB for 20,000, 169 MB for 50,000. `--strict` tries before it records, so it holds as much.
"""


_FILES = """
## Files that are taken over

What `import` and `reconcile` read of a file. A file over a limit is refused; a cell or a line over one is listed as a
fault with its place and the rest is read; what is *doubtful* is listed for a person to decide. No packing ratio is
looked at: a workbook may be packed as tightly as it likes, and what it unpacks to is bounded. Rows have no bound of
their own. `tests/imports/test_limits.py` sees to it that none is missing here.
"""


def table() -> str:
    """Return the document."""
    files = ["", *_rows(LIMITS_OF_FILES)]
    return "\n".join([_INTRODUCTION, *_rows(LIMITS), _FILES.rstrip("\n"), *files, _WHOLE])


def _rows(limits: Iterable[Limit]) -> list[str]:
    told = ((one, one.code if one.code in (NOT_READ, "doubtful") else f"`{one.code}`") for one in limits)
    rows = [f"| {one.what} | {one.most:,} {one.unit} | {code} |" for one, code in told]
    return ["| What | At most | Code |", "|---|---|---|", *rows]


if __name__ == "__main__":
    sys.stdout.write(table())
