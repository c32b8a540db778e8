"""The profiles that come along: column names and words of known formats, as their public documentation names them."""

from __future__ import annotations

from typing import Any

from aggregates.importing.profile import Profile

_TABLE: dict[str, Any] = {
    "name": "table",
    "columns": {
        "objective": ["Objective", "Objective Title", "Goal"],
        "objective_key": ["Objective ID", "Objective Key"],
        "description": ["Description", "Objective Description"],
        "objective_owner": ["Objective Owner"],
        "team": ["Team", "Department"],
        "parent": ["Parent", "Parent ID", "Aligned To", "Parent Objective"],
        "local": ["Local Because", "Local, because"],
        "key_result": ["Key Result", "Key Result Title", "KR"],
        "key_result_key": ["Key Result ID", "KR ID"],
        "owner": ["Owner", "Key Result Owner", "Assignee", "Owner Email"],
        "kind": ["Kind", "Measure", "Type"],
        "unit": ["Unit"],
        "baseline": ["Baseline", "Start", "Start Value", "Starting Value"],
        "target": ["Target", "Target Value", "Goal Value"],
        "steps": ["Steps"],
        "stages": ["Stages"],
        "low": ["Low"],
        "high": ["High"],
        "value": ["Value", "Current", "Current Value", "Actual"],
        "on": ["On", "As Of", "Value Date", "Date"],
        "confidence": ["Confidence"],
        "said": ["Status", "Said"],
        "score": ["Final Score"],
        "weight": ["Weight"],
        "ambition": ["Ambition"],
        "ends_on": ["Ends On", "Due", "Due Date"],
    },
    "said": {"on track": "on_track", "behind": "behind", "off track": "off_track", "achieved": "achieved"},
    "measures": {
        kind.replace("_", sign): {"kind": kind}
        for kind in (
            "increase", "decrease", "at_or_above", "at_or_below", "band", "yes_no", "phased", "milestones",
        )
        for sign in ("_", " ")
    } | {"yes/no": {"kind": "yes_no"}},
    "ambition": {"committed": "committed", "aspirational": "aspirational"},
}  # fmt: skip

_PEOPLEBOX: dict[str, Any] = {
    "name": "peoplebox",
    "layout": "tree",
    "columns": {
        "objective_key": "Row ID",
        "parent": "Parent Row IDs",
        "action": "Action",
        "objective": "Goal Title",
        "description": "Description",
        "owner": ["Owner Emails", "Owner Email"],
        "team": ["Departments", "Department"],
        "kind": "Goal Type",
        "ends_on": ["End Date"],
        "baseline": ["Starting Value"],
        "target": ["Target Value"],
        "value": ["Current Value"],
        "said": "Progress Status",
    },
    "measures": {
        "Default Progress": {"rolled_up": True},
        "Binary": {"kind": "yes_no"},
        "Number": {},
        "Custom Percent": {"unit": "%"},
        "Percent": {"unit": "%"},
        "Euro": {"unit": "EUR"},
        "Dollar": {"unit": "USD"},
        "Pound": {"unit": "GBP"},
        "Rupee": {"unit": "INR"},
    },
    "said": {
        "On Track": "on_track",
        "At Risk": "behind",
        "Behind": "behind",
        "Off Track": "off_track",
        "Completed": "achieved",
        "Achieved": "achieved",
        "Not Started": "nothing",
    },
    "skip_actions": ["Delete"],
    "keep": [
        "Goal ID", "Parent Goal IDs", "Goal Cycle", "Scope", "Departments", "Check-in Type", "Tags",
        "Progress Status",
    ],
}  # fmt: skip

_BETTERWORKS: dict[str, Any] = {
    "name": "betterworks",
    "layout": "milestones",
    "columns": {
        "objective": "name",
        "level": "type",
        "progress": "progress",
        "ends_on": "end_date",
        "owner": "owner_email",
        "description": "description",
    },
    "levels": {"goal": "objective", "milestone": "key_result"},
    "keep": ["categories", "start_date"],
    "baseline": "0",
    "target": "100",
    "default_unit": "%",
}

_CULTURE_AMP: dict[str, Any] = {
    "name": "culture-amp",
    "layout": "wide",
    "columns": {
        "objective": "name",
        "owner": "email",
        "description": "description",
        "progress": "completion",
    },
    "keep": ["visibility", "individual_emails", "due_at", "created_at", "priority", "status", "completion"],
    "baseline": "0",
    "target": "1",
}

_TRACKER: dict[str, Any] = {
    "name": "sheet-tracker",
    "tab": "OKRs",
    "columns": {
        "objective": "Objective",
        "key_result": "Key Result",
        "owner": "Owner",
        "baseline": "Start Value",
        "target": "Target Value",
        "value": "Current Value",
    },
    "keep": ["Score", "Quarter"],
    "confidence": {"High": "0.8", "Medium": "0.5", "Low": "0.2"},
    "check_ins": {
        "tab": "Check-ins",
        "columns": {
            "on": "Date",
            "key_result": "Key Result",
            "owner": "Owner",
            "value": "Current Value",
            "confidence": "Confidence",
            "notes": "Notes",
        },
    },
}

_AGENCY: dict[str, Any] = {
    "name": "agency-goals",
    "columns": {
        "objective": "related_goal",
        "objective_key": "related_goal_id",
        "objective_owner": "related_owner",
        "key_result": "indicator",
        "owner": "related_owner",
        "kind": "indicator_type",
        "baseline": "value_start",
        "target": "value_target",
        "value": "value_current",
    },
    "decimal": ".",
    "digits": 6,
    "cut_titles": True,
    "owners_are": "agencies",
    "measures": {
        "Measurable increase": {"kind": "increase"},
        "Measurable decrease": {"kind": "decrease"},
        "Maintain at or above threshold": {"kind": "at_or_above"},
        "Maintain at or below threshold": {"kind": "at_or_below"},
        "Complete milestone": {"kind": "increase"},
        "Target undefined": {"refused": "The source says that the target is undefined."},
    },
    "keep": [
        "target", "related_owner", "progress_pct", "progress_pct_range", "progress_threshold",
        "progress_completions",
    ],
}  # fmt: skip

PROFILES: dict[str, Profile] = {
    told["name"]: Profile.model_validate(told)
    for told in (_TABLE, _PEOPLEBOX, _BETTERWORKS, _CULTURE_AMP, _TRACKER, _AGENCY)
}
"""Name to profile; `table` is the one that is used where none is named."""
