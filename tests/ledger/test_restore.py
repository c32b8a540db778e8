"""Native lines out and, into an empty ledger, back in: byte for byte, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from aggregates.entry import Recorded, stream_of
from aggregates.objective.events import ObjectiveDrafted
from ledger.errors import IdempotencyKeyReused, LedgerExists, StaleVersion
from ledger.identifiers import new_id
from ledger.keys import MasterKeyError
from ledger.lifecycle import RestoreRefused, restore
from ledger.migrate import migrate
from ledger.receipts import IdempotencyKey
from ledger.settings import Settings
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of

NewSettings = Callable[[], Settings]


@pytest.fixture
def lines(ledger: Ledger, steward: str) -> list[bytes]:
    """The export of a ledger with nine entries: teams, a keyed command, an objective with a reference."""
    team = new_id()
    ledger.execute("One", forming(team), by=steward)
    ledger.execute("Two", forming(team), by=steward, idempotency=IdempotencyKey("monday", b"body"))
    ledger.execute("Three", forming(team), by=steward, idempotency=IdempotencyKey("tuesday", b"body"))
    objective = new_id()
    drafted = ObjectiveDrafted(
        reference=ledger.next_reference("OBJ"), cycle="2026-q3", title="Fewer surprises", owner=new_id()
    )
    ledger.append([Recorded(stream_of("objective", objective), drafted)], by=steward)
    ledger.execute("Four", forming(new_id()), by=steward)
    return list(ledger.export())


def test_what_was_exported_comes_back_byte_for_byte(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    settings = new_settings()
    told: list[int] = []
    done = restore(settings, iter(lines), ledger.directory.export(), progress=told.append)
    assert (done.ledger, done.entries) == (ledger.identifier, 9)
    assert told == [9]
    with Ledger.open(settings) as restored:
        assert list(restored.export()) == lines
        assert restored.read_page(0, 100) == ledger.read_page(0, 100)
        assert list(restored.directory.export()) == list(ledger.directory.export())
        assert (restored.identifier, restored.zone) == (ledger.identifier, ledger.zone)
        mark = restored.restored()
        assert mark is not None
        assert mark["entries"] == 9
        assert ledger.restored() is None


def test_writing_goes_on_after_a_restore(
    ledger: Ledger, steward: str, lines: list[bytes], new_settings: NewSettings
) -> None:
    settings, team = new_settings(), new_id()
    sealed = ledger.keys.seal(team, "personal")
    restore(settings, lines, list(ledger.directory.export()))
    with Ledger.open(settings) as restored:
        known = ledger.entry(6)
        assert known is not None
        again = restored.execute(
            "?", forming(team), by=steward, idempotency=IdempotencyKey("monday", b"body")
        )
        assert (again.replayed, again.position, again.recorded_at) == (True, 6, known.recorded_at)
        with pytest.raises(IdempotencyKeyReused):
            restored.execute("?", forming(team), by=steward, idempotency=IdempotencyKey("tuesday", b"other"))
        with pytest.raises(StaleVersion):
            restored.execute("?", forming(team), by=steward, expected={known.stream: 1})
        assert restored.execute("On", forming(team), by=steward).position == 10
        assert restored.next_reference("OBJ") == "OBJ-2"
        assert restored.keys.open(sealed) == "personal"


def test_a_restore_without_the_second_file_says_what_is_missing(
    lines: list[bytes], new_settings: NewSettings
) -> None:
    assert "No directory" in restore(new_settings(), lines).notes[-1]


def test_a_restore_goes_only_into_an_empty_ledger(ledger: Ledger, lines: list[bytes]) -> None:
    with pytest.raises(LedgerExists):
        restore(ledger.settings, lines)


def test_keys_that_another_master_key_wrapped_are_refused(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    from dataclasses import replace

    ledger.keys.seal(new_id(), "personal")
    other = replace(new_settings(), master_key="YW5vdGhlciBrZXksIGFsc28gMzIgYnl0ZXMgbG9uZy4=")
    with pytest.raises(MasterKeyError):
        restore(other, lines, ledger.directory.export())


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


def changed(number: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        assert old in lines[number - 1]
        return [line.replace(old, new) if place == number else line for place, line in enumerate(lines, 1)]

    return change


@pytest.mark.parametrize(
    ("damage", "line", "says"),
    [
        (lambda lines: [], 0, "empty"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], 9, "cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 9, "cut off"),
        (lambda lines: lines[1:], 1, "position 2 follows 0"),
        (lambda lines: [*lines[:4], *lines[5:]], 5, "position 6 follows 4"),
        (swapped, 6, "position 7 follows 5"),
        (lambda lines: [b"id,name\n", *lines], 1, "not a line"),
        (lambda lines: [b'{"hello":"world"}\n'], 1, "not a line"),
        (lambda lines: [b"[]\n"], 1, "not a line"),
        (lambda lines: [*lines, b"\n"], 10, "not a line"),
        (lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]], 1, "spelled"),
        (changed(5, b'"stream"', b'"extra":1,"stream"'), 5, "spelled"),
        (changed(6, b'"version":2,"name":"team.renamed","data"', b'"version":3,"name":"team.renamed","data"'), 6,
         "version 3"),
        (changed(6, b'"version":2', b'"version":3'), 6, "version 3"),
        (changed(5, b'"name":"team.formed","data"', b'"name":"team.renamed","data"'), 5, "do not say"),
        (changed(5, b"team.formed", b"team.founded"), 5, "not known"),
        (changed(5, b'"body":{"name":"One"}', b'"body":{"title":"One"}'), 5, "cannot be read"),
        (changed(5, b'"body":{"name":"One"}', b'"body":{"name":"O\\u0000e"}'), 5, "cannot be read"),
        (changed(5, b'"by":"person:', b'"by":"parson:'), 5, "malformed"),
        (changed(1, b"ledger.created", b"policy.adopted"), 1, "creates it"),
        (changed(9, b'"recorded_at":"2', b'"recorded_at":"1'), 9, "not later"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_and_leaves_nothing(
    lines: list[bytes], new_settings: NewSettings, damage: Any, line: int, says: str
) -> None:
    settings = new_settings()
    with pytest.raises(RestoreRefused) as refused:
        restore(settings, damage(lines))
    assert refused.value.line == line
    assert says in str(refused.value).lower()
    assert "Nothing was restored" in str(refused.value)
    with Ledger.open(settings) as empty:
        assert (empty.head().position, empty.identifier) == (0, None)
    restore(settings, lines)


def test_a_damaged_directory_is_refused(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    for directory in ([b"{}\n"], [b"x"], [*ledger.directory.export(), *ledger.directory.export()]):
        settings = new_settings()
        with pytest.raises(RestoreRefused):
            restore(settings, lines, directory)
        migrate(settings)


def test_lines_of_a_part_can_be_read(ledger: Ledger, lines: Sequence[bytes]) -> None:
    assert list(ledger.export(after=2, until=4)) == list(lines[2:4])
    assert team_of(new_id()).startswith("team:")
