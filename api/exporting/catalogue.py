"""The questions that have a flat form, by name."""

from __future__ import annotations

from collections.abc import Mapping

from api.exporting.board import BOARD
from api.exporting.commitments import COMMITMENTS
from api.exporting.decisions import DECISIONS
from api.exporting.drift import DRIFT
from api.exporting.findings import FINDINGS
from api.exporting.history import HISTORY
from api.exporting.table import Table

TABLES: Mapping[str, Table] = {
    table.question: table for table in (BOARD, COMMITMENTS, DRIFT, HISTORY, DECISIONS, FINDINGS)
}
