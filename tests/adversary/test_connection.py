"""Attacks on the door by hand: requests that are framed twice, that hide in each other, that end in the middle.

Every test here failed once, or holds a wall that was leaned on.
"""

from __future__ import annotations

import gc
import json
import re
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from api import connection as door
from api.connection import PunctualProtocol
from api.stream import Tail
from tests.api.conftest import House, house
from tests.waiting import PATIENCE, until

__all__ = ["house"]


@contextmanager
def line_to(house: House) -> Iterator[socket.socket]:
    """A connection to the house."""
    place = urlsplit(house.address)
    with socket.create_connection((place.hostname, place.port or 80), timeout=PATIENCE) as raw:
        yield raw


def once_answered(raw: socket.socket, house: House) -> None:
    """Let the house answer on a connection: then it knows it, and no clock runs for what is asked next."""
    raw.sendall(asked(house, "GET /v1/health"))
    assert raw.recv(65_536).startswith(b"HTTP/1.1 200 ")


def rest_of(raw: socket.socket) -> bytes:
    """What comes back until the house closes the connection."""
    parts = []
    while part := raw.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def knock(house: House, *parts: bytes) -> list[int]:
    """Send these parts, each once the one before was answered; return the statuses of all answers until the end."""
    found = b""
    with line_to(house) as raw:
        for part in parts[:-1]:
            raw.sendall(part)
            found += raw.recv(65_536)
        raw.sendall(parts[-1])
        found += rest_of(raw)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", found)]


def asked(house: House, path: str, *lines: str, by: str | None = "ada", version: str = "1.1") -> bytes:
    token = f"Authorization: Bearer {house.tokens[by]}\r\n" if by else ""
    method, path = path.split(" ")
    more = "".join(f"{line}\r\n" for line in lines)
    return f"{method} {path} HTTP/{version}\r\nHost: a\r\n{token}{more}\r\n".encode()


def told(house: House, *lines: str, by: str | None = "ada", version: str = "1.1") -> bytes:
    """The head of a command about a cycle that is not there: 404 where it is understood."""
    kind = "Content-Type: application/json"
    return asked(house, "POST /v1/cycles/none/openings", kind, *lines, by=by, version=version)


def test_a_trailer_is_no_header(house: House) -> None:
    # given a command without a token, and one behind its body
    body = f"2\r\n{{}}\r\n0\r\nAuthorization: Bearer {house.tokens['ada']}\r\n\r\n".encode()
    command = told(house, "Transfer-Encoding: chunked", by=None) + body
    # then it is a command without a token
    assert knock(house, command + asked(house, "GET /v1/health", "Connection: close")) == [401, 200]


@pytest.mark.parametrize(
    ("lines", "body", "says"),
    [
        (["Transfer-Encoding: gzip, chunked"], b"2\r\n{}\r\n0\r\n\r\n", "transfer coding"),
        (["Transfer-Encoding: chunked", "X: y"], b"2;%b" % (b"x" * 300_000), "16,384 bytes"),
        (["Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\nX: %b" % (b"x" * 300_000), "16,384 bytes"),
    ],
    ids=["another coding", "endless extension", "endless trailer"],
)
def test_what_stands_around_a_body_has_its_bounds(
    house: House, lines: list[str], body: bytes, says: str
) -> None:
    with line_to(house) as raw:
        raw.sendall(told(house, *lines))
        with suppress(OSError):  # the house does not read to the end what it refuses
            raw.sendall(body)
        answer = raw.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert says in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]


@pytest.mark.parametrize(
    "line", ["GET /v1/health#x HTTP/1.1\r\nHost: a", "GET /v1/health HTTP/1.1\r\nHost: a/b?c"]
)
def test_an_address_with_what_is_none_is_refused(house: House, line: str) -> None:
    assert knock(house, f"{line}\r\n\r\n".encode()) == [400]


def test_blanks_behind_a_header_are_no_part_of_it(house: House) -> None:
    # given a command that is sent a second time, by somebody who writes blanks behind the headers
    body = b'{"name":"Blanks"}'
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    first = asked(house, "POST /v1/teams", *lines, "Idempotency-Key: blanks")
    again = asked(house, "POST /v1/teams", *lines, "Idempotency-Key: blanks \t", "Connection: close ")
    with line_to(house) as raw:
        raw.sendall(first + body + again.replace(b"Host: a", b"Host: a ") + body)
        found = rest_of(raw)
    # then it is the same command
    assert b"idempotency-replayed: true" in found.lower()


