"""The event stream: what was missed comes first, then what happens; it never skips, and it ends when it must."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI, Request, Response

from api.app import create_app
from api.connection import SLOW, PunctualProtocol
from api.door import WIDE_OPEN, Door
from api.metrics import Figures
from api.problems import TooManyListeners
from api.routes.stream import Listening
from api.server import in_background
from api.stream import PAGE, RECENT, Filter, Listener, Tail
from ledger.codec import RawEntry
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House
from tests.waiting import PATIENCE


class Ear:
    """Listens to one stream, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()
        self.comments: list[str] = []

    def next(self) -> dict[str, str]:
        """Return the next event that has a name; comments and bare positions are kept aside."""
        event: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif "event" in event:
                return event
            else:
                event = {}
        raise EOFError

    def take(self, number: int) -> list[dict[str, str]]:
        """Return so many events."""
        return [self.next() for _ in range(number)]


@contextmanager
def listening(house: House, by: str = "rita", headers: Any = None, **parameters: Any) -> Iterator[Ear]:
    """Listen as somebody."""
    with house[by].stream("GET", "/v1/stream", params=parameters, headers=headers or {}) as answer:
        if answer.status_code != 200:
            answer.read()
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Ear(answer)


def test_the_past_comes_first_then_what_happens(house: House) -> None:
    # given a ledger with entries, when somebody listens from the beginning
    lines = list(house.ledger.export())
    with listening(house, after=0) as ear:
        events = ear.take(len(lines))
        # then every entry is there, in order, as its native line
        assert [int(event["id"]) for event in events] == list(range(1, len(lines) + 1))
        assert [event["data"].encode() + b"\n" for event in events] == lines
        assert [event["event"] for event in events] == [orjson.loads(line)["name"] for line in lines]
        # and what is recorded now follows
        receipt = house.post("/v1/teams", {"name": "Listened to"})
        last = ear.next()
        assert (int(last["id"]), last["event"]) == (receipt["position"], "team.formed")


def test_a_listener_resumes_where_it_was(house: House) -> None:
    with listening(house, after=0) as ear:
        seen = [int(event["id"]) for event in ear.take(3)]
    house.post("/v1/teams", {"name": "Meanwhile"})
    with listening(house, headers={"Last-Event-ID": str(seen[-1])}, after=0) as ear:
        head = house.ledger.head().position
        again = [int(event["id"]) for event in ear.take(head - 3)]
    assert seen + again == list(range(1, head + 1))


def test_without_a_position_only_what_happens_from_now_on(house: House) -> None:
    with listening(house) as ear:
        receipt = house.post("/v1/teams", {"name": "Now"})
        assert int(ear.next()["id"]) == receipt["position"]


def test_what_another_process_records_comes_too(house: House) -> None:
    # nobody wakes the tail: it looks by itself
    with listening(house) as ear:
        house.ledger.tokens.issue(f"person:{house.people['ines']}", "other")  # nothing is recorded by this
        from tests.ledger.helpers import forming

        receipt = house.ledger.execute(
            "elsewhere", forming(house.ledger.new_id()), by=f"person:{house.people['ines']}"
        )
        assert int(ear.next()["id"]) == receipt.position


def test_a_listener_chooses_stream_and_names(house: House) -> None:
    with listening(house, after=0, stream="cycle:now") as ear:
        assert [event["event"] for event in ear.take(2)] == ["cycle.planned", "cycle.opened"]
    with listening(house, after=0, names="cycle.opened, person.joined") as ear:
        assert {event["event"] for event in ear.take(5)} <= {"cycle.opened", "person.joined"}


