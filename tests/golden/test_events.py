"""Every stored name is read by this release, and written back to the same bytes."""

import orjson
import pytest

from aggregates.vocabulary import EVENTS
from ledger.codec import decode, encode, export_line, read_line
from tests.golden.write import FILE

LINES = FILE.read_bytes().splitlines()


def test_every_stored_name_is_in_the_file() -> None:
    assert {read_line(line).name for line in LINES} == set(EVENTS)


@pytest.mark.parametrize("line", LINES, ids=[read_line(line).name for line in LINES])
def test_a_stored_line_is_read_and_written_back_to_the_same_bytes(line: bytes) -> None:
    raw = read_line(line)
    entry = decode(raw)
    assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
    assert export_line(raw) == line


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_field_of_an_event_is_filled_in_some_line(name: str) -> None:
    bodies = [orjson.loads(read_line(line).data)["body"] for line in LINES if read_line(line).name == name]
    assert set().union(*bodies) == set(EVENTS[name].model_fields)


def test_the_circumstances_of_a_line_are_all_filled() -> None:
    assert all(list(orjson.loads(read_line(line).data)) == [
        "stream", "version", "name", "by", "on_behalf_of", "effective_at", "reason", "decision", "source",
        "request", "idempotency", "supersedes", "body",
    ] for line in LINES)  # fmt: skip
