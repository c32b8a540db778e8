"""The connections of the HTTP door: each request arrives in time, and what is no HTTP is answered as a problem."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from contextlib import suppress
from functools import partial
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.arrivals import note_arrival, note_end
from api.problems import Fault
from api.request_line import VERSIONS, answer_to, fault_of, malformed, version_fault
from api.sending import Together, until_the_end, with_care
from api.visits import visit_of

REQUEST_SECONDS: Final = 20.0
"""How long a request may take to arrive, its body included; a connection that asks nothing is closed sooner."""

HEAD_LIMIT: Final = 16 * 1024
"""The most bytes of a request before its body: its line and its headers."""

TAKING_SECONDS: Final = 30.0
"""How long a caller may take nothing of an answer that waits for it; then the connection is cut."""

SLOW: Final = b": Nothing was taken of this stream for too long, so it ends here; go on from the last id.\n\n"
"""The last thing that a listener reads who was too slow."""

LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 4 * 1024 * 1024
"""How long and how much is read and thrown away behind an answer that was given before its request was whole: where a
connection ends with something unread, the caller's system may throw the answer away."""

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Za-z:.]+\])(?::[0-9]*)?")
"""A host and perhaps its port; RFC 9112 wants anything else in the header Host refused."""
_log = logging.getLogger(__name__)