@pytest.mark.parametrize(
    ("parameters", "headers", "status", "code"),
    [
        ({"after": "x"}, {}, 422, "parameter_is_invalid"),
        ({"names": "cycle.sung"}, {}, 422, "parameter_is_invalid"),
        ({"stream": "a b"}, {}, 422, "parameter_is_invalid"),
        ({"wish": "1"}, {}, 422, "parameter_is_unknown"),
        ({}, {"Last-Event-ID": "-1"}, 400, "last_event_id_is_malformed"),
        ({}, {"Last-Event-ID": "1e3"}, 400, "last_event_id_is_malformed"),
        ({}, {"Last-Event-ID": "9" * 30}, 400, "last_event_id_is_malformed"),
        ({}, {"Last-Event-ID": "999999"}, 409, "position_is_ahead"),
        ({"after": "999999"}, {}, 409, "position_is_ahead"),
    ],
)
def test_a_position_that_cannot_be_is_refused_in_words(
    house: House, parameters: Any, headers: Any, status: int, code: str
) -> None:
    answer = house["rita"].get("/v1/stream", params=parameters, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/v1/problems/{code}"


def test_the_feed_too_refuses_a_position_that_the_ledger_has_not_reached(house: House) -> None:
    head = house.ledger.head().position
    assert house.get("/v1/entries", after=head)["entries"] == []
    problem = house.get("/v1/entries", status=409, after=head + 1)
    assert "restored from a backup" in problem["detail"]


def test_the_stream_needs_a_token_and_a_role(house: House) -> None:
    assert house["nobody"].get("/v1/stream").status_code == 401
    assert house["nora"].get("/v1/stream").status_code == 403


def test_a_revoked_token_ends_the_stream(house: House) -> None:
    # given somebody who listens
    house.join("lena", "reader")
    with listening(house, by="lena") as ear:
        # when the token is revoked
        for token in house.ledger.tokens.list():
            if token.actor == f"person:{house.people['lena']}":
                house.ledger.tokens.revoke(token.id)
        # then the stream says so and ends
        event = ear.next()
        assert event["event"] == "stream.ended"
        assert orjson.loads(event["data"])["type"] == "/v1/problems/token_is_not_valid"
        with pytest.raises(EOFError):
            ear.next()


def test_a_role_that_is_taken_away_ends_the_stream(house: House) -> None:
    house.join("lars", "reader")
    with listening(house, by="lars") as ear:
        house.post("/v1/people/lars/role-revocations", {"role": "reader"})
        events = [ear.next()]
        while events[-1]["event"] != "stream.ended":
            events.append(ear.next())
        assert orjson.loads(events[-1]["data"])["type"] == "/v1/problems/action_is_not_allowed"


def test_who_takes_nothing_is_told_why_the_stream_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a listener who takes nothing while much is recorded, when the patience of the server is over, then the
    stream ends in its own form, behind what waits: whole events, a comment that says why, and a whole answer."""
    sheet, figures, told = Sheet([row(n) for n in range(1, 1_001)]), Figures(), threading.Event()
    tail = Tail(sheet.look, sheet.read, Door(), figures)
    left: list[bool] = []
    app = FastAPI()

    @app.get("/stream")
    async def stream(request: Request) -> Response:
        leave = tail.join(b"t")
        await tail.start()
        request.state.listens = True
        return Listening(
            Listener(tail, 0, Filter(), _long, _still, figures), lambda: left.append(leave() is None)
        )

    farewell = PunctualProtocol._say_farewell

    def say(self: PunctualProtocol) -> bool:
        monkeypatch.setattr("api.connection.TAKING_SECONDS", PATIENCE)
        assert farewell(self)
        told.set()
        return True

    monkeypatch.setattr("api.connection.TAKING_SECONDS", 0.2)
    monkeypatch.setattr(PunctualProtocol, "_say_farewell", say)
    with in_background(app) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as slow:
            slow.sendall(f"GET /stream HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert told.wait(PATIENCE)
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            body = answer.read()  # raises IncompleteRead where the answer was cut
    ids = [int(line[4:]) for line in body.splitlines() if line.startswith(b"id: ")]
    assert ids == list(range(ids[-1] + 1))  # the first names the place from which it goes on
    assert ids[-1] < len(sheet.rows)
    assert body.endswith(b"\n\n" + SLOW)
    assert left == [True]


async def _long(rows: list[RawEntry]) -> list[tuple[RawEntry, str | None, bytes]]:
    return [(one, one.name, b"x" * 30_000) for one in rows]


# -- the tail by itself


@dataclass
class Sheet:
    """A ledger of paper: its entries, and how often it was read."""

    rows: list[RawEntry]
    reads: int = 0

    @property
    def head(self) -> int:
        return len(self.rows)

    async def look(self) -> Any:
        return Stand(self.head)

    async def read(self, after: int, limit: int) -> list[RawEntry]:
        self.reads += 1
        return self.rows[after : after + limit]


@dataclass
class Stand:
    head: int


def row(position: int) -> RawEntry:
    from datetime import UTC, datetime

    return RawEntry(position, datetime(2026, 1, 1, tzinfo=UTC), "team:x", position, "team.formed", b"{}")


async def _shown(rows: list[RawEntry]) -> list[tuple[RawEntry, str | None, bytes]]:
    return [(one, one.name, b"{}") for one in rows]


async def _still() -> None:
    return None


def listener(tail: Tail, after: int, figures: Figures, **more: Any) -> Listener:
    return Listener(tail, after, more.get("wants", Filter()), _shown, _still, figures)


def test_many_listeners_share_one_tail() -> None:
    async def scene() -> None:
        sheet, figures = Sheet([row(n) for n in range(1, 11)]), Figures()
        tail = Tail(sheet.look, sheet.read, Door(), figures)
        leaves = [tail.join(b"t%d" % n) for n in range(50)]
        await tail.start()
        listeners = [listener(tail, 10, figures).events() for _ in range(50)]
        for one in listeners:
            await anext(one)
        # when five entries are recorded
        sheet.rows += [row(n) for n in range(11, 16)]
        tail.wake()
        sent = [await asyncio.wait_for(anext(one), PATIENCE) for one in listeners]
        # then all fifty get them, and the ledger was read once
        assert all(part.count(b"id: ") == 5 for part in sent)
        assert sheet.reads == 1
        for leave in leaves:
            leave()
        tail.end()

    asyncio.run(scene())


def test_whoever_is_far_behind_reads_pages_until_level() -> None:
    async def scene() -> None:
        sheet, figures = Sheet([row(n) for n in range(1, 3 * RECENT)]), Figures()
        tail = Tail(sheet.look, sheet.read, Door(), figures)
        tail.join(b"t")
        await tail.start()
        events = listener(tail, 0, figures).events()
        await anext(events)
        got: list[int] = []
        while len(got) < len(sheet.rows):
            part = await anext(events)
            got += [int(line[4:]) for line in part.splitlines() if line.startswith(b"id: ")]
            assert part.count(b"id: ") <= PAGE  # what one listener holds is bounded
            if len(got) == PAGE:  # entries arrive while it catches up
                sheet.rows += [row(n) for n in range(len(sheet.rows) + 1, len(sheet.rows) + 400)]
                tail.wake()
        assert got == list(range(1, len(sheet.rows) + 1))
        tail.end()

    asyncio.run(scene())


@pytest.mark.parametrize("grown", [0, 5])
def test_a_past_that_is_another_one_ends_the_stream_in_words(grown: int) -> None:
    async def scene() -> None:
        sheet, figures = Sheet([row(n) for n in range(1, 11)]), Figures()
        tail = Tail(sheet.look, sheet.read, Door(), figures)
        tail.join(b"t")
        await tail.start()
        events = listener(tail, 10, figures).events()
        await anext(events)
        sheet.rows.append(row(11))
        tail.wake()
        assert b"id: 11" in await anext(events)
        # when the ledger is restored from an older backup, and perhaps grows beyond where it was
        other = row(1)._replace(name="person.joined")
        sheet.rows = sheet.rows[:8] + [other._replace(position=n) for n in range(9, 9 + grown)]
        tail.wake()
        last = await asyncio.wait_for(anext(events), PATIENCE)
        assert b"event: stream.ended" in last
        assert b"position_is_ahead" in last
        assert b"restored from a backup" in last
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        tail.end()

    asyncio.run(scene())


def test_entries_that_are_not_wanted_move_the_position_on() -> None:
    async def scene() -> None:
        sheet, figures = Sheet([row(n) for n in range(1, 301)]), Figures()
        tail = Tail(sheet.look, sheet.read, Door(), figures)
        tail.join(b"t")
        await tail.start()
        one = listener(tail, 0, figures, wants=Filter(names=frozenset({"cycle.opened"})))
        events = one.events()
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        while one.after < 300:
            await asyncio.sleep(0)
        tail.end()
        # then its last word names the position from which to go on
        assert b"id: 300" in await waiting

    asyncio.run(scene())


def test_listeners_are_bounded() -> None:
    figures = Figures()
    tail = Tail(Sheet([]).look, Sheet([]).read, Door(listeners_per_token=2, listeners=3), figures)
    leave = tail.join(b"a")
    tail.join(b"a")
    with pytest.raises(TooManyListeners, match="2 times already"):
        tail.join(b"a")
    tail.join(b"b")
    with pytest.raises(TooManyListeners, match="3 listen already"):
        tail.join(b"c")
    leave()
    tail.join(b"c")
    assert b"strategy_ledger_stream_listeners 3.0" in figures.text()


def test_the_end_of_the_server_lets_listeners_go(house: House) -> None:
    # given somebody who listens at a door of their own, when its server is told to end
    engine = Engine(house.ledger)
    app = create_app(
        house.ledger, Reader(house.ledger, engine, keeps=True), engine, house.ledger.settings, door=WIDE_OPEN
    )
    headers = {"Authorization": f"Bearer {house.tokens['rita']}"}
    with ExitStack() as stack:
        with in_background(app) as address:
            answer = stack.enter_context(
                httpx.stream("GET", f"{address}/v1/stream", headers=headers, timeout=PATIENCE)
            )
            ear = Ear(answer)
            assert app.state.figures.listeners._value.get() == 1
        # then the stream is whole to its end, and says from where to go on
        with pytest.raises(EOFError):
            ear.next()
    assert ear.comments[-1] == "The server ends; go on from the last id."
    assert app.state.figures.listeners._value.get() == 0
