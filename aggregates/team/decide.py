"""Decisions about teams."""

from __future__ import annotations

from uuid import UUID

from aggregates.checks import act, check_team
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.refusals import IdentifierIsTaken, NothingChanges, TeamLoop
from aggregates.team.commands import CloseTeam, FormTeam, MoveTeam, RenameTeam
from aggregates.team.events import TeamClosed, TeamFormed, TeamMoved, TeamRenamed
from aggregates.world import World


def form_team(world: World, command: FormTeam, _: Occasion) -> list[Recorded]:
    """Form a team.

    Raises:
        IdentifierIsTaken, TeamIsUnknown, TeamIsClosed.
    """
    if world.team(command.team) is not None or world.person(command.team) is not None:
        raise IdentifierIsTaken(field="/team")
    if command.parent is not None:
        _check_parent(world, command.team, command.parent)
    event = TeamFormed(name=command.name, parent=command.parent)
    return [act(command, stream_of("team", command.team), event)]


def rename_team(world: World, command: RenameTeam, _: Occasion) -> list[Recorded]:
    """Give a team another name.

    Raises:
        TeamIsUnknown, TeamIsClosed, NothingChanges.
    """
    team = check_team(world, command.team, field="/team")
    if team.name.now == command.name:
        raise NothingChanges(field="/name")
    return [act(command, team.stream, TeamRenamed(name=command.name))]


def move_team(world: World, command: MoveTeam, _: Occasion) -> list[Recorded]:
    """Move a team within another team, or to the top.

    Raises:
        TeamIsUnknown, TeamIsClosed, TeamLoop, NothingChanges.
    """
    team = check_team(world, command.team, field="/team")
    if team.parent.now == command.parent:
        raise NothingChanges(field="/parent")
    if command.parent is not None:
        _check_parent(world, command.team, command.parent)
    return [act(command, team.stream, TeamMoved(parent=command.parent))]


def close_team(world: World, command: CloseTeam, _: Occasion) -> list[Recorded]:
    """Record that a team no longer exists; what belonged to it still says so.

    Raises:
        TeamIsUnknown, TeamIsClosed.
    """
    team = check_team(world, command.team, field="/team")
    return [act(command, team.stream, TeamClosed())]


def _check_parent(world: World, team: UUID, parent: UUID) -> None:
    """Refuse a closed parent and a loop; every team of the chain is read."""
    if team == parent:
        raise TeamLoop(field="/parent")
    above: UUID | None = check_team(world, parent, field="/parent").parent.now
    while above is not None:
        if above == team:
            raise TeamLoop(field="/parent")
        higher = world.team(above)
        above = higher.parent.now if higher is not None else None
