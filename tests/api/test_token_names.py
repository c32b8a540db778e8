"""Whom a token names: asked once for all who bring it, and again once the answer is two seconds old."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from api import middleware
from api.answers import fault_answer
from api.door import Door
from api.metrics import Figures
from api.middleware import Bearer


@pytest.mark.parametrize("is_good", [True, False])
def test_whom_a_token_names_is_asked_once_for_all_who_bring_it_and_a_bad_one_each_time(
    *, is_good: bool
) -> None:
    asked: list[str] = []

    async def actor_of(token: str) -> str | None:
        asked.append(token)
        await asyncio.sleep(0)
        return "person:one" if is_good else None

    async def app(*_: Any) -> None:
        return None

    async def meeting() -> None:
        bearer = Bearer(app, fault_answer, actor_of, Door(0, 0), Figures())
        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": "/v1/cycles", "query_string": b"", "server": ("host", 80),
            "headers": [(b"authorization", b"Bearer one")],
        }  # fmt: skip

        async def nothing(*_: Any) -> Any:
            return None

        await asyncio.gather(
            *(bearer({**scope, "state": {"request_id": "one"}}, nothing, nothing) for _ in range(20))
        )

    asyncio.run(meeting())
    assert len(asked) == (1 if is_good else 20)


def test_the_time_it_takes_to_ask_about_a_token_belongs_to_the_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "TOKEN_SECONDS", 0.05)
    asked: list[str] = []

    async def actor_of(token: str) -> str | None:
        asked.append(token)
        end = time.monotonic() + middleware.TOKEN_SECONDS
        while time.monotonic() <= end:
            await asyncio.sleep(0)
        return "person:one"

    async def nothing(*_: Any) -> None:
        """Answer nobody."""

    async def meeting() -> None:
        bearer = Bearer(nothing, fault_answer, actor_of, Door(0, 0), Figures())
        # given two who wait for what takes so long, when one comes later, then it is asked about again
        await asyncio.gather(bearer._verify("one"), bearer._verify("one"))
        await bearer._verify("one")

    asyncio.run(meeting())
    assert asked == ["one", "one"]
