"""The ordinary life of the demonstration company: it plans, drafts, commits, checks in every week and scores."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from api.demonstration.calendar import WEEKS, Quarter
from api.demonstration.company import ROLES, TEAMS, THEMES, key_result_owner, leader_of, objective_owner
from api.demonstration.courses import Course
from api.demonstration.people import AUDITOR, LEADER, NAMES, SECOND, STEWARD
from api.demonstration.plan import Metric
from api.demonstration.script import NextReference, Personal, Script
from api.demonstration.voices import GETTING_BY, GOING_BADLY, GOING_WELL, NEEDS

_CARELESS = {"paolo": 0.7, "dario": 0.75, "felix": 0.8, "yusuf": 0.7}
_LATE_FIGURES = {"close", "collections", "insurance"}
"""Themes whose figures Finance finds a week and a half after the day they belong to."""


@dataclass
class KeyResult:
    """A key result of one quarter as the script knows it: its course, and when it begins and ends to count."""

    quarter: Quarter
    theme: str
    name: str
    metric: Metric
    course: Course
    owners: list[tuple[datetime, str]]
    commitment: dict[str, Any]
    from_week: int = 1
    ends_at: datetime | None = None
    silent_from: int = WEEKS + 1

    def owner(self, at: datetime) -> str:
        """Return who owns it at a moment."""
        return [handle for since, handle in self.owners if since <= at or since == self.owners[0][0]][-1]


@dataclass
class Company:
    """The company while its script is written; scenes change what the routine then follows."""

    script: Script
    quarters: tuple[Quarter, Quarter, Quarter]
    courses: dict[tuple[str, int], Course] = field(default_factory=dict)
    owners: dict[tuple[int, str], list[tuple[datetime, str]]] = field(default_factory=dict)
    key_results: dict[tuple[int, str], list[KeyResult]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[tuple[int, str], datetime] = field(default_factory=dict)
    lines: dict[tuple[int, str], datetime] = field(default_factory=dict)
    late: dict[tuple[int, str], int] = field(default_factory=dict)
    absences: list[tuple[str, datetime, datetime, str]] = field(default_factory=list)
    left: dict[str, datetime] = field(default_factory=dict)

    def objective(self, quarter: int, theme: str) -> Any:
        """Return the identifier of a theme's objective in a quarter."""
        return self.script.identifier("objective", f"{quarter}:{theme}")

    def key_result(self, quarter: int, theme: str, number: int) -> tuple[KeyResult, dict[str, Any]]:
        """Return the n-th key result of an objective, and the two fields that name it in a command."""
        found = self.key_results[quarter, theme][number]
        names = {
            "objective": self.objective(quarter, theme),
            "key_result": self.script.identifier("key_result", found.name),
        }
        return found, names

    def owner(self, quarter: int, theme: str, at: datetime | None = None) -> str:
        """Return who owns an objective, at a moment or at first."""
        owners = self.owners[quarter, theme]
        return owners[0][1] if at is None else [handle for since, handle in owners if since <= at][-1]

    def acting(self, handle: str, at: datetime) -> str:
        """Return who answers for a person at a moment: the acting owner while that person is on leave."""
        for away, since, until, acting in self.absences:
            if away == handle and since <= at < until:
                return acting
        return handle

    def gather(self) -> None:
        """Add the people, their roles, the teams; the first steward is there since the ledger's creation."""
        script = self.script
        day = self.quarters[0].starts_on - timedelta(days=24)
        for handle in NAMES:
            at = script.moment(day, "09:00")
            if handle != STEWARD:
                script.identifier("person", handle, at)
                script.act(at, STEWARD, "add_person", person=script.person(handle))
        for handle in NAMES:
            roles = ROLES.get(handle, ()) + (() if handle == AUDITOR else ("owner",))
            for role in roles:
                actor = f"person:{script.person(handle)}"
                script.act(script.moment(day, "10:00"), STEWARD, "grant_role", actor=actor, role=role)
        for team in TEAMS:
            at = script.moment(day, "11:00")
            above = None if team.key == "leadership" else script.identifier("team", "leadership")
            identifier = script.identifier("team", team.key, at)
            script.act(at, STEWARD, "form_team", team=identifier, name=team.name, parent=above)
        for team in TEAMS:
            identifier = script.identifier("team", team.key)
            for handle in team.people:
                at = script.moment(day, "11:30")
                script.act(at, STEWARD, "add_member", team=identifier, person=script.person(handle))
        script.act(
            script.moment(day, "13:00"),
            STEWARD,
            "grant_delegation",
            actor=f"person:{script.person(SECOND)}",
            principal=script.person(LEADER),
        )

    def plan_cycle(self, quarter: Quarter, *, opened: bool = True) -> None:
        """Plan a cycle three weeks before it starts, and open it on its first morning."""
        at = self.script.moment(quarter.starts_on - timedelta(days=21), "14:00")
        self.script.act(
            at,
            STEWARD,
            "plan_cycle",
            cycle=quarter.key,
            name=quarter.name,
            kind="quarter",
            starts_on=quarter.starts_on.isoformat(),
            commit_by=quarter.commit_by.isoformat(),
            ends_on=quarter.ends_on.isoformat(),
        )
        if opened:
            self.script.act(
                self.script.moment(quarter.starts_on, "08:15"), STEWARD, "open_cycle", cycle=quarter.key
            )

    def draft(self, quarter: Quarter, skip: frozenset[str] = frozenset()) -> None:
        """Draft every objective with its key results in the two weeks before the quarter, then align them."""
        for number, team in enumerate(TEAMS):
            for place, theme in enumerate(team.themes):
                if theme.key in skip:
                    continue
                day = quarter.starts_on - timedelta(days=13 - number if number < 5 else 11 - number)
                title = theme.titles[quarter.number]
                self.draft_objective(
                    quarter, theme.key, title, objective_owner(team, place, quarter.number), day
                )
                for index, metric in enumerate(theme.metrics):
                    if metric.goals[quarter.number] is not None:
                        course = self.courses.setdefault(
                            (theme.key, index), Course(metric, self.script.random)
                        )
                        owner = key_result_owner(team, place, index, quarter.number)
                        self.add_key_result(quarter, theme.key, metric, course, owner, day, "10:00")
        for team in TEAMS:
            for theme in team.themes:
                if theme.key not in skip:
                    self.align(quarter, theme.key, quarter.starts_on - timedelta(days=3))

    def draft_objective(
        self, quarter: Quarter, theme: str, title: str, owner: str, day: date, team: str = "leadership"
    ) -> None:
        """Write one objective down; the team of a theme is known, another objective names its own."""
        at = self.script.moment(day, "09:30")
        self.owners[quarter.number, theme] = [(at, owner)]
        self.script.act(
            at,
            owner,
            "draft_objective",
            objective=self.script.identifier("objective", f"{quarter.number}:{theme}", at),
            reference=NextReference("OBJ"),
            cycle=quarter.key,
            title=title,
            owner=self.script.person(owner),
            team=self.script.identifier("team", THEMES[theme][0].key if theme in THEMES else team),
        )

    def add_key_result(
        self,
        quarter: Quarter,
        theme: str,
        metric: Metric,
        course: Course,
        owner: str,
        day: date,
        clock: str,
        **more: Any,
    ) -> KeyResult:
        """Add one key result and begin its course."""
        at = self.script.moment(day, clock)
        known = self.key_results[quarter.number, theme]
        name = f"{quarter.number}:{theme}:{len(known)}"
        committed = course.begin(quarter)
        made = KeyResult(quarter, theme, name, metric, course, [(at, owner)], committed)
        known.append(made)
        self.script.act(
            at,
            self.owner(quarter.number, theme),
            "add_key_result",
            objective=self.objective(quarter.number, theme),
            key_result=self.script.identifier("key_result", name, at),
            reference=NextReference("KR"),
            title=metric.title,
            owner=self.script.person(owner),
            weight=metric.weight,
            ambition="aspirational" if metric.aspirational else "committed",
            **committed,
            **more,
        )
        return made

    def align(self, quarter: Quarter, key: str, day: date) -> None:
        """Declare the parent of an objective, or that it is local."""
        _, theme = THEMES[key]
        at, owner = self.script.moment(day, "11:00"), self.owner(quarter.number, key)
        objective = self.objective(quarter.number, key)
        if theme.parent is not None and self.script.known("objective", f"{quarter.number}:{theme.parent}"):
            parent = self.objective(quarter.number, theme.parent)
            self.script.act(at, owner, "align_objective", objective=objective, parent=parent)
        else:
            because = theme.local or "The objective that it served was not taken up this quarter."
            self.script.act(at, owner, "declare_local", objective=objective, because=because)

    def carry(self, theme: str, into: Quarter, day: date) -> None:
        """Let an objective of the quarter before go on in the next, with its key results as they stand."""
        before = into.number - 1
        at, owner = self.script.moment(day, "14:30"), self.owner(before, theme)
        self.owners[into.number, theme] = [(at, owner)]
        carried: list[dict[str, Any]] = []
        for key_result in self.key_results[before, theme]:
            name = f"{into.number}:{theme}:{len(carried)}"
            course = key_result.course
            carried.append(
                {
                    "key_result": self.script.identifier("key_result", key_result.name),
                    "successor": self.script.identifier("key_result", name, at),
                    "reference": NextReference("KR"),
                }
            )
            owners = [(at, key_result.owners[-1][1])]
            made = KeyResult(into, theme, name, key_result.metric, course, owners, key_result.commitment)
            self.key_results[into.number, theme].append(made)
        self.script.act(
            at,
            owner,
            "carry_objective",
            objective=self.objective(before, theme),
            into=into.key,
            successor=self.script.identifier("objective", f"{into.number}:{theme}", at),
            reference=NextReference("OBJ"),
            key_results=carried,
            reason={
                "kind": "scope",
                "text": "The insurer's new terms begin next quarter; the work goes on unchanged.",
            },
        )
        self.ends[before, theme] = at

    def commit(self, quarter: Quarter, leave_out: frozenset[str] = frozenset()) -> None:
        """Commit to every objective in the first two weeks; late ones when the scenes say so."""
        chance = self.script.random
        for (number, theme), owners in list(self.owners.items()):
            if number != quarter.number or theme in leave_out:
                continue
            late = self.late.get((number, theme))
            day = quarter.day(1, 0) + timedelta(days=chance.choice((0, 1, 2, 3, 4, 7, 8, 9, 10, 11)))
            if late is not None:
                day = quarter.commit_by + timedelta(days=late)
            owner = owners[0][1]
            lead = leader_of(theme) if theme in THEMES else LEADER
            accepted_by = LEADER if owner == lead and owner != LEADER else lead
            at = self.script.moment(day, f"{chance.randint(9, 15):02d}:{chance.randint(0, 59):02d}")
            self.lines[number, theme] = at
            self.script.act(
                at,
                owner,
                "commit_objective",
                label=f"line:{number}:{theme}",
                objective=self.objective(number, theme),
                confidence=chance.choice(("0.5", "0.6", "0.6", "0.7", "0.7", "0.8")),
                accepted_by=self.script.person(accepted_by) if accepted_by != owner else None,
            )

    def weeks(self, quarter: Quarter) -> None:
        """Check in on every key result, week after week."""
        for (number, theme), found in self.key_results.items():
            if number == quarter.number:
                for key_result in found:
                    for week in range(max(2, key_result.from_week), WEEKS + 1):
                        self._check_in(quarter, theme, key_result, week)

    def _check_in(self, quarter: Quarter, theme: str, key_result: KeyResult, week: int) -> None:
        chance = self.script.random
        first = key_result.owners[0][1]
        day = quarter.day(week, (len(first) + sum(map(ord, first))) % 4)
        value, real = key_result.course.value(week), key_result.course.progress(week)
        if chance.random() > _CARELESS.get(first, 0.95) or week >= key_result.silent_from:
            return
        at = self.script.moment(day, f"{chance.randint(8, 16):02d}:{chance.randint(0, 59):02d}")
        if self.over(quarter.number, theme, key_result, at):
            return
        by = self.acting(key_result.owner(at), at)
        if at >= self.left.get(by, at + timedelta(1)):
            return
        mood = real - week / WEEKS
        confidence = min(max(round(0.72 + 0.9 * mood + chance.gauss(0, 0.08), 1), 0.1), 1.0)
        said = (
            "on_track"
            if mood > -0.09
            else "behind"
            if mood > -0.26 or chance.random() < 0.35
            else "off_track"
        )
        late = theme in _LATE_FIGURES and key_result.metric.indicator == "lagging"
        text = needs = None
        if confidence < 0.4 or chance.random() < 0.3:
            text = chance.choice(GOING_WELL if mood > -0.05 else GETTING_BY if mood > -0.25 else GOING_BADLY)
        if chance.random() < (0.2 if confidence < 0.4 else 0.02):
            needs = chance.choice(NEEDS)
        measured = max(day - timedelta(days=9), quarter.starts_on) if late else None
        self.script.act(
            at,
            by,
            "check_in",
            label=f"check-in:{key_result.name}:{week}",
            objective=self.objective(quarter.number, theme),
            key_result=self.script.identifier("key_result", key_result.name),
            value=value,
            measured_on=measured.isoformat() if measured else None,
            confidence=f"{confidence:.1f}",
            said=said,
            what_changed=Personal(by, text) if text else None,
            needs_decision=Personal(by, needs) if needs else None,
        )

    def over(self, number: int, theme: str, key_result: KeyResult, at: datetime) -> bool:
        """Return whether the key result or its objective had ended by then, or is not committed yet."""
        ended = min(
            self.ends.get((number, theme), at + timedelta(1)), key_result.ends_at or at + timedelta(1)
        )
        line = self.lines.get((number, theme))
        return at >= ended or line is None or at <= line
