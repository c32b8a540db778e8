"""The connections of the HTTP door: each request arrives in time, and what is no HTTP is answered as a problem."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import h11
import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import MEDIA_TYPE, RequestIsMalformed, problem_kind

REQUEST_SECONDS: Final = 20.0
"""How long a request may take to arrive, its body included; a connection that asks nothing is closed sooner."""


TAKING_SECONDS: Final = 30.0
"""How long a caller may take nothing of an answer that waits for it; then the connection is cut."""

SLOW: Final = b": Nothing was taken of this stream for too long, so it ends here; go on from the last id.\n\n"
"""The last thing that a listener reads who was too slow."""

_log = logging.getLogger(__name__)


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, which would wait for ever for the rest of a request, and for who takes no answer."""

    _due: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None

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
        if not cycle.response_started or self.conn.our_state is not h11.SEND_BODY:
            return False
        cycle.disconnected = True  # whoever makes the answer writes no more of it, and hears that it is over
        cycle.message_event.set()
        for event in (h11.Data(data=SLOW), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()  # once what waits was taken
        return True

    def _stop_waiting(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; stop the clock once the request is whole."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._stop()
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered."""
        kind = problem_kind(RequestIsMalformed, RequestIsMalformed.status)
        body = {"type": kind.address, "title": kind.title, "status": kind.status, "detail": msg}
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
        events: list[Any] = [
            h11.Response(status_code=kind.status, headers=headers, reason=b"Bad Request"),
            h11.Data(data=orjson.dumps(body)),
            h11.EndOfMessage(),
        ]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _look(self) -> None:
        """Let the clock run while a request is incomplete, and only then."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            self._stop()
        elif self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
