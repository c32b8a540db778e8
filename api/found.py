"""What a command needs of the answers: items by reference, teams by name, findings by rule and cause."""

from __future__ import annotations

import re
from uuid import UUID

from replay.asked import FindingsOf, TeamsList
from replay.questions import Reader

_REFERENCE = re.compile(r"[A-Za-z]{2,4}-[1-9][0-9]{0,8}")
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Found:
    """Looks things up through the reader, like any question."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, item: str) -> tuple[UUID, UUID] | None:
        """Return the objective and the item itself, by reference or identifier; None where there is none."""
        if not (_REFERENCE.fullmatch(item) or _IDENTIFIER.fullmatch(item)):
            return None
        return self._reader.find(item.upper() if _REFERENCE.fullmatch(item) else item.lower())

    def is_team(self, text: str) -> bool:
        """Return whether a team has this name just now."""
        teams = self._reader.ask(TeamsList()).body["teams"].values()
        return any(str(team["name"]["value"]).casefold() == text.casefold() for team in teams)

    def knows_finding(self, rule: str, cause: int) -> bool:
        """Return whether there is such a finding just now."""
        findings = self._reader.ask(FindingsOf(None, None)).body["findings"]
        return any(one["rule"] == rule and one["cause"] == cause for one in findings)
