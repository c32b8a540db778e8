"""What did not go by the book in the first quarter of the demonstration."""

from __future__ import annotations

from datetime import timedelta

from api.demonstration.people import LEADER, SECOND, STEWARD
from api.demonstration.script import PositionOf
from api.demonstration.stage import Stage


def before_the_line(stage: Stage) -> None:
    """Say who commits late."""
    stage.company.late[0, "partners"] = 6


def after_the_line(stage: Stage) -> None:
    """Play the changes of the first quarter."""
    stage.lower(
        "hiring",
        0,
        (6, 1, "10:20"),
        "43",
        (
            "external",
            "The spring job fair was cancelled by the city; it brought a third of our applicants last year.",
        ),
        label="0:hiring",
    )
    stage.answer(
        (7, 0, "09:05"),
        "esther",
        "change_without_decision",
        PositionOf("0:hiring"),
        "explained",
        "The fair was cancelled on a Friday and the board met two weeks later. It agreed, but nobody wrote it down.",
    )
    stage.decide(
        "sensors",
        (7, 2, "15:00"),
        "Fit the sensor to every bike in the three largest cities first, and expect more from it.",
        ("telemetry",),
        decided=(7, 2, "11:00"),
        confirmed=(7, 3, "08:40"),
    )
    stage.lower(
        "telemetry",
        0,
        (7, 2, "15:30"),
        "84",
        ("recalibration", "The first thousand bikes reported better than the maker had promised."),
        decision="sensors",
    )
    stage.change(
        "self-help",
        1,
        (5, 3, "14:10"),
        "reword_key_result",
        ("editorial", "The old words counted clicks; what we mean is reading to the end."),
        title="Articles read to their last line",
    )
    stage.show_to("references", (2, 1, "09:20"), "team")
    stage.show_to("references", (6, 4, "16:10"), "everyone")
    _rhys_leaves(stage)
    stage.drop(
        "brand",
        1,
        (8, 2, "13:00"),
        (
            "scope",
            "The agency that answered posts for us closed; we start again next quarter with our own people.",
        ),
    )
    stage.end_objective(
        "references",
        (9, 4, "16:30"),
        "withdraw_objective",
        (
            "scope",
            "Legal asked for a new consent form before we use any customer's name. It takes until summer.",
        ),
    )
    stage.silence("places", 1, 5)
    stage.silence("learning", 2, 8)


def _rhys_leaves(stage: Stage) -> None:
    """Rhys leaves; his objectives go to Fatima on the next working day, his key results a week later."""
    company, reason = stage.company, ("external", "Rhys left Pellworth at the end of last week.")
    stage.depart("rhys", (9, 4, "17:30"))
    for (number, theme), owners in list(company.owners.items()):
        if number == 0 and owners[-1][1] == "rhys":
            stage.hand_over(theme, None, (10, 0, "09:45"), "fatima", reason, by=STEWARD)
    for (number, theme), found in list(company.key_results.items()):
        for place, key_result in enumerate(found):
            if number == 0 and key_result.owners[-1][1] == "rhys":
                stage.hand_over(theme, place, (11, 1, "10:05"), "fatima", reason, by=STEWARD)


def after_the_end(stage: Stage) -> None:
    """Correct a score that was typed wrongly, after the cycle was closed; and nobody acts for the leader any more."""
    at = stage.script.moment(stage.quarter.ends_on + timedelta(days=26), "11:15")
    key_result, _ = stage.company.key_result(0, "refunds", 0)
    stage.script.act(
        at,
        key_result.owners[-1][1],
        "amend_entry",
        position=PositionOf(f"score:{key_result.name}"),
        body={"score": "0.7"},
        reason={"kind": "measurement_fault", "text": "I typed the score of the neighbouring line."},
    )
    second, leader = stage.script.person(SECOND), stage.script.person(LEADER)
    stage.script.act(
        stage.script.moment(stage.quarter.ends_on + timedelta(days=27), "09:00"),
        STEWARD,
        "revoke_delegation",
        actor=f"person:{second}",
        principal=leader,
    )
