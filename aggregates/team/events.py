"""What happens to a team."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from aggregates.entry import Event
from aggregates.values import Line


class TeamFormed(Event):
    """A team was formed, perhaps within another."""

    stored_name: ClassVar[str] = "team.formed"
    name: Line
    parent: UUID | None = None


class TeamRenamed(Event):
    """A team got another name."""

    stored_name: ClassVar[str] = "team.renamed"
    name: Line


class TeamMoved(Event):
    """A team moved within another team, or to the top."""

    stored_name: ClassVar[str] = "team.moved"
    parent: UUID | None = None


class MemberAdded(Event):
    """A person is a member of the team."""

    stored_name: ClassVar[str] = "team.member_added"
    person: UUID


class MemberRemoved(Event):
    """A person is no longer a member of the team."""

    stored_name: ClassVar[str] = "team.member_removed"
    person: UUID


class TeamClosed(Event):
    """A team no longer exists."""

    stored_name: ClassVar[str] = "team.closed"
