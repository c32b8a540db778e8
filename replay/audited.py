"""What an audit answers: rows in the shapes of the projections, at the audit's position and an effective day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from replay.audit import Audit, Row
from replay.fold import bound_of


def _within(audit: Audit, effective_on: date | None) -> Callable[[Row], bool]:
    bound = bound_of(effective_on, audit.zone)

    def within(row: Row) -> bool:
        moment = row["effective_at"]
        return bound is None or bool(moment <= (bound[0] if len(moment) == 10 else bound[1]))

    return within


def line_rows(audit: Audit, effective_on: date | None = None) -> list[Row]:
    """Return every line, by position."""
    within = _within(audit, effective_on)
    rows = [row for lines in audit.lines.values() for row in lines if within(row)]
    return sorted(
        (row for row in rows if audit.superseded_at(row["position"]) is None),
        key=lambda row: int(row["position"]),
    )


def change_rows(audit: Audit, effective_on: date | None = None) -> list[Row]:
    """Return every change after line 1, also those superseded since, by position and facet."""
    within = _within(audit, effective_on)
    return [
        {**row, "superseded_at": audit.superseded_at(row["position"])} for row in audit.changes if within(row)
    ]


def history_rows(audit: Audit, objective: str, effective_on: date | None = None) -> list[Row]:
    """Return every entry of an objective and its key results, by position."""
    within = _within(audit, effective_on)
    return [
        {**row, "superseded_at": audit.superseded_at(row["position"])}
        for row in audit.rows.get(objective, ())
        if within(row)
    ]


def decision_rows(audit: Audit, effective_on: date | None = None) -> list[Row]:
    """Return every decision that was not retracted, by the position of the version that stands."""
    within = _within(audit, effective_on)
    rows = []
    for decision, versions in audit.decisions.items():
        contents = [one for one in versions if "body" in one and "superseded_at" not in one]
        given = next((one for one in reversed(versions) if "confirmed_by" in one), None)
        for content in filter(within, contents):
            confirmed = given if given is not None and given["position"] > content["position"] else None
            rows.append(_decision(audit, decision, content, confirmed))
    return sorted(rows, key=lambda row: int(row["position"]))


def _decision(audit: Audit, decision: str, content: Row, confirmed: Row | None) -> Row:
    body = content["body"]
    own = content["recorded_by"] == f"person:{body['decided_by']}"
    return {
        "decision": decision,
        **{name: content[name] for name in ("position", "recorded_at", "effective_at", "recorded_by")},
        **{name: content[name] for name in ("on_behalf_of", "source", "supersedes")},
        "text": body["text"],
        "decided_by": body["decided_by"],
        "decided_at": body.get("decided_at"),
        "standing": "own" if own else "confirmed" if confirmed else "asserted",
        "confirmed_by": confirmed and confirmed["confirmed_by"],
        "confirmed_at": confirmed and confirmed["recorded_at"],
        "confirmed_position": confirmed and confirmed["position"],
        "touches": body.get("touches", []),
        "ratifies": body.get("ratifies", []),
        "links": [
            {"objective": objective, "position": position}
            for position, objective in sorted(audit.links.get(decision, ()))
        ],
        "changes": [
            _caused(row) for row in audit.caused.get(decision, ()) if not audit.superseded_at(row["position"])
        ],
    }


def _caused(row: Row) -> Row:
    kind, _, key = row["stream"].partition(":")
    return {"position": row["position"], "name": row["name"], kind: key, "key_result": row["key_result"]}


def finding_rows(audit: Audit, effective_on: date | None = None) -> list[Row]:
    """Return every finding with its answers, by the position of its cause."""
    within = _within(audit, effective_on)
    rows = [
        {
            **row,
            "superseded_at": audit.superseded_at(row["cause"]),
            "answers": audit.answers.get((row["rule"], row["cause"]), []),
            "ratified_by": audit.ratified.get(row["cause"], []),
        }
        for row in audit.findings
        if within(row)
    ]
    return sorted(rows, key=lambda row: (row["cause"], row["rule"], row["objective"] or "~"))
