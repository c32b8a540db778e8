"""A proxy before PostgreSQL that cuts a connection: before a command arrives, or between its commit and the answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

READY = b"Z\x00\x00\x00\x05I"
"""The end of PostgreSQL's answer outside a transaction: what was asked is committed."""


class Proxy:
    """Forwards every connection; the first that carries `mark` is cut, as `cut` says.

    `before` or `after` the server, or `unseen`: after the server, which does not notice.

    `address` reaches the server through the proxy; `cuts` counts the connections that were cut; with `closed` set
    nobody gets through any more after that.
    """

    def __init__(self, url: str) -> None:
        told = conninfo_to_dict(url)
        host, port = str(told.get("host") or "127.0.0.1"), int(told.get("port") or 5432)
        self._server: tuple[str, int] | str = (
            f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        here = self._listener.getsockname()[1]
        self.address = make_conninfo(
            url, host="127.0.0.1", port=here, sslmode="disable", gssencmode="disable"
        )
        self.mark: bytes | None = None
        self.cut = "after"
        self.cuts = 0
        self.closed = False
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
            server.connect(self._server)
            self._open += [client, server]
            marked = threading.Event()
            threading.Thread(target=self._forward, args=(client, server, marked), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, server, marked), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, marked: threading.Event) -> None:
        seen = b""
        with suppress(OSError):
            while data := client.recv(65_536):
                seen = (seen + data)[-200_000:]
                if self._is_marked(seen):
                    marked.set()
                    if self.cut == "before":
                        self._end(client, server)
                        return
                server.sendall(data)
        if not (marked.is_set() and self.cut == "unseen"):
            self._end(client, server)

    def _is_marked(self, seen: bytes) -> bool:
        with self._lock:
            if self.mark is None or self.mark not in seen:
                return False
            self.mark = None
            self.cuts += 1
            return True

    def _answer(self, client: socket.socket, server: socket.socket, marked: threading.Event) -> None:
        answer = b""
        with suppress(OSError):
            while data := server.recv(65_536):
                if marked.is_set():
                    answer += data
                    if READY in answer:
                        if self.closed:
                            self._end(*self._open)
                        elif self.cut == "unseen":
                            self._end(client)
                            return
                        break
                    continue
                client.sendall(data)
        self._end(client, server)

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End every connection and take no more."""
        self.closed = True
        self._listener.close()
        self._end(*self._open)
        for end in self._open:
            end.close()


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """Give a proxy before the server of this address."""
    made = Proxy(url)
    try:
        yield made
    finally:
        made.close()
