"""What the entries of an invented company tell, completed without a database: the rows are those of the audit."""

from __future__ import annotations

from typing import Any

from aggregates.policy import DEFAULT_POLICY
from aggregates.reading.commitments import complete_commitments
from aggregates.reading.drift import complete_drift
from aggregates.reading.findings import complete_findings
from replay import audited
from replay.audit import Audit
from replay.folded import states_of
from tests.rules.company import Company

CYCLE = "2026-q2"


class Told:
    """What the entries of a company tell at their end."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.audit = Audit()
        self.audit.apply(company.ledger.entries)
        self.zone = self.audit.zone
        self.states = states_of(self.audit, CYCLE, effective_on=None, zone=self.zone)
        self.lines = [row for row in audited.line_rows(self.audit) if row["cycle"] == CYCLE]
        self.changes = audited.change_rows(self.audit)
        self.decisions = audited.decision_rows(self.audit)

    def drift(self, **how: Any) -> dict[str, Any]:
        return complete_drift(
            self.lines, self.changes, self.states, self.decisions,
            policy=DEFAULT_POLICY, policy_version=1, zone=self.zone, position=self.audit.position, **how,
        )  # fmt: skip

    def commitments(self) -> dict[str, Any]:
        return complete_commitments(self.lines, self.states["cycle"], zone=self.zone, states=self.states)

    def findings(self) -> dict[str, Any]:
        rows = audited.finding_rows(self.audit)
        ends = {CYCLE: self.states["cycle"]["ends_on"]}
        return complete_findings(
            rows, self.changes, self.lines, zone=self.zone, cycle_ends=ends, decisions=self.decisions,
            states=self.states["objectives"],
        )  # fmt: skip


def facets(item: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {facet["kind"]: facet for facet in item["facets"]}
