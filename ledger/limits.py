"""Every limit of the record in one table: what is longer, larger or more is refused with a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aggregates.values import LINE_LENGTH, NUMBER_DIGITS_AFTER, NUMBER_DIGITS_BEFORE, TEXT_LENGTH

EVENTS_PER_APPEND: Final = 1_000
"""Events that are recorded together."""
BYTES_PER_ENTRY: Final = 32 * 1024
"""Bytes of one stored entry."""
BYTES_PER_APPEND: Final = 4_000_000
"""Bytes of all entries that are recorded together."""
READS_PER_APPEND: Final = 1_000
"""Streams that a decision may have looked at."""
CLOCK_BOUND_SECONDS: Final = 5
"""Seconds by which the last entry may be ahead of the database's clock before an append is refused."""
LOCK_SECONDS: Final = 10
"""Seconds that an append waits for whoever is appending, or a reading for whoever holds a table; then it is refused."""
RETRIES: Final = 8
"""Times that a command is decided when others keep changing what it read."""
PAGE: Final = 10_000
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what it bounds, how much, in which unit, and the code of its refusal."""

    what: str
    most: int
    unit: str
    code: str


LIMITS: Final = (
    Limit("events in one append", EVENTS_PER_APPEND, "events", "append_is_too_large"),
    Limit("bytes of one entry", BYTES_PER_ENTRY, "bytes", "append_is_too_large"),
    Limit("bytes of one append", BYTES_PER_APPEND, "bytes", "append_is_too_large"),
    Limit("streams that one decision reads", READS_PER_APPEND, "streams", "append_is_too_large"),
    Limit("entry ahead of the database's clock", CLOCK_BOUND_SECONDS, "seconds", "clock_is_behind"),
    Limit("wait for whoever is appending", LOCK_SECONDS, "seconds", "ledger_is_busy"),
    Limit("wait for whoever holds a table of the answers", LOCK_SECONDS, "seconds", "projection_is_held"),
    Limit("decisions of one command under contention", RETRIES, "times", "too_much_contention"),
    Limit("entries read at once", PAGE, "entries", "page_is_too_large"),
    Limit("a line (title, name, idempotency key)", LINE_LENGTH, "characters", "text_is_too_long"),
    Limit("a text (description, reason, narrative)", TEXT_LENGTH, "characters", "text_is_too_long"),
    Limit("digits of a number before the point", NUMBER_DIGITS_BEFORE, "digits", "number_is_out_of_range"),
    Limit("digits of a number after the point", NUMBER_DIGITS_AFTER, "digits", "number_is_too_precise"),
    Limit("a key of a cycle", 40, "characters", "string_pattern_mismatch"),
    Limit("key results of one objective", 50, "key results", "too_many_key_results"),
)
"""The table that the documentation prints and the tests walk through."""