class PunctualProtocol(HttpToolsProtocol):
    """HTTP/1.1 of uvicorn, which would wait for ever for the rest of a request, and for who takes no answer.

    The parser is llhttp's. It takes some requests that RFC 9112 forbids to answer, heads of any length, and trailers
    for headers; those are refused here. It reads ahead: requests wait in `pipeline` behind the one that is answered.
    """

    _due: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _answering: Any = None
    """The request that is answered, or the last one that was."""
    _sending: Together | None = None
    """Its way out."""
    _unread: int | None = None
    """How many bytes came since a request went on: of its head, or of what stands around its body; None between two."""
    _moved = False
    """Whether the request went on, or another began, with what arrived last."""
    _in_head = False
    _has_body = False
    _wrong: Fault | None = None
    """What is wrong with the request that cannot be read."""
    _arrived: bytes = b""
    """What arrived last, if a request begins with it."""
    _thrown: int | None = None
    """How many bytes were thrown away behind the last answer; None where it was not given too early."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; stop the clock once the request is whole."""
        if self._thrown is not None:
            self._throw_away(len(data))
            return
        self._moved = False
        self._arrived = data if self._unread is None else b""
        super().data_received(data)
        self._arrived = b""
        if self._unread is not None and not self._moved and not self.transport.is_closing():
            self._unread += len(data)
            if self._unread > HEAD_LIMIT:
                self._wrong = malformed(_too_long())
                self.send_400_response("")
        self._look()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what came whole before the caller had nothing more to say, then close; a listener has left."""
        cycle: Any = self._without_half() if self._thrown is None else None
        if cycle is None or cycle.response_complete or cycle.more_body or self._listens():
            return False
        cycle.keep_alive = False
        note_end(cycle.scope)
        visit = visit_of(cycle.scope)
        if visit is not None:
            visit.hurry()
        return True

    def _without_half(self) -> Any:
        """Return the last request that is whole, or the only one; forget one behind it of which a part came."""
        cycle: Any = self.cycle
        if self.pipeline and cycle.more_body:  # half a request is none, and those before it are whole
            self.pipeline.popleft()
            cycle = self.cycle = self.pipeline[0][0] if self.pipeline else self._answering
        return cycle

    def _listens(self) -> bool:
        cycle = self._answering
        return cycle is not None and bool(cycle.scope.get("state", {}).get("listens"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks, and tell whoever makes an answer that nobody waits for it."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._answering is not None:
            self._leave(self._answering)
        self.pipeline.clear()
        self._stop()
        self._stop_waiting()
        held: Any = self
        held.cycle = self._answering = self._sending = None  # they hold this one: a circle for the collector

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._unread, self._in_head, self._has_body = 0, True, False
        self._note_arrival()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer is none, and nothing here asks for one."""
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))  # llhttp leaves the blanks behind a value to us

    def on_headers_complete(self) -> None:
        """Take a head that is whole; raise ValueError, which ends the connection, for one that must not be answered."""
        self._unread, self._moved, self._in_head = 0, True, False
        self._wrong = self._fault()
        if self._wrong is not None:
            raise ValueError(self._wrong.detail)
        if not self._arrived:  # it began with what arrived before
            self._note_arrival()
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # which only a caller of HTTP/1.1 understands
        super().on_headers_complete()
        if self.parser.should_upgrade():
            # what comes behind it may be of the other protocol, which nobody speaks here
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._unread, self._moved, self._has_body = 0, True, True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take a request that is whole."""
        self._unread, self._moved, self._arrived = None, True, b""
        if self._has_body:
            self._note_arrival()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin with the next request that waits; one of which a part came has its whole time for the rest."""
        if self._sending is not None:
            self._sending.flush()
        if self._thrown is not None:
            return
        super().on_response_complete()
        if self._unread is not None and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._look()

    def _note_arrival(self) -> None:
        scope: Any = self.scope
        note_arrival(scope, self.transport)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answering = cycle
        cycle.transport = self._sending = Together(self.transport, self._close)
        if cycle.waiting_for_100_continue or cycle.scope["http_version"] == "1.0":
            app = with_care(cycle, app)
        super()._start_asgi_task(cycle, until_the_end(app, partial(self._cut_off, cycle)))

    def _cut_off(self, cycle: Any) -> None:
        """Close the connection of a request that is not answered, or not any further."""
        self._leave(cycle)
        self.transport.close()

    def _fault(self) -> Fault | None:
        """Return what RFC 9112 forbids in this head, or None."""
        version = self.parser.get_http_version()
        if version not in VERSIONS:
            return version_fault(version)
        wrong = self._fault_in(version)
        return malformed(wrong) if wrong else None

    def _fault_in(self, version: str) -> str:
        size = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n")
        hosts = 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
                if _HOST.fullmatch(value) is None:
                    return "The header Host names no host."
            elif name == b"transfer-encoding" and value.lower() != b"chunked":
                return "The only transfer coding that is understood here is chunked."
        if size > HEAD_LIMIT:
            return _too_long()
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            return "A request of HTTP/1.1 names its host in one header, Host."
        if b"#" in self.url:
            return "The address has a fragment (#), which is never sent."
        return ""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered, and close.

        Requests before it that are whole have their answers, and no more is said; an answer that was begun is only cut.
        """
        self._unread = None
        cycle: Any = self._without_half()
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            self._leave(cycle)  # whoever waits for the rest of it hears that it is none
            if cycle.response_started:
                self.transport.close()
                return
        knows_method = not isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        if self._wrong is None and self._arrived:
            self._wrong = fault_of(self._arrived, knows_method=knows_method, methods_of=self._methods_of)
        if self._wrong is None and not knows_method:
            self._wrong = malformed("This method is none of HTTP's.")
        self.transport.write(answer_to(self._wrong or malformed(msg)))
        self._linger()

    def _methods_of(self, path: str) -> set[str]:
        """Return the methods that a path takes."""
        addresses = getattr(getattr(self.app, "state", None), "addresses", ())
        return set().union(*(methods for pattern, methods in addresses if pattern.fullmatch(path)))

    def _close(self) -> None:
        """Close behind an answer."""
        cycle = self._answering
        if cycle is not None and cycle.more_body and not cycle.disconnected:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Say that nothing more is said, and read on for a while, so that the answer is not lost with the rest."""
        if self._thrown is not None or self.transport.is_closing():
            return
        self._thrown = 0
        self._stop()
        self._unset_keepalive_if_required()
        self._due = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        with suppress(OSError, RuntimeError):
            self.transport.write_eof()
        self.flow.resume_reading()

    def _throw_away(self, number: int) -> None:
        """Read on, up to a bound."""
        self._thrown = (self._thrown or 0) + number
        if self._thrown > LINGER_BYTES:
            self.transport.close()

    def _leave(self, cycle: Any) -> None:
        """Let no more of an answer be written; whoever makes it hears that."""
        if not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            visit = visit_of(cycle.scope)
            if visit is not None:
                visit.leave()

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
        cycle = self._answering
        if cycle is None or cycle.response_complete or not cycle.scope.get("state", {}).get("listens"):
            return False
        if not cycle.response_started or not cycle.chunked_encoding:
            return False
        self._leave(cycle)
        self.transport.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(SLOW), SLOW))
        self.transport.close()  # once what waits was taken
        return True

    def _stop_waiting(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _look(self) -> None:
        """Let the clock run while a request is waited for, and not while one that is whole waits for its answer."""
        cycle = self._answering
        if self._thrown is not None:
            return
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            self._stop()
        elif self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _too_long() -> str:
    return f"The request's line and headers take more than {HEAD_LIMIT:,} bytes."
