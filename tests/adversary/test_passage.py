"""How a request comes in and its answer goes out where the caller does it in an unusual way, by hand."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import suppress

import pytest

from api import connection as door
from api import visits
from tests.adversary.test_connection import asked, knock, line_to, rest_of, told
from tests.api.conftest import House, house
from tests.waiting import PATIENCE

__all__ = ["house"]


@pytest.fixture(autouse=True)
def _nobody_is_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing more is waited for as long as a test waits, however busy the machine is."""
    monkeypatch.setattr(visits, "HURRIED_SECONDS", PATIENCE)


def statuses(found: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", found)]


def after_half(house: House, sent: bytes) -> bytes:
    """Send this, say that nothing more comes, and return what is answered until the end."""
    with line_to(house) as raw:
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        return rest_of(raw)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_has_nothing_more_to_say_is_answered(house: House, version: str) -> None:
    """As `nc -N` does: the request, then the end of what is sent; the other side ends behind the answer.

    An answer that was on its way before the end was read cannot say that it is the last.
    """
    found = after_half(house, asked(house, "GET /v1/cycles", version=version))
    assert statuses(found) == [200]
    assert json.loads(found.partition(b"\r\n\r\n")[2])["cycles"]


def test_requests_behind_each_other_are_answered_after_the_end_and_half_a_one_is_none(house: House) -> None:
    body = b'{"name":"Behind each other"}'
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    team = asked(house, "POST /v1/teams", *lines) + body
    health = asked(house, "GET /v1/health")
    assert statuses(after_half(house, health + team + health)) == [200, 201, 200]
    assert statuses(after_half(house, health + health + team[:-3])) == [200, 200]
    assert statuses(after_half(house, health + b"GET /v1/hea")) == [200]
    assert statuses(after_half(house, team[:-3])) == []


def test_a_method_that_nobody_knows_is_405_where_something_answers_and_501_elsewhere(house: House) -> None:
    with line_to(house) as raw:
        raw.sendall(asked(house, "BREW /v1/cycles"))
        found = rest_of(raw)
    assert statuses(found) == [405]
    assert b"\r\nallow: GET, HEAD, POST\r\n" in found
    assert json.loads(found.partition(b"\r\n\r\n")[2])["type"] == "/v1/problems/method_is_not_allowed"
    assert knock(house, asked(house, "BREW /v1/coffee")) == [501]
    # behind a request that is whole, and where the line is none
    assert knock(house, asked(house, "GET /v1/health") + asked(house, "BREW /v1/cycles"))[0] == 200
    assert knock(house, b"BR{EW /v1/cycles HTTP/1.1\r\nHost: a\r\n\r\n") == [400]


@pytest.mark.parametrize("version", ["1.2", "2.0", "0.9", "7.3"])
def test_another_version_of_http_is_named(house: House, version: str) -> None:
    with line_to(house) as raw:
        raw.sendall(asked(house, "GET /v1/cycles", version=version))
        found = rest_of(raw)
    assert statuses(found) == [505]
    problem = json.loads(found.partition(b"\r\n\r\n")[2])
    assert problem["type"] == "/v1/problems/version_is_not_spoken"
    assert version in problem["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_far_too_much_reads_why(house: House, *, chunked: bool) -> None:
    """Given a caller who sends a megabyte before reading, then the answer is there, and not lost with the rest."""
    size = 1_000_000
    framed = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    body = b"x" * size
    if chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    for _ in range(5):
        with line_to(house) as raw:
            raw.sendall(told(house, framed) + body)
            found = rest_of(raw)
        assert statuses(found) == [413]
        assert json.loads(found.partition(b"\r\n\r\n")[2])["type"] == "/v1/problems/body_is_too_large"


def test_nobody_is_read_for_ever_behind_an_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who sends without an end nor who sends nothing more is waited for longer than that."""
    monkeypatch.setattr(door, "LINGER_BYTES", 200_000)
    begun = time.monotonic()
    with line_to(house) as raw, suppress(OSError):
        raw.sendall(told(house, f"Content-Length: {10**9}"))
        while time.monotonic() - begun < PATIENCE:
            raw.sendall(b"x" * 65_536)
    assert time.monotonic() - begun < PATIENCE
    monkeypatch.setattr(door, "LINGER_SECONDS", 0.1)
    with line_to(house) as raw:
        raw.sendall(told(house, f"Content-Length: {10**9}"))
        assert statuses(rest_of(raw)) == [413]
        with suppress(OSError):
            while time.monotonic() - begun < 2 * PATIENCE:  # the house closes its side, so this ends
                raw.sendall(b"x")
                time.sleep(0.01)
    assert time.monotonic() - begun < 2 * PATIENCE
