"""What a play can speak of: people, teams, cycles, and the measures, values and days of a cycle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from aggregates.entry import Sealed
from aggregates.objective.state import Objective
from aggregates.policy import DEFAULT_POLICY
from aggregates.values import day_of
from tests.laws.stages import Stage

_KINDS = ("increase", "decrease", "at_or_above", "at_or_below", "band", "milestones", "yes_no", "phased")


class Speaking:
    """Knows what there is, and makes up the fields of commands about people, teams, the organisation and cycles."""

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

    def _grant_delegation(self, choice: Random) -> dict[str, Any]:
        people, services = (
            [f"{kind}:{one}" for one in known]
            for kind, known in (("person", self.people), ("service", self.services))
        )
        return {
            "actor": choice.choice([*people[:3], *people[:3], *services[:1]]),
            "principal": choice.choice(self.people[:3]),
        }

    def _revoke_delegation(self, choice: Random) -> dict[str, Any]:
        world = self.stage.world()
        given = [
            {"actor": f"person:{one}", "principal": principal}
            for one in self.people
            for principal in sorted(getattr(world.person(one), "delegations", ()))
        ]
        return choice.choice(given or [self._grant_delegation(choice)])

    def _add_member(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams[:2]), "person": choice.choice(self.people[:3])}

    def _remove_member(self, choice: Random) -> dict[str, Any]:
        world = self.stage.world()
        members = [
            {"team": team, "person": person}
            for team in self.teams
            for person in sorted(getattr(world.team(team), "members", ()))
        ]
        return choice.choice(members or [self._add_member(choice)])

    def _form_team(self, choice: Random) -> dict[str, Any]:
        return {"team": self.stage.new_id(), "name": "Support", "parent": choice.choice([None, *self.teams])}

    def _rename_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams), "name": choice.choice(["Growth", "Retail", "Field"])}

    def _move_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams), "parent": choice.choice([None, *self.teams])}

    def _close_team(self, choice: Random) -> dict[str, Any]:
        return {"team": choice.choice(self.teams)}

    def _adopt_policy(self, choice: Random) -> dict[str, Any]:
        changed: dict[str, Any] = choice.choice(
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
        return {
            **fields,
            "commit_by": self.stage.world().cycle(fields["cycle"]).starts_on
            + timedelta(days=choice.randint(0, 30)),
        }

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
