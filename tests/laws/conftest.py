"""What the laws share: a shelf of ledgers, and two profiles (few plays, or many)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedServer
from tests.conftest import TEST_MASTER_KEY
from tests.laws.commands import LONG, QUICK
from tests.laws.shelf import Shelf


@pytest.fixture
def shelf(server_environ: dict[str, str]) -> Shelf:
    """Ledgers for the length of a block."""
    return Shelf(server_environ)


@pytest.fixture
def own_shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Ledgers on an embedded server of their own, which may be killed."""
    directory = tmp_path_factory.mktemp("killed")
    if os.geteuid() == 0:
        for path in [directory, *directory.parents]:
            if path.stat().st_uid == 0 and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
    environ = {"STRATEGY_LEDGER_DATA_DIR": str(directory), "STRATEGY_LEDGER_MASTER_KEY": TEST_MASTER_KEY}
    with EmbeddedServer.start(directory):
        yield Shelf(environ)


@pytest.fixture(params=[QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def profile(request: pytest.FixtureRequest) -> str:
    """How many plays a law is tried on."""
    return str(request.param)
