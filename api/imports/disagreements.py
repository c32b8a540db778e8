"""Where the ledger and an export disagree: each place with both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

What = Literal["missing here", "missing there", "differs", "doubtful", "unreadable"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One place where the two disagree: which item, which field, what each side says, and the line there."""

    what: What
    item: str
    title: str
    field: str = ""
    here: str = ""
    there: str = ""
    line: int = 0

    def body(self) -> dict[str, Any]:
        """Return the disagreement ready for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value not in ("", 0)}

    def sentence(self) -> str:
        """Return the disagreement in one line."""
        place = f", line {self.line} there" if self.line else ""
        name = f"{self.item} “{self.title}”" if self.item else f"“{self.title}”"
        if self.what == "differs":
            return (
                f"{name}: {self.field} is {self.here or 'none'} here and {self.there or 'none'} there{place}"
            )
        more = f": {self.there}" if self.there else ""
        return f"{self.what}: {name}{place}{more}"


@dataclass
class Reconciled:
    """The result: the basis, how many items agree, and every disagreement."""

    cycle: str
    basis: Mapping[str, Any]
    agree: int = 0
    found: list[Disagreement] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the result ready for JSON."""
        return {
            "cycle": self.cycle, "basis": self.basis, "agree": self.agree,
            "disagreements": [one.body() for one in self.found],
        }  # fmt: skip

    def blocks(self) -> list[str]:
        """Return the result as lines for people."""
        basis = f"position {self.basis['position']}, effective {self.basis['effective_at']}"
        head = f"{self.cycle} at {basis}: {self.agree} items agree, {len(self.found)} disagreements"
        return [head, *(f"  {one.sentence()}" for one in self.found)]
