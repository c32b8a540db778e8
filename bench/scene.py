"""What the load reads and writes: a quarter that runs, of an invented company, with the tokens of its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from bench.company import Company
from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to ask and to write."""

    cycle: str
    past: str
    day: str
    objectives: Sequence[str]
    key_results: Sequence[tuple[str, str]]
    """Each with the token of its owner."""
    reader: str


def staged(settings: Settings, objectives: int, entries: int) -> Scene:
    """Restore so many entries of the invented company and return what there is in its last quarter that runs."""
    company = Company(objectives=objectives)
    restore(settings, company.lines(entries))
    quarter, past = company.quarters[-1], company.complete[-1]
    if "committed" not in quarter.marks:
        raise SystemExit(
            f"After {entries} entries no quarter has objectives that are committed; take another number."
        )
    with Ledger.open(settings) as ledger:
        Engine(ledger).catch_up()
        tokens: dict[str, str] = {}
        key_results: list[tuple[str, str]] = []
        names: list[str] = []
        after, head = past.marks["closed"], ledger.head().position
        while after < head:
            page = ledger.read_page(after, 5_000)
            for raw in page:
                if raw.name not in ("objective.drafted", "key_result.added"):
                    continue
                data = orjson.loads(raw.data)
                if raw.name == "objective.drafted":
                    names.append(data["body"]["reference"])
                    continue
                by = data["by"]
                if by not in tokens:
                    tokens[by] = ledger.tokens.issue(by, "load")
                key_results.append((data["body"]["reference"], tokens[by]))
            after = page[-1].position
        reader = ledger.tokens.issue(f"person:{company.steward}", "load")
    return Scene(quarter.key, past.key, quarter.day(0).isoformat(), names, key_results, reader)
