"""New identifiers: version 7 of RFC 9562, which sort by the time at which they were made."""

from __future__ import annotations

import os
import threading
import time
from array import array
from uuid import UUID

_DRAWN_AT_ONCE = 256
"""Identifiers whose random bits are drawn from the system together."""

_lock = threading.Lock()
_last = 0
_random = array("Q")


def _forget() -> None:
    """Draw anew in a process that was forked from this one: it would hand out the same bits."""
    global _random, _lock
    _random, _lock = array("Q"), threading.Lock()


os.register_at_fork(after_in_child=_forget)


def new_id() -> UUID:
    """Return a new identifier; within this process each is greater than the one before.

    Layout: 48 bits of milliseconds, 4 bits version, 12 bits of the fraction of the millisecond (method 3 of section
    6.2), 2 bits variant, 62 random bits. No answer of the ledger depends on the time inside it.
    """
    global _last
    with _lock:
        stamp = time.time_ns() * 4096 // 1_000_000
        _last = stamp = max(stamp, _last + 1)
        if not _random:
            _random.frombytes(os.urandom(8 * _DRAWN_AT_ONCE))
        random = _random.pop()
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random >> 2)
