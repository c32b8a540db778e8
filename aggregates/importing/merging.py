"""What a row asks of the ledger as it stands: the commands that record the difference, if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from aggregates.command import Command
from aggregates.importing.comparing import DECIDER, GONE, Change, Comparing, Kept, fits, is_previewed
from aggregates.importing.rows import CheckInRow, KeyResultRow, ObjectiveRow
from aggregates.measures import PointTarget, StagesTarget, StepsTarget
from aggregates.objective import commands as of_objective
from aggregates.objective import key_result_commands as of_key_result
from aggregates.objective.key_result import KeyResult
from aggregates.objective.state import AlignedTo, Objective, Wording
from aggregates.refusals import KeyResultIsUnknown, ObjectiveIsUnknown
from aggregates.timeline import Timeline
from aggregates.values import number_text

T = TypeVar("T")


class Merging(Comparing):
    """What one row asks: an iterator of changes, each made from the world that the ones before it left."""

    def objective(self, row: ObjectiveRow, owner: UUID | None, team: UUID | None = None) -> Iterator[Change]:
        """Give what a row says about an objective: drafted where it is new, else what differs.

        Where the source names nobody, `owner` was given with the import (or is None, and a new objective is refused);
        it counts for a new objective only.
        """
        frame = self._frame
        identity = frame.identity("objective", row.key)
        state = self._world.objective(identity)
        if state is None:
            yield Change(
                of_objective.DraftObjective(
                    objective=identity, reference=frame.reference("OBJ"), cycle=frame.cycle, title=row.title,
                    description=row.description, owner=_present(owner), team=team, effective_at=frame.since,
                    source=frame.said(row.line, row.doubts),
                ),
                f"objective “{row.title}”",
            )  # fmt: skip
        else:
            yield from self._objective_changes(row, state, owner, team)
        yield from self.note(
            row.line, identity, None, row.attributes, None if state is None else state.source
        )

    def _objective_changes(
        self, row: ObjectiveRow, state: Objective, owner: UUID | None, team: UUID | None
    ) -> Iterator[Change]:
        about: dict[str, Any] = {"objective": state.objective, **self.acts(row.line, row.doubts)}
        wording = Wording(row.title, row.description or state.wording.present.description)
        if self.changed("wording", state.wording, wording, lambda one: one.title):
            yield Change(
                of_objective.RewordObjective(title=wording.title, description=wording.description, **about),
                f"objective reworded: “{state.wording.present.title}” → “{wording.title}”",
            )
        if owner is not None and row.owners and self.changed("owner", state.owner, owner, str):
            yield Change(of_objective.ReownObjective(owner=owner, **about), f"owner of “{row.title}”")
        if team is not None and self.changed("team", state.team, team, str):
            yield Change(
                of_objective.ReteamObjective(team=team, **about), f"team of “{row.title}”: {row.team}"
            )

    def alignment(self, line: int, child: UUID, parent: UUID) -> Iterator[Change]:
        """Give the alignment of an objective to a parent of the same source, where it is another."""
        state = self._world.objective(child)
        if state is None or state.is_over or state.alignment.now == AlignedTo(parent):
            return
        if self._world.objective(parent) is None:
            raise ObjectiveIsUnknown(
                "No row that was taken over has this identifier; the row itself was taken over without its parent."
            )
        if state.alignment.now is None or self.changed(
            "parent", state.alignment, AlignedTo(parent), _aligned
        ):
            yield Change(
                of_objective.AlignObjective(objective=child, parent=parent, **self.new_or_now(state, line)),
                f"{_named(state)} aligned",
            )

    def key_result(self, row: KeyResultRow, owner: UUID) -> Iterator[Change]:
        """Give what a row says about a key result: added where it is new, else what differs; then its value."""
        frame = self._frame
        home, identity = frame.identity("objective", row.objective), frame.identity("key_result", row.key)
        state = self._world.objective(home)
        if state is None:
            raise ObjectiveIsUnknown(
                "The objective of this row was not taken over; see its own line in the report."
            )
        known = state.key_results.get(identity)
        ends_on = None if row.ends_on == frame.ends_on else row.ends_on
        if known is None:
            yield Change(
                of_key_result.AddKeyResult(
                    objective=home, key_result=identity, reference=frame.reference("KR"), title=row.title, owner=owner,
                    measure=row.measure, baseline=row.baseline, target=row.target,
                    weight=Decimal(1) if row.weight is None else row.weight, ambition=row.ambition or "committed",
                    ends_on=ends_on, effective_at=max(frame.since, state.last_act_at),
                    source=frame.said(row.line, row.doubts),
                ),
                f"key result “{row.title}”",
            )  # fmt: skip
        else:
            yield from self._definition(row, state, known, owner, ends_on)
        yield from self._value(row, home, identity, None if known is None else known.value)
        yield from self.note(
            row.line, home, identity, row.attributes, None if known is None else known.source
        )

    def _definition(
        self, row: KeyResultRow, state: Objective, known: KeyResult, owner: UUID, ends_on: date | None
    ) -> Iterator[Change]:
        about: dict[str, Any] = {
            "objective": state.objective, "key_result": known.key_result, **self.acts(row.line, row.doubts),
        }  # fmt: skip
        of = f"of {_named(known)}"
        if self.changed("wording", known.wording, row.title, str):
            yield Change(
                of_key_result.RewordKeyResult(title=row.title, **about),
                f"wording of {known.reference}: “{known.wording.now}” → “{row.title}”",
            )
        if self.changed("owner", known.owner, owner, str):
            yield Change(of_key_result.ReownKeyResult(owner=owner, **about), f"owner {of}")
        measure = row.measure.model_copy(
            update={"path": known.measure.present.path, "indicator": known.measure.present.indicator}
        )
        if self.changed("measure", known.measure, measure, lambda one: one.kind):
            words = f"measure {of}: {known.measure.present.kind} → {measure.kind}, target {target_words(row.target)}"
            yield Change(
                of_key_result.ChangeMeasure(
                    measure=measure, baseline=row.baseline, target=row.target, **about
                ),
                words,
            )
        else:
            yield from self._figures(row, known, about, of)
        if row.weight is not None and self.changed("weight", known.weight, row.weight, _number):
            yield Change(of_key_result.ChangeWeight(weight=row.weight, **about), f"weight {of}")
        if row.ambition is not None and self.changed("ambition", known.ambition, row.ambition, str):
            yield Change(of_key_result.ChangeAmbition(ambition=row.ambition, **about), f"ambition {of}")
        if row.ends_on is not None and self.changed("end", known.ends_on, ends_on, str):
            yield Change(of_key_result.RedateKeyResult(ends_on=ends_on, **about), f"end {of}")

    def _figures(
        self, row: KeyResultRow, known: KeyResult, about: dict[str, Any], of: str
    ) -> Iterator[Change]:
        """Give another baseline and another target, in the order in which each fits what stands then."""
        changes: list[Change] = []
        if row.baseline is not None and self.changed("baseline", known.baseline, row.baseline, _number):
            words = f"baseline {of}: {_number(known.baseline.now)} → {_number(row.baseline)}"
            changes.append(Change(of_key_result.CorrectBaseline(baseline=row.baseline, **about), words))
        if self.changed("target", known.target, row.target, target_words):
            words = f"target {of}: {target_words(known.target.now)} → {target_words(row.target)} ({DECIDER})"
            changes.append(Change(of_key_result.ChangeTarget(target=row.target, **about), words))
        if len(changes) == 2 and not fits(row.measure, row.baseline, known.target.present):
            changes.reverse()
        yield from changes

    def _value(
        self, row: KeyResultRow, home: UUID, identity: UUID, known: Timeline[Any] | None
    ) -> Iterator[Change]:
        day = row.on or self._frame.day
        if row.value is None or not self._frame.holds(day):
            return
        if known is not None and not self._value_changed(known, row.value, day):
            return
        words = f"value of “{row.title}”: {_said(row.value)} on {day}"
        command = of_key_result.RecordValue(
            objective=home, key_result=identity, value=row.value, measured_on=day,
            source=self._frame.said(row.line, row.doubts),
        )  # fmt: skip
        yield Change(command, words)

    def _value_changed(self, known: Timeline[Any], value: Any, day: date) -> bool:
        fact = known.fact_at(day)
        if fact is None or (fact.value == value and type(fact.value) is type(value)):
            return fact is None
        last = self.last_of_source(known, day)
        if last is not None and last.value == value:
            return False
        if fact.effective_at == day and (last is None or fact.position != last.position):
            self.kept.append(
                Kept("value", _said(fact.value), _said(value), f"another value of {day} was recorded here")
            )
            return False
        return True

    def check_in(
        self, row: CheckInRow, home: UUID, identity: UUID, at: datetime, notes: Any
    ) -> Iterator[Change]:
        """Give the value and the confidence of a day; nothing where the day already has both. `notes` is sealed."""
        state = self._world.objective(home)
        known = None if state is None else state.key_results.get(identity)
        if state is None or known is None:
            raise KeyResultIsUnknown(
                "The key result of this row was not taken over; see its own line in the report."
            )
        of = f"of {_named(known)} on {row.on}"
        if (
            row.value is not None
            and self._frame.holds(row.on)
            and self._value_changed(known.value, row.value, row.on)
        ):
            command: Command = of_key_result.RecordValue(
                objective=home, key_result=identity, value=row.value, measured_on=row.on,
                source=self._frame.said(row.line, row.doubts),
            )  # fmt: skip
            yield Change(command, f"value {of}: {_said(row.value)}")
        said = known.check_in.fact_at(at)
        if said is not None and said.effective_at == at:
            return
        if row.confidence is None and row.said is None:
            return
        command = of_key_result.CheckIn(
            objective=home, key_result=identity, confidence=row.confidence, said=row.said, what_changed=notes,
            effective_at=at, source=self._frame.said(row.line, row.doubts),
        )  # fmt: skip
        told = "" if row.confidence is None else f" with confidence {number_text(row.confidence)}"
        yield Change(command, f"check-in {of}{told}")

    def standing(self, row: KeyResultRow) -> Iterator[Change]:
        """Give the confidence and the owner's word that a row says of now, and its final score."""
        frame = self._frame
        home, identity = frame.identity("objective", row.objective), frame.identity("key_result", row.key)
        state = self._world.objective(home)
        known = None if state is None else state.key_results.get(identity)
        if state is None or known is None:
            return
        confidence = row.confidence if _other(self.said_last(known.confidence), row.confidence) else None
        said = row.said if _other(self.said_last(known.said), row.said) else None
        about: dict[str, Any] = {
            "objective": home,
            "key_result": identity,
            **self.acts(row.line, row.doubts),
        }
        if confidence is not None or said is not None:
            yield Change(
                of_key_result.CheckIn(confidence=confidence, said=said, **about),
                f"check-in of {_named(known)}",
            )
        if row.score is not None and known.score.now is None:
            words = f"final score of {_named(known)}: {number_text(row.score)}"
            yield Change(of_key_result.ScoreKeyResult(score=row.score, **about), words)
        elif row.score is not None and row.score != known.score.now:
            self.kept.append(
                Kept(
                    "score",
                    _number(known.score.now),
                    number_text(row.score),
                    "a final score is amended, not imported anew",
                )
            )

    def commitment(self, line: int, identity: UUID, *, no_record: bool) -> Iterator[Change]:
        """Give the line of an objective that has none, synthesised; one without a key result stays a draft."""
        state = self._world.objective(identity)
        if state is None or state.is_committed or state.is_over or not state.active_key_results():
            return
        yield Change(
            of_objective.CommitObjective(
                objective=identity,
                synthesised=True,
                no_record_at_start=no_record,
                **self.new_or_now(state, line),
            ),
            f"line of “{state.wording.present.title}”, drawn from this version",
        )

    def withdrawn(self, identity: UUID) -> Iterator[Change]:
        """Give the end of an objective that no longer stands in its source."""
        state = self._world.objective(identity)
        if state is None or state.is_over:
            return
        about: dict[str, Any] = self.acts(0, (GONE,))
        yield Change(
            of_objective.WithdrawObjective(objective=identity, **about),
            f"{_named(state)} withdrawn: {GONE}",
        )

    def dropped(self, home: UUID, identity: UUID) -> Iterator[Change]:
        """Give the end of a key result that no longer stands in its source."""
        state = self._world.objective(home)
        known = None if state is None else state.key_results.get(identity)
        if state is None or state.is_over or known is None or not known.is_active:
            return
        about: dict[str, Any] = self.acts(0, (GONE,))
        command = of_key_result.DropKeyResult(objective=home, key_result=identity, **about)
        yield Change(command, f"{_named(known)} dropped: {GONE}")


