"""What a command needs of the answers: items by reference, teams by name, findings by rule and cause."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from aggregates.access import ALL_SCOPES
from replay.asked import FindingsOf, TeamsList
from replay.questions import Reader
from replay.sight import EVERYTHING, Sight

_REFERENCE = re.compile(r"[A-Za-z]{2,4}-[1-9][0-9]{0,8}")
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
        if not (_REFERENCE.fullmatch(item) or _IDENTIFIER.fullmatch(item)):
            return None
        name = item.upper() if _REFERENCE.fullmatch(item) else item.lower()
        return self._reader.find(name, reader=self.sight)

    def is_team(self, text: str) -> bool:
        """Return whether a team has this name just now."""
        return bool(self.teams_named(text))

    def teams_named(self, text: str) -> list[UUID]:
        """Return the teams that have this name just now."""
        teams = self._reader.ask(TeamsList(), reader=self.sight).body["teams"].items()
        return [UUID(one) for one, team in teams if str(team["name"]["value"]).casefold() == text.casefold()]

    def findings(self, question: FindingsOf) -> list[dict[str, Any]]:
        """Return the findings that a question means just now."""
        rows: list[dict[str, Any]] = self._reader.ask(question, reader=self.sight).body["findings"]
        return rows

    def knows_finding(self, rule: str, cause: int) -> bool:
        """Return whether there is such a finding just now."""
        findings = self._reader.ask(FindingsOf(None, None), reader=self.sight).body["findings"]
        return any(one["rule"] == rule and one["cause"] == cause for one in findings)
