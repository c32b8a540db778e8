"""Laws, on random sequences of commands: accepted means replayable, refused leaves nothing, lines never move."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.commands import COMMANDS
from aggregates.evolve import evolve, kind_of
from aggregates.objective.state import AlignedTo, Objective
from aggregates.refusals import Refusal
from aggregates.vocabulary import EVENTS
from ledger.codec import RawEntry, decode, encode, export_line, read_line
from tests.rules.company import SCOPE, Company

NAMES = sorted(COMMANDS)
USUAL = [
    "draft_objective", "add_key_result", "declare_local", "commit_objective", "check_in", "record_value",
    "change_target", "correct_baseline", "align_objective", "amend_entry", "amend_entry", "retract_entry",
]  # fmt: skip
ENDS = {
    "withdraw_objective", "replace_objective", "carry_objective", "close_objective", "objective_recorded_in_error",
    "close_cycle", "person_leaves", "drop_key_result", "key_result_recorded_in_error", "revoke_role",
}  # fmt: skip
ASKED = NAMES + USUAL * 6
STEPS = st.lists(st.tuples(st.sampled_from(ASKED), st.integers(0, 2**32)), min_size=5, max_size=60)
LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Improviser:
    """Asks a company for anything: sensible and senseless commands, by anybody, at any time."""

    def __init__(self) -> None:
        self.company = Company().on("2026-04-02")
        self.company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
        self.objectives: list[UUID] = []
        self.key_results: list[tuple[UUID, UUID]] = []
        self.decisions: list[UUID] = []
        for _ in range(2):
            objective, key_result = self.company.committed()
            self.objectives.append(objective)
            self.key_results.append((objective, key_result))
        self.accepted = 0

    def ask(self, name: str, seed: int) -> bool:
        """Ask for one command; return whether it was accepted."""
        choice = Random(seed)
        company = self.company
        if name in ENDS and choice.random() < 0.7:
            name = "check_in"
        company.ledger.at(company.ledger.now + timedelta(hours=choice.choice([0, 1, 30])))
        fields = self.fields(name, choice)
        by = choice.choice([None] * 6 + [company.ada, company.ben, company.cleo])
        try:
            company.do(name, by=by, **fields)
        except (Refusal, ValidationError):
            return False
        self.accepted += 1
        self.remember(fields)
        return True

    def remember(self, fields: dict[str, Any]) -> None:
        world = self.company.ledger.world
        for name in ("objective", "successor"):
            if name in fields and fields[name] not in self.objectives and world.objective(fields[name]):
                self.objectives.append(fields[name])
        if "reference" in fields and "key_result" in fields:
            self.key_results.append((fields["objective"], fields["key_result"]))
        if "text" in fields and "decision" in fields:
            self.decisions.append(fields["decision"])

    def fields(self, name: str, choice: Random) -> dict[str, Any]:
        company, number = self.company, str(choice.randint(0, 6))
        people = [
            company.ada,
            company.ben,
            company.cleo,
            company.steward,
            *([UUID(int=1)] if choice.random() < 0.2 else []),
        ]
        objective, key_result = choice.choice(self.key_results)
        if choice.random() < 0.5 and "key_result" not in COMMANDS[name].model_fields:
            objective = choice.choice(self.objectives)
        day = choice.choice(["2026-04-01", "2026-04-01", "2026-04-02", "2026-05-11", "2027-01-01"])
        amendable = [raw.position for raw in company.ledger.entries if EVENTS[raw.name].amendable]
        pool: dict[str, Any] = {
            "objective": objective, "key_result": key_result, "title": choice.choice(["One", "Two"]),
            "owner": choice.choice(people), "person": choice.choice(people), "acting_owner": choice.choice(people),
            "team": choice.choice([company.team, company.team, company.ada]), "parent": choice.choice(self.objectives),
            "because": choice.choice(["Because.", "Also because."]), "cycle": choice.choice(["2026-q2", "2026-q3"]),
            "confidence": choice.choice(["0.5", "0.9", "0.5", "0.2", None]), "said": choice.choice(["behind", None]),
            "value": number, "measured_on": choice.choice([day, None]), "baseline": number,
            "target": {"kind": "point", "at": str(choice.randint(0, 6))}, "weight": str(choice.randint(1, 5)),
            "ends_on": choice.choice([None, day]), "commit_by": day, "score": choice.choice(["0.3", "1"]),
            "ambition": choice.choice(["committed", "aspirational"]),
            "measure": {"kind": choice.choice(["increase", "decrease", "at_or_above"])},
            "reason": choice.choice([SCOPE] * 5 + [None]), "text": "Words.", "decided_by": choice.choice(people),
            "role": choice.choice(["owner", "reader", "steward"]), "actor": f"person:{choice.choice(people)}",
            "name": choice.choice(["Growth", "Sales"]), "successor": choice.choice(self.objectives), "into": "2026-q3",
            "position": choice.choice([*amendable[-8:], 1]), "cause": choice.randint(1, company.ledger.position),
            "rule": "late_line", "answer": "explained", "known": True, "service": company.ledger.new_id(),
            "attributes": {"a": number}, "entirely": choice.random() < 0.3,
            "objectives": [{"objective": objective}], "decision": choice.choice([*self.decisions, None]),
            "starts_on": "2027-01-01", "kind": choice.choice(["quarter", "custom"]),
        }  # fmt: skip
        if name in ("draft_objective", "add_key_result", "carry_objective", "record_decision", "replan"):
            pool["reference"] = company.ledger.next_reference("XX")
            fresh = {
                "draft_objective": "objective",
                "add_key_result": "key_result",
                "carry_objective": "successor",
            }
            pool[fresh.get(name, "decision")] = company.ledger.new_id()
        if name == "record_decision":
            pool["touches"] = [objective]
            item = {"objective": objective, "key_result": key_result}
            change = {"command": "change_target", **item, "target": pool["target"]}
            pool["changes"] = [change] if choice.random() < 0.5 else []
        if name == "amend_entry":
            raw = company.ledger.entries[min(pool["position"], company.ledger.position) - 1]
            known = EVENTS[raw.name].model_fields
            pool["measured_on"] = pool["measured_on"] if EVENTS[raw.name].valued else None
            pool["body"] = {key: pool[key] for key in known if key in pool and key != "key_result"}
            pool["body"] = {
                key: str(value) if isinstance(value, UUID) else value for key, value in pool["body"].items()
            }
        wanted = COMMANDS[name].model_fields
        return {key: value for key, value in pool.items() if key in wanted and value is not None}


def improvised(steps: list[tuple[str, int]]) -> Improviser:
    improviser = Improviser()
    for name, seed in steps:
        improviser.ask(name, seed)
    return improviser


def folded(entries: list[RawEntry]) -> dict[str, Any]:
    """Return the states that these stored bytes tell."""
    states: dict[str, Any] = {}
    for raw in entries:
        entry = decode(raw)
        states[entry.stream] = evolve(states.get(entry.stream), entry)
    return states


@LAW
@given(STEPS)
def test_whatever_is_accepted_can_be_replayed_from_its_bytes(steps) -> None:
    ledger = improvised(steps).company.ledger
    assert folded(ledger.entries) == ledger.world.states
    for number, raw in enumerate(ledger.entries, 1):
        entry = decode(raw)
        assert raw.position == number
        assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
        assert read_line(export_line(raw)) == raw
    times = [raw.recorded_at for raw in ledger.entries]
    assert all(before < after for before, after in pairwise(times))


@LAW
@given(STEPS)
def test_what_is_refused_leaves_nothing_and_the_past_is_a_shorter_ledger(steps) -> None:
    improviser = Improviser()
    ledger = improviser.company.ledger
    for name, seed in steps:
        length, states = len(ledger.entries), dict(ledger.world.states)
        if not improviser.ask(name, seed):
            assert len(ledger.entries) == length
            assert ledger.world.states == states
        elif seed % 5 == 0:
            assert folded(ledger.entries[:length]) == states


@LAW
@given(STEPS)
def test_lines_never_move_and_every_objective_stays_in_order(steps) -> None:
    improviser = Improviser()
    ledger = improviser.company.ledger
    lines: dict[str, tuple[Any, ...]] = {}
    for name, seed in steps:
        improviser.ask(name, seed)
        for stream, state in ledger.world.states.items():
            if isinstance(state, Objective):
                assert state.lines[: len(lines.get(stream, ()))] == lines.get(stream, ())
                lines[stream] = state.lines
                assert ledger.world.person(state.owner.present) is not None
                for key_result in state.key_results.values():
                    if key_result.measure.present.kind != "at_or_above":
                        assert key_result.target.present.at != key_result.baseline.present  # type: ignore[union-attr]
    assert_no_loop(ledger.world.states)


def assert_no_loop(states: dict[str, Any]) -> None:
    """Assert that from no objective the way up comes back."""
    parents = {
        state.objective: state.alignment.now.parent
        for state in states.values()
        if isinstance(state, Objective) and isinstance(state.alignment.now, AlignedTo)
    }
    for start in parents:
        above, seen = parents.get(start), {start}
        while above is not None:
            assert above not in seen
            seen.add(above)
            above = parents.get(above)


@LAW
@given(STEPS)
def test_an_entry_is_superseded_once_and_its_facts_are_gone_only_from_then_on(steps) -> None:
    ledger = improvised(steps).company.ledger
    superseded: set[int] = set()
    for raw in ledger.entries:
        supersedes = decode(raw).circumstances.supersedes
        if supersedes is None:
            continue
        assert supersedes not in superseded
        assert supersedes < raw.position
        superseded.add(supersedes)
        if kind_of(raw.stream) == "objective":
            before = folded(ledger.entries[: raw.position - 1])[raw.stream]
            after = folded(ledger.entries[: raw.position])[raw.stream]
            assert supersedes in positions_of(before)
            assert supersedes not in positions_of(after)


def positions_of(objective: Objective) -> set[int]:
    """Return the position of every fact of an objective and of its key results."""
    timelines = [*vars(objective).values()]
    for key_result in objective.key_results.values():
        timelines += vars(key_result).values()
    return {fact.position for timeline in timelines if hasattr(timeline, "facts") for fact in timeline.facts}


def test_the_improviser_is_not_refused_all_the_time() -> None:
    choice, accepted, names = Random(3), 0, set()
    for _ in range(20):
        improviser = Improviser()
        for _ in range(60):
            name = choice.choice(ASKED)
            if improviser.ask(name, choice.getrandbits(32)):
                accepted += 1
                names.add(name)
    assert accepted > 400
    assert len(names) > 35
