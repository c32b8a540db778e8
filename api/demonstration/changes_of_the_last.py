"""How product, sales and platform changed their commitments in the last closed quarter of the demonstration."""

from __future__ import annotations

from api.demonstration.courses import Course
from api.demonstration.people import LEADER
from api.demonstration.plan import Metric, above, below, up
from api.demonstration.script import PositionOf
from api.demonstration.stage import Stage


def product(stage: Stage) -> None:
    """A target lowered and ratified later, one raised by its owner, a wording, a replaced objective."""
    stage.lower(
        "first-ride",
        1,
        (6, 3, "16:40"),
        stage.target("first-ride", 1, 0.55),
        (
            "external",
            "The identity check of the new payment partner adds two minutes that we do not control.",
        ),
        label="1:first-ride",
    )
    stage.decide(
        "identity-check",
        (8, 1, "10:30"),
        "Accept the slower first trip for this quarter; the partner's check stays. Back to the old target in the next.",
        ("first-ride",),
        decided=(8, 0, "16:00"),
        ratifies=("1:first-ride",),
        confirmed=(8, 1, "18:05"),
    )
    stage.decide(
        "reserved-hours",
        (5, 2, "11:00"),
        "Aim higher with reservations: the bakers took them up within two weeks.",
        ("reservations",),
        decided_by="lukas",
        by="lukas",
    )
    stage.lower(
        "reservations",
        0,
        (5, 2, "11:10"),
        stage.target("reservations", 0, 1.4),
        ("recalibration", "Reserved trips passed the quarter's target in week five."),
        decision="reserved-hours",
        by="lukas",
    )
    stage.change_objective(
        "accessibility",
        (4, 0, "09:40"),
        "reword_objective",
        (
            "editorial",
            '"Everybody" was read as a marketing line; the work is about people with a disability.',
        ),
        title="Open the app to people who cannot see or tap well",
    )
    _steady_prices(stage)


def _steady_prices(stage: Stage) -> None:
    """The tariff is put off: one objective takes the place of another in the fifth week."""
    company, quarter = stage.company, stage.quarter
    company.draft_objective(
        quarter,
        "steady-prices",
        "Keep prices still until spring, and explain them",
        "noor",
        quarter.day(5, 0),
        "product",
    )
    metric = up("Riders who can name the price before they start", "%", "58", "68", "74", "80")
    course = Course(metric, stage.script.random, last=company.courses["pricing", 0].last)
    company.add_key_result(
        quarter, "steady-prices", metric, course, "noor", quarter.day(5, 0), "10:00"
    ).from_week = 6
    kept = above("Price pages that agree with the bill", "%", "99", "99", "99")
    company.add_key_result(
        quarter,
        "steady-prices",
        kept,
        Course(kept, stage.script.random),
        "beatriz",
        quarter.day(5, 0),
        "10:00",
    ).from_week = 6
    script, objective = stage.script, company.objective(1, "steady-prices")
    script.act(
        stage.at((5, 0, "10:30")),
        "noor",
        "align_objective",
        objective=objective,
        parent=company.objective(1, "margin"),
    )
    stage.decide(
        "tariff",
        (5, 0, "14:00"),
        "No new tariff before spring. What was planned for it is replaced by keeping prices still and explaining them.",
        ("pricing", "steady-prices"),
        decided=(5, 0, "11:30"),
        confirmed=(5, 1, "08:55"),
    )
    line = stage.at((5, 1, "09:30"))
    company.lines[1, "steady-prices"] = line
    script.act(
        line,
        "noor",
        "commit_objective",
        objective=objective,
        confidence="0.7",
        accepted_by=script.person(LEADER),
    )
    stage.end_objective(
        "pricing",
        (5, 1, "10:00"),
        "replace_objective",
        ("scope", "The new tariff waits until spring by decision of the leadership."),
        successor=objective,
        decision="tariff",
    )


