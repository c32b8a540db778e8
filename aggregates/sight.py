"""Who asks and who may see what, read from a world: the facts that the rights are judged by, as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from aggregates.access import ALL_SCOPES, OFFICES, Actor, Scope, Shown, sees
from aggregates.world import World, state_of

if TYPE_CHECKING:
    from aggregates.cycle.state import Cycle
    from aggregates.decision.state import Decision
    from aggregates.entry import Entry
    from aggregates.objective.state import Objective
    from aggregates.organisation.state import Organisation
    from aggregates.person.state import Person, Service
    from aggregates.team.state import Team


def actor_in(
    world: World, name: str, at: datetime, scopes: frozenset[Scope] = ALL_SCOPES, *, teams: bool = True
) -> Actor | None:
    """Return who `person:…` or `service:…` is now, with their teams unless these are not asked for; None: unknown."""
    state = state_of(world, name) if name.startswith(("person:", "service:")) else None
    if state is None:
        return None
    is_here = name.startswith("service:") or state.was_here(at)
    actor = Actor(name, state.roles, is_here, scopes=scopes)
    return with_teams(world, actor) if teams else actor


def with_teams(world: World, actor: Actor) -> Actor:
    """Return the actor with the teams that they are a member of, and every team above those."""
    if actor.person is None:
        return actor
    teams = {one for one in world.teams_of(actor.person) if _is_member(world, one, actor.person)}
    above = {higher for team in teams for higher in chain_of(world, team)}
    return replace(actor, teams=frozenset(teams), above=frozenset(above))


def _is_member(world: World, team: UUID, person: UUID) -> bool:
    state = world.team(team)
    return state is not None and person in state.members


def chain_of(world: World, team: UUID) -> Iterator[UUID]:
    """Give a team and every team above it."""
    seen: set[UUID] = set()
    above: UUID | None = team
    while above is not None and above not in seen:
        seen.add(above)
        yield above
        state = world.team(above)
        above = state.parent.now if state is not None else None


def shown_of(world: World, objective: Objective, at: datetime) -> Shown:
    """Return to whom an objective is shown now."""
    visibility = objective.visibility.now
    if visibility is None or visibility.visibility == "everyone":
        return Shown()
    owners = [
        objective.owner.now,
        *(one.owner.now for one in objective.key_results.values() if one.is_active),
    ]
    team = objective.team.now if visibility.visibility == "team" else None
    return Shown(
        visibility.visibility,
        owners=frozenset(_with_acting(world, {one for one in owners if one is not None}, at)),
        team=team,
        above=frozenset(() if team is None else chain_of(world, team)),
        people=frozenset(visibility.people),
    )


def _with_acting(world: World, owners: Collection[UUID], at: datetime) -> Iterator[UUID]:
    """Give owners, and whoever acts for one of them on leave."""
    for owner in owners:
        yield owner
        person = world.person(owner)
        acting = person.acting_owner(at) if person is not None else None
        if acting is not None:
            yield acting


class Veiled:
    """A world without what an actor may not see: an objective that is not shown to them is not there for them.

    Neither are its entries, nor decisions that touch it; so every rule answers as if it was unknown.
    """

    def __init__(self, world: World, actor: Actor, at: datetime) -> None:
        self.world = world
        self.actor = actor
        self._at = at
        self._has_teams = False

    def objective(self, objective: UUID) -> Objective | None:
        """Return an objective that the actor may see."""
        state = self.world.objective(objective)
        return state if state is None or not state.is_restricted or self._sees(state) else None

    def _sees(self, objective: Objective) -> bool:
        shown = shown_of(self.world, objective, self._at)
        if sees(self.actor, shown):
            return True
        if shown.to != "team" or self._has_teams:
            return False
        self.actor, self._has_teams = with_teams(self.world, self.actor), True
        return sees(self.actor, shown)

    def decision(self, decision: UUID) -> Decision | None:
        """Return a decision that touches nothing that the actor may not see."""
        state = self.world.decision(decision)
        if state is None:
            return None
        restricted = self.world.restricted(state.touched) if state.touched else ()
        return state if all(self.objective(one) is not None for one in restricted) else None

    def entry(self, position: int) -> Entry | None:
        """Return an entry on a stream that the actor may see."""
        entry = self.world.entry(position)
        if entry is None:
            return None
        kind, _, identifier = entry.stream.partition(":")
        if kind == "objective" and self.objective(UUID(identifier)) is None:
            return None
        if kind == "decision" and self.decision(UUID(identifier)) is None:
            return None
        return entry

    def superseded_by(self, position: int) -> int | None:
        """Return the position of the entry that supersedes this one."""
        return self.world.superseded_by(position)

    def organisation(self) -> Organisation:
        """Return the organisation."""
        return self.world.organisation()

    def person(self, person: UUID) -> Person | None:
        """Return a person."""
        return self.world.person(person)

    def service(self, service: UUID) -> Service | None:
        """Return a service."""
        return self.world.service(service)

    def team(self, team: UUID) -> Team | None:
        """Return a team."""
        return self.world.team(team)

    def cycle(self, key: str) -> Cycle | None:
        """Return a cycle."""
        return self.world.cycle(key)

    def teams_of(self, person: UUID) -> Collection[UUID]:
        """Return every team that a person was ever added to."""
        return self.world.teams_of(person)

    def restricted(self, objectives: Collection[UUID]) -> Collection[UUID]:
        """Return those of these objectives whose visibility was ever set."""
        return self.world.restricted(objectives)


def veiled(world: World, actor: Actor, at: datetime) -> World:
    """Return the world as this actor may see it; a steward and an auditor see all of it."""
    return world if actor.roles & OFFICES else Veiled(whole(world), actor, at)


def whole(world: World) -> World:
    """Return the world behind a veil: for what must hold whoever asks, such as that no identifier is used twice."""
    if isinstance(world, Veiled):
        return whole(world.world)
    behind = getattr(world, "unveiled", None)
    return behind() if behind is not None else world
