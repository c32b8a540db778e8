"""How wide the HTTP door is: what one token may ask in a second, how many may listen or wait, how long; from the
environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from ledger.settings import SettingsError

BURST_SECONDS: Final = 2
"""So many seconds' worth may be asked at once before the rate counts."""
READS_PER_SECOND: Final = 1_000
WRITES_PER_SECOND: Final = 200
LISTENERS_PER_TOKEN: Final = 20
LISTENERS: Final = 500
UNDER_WAY: Final = 2_000
"""What 220 requests a second become in nine seconds in which nobody is answered."""
WAITING_SECONDS: Final = 10
"""Longer than a pause of the machine that passes by itself, and no longer than people wait for a page."""
_GREATEST: Final = 1_000_000
_NAMES: Final = {
    "reads_per_second": "STRATEGY_LEDGER_READS_PER_SECOND",
    "writes_per_second": "STRATEGY_LEDGER_WRITES_PER_SECOND",
    "listeners_per_token": "STRATEGY_LEDGER_LISTENERS_PER_TOKEN",
    "listeners": "STRATEGY_LEDGER_LISTENERS",
    "under_way": "STRATEGY_LEDGER_REQUESTS_UNDER_WAY",
    "waiting_seconds": "STRATEGY_LEDGER_WAITING_SECONDS",
}


@dataclass(frozen=True, slots=True)
class Door:
    """What one token may do in each process, how many listen and are under way there in all, and for how many seconds
    a request waits until its work begins; 0 is no bound."""

    reads_per_second: int = READS_PER_SECOND
    writes_per_second: int = WRITES_PER_SECOND
    listeners_per_token: int = LISTENERS_PER_TOKEN
    listeners: int = LISTENERS
    under_way: int = UNDER_WAY
    waiting_seconds: float = WAITING_SECONDS

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Return the door that these variables describe; an empty variable counts as absent. Raises SettingsError."""
        chosen: dict[str, int] = {}
        for field, name in _NAMES.items():
            text = environ.get(name, "").strip()
            if not text:
                continue
            if not (text.isascii() and text.isdigit() and len(text) <= 7 and int(text) <= _GREATEST):
                raise SettingsError(
                    f"{name} is {text[:20]!r}; it must be a whole number from 0 (no bound) to {_GREATEST}."
                )
            chosen[field] = int(text)
        return cls(**chosen)


WIDE_OPEN: Final = Door(0, 0, 0, 0, 0, 0)
"""Without any bound: for measurements."""
