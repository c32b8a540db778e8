"""Decisions about an objective: drafting, wording, owner, team, alignment, committing."""

from __future__ import annotations

from uuid import UUID

from aggregates.checks import act, check_decision, check_present, check_team, moment_of
from aggregates.entry import Occasion, Recorded, stream_of
from aggregates.objective.commands import (
    AlignObjective,
    CommitObjective,
    DeclareLocal,
    DraftObjective,
    NoteSource,
    ReownObjective,
    ReteamObjective,
    RewordObjective,
    SetVisibility,
)
from aggregates.objective.events import (
    KeyResultNotedInSource,
    ObjectiveAligned,
    ObjectiveCommitted,
    ObjectiveDeclaredLocal,
    ObjectiveDrafted,
    ObjectiveNotedInSource,
    ObjectiveReowned,
    ObjectiveReteamed,
    ObjectiveReworded,
    ObjectiveVisibilitySet,
    Visibility,
)
from aggregates.objective.guards import changing, cycle_taking, key_result_of, known, taking
from aggregates.objective.state import AlignedTo, Local, Objective, Wording
from aggregates.refusals import (
    AlignmentIsMissing,
    AlignmentLoop,
    IdentifierIsTaken,
    NothingChanges,
    ObjectiveHasNoKeyResult,
    ObjectiveIsCommitted,
    ObjectiveIsOver,
    SourceIsMissing,
    VisibilityIsUnclear,
    VisibilityNeedsATeam,
)
from aggregates.sight import whole
from aggregates.world import World


def draft_objective(world: World, command: DraftObjective, occasion: Occasion) -> list[Recorded]:
    """Write an objective down in a cycle that is not closed.

    Raises:
        IdentifierIsTaken, CycleIsUnknown, CycleIsClosed, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere,
        TeamIsUnknown, TeamIsClosed, VisibilityIsUnclear, VisibilityNeedsATeam.
    """
    if whole(world).objective(command.objective) is not None:
        raise IdentifierIsTaken(field="/objective")
    cycle_taking(world, command.cycle, field="/cycle")
    check_decision(world, command)
    check_present(world, command.owner, moment_of(command, occasion), field="/owner")
    if command.team is not None:
        check_team(world, command.team, field="/team")
    event = ObjectiveDrafted(
        reference=command.reference,
        cycle=command.cycle,
        title=command.title,
        description=command.description,
        owner=command.owner,
        team=command.team,
    )
    stream = stream_of("objective", command.objective)
    if command.visibility is None and not command.people:
        return [act(command, stream, event)]
    shown = _shown(world, command.visibility, command.people, command.team, occasion)
    return [act(command, stream, event), act(command, stream, shown)]


def set_visibility(world: World, command: SetVisibility, occasion: Occasion) -> list[Recorded]:
    """Show the objective to others than before, whatever became of it: access is judged by today's rights.

    Raises:
        ObjectiveIsUnknown, DecisionIsUnknown, NothingChanges, VisibilityIsUnclear, VisibilityNeedsATeam,
        PersonIsUnknown, OwnerIsATeam, PersonWasNotHere.
    """
    objective = known(world, command.objective)
    check_decision(world, command)
    shown = _shown(world, command.visibility, command.people, objective.team.now, occasion)
    if (objective.visibility.now or ObjectiveVisibilitySet(visibility="everyone")) == shown:
        raise NothingChanges(field="/visibility")
    return [act(command, objective.stream, shown)]


def _shown(
    world: World,
    visibility: Visibility | None,
    people: tuple[UUID, ...],
    team: UUID | None,
    occasion: Occasion,
) -> ObjectiveVisibilitySet:
    if (visibility == "people") != bool(people):
        raise VisibilityIsUnclear(field="/people")
    if visibility == "team" and team is None:
        raise VisibilityNeedsATeam(field="/visibility")
    for index, person in enumerate(people):
        check_present(world, person, occasion.at, field=f"/people/{index}")
    return ObjectiveVisibilitySet(visibility=visibility or "everyone", people=tuple(sorted(set(people))))


def reword_objective(world: World, command: RewordObjective, occasion: Occasion) -> list[Recorded]:
    """Give the objective another wording.

    Raises:
        NothingChanges, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if objective.wording.now == Wording(command.title, command.description):
        raise NothingChanges(field="/title")
    event = ObjectiveReworded(title=command.title, description=command.description)
    return [act(command, objective.stream, event)]


def reown_objective(world: World, command: ReownObjective, occasion: Occasion) -> list[Recorded]:
    """Give the objective another owner, who is here at that time.

    Raises:
        NothingChanges, PersonIsUnknown, OwnerIsATeam, PersonWasNotHere, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if objective.owner.now == command.owner:
        raise NothingChanges(field="/owner")
    check_present(world, command.owner, moment_of(command, occasion), field="/owner")
    return [act(command, objective.stream, ObjectiveReowned(owner=command.owner))]


