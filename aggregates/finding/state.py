"""A finding has no stream of its own: it is derived, and addressed by its rule and the entry that caused it."""

from __future__ import annotations

from typing import NamedTuple

from aggregates.finding.events import FindingRule


class FindingAddress(NamedTuple):
    """What names a finding for ever: its rule and the position of its cause."""

    rule: FindingRule
    cause: int
