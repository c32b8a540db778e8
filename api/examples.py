"""An example body of each command: what the documentation shows and the contract test sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PERSON = "ines"
OTHER_PERSON = "tom.okafor@example.org"
TEAM = "01990f5e-7c00-7000-8000-00000000000a"
DECISION = "01990f5e-7c00-7000-8000-00000000000b"

_REASON = {"kind": "external", "text": "The supplier delivers a month later than agreed."}
_CHANGE = {"reason": _REASON, "decision": DECISION}
_MEASURE = {"kind": "decrease", "unit": "minutes", "path": "straight"}
_POLICY = {
    "name": "two weeks",
    "bands": "viva",
    "equal_counts_as_met": True,
    "clamp_for_roll_up": False,
    "roll_up": "mean",
    "check_in_every_days": 14,
    "grace_days": 3,
    "confidence_low_below": "0.4",
    "confidence_high_from": "0.7",
    "score_green_from": "0.7",
    "score_yellow_from": "0.4",
    "narrative_when_low": True,
    "number_digits_before": 15,
    "number_digits_after": 6,
    "no_value_counts": "0",
}

BODIES: Mapping[str, Mapping[str, Any]] = {
    "adopt_policy": {"policy": _POLICY},
    "add_person": {"name": "Mara Lindqvist", "handle": "mara", "email": "mara.lindqvist@example.org"},
    "person_leaves": {},
    "start_leave": {"acting_owner": OTHER_PERSON},
    "end_leave": {},
    "grant_role": {"role": "facilitator"},
    "revoke_role": {"role": "facilitator"},
    "grant_delegation": {"principal": OTHER_PERSON},
    "revoke_delegation": {"principal": OTHER_PERSON},
    "grant_delegation_to_service": {"principal": OTHER_PERSON},
    "revoke_delegation_of_service": {"principal": OTHER_PERSON},
    "register_service": {"name": "finance figures"},
    "grant_role_to_service": {"role": "owner"},
    "revoke_role_of_service": {"role": "owner"},
    "form_team": {"name": "Roasting", "parent": TEAM},
    "rename_team": {"name": "Roasting and packing"},
    "move_team": {"parent": TEAM},
    "close_team": {},
    "add_member": {"person": PERSON},
    "remove_member": {"person": PERSON},
    "plan_cycle": {
        "cycle": "2027-q1",
        "name": "First quarter of 2027",
        "kind": "quarter",
        "starts_on": "2027-01-01",
        "commit_by": "2027-01-15",
        "ends_on": "2027-03-31",
    },
    "move_commit_by": {"commit_by": "2027-01-22", "reason": _REASON, "decision": DECISION},
    "open_cycle": {},
    "void_opening": _CHANGE,
    "start_scoring": {},
    "close_cycle": {},
    "reopen_cycle": {
        "reason": {"kind": "measurement_fault", "text": "Two scores were taken from the wrong sheet."}
    },
    "draft_objective": {
        "cycle": "2027-q1",
        "title": "Customers get their coffee while it is fresh",
        "description": "From roasting to the door in two days, in every city that we serve.",
        "owner": PERSON,
        "team": TEAM,
    },
    "reword_objective": {"title": "Every customer gets fresh coffee", **_CHANGE},
    "reown_objective": {"owner": OTHER_PERSON, **_CHANGE},
    "reteam_objective": {"team": TEAM, **_CHANGE},
    "set_visibility": {"visibility": "people", "people": [OTHER_PERSON], **_CHANGE},
    "align_objective": {"parent": "OBJ-1", **_CHANGE},
    "declare_local": {"because": "It serves the roastery alone and no objective of the company.", **_CHANGE},
    "commit_objective": {"confidence": "0.7", "accepted_by": OTHER_PERSON},
    "withdraw_objective": _CHANGE,
    "replace_objective": {"successor": "OBJ-1", **_CHANGE},
    "carry_objective": {"into": "2027-q1", "key_results": ["KR-1"], **_CHANGE},
    "move_objective_to_cycle": {"cycle": "2027-q1", **_CHANGE},
    "objective_recorded_in_error": _CHANGE,
    "close_objective": {"score": "0.7"},
    "add_key_result": {
        "title": "Minutes from the oven to the bag",
        "owner": PERSON,
        "measure": _MEASURE,
        "baseline": "90",
        "target": {"kind": "point", "at": "30"},
        "weight": "2",
        "ambition": "committed",
        **_CHANGE,
    },
    "reword_key_result": {"title": "Minutes from the oven to the sealed bag", **_CHANGE},
    "reown_key_result": {"owner": OTHER_PERSON, **_CHANGE},
    "change_target": {"target": {"kind": "point", "at": "40"}, **_CHANGE},
    "correct_baseline": {"baseline": "95", **_CHANGE},
    "change_measure": {
        "measure": {"kind": "at_or_below", "unit": "minutes"},
        "target": {"kind": "point", "at": "30"},
        **_CHANGE,
    },
    "change_weight": {"weight": "3", **_CHANGE},
    "redate_key_result": {"ends_on": "2027-03-15", **_CHANGE},
    "change_ambition": {"ambition": "aspirational", **_CHANGE},
    "drop_key_result": _CHANGE,
    "key_result_recorded_in_error": _CHANGE,
    "score_key_result": {"score": "0.7"},
    "check_in": {
        "value": "72",
        "confidence": "0.6",
        "said": "on_track",
        "what_changed": "The second cooling line runs since Tuesday.",
        "needs_decision": "May we hire for the night shift?",
    },
    "record_value": {"value": "70"},
    "record_decision": {
        "text": "We accept 40 minutes for this quarter, because the second line comes in January.",
        "decided_by": PERSON,
        "touches": ["OBJ-1"],
    },
    "confirm_decision": {},
    "replan": {
        "text": "The launch moves to December; the target follows.",
        "decided_by": PERSON,
        "objectives": [{"objective": "OBJ-1", "confidence": "0.6"}],
        "changes": [
            {"command": "change_target", "key_result": "KR-1", "target": {"kind": "point", "at": "45"}}
        ],
        "reason": _REASON,
    },
    "amend_entry": {"body": {"value": "71"}, "reason": _REASON},
    "retract_entry": {"reason": _REASON},
    "answer_finding": {
        "answer": "explained",
        "text": "The decision was taken in the meeting of Monday and written down late.",
    },
    "answer_findings": {
        "selection": {"cycle": "2027-q1", "standing": "open", "rule": "late_line"},
        "answer": "explained",
        "text": "The plan of the company came a week later than usual.",
    },
}
"""By operation id."""
