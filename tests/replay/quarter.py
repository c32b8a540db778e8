"""One quarter of an invented company, with everything that a fold has to tell apart."""

from __future__ import annotations

from typing import Any

from tests.rules.company import SCOPE, Company


def quarter(seed: int = 1) -> Company:
    """Give a company whose quarter 2026-q2 was planned, committed, changed, decided, amended, scored and closed."""
    company = Company(seed)
    do = company.do
    company.on("2026-04-01")
    do("open_cycle", cycle="2026-q2")
    objective, key_result = company.committed()
    second, other = company.committed(owner=company.ben)
    on = {"objective": objective, "key_result": key_result}
    company.on("2026-04-20")
    late, _ = company.committed(title="A late one")
    value = do("record_value", **on, value="10", measured_on="2026-04-15").position
    do("check_in", **on, confidence="0.6", said="on_track", value="20", measured_on="2026-04-18")
    company.on("2026-05-04")
    softened = do("change_target", **on, target=_point("80"), reason=SCOPE).position
    decision = company.decided(touches=[objective], decided_by=company.ada)
    do("change_target", **on, target=_point("70"), reason=SCOPE, decision=decision)
    do("confirm_decision", decision=decision, by=company.ada)
    do("amend_entry", position=value, body={"value": "12"})
    company.on("2026-05-11")
    company.key_result(objective, title="Added late", reason=SCOPE)
    do("drop_key_result", objective=second, key_result=other, reason=SCOPE)
    wording = do("reword_objective", objective=objective, title="Another wording", reason=SCOPE).position
    do("retract_entry", position=wording, reason=SCOPE)
    company.decided(touches=[objective], ratifies=[softened])
    company.on("2026-06-01")
    again = company.decided(text="We plan again.", touches=[objective])
    do("replan", decision=again, objectives=[{"objective": objective}], reason=SCOPE)
    do("withdraw_objective", objective=late, reason=SCOPE)
    do(
        "answer_finding",
        rule="change_without_decision",
        cause=softened,
        answer="explained",
        text="As agreed.",
        known=True,
    )
    do("person_leaves", person=company.ben)
    company.on("2026-07-02")
    do("start_scoring", cycle="2026-q2")
    do("score_key_result", **on, score="0.7")
    do("close_objective", objective=objective, score="0.7")
    do("close_cycle", cycle="2026-q2")
    company.on("2026-07-09")
    do("reopen_cycle", cycle="2026-q2", reason=SCOPE)
    do("close_cycle", cycle="2026-q2")
    return company


def _point(at: str) -> dict[str, Any]:
    return {"kind": "point", "at": at}
