"""Restoring native lines beside COPY of the same rows, the check by the rules apart, and importing by the rules."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import psycopg

from aggregates.command import Command
from aggregates.evolve import EVOLVE
from bench.company import Company
from bench.figures import Measure, measure
from bench.host import rate_of_processor, worked
from bench.house import room, seconds
from bench.writing import carry_out, committed, company, read
from ledger.chunks import plain_rows
from ledger.codec import decode, read_line
from ledger.lifecycle import restore
from ledger.lines import LineCheck
from ledger.migrate import migrate_place
from ledger.place import Place
from ledger.rows import END, SIGNATURE
from ledger.settings import Settings

CHECK_INS = 13
_PIECE = 2_000


def restoring(settings: Settings, *, entries: int, objectives: int, rounds: int) -> list[Measure]:
    """Measure restore beside a COPY of the same rows into the same table, and the check by the rules alone."""
    lines = list(Company(objectives=objectives).lines(entries))
    packed = list(_packed(lines))
    copies, restores = [], []
    for _ in range(rounds):
        copies.append(_copy(settings, packed))
        restores.append(_restore(settings, lines))
    some = lines[: entries // 8]
    rules = [seconds(lambda: _rules(some)) for _ in range(3)]
    note = (
        f"{entries:,} entries of {sum(map(len, lines)) // entries} bytes; COPY {_rate(entries, copies)}, of rows "
        "packed beforehand in binary, into the ledger's own table with its indexes and checks"
    )
    return [
        measure("restore", [copy / restored for copy, restored in zip(copies, restores, strict=True)], note),
        measure("restore_rate", [entries / one for one in restores]),
        measure(
            "rules_rate",
            [len(some) / one for one in rules],
            f"{len(some):,} entries, one thread, no database",
        ),
    ]


def _packed(lines: list[bytes]) -> Iterator[bytes]:
    """Give the rows of the lines for a binary COPY, some thousands at a time."""
    with tempfile.TemporaryFile() as receipts:
        check = LineCheck(receipts)
        for start in range(0, len(lines), _PIECE):
            piece = lines[start : start + _PIECE]
            yield plain_rows(check, piece) or b"".join(map(check.row, piece))


def _copy(settings: Settings, packed: list[bytes]) -> float:
    """Return the seconds of a bare COPY and its commit."""
    with room(settings, "copy") as own, Place.open(own) as place:
        migrate_place(place)
        with psycopg.connect(place.owner_url) as connection:

            def work() -> None:
                with connection.cursor().copy(
                    f"copy {own.schema}.entries (position, recorded_at, stream, version, name, data, reference,"
                    " supersedes) from stdin (format binary)".encode()
                ) as copy:
                    copy.write(SIGNATURE)
                    for rows in packed:
                        copy.write(rows)
                    copy.write(END)
                connection.commit()

            return seconds(work)


def _restore(settings: Settings, lines: list[bytes]) -> float:
    with room(settings, "back") as own:
        with Place.open(own) as place:
            migrate_place(place)
        return seconds(lambda: restore(own, lines))


def _rules(lines: list[bytes]) -> None:
    """Read every entry and let the rules follow it, as the check of a whole ledger does."""
    states: dict[str, Any] = {}
    for line in lines:
        entry = decode(read_line(line[:-1]))
        stream = entry.stream
        states[stream] = EVOLVE[stream.partition(":")[0]](states.get(stream), entry)


def importing(settings: Settings, *, objectives: int, rounds: int) -> list[Measure]:
    """Measure commands carried out in groups, as an import does: objectives up to their lines, then check-ins."""
    with room(settings, "import") as own, company(own, 0) as found:
        owner = UUID(found.owner.partition(":")[2])
        rates, by_processor, sizes = [], list[float](), (0, 0)
        for _ in range(rounds):
            key_results: list[tuple[UUID, UUID]] = []
            commands = [*committed(found.ledger, owner, objectives, key_results), *_check_ins(key_results)]
            before = found.ledger.head().position
            work = partial(carry_out, found.ledger, iter(commands), by=found.owner)
            done = worked(work, own)
            sizes = found.ledger.head().position - before, len(commands)
            rates.append(sizes[0] / done.passed)
            by_processor += rate_of_processor(sizes[0], done)
    note = f"{sizes[0]:,} entries of {sizes[1]:,} commands a round, validated beforehand, 500 commands in an append"
    return [
        measure("import_rate", rates, note),
        *([measure("import_processor", by_processor)] if by_processor else []),
    ]


def _check_ins(key_results: list[tuple[UUID, UUID]]) -> Iterator[Command]:
    """Give a quarter's check-ins, each with a value: two entries."""
    confidences = cycle(["0.6", "0.7", "0.8"])
    for week in range(CHECK_INS):
        for objective, key_result in key_results:
            yield read(
                {
                    "command": "check_in", "objective": objective, "key_result": key_result,
                    "value": str(10 + 5 * week), "confidence": next(confidences), "said": "on_track",
                }
            )  # fmt: skip


def _rate(entries: int, passed: list[float]) -> str:
    return f"{entries / sorted(passed)[len(passed) // 2]:,.0f} a second"
