"""An answer's head and its body on their way out together: one call of the kernel, one waking of whoever reads."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_LENGTH: Final = b"\r\ncontent-length: "
TOGETHER: Final = 64 * 1024
"""A body that is larger goes behind its head by itself: joining them would copy it once more."""


class Together:
    """The transport of one answer: a head that says how long its body is waits for the body, which comes at once."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write what there is, a head with its body."""
        if self._head:
            head, self._head = self._head, b""
            if len(data) > TOGETHER:
                self._transport.write(head)
            else:
                data = b"".join((head, data))
        elif data.startswith(b"HTTP/1.1 ") and _LENGTH in data:
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write a head that has no body, as that of a HEAD request."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Write what waits, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
