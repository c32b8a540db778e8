"""An answer's head and its body on their way out together: one call of the kernel, one waking of whoever reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

_LENGTH: Final = b"\r\ncontent-length: "
TOGETHER: Final = 64 * 1024
"""A body that is larger goes behind its head by itself: joining them would copy it once more."""


class Together:
    """The transport of one answer: a head that says how long its body is waits for the body, which comes at once."""

    __slots__ = ("_close", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        """Write to a transport, which `close` closes."""
        self._transport = transport
        self._close = close
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
        self._close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def with_care(cycle: Any, app: Any) -> Any:
    """Return the application for a caller of HTTP/1.0, or for one who waits to be asked for the body.

    To the first no chunks are sent: the answer ends with the connection. Where the second is not asked, nobody can tell
    whether what comes next is the body or another request.
    """

    async def answered(scope: Any, receive: Any, send: Any) -> None:
        is_old, has_length = scope["http_version"] == "1.0", False

        async def send_with_care(message: Any) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
                if is_old and not has_length:
                    cycle.chunked_encoding = False
                if cycle.waiting_for_100_continue:
                    cycle.keep_alive = False
            elif is_old and not has_length:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_with_care)

    return answered


def until_the_end(app: Any, cut: Callable[[], None]) -> Any:
    """Return the application for a server that ends: whose answer it does not wait for any longer is `cut` off.

    An answer that says nothing true is worse than none: what was asked may be done or not, and who sends it again under
    its idempotency key hears which.
    """

    async def answered(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            cut()

    return answered
