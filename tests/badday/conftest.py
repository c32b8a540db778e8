"""What the tests of a bad day share: a shelf of ledgers, also on a server of its own, and releases that differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger import releases
from ledger.releases import Migration
from tests.laws.conftest import own_shelf, shelf

__all__ = ["own_shelf", "shelf"]

Release = Callable[..., None]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Become another release from here on: one with these migrations more, or with the first so many only."""
    ours = releases.migrations()

    def become(*texts: str, knows: int | None = None) -> None:
        kept = ours if knows is None else ours[:knows]
        more = [
            Migration(9_000 + number, f"{9_000 + number}_of_a_test", text)
            for number, text in enumerate(texts, 1)
        ]
        monkeypatch.setattr(releases, "migrations", lambda: [*kept, *more])

    return become