@pytest.mark.parametrize("before", [1, 2])
def test_a_fault_in_a_later_body_takes_no_answer_away(house: House, before: int) -> None:
    # given requests that are whole, and behind them one whose body cannot be read
    whole = asked(house, "GET /v1/cycles") * before
    statuses = knock(house, whole + told(house, "Transfer-Encoding: chunked") + b"zz\r\n")
    # then each of them is answered: once none was
    assert statuses == [200] * before


def test_half_a_head_behind_a_large_body_is_the_beginning_of_a_request(house: House) -> None:
    large = told(house, "Content-Length: 20000") + b" " * 19_998 + b"{}"
    last = asked(house, "GET /v1/health", "Connection: close")
    assert knock(house, large + last[:9], last[9:]) == [404, 200]


def test_the_clock_runs_for_who_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an answer that takes longer than a request may, and half a request behind it, then nothing is cut."""
    with line_to(house) as raw:
        once_answered(raw, house)
        monkeypatch.setattr(door, "REQUEST_SECONDS", 0.3)
        raw.sendall(asked(house, "GET /v1/stream") + b"GET /v1/hea")
        found = b""
        while not found.endswith(b"\n\n\r\n"):  # the first event
            part = raw.recv(65_536)
            assert part
            found += part
        raw.settimeout(1)
        with suppress(TimeoutError):  # a connection that was cut would say so at once
            assert raw.recv(65_536) != b""  # a sign of life is one


def test_half_a_request_that_waited_behind_another_is_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PunctualProtocol, "timeout_keep_alive_handler", lambda _: None)
    with line_to(house) as raw:
        once_answered(raw, house)
        monkeypatch.setattr(door, "REQUEST_SECONDS", 0.3)
        raw.sendall(asked(house, "GET /v1/cycles") + b"GET /v1/hea")
        # then it is that clock which ends it: the one of an idle connection closes nothing here
        assert rest_of(raw).count(b"HTTP/1.1 200 ") == 1


def test_a_connection_that_ended_leaves_no_circle_with_its_last_request(house: House) -> None:
    # given connections that asked and were answered
    ended: list[weakref.ref[PunctualProtocol]] = []
    gc.collect()
    gc.disable()
    try:
        for wanted in ("GET /v1/cycles", "HEAD /v1/cycles/now", "GET /v1/none"):
            with line_to(house) as raw:
                raw.sendall(asked(house, wanted))
                assert raw.recv(9) == b"HTTP/1.1 "
                ended += [weakref.ref(one) for one in gc.get_objects() if type(one) is PunctualProtocol]
        # when they ended, then nothing of them waits for the collector
        until(lambda: not any(is_closing(one()) for one in ended))
    finally:
        gc.enable()


def is_closing(connection: PunctualProtocol | None) -> bool:
    return connection is not None and connection.transport.is_closing()


def test_who_leaves_with_a_request_behind_the_stream_listens_no_more(house: House) -> None:
    # given somebody who listens, and sends a request behind that
    with line_to(house) as raw:
        raw.sendall(asked(house, "GET /v1/stream") + asked(house, "GET /v1/cycles"))
        assert raw.recv(65_536).startswith(b"HTTP/1.1 200 ")
        (tail,) = [
            one
            for one in gc.get_objects()
            if isinstance(one, Tail) and one._look == house.desk.probe.standing
        ]
        assert tail._listening
    # when they leave, then their place is free: once it was taken for ever
    until(lambda: not tail._listening)


def test_a_caller_of_http_1_0_gets_no_chunks_and_nothing_before_the_answer(house: House) -> None:
    with line_to(house) as raw:
        raw.sendall(asked(house, "GET /v1/stream", version="1.0"))
        found = b""
        while b": from " not in found:
            found += raw.recv(65_536)
    head, _, body = found.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b": from ")
    waits = told(house, "Content-Length: 2", "Expect: 100-continue", version="1.0")
    assert knock(house, waits + b"{}") == [404]


def test_who_waits_to_be_asked_for_a_body_and_is_not_asked_gets_the_last_answer(house: House) -> None:
    # given a caller who sends the body only when told to, and who may send another request instead
    waits = told(house, "Content-Length: 60", "Expect: 100-continue", by=None)
    with line_to(house) as raw:
        raw.sendall(waits)
        head = raw.recv(65_536).partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in head
