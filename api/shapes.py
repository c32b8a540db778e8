"""What each answer takes and which shape it has, by operation id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from api import schemas
from api.exporting.forms import FORMS
from api.triage import CHOOSING

WRITTEN_OUT = ("as_of", "effective_at", "min_position", "written_as", "bom", "if_none_match")
"""What the address of an answer takes that is also written as CSV, XLSX and NDJSON."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one answer takes and what it looks like."""

    schema: str
    parameters: tuple[str, ...] = ("as_of", "effective_at", "min_position", "if_none_match")
    problems: tuple[str, ...] = ("projection_is_behind", "position_is_ahead")
    headers: tuple[str, ...] = ("Ledger-Position", "ETag", "Memento-Datetime", "Link")
    media_type: str = "application/json"

    def response(self) -> dict[str, Any]:
        """Return the description of the answer."""
        shape = {"$ref": f"#/components/schemas/{self.schema}"}
        content: dict[str, Any] = {self.media_type: {"schema": shape}}
        if self.schema == "Feed":
            content["application/x-ndjson"] = {
                "schema": {"type": "string", "description": "One native line each."}
            }
        names = self.headers
        if "written_as" in self.parameters:
            names = (*names, "Content-Disposition")
            for form in FORMS.values():
                binary = {"contentMediaType": form.media_type} if form.name == "xlsx" else {}
                content[form.media_type.partition(";")[0]] = {
                    "schema": {"type": "string", "description": f"{form.meaning}.", **binary}
                }
        return {
            "description": "The answer.",
            "headers": schemas.header_refs(*names),
            "content": content,
        }


def _written_out(schema: str, *also: str) -> Shape:
    problems = ["projection_is_behind", "position_is_ahead", "none_of_these_types", "too_many_rows"]
    if "cursor" in also:
        problems.append("cursor_is_not_valid")
    return Shape(schema, (*WRITTEN_OUT, *also), tuple(problems))


def _listed(schema: str, *also: str, problems: tuple[str, ...] = ()) -> Shape:
    shape = _written_out(schema, "rows", "cursor", "since", *also)
    return replace(shape, problems=(*shape.problems, *problems))


def _decisions() -> Shape:
    return _listed("DecisionsAnswer", "to_confirm", problems=("person_is_unknown", "owner_is_a_team"))


def _findings() -> Shape:
    problems = ("person_is_unknown", "owner_is_a_team", "team_is_unknown")
    return _listed("FindingsAnswer", *(f"findings_{name}" for name in CHOOSING), problems=problems)


def _bare(schema: str) -> Shape:
    return Shape(schema, ("if_none_match",), (), ("Ledger-Position", "ETag"))


def _open(schema: str) -> Shape:
    return Shape(schema, (), (), ())


READINGS: Mapping[str, Shape] = {
    "list_cycles": Shape("CyclesAnswer"),
    "read_board": _written_out("BoardAnswer"),
    "read_commitments": _written_out("CommitmentsAnswer"),
    "read_drift": _written_out("DriftAnswer", "since"),
    "list_decisions_of_cycle": _decisions(),
    "list_findings_of_cycle": _findings(),
    "read_history_of_objective": _listed("HistoryAnswer"),
    "read_drift_of_objective": _written_out("DriftAnswer", "since"),
    "list_decisions_of_objective": _decisions(),
    "list_findings_of_objective": _findings(),
    "read_history_of_key_result": _listed("HistoryAnswer"),
    "read_drift_of_key_result": _written_out("DriftAnswer", "since"),
    "list_decisions": _decisions(),
    "list_findings": _findings(),
    "list_people": Shape(
        "PeopleAnswer",
        ("as_of", "effective_at", "min_position", "rows", "cursor", "if_none_match"),
        ("projection_is_behind", "position_is_ahead", "cursor_is_not_valid"),
    ),
    "list_teams": Shape("TeamsAnswer"),
    "read_policy": Shape("PolicyAnswer"),
    "read_cycle": _bare("BareCycle"),
    "read_objective": _bare("BareObjective"),
    "read_decision": _bare("BareDecision"),
    "read_person": _bare("BarePerson"),
    "read_team": _bare("BareTeam"),
    "list_entries": Shape(
        "Feed",
        ("after", "limit", "format", "if_none_match"),
        ("position_is_ahead",),
        ("Ledger-Position", "ETag", "Link"),
    ),
    "follow_entries": Shape(
        "Events",
        ("after", "stream", "names", "last_event_id"),
        ("position_is_ahead", "last_event_id_is_malformed", "too_many_listeners"),
        (),
        "text/event-stream",
    ),
    "read_entry": Shape("Entry", ("if_none_match",), (), ("Ledger-Position", "ETag")),
    "read_security_log": Shape("SecurityLog", ("after", "limit"), (), ("Link",)),
    "read_health": _open("Health"),
    "read_readiness": _open("Readiness"),
    "read_metrics": Shape("Metrics", (), (), (), "text/plain"),
    "read_description": _open("Description"),
    "list_problems": _open("Problems"),
    "read_problem": _open("ProblemPage"),
}
"""By operation id."""
