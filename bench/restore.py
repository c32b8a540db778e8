"""How fast native lines come back: restore beside a bare COPY of the same rows into the same indexed table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import psycopg

from aggregates.entry import Circumstances, Event
from aggregates.objective.events import CheckedIn
from aggregates.organisation.events import LedgerCreated
from aggregates.team.events import TeamFormed, TeamRenamed
from bench.append import _drop
from ledger.codec import RawEntry, encode, export_line, read_line
from ledger.identifiers import new_id
from ledger.lifecycle import restore
from ledger.migrate import migrate_place
from ledger.place import Place
from ledger.settings import Settings

ENTRIES = 50_000
ROUNDS = 3


def restore_lines(settings: Settings, entries: int = ENTRIES) -> dict[str, float]:
    """Return medians of entries per second: COPY of the rows, restore of the lines, and the checks alone apart."""
    lines = list(_lines(entries))
    rounds = [(_copy(settings, lines), _restore(settings, lines)) for _ in range(ROUNDS)]
    return {
        "copy_per_second": entries / median(copied for copied, _ in rounds),
        "restore_per_second": entries / median(restored for _, restored in rounds),
        "ratio": median(copied / restored for copied, restored in rounds),
    }


def _lines(entries: int) -> Iterator[bytes]:
    """Give a ledger's lines: teams that are formed and renamed, objectives with check-ins."""
    at, by = datetime(2026, 1, 1, tzinfo=UTC), f"person:{new_id()}"
    streams = [f"{'team' if number % 3 else 'objective'}:{new_id()}" for number in range(500)]
    versions = dict.fromkeys([*streams, "organisation"], 0)
    key_result = new_id()
    for position in range(1, entries + 1):
        stream = "organisation" if position == 1 else streams[position % len(streams)]
        versions[stream] += 1
        at += timedelta(microseconds=1_000)
        event: Event
        if position == 1:
            event = LedgerCreated(ledger=new_id(), organisation="Bench", zone="Europe/Berlin")
        elif stream.startswith("objective"):
            event = CheckedIn(key_result=key_result, confidence=Decimal("0.7"))
        elif versions[stream] == 1:
            event = TeamFormed(name=f"Team {position}")
        else:
            event = TeamRenamed(name=f"Team {position}")
        data = encode(stream, versions[stream], Circumstances(by=by, request=new_id()), event)
        yield export_line(RawEntry(position, at, stream, versions[stream], event.stored_name, data)) + b"\n"


def _copy(settings: Settings, lines: list[bytes]) -> float:
    """Return the seconds of a bare COPY, text of the rows prepared before."""
    settings = replace(settings, schema=f"{settings.schema}_copy")
    rows = []
    for line in lines:
        raw = read_line(line[:-1])
        fields = (
            raw.position,
            raw.recorded_at.isoformat(),
            raw.stream,
            raw.version,
            raw.name,
            f"\\\\x{raw.data.hex()}",
        )
        rows.append("\t".join(str(field) for field in fields) + "\n")
    with Place.open(settings) as place:
        _drop(place)
        migrate_place(place)
        with psycopg.connect(place.owner_url) as connection:
            start = time.perf_counter()
            with connection.cursor().copy(
                f"copy {settings.schema}.entries (position, recorded_at, stream, version, name, data) from stdin"
            ) as copy:
                for chunk in range(0, len(rows), 1_000):
                    copy.write("".join(rows[chunk : chunk + 1_000]))
            connection.commit()
            seconds = time.perf_counter() - start
        _drop(place)
    return seconds


def _restore(settings: Settings, lines: list[bytes]) -> float:
    settings = replace(settings, schema=f"{settings.schema}_back")
    with Place.open(settings) as place:
        _drop(place)
        migrate_place(place)
        start = time.perf_counter()
        restore(settings, lines)
        seconds = time.perf_counter() - start
        _drop(place)
    return seconds
