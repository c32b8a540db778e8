"""A few entries as a question that is sent with others: whoever begins something else learns what follows with it."""

from __future__ import annotations

from typing import Final

from psycopg.pq.abc import PGresult

from ledger.calls import Asked, instant, int4, int8, of_int8, statement, text
from ledger.codec import RawEntry
from ledger.library import COLUMNS

_NEXT: Final = f"select {COLUMNS} from entries where position > $1 order by position limit $2"  # noqa: S608


def entries_after(position: int, limit: int) -> Asked:
    """Return the question for at most so many entries after a position; `entries_in` reads the answer."""
    return statement(_NEXT, 2), (of_int8(position), of_int8(limit))


def entries_in(rows: PGresult) -> list[RawEntry]:
    """Return the entries of an answer, in their order."""
    return [
        RawEntry(
            int8(rows.get_value(row, 0)),
            instant(rows.get_value(row, 1)),
            text(rows.get_value(row, 2)) or "",
            int4(rows.get_value(row, 3)),
            text(rows.get_value(row, 4)) or "",
            rows.get_value(row, 5) or b"",
        )
        for row in range(rows.ntuples)
    ]
