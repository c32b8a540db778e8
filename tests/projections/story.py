"""A year of an invented company: most of what can happen to cycles, objectives, key results and decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ledger.codec import RawEntry
from tests.rules.company import INCREASE, SCOPE, SOURCE, Company, instant

CYCLES = ("2025-q4", "2026-q2", "2026-q3")
RECALIBRATION = {"kind": "recalibration", "text": "The market moved."}
FAULT = {"kind": "measurement_fault", "text": "It was counted twice."}


@dataclass
class Story:
    """The company and the places of the story that tests ask for."""

    company: Company
    named: dict[str, int] = field(default_factory=dict)
    items: dict[str, UUID] = field(default_factory=dict)

    @property
    def entries(self) -> list[RawEntry]:
        """Return every entry of the story."""
        return self.company.ledger.entries


def year() -> Story:
    """Tell the story."""
    company = Company(seed=3)
    story = Story(company)
    items, named, do = story.items, story.named, company.do

    company.on("2026-03-20")
    renew, share = company.committed(title="Schools renew with us")
    items |= {"renew": renew, "share": share}
    company.on("2026-04-02")
    named["opened_late"] = do("open_cycle", cycle="2026-q2").position
    late, late_kr = company.committed(owner=company.ben, title="Support answers fast")
    company.on("2026-04-12")
    slow, slow_kr = company.committed(owner=company.ada, title="Everybody knows the plan")
    items |= {"late": late, "late_kr": late_kr, "slow": slow, "slow_kr": slow_kr}
    named["late_line"] = company.ledger.position
    named["moved"] = do("move_commit_by", cycle="2026-q2", commit_by="2026-04-20").position

    # weekly check-ins, one of them about an earlier day
    for week, day in enumerate(("2026-04-17", "2026-04-24", "2026-05-01")):
        company.on(day)
        for objective, key_result in ((renew, share), (late, late_kr), (slow, slow_kr)):
            said = {"value": str(10 * week + 5), "confidence": "0.6", "said": "on_track"}
            do("check_in", objective=objective, key_result=key_result, **said)
    named["value"] = next(
        raw.position for raw in reversed(story.entries) if raw.name == "key_result.measured"
    )
    named["back_dated"] = do(
        "check_in", objective=renew, key_result=share, value="7", measured_on="2026-04-20"
    ).first_position

    # changes after the line: without a decision, by the owner's own decision, with a decision that is asserted
    company.on("2026-05-04")
    lower = {"kind": "point", "at": "60"}
    named["softer"] = do(
        "change_target", objective=renew, key_result=share, target=lower, reason=RECALIBRATION
    ).position
    own = company.decided(text="I lower my own target.", decided_by=company.ada)
    named["own"] = do(
        "change_target", objective=slow, key_result=slow_kr, target={"kind": "point", "at": "80"},
        reason=RECALIBRATION, decision=own,
    ).position  # fmt: skip
    items["own"] = own
    added = company.key_result(renew, reason=SCOPE, owner=company.ben)
    items["added"] = added
    named["added"] = company.ledger.position
    do("reword_objective", objective=late, title="Support answers within a day", reason=FAULT)
    named["reworded"] = company.ledger.position
    named["ratification"] = company.ledger.position + 1
    ratify = company.decided(text="We lowered it.", decided_by=company.ben, ratifies=(named["softer"],))
    items["ratify"] = ratify
    company.on("2026-05-06")
    do("confirm_decision", decision=ratify, by=company.ben)
    do(
        "answer_finding", rule="change_without_decision", cause=named["softer"], answer="explained",
        text="The board knew.", known=True,
    )  # fmt: skip

    # amendments and retractions
    company.on("2026-05-08")
    named["amended"] = do("amend_entry", position=named["value"], body={"value": "22"}, reason=FAULT).position
    named["amended_wording"] = do(
        "amend_entry", position=named["reworded"], body={"title": "Support answers in a day"}, reason=FAULT
    ).position
    named["retracted"] = do("retract_entry", position=named["softer"], reason=FAULT).position
    do("drop_key_result", objective=renew, key_result=added, reason=SCOPE)

    # a re-plan, people and teams
    company.on("2026-05-20")
    replan = company.ledger.new_id()
    items["replan"] = replan
    do(
        "replan", decision=replan, text="We do less.", decided_by=company.steward,
        objectives=[{"objective": late, "confidence": "0.8"}], reason=SCOPE,
        changes=[
            {
                "command": "change_target", "objective": late, "key_result": late_kr,
                "target": {"kind": "point", "at": "90"},
            }
        ],
    )  # fmt: skip
    do("reteam_objective", objective=late, team=company.team, reason=SCOPE)
    do("reown_objective", objective=late, owner=company.ada, reason=SCOPE)

    # the next cycle; an objective moves, one is carried, one withdrawn
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    company.on("2026-06-20")
    named["moved_cycle"] = do(
        "move_objective_to_cycle", objective=slow, cycle="2026-q3", reason=SCOPE
    ).position
    do("withdraw_objective", objective=late, reason=SCOPE)
    company.on("2026-07-02")
    do("start_scoring", cycle="2026-q2")
    do("score_key_result", objective=renew, key_result=share, score="0.4")
    do("close_objective", objective=renew, score="0.5")
    named["score"] = company.ledger.position
    named["closed"] = do("close_cycle", cycle="2026-q2").position
    company.on("2026-07-05")
    named["after_close"] = do(
        "amend_entry", position=named["score"], body={"score": "0.6"}, reason=FAULT
    ).position
    _imported(story)
    return story


def _imported(story: Story) -> None:
    """A source tells about the quarter before: times of its own, back-dated."""
    company, do, ledger = story.company, story.company.do, story.company.ledger
    company.plan("2025-q4", "2025-10-01", "2025-10-01", "2025-12-31")
    dora = company.joins(effective_at=instant("2025-09-01T09:00:00"))
    objective, key_result = ledger.new_id(), ledger.new_id()
    story.items |= {"imported": objective, "imported_kr": key_result}

    def told(name: str, at: str, **fields: Any) -> int:
        return do(
            name, objective=objective, effective_at=instant(at), source=SOURCE, imported=True, accept_faults=True,
            **fields,
        ).position  # fmt: skip

    told(
        "draft_objective", "2025-10-05T10:00:00", reference=ledger.next_reference("OBJ"), cycle="2025-q4",
        title="From the wiki", owner=dora,
    )  # fmt: skip
    told(
        "add_key_result", "2025-10-05T10:00:00", key_result=key_result, reference=ledger.next_reference("KR"),
        title="Pages read", owner=dora, **INCREASE,
    )  # fmt: skip
    story.named["imported_line"] = told(
        "commit_objective", "2025-10-05T10:00:00", synthesised=True, no_record_at_start=True
    )
    target = {"kind": "point", "at": "70"}
    story.named["imported_change"] = told(
        "change_target", "2025-11-01T10:00:00", key_result=key_result, target=target, reason=RECALIBRATION
    )
    told("note_source", "2025-11-02T10:00:00", key_result=key_result, attributes={"Projected": "0.5"})
