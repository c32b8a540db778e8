"""The look of the event loop itself: as fresh as the thread's, and replaced by that whenever it is of no use."""

from __future__ import annotations

import asyncio
import socket
import threading
from datetime import date

import psycopg
import pytest

from aggregates.cycle.commands import PlanCycle
from aggregates.decide import decide
from api import probe as probe_module
from api.probe import Probe, Standing
from ledger.store import Ledger
from projections.bookmarks import Standing as Stand
from replay import presenting
from replay.engine import Engine
from tests.api.conftest import House
from tests.waiting import PATIENCE, until


@pytest.fixture(autouse=True)
def _names_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory, which the thread reads again after a while, is not due during a test."""
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 1_000_000)


def with_glance(house: House) -> Probe:
    """Return the probe of a house whose event loop looks by itself."""
    probe = house.desk.probe
    house.get("/v1/cycles")
    until(lambda: probe._glance is not None or not house.get("/v1/cycles"))
    return probe


def counted(house: House) -> list[int]:
    """Return a list that grows by one with each look of the thread from now on."""
    looks: list[int] = []
    look = house.desk.probe._look

    def counting() -> Standing:
        looks.append(len(looks))
        return look()

    house.desk.probe._look = counting
    return looks


def test_nobody_looks_in_the_thread_while_nothing_is_recorded(house: House) -> None:
    with_glance(house)
    looks = counted(house)
    head = house.ledger.head().position
    for _ in range(5):
        assert int(house["ada"].get("/v1/cycles").headers["ledger-position"]) == head
    assert looks == []


def test_what_somebody_else_recorded_is_seen_by_the_next_request(house: House) -> None:
    """Given another process's ledger, when it has recorded, then whoever asks the server next sees it, each time."""
    with_glance(house)
    with Ledger.open(house.ledger.settings) as other:
        for number in range(5):
            command = PlanCycle(
                cycle=f"glance-{number}", name="Elsewhere", kind="custom",
                starts_on=date(2031, 1, 1), commit_by=date(2031, 1, 5), ends_on=date(2031, 3, 31),
            )  # fmt: skip
            receipt = other.execute(command, decide, by=f"person:{house.steward}")
            answer = house["rita"].get("/v1/cycles", params={"min_position": receipt.position})
            assert int(answer.headers["ledger-position"]) >= receipt.position
            assert f"glance-{number}" in answer.text


