"""A ledger that was kept from an earlier release is still read, and answers as it did, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from aggregates.decide import decide
from aggregates.vocabulary import EVENTS
from ledger.receipts import IdempotencyKey
from replay.asked import HistoryOf
from replay.verify import verify
from tests.fixtures import make
from tests.fixtures.story import Story
from tests.laws.commands import Improviser, LedgerStage
from tests.laws.shelf import Book, Shelf
from tests.laws.test_writers import live_equals_rebuilt

RELEASES = sorted(path.stem.removeprefix("ledger-") for path in make.FOLDER.glob("ledger-*.jsonl"))


@pytest.fixture(params=RELEASES)
def kept(request: pytest.FixtureRequest, shelf: Shelf) -> Iterator[tuple[str, Book]]:
    """The ledger of a release, restored from its two files."""
    ledger, directory = (make.FOLDER / f"{kind}-{request.param}.jsonl" for kind in ("ledger", "directory"))
    with ledger.open("rb") as lines, directory.open("rb") as beside, shelf.restored(lines, beside) as book:
        yield request.param, book


def test_a_kept_ledger_gives_the_answers_that_it_gave(kept: tuple[str, Book]) -> None:
    """Given the ledger of a release, when every question is asked at its bases, then the bytes are those of then.

    Before a release is out its answers may be made anew: `python -m tests.fixtures.make answers`.
    """
    release, book = kept
    expected = (make.FOLDER / f"answers-{release}.json").read_bytes().splitlines()
    found = make.answer_lines(make.answers_of(book.reader)).splitlines()
    assert len(found) == len(expected)
    for told, was in zip(found, expected, strict=True):
        if told != was:
            place = next(n for n, (a, b) in enumerate(zip(told, was, strict=False)) if a != b)
            question = orjson.loads(was.rstrip(b","))["question"]
            raise AssertionError(
                f"{question}: was {was[place - 150 : place + 90]!r}, is {told[place - 60 : place + 90]!r}"
            )


def test_a_kept_ledger_goes_on(kept: tuple[str, Book]) -> None:
    """Then it verifies, exports the bytes that it was restored from, opens its sealed texts, and takes commands."""
    release, book = kept
    ledger = book.ledger
    assert b"".join(ledger.export()) == (make.FOLDER / f"ledger-{release}.jsonl").read_bytes()
    assert verify(ledger, pairs=30, engine=book.engine).clean
    sealed = [raw for raw in book.entries() if b'"ciphertext"' in raw.data]
    assert sealed
    history = orjson.dumps(book.answers(questions=[HistoryOf("KR-1")]).popitem()[1].decode())
    assert b"the fair went well" in history

    # a command that was sent then is answered with its first receipt
    keyed = [raw for raw in book.entries() if b'"idempotency"' in raw.data]
    by = orjson.loads(keyed[0].data)["by"]
    again = ledger.execute(None, decide, by=by, idempotency=IdempotencyKey(*make.KEYED))
    assert again.replayed
    assert [again.first_position, again.position] == [keyed[0].position, keyed[-1].position]

    # and a new one is taken
    company = Improviser(LedgerStage(ledger, decide), UUID(by.partition(":")[2])).knows(book.entries())
    company.committed("2024-q3", owner=company.people[0])
    live_equals_rebuilt(book)


def test_the_fixture_of_this_release_tells_every_stored_name() -> None:
    names = {orjson.loads(line)["name"] for line in make.path_of("ledger").read_bytes().splitlines()}
    assert names == set(EVENTS)


def test_the_script_makes_the_same_bytes_again() -> None:
    story = Story().tell()
    assert b"".join(make.ledger_lines(story)) == make.path_of("ledger").read_bytes()
    assert b"".join(make.directory_lines(story)) == make.path_of("directory").read_bytes()


def test_nobody_real_is_in_a_fixture() -> None:
    """Given the directory of each release, then every name is an invented one, and no address is kept."""
    directories = list(Path(make.FOLDER).glob("directory-*.jsonl"))
    assert directories
    for path in directories:
        for line in path.read_bytes().splitlines():
            row = orjson.loads(line)
            if row["table"] == "people":
                assert re.fullmatch(r"\w+ Example|Importer", row["display_name"])
                assert row["email"] is None
