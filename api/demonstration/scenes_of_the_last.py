"""What did not go by the book in the last closed quarter of the demonstration: the one that is audited."""

from __future__ import annotations

from datetime import timedelta

from api.demonstration import changes_of_the_last
from api.demonstration.people import STEWARD
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
    changes_of_the_last.product(stage)
    changes_of_the_last.sales(stage)
    changes_of_the_last.platform(stage)
    _street(stage)
    _behind(stage)
    for theme, place, week in (("places", 0, 6), ("places", 2, 7), ("discovery", 2, 9), ("brand", 2, 10)):
        stage.silence(theme, place, week)


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
