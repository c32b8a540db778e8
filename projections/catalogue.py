"""Every projection of this release, each after those it needs.

Those that only write come right after the one that writes most: while the database takes its rows in, Python makes
theirs. Those that read what was written come last.
"""

from __future__ import annotations

from projections.base import Projection
from projections.board import Board
from projections.commitments import Commitments
from projections.decisions import Decisions
from projections.drift import Drift
from projections.facts import Facts
from projections.findings import Findings
from projections.history import History

PROJECTIONS: tuple[type[Projection], ...] = (Facts, History, Decisions, Board, Commitments, Drift, Findings)
