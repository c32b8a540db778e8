"""What can be asked about teams."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from aggregates.command import Command
from aggregates.values import Line


class FormTeam(Command):
    """Form a team, perhaps within another."""

    command: Literal["form_team"] = "form_team"
    team: UUID
    name: Line
    parent: UUID | None = None


class RenameTeam(Command):
    """Give a team another name."""

    command: Literal["rename_team"] = "rename_team"
    team: UUID
    name: Line


class MoveTeam(Command):
    """Move a team within another team, or to the top."""

    command: Literal["move_team"] = "move_team"
    team: UUID
    parent: UUID | None = None


class CloseTeam(Command):
    """Record that a team no longer exists."""

    command: Literal["close_team"] = "close_team"
    team: UUID


class AddMember(Command):
    """Record that a person is a member of a team."""

    command: Literal["add_member"] = "add_member"
    team: UUID
    person: UUID


class RemoveMember(Command):
    """Record that a person is no longer a member of a team."""

    command: Literal["remove_member"] = "remove_member"
    team: UUID
    person: UUID
