"""What did not go by the book in the last closed quarter of the demonstration: the one that is audited."""

from __future__ import annotations

from datetime import timedelta

from api.demonstration.courses import Course
from api.demonstration.people import LEADER, STEWARD
from api.demonstration.plan import Metric, above, below, up
from api.demonstration.script import NextReference, PositionOf
from api.demonstration.stage import Stage


def opening(stage: Stage) -> None:
    """Open the cycle a week early by mistake, void the opening by a decision, open it on its day."""
    at = stage.script.moment(stage.quarter.starts_on - timedelta(days=6), "17:55")
    stage.script.act(at, STEWARD, "open_cycle", cycle=stage.quarter.key)
    stage.decide(
        "opening",
        (0, 2, "09:00"),
        "The quarter opens on its Monday, as planned. The early opening was a slip and is void.",
        (),
        decided_by="tomas",
        by="tomas",
    )
    stage.script.act(
        stage.at((0, 2, "09:20")),
        "tomas",
        "void_opening",
        label="voided",
        cycle=stage.quarter.key,
        reason={
            "kind": "editorial",
            "text": "Opened by mistake while the plan of the next quarter was shown.",
        },
        decision=stage.script.identifier("decision", "1:opening"),
    )
    stage.script.act(stage.at((1, 0, "08:15")), STEWARD, "open_cycle", cycle=stage.quarter.key)


def before_the_line(stage: Stage) -> None:
    """Say who commits late."""
    stage.company.late[1, "care-voice"] = 9
    stage.company.late[1, "insurance"] = 3


def after_the_line(stage: Stage) -> None:
    """Play the changes of the quarter."""
    _product(stage)
    _sales(stage)
    _platform(stage)
    _street(stage)
    _behind(stage)
    for theme, place, week in (("places", 0, 6), ("places", 2, 7), ("discovery", 2, 9), ("brand", 2, 10)):
        stage.silence(theme, place, week)


def _product(stage: Stage) -> None:
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


def _sales(stage: Stage) -> None:
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


def _platform(stage: Stage) -> None:
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


def _street(stage: Stage) -> None:
    stage.change(
        "battery",
        1,
        (3, 3, "15:20"),
        "correct_baseline",
        ("measurement_fault", "The night shift's swaps had been counted twice before the quarter."),
        baseline=stage.target("battery", 1, -0.5),
    )
    stage.change(
        "depots",
        0,
        (4, 1, "08:50"),
        "change_weight",
        ("recalibration", "The move of the depot is the larger part of the work."),
        weight="0.5",
    )
    stage.change(
        "depots",
        1,
        (8, 4, "14:30"),
        "redate_key_result",
        ("external", "The grid operator connects the depot two weeks before the end of the quarter."),
        ends_on=(stage.quarter.ends_on - timedelta(days=5)).isoformat(),
    )
    stage.leave("mei", (5, 0, "08:05"), (9, 0, "08:05"), "omar")
    stage.change_objective(
        "self-help",
        (7, 0, "13:45"),
        "align_objective",
        ("scope", "The articles now serve the new rider first."),
        parent=stage.company.objective(1, "first-ride"),
    )
    stage.change_objective(
        "winter-fleet",
        (3, 1, "09:00"),
        "reword_objective",
        ("editorial", '"Cold months" was understood as December only.'),
        title="Have the fleet ready for October to March",
    )


def _behind(stage: Stage) -> None:
    company, script = stage.company, stage.script
    stage.hand_over(
        "known",
        0,
        (4, 3, "10:00"),
        "dario",
        ("scope", "The survey of residents moved into Dario's programme."),
    )
    at = stage.at((4, 2, "16:20"))
    name = "1:known:typo"
    script.act(
        at,
        company.owner(1, "known", at),
        "add_key_result",
        objective=company.objective(1, "known"),
        key_result=script.identifier("key_result", name, at),
        reference=NextReference("KR"),
        title="Residents who know our nmae",
        owner=script.person("liv"),
        measure={"kind": "increase", "unit": "%", "indicator": "leading", "path": "straight"},
        baseline="34",
        target={"kind": "point", "at": "46"},
        reason={"kind": "editorial", "text": "Entered a second time by mistake."},
    )
    script.act(
        stage.at((4, 2, "16:45")),
        company.owner(1, "known", at),
        "key_result_recorded_in_error",
        objective=company.objective(1, "known"),
        key_result=script.identifier("key_result", name),
        reason={
            "kind": "editorial",
            "text": "The same key result stood there already; I pressed the button twice.",
        },
    )
    _moves(stage)
    _slips(stage)


def _moves(stage: Stage) -> None:
    """An objective moves to the team that does its work; one that was drafted twice is marked as an error."""
    company, script, quarter = stage.company, stage.script, stage.quarter
    stage.change_objective(
        "business-story",
        (8, 0, "10:15"),
        "reteam_objective",
        ("scope", "The stories are told by those who visit the customers."),
        team=script.identifier("team", "sales"),
        by=STEWARD,
    )
    company.draft_objective(
        quarter, "twice", "Close the month in five days", "hugo", quarter.day(2, 2), "finance"
    )
    script.act(
        stage.at((2, 2, "10:05")),
        "hugo",
        "objective_recorded_in_error",
        objective=company.objective(1, "twice"),
        reason={"kind": "editorial", "text": "Finance had drafted it already."},
    )


def _slips(stage: Stage) -> None:
    """A value typed with a nought too many and amended; a check-in on the wrong key result, retracted."""
    company, script = stage.company, stage.script
    key_result, names = company.key_result(1, "collections", 0)
    wrong_day, by = stage.quarter.day(6, 3), key_result.owner(stage.at((6, 4, "16:50")))
    script.act(
        stage.at((6, 4, "17:00")),
        by,
        "record_value",
        label="nought",
        **names,
        value="410",
        measured_on=wrong_day.isoformat(),
    )
    script.act(
        stage.at((7, 0, "09:10")),
        by,
        "amend_entry",
        label="nought-corrected",
        position=PositionOf("nought"),
        body={"value": "41"},
        reason={"kind": "measurement_fault", "text": "A nought too many."},
    )
    key_result, names = company.key_result(1, "insurance", 2)
    by = key_result.owner(stage.at((7, 2, "11:50")))
    script.act(
        stage.at((7, 2, "12:00")), by, "check_in", label="stray", **names, confidence="0.9", said="on_track"
    )
    script.act(
        stage.at((7, 2, "12:15")),
        by,
        "retract_entry",
        position=PositionOf("stray"),
        reason={"kind": "editorial", "text": "Meant for the key result below."},
    )


def after_the_end(stage: Stage) -> None:
    """Correct a wrong score after the close; the auditor's questions are answered."""
    key_result, _ = stage.company.key_result(1, "business", 1)
    at = stage.script.moment(stage.quarter.ends_on + timedelta(days=27), "10:25")
    stage.script.act(
        at,
        key_result.owners[-1][1],
        "amend_entry",
        label="late-score",
        position=PositionOf(f"score:{key_result.name}"),
        body={"score": "0.4"},
        reason={"kind": "measurement_fault", "text": "Notices of the last three days had not been counted."},
    )
    at = stage.script.moment(stage.quarter.ends_on + timedelta(days=29), "15:00")
    stage.script.act(
        at,
        "tomas",
        "answer_finding",
        rule="opening_voided",
        cause=PositionOf("voided"),
        answer="accepted",
        known=True,
        text="Voided within five days, before anything was committed.",
    )
