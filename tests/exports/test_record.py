"""The record leaves as one moment, byte for byte, whoever writes meanwhile."""

from __future__ import annotations

import pytest

from ledger.codec import export_line, read_line
from tests.exports.conftest import Kept


def test_lines_built_by_the_database_are_those_of_the_codec(kept: Kept) -> None:
    """Given every stored name, then the line that leaves is the one that the codec writes, byte for byte."""
    rows = kept.ledger.read_page(0, 10_000)
    assert list(kept.ledger.export()) == [export_line(row) + b"\n" for row in rows]
    assert [read_line(line[:-1]).position for line in kept.ledger.export(3, 7)] == [4, 5, 6, 7]
    assert list(kept.ledger.export(rows[-1].position)) == []
    assert len(list(kept.ledger.export(0, 10**12))) == len(rows)


def test_an_export_has_one_basis_while_somebody_writes(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an export that has begun, when entries are recorded after each page, then it ends where the head was."""
    monkeypatch.setattr("ledger.store._EXPORT_ROWS", 20)
    head = kept.ledger.head().position
    before = b"".join(kept.ledger.export())
    lines = []
    for place, line in enumerate(kept.ledger.export()):
        lines.append(line)
        if place % 40 == 0:
            kept.do("form_team", team=str(kept.ledger.new_id()), name="Late Comers")
    assert len(lines) == head
    assert b"".join(lines) == before
    assert kept.ledger.head().position > head