def reteam_objective(world: World, command: ReteamObjective, occasion: Occasion) -> list[Recorded]:
    """Move the objective to another team, or to none.

    Raises:
        NothingChanges, TeamIsUnknown, TeamIsClosed, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if objective.team.now == command.team:
        raise NothingChanges(field="/team")
    if command.team is not None:
        check_team(world, command.team, field="/team")
    return [act(command, objective.stream, ObjectiveReteamed(team=command.team))]


def align_objective(world: World, command: AlignObjective, occasion: Occasion) -> list[Recorded]:
    """Declare the parent that the objective serves; the whole chain above it is read, so that no loop closes.

    Raises:
        NothingChanges, ObjectiveIsUnknown, ObjectiveIsOver, AlignmentLoop, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if objective.alignment.now == AlignedTo(command.parent):
        raise NothingChanges(field="/parent")
    if command.parent == command.objective:
        raise AlignmentLoop("An objective cannot be its own parent.", field="/parent")
    parent = known(world, command.parent, field="/parent")
    if parent.is_over:
        raise ObjectiveIsOver(f"{parent.reference} is over; choose another parent.", field="/parent")
    check_chain(world, objective, parent)
    return [act(command, objective.stream, ObjectiveAligned(parent=command.parent))]


def check_chain(world: World, objective: Objective, parent: Objective) -> None:
    """Refuse a parent that has this objective above it; every objective of the chain is read.

    Raises:
        AlignmentLoop.
    """
    behind, seen = whole(world), set[UUID]()
    above: Objective | None = parent
    while above is not None and above.objective not in seen:
        seen.add(above.objective)
        alignment = above.alignment.now
        if not isinstance(alignment, AlignedTo):
            return
        if alignment.parent == objective.objective:
            if above is not parent and world.objective(above.objective) is None:
                raise AlignmentLoop(field="/parent")
            raise AlignmentLoop(f"{above.reference} already serves {objective.reference}.", field="/parent")
        above = behind.objective(alignment.parent)


def declare_local(world: World, command: DeclareLocal, occasion: Occasion) -> list[Recorded]:
    """Declare that the objective has no parent, and why.

    Raises:
        NothingChanges, and what `changing` raises.
    """
    objective, _ = changing(world, command, occasion)
    if objective.alignment.now == Local(command.because):
        raise NothingChanges(field="/because")
    return [act(command, objective.stream, ObjectiveDeclaredLocal(because=command.because))]


def commit_objective(world: World, command: CommitObjective, occasion: Occasion) -> list[Recorded]:
    """Commit to the objective as it stands; the line pins the policy that rules now.

    Raises:
        ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver, ObjectiveIsCommitted, ObjectiveHasNoKeyResult,
        AlignmentIsMissing, PersonIsUnknown, PersonWasNotHere, ActIsBackDated, SourceIsMissing, DecisionIsUnknown.
    """
    objective, _ = taking(world, command, command.objective)
    check_decision(world, command)
    if objective.is_committed:
        raise ObjectiveIsCommitted(field="/objective")
    for name in ("synthesised", "no_record_at_start"):
        if getattr(command, name) and not occasion.imported:
            raise SourceIsMissing("Only the line of an import is drawn from a source.", field=f"/{name}")
    key_results = objective.active_key_results()
    if not key_results:
        raise ObjectiveHasNoKeyResult(field="/objective")
    if objective.alignment.now is None and not command.synthesised:
        raise AlignmentIsMissing(field="/objective")
    moment = moment_of(command, occasion)
    for owner in {objective.owner.now, *(key_result.owner.now for key_result in key_results)}:
        if owner is not None:
            check_present(world, owner, moment, field="/objective")
    if command.accepted_by is not None:
        check_present(world, command.accepted_by, moment, field="/accepted_by")
    event = ObjectiveCommitted(
        confidence=command.confidence,
        accepted_by=command.accepted_by,
        policy=world.organisation().policy.version,
        synthesised=command.synthesised,
        no_record_at_start=command.no_record_at_start,
    )
    return [act(command, objective.stream, event)]


def note_source(world: World, command: NoteSource, occasion: Occasion) -> list[Recorded]:
    """Keep what the source says beyond the ledger's words.

    Raises:
        SourceIsMissing, NothingChanges, KeyResultIsUnknown, ObjectiveIsUnknown, CycleIsClosed, ObjectiveIsOver.
    """
    if not occasion.imported or command.source is None:
        raise SourceIsMissing(field="/source")
    objective, _ = taking(world, command, command.objective)
    attributes = tuple(sorted(command.attributes.items()))
    if command.key_result is None:
        if objective.source.now == attributes:
            raise NothingChanges(field="/attributes")
        return [act(command, objective.stream, ObjectiveNotedInSource(attributes=command.attributes))]
    key_result = key_result_of(objective, command.key_result)
    if key_result.source.now == attributes:
        raise NothingChanges(field="/attributes")
    event = KeyResultNotedInSource(key_result=command.key_result, attributes=command.attributes)
    return [act(command, objective.stream, event)]
