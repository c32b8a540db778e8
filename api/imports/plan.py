"""From a series of dated versions to the commands that record it as history, in the order of the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aggregates.amendment import AmendEntry
from aggregates.command import Command
from aggregates.cycle.commands import PlanCycle, StartScoring
from aggregates.entry import Source
from aggregates.measures import Measure, PointTarget
from aggregates.objective import commands as objective
from aggregates.objective import key_result_commands as key_result
from aggregates.snapshots import differences as seen
from aggregates.snapshots.comparison import Step
from aggregates.snapshots.matching import Doubt, Judgement
from aggregates.snapshots.page import SourceVersion
from aggregates.snapshots.series import SnapshotSeries
from aggregates.values import TEXT_LENGTH, end_of_day, number_text, start_of_day
from aggregates.world import World
from api.imports.planned import Build, Cycle, Left, Owners, Plan, Planned, identifier

MEASURE = Measure(kind="increase")
"""A score column is a measure that goes from 0 to 1 (design, settled case 10)."""


class Planner:
    """Plans one series; `ledger` and `source` make the identifiers and the names of rows."""

    def __init__(
        self, series: SnapshotSeries, cycle: Cycle, owners: Owners, *, ledger: UUID, source: str
    ) -> None:
        self.series, self.cycle, self.owners = series, cycle, owners
        self.ledger, self.source = ledger, source
        self.out = Plan()
        self._ids: dict[str, UUID] = {}
        self._attributes: dict[str, dict[str, str]] = {}
        self._titles: dict[str, str] = {}
        self._lost: set[str] = set()

    def plan(self) -> Plan:
        """Return everything that the series says, in the order of its versions, and what is left out."""
        first = self.series.steps[0].later
        self._plan_cycle(first)
        for index, step in enumerate(self.series.steps):
            if step.unread:
                self.out.left.append(Left(step.later, 0, "", "", "this version could not be read"))
                continue
            appeared: list[str] = []
            for difference in sorted(step.differences, key=_order):
                if isinstance(difference, seen.ObjectiveAppeared):
                    appeared.append(difference.objective)
                self._difference(step, difference)
            if index == self.series.line:
                for page in step.page:
                    self._commit(step, page.key)
            elif index > self.series.line:
                for key in appeared:
                    self._commit(step, key)
        self._start_scoring()
        for fault in self.series.faults:
            why = f"{fault.fault.what} {fault.fault.remedy}"
            self.out.left.append(
                Left(fault.version, fault.fault.line, fault.fault.column, fault.fault.text, why)
            )
        return self.out

    # -- the cycle

    def _plan_cycle(self, first: SourceVersion) -> None:
        series, cycle = self.series, self.cycle
        commit_by = series.commit_by.date() if isinstance(series.commit_by, datetime) else series.commit_by
        begin = start_of_day(series.start, series.zone)
        planned_at = min(begin, first.instant)

        def build(_world: World, _reference: Callable[[str], str]) -> Command:
            return PlanCycle(
                cycle=cycle.key,
                name=cycle.name,
                kind=cycle.kind,
                starts_on=series.start,
                commit_by=commit_by,
                ends_on=series.end,
                effective_at=planned_at,
                source=Source(name=self.source, version=first.commit, row="cycle"),
            )

        self._add("cycle", None, f"cycle {cycle.key}: {series.start} to {series.end}", build)

    def _start_scoring(self) -> None:
        series = self.series
        at = max(end_of_day(series.end, series.zone), series.steps[0].effective_at)
        last = series.steps[-1].later

        def build(_world: World, _reference: Callable[[str], str]) -> Command:
            return StartScoring(
                cycle=self.cycle.key,
                effective_at=at,
                source=Source(name=self.source, version=last.commit, row="cycle"),
            )

        self._add("scoring", None, f"cycle {self.cycle.key} is in scoring (its dates are parameters)", build)

    # -- differences

    def _difference(self, step: Step, difference: seen.Difference) -> None:
        handler = getattr(self, "_" + _HANDLERS[type(difference)])
        handler(step, difference)

    def _objective_appeared(self, step: Step, one: seen.ObjectiveAppeared) -> None:
        identity = self._new_id(one.objective, step, again=one.again)
        owner = self.owners.objectives or self.owners.author(step.later.author)
        if owner is None:
            self._lost.add(one.objective)
            why = (
                f"no line of the people map names the author {step.later.author!r}; or give --objective-owner"
            )
            self.out.left.append(Left(step.later, one.line, one.title, one.title, why))
            return
        doubt = None
        if self.owners.objectives is None:
            doubt = "the source names no owner of an objective: the author of this version"

        def build(_world: World, reference: Callable[[str], str]) -> Command:
            return objective.DraftObjective(
                objective=identity,
                reference=reference("OBJ"),
                cycle=self.cycle.key,
                title=one.title,
                owner=owner,
                **self._when(step, one.objective, one.judgement, doubt),
            )

        self._titles[one.objective] = one.title
        self._add(f"{one.objective} drafted", step, f"objective “{one.title}”", build, doubt)
        if one.notes:
            self._note(step, one.objective, None, {"Notes": one.notes[:TEXT_LENGTH]})

    def _objective_reworded(self, step: Step, one: seen.ObjectiveReworded) -> None:
        self._act(
            step, one.objective, f"{one.objective} reworded", f"objective reworded: “{one.before}” → “{one.after}”",
            objective.RewordObjective, one.judgement, title=one.after,
        )  # fmt: skip

    def _objective_notes(self, step: Step, one: seen.ObjectiveNotesChanged) -> None:
        if one.after and one.objective not in self._lost:
            self._note(step, one.objective, None, {"Notes": one.after[:TEXT_LENGTH]})

    def _objective_disappeared(self, step: Step, one: seen.ObjectiveDisappeared) -> None:
        self._act(
            step, one.objective, f"{one.objective} withdrawn", f"objective withdrawn: “{one.title}”",
            objective.WithdrawObjective, one.judgement,
        )  # fmt: skip

    def _key_result_appeared(self, step: Step, one: seen.KeyResultAppeared) -> None:
        identity = self._new_id(one.key_result, step, again=one.again)
        row, home = one.row, self._ids.get(one.objective)
        owner = self.owners.of(row.assignees)
        if owner is None or home is None or one.objective in self._lost:
            self._lost.add(one.key_result)
            self.out.left.append(
                Left(step.later, one.line, row.title, row.original("assignees"), _no_owner(row))
            )
            return
        self._lost.discard(one.key_result)
        self._titles[one.key_result] = row.title

        def build(_world: World, reference: Callable[[str], str]) -> Command:
            return key_result.AddKeyResult(
                objective=home,
                key_result=identity,
                reference=reference("KR"),
                title=row.title,
                owner=owner,
                measure=MEASURE,
                baseline=Decimal(0),
                target=PointTarget(at=Decimal(1)),
                **self._when(step, one.key_result, one.judgement),
            )

        self._add(f"{one.key_result} added", step, f"key result “{row.title}”", build, _doubt(one.judgement))
        if row.priority:
            self._note(step, one.objective, one.key_result, {"Priority": row.priority})

    def _key_result_reworded(self, step: Step, one: seen.KeyResultReworded) -> None:
        self._titles[one.key_result] = one.after
        self._act(
            step, one.objective, f"{one.key_result} reworded",
            f"key result reworded: “{one.before}” → “{one.after}”",
            key_result.RewordKeyResult, one.judgement, key=one.key_result, title=one.after,
        )  # fmt: skip

    def _key_result_moved(self, step: Step, one: seen.KeyResultMoved) -> None:
        why = f"moved from {one.before} to {one.objective}: recorded as it stood, a key result stays with its objective"
        title = self._titles.get(one.key_result, "")
        self.out.left.append(Left(step.later, one.line, title, title, why))

    def _key_result_disappeared(self, step: Step, one: seen.KeyResultDisappeared) -> None:
        if one.with_objective:
            return
        self._act(
            step, one.objective, f"{one.key_result} dropped", f"key result dropped: “{one.row.title}”",
            key_result.DropKeyResult, one.judgement, key=one.key_result,
        )  # fmt: skip

    def _assignees(self, step: Step, one: seen.AssigneesChanged) -> None:
        owner = self.owners.of(one.after)
        if owner is None:
            original = " & ".join(one.after)
            why = f"the owner changed to {original or 'nobody'}, which no line of the people map names"
            self.out.left.append(
                Left(step.later, one.line, self._titles.get(one.key_result, ""), original, why)
            )
            return
        words = f"owner of “{self._titles.get(one.key_result, '')}” → {' & '.join(one.after)}"
        self._act(
            step, one.objective, f"{one.key_result} reowned", words,
            key_result.ReownKeyResult, None, key=one.key_result, owner=owner,
        )  # fmt: skip

    def _priority(self, step: Step, one: seen.PriorityChanged) -> None:
        if one.key_result not in self._lost:
            self._note(step, one.objective, one.key_result, {"Priority": one.after or "none"})

    def _projected(self, step: Step, one: seen.ProjectedChanged) -> None:
        if one.key_result not in self._lost:
            text = "none" if one.after is None else number_text(one.after)
            self._note(step, one.objective, one.key_result, {"Projected Score": text})

    def _mid_score(self, step: Step, one: seen.MidScoreChanged) -> None:
        title = self._titles.get(one.key_result, "")
        if one.after is None:
            why = "the value was blanked in this version; the value recorded before stays"
            self.out.left.append(Left(step.later, one.line, title, one.original, why))
            return
        if not self.series.is_placed(one):
            why = f"a value of {one.day}, outside the cycle ({self.series.start} to {self.series.end}): not placed"
            self.out.left.append(Left(step.later, one.line, title, one.original, why))
            return
        self._act(
            step, one.objective, f"{one.key_result} value",
            f"value of “{title}”: {number_text(one.after)} on {one.day}",
            key_result.RecordValue, None, key=one.key_result, dated=False, value=one.after, measured_on=one.day,
        )  # fmt: skip

    def _final(self, step: Step, one: seen.FinalChanged) -> None:
        title = self._titles.get(one.key_result, "")
        if one.after is None:
            why = "the final score was blanked in this version; the score recorded before stays"
            self.out.left.append(Left(step.later, one.line, title, one.original, why))
        elif one.kind == "score":
            self._act(
                step, one.objective, f"{one.key_result} score", f"final score of “{title}”: {number_text(one.after)}",
                key_result.ScoreKeyResult, None, key=one.key_result, score=one.after,
            )  # fmt: skip
        else:
            self._amend_score(step, one, title)

    def _amend_score(self, step: Step, one: seen.FinalChanged, title: str) -> None:
        home, identity, score = self._ids.get(one.objective), self._ids.get(one.key_result), one.after
        if home is None or identity is None or score is None or one.key_result in self._lost:
            return

        def build(world: World, _reference: Callable[[str], str]) -> Command:
            state = world.objective(home)
            fact = state.key_results[identity].score.latest if state is not None else None
            if fact is None:
                raise LookupError(f"No final score of “{title}” is recorded that could be amended.")
            return AmendEntry(
                position=fact.position,
                body={"score": number_text(score)},
                source=self._source(step, one.key_result, None),
            )

        before = "none" if one.before is None else number_text(one.before)
        words = f"final score of “{title}” amended: {before} → {number_text(score)}"
        self._add(f"{one.key_result} score amended", step, words, build)

    # -- helpers

    def _commit(self, step: Step, key: str) -> None:
        no_record = self.series.no_record_at_start
        self._act(
            step, key, f"{key} committed", f"line of “{self._titles.get(key, '')}”, drawn from this version",
            objective.CommitObjective, None, synthesised=True, no_record_at_start=no_record,
        )  # fmt: skip

    def _act(
        self, step: Step, home: str, row: str, words: str, command: type[Command], judgement: Judgement | None,
        *, key: str | None = None, dated: bool = True, **fields: Any,
    ) -> None:  # fmt: skip
        if home in self._lost or (key or home) in self._lost or (key or home) not in self._ids:
            return
        about: dict[str, Any] = {"objective": self._ids[home], **fields}
        if key is not None:
            about["key_result"] = self._ids[key]

        def build(_world: World, _reference: Callable[[str], str]) -> Command:
            when = self._when(step, key or home, judgement)
            if not dated:
                del when["effective_at"]
            return command(**about, **when)

        self._add(row, step, words, build, _doubt(judgement))

    def _note(self, step: Step, home: str, key: str | None, said: Mapping[str, str]) -> None:
        attributes = self._attributes.setdefault(key or home, {})
        attributes.update(said)
        told = dict(attributes)
        words = ", ".join(f"{name}: {text}" for name, text in said.items()).replace("\n", " ")
        of = self._titles.get(key or home, "")
        row = f"{key or home} {'+'.join(sorted(said))}"
        self._act(
            step,
            home,
            row,
            f"source note on “{of}”: {words[:120]}",
            objective.NoteSource,
            None,
            key=key,
            attributes=told,
        )

    def _new_id(self, key: str, step: Step, *, again: bool) -> UUID:
        seed = f"{key} again {step.later.commit}" if again else key
        self._ids[key] = identifier(self.ledger, self.source, self.cycle.key, seed, step.effective_at)
        self._lost.discard(key)
        return self._ids[key]

    def _when(
        self, step: Step, row: str, judgement: Judgement | None = None, doubt: str | None = None
    ) -> dict[str, Any]:
        return {
            "effective_at": step.effective_at,
            "source": self._source(step, row, _doubt(judgement) or doubt),
        }

    def _source(self, step: Step, row: str, doubt: str | None) -> Source:
        return Source(
            name=self.source,
            version=step.later.commit,
            row=row,
            author=self.owners.alias(step.later.author) if step.later.author else None,
            not_before=step.not_before,
            doubt=doubt,
        )

    def _add(self, row: str, step: Step | None, words: str, build: Build, doubt: str | None = None) -> None:
        version = step.later if step is not None else None
        self.out.planned.append(Planned(row, version, words, build, doubt))


def _doubt(judgement: Judgement | None) -> str | None:
    if judgement is None or judgement.doubt is Doubt.CERTAIN:
        return None
    return judgement.in_words()


def _no_owner(row: Any) -> str:
    if not row.assignees:
        return "nobody is assigned; an owner is one named person"
    names = " & ".join(row.assignees)
    if len(row.assignees) > 1:
        return f"several are assigned; a line of the people map for “{names}” names the one owner"
    return f"no line of the people map names {names}"


_HANDLERS: dict[type, str] = {
    seen.ObjectiveAppeared: "objective_appeared",
    seen.ObjectiveReworded: "objective_reworded",
    seen.KeyResultMoved: "key_result_moved",
    seen.KeyResultReworded: "key_result_reworded",
    seen.KeyResultAppeared: "key_result_appeared",
    seen.ObjectiveNotesChanged: "objective_notes",
    seen.AssigneesChanged: "assignees",
    seen.PriorityChanged: "priority",
    seen.ProjectedChanged: "projected",
    seen.MidScoreChanged: "mid_score",
    seen.FinalChanged: "final",
    seen.KeyResultDisappeared: "key_result_disappeared",
    seen.ObjectiveDisappeared: "objective_disappeared",
}
"""Which method plans a kind of difference, in the order in which the differences of one version are recorded."""

_PLACES = {kind: place for place, kind in enumerate(_HANDLERS)}


def _order(difference: seen.Difference) -> int:
    return _PLACES[type(difference)]
