"""The documents of exports and views are made from the definitions, so a change of contract is seen."""

from __future__ import annotations

from pathlib import Path

from api.exporting import reference
from api.exporting.catalogue import TABLES
from api.exporting.table import KINDS

AGAIN = "run `python -m api.exporting.reference`"


def test_the_documents_are_what_the_definitions_say() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert (docs / "exports.md").read_text(encoding="utf-8") == reference.exports(), AGAIN
    assert (docs / "sql-views.md").read_text(encoding="utf-8") == reference.views(), AGAIN


def test_every_column_has_one_name_a_kind_and_a_meaning() -> None:
    assert list(TABLES) == ["board", "commitments", "drift", "history", "decisions", "findings"]
    for table in TABLES.values():
        names = [column.name for column in table.all_columns]
        assert len(names) == len(set(names)), table.question
        assert all(column.kind in KINDS and column.meaning for column in table.all_columns)