def test_a_glance_whose_connection_is_lost_is_replaced(house: House) -> None:
    probe = with_glance(house)
    lost = probe._glance
    assert lost is not None
    with psycopg.connect(house.ledger.place.application_url, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(%s)", [lost._connection.info.backend_pid])  # type: ignore[attr-defined]
    # then nobody meets an error, and the event loop gets another one
    house.get("/v1/cycles")
    until(lambda: bool(house.get("/v1/cycles")) and probe._glance not in (None, lost))
    looks = counted(house)
    house.get("/v1/cycles")
    assert looks == []


def test_a_glance_sees_nothing_that_was_dropped(house: House) -> None:
    """Given a generation that is not read any more, then a glance says so, and the look is asked."""
    glance = Engine(house.ledger).glance(house.ledger.connection)
    stand = f'update "{house.ledger.schema}".projections_generations set standing = %s where standing = %s'
    with house.ledger.pool.connection() as connection:
        connection.execute(stand.encode(), ["left", "read"])
        try:
            glance.send()
            found = None
            while found is None:
                found = glance.take()
            assert found == (None,)
            assert house.desk._judge(None) == house.desk._look
        finally:
            connection.execute(stand.encode(), ["read", "left"])
            glance.close()


class Paper:
    """A glance whose answers are written into a socket by hand."""

    def __init__(self, *, sends: bool = True) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.sent, self.closed, self._sends = 0, False, sends

    def fileno(self) -> int:
        return self.ours.fileno()

    def send(self) -> None:
        if not self._sends:
            raise OSError("lost")
        self.sent += 1

    def take(self) -> tuple[Stand | None] | None:
        told = self.ours.recv(1)
        if told == b"e":
            raise OSError("lost")
        return None if told == b"." else (None,)

    def close(self) -> None:
        self.closed = True
        self.ours.close()
        self.theirs.close()


async def opened(probe: Probe) -> None:
    """Wait until a probe has its glance."""
    await probe.standing()
    while probe._glance is None:
        await asyncio.sleep(0.001)


def standing(number: int) -> Standing:
    return Standing(number, number, date(2026, 1, 1))


def test_an_answer_in_parts_is_taken_whole_and_serves_nobody_who_came_later() -> None:
    paper, answers = Paper(), iter([standing(1), standing(2)])

    async def meeting() -> tuple[list[int], int]:
        probe = Probe(lambda: standing(0), lambda: paper, lambda _: next(answers))
        await opened(probe)
        early = [asyncio.ensure_future(probe.standing()) for _ in range(3)]
        while not paper.sent:
            await asyncio.sleep(0)
        paper.theirs.send(b".")
        late = asyncio.ensure_future(probe.standing())
        await asyncio.sleep(0.01)
        assert not any(one.done() for one in early)
        paper.theirs.send(b"!")
        found = [(await one).position for one in early]
        assert not late.done()
        paper.theirs.send(b"!")
        position = (await late).position
        probe.close()
        return found, position

    assert asyncio.run(meeting()) == ([1, 1, 1], 2)
    assert paper.sent == 2
    assert paper.closed


@pytest.mark.parametrize("fault", ["send", "take", "judge", "unasked"])
def test_whatever_becomes_of_a_glance_the_look_answers(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "AGAIN_SECONDS", PATIENCE)  # so that no other one is made
    paper, looks = Paper(sends=fault != "send"), []

    def look() -> Standing:
        looks.append(threading.current_thread().name)
        return standing(len(looks))

    def judge(_: Stand | None) -> Standing:
        raise ValueError("judge")

    async def meeting() -> int:
        probe = Probe(look, lambda: paper, judge)
        await opened(probe)
        if fault == "unasked":
            paper.theirs.send(b"e")
            while not paper.closed:
                await asyncio.sleep(0.001)
        waiting = asyncio.ensure_future(probe.standing())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not paper.closed:
            paper.theirs.send(b"e" if fault == "take" else b"!")
        position = (await asyncio.wait_for(waiting, PATIENCE)).position
        probe.close()
        return position

    assert asyncio.run(meeting()) == 2
    assert looks == ["probe", "probe"]
    assert paper.closed


def test_a_probe_that_is_closed_leaves_no_connection(house: House) -> None:
    probe = Probe(
        house.desk._look, lambda: Engine(house.ledger).glance(house.ledger.connection), lambda _: standing(1)
    )

    async def meeting() -> int:
        await opened(probe)
        pid: int = probe._glance._connection.info.backend_pid  # type: ignore[union-attr]
        waiting = asyncio.ensure_future(probe.standing())
        await asyncio.sleep(0)
        probe.close()
        await waiting  # whoever waited is answered all the same
        return pid

    pid = asyncio.run(meeting())

    def is_gone() -> bool:
        with psycopg.connect(house.ledger.place.owner_url) as connection:
            return connection.execute("select from pg_stat_activity where pid = %s", [pid]).rowcount == 0

    until(is_gone)


def test_a_connection_that_is_long_in_the_making_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a database that lets nobody else in for a while, then those who wait are answered by the look."""
    monkeypatch.setattr(probe_module, "AGAIN_SECONDS", 0.0)
    gate, papers = threading.Event(), list[Paper]()

    def make() -> Paper:
        papers.append(Paper())  # a second one, which the last look may still ask for, is another
        assert gate.wait(PATIENCE)
        return papers[-1]

    async def meeting() -> None:
        probe = Probe(lambda: standing(1), make, lambda _: standing(2))
        try:
            while not papers:  # it is begun in a thread of its own, once a look went well
                assert (await asyncio.wait_for(probe.standing(), PATIENCE / 2)).position == 1
            for _ in range(3):
                assert (await asyncio.wait_for(probe.standing(), PATIENCE / 2)).position == 1
            assert len(papers) == 1
        finally:
            gate.set()
        while probe._glance is None:
            await asyncio.sleep(0.001)
        probe.close()

    asyncio.run(meeting())
    assert papers[0].closed
