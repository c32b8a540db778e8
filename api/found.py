"""What a command needs of the answers: items by reference, teams by name, findings by rule and cause."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from aggregates.access import ALL_SCOPES
from aggregates.near import reference_of
from api.calling import Named
from replay.asked import FindingsOf, TeamsList
from replay.questions import Reader
from replay.sight import EVERYTHING, Sight

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Found:
    """Looks things up through the reader, like any question, as far as somebody sees them."""

    def __init__(self, reader: Reader, sight: Sight = EVERYTHING) -> None:
        self._reader = reader
        self.sight = sight

    def seen_by(self, actor: str, *, exactly: bool = False) -> Found:
        """Return the same, as far as this actor saw it within the last second, or sees it now."""
        sights = self._reader.sights
        look = sights.now if exactly else sights.lately
        return Found(self._reader, look(str(actor), getattr(actor, "scopes", ALL_SCOPES)))

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself, by reference or identifier; None where there is none."""
        name = reference_of(item) or (item.lower() if _IDENTIFIER.fullmatch(item) else None)
        return None if name is None else self._reader.find(name, reader=self.sight)

    def teams(self) -> list[Named]:
        """Return the teams with the names that they have just now; they are the same for everybody."""
        teams = self._reader.ask(TeamsList()).body["teams"].items()
        return [
            Named(UUID(one), str(team["name"]["value"]), gone=team["standing"]["value"]["word"] == "closed")
            for one, team in teams
        ]

    def findings(self, question: FindingsOf) -> list[dict[str, Any]]:
        """Return the findings that a question means just now."""
        rows: list[dict[str, Any]] = self._reader.ask(question, reader=self.sight).body["findings"]
        return rows

    def knows_finding(self, rule: str, cause: int) -> bool:
        """Return whether there is such a finding just now."""
        findings = self._reader.ask(FindingsOf(None, None), reader=self.sight).body["findings"]
        return any(one["rule"] == rule and one["cause"] == cause for one in findings)
