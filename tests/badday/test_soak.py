"""Kills at random moments under load: what was acknowledged is there once and in order; no hand was needed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from random import Random

import orjson
import psutil
import pytest

from ledger.codec import RawEntry
from replay.verify import verify
from tests.badday.soak import Served, Soak, kill_database
from tests.laws.shelf import Shelf
from tests.laws.test_writers import is_in_order
from tests.waiting import until


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_server_and_database_are_killed_under_load(own_shelf: Shelf, tmp_path: Path, kills: int) -> None:
    """Given eight writers and two readers over HTTP, when server and database are killed again and again, then all that
    was acknowledged stands once, in each stream's order and without gaps, and the ledger verifies.

    `SOAK_SEED` in the environment chooses other moments.
    """
    choice = Random(f"{kills} {os.environ.get('SOAK_SEED', '')}")
    with own_shelf.company() as (book, company):
        for _ in range(2):
            company.committed("first", owner=company.steward)
        token = book.ledger.tokens.issue(f"person:{company.steward}", "soak")
        added = [orjson.loads(raw.data) for raw in book.entries() if raw.name == "key_result.added"]
        references = [data["body"]["reference"] for data in added]
        served = Served(book, tmp_path / "server.log")
        database = 0
        try:
            with Soak(book, served, token, references) as soak:
                for number in range(kills):
                    soak.model.wait_for(choice.randint(10, 60))
                    if number % 2 == 0 if kills < 5 else choice.random() < 0.5:
                        database += 1
                        with suppress(
                            psutil.Error, OSError, IndexError, ValueError
                        ):  # it starts at this moment
                            kill_database(book.settings.data_dir, choice)
                    else:
                        served.is_killed()
                        served.starts_again()
                soak.model.wait_for(60)
                until(lambda: soak.reads or soak.model.faults)
        finally:
            served.is_killed()
        assert soak.reads
        assert 0 < database < kills
        with own_shelf.opened(book.settings) as again:
            entries: list[RawEntry] = []
            while page := again.ledger.read_page(len(entries), 5_000):
                entries += page
            soak.model.holds(entries)
            assert verify(again.ledger, pairs=4, engine=again.engine).clean
            with again.engine.reading() as reading:
                assert reading.position == len(entries)
                assert not reading.stopped
            if len(entries) < 10_000:
                is_in_order(again)
