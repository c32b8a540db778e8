"""Every projection of this release, each after those it needs."""

from __future__ import annotations

from projections.base import Projection
from projections.board import Board
from projections.facts import Facts

PROJECTIONS: tuple[type[Projection], ...] = (Facts, Board)