def _named(item: Objective | KeyResult) -> str:
    """Return an item as people know it: its reference, where it has one already, and its title."""
    wording = item.wording.present
    title = wording.title if isinstance(wording, Wording) else wording
    return f"“{title}”" if is_previewed(item.reference) else f"{item.reference} “{title}”"


def target_words(target: Any) -> str:
    """Return a target in a word or two."""
    if isinstance(target, PointTarget):
        return number_text(target.at)
    if isinstance(target, StepsTarget):
        return ", ".join(f"{number_text(step.at)} by {step.on}" for step in target.steps)
    if isinstance(target, StagesTarget):
        return ", ".join(f"{stage.name} {number_text(stage.weight)}" for stage in target.stages)
    return "none" if target is None else " ".join(str(one) for one in target.model_dump(mode="json").values())


def _present(owner: UUID | None) -> UUID:
    if owner is None:
        raise ObjectiveIsUnknown(
            "The source names no owner of this objective; give --objective-owner PERSON, or --objective-owner first "
            "for the owner of its first key result."
        )
    return owner


def _aligned(one: Any) -> str:
    return str(one.parent) if isinstance(one, AlignedTo) else "local"


def _number(number: Decimal | None) -> str:
    return "none" if number is None else number_text(number)


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return number_text(value) if isinstance(value, Decimal) else "yes" if value is True else "no"


def _other(last: T | None, wanted: T | None) -> bool:
    return wanted is not None and wanted != last
