"""The stage on which the scenes of one quarter are played: changes, decisions, confirmations, answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.demonstration.calendar import Quarter
from api.demonstration.company import TEAMS
from api.demonstration.people import LEADER, STEWARD
from api.demonstration.routine import Company, KeyResult
from api.demonstration.script import PositionOf, Script

When = tuple[int, int, str]
"""Week (from 1), weekday (0 is Monday) and time of the clock."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One quarter of the company, with short words for what happens in it."""

    company: Company
    quarter: Quarter

    @property
    def script(self) -> Script:
        """The script that scenes add to."""
        return self.company.script

    @property
    def number(self) -> int:
        """The quarter's number."""
        return self.quarter.number

    def at(self, when: When) -> datetime:
        """Return a moment of this quarter that no other act has taken."""
        return self.script.moment(self.quarter.day(when[0], when[1]), when[2])

    def change(
        self, theme: str, place: int, when: When, command: str, reason: tuple[str, str], **more: Any
    ) -> KeyResult:
        """Change a key result; `decision` names a decision, `by` who records it (else the objective's owner)."""
        key_result, names = self.company.key_result(self.number, theme, place)
        self._change(theme, when, command, reason, names, more)
        return key_result

    def change_objective(
        self, theme: str, when: When, command: str, reason: tuple[str, str], **more: Any
    ) -> None:
        """Change an objective."""
        self._change(
            theme, when, command, reason, {"objective": self.company.objective(self.number, theme)}, more
        )

    def _change(
        self,
        theme: str,
        when: When,
        command: str,
        reason: tuple[str, str],
        names: dict[str, Any],
        more: dict[str, Any],
    ) -> None:
        at = more.pop("at", None) or self.at(when)
        by = more.pop("by", None) or self.company.owner(self.number, theme, at)
        decision = more.pop("decision", None)
        if decision is not None:
            more["decision"] = self.script.identifier("decision", f"{self.number}:{decision}")
        self.script.act(at, by, command, reason={"kind": reason[0], "text": reason[1]}, **names, **more)

    def lower(
        self, theme: str, place: int, when: When, target: str, reason: tuple[str, str], **more: Any
    ) -> KeyResult:
        """Change the number that a key result is to reach."""
        return self.change(
            theme, place, when, "change_target", reason, target={"kind": "point", "at": target}, **more
        )

    def target(self, theme: str, place: int, share: float) -> str:
        """Return another target: this share of the way from the baseline to the committed target."""
        course = self.company.key_results[self.number, theme][place].course
        assert course.baseline is not None  # noqa: S101 (a moving metric)
        assert course.target is not None  # noqa: S101 (a moving metric)
        places = len(str(course.target).partition(".")[2])
        return f"{float(course.baseline) + float(course.target - course.baseline) * share:.{places}f}"

    def decide(
        self,
        name: str,
        when: When,
        text: str,
        touches: tuple[str, ...],
        *,
        decided_by: str = LEADER,
        by: str = STEWARD,
        decided: When | None = None,
        ratifies: tuple[str, ...] = (),
        confirmed: When | None = None,
    ) -> None:
        """Write a decision down: who took it when, what it touches, which earlier changes it ratifies."""
        at = self.at(when)
        decision = self.script.identifier("decision", f"{self.number}:{name}", at)
        self.script.act(
            at,
            by,
            "record_decision",
            label=f"decision:{self.number}:{name}",
            decision=decision,
            text=text,
            decided_by=self.script.person(decided_by),
            decided_at=self.at(decided).isoformat() if decided else None,
            touches=[self.company.objective(self.number, theme) for theme in touches],
            ratifies=[PositionOf(label) for label in ratifies] or None,
        )
        if confirmed is not None:
            self.script.act(self.at(confirmed), decided_by, "confirm_decision", decision=decision)

    def answer(self, when: When, by: str, rule: str, cause: PositionOf, answer: str, text: str) -> None:
        """Answer a finding."""
        self.script.act(
            self.at(when), by, "answer_finding", rule=rule, cause=cause, answer=answer, text=text, known=True
        )

    def hand_over(
        self, theme: str, place: int | None, when: When, to: str, reason: tuple[str, str], **more: Any
    ) -> None:
        """Give an objective, or one of its key results, another owner."""
        at = self.at(when)
        owner = self.script.person(to)
        if place is None:
            self.change_objective(theme, when, "reown_objective", reason, at=at, owner=owner, **more)
            self.company.owners[self.number, theme].append((at, to))
        else:
            key_result = self.change(
                theme, place, when, "reown_key_result", reason, at=at, owner=owner, **more
            )
            key_result.owners.append((at, to))

    def depart(self, handle: str, when: When) -> None:
        """Let a person leave the company."""
        at = self.at(when)
        for team in TEAMS:
            if handle in team.people:
                away = self.script.identifier("team", team.key), self.script.person(handle)
                self.script.act(self.at(when), STEWARD, "remove_member", team=away[0], person=away[1])
        self.script.act(at, STEWARD, "person_leaves", person=self.script.person(handle))
        self.company.left[handle] = at

    def show_to(self, theme: str, when: When, visibility: str) -> None:
        """Say who may see an objective."""
        at = self.at(when)
        objective = self.company.objective(self.number, theme)
        by = self.company.owner(self.number, theme, at)
        self.script.act(at, by, "set_visibility", objective=objective, visibility=visibility)

    def leave(self, handle: str, when: When, back: When, acting: str) -> None:
        """Let a person go on leave and come back, with somebody who answers meanwhile."""
        since, until = self.at(when), self.at(back)
        person = self.script.person(handle)
        self.script.act(
            since,
            STEWARD,
            "start_leave",
            person=person,
            acting_owner=self.script.person(acting),
            expected_back_on=self.quarter.day(back[0], back[1]).isoformat(),
        )
        self.script.act(until, STEWARD, "end_leave", person=person)
        self.company.absences.append((handle, since, until, acting))

    def end_objective(
        self, theme: str, when: When, command: str, reason: tuple[str, str], **more: Any
    ) -> None:
        """End an objective before its time: withdrawn, replaced, recorded in error."""
        at = self.at(when)
        self.change_objective(theme, when, command, reason, at=at, **more)
        self.company.ends[self.number, theme] = at

    def drop(self, theme: str, place: int, when: When, reason: tuple[str, str], **more: Any) -> None:
        """Drop a key result."""
        at = self.at(when)
        key_result = self.change(theme, place, when, "drop_key_result", reason, at=at, **more)
        key_result.ends_at = at

    def silence(self, theme: str, place: int, week: int) -> None:
        """Let nobody say a word about a key result from this week on."""
        self.company.key_results[self.number, theme][place].silent_from = week
