"""Accepted means replayable, also of what stands beside an event: the append takes what a restore takes back.

The application's role may call the append with any bytes. What it is given here are circumstances as the program
writes them and the same spoilt at random, in both ways in which an entry goes in: alone, and among others.
"""

from __future__ import annotations

import io
from random import Random
from typing import Any

import orjson
import psycopg
import pytest

from aggregates.entry import Circumstances, Idempotency, Reason, Source
from aggregates.team.events import TeamFormed
from ledger.codec import encode, export_line
from ledger.identifiers import new_id
from ledger.lines import LineCheck
from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from tests.ledger.helpers import team_of

ACTOR = f"person:{'0' * 8}-0000-0000-0000-{'0' * 12}"
STRANGE: tuple[Any, ...] = (
    None, True, 0, 7, -1, 1.5, "", " ", "\u00a0", "x", "X" * 201, "X" * 4_001, "e\u0301" * 150, "a\nb", "a\tb",
    "\u0085", "\u2028", "\u200b", "\U000e0041", "\u2029end", [], ["kind", "text"], {}, {"kind": "scope"},
    {"name": "a", "version": "b"}, {"kind": "scope", "text": "x", "more": 1}, {"kind": "Scope", "text": "x"},
    {"kind": ["scope"], "text": "x"}, "editorial", "2026-01-01", "2026-01-01T00:00:00.000000Z",
    "2026-02-30T00:00:00.000000Z", "2026-01-01T00:00:00Z", "9" * 32, "5e" * 16, "5E" * 16, "5e" * 33, "person:me",
    ACTOR, ACTOR.upper(), ACTOR[7:], {"key": "k", "fingerprint": "5e" * 16}, {"key": "k"},
    {"key": "a\nb", "fingerprint": "5e" * 16}, {"key": "k", "fingerprint": int("9" * 18)},
)  # fmt: skip
NAMES = ("on_behalf_of", "reason", "source", "idempotency", "decision", "effective_at", "supersedes")


def sound(by: str, random: Random) -> dict[str, Any]:
    """An entry that says everything as the program writes it, or some of it."""

    def perhaps(value: Any) -> Any:
        return value if random.random() < 0.7 else None

    source = Source(
        name="Plan \u00e9", version="v1", row=perhaps("12"), author=perhaps(new_id()), doubt=perhaps("perhaps"),
        not_before=perhaps("2026-01-01T10:00:00.000000Z"),
    )  # fmt: skip
    circumstances = Circumstances(
        by=by,
        request=new_id(),
        on_behalf_of=perhaps(by),
        reason=perhaps(Reason(kind="scope", text="Two lines\nand a tab\t\u2026")),
        decision=perhaps(new_id()),
        source=perhaps(source),
        idempotency=perhaps(Idempotency(key=f"key \u00e9 {random.random()}", fingerprint="5e" * 32)),
    )
    told: dict[str, Any] = orjson.loads(encode(team_of(new_id()), 1, circumstances, TeamFormed(name="Ovens")))
    return told


def spoilt(entry: dict[str, Any], random: Random) -> dict[str, Any]:
    """The entry with something strange in one of its circumstances, or in a member of one."""
    told = orjson.loads(orjson.dumps(entry))
    name, strange = random.choice(NAMES), random.choice(STRANGE)
    within = told.get(name)
    if isinstance(within, dict) and random.random() < 0.6:
        within[random.choice([*within, "more"])] = strange
    else:
        told[name] = strange
    if isinstance(told.get("idempotency"), dict) and told["idempotency"].get("key") == "k":
        told["idempotency"]["key"] = f"k {random.random()}"
    return told


@pytest.fixture
def taken(ledger: Ledger) -> Any:
    """Hand entries to the append as the application's role; say whether they were taken."""

    def take(*entries: bytes) -> bool:
        with ledger.pool.connection() as connection:
            try:
                connection.execute("select * from append(%s::bytea[])", [list(entries)])
            except psycopg.DatabaseError:
                connection.rollback()
                return False
        return True

    return take


def restorable(ledger: Ledger) -> bool:
    """Whether each line of the ledger, one by one, would be restored."""
    check = LineCheck(io.BytesIO())
    for raw in ledger.read_page(0, 10_000):
        check.row(export_line(raw) + b"\n")
    return True


@pytest.mark.parametrize("seed", range(4))
def test_what_the_append_takes_is_restored_and_what_the_program_writes_is_taken(
    ledger: Ledger, steward: str, taken: Any, seed: int, settings: Settings
) -> None:
    random, accepted, refused = Random(seed), 0, 0
    for number in range(150):
        entry = sound(steward, random)
        assert taken(orjson.dumps(entry)), entry
        strange = orjson.dumps(spoilt(sound(steward, random), random))
        beside = [] if number % 2 else [orjson.dumps(sound(steward, random))]
        if taken(strange, *beside):
            accepted += 1
        else:
            refused += 1
            assert not beside or taken(*beside)
    assert restorable(ledger)
    assert accepted > 5
    assert refused > 50


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.replace(b'"version":1,', b'"version":1e0,'),
        lambda entry: entry.replace(b'"team:', b'"team:0123456789-'),
        lambda entry: entry.replace(b'{"stream"', b' {  "stream"'),
        lambda entry: entry.replace(b'"version":1,', b'"version":9,"version":1,'),
    ],
)
def test_another_spelling_that_the_append_takes_is_restored(
    ledger: Ledger, steward: str, taken: Any, change: Any, new_settings: Any
) -> None:
    circumstances = Circumstances(by=steward, request=new_id())
    entry = change(encode(team_of(new_id()), 1, circumstances, TeamFormed(name="Ovens")))
    assert taken(entry)
    lines = list(ledger.export())
    assert entry in lines[-1]
    assert restore(new_settings(), lines).entries == len(lines)
