"""How often one token may ask: a bucket of permissions that fills at a steady rate, kept in memory per process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.door import BURST_SECONDS

BUCKETS_KEPT: Final = 10_000
"""So many tokens are told apart; whoever was away longest begins anew with a full bucket."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left of a bucket after somebody asked; `wait` are the seconds until one more is there, 0 when it was."""

    kind: str
    most: int
    rate: int
    left: int
    wait: float

    def headers(self) -> dict[str, str]:
        """Return the header fields of the IETF draft on rate limits: the policy, and what is left of it."""
        filled = math.ceil((self.most - self.left) / self.rate)
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.most};w={BURST_SECONDS}',
            "RateLimit": f'"{self.kind}";r={self.left};t={filled}',
        }


class Buckets:
    """One bucket for each token: it holds `rate` times two seconds, and fills by `rate` in a second."""

    def __init__(self, kind: str, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.kind = kind
        self.rate = rate
        self.most = rate * BURST_SECONDS
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, token: bytes) -> Taken | None:
        """Take one permission of a token, where one is left; None where there is no bound."""
        if not self.rate:
            return None
        now = self._clock()
        level, at = self._buckets.get(token, (float(self.most), now))
        level = min(float(self.most), level + (now - at) * self.rate)
        wait = 0.0 if level >= 1 else (1 - level) / self.rate
        level = level - 1 if level >= 1 else level
        self._buckets[token] = (level, now)
        self._buckets.move_to_end(token)
        if len(self._buckets) > BUCKETS_KEPT:
            self._buckets.popitem(last=False)
        return Taken(self.kind, self.most, self.rate, int(level), wait)
