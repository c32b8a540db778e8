"""Building the answers anew, beside those who wait for them."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from replay import renewal as renewal_module
from replay.renewal import AnswersAreBeingMade, Renewal
from tests.waiting import PATIENCE, until


def test_whoever_waited_is_told_what_became_of_the_building_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a building that failed, and another begun before who waited looks, then it is told all the same."""
    renewal = Renewal(cast("Any", None))
    renewal.patience = PATIENCE
    buildings, gate = list[int](), threading.Event()

    def build() -> None:
        buildings.append(1)
        if len(buildings) == 1:
            raise LookupError("this one")
        assert gate.wait(PATIENCE)

    class Overtaken(renewal_module._Attempt):
        def join(self, timeout: float | None = None) -> None:
            super().join(timeout)
            if len(buildings) == 1:
                threading.Thread(target=renewal.see_to, daemon=True).start()
                until(lambda: len(buildings) == 2)

    monkeypatch.setattr(renewal, "_until_they_fit", build)
    monkeypatch.setattr(renewal_module, "_Attempt", Overtaken)
    with pytest.raises(LookupError, match="this one"):
        renewal.see_to()
    renewal.patience = 0.01
    with pytest.raises(AnswersAreBeingMade):
        renewal.see_to()
    gate.set()
    renewal.patience = PATIENCE
    renewal.see_to()
    assert renewal.is_done
