"""Killed in the middle of writes: nothing acknowledged is lost, nothing shows twice, what is sent again is answered."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from psycopg import OperationalError

from ledger.embedded import EmbeddedServer
from replay.verify import verify
from tests.laws.shelf import Book, Shelf
from tests.laws.test_writers import is_in_order, live_equals_rebuilt, stands_once, start_writer
from tests.laws.writer import give_until_answered, item_of, told
from tests.waiting import until

MOST = 100_000


class Writer:
    """A writer process whose answers are read as they come."""

    def __init__(self, book: Book, steward: str, first: int, last: int = MOST) -> None:
        self.process: subprocess.Popen[bytes] = start_writer(book, steward, "keyed", str(first), str(last))
        self.begun = first - 1
        self.acknowledged: dict[int, dict[str, Any]] = {}

    def reads(self, answers: int) -> None:
        """Read until so many answers more have come."""
        enough = len(self.acknowledged) + answers
        while len(self.acknowledged) < enough and (line := self._line()):
            self._takes(line)

    def is_killed(self) -> None:
        """End the process as a power cut does, and read what it had said."""
        self.process.send_signal(signal.SIGKILL)
        while line := self._line():
            if line.endswith(b"\n"):
                self._takes(line)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def _takes(self, line: bytes) -> None:
        said = orjson.loads(line)
        if "begun" in said:
            self.begun = said["begun"]
        else:
            self.acknowledged[said.pop("number")] = said


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_writer_is_killed_in_the_middle_of_writes(shelf: Shelf, kills: int) -> None:
    """Given a process that is killed again and again, when the next one sends its last command again, then the ledger
    holds every acknowledged command once, and each key is answered with its first receipt."""
    choice = Random(kills)
    with shelf.company() as (book, company):
        steward = f"person:{company.steward}"
        acknowledged: dict[int, dict[str, Any]] = {}
        following = 0
        for _ in range(kills):
            writer = Writer(book, steward, following)
            writer.reads(choice.randint(3, 25))
            book.engine.catch_up()
            writer.is_killed()
            acknowledged |= writer.acknowledged
            following = writer.begun
        everything_stands(book, steward, acknowledged, following)


def everything_stands(book: Book, steward: str, acknowledged: dict[int, dict[str, Any]], last: int) -> None:
    is_in_order(book)
    item = item_of(book.ledger)
    for receipt in acknowledged.values():
        stands_once(book, receipt)
    for number in range(last + 1):
        answer = give_until_answered(book.ledger, number, steward, item)
        if number in acknowledged:
            assert answer.replayed
            assert told(answer) == acknowledged[number]
        stands_once(book, told(answer))
    keys = [
        data["idempotency"]["key"]
        for raw in book.entries()
        if "idempotency" in (data := orjson.loads(raw.data))
    ]
    teams = [key for key in keys if int(key.split()[1]) % 3]
    assert len(teams) == len(set(teams))
    live_equals_rebuilt(book)


def test_two_processes_send_the_same_commands_at_the_same_time(shelf: Shelf) -> None:
    """Given two processes that send the same keys, when one is killed on its way, then each key was recorded once, and
    both were answered the same."""
    with shelf.company() as (book, company):
        steward = f"person:{company.steward}"
        writers = [Writer(book, steward, 0, 40), Writer(book, steward, 0)]
        writers[1].reads(25)
        writers[1].is_killed()
        writers[0].reads(40)
        writers[0].is_killed()
        one, other = (writer.acknowledged for writer in writers)
        assert len(one) == 40
        both = one.keys() & other
        assert [one[number] for number in both] == [other[number] for number in both]
        everything_stands(book, steward, other | one, max(39, writers[1].begun))
        positions = [receipt["last"] for receipt in (other | one).values()]
        assert len(set(positions)) == len(positions)


@pytest.mark.parametrize("kills", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_postgresql_is_killed_in_the_middle_of_writes(own_shelf: Shelf, kills: int) -> None:
    """Given two writers and a reader, when the database server is killed and started again, then they go on, nothing
    acknowledged is lost, nothing shows twice, and the projections follow."""
    with own_shelf.company() as (book, company):
        steward = f"person:{company.steward}"
        directory = book.settings.data_dir
        writers = [Writer(book, steward, 0), Writer(book, steward, 50_000)]
        for _ in range(kills):
            for writer in writers:
                writer.reads(8)
            kill_server(directory)
            with EmbeddedServer.start(directory):
                for writer in writers:
                    writer.reads(2)
                _catch_up(book)
        for writer in writers:
            writer.is_killed()
        last = writers[0].begun
        everything_stands(book, steward, writers[0].acknowledged, last)
        for receipt in writers[1].acknowledged.values():
            stands_once(book, receipt)
        with own_shelf.opened(book.settings) as again:
            assert again.rows() == book.rows()
            assert verify(again.ledger, pairs=3, engine=again.engine).clean


def kill_server(directory: Path) -> None:
    """End the database server as a power cut does."""
    process = int((directory / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGKILL)


def _catch_up(book: Book) -> None:
    def goes_on() -> bool:
        try:
            book.engine.catch_up()
        except OperationalError:
            return False
        return True

    until(goes_on)
