"""Random command sequences, the same for every law: a play is a list of (name of a command, seed of its details).

An improviser turns each step into a command that mostly makes sense in the present state of a ledger, and sometimes
does not: an unknown owner, a day in the future, a missing reason, somebody without the right. It covers every command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.commands import COMMANDS
from aggregates.refusals import Refusal
from aggregates.values import day_of
from ledger.codec import RawEntry
from ledger.rehearsal import Rehearsal
from tests.laws.proposals import Proposals
from tests.laws.stages import Asked, LedgerStage, RehearsalStage, Stage

__all__ = [
    "LONG", "QUICK", "START", "Asked", "Improviser", "LedgerStage", "RehearsalStage", "Stage", "Step", "play_of",
    "plays", "rehearsed",
]  # fmt: skip

Step = tuple[str, int]
QUICK = "quick"
LONG = "long"

_OFTEN = {
    "draft_objective": 5, "add_key_result": 7, "declare_local": 4, "commit_objective": 6, "check_in": 9,
    "record_value": 7, "change_target": 4, "align_objective": 3, "amend_entry": 9, "retract_entry": 4, "replan": 3,
    "record_decision": 4, "score_key_result": 2, "note_source": 2,
    "start_leave": 4, "end_leave": 4, "open_cycle": 5, "void_opening": 3,
    "close_cycle": 4, "reopen_cycle": 4, "answer_finding": 2, "confirm_decision": 2,
}  # fmt: skip
_ENDS = ("close_cycle", "withdraw_objective", "objective_recorded_in_error", "close_objective", "start_scoring",
         "replace_objective", "carry_objective", "person_leaves", "revoke_role", "close_team")  # fmt: skip
_WEIGHED = [name for name in sorted(COMMANDS) for _ in range(_OFTEN.get(name, 1))]


_IMPORTED = frozenset(
    {
        "draft_objective", "add_key_result", "commit_objective", "reword_objective", "change_target", "record_value",
        "check_in", "drop_key_result", "score_key_result", "withdraw_objective", "record_decision", "start_scoring",
    }
)  # fmt: skip
START = datetime(2024, 1, 8, 9, tzinfo=UTC)


def plays(profile: str, shortest: int = 20, longest: int = 70) -> st.SearchStrategy[list[Step]]:
    """Return the strategy of plays of so many steps.

    The long profile draws step by step, so that a play that breaks a law is cut down to the steps that matter; the
    quick one draws whole plays by their seeds, which spends its few examples on long and mixed ones.
    """
    if profile == QUICK:
        seeds = st.integers(1, 2**32)
        return st.tuples(seeds, st.integers(shortest, longest)).map(lambda drawn: play_of(*drawn))
    step = st.tuples(st.sampled_from(_WEIGHED), st.integers(0, 2**32))
    return st.lists(step, min_size=shortest, max_size=longest)


def play_of(seed: int, length: int) -> list[Step]:
    """Return one play by its seed, for tests that need no shrinking."""
    choice = Random(seed)
    return [(choice.choice(_WEIGHED), choice.getrandbits(32)) for _ in range(length)]


class Improviser(Proposals):
    """Gives a play on a stage; remembers what there is, what was accepted and what was refused."""

    def __init__(self, stage: Stage, steward: UUID) -> None:
        super().__init__(stage, steward)
        self.accepted: list[tuple[Asked, Any]] = []
        self.refused: list[tuple[Asked, Refusal]] = []
        self.asked: list[tuple[Asked, Any]] = []
        """Every command in its order, with its receipt or refusal."""

    # -- the prologue

    def opens(self, today: date | None = None) -> Improviser:
        """Bring in a company: owners, a facilitator, a service, teams, a year with quarters, two objectives."""
        today = today or day_of(self.stage.now(), self.stage.zone())
        for role in ("owner", "owner", "facilitator", "reader"):
            person = self.stage.new_id()
            self.must("add_person", person=person)
            self.must("grant_role", actor=f"person:{person}", role=role)
        service, top, below = (self.stage.new_id() for _ in range(3))
        self.must("register_service", service=service, name="Importer")
        self.must("grant_role", actor=f"service:{service}", role="steward")
        self.must("form_team", team=top, name="Growth")
        self.must("form_team", team=below, name="Sales", parent=top)
        for key, kind, start, end, parent in (
            ("year", "year", 1, 366, None), ("first", "quarter", 5, 94, "year"), ("second", "quarter", 95, 180, "year"),
            ("day", "custom", 40, 40, None),
        ):  # fmt: skip
            self._plan(key, kind, today + timedelta(days=start), today + timedelta(days=end), parent)
        for _ in range(2):
            self.committed("first")
        return self

    def knows(self, entries: Iterable[RawEntry]) -> Improviser:
        """Learn what there is from the entries of a ledger in which others write too."""
        for raw in entries:
            kind, _, name = raw.stream.partition(":")
            match kind:
                case "person" if UUID(name) not in self.people:
                    self.people.append(UUID(name))
                case "service" if UUID(name) not in self.services:
                    self.services.append(UUID(name))
                case "team" if UUID(name) not in self.teams:
                    self.teams.append(UUID(name))
                case "cycle" if name not in self.cycles:
                    self.cycles.append(name)
                case "objective" if UUID(name) not in self.objectives:
                    self.objectives.append(UUID(name))
                case "decision" if UUID(name) not in self.decisions:
                    self.decisions.append(UUID(name))
        return self

    def _plan(self, key: str, kind: str, starts_on: date, ends_on: date, parent: str | None = None) -> None:
        commit_by = min(starts_on + timedelta(days=9), ends_on)
        self.must(
            "plan_cycle", cycle=key, name=key.capitalize(), kind=kind, starts_on=starts_on, commit_by=commit_by,
            ends_on=ends_on, parent=parent,
        )  # fmt: skip

    def committed(self, cycle: str, owner: UUID | None = None) -> tuple[UUID, UUID]:
        """Bring in a committed objective with one key result; return both."""
        objective, key_result = self.stage.new_id(), self.stage.new_id()
        owner = owner or self.people[1]
        self.must(
            "draft_objective", objective=objective, reference=self.stage.next_reference("OBJ"), cycle=cycle,
            title="Schools renew with us", owner=owner,
        )  # fmt: skip
        self.must(
            "add_key_result", objective=objective, key_result=key_result, title="Share of schools that renew",
            reference=self.stage.next_reference("KR"), owner=owner, measure={"kind": "increase"}, baseline="0",
            target={"kind": "point", "at": "100"},
        )  # fmt: skip
        self.must("declare_local", objective=objective, because="It serves nobody else.")
        self.must("commit_objective", objective=objective, confidence="0.7")
        return objective, key_result

    def must(self, name: str, /, **fields: Any) -> Any:
        """Ask as the steward for what must be accepted."""
        asked = Asked(COMMANDS[name].model_validate(fields), f"person:{self.steward}")
        receipt = self.stage.do(asked)
        self._remember(asked, receipt)
        return receipt

    # -- the play

    def gives(self, play: Sequence[Step]) -> Improviser:
        """Give a whole play."""
        for name, seed in play:
            self.step(name, seed)
        return self

    def step(self, name: str, seed: int) -> Asked | None:
        """Ask for one command; return it if it was accepted. Whatever is not a refusal passes through."""
        choice = Random(seed)
        if name in _ENDS and choice.random() < 0.5:
            name = choice.choice(["check_in", "record_value", "amend_entry"])
        self.stage.wait(timedelta(hours=choice.choice([0, 0, 1, 9, 30, 60])))
        asked = self.proposed(name, choice)
        if asked is None:
            return None
        try:
            receipt = self.stage.do(asked)
        except Refusal as refusal:
            self.refused.append((asked, refusal))
            self.asked.append((asked, refusal))
            return None
        self._remember(asked, receipt)
        return asked

    def proposed(self, name: str, choice: Random) -> Asked | None:
        """Return a command of this name, or None where it cannot even be written down."""
        fields: dict[str, Any] = getattr(self, f"_{name}", lambda _: {})(choice)
        keywords: dict[str, Any] = {}
        by = f"person:{self.steward if choice.random() < 0.85 else choice.choice(self.people)}"
        if name == "confirm_decision" and choice.random() < 0.7:
            decision = self.stage.world().decision(fields["decision"])
            if decision is not None and decision.content is not None:
                by = f"person:{decision.content.decided_by}"
        if "reason" in COMMANDS[name].model_fields and choice.random() < 0.85:
            kinds = ("recalibration", "scope", "measurement_fault", "external", "editorial")
            fields.setdefault("reason", {"kind": choice.choice(kinds), "text": "The market moved."})
        if "decision" in COMMANDS[name].model_fields and "decision" not in fields and self.decisions:
            fields["decision"] = choice.choice([None, choice.choice(self.decisions)])
        if name == "note_source" or (name in _IMPORTED and choice.random() < 0.15):
            keywords["imported"] = True
            by = choice.choice([by, *(f"service:{one}" for one in self.services)])
            fields["source"] = {"name": "wiki", "version": f"v{choice.randint(1, 9)}"}
            if choice.random() < 0.5:
                fields["effective_at"] = self._lately(choice)
            if by.startswith("service:") and choice.random() < 0.3:
                keywords["on_behalf_of"] = f"person:{choice.choice(self.people)}"
            keywords["accept_faults"] = choice.random() < 0.3
        try:
            return Asked(COMMANDS[name].model_validate(fields), by, keywords)
        except ValidationError:
            return None

    def _remember(self, asked: Asked, receipt: Any) -> None:
        self.accepted.append((asked, receipt))
        self.asked.append((asked, receipt))
        command: Any = asked.command
        changes = getattr(command, "changes", ())
        for one in (command, *changes):
            match one.command_name:
                case "draft_objective":
                    self.objectives.append(one.objective)
                case "carry_objective":
                    self.objectives.append(one.successor)
        match command.command_name:
            case "add_person" if command.person not in self.people:
                self.people.append(command.person)
            case "form_team":
                self.teams.append(command.team)
            case "register_service":
                self.services.append(command.service)
            case "plan_cycle" if command.cycle not in self.cycles:
                self.cycles.append(command.cycle)
            case "record_decision" | "replan" if command.decision not in self.decisions:
                self.decisions.append(command.decision)


def rehearsed(
    play: Sequence[Step], *, zone: str = "Europe/Berlin", start: datetime = START, seed: int = 7
) -> Improviser:
    """Return a company that gave this play in a rehearsal whose clock goes on."""
    rehearsal = Rehearsal(UUID(int=7, version=4), "Example", zone, start, random=Random(seed))
    return Improviser(RehearsalStage(rehearsal), rehearsal.steward).opens().gives(play)
