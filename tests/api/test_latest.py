"""Answers of one kind are made one at a time, and whoever waits takes the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from api.kept import Kept
from api.latest import Latest

FAILS = 2
"""A position whose answer cannot be made."""


def latest(*, is_plain: bool = False) -> Latest:
    reader: Any = SimpleNamespace(names_version=1, is_as_it_was=lambda *_: is_plain)
    return Latest(reader, lambda: False)


class Kitchen:
    """Makes answers one turn of the loop later, and notes for which positions."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def at(self, position: int) -> Callable[[], Awaitable[Kept]]:
        async def make() -> Kept:
            self.made.append(position)
            await asyncio.sleep(0)
            if position == FAILS:
                raise ConnectionError("the database is away")
            return Kept(str(position).encode(), {}, "text/plain", f'"{position}"')

        return make


def test_a_queue_never_asks_for_answers_that_are_outdated_already() -> None:
    """Given fifty who ask at fifty positions while the first answer is made, then one more is made, for all of them."""

    async def queue() -> tuple[list[int], list[bytes]]:
        kept, kitchen = latest(), Kitchen()
        asked = [kept.at(("board",), position, 0, kitchen.at(position)) for position in range(3, 53)]
        found = await asyncio.gather(*asked)
        return kitchen.made, [one.body for one in found]

    made, found = asyncio.run(queue())
    assert made == [3, 52]
    assert found == [b"3", *[b"52"] * 49]


def test_nobody_takes_an_answer_from_before_their_own_position() -> None:
    async def come_later() -> list[bytes]:
        kept, kitchen = latest(), Kitchen()
        early = asyncio.ensure_future(kept.at(("board",), 7, 0, kitchen.at(7)))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(kept.at(("board",), 8, 0, kitchen.at(8)))
        earlier = asyncio.ensure_future(kept.at(("board",), 6, 0, kitchen.at(6)))
        return [(await one).body for one in (early, late, earlier)]

    assert asyncio.run(come_later()) == [b"7", b"8", b"7"]


def test_who_waits_for_an_answer_that_fails_asks_for_one_of_their_own() -> None:
    async def fail_once() -> tuple[bytes, str]:
        kept, kitchen = latest(), Kitchen()
        first = asyncio.ensure_future(kept.at(("board",), FAILS, 0, kitchen.at(FAILS)))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(kept.at(("board",), 3, 0, kitchen.at(3)))
        with pytest.raises(ConnectionError) as raised:
            await first
        return (await second).body, str(raised.value)

    assert asyncio.run(fail_once()) == (b"3", "the database is away")


def test_all_who_wait_for_an_answer_that_fails_hear_so_together() -> None:
    """Given twenty who wait for what fails after a while, then it is tried once, and not by each in turn."""

    async def fail() -> tuple[list[int], list[Any]]:
        kept, kitchen = latest(), Kitchen()
        asked = [kept.at(("board",), FAILS, 0, kitchen.at(FAILS)) for _ in range(10)]
        asked += [kept.at(("board",), FAILS - 1, 0, kitchen.at(FAILS)) for _ in range(10)]
        return kitchen.made, await asyncio.gather(*asked, return_exceptions=True)

    made, found = asyncio.run(fail())
    assert made == [FAILS]
    assert {type(one) for one in found} == {ConnectionError}


def test_who_leaves_takes_no_answer_away() -> None:
    """Given that whoever began an answer left, then those who wait for it have it all the same."""

    async def leave() -> tuple[list[int], bytes]:
        kept, kitchen = latest(), Kitchen()
        first = asyncio.ensure_future(kept.at(("board",), 4, 0, kitchen.at(4)))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(kept.at(("board",), 4, 0, kitchen.at(4)))
        await asyncio.sleep(0)
        first.cancel()
        return kitchen.made, (await second).body

    assert asyncio.run(leave()) == ([4], b"4")
