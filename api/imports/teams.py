"""Which team the name of a table means: an open one of this ledger, or one that is formed on request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from aggregates.entry import Source
from aggregates.snapshots.cells import Unreadable
from aggregates.team.commands import FormTeam
from ledger.groups import Preview
from ledger.store import Ledger


class TeamsOf:
    """The teams of one import. `form` is given the command for a new one, before the row that names it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        create: bool,
        begin: datetime,
        source: Source,
        form: Callable[[FormTeam], None],
        before: TeamsOf | None = None,
        onto: Preview | None = None,
    ) -> None:
        self._ledger, self._create, self._begin, self._source, self._form = (
            ledger,
            create,
            begin,
            source,
            form,
        )
        self._onto = onto
        self._known: dict[str, list[UUID]] | None = None if before is None else before._known
        self.formed: list[str] = []
        self.missing: dict[str, None] = {}

    def team(self, name: str | None) -> UUID | None:
        """Return the team of this name, None where the source names none. Raises Unreadable."""
        if name is None:
            return None
        if self._known is None:
            self._known = self._open_teams()
        found = self._known.get(name.casefold(), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise Unreadable(
                "team_is_doubtful", f"{len(found)} teams of this ledger have this name.",
                "Rename one of them and import again: the team follows.",
            )  # fmt: skip
        if not self._create:
            self.missing[name] = None
            raise Unreadable(
                "team_is_unknown", "No team of this ledger has this name; the objective has none.",
                "Give --create-teams, or form it and import again: the team follows.",
            )  # fmt: skip
        team = self._ledger.new_id()
        self._form(FormTeam(team=team, name=name, effective_at=self._begin, source=self._source))
        self._known[name.casefold()] = [team]
        self.formed.append(name)
        return team

    def _open_teams(self) -> dict[str, list[UUID]]:
        world = self._ledger.world() if self._onto is None else self._onto.world
        known: dict[str, list[UUID]] = {}
        for identifier in self._ledger.teams():
            team = world.team(identifier)
            if team is not None and not team.is_closed:
                known.setdefault(team.name.present.casefold(), []).append(identifier)
        return known
