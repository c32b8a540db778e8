"""A complete answer: its body, what it names, how its bytes are joined, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from replay.asked import BoardOf, DriftOf, HistoryOf, Question
from replay.basis import Basis


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer and the basis that it stands on; `body` is ready for JSON and carries the basis."""

    basis: Basis
    body: dict[str, Any]
    named: frozenset[str] = frozenset()
    """Every identifier in the body."""
    pieces: tuple[bytes, ...] | None = None
    """The rows as JSON, where they are kept."""
    rests_on: frozenset[str] | None = None
    """The objectives whose check-ins change the answer; None where that is not known."""
    member: str = "objectives"
    """Which member holds the rows."""

    def content(self) -> bytes:
        """Return the body as JSON."""
        if self.pieces is None:
            return orjson.dumps(self.body)
        return orjson.dumps({**self.body, self.member: list(map(orjson.Fragment, self.pieces))})


KEPT_ROWS: dict[type[Question], tuple[str, str]] = {
    BoardOf: ("objectives", "id"),
    DriftOf: ("objectives", "objective"),
    HistoryOf: ("entries", "position"),
}
"""Answers whose rows are kept: the member that holds the rows, and the one that names a row."""


def rests_on_of(question: Question, body: dict[str, Any]) -> frozenset[str]:
    """Return the objectives whose check-ins change an answer about the present."""
    if isinstance(question, BoardOf):
        return frozenset(row["id"] for row in body["objectives"])
    if isinstance(question, DriftOf):
        return frozenset(row["objective"] for row in body["objectives"])
    if isinstance(question, HistoryOf):
        return frozenset({body["objective"]})
    return frozenset()
