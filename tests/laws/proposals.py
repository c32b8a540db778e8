"""The fields of commands about objectives, key results, decisions, findings and amendments, mostly sensible ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from aggregates.vocabulary import EVENTS
from tests.laws.speaking import Speaking


class Proposals(Speaking):
    """Makes up the fields of every command; the method of a command is its name after an underscore."""

    # -- objectives

    def _draft_objective(self, choice: Random) -> dict[str, Any]:
        return {
            "objective": self.stage.new_id(), "reference": self.stage.next_reference("OBJ"),
            "cycle": choice.choice(["first", "first", "second", "day", *self.cycles]),
            "title": f"Objective {choice.randint(1, 99)}", "owner": self._person(choice),
            "team": choice.choice([None, *self.teams]),
            "visibility": choice.choice([None, None, None, None, "team", "everyone"]),
        }  # fmt: skip

    def _of_an_objective(self, choice: Random) -> dict[str, Any]:
        return {"objective": self._objective(choice).objective}

    def _reword_objective(self, choice: Random) -> dict[str, Any]:
        fields = self._of_an_objective(choice)
        return {
            **fields,
            "title": f"Wording {choice.randint(1, 9)}",
            "description": choice.choice([None, "In short."]),
        }

    def _reown_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "owner": self._person(choice)}

    def _reteam_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "team": choice.choice([None, *self.teams])}

    def _align_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "parent": choice.choice(self.objectives)}

    def _set_visibility(self, choice: Random) -> dict[str, Any]:
        visibility = choice.choice(["everyone", "team", "people"])
        people = [self._person(choice) for _ in range(choice.randint(1, 3))] if visibility == "people" else []
        return {**self._of_an_objective(choice), "visibility": visibility, "people": people}

    def _declare_local(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice, lambda one: one.alignment.now is None)
        return {
            "objective": objective.objective,
            "because": choice.choice(["It serves nobody.", "It stands alone."]),
        }

    def _commit_objective(self, choice: Random) -> dict[str, Any]:
        ready = self._objective(
            choice, lambda one: not one.is_committed and bool(one.active_key_results() and one.alignment.now)
        )
        return {
            "objective": ready.objective,
            "confidence": choice.choice(["0.5", None]),
            "accepted_by": self.steward,
        }

    _withdraw_objective = _objective_recorded_in_error = _of_an_objective

    def _close_objective(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice, lambda one: one.is_committed)
        return {"objective": objective.objective, "score": choice.choice([None, "0.4", "1"])}

    def _replace_objective(self, choice: Random) -> dict[str, Any]:
        return {**self._of_an_objective(choice), "successor": choice.choice(self.objectives)}

    def _carry_objective(self, choice: Random) -> dict[str, Any]:
        objective = self._objective(choice)
        carried = [
            {
                "key_result": one.key_result,
                "successor": self.stage.new_id(),
                "reference": self.stage.next_reference("KR"),
            }
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
        return {
            "objective": objective.objective,
            "key_result": of,
            "attributes": {"Priority": f"P{choice.randint(0, 9)}"},
        }

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
        return {
            "objective": objective.objective,
            "key_result": of,
            **self._definition(choice, self._cycle_of(objective)),
        }

    def _change_weight(self, choice: Random) -> dict[str, Any]:
        return self._of_a_key_result(choice, weight=str(choice.randint(1, 9)))

    def _redate_key_result(self, choice: Random) -> dict[str, Any]:
        objective, key_result = self._item(choice)
        of = key_result.key_result if key_result is not None else UUID(int=2)
        ends = self._cycle_of(objective).ends_on
        return {
            "objective": objective.objective,
            "key_result": of,
            "ends_on": choice.choice([None, ends, ends - timedelta(days=9)]),
        }

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
        ratified = [
            place for place, name in self.stage.names() if name.startswith(("key_result.", "objective."))
        ]
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
        written = {
            "text": "We plan anew.",
            "decided_by": self._person(choice),
            "decision": self.stage.new_id(),
        }
        known = {"decision": choice.choice(self.decisions)} if self.decisions else written
        return {
            **choice.choice([written, known]),
            "objectives": [{"objective": objective.objective, "confidence": "0.6"}],
            "changes": self._changes(choice),
        }  # fmt: skip

    def _answer_finding(self, choice: Random) -> dict[str, Any]:
        rules = {
            "objective.committed": "late_line", "cycle.commit_by_moved": "commit_by_moved",
            "cycle.opened": "opened_late", "cycle.closed": "closed_early",
            "key_result.target_changed": "change_without_decision",
        }  # fmt: skip
        causes = [(place, rules[name]) for place, name in self.stage.names() if name in rules]
        cause, rule = choice.choice(causes or [(1, "late_line")])
        answer = choice.choice(["explained", "accepted", "disputed"])
        return {
            "rule": rule,
            "cause": cause,
            "answer": answer,
            "text": "As agreed.",
            "known": choice.random() < 0.95,
        }

    def _answer_findings(self, choice: Random) -> dict[str, Any]:
        many = [self._answer_finding(choice) for _ in range(choice.randint(1, 3))]
        findings = [{"rule": one["rule"], "cause": one["cause"]} for one in many]
        known = [found for found, one in zip(findings, many, strict=True) if one["known"]]
        return {"findings": findings, "answer": "explained", "text": "As agreed.", "known": known}

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
