"""A quarter restored into a real ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from tests.replay.quarter import quarter
from tests.rules.company import Company


@pytest.fixture
def company() -> Company:
    return quarter()


@pytest.fixture
def restored(new_settings: Callable[[], Settings], company: Company) -> Iterator[Ledger]:
    settings = new_settings()
    restore(settings, (line + b"\n" for line in company.ledger.lines()))
    with Ledger.open(settings) as ledger:
        yield ledger
