"""What is asked of an import apart from its table, and the cycle that it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from aggregates.cycle.state import Cycle
from api.imports.days import CycleIsNotDated, Days, cycle_key, quarter, read_days
from ledger.groups import Preview
from ledger.store import Ledger

FIRST = "first"
"""The word for the owner of an objective's first key result."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of an import, apart from its table.

    `cycle` is a key or `KEY=START..END[,COMMIT-BY]`; `on` the day of the table (default today); `version` names this
    version in entries; `not_before` is the instant of the version before, in a series; `commits` whether lines are
    drawn in this version (None: as the cycle stands).
    """

    cycle: str
    source: str | None = None
    on: date | None = None
    version: str | None = None
    people: Path | None = None
    create_people: bool = False
    create_teams: bool = False
    objective_owner: str | None = None
    accept_faults: bool = False
    strict: bool = False
    as_drafts: bool = False
    dry_run: bool = False
    report: Path | None = None
    not_before: datetime | None = None
    commits: bool | None = None
    no_record_at_start: bool | None = None
    scores: bool | None = None
    """Whether the cycle goes into scoring where it is past (None: where this import plans it)."""
    renames: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Keys of this version (of `objective` or `key_result`) that stand for an earlier key."""


def cycle_of(ledger: Ledger, text: str, onto: Preview | None = None) -> tuple[str, Days, Cycle | None]:
    """Return key and days of the cycle, and the cycle where the ledger (or a preview) knows it.

    Raises CycleIsNotDated.
    """
    name, dated, _ = text.partition("=")
    key = cycle_key(name.strip())
    known: Cycle | None = (ledger.world() if onto is None else onto.world).cycle(key)
    told = read_days(text)[1] if dated else None
    if known is not None:
        days = Days(known.starts_on, known.commit_by, known.ends_on)
        if told is not None and (told.start, told.end) != (days.start, days.end):
            raise CycleIsNotDated(
                f"{key} runs from {days.start} to {days.end} in this ledger.", field="/cycle"
            )
        return key, days, known
    days_or_none = told or quarter(name.strip())
    if days_or_none is None:
        raise CycleIsNotDated(
            f"There is no cycle {key} here, and its days are not known; name them with --cycle "
            f"{key}=START..END[,COMMIT-BY].",
            field="/cycle",
        )
    return key, days_or_none, None
