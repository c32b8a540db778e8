"""What a flat table is: columns with a name, a kind and a meaning, and how an answer becomes its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from api.exporting.names import Names

Kind = Literal["text", "number", "whole", "flag", "day", "instant"]
KINDS: dict[Kind, str] = {
    "text": "text",
    "number": "a decimal, exactly as the answer says it",
    "whole": "a whole number",
    "flag": "true or false",
    "day": "a day, ISO 8601",
    "instant": "an instant in UTC, ISO 8601",
}
"""Each kind of column and how it is written; an empty cell says that the answer says nothing there."""

Body = Mapping[str, Any]
Cells = dict[str, Any]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its stable name, its kind, and what it means."""

    name: str
    kind: Kind
    meaning: str


BASIS: tuple[Column, ...] = (
    Column("basis_ledger", "text", "identifier of the ledger"),
    Column("basis_position", "whole", "position up to which the ledger had been told"),
    Column("basis_effective_on", "day", "day at whose end the facts were true"),
    Column("basis_policy_version", "whole", "version of the policy that turned facts into figures"),
    Column("basis_private", "whole", "how many more the reader may not see: counted, and not in the table"),
)
"""The last columns of every table: what the row stands on."""


@dataclass(frozen=True, slots=True)
class Table:
    """The flat form of one question: `each` says in a sentence what one row is."""

    question: str
    each: str
    columns: tuple[Column, ...]
    flatten: Callable[[Body, Names], Iterable[Cells]]

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Return the columns with those of the basis."""
        return (*self.columns, *BASIS)

    def rows(self, body: Body, names: Names) -> Iterator[Row]:
        """Give the rows of an answer, one at a time, their cells in the order of the columns."""
        basis = body["basis"]
        tail = (
            basis["ledger"],
            basis["position"],
            basis["effective_at"],
            basis["policy_version"],
            body.get("private", 0),
        )
        order = [column.name for column in self.columns]
        for cells in self.flatten(body, names):
            yield (*[cells[name] for name in order], *tail)


def columns(*told: tuple[str, Kind, str]) -> tuple[Column, ...]:
    """Return columns from (name, kind, meaning)."""
    return tuple(Column(*one) for one in told)
