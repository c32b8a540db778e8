"""The doors of the commands: one table from which routes, descriptions, examples and the reference are made.

A command is a POST to a noun that is the event's, so that the audit trail and the addresses speak one vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from aggregates.command import Command
from aggregates.commands import COMMANDS
from api import examples, triage
from api.bodies import MADE, body_of

NOT_TAKEN: Mapping[str, str] = {
    "note_source": "Only an import keeps what a source says beyond the ledger's words."
}
"""Commands without a door, and why."""


@dataclass(frozen=True)
class Door:
    """Where a command is sent.

    `gives` maps a name in the address to the command's field; `stream` is the name in the address whose stream If-Match
    speaks of (empty: there is none); `location` is the address of what was recorded; `directory` lists members of the
    body that go to the directory, never to an entry; `also` are members of which the door makes the command's fields.
    """

    command: str
    path: str
    tag: str
    gives: Mapping[str, str] = field(default_factory=dict)
    stream: str = ""
    location: str = ""
    operation: str = ""
    directory: tuple[str, ...] = ()
    also: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operation_id(self) -> str:
        """Return the stable operation id: the command's name unless it has two doors."""
        return self.operation or self.command

    @property
    def command_type(self) -> type[Command]:
        """Return the command's class."""
        return COMMANDS[self.command]

    @property
    def leaves_traces(self) -> bool:
        """Whether deciding the command leaves something behind: a drawn reference, somebody who is written down."""
        made, fields = MADE.get(self.command, {}), self.command_type.model_fields
        draws = not {"OBJ", "KR"}.isdisjoint(made.values()) or not {"changes", "key_results"}.isdisjoint(
            fields
        )
        return draws or bool(self.directory)

    @property
    def example(self) -> Mapping[str, Any]:
        """Return the body that documentation and tests send."""
        return examples.BODIES.get(self.operation_id, {})

    @cached_property
    def body(self) -> type[BaseModel]:
        """Return the model of the body."""
        return body_of(
            self.command_type,
            name="".join(word.title() for word in self.operation_id.split("_")),
            without=(*self.gives.values(), *(("objective",) if "key_result" in self.gives else ())),
            example=self.example,
            directory=self.directory,
            also=self.also,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names in the address, in their order."""
        return tuple(re.findall(r"{(\w+)}", self.path))


def _cycle(command: str, noun: str) -> Door:
    return Door(
        command,
        f"/v1/cycles/{{cycle}}/{noun}",
        "cycles",
        {"cycle": "cycle"},
        stream="cycle",
        location="/v1/cycles/{cycle}",
    )


def _objective(command: str, noun: str) -> Door:
    return Door(
        command,
        f"/v1/objectives/{{objective}}/{noun}",
        "objectives",
        {"objective": "objective"},
        stream="objective",
        location="/v1/objectives/{objective}",
    )


def _key_result(command: str, noun: str) -> Door:
    return Door(
        command,
        f"/v1/key-results/{{key_result}}/{noun}",
        "key results",
        {"key_result": "key_result"},
        stream="key_result",
        location="/v1/key-results/{key_result}/history",
    )


def _person(command: str, noun: str, gives: str = "person") -> Door:
    return Door(
        command,
        f"/v1/people/{{person}}/{noun}",
        "people",
        {"person": gives},
        stream="person",
        location="/v1/people/{person}",
    )


def _service(command: str, noun: str, operation: str) -> Door:
    return Door(
        command,
        f"/v1/services/{{service}}/{noun}",
        "people",
        {"service": "actor"},
        stream="service",
        operation=operation,
    )


def _team(command: str, noun: str) -> Door:
    return Door(
        command,
        f"/v1/teams/{{team}}/{noun}",
        "teams",
        {"team": "team"},
        stream="team",
        location="/v1/teams/{team}",
    )


def _entry(command: str, noun: str) -> Door:
    return Door(
        command,
        f"/v1/entries/{{position}}/{noun}",
        "entries",
        {"position": "position"},
        stream="position",
        location="/v1/entries/{recorded}",
    )


DOORS: tuple[Door, ...] = (
    Door("adopt_policy", "/v1/policies", "organisation", location="/v1/policy"),
    Door(
        "add_person",
        "/v1/people",
        "people",
        location="/v1/people/{person}",
        directory=("name", "handle", "email"),
    ),
    _person("person_leaves", "departures"),
    _person("start_leave", "leaves"),
    _person("end_leave", "returns"),
    _person("grant_role", "roles", "actor"),
    _person("revoke_role", "role-revocations", "actor"),
    _person("grant_delegation", "delegations", "actor"),
    _person("revoke_delegation", "delegation-revocations", "actor"),
    Door("register_service", "/v1/services", "people", directory=("name",)),
    _service("grant_role", "roles", "grant_role_to_service"),
    _service("revoke_role", "role-revocations", "revoke_role_of_service"),
    _service("grant_delegation", "delegations", "grant_delegation_to_service"),
    _service("revoke_delegation", "delegation-revocations", "revoke_delegation_of_service"),
    Door("form_team", "/v1/teams", "teams", location="/v1/teams/{team}"),
    _team("rename_team", "names"),
    _team("move_team", "moves"),
    _team("close_team", "closings"),
    _team("add_member", "members"),
    _team("remove_member", "member-removals"),
    Door("plan_cycle", "/v1/cycles", "cycles", location="/v1/cycles/{cycle}"),
    _cycle("move_commit_by", "commit-by-moves"),
    _cycle("open_cycle", "openings"),
    _cycle("void_opening", "voided-openings"),
    _cycle("start_scoring", "scorings"),
    _cycle("close_cycle", "closings"),
    _cycle("reopen_cycle", "reopenings"),
    Door("draft_objective", "/v1/objectives", "objectives", location="/v1/objectives/{objective}"),
    _objective("reword_objective", "wordings"),
    _objective("reown_objective", "owners"),
    _objective("reteam_objective", "teams"),
    _objective("set_visibility", "visibilities"),
    _objective("align_objective", "alignments"),
    _objective("declare_local", "local-declarations"),
    _objective("commit_objective", "commitments"),
    _objective("withdraw_objective", "withdrawals"),
    _objective("replace_objective", "replacements"),
    _objective("carry_objective", "carries"),
    _objective("move_objective_to_cycle", "cycle-moves"),
    _objective("objective_recorded_in_error", "recording-errors"),
    _objective("close_objective", "closings"),
    _objective("add_key_result", "key-results"),
    _key_result("reword_key_result", "wordings"),
    _key_result("reown_key_result", "owners"),
    _key_result("change_target", "target-changes"),
    _key_result("correct_baseline", "baseline-corrections"),
    _key_result("change_measure", "measure-changes"),
    _key_result("change_weight", "weight-changes"),
    _key_result("redate_key_result", "end-changes"),
    _key_result("change_ambition", "ambition-changes"),
    _key_result("drop_key_result", "drops"),
    _key_result("key_result_recorded_in_error", "recording-errors"),
    _key_result("score_key_result", "scores"),
    _key_result("check_in", "check-ins"),
    _key_result("record_value", "values"),
    Door("record_decision", "/v1/decisions", "decisions", location="/v1/decisions/{decision}"),
    Door(
        "confirm_decision",
        "/v1/decisions/{decision}/confirmations",
        "decisions",
        {"decision": "decision"},
        stream="decision",
        location="/v1/decisions/{decision}",
    ),
    Door("replan", "/v1/replans", "decisions", location="/v1/decisions/{decision}"),
    Door(
        "answer_finding",
        "/v1/findings/{rule}/{position}/answers",
        "findings",
        {"rule": "rule", "position": "cause"},
        location="/v1/findings",
    ),
    Door(
        "answer_findings",
        "/v1/findings/answers",
        "findings",
        location="/v1/findings",
        also=triage.ALSO,
    ),
    _entry("amend_entry", "amendments"),
    _entry("retract_entry", "retractions"),
)
"""Every door, in the order of the documentation."""
