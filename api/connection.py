"""The connections of the HTTP door: each request arrives in time, and what is no HTTP is answered as a problem."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Final

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import MEDIA_TYPE, RequestIsMalformed, problem_kind

REQUEST_SECONDS: Final = 20.0
"""How long a request may take to arrive, its body included; a connection that asks nothing is closed sooner."""

HEAD_LIMIT: Final = 16 * 1024
"""The most bytes of a request before its body: its line and its headers."""

TAKING_SECONDS: Final = 30.0
"""How long a caller may take nothing of an answer that waits for it; then the connection is cut."""

SLOW: Final = b": Nothing was taken of this stream for too long, so it ends here; go on from the last id.\n\n"
"""The last thing that a listener reads who was too slow."""

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_log = logging.getLogger(__name__)


class PunctualProtocol(HttpToolsProtocol):
    """HTTP/1.1 of uvicorn, which would wait for ever for the rest of a request, and for who takes no answer.

    The parser is llhttp's. It takes some requests that RFC 9112 forbids to answer, and heads of any length; those are
    refused here.
    """

    _due: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _head: int | None = None
    """How many bytes came of a head that is not whole; None between two heads."""
    _wrong: str = ""
    """What is wrong with the request that cannot be read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; stop the clock once the request is whole."""
        super().data_received(data)
        if self._head is not None and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_LIMIT:
                self._wrong = _too_long()
                self.send_400_response(self._wrong)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        super().connection_lost(exc)
        self._stop()
        self._stop_waiting()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """Take a head that is whole; raise ValueError, which ends the connection, for one that must not be answered."""
        self._head = None
        self._wrong = self._fault()
        if self._wrong:
            raise ValueError(self._wrong)
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = (
                False  # what comes behind it may be of the other protocol, which nobody speaks here
            )

    def _fault(self) -> str:
        """Return what RFC 9112 forbids in this head, or nothing."""
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            return f"HTTP/{version} is not spoken here; send HTTP/1.1."
        size = len(self.url)
        hosts = 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
        if size > HEAD_LIMIT:
            return _too_long()
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return "A request of HTTP/1.1 names its host in one header, Host."
        return ""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered, and close; an answer that was begun is only cut."""
        self._head = None
        cycle: Any = self.cycle
        if self.pipeline and cycle.more_body:
            self.transport.close()  # an answer to this one would be taken for that to an earlier one
            return
        if cycle is not None and not cycle.response_complete:
            if (
                not cycle.more_body
            ):  # the fault lies behind a request that is whole: that one is answered, and no more
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            cycle.disconnected = True  # half a request is none, whoever waits for the rest of it hears that
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        if isinstance(sys.exception(), httptools.HttpParserInvalidMethodError):
            self._wrong = "This method is none of HTTP's."
        kind = problem_kind(RequestIsMalformed, RequestIsMalformed.status)
        body = orjson.dumps(
            {"type": kind.address, "title": kind.title, "status": kind.status, "detail": self._wrong or msg}
        )
        head = (
            f"HTTP/1.1 {kind.status} Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: who asks for another protocol is answered in this one."""

    def pause_writing(self) -> None:
        """Begin to wait for a caller who does not take the answer."""
        super().pause_writing()
        if self._untaken is None:
            waiting = self.transport.get_write_buffer_size()
            self._untaken = self.loop.call_later(TAKING_SECONDS, self._cut, waiting)

    def resume_writing(self) -> None:
        """Stop waiting: the caller takes the answer."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_waiting()

    def _cut(self, waited: int) -> None:
        """Cut the connection where nothing was taken of what waits; who takes little by little is waited for.

        Who listens to a stream is told why, behind what waits, and has as long again to take that.
        """
        self._untaken = None
        waiting = self.transport.get_write_buffer_size()
        if waiting < waited:
            self._untaken = self.loop.call_later(TAKING_SECONDS, self._cut, waiting)
        elif not self.transport.is_closing() and self._say_farewell():
            _log.warning("A listener took nothing for %s seconds; the stream ends.", TAKING_SECONDS)
            self._untaken = self.loop.call_later(TAKING_SECONDS, self._abort)
        else:
            _log.warning("A caller took nothing for %s seconds; the connection is cut.", TAKING_SECONDS)
            self._abort()

    def _abort(self) -> None:
        """Throw away what waits; nothing is left to do where the caller took it meanwhile."""
        self._untaken = None
        self.transport.abort()

    def _say_farewell(self) -> bool:
        """Let a stream of events end in its own form and close behind it; return whether there is one to end."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete or not cycle.scope.get("state", {}).get("listens"):
            return False
        if not cycle.response_started or not cycle.chunked_encoding:
            return False
        cycle.disconnected = True  # whoever makes the answer writes no more of it, and hears that it is over
        cycle.message_event.set()
        self.transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(SLOW), SLOW))
        self.transport.close()  # once what waits was taken
        return True

    def _stop_waiting(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _look(self) -> None:
        """Let the clock run while a request is incomplete, and only then."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body and self._head is None:
            self._stop()
        elif self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _too_long() -> str:
    return f"The request's line and headers take more than {HEAD_LIMIT:,} bytes."
