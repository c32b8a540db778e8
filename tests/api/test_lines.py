"""The line before a kind of work: who is served when, by which threads, and what becomes of a failure."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from api import lines
from api.lines import Line
from tests.waiting import PATIENCE


def test_where_the_system_allows_no_more_threads_no_place_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    start, allowed = threading.Thread.start, [False, True, False, True, True]

    def started(thread: threading.Thread) -> None:
        if thread.name.startswith("scarce") and not allowed.pop(0):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)

    async def meeting() -> list[int]:
        line = Line("scarce", 3)
        # given that not even the first thread begins, then whoever asks hears so
        with pytest.raises(RuntimeError, match="thread"):
            await line.run(lambda: 1)
        # and once one does, it serves all who come; others begin when they can
        found = await asyncio.gather(*(line.run(partial(int, number)) for number in range(4)))
        assert line._threads == 3
        line.close()
        return found

    assert asyncio.run(meeting()) == [0, 1, 2, 3]


def line_of_four(*, newest_first: bool) -> list[int]:
    """In which order four are served who stand in a line behind one who takes a while."""

    async def stand() -> list[int]:
        line, gate, served = Line("test", 1, newest_first=newest_first), threading.Event(), list[int]()
        begun = threading.Event()

        def hold() -> None:
            begun.set()
            assert gate.wait(PATIENCE)

        waiting: list[asyncio.Future[None]] = [asyncio.ensure_future(line.run(hold))]
        await asyncio.to_thread(begun.wait, PATIENCE)
        waiting += [asyncio.ensure_future(line.run(partial(served.append, number))) for number in range(4)]
        await asyncio.sleep(0)
        was_full = line.is_full
        gate.set()
        await asyncio.gather(*waiting)
        assert (was_full, line.is_full) == (True, False)
        line.close()
        return served

    return asyncio.run(stand())


def test_first_come_is_first_served_and_readers_the_newest_first_once_the_line_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LATE_SECONDS", PATIENCE)
    assert line_of_four(newest_first=False) == [0, 1, 2, 3]
    assert line_of_four(newest_first=True) == [0, 1, 2, 3]
    monkeypatch.setattr(lines, "LATE_SECONDS", -1.0)
    assert line_of_four(newest_first=False) == [0, 1, 2, 3]
    assert line_of_four(newest_first=True) == [3, 2, 1, 0]


def test_a_thread_takes_the_next_while_the_event_loop_has_other_things_to_do() -> None:
    async def busy() -> bool:
        line, last = Line("test", 1), threading.Event()
        waiting = [asyncio.ensure_future(line.run(work)) for work in (int, int, last.set)]
        await asyncio.sleep(0)
        all_done = last.wait(PATIENCE)  # the loop stands still meanwhile
        await asyncio.gather(*waiting)
        line.close()
        return all_done

    assert asyncio.run(busy())


def test_what_fails_in_a_thread_is_raised_to_who_waits() -> None:
    def fail(error: Exception) -> None:
        raise error

    async def meeting() -> None:
        line = Line("test", 2)
        with pytest.raises(ConnectionError):
            await line.run(lambda: fail(ConnectionError()))
        with pytest.raises(RuntimeError):
            await line.look(lambda: fail(StopIteration()))
        line.close()
        assert await line.run(lambda: 7) == 7  # whoever still asks gets another thread
        line.close()

    asyncio.run(meeting())
