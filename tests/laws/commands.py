"""Random command sequences, the same for every law: a play is a list of (name of a command, seed of its details).

An improviser turns each step into a command that mostly makes sense in the present state of a ledger, and sometimes
does not: an unknown owner, a day in the future, a missing reason, somebody without the right. It covers every command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Protocol
from uuid import UUID

from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.command import Command
from aggregates.commands import COMMANDS
from aggregates.entry import Sealed
from aggregates.objective.state import Objective
from aggregates.policy import DEFAULT_POLICY
from aggregates.refusals import Refusal
from aggregates.values import day_of
from aggregates.vocabulary import EVENTS
from ledger.codec import RawEntry
from ledger.rehearsal import Rehearsal

Step = tuple[str, int]
QUICK = "quick"
LONG = "long"

_OFTEN = {
    "draft_objective": 5, "add_key_result": 7, "declare_local": 4, "commit_objective": 6, "check_in": 9,
    "record_value": 7, "change_target": 4, "align_objective": 3, "amend_entry": 9, "retract_entry": 4, "replan": 3,
    "record_decision": 4, "score_key_result": 2, "note_source": 2, "start_leave": 4, "end_leave": 4, "open_cycle": 5, "void_opening": 3,
    "close_cycle": 4, "reopen_cycle": 4, "answer_finding": 2, "confirm_decision": 2,
}  # fmt: skip
_ENDS = ("close_cycle", "withdraw_objective", "objective_recorded_in_error", "close_objective", "start_scoring",
         "replace_objective", "carry_objective", "person_leaves", "revoke_role", "close_team")  # fmt: skip
_WEIGHED = [name for name in sorted(COMMANDS) for _ in range(_OFTEN.get(name, 1))]


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


@dataclass(frozen=True)
class Asked:
    """A command with the occasion on which it is given; `keywords` are those of `execute` and of `Rehearsal.do`."""

    command: Command
    by: str
    keywords: dict[str, Any] = field(default_factory=dict)


class Stage(Protocol):
    """Where a play is given: a rehearsal, or a ledger."""

    def world(self) -> Any: ...
    def now(self) -> datetime: ...
    def zone(self) -> Any: ...
    def new_id(self) -> UUID: ...
    def next_reference(self, kind: str) -> str: ...
    def names(self) -> list[tuple[int, str]]: ...
    def wait(self, time: timedelta) -> None: ...
    def do(self, asked: Asked) -> Any: ...


class RehearsalStage:
    """A rehearsal, whose clock goes on between the steps unless it is told to stand."""

    def __init__(self, rehearsal: Rehearsal, *, stands: bool = False) -> None:
        self.rehearsal = rehearsal
        self._stands = stands

    def world(self) -> Any:
        return self.rehearsal.world

    def now(self) -> datetime:
        return self.rehearsal.now

    def zone(self) -> Any:
        return self.rehearsal.zone

    def new_id(self) -> UUID:
        return self.rehearsal.new_id()

    def next_reference(self, kind: str) -> str:
        return self.rehearsal.next_reference(kind)

    def names(self) -> list[tuple[int, str]]:
        return [(raw.position, raw.name) for raw in self.rehearsal.entries]

    def wait(self, time: timedelta) -> None:
        if not self._stands:
            self.rehearsal.at(self.rehearsal.now + time)

    def do(self, asked: Asked) -> Any:
        return self.rehearsal.do(asked.command, by=asked.by, **asked.keywords)


class LedgerStage:
    """A real ledger at the real time; a command goes through `ledger.execute`."""

    def __init__(self, ledger: Any, decide: Callable[..., Any], *, key: Callable[[], Any] = lambda: None) -> None:
        self.ledger = ledger
        self._decide = decide
        self._key = key

    def world(self) -> Any:
        return self.ledger.world()

    def now(self) -> datetime:
        now: datetime = self.ledger.head().now
        return now

    def zone(self) -> Any:
        return self.ledger.zone

    def new_id(self) -> UUID:
        identifier: UUID = self.ledger.new_id()
        return identifier

    def next_reference(self, kind: str) -> str:
        return str(self.ledger.next_reference(kind))

    def names(self) -> list[tuple[int, str]]:
        last = self.ledger.head().position
        return [(raw.position, raw.name) for raw in self.ledger.read_page(max(0, last - 60), 60)]

    def wait(self, time: timedelta) -> None:
        """The time of a real ledger passes by itself."""

    def do(self, asked: Asked) -> Any:
        return self.ledger.execute(
            asked.command, self._decide, by=asked.by, idempotency=self._key(), **asked.keywords
        )


class Improviser:
    """Gives a play on a stage; remembers what there is, what was accepted and what was refused."""

    def __init__(self, stage: Stage, steward: UUID) -> None:
        self.stage = stage
        self.steward = steward
        self.moments_ago: tuple[int, ...] = (0, 0, 1)
        """Seconds that count as just now; none where a play is given again at another moment."""
        self.people: list[UUID] = [steward]
        self.teams: list[UUID] = []
        self.services: list[UUID] = []
        self.cycles: list[str] = []
        self.objectives: list[UUID] = []
        self.decisions: list[UUID] = []
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
            ("year", "year", 1, 390, None), ("first", "quarter", 5, 94, "year"), ("second", "quarter", 95, 180, "year"),
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

    # -- what to speak of

    def _today(self) -> date:
        return day_of(self.stage.now(), self.stage.zone())

    def _lately(self, choice: Random) -> datetime:
        back = timedelta(seconds=choice.choice([*self.moments_ago, 3_600, 90_000, 800_000]))
        if choice.random() < 0.05:
            back = -timedelta(days=1)
        return self.stage.now() - back

    def _person(self, choice: Random) -> UUID:
        if choice.random() < 0.04:
            return choice.choice([UUID(int=1), *self.teams])
        return choice.choice(self.people)

    def _objective(self, choice: Random, fits: Callable[[Objective], bool] = lambda _: True) -> Objective:
        world = self.stage.world()
        states = [state for one in self.objectives if (state := world.objective(one)) is not None]
        taking = [one for one in states if not one.is_over and fits(one)]
        picked: Objective = choice.choice(taking if taking and choice.random() < 0.93 else states)
        return picked

    def _item(self, choice: Random) -> tuple[Objective, Any]:
        objective = self._objective(choice, lambda one: bool(one.active_key_results()))
        active = objective.active_key_results()
        every = list(objective.key_results.values()) or active
        if not every:
            return objective, None
        return objective, choice.choice(active if active and choice.random() < 0.95 else every)

    def _cycle_of(self, objective: Objective) -> Any:
        return self.stage.world().cycle(objective.cycle.now or "")

    def _days(self, choice: Random, cycle: Any) -> date:
        """Return a day of the cycle that has come, now and then one that has not or that lies outside."""
        today = self._today()
        first, last = cycle.starts_on, min(cycle.ends_on, today)
        if choice.random() < 0.06 or last < first:
            return choice.choice([today + timedelta(days=1), first - timedelta(days=1), today])
        return first + timedelta(days=choice.randint(0, (last - first).days))

    def _definition(self, choice: Random, cycle: Any, kind: str | None = None) -> dict[str, Any]:
        kind = kind or choice.choice(_KINDS)
        low, high = str(choice.randint(0, 40)), str(choice.randint(40, 90))
        number = str(Decimal(choice.randint(-500, 9_000)) / 100)
        measure: dict[str, Any] = {"kind": kind, "path": choice.choice(["none", "straight"])}
        if choice.random() < 0.3:
            measure |= {"unit": "%", "indicator": "lagging"}
        match kind:
            case "increase":
                return {"measure": measure, "baseline": low, "target": {"kind": "point", "at": high}}
            case "decrease":
                return {"measure": measure, "baseline": high, "target": {"kind": "point", "at": low}}
            case "band":
                return {"measure": measure, "target": {"kind": "band", "low": low, "high": high + ".5"}}
            case "milestones":
                stages = [{"name": name, "weight": "0.3"} for name in ("Draft", "Pilot", "Done")]
                return {"measure": measure, "target": {"kind": "stages", "stages": stages}}
            case "yes_no":
                return {"measure": measure, "target": {"kind": "done"}}
            case "phased":
                span = (cycle.ends_on - cycle.starts_on).days
                days = sorted({cycle.starts_on + timedelta(days=span * n // 3) for n in (1, 2, 3)})
                steps = [{"on": day, "at": str(41 + 10 * n)} for n, day in enumerate(days)]
                return {"measure": measure, "baseline": low, "target": {"kind": "steps", "steps": steps}}
        return {"measure": measure, "target": {"kind": "point", "at": number}}

    def _value(self, choice: Random, key_result: Any) -> Any:
        kind = key_result.measure.now.kind if choice.random() < 0.96 else choice.choice(_KINDS)
        match kind:
            case "yes_no":
                return choice.random() < 0.5
            case "milestones":
                return choice.choice([(), ("Draft",), ("Draft", "Pilot")])
        return str(Decimal(choice.randint(-10_000, 100_000)) / choice.choice([1, 10, 1_000]))

    def _sealed(self, choice: Random) -> dict[str, Any] | None:
        """Return personal text under a key that nobody has: its form is right and it cannot be read."""
        if choice.random() < 0.6:
            return None
        return Sealed(
            author=choice.choice(self.people), key_id=UUID(int=choice.getrandbits(128), version=4),
            commitment=f"{choice.getrandbits(256):064x}", ciphertext="QUJD" * choice.randint(12, 40),
        ).model_dump()  # fmt: skip

    # -- people, teams, the organisation

    def _presence(self, choice: Random, person: UUID | None = None) -> dict[str, Any]:
        fields: dict[str, Any] = {"person": person or self._person(choice)}
        if choice.random() < 0.5:
            fields["effective_at"] = self._lately(choice)
        return fields

    def _add_person(self, choice: Random) -> dict[str, Any]:
        return self._presence(choice, self.stage.new_id() if choice.random() < 0.6 else None)

    def _person_leaves(self, choice: Random) -> dict[str, Any]:
        return self._presence(choice)

    def _start_leave(self, choice: Random) -> dict[str, Any]:
        back = choice.choice([None, self._today() + timedelta(days=20)])
        return {**self._presence(choice), "acting_owner": self._person(choice), "expected_back_on": back}

    def _end_leave(self, choice: Random) -> dict[str, Any]:
        world, now = self.stage.world(), self.stage.now()
        away = [
            one for one in self.people
            if (person := world.person(one)) is not None and person.acting_owner(now) is not None
        ]  # fmt: skip
        return self._presence(choice, choice.choice(away or self.people))

    def _register_service(self, choice: Random) -> dict[str, Any]:
        return {"service": self.stage.new_id(), "name": "Exporter"}

    def _grant_role(self, choice: Random) -> dict[str, Any]:
        actor = choice.choice([f"person:{self._person(choice)}", f"service:{choice.choice(self.services)}"])
        roles = ["reader", "owner", "facilitator", "steward", "auditor", "operator"]
        return {"actor": actor, "role": choice.choice(roles)}

    def _revoke_role(self, choice: Random) -> dict[str, Any]:
        fields = self._grant_role(choice)
        kind, _, identifier = fields["actor"].partition(":")
        state = getattr(self.stage.world(), kind)(UUID(identifier))
        held = sorted(state.roles) if state is not None else []
        return {**fields, "role": choice.choice(held or [fields["role"]])}

    def _form_team(self, choice: Random) -> dict[str, Any]:
        return {"team": self.stage.new_id(), "name": "Support", "parent": choice.choice([None, *self.teams])}

    def _rename_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams), "name": choice.choice(["Growth", "Retail", "Field"])}

    def _move_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams), "parent": choice.choice([None, *self.teams])}

    def _close_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams)}

    def _adopt_policy(self, choice: Random) -> dict[str, Any]:
        changed = choice.choice(
            [{"bands": choice.choice(["viva", "engagedly", "upraise", "mooncamp", "planview"])},
             {"roll_up": choice.choice(["mean", "pooled", "weakest"])}, {"check_in_every_days": choice.randint(1, 20)},
             {"number_digits_after": choice.randint(2, 6)}, {"clamp_for_roll_up": True}]
        )  # fmt: skip
        return {"policy": {**DEFAULT_POLICY.model_dump(), "name": "another", **changed}}

    # -- cycles

    def _plan_cycle(self, choice: Random) -> dict[str, Any]:
        start = self._today() + timedelta(days=choice.randint(0, 30))
        end = start + timedelta(days=choice.choice([0, 20, 83]))
        key = f"c{choice.randint(1, 40)}"
        return {
            "cycle": key, "name": key, "kind": "custom", "starts_on": start, "commit_by": min(end, start),
            "ends_on": end, "parent": choice.choice([None, None, *self.cycles]),
        }  # fmt: skip

    def _of_a_cycle(self, choice: Random, *standings: str) -> dict[str, Any]:
        world = self.stage.world()
        fitting = [key for key in self.cycles if world.cycle(key).standing in standings]
        return {"cycle": choice.choice(fitting if fitting and choice.random() < 0.9 else self.cycles)}

    def _move_commit_by(self, choice: Random) -> dict[str, Any]:
        fields = self._of_a_cycle(choice, "planned", "open")
        return {**fields, "commit_by": self.stage.world().cycle(fields["cycle"]).starts_on + timedelta(days=choice.randint(0, 30))}

    def _open_cycle(self, choice: Random) -> dict[str, Any]:
        return self._of_a_cycle(choice, "planned")

    def _void_opening(self, choice: Random) -> dict[str, Any]:
        fields = self._of_a_cycle(choice, "open")
        return {**fields, "decision": choice.choice(self.decisions)} if self.decisions else fields

    def _start_scoring(self, choice: Random) -> dict[str, Any]:
        return self._of_a_cycle(choice, "open")

    def _close_cycle(self, choice: Random) -> dict[str, Any]:
        return self._of_a_cycle(choice, "scoring", "open")

    def _reopen_cycle(self, choice: Random) -> dict[str, Any]:
        return self._of_a_cycle(choice, "closed")

    # -- objectives

    def _draft_objective(self, choice: Random) -> dict[str, Any]:
        return {
            "objective": self.stage.new_id(), "reference": self.stage.next_reference("OBJ"),
            "cycle": choice.choice(["first", "first", "second", "day", *self.cycles]),
            "title": f"Objective {choice.randint(1, 99)}", "owner": self._person(choice),
            "team": choice.choice([None, *self.teams]),
        }  # fmt: skip

    def _of_an_objective(self, choice: Random) -> dict[str, Any]:
        return {"objective": self._objective(choice).objective}

    def _reword_objective(self, choice: Random) -> dict[str, Any]:
        fields = self._of_an_objective(choice)
        return {**fields, "title": f"Wording {choice.randint(1, 9)}", "description": choice.choice([None, "In short."])}

    def _reown_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "owner": self._person(choice)}

    def _reteam_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "team": choice.choice([None, *self.teams])}

    def _align_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "parent": choice.choice(self.objectives)}

    def _declare_local(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice, lambda one: one.alignment.now is None)
        return {"objective": objective.objective, "because": choice.choice(["It serves nobody.", "It stands alone."])}

    def _commit_objective(self, choice: Random) -> dict[str, Any]:
        ready = self._objective(
            choice, lambda one: not one.is_committed and bool(one.active_key_results() and one.alignment.now)
        )
        return {"objective": ready.objective, "confidence": choice.choice(["0.5", None]), "accepted_by": self.steward}

    _withdraw_objective = _objective_recorded_in_error = _of_an_objective

    def _close_objective(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice, lambda one: one.is_committed)
        return {"objective": objective.objective, "score": choice.choice([None, "0.4", "1"])}

    def _replace_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "successor": choice.choice(self.objectives)}

    def _carry_objective(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice)
        carried = [
            {"key_result": one.key_result, "successor": self.stage.new_id(), "reference": self.stage.next_reference("KR")}
            for one in objective.active_key_results()
        ]
        return {
            "objective": objective.objective, "into": choice.choice(["second", *self.cycles]),
            "successor": self.stage.new_id(), "reference": self.stage.next_reference("OBJ"), "key_results": carried,
        }  # fmt: skip

    def _move_objective_to_cycle(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "cycle": choice.choice(["second", "year", *self.cycles])}

    def _note_source(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        of = key_result.key_result if key_result is not None and choice.random() < 0.6 else None
        return {"objective": objective.objective, "key_result": of, "attributes": {"Priority": f"P{choice.randint(0, 9)}"}}

    # -- key results

    def _add_key_result(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice)
        cycle = self._cycle_of(objective)
        return {
            "objective": objective.objective, "key_result": self.stage.new_id(),
            "reference": self.stage.next_reference("KR"), "title": f"Key result {choice.randint(1, 99)}",
            "owner": self._person(choice), **self._definition(choice, cycle), "weight": str(choice.randint(1, 4)),
            "ambition": choice.choice(["committed", "aspirational"]),
            "ends_on": choice.choice([None, None, cycle.ends_on]),
        }  # fmt: skip

    def _of_a_key_result(self, choice: Random, **fields: Any) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        of = key_result.key_result if key_result is not None else UUID(int=2)
        return {"objective": objective.objective, "key_result": of, **fields}

    def _reword_key_result(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, title=f"Wording {choice.randint(1, 9)}")

    def _reown_key_result(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, owner=self._person(choice))

    def _change_target(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        if key_result is None:
            return {"objective": objective.objective}
        kind = key_result.measure.now.kind
        target = self._definition(choice, self._cycle_of(objective), kind)["target"]
        return {"objective": objective.objective, "key_result": key_result.key_result, "target": target}

    def _correct_baseline(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, baseline=str(choice.randint(0, 95)))

    def _change_measure(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        of = key_result.key_result if key_result is not None else UUID(int=2)
        return {"objective": objective.objective, "key_result": of, **self._definition(choice, self._cycle_of(objective))}

    def _change_weight(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, weight=str(choice.randint(1, 9)))

    def _redate_key_result(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        of = key_result.key_result if key_result is not None else UUID(int=2)
        ends = self._cycle_of(objective).ends_on
        return {"objective": objective.objective, "key_result": of, "ends_on": choice.choice([None, ends, ends - timedelta(days=9)])}

    def _change_ambition(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, ambition=choice.choice(["committed", "aspirational"]))

    def _drop_key_result(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice)

    _key_result_recorded_in_error = _drop_key_result

    def _score_key_result(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, score=choice.choice(["0", "0.35", "1"]))

    def _record_value(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        if key_result is None:
            return {}
        day = self._days(choice, self._cycle_of(objective))
        return {
            "objective": objective.objective, "key_result": key_result.key_result,
            "value": self._value(choice, key_result), "measured_on": day,
        }  # fmt: skip

    def _check_in(self, choice: Random) -> dict[str, Any]:
        fields = self._record_value(choice)
        if choice.random() < 0.4:
            fields = {name: fields[name] for name in fields.keys() - {"value", "measured_on"}}
        said = choice.choice([None, "on_track", "behind", "off_track", "achieved"])
        return {
            **fields, "confidence": choice.choice([None, "0.2", "0.5", "0.9"]), "said": said,
            "what_changed": self._sealed(choice), "needs_decision": self._sealed(choice),
        }  # fmt: skip

    # -- decisions, findings, amendments

    def _changes(self, choice: Random) -> list[dict[str, Any]]:
        changes = []
        for _ in range(choice.choice([0, 0, 1, 2])):
            name = choice.choice(["change_target", "reword_objective", "change_weight", "reown_objective",
                                  "drop_key_result", "declare_local", "carry_objective"])  # fmt: skip
            changes.append({"command": name, **getattr(self, f"_{name}")(choice)})
        return changes

    def _record_decision(self, choice: Random) -> dict[str, Any]:
        ratified = [place for place, name in self.stage.names() if name.startswith(("key_result.", "objective."))]
        return {
            "decision": self.stage.new_id(), "text": f"We decided {choice.randint(1, 99)}.",
            "decided_by": self._person(choice),
            "decided_at": self._lately(choice) if choice.random() < 0.4 else None,
            "touches": choice.sample(self.objectives, min(choice.choice([0, 1, 2]), len(self.objectives))),
            "ratifies": [choice.choice(ratified)] if ratified and choice.random() < 0.3 else [],
            "changes": self._changes(choice),
        }  # fmt: skip

    def _confirm_decision(self, choice: Random) -> dict[str, Any]:
        return {"decision": choice.choice(self.decisions or [UUID(int=3)])}

    def _replan(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice, lambda one: one.is_committed)
        written = {"text": "We plan anew.", "decided_by": self._person(choice), "decision": self.stage.new_id()}
        known = {"decision": choice.choice(self.decisions)} if self.decisions else written
        return {
            **choice.choice([written, known]),
            "objectives": [{"objective": objective.objective, "confidence": "0.6"}],
            "changes": self._changes(choice),
        }  # fmt: skip

    def _answer_finding(self, choice: Random) -> dict[str, Any]:
        rules = {
            "objective.committed": "late_line", "cycle.commit_by_moved": "commit_by_moved",
            "cycle.opened": "opened_late", "key_result.target_changed": "change_without_decision",
        }  # fmt: skip
        causes = [(place, rules[name]) for place, name in self.stage.names() if name in rules]
        cause, rule = choice.choice(causes or [(1, "late_line")])
        answer = choice.choice(["explained", "accepted", "disputed"])
        return {"rule": rule, "cause": cause, "answer": answer, "text": "As agreed.", "known": choice.random() < 0.95}

    def _amend_entry(self, choice: Random) -> dict[str, Any]:
        names = self.stage.names()
        amendable = [(place, name) for place, name in names if EVENTS[name].amendable]
        recent = amendable[-15:] if amendable and choice.random() < 0.95 else names
        position, name = choice.choice(recent)
        entry = self.stage.world().entry(position)
        body: dict[str, Any] = entry.event.model_dump(mode="json") if entry is not None else {}
        body.pop("key_result", None)
        changed: dict[str, Callable[[], Any]] = {
            "title": lambda: f"Amended {choice.randint(1, 9)}", "owner": lambda: str(self._person(choice)),
            "team": lambda: choice.choice([None, *map(str, self.teams)]), "score": lambda: "0.6",
            "baseline": lambda: str(choice.randint(0, 60)), "weight": lambda: str(choice.randint(1, 9)),
            "confidence": lambda: choice.choice(["0.4", "0.8"]), "text": lambda: "Amended text.",
            "acting_owner": lambda: str(self._person(choice)), "decided_by": lambda: str(self._person(choice)),
            "touches": lambda: [str(choice.choice(self.objectives))],
        }  # fmt: skip
        for key, value in changed.items():
            if key in body and choice.random() < 0.7:
                body[key] = value()
        if isinstance(body.get("target"), dict) and body["target"].get("kind") == "point":
            body["target"] = {"kind": "point", "at": str(choice.randint(0, 99))}
        if isinstance(body.get("value"), str) and choice.random() < 0.7:
            body["value"] = str(choice.randint(0, 99))
        fields: dict[str, Any] = {"position": position, "body": body}
        if EVENTS[name].valued and choice.random() < 0.4:
            fields["measured_on"] = self._today() - timedelta(days=choice.randint(0, 30))
        if EVENTS[name].presence and choice.random() < 0.6:
            fields["effective_at"] = self._lately(choice)
        return fields

    def _retract_entry(self, choice: Random) -> dict[str, Any]:
        amendable = [place for place, name in self.stage.names() if EVENTS[name].amendable]
        return {"position": choice.choice(amendable[-15:] or [1]), "entirely": choice.random() < 0.3}


_KINDS = ("increase", "decrease", "at_or_above", "at_or_below", "band", "milestones", "yes_no", "phased")
_IMPORTED = frozenset(
    {
        "draft_objective", "add_key_result", "commit_objective", "reword_objective", "change_target", "record_value",
        "check_in", "drop_key_result", "score_key_result", "withdraw_objective", "record_decision", "start_scoring",
    }
)  # fmt: skip
START = datetime(2024, 1, 8, 9, tzinfo=UTC)


def rehearsed(
    play: Sequence[Step], *, zone: str = "Europe/Berlin", start: datetime = START, seed: int = 7
) -> Improviser:
    """Return a company that gave this play in a rehearsal whose clock goes on."""
    rehearsal = Rehearsal(UUID(int=7, version=4), "Example", zone, start, random=Random(seed))
    return Improviser(RehearsalStage(rehearsal), rehearsal.steward).opens().gives(play)


def midnight(day: date, zone: Any) -> datetime:
    """Return the first instant of a day."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