def sales(stage: Stage) -> None:
    """Two cities postpone their tenders: a re-plan with a second line, by one decision."""
    company, script = stage.company, stage.script
    stage.decide(
        "tenders",
        (6, 1, "12:00"),
        "Two tenders moved to next year. Sales plans again: fewer offers, less signed value, no change of the margin.",
        ("city-deals",),
        decided=(6, 0, "15:00"),
        confirmed=(6, 2, "07:50"),
    )
    reason = ("external", "Both cities moved their tender into the next year's budget.")
    stage.lower(
        "city-deals", 0, (6, 1, "13:00"), stage.target("city-deals", 0, 0.6), reason, decision="tenders"
    )
    company_value = company.key_results[1, "city-deals"][1]
    steps = company_value.commitment["target"]["steps"]
    lowered = [{"on": step["on"], "at": f"{float(step['at']) * 0.8:.0f}"} for step in steps]
    stage.change(
        "city-deals",
        1,
        (6, 1, "13:05"),
        "change_target",
        reason,
        target={"kind": "steps", "steps": lowered},
        decision="tenders",
    )
    script.act(
        stage.at((6, 1, "13:20")),
        company.owner(1, "city-deals"),
        "replan",
        label="replan",
        reason={"kind": reason[0], "text": reason[1]},
        decision=script.identifier("decision", "1:tenders"),
        objectives=[
            {
                "objective": company.objective(1, "city-deals"),
                "confidence": "0.7",
                "accepted_by": script.person(LEADER),
            }
        ],
    )
    stage.end_objective(
        "references",
        (10, 2, "15:45"),
        "withdraw_objective",
        ("scope", "The consent form failed its second review; without it no customer may be named."),
    )
    stage.decide(
        "no-references",
        (10, 3, "09:10"),
        "Stop collecting references until the consent form stands.",
        ("references",),
        decided_by="tomas",
        decided=(10, 2, "14:00"),
    )


def platform(stage: Stage) -> None:
    """A key result dropped without a decision, one added with one, another measure, another ambition."""
    stage.drop(
        "telemetry",
        2,
        (7, 3, "17:10"),
        ("external", "The maker of the second sensor went out of business."),
        label="1:sensor",
    )
    stage.answer(
        (9, 1, "09:30"),
        stage.company.owner(1, "telemetry"),
        "change_without_decision",
        PositionOf("1:sensor"),
        "explained",
        "There was nothing left to decide: nobody else makes this sensor. We should still have asked.",
    )
    stage.decide(
        "payments-watch",
        (5, 3, "16:00"),
        "Watch the payment partner's interface as closely as our own from now on.",
        ("uptime",),
        decided_by="wei",
        by="wei",
    )
    metric = above("Payments that pass at the first try", "%", "98", "98.5", "98.8")
    added = stage.company.add_key_result(
        stage.quarter,
        "uptime",
        metric,
        Course(metric, stage.script.random),
        "amara",
        stage.quarter.day(5, 4),
        "09:15",
        reason={"kind": "scope", "text": "The outage of last week came from the payment partner."},
        decision=stage.script.identifier("decision", "1:payments-watch"),
    )
    added.from_week = 6
    stage.change(
        "delivery",
        1,
        (4, 2, "10:10"),
        "change_measure",
        ("measurement_fault", "A share of zero looked like a fault; there is no lower edge to a good thing."),
        measure={"kind": "at_or_below", "unit": "%", "indicator": "leading", "path": "none"},
        target={"kind": "point", "at": "4"},
    )
    _measure_from_now_on(
        stage, "delivery", 1, below("Share of changes that had to be taken back", "%", "4", "4", "4")
    )
    stage.change(
        "security",
        1,
        (6, 4, "11:35"),
        "change_ambition",
        (
            "recalibration",
            "The keys are ordered; whether the second half arrives in time is not in our hands.",
        ),
        ambition="aspirational",
    )


def _measure_from_now_on(stage: Stage, theme: str, place: int, metric: Metric) -> None:
    """Let the key result's values follow another metric for the rest of the quarter."""
    key_result, chance = stage.company.key_results[stage.number, theme][place], stage.script.random
    outcome = key_result.course.outcome
    key_result.course = Course(metric, chance)
    key_result.course.begin(stage.quarter)
    key_result.course.outcome = outcome
