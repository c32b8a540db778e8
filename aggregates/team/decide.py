"""Decisions about teams."""

from __future__ import annotations

from uuid import UUID

from aggregates.checks import act, check_present, check_team
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.refusals import (
    IdentifierIsTaken,
    NothingChanges,
    PersonIsAMember,
    PersonIsNotAMember,
    TeamIsUnknown,
    TeamLoop,
)
from aggregates.team.commands import AddMember, CloseTeam, FormTeam, MoveTeam, RemoveMember, RenameTeam
from aggregates.team.events import MemberAdded, MemberRemoved, TeamClosed, TeamFormed, TeamMoved, TeamRenamed
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


def add_member(world: World, command: AddMember, occasion: Occasion) -> list[Recorded]:
    """Record that a person, who is here, is a member of a team.

    Raises:
        TeamIsUnknown, TeamIsClosed, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere, PersonIsAMember.
    """
    team = check_team(world, command.team, field="/team")
    check_present(world, command.person, occasion.at, field="/person")
    if command.person in team.members:
        raise PersonIsAMember(field="/person")
    return [act(command, team.stream, MemberAdded(person=command.person))]


def remove_member(world: World, command: RemoveMember, _: Occasion) -> list[Recorded]:
    """Record that a person is no longer a member of a team, which may be closed.

    Raises:
        TeamIsUnknown, PersonIsNotAMember.
    """
    team = world.team(command.team)
    if team is None:
        raise TeamIsUnknown(field="/team")
    if command.person not in team.members:
        raise PersonIsNotAMember(field="/person")
    return [act(command, team.stream, MemberRemoved(person=command.person))]


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
