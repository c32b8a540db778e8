"""When a request arrived: it may have waited in the system for a loop that had other things to do."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import MutableMapping
from typing import Any, Final

_ARRIVED: Final = "arrived"
_HAS_SAID_ALL: Final = "has_said_all"
_INFO: Final = socket.TCP_INFO if sys.platform == "linux" else None
_LAST_DATA: Final = struct.Struct("=52xI")
"""Milliseconds since something was received last, `tcpi_last_data_recv` of Linux's `struct tcp_info`."""


def note_arrival(scope: MutableMapping[str, Any], transport: asyncio.BaseTransport) -> None:
    """Write down when the last bytes of a request arrived here, by the clock of the loop."""
    ago = _seconds_ago(
        transport
    )  # before the clock is read: a pause between the two must not count as a wait
    scope.setdefault("state", {})[_ARRIVED] = time.monotonic() - ago


def arrival_of(scope: MutableMapping[str, Any]) -> float:
    """Return when a request arrived; now, where nobody wrote it down."""
    found: float | None = scope.get("state", {}).get(_ARRIVED)
    return time.monotonic() if found is None else found


def note_end(scope: MutableMapping[str, Any]) -> None:
    """Write down that the caller says nothing more on this connection, and perhaps has left."""
    scope.setdefault("state", {})[_HAS_SAID_ALL] = True


def has_said_all(scope: MutableMapping[str, Any]) -> bool:
    """Return whether the caller says nothing more."""
    return _HAS_SAID_ALL in scope.get("state", {})


def _seconds_ago(transport: asyncio.BaseTransport) -> float:
    """Return how long ago something was received last; 0 where the system does not say."""
    line = transport.get_extra_info("socket")
    if _INFO is None or line is None:
        return 0.0
    try:
        told = line.getsockopt(socket.IPPROTO_TCP, _INFO, _LAST_DATA.size)
        return float(_LAST_DATA.unpack(told)[0]) / 1_000
    except (OSError, struct.error):
        return 0.0
