"""What the laws share: a shelf of ledgers, and two profiles (few plays, or many)."""

from __future__ import annotations

import pytest

from tests.laws.commands import LONG, QUICK
from tests.laws.shelf import Shelf


@pytest.fixture
def shelf(server_environ: dict[str, str]) -> Shelf:
    """Ledgers for the length of a block."""
    return Shelf(server_environ)


@pytest.fixture(params=[QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def profile(request: pytest.FixtureRequest) -> str:
    """How many plays a law is tried on."""
    return str(request.param)
