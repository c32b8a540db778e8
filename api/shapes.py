"""What each answer takes and which shape it has, by operation id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api import schemas


@dataclass(frozen=True, slots=True)
class Shape:
    """What one answer takes and what it looks like."""

    schema: str
    parameters: tuple[str, ...] = ("as_of", "effective_at", "min_position", "if_none_match")
    problems: tuple[str, ...] = ("projection_is_behind",)
    headers: tuple[str, ...] = ("Ledger-Position", "ETag", "Memento-Datetime", "Link")

    def response(self) -> dict[str, Any]:
        """Return the description of the answer."""
        content: dict[str, Any] = {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{self.schema}"}}
        }
        if self.schema == "Feed":
            content["application/x-ndjson"] = {
                "schema": {"type": "string", "description": "One native line each."}
            }
        return {
            "description": "The answer.",
            "headers": schemas.header_refs(*self.headers),
            "content": content,
        }


def _bare() -> Shape:
    return Shape("Bare", ("if_none_match",), (), ("Ledger-Position", "ETag"))


def _open(schema: str) -> Shape:
    return Shape(schema, (), (), ())


READINGS: Mapping[str, Shape] = {
    "list_cycles": Shape("CyclesAnswer"),
    "read_board": Shape("BoardAnswer"),
    "read_commitments": Shape("CommitmentsAnswer"),
    "read_drift": Shape("DriftAnswer"),
    "list_decisions_of_cycle": Shape("DecisionsAnswer"),
    "list_findings_of_cycle": Shape("FindingsAnswer"),
    "read_history_of_objective": Shape("HistoryAnswer"),
    "read_drift_of_objective": Shape("DriftAnswer"),
    "list_decisions_of_objective": Shape("DecisionsAnswer"),
    "list_findings_of_objective": Shape("FindingsAnswer"),
    "read_history_of_key_result": Shape("HistoryAnswer"),
    "read_drift_of_key_result": Shape("DriftAnswer"),
    "list_decisions": Shape("DecisionsAnswer"),
    "list_findings": Shape("FindingsAnswer"),
    "list_people": Shape("PeopleAnswer"),
    "list_teams": Shape("TeamsAnswer"),
    "read_policy": Shape("PolicyAnswer"),
    "read_cycle": _bare(),
    "read_objective": _bare(),
    "read_decision": _bare(),
    "read_person": _bare(),
    "read_team": _bare(),
    "list_entries": Shape(
        "Feed", ("after", "limit", "format", "if_none_match"), (), ("Ledger-Position", "ETag", "Link")
    ),
    "read_entry": Shape("Entry", ("if_none_match",), (), ("Ledger-Position", "ETag")),
    "read_health": _open("Health"),
    "read_readiness": _open("Readiness"),
    "read_description": _open("Description"),
    "list_problems": _open("Problems"),
    "read_problem": _open("ProblemPage"),
}
"""By operation id."""
