"""What did not go by the book in the running quarter of the demonstration; its last weeks have not happened yet."""

from __future__ import annotations

from datetime import timedelta

from api.demonstration.courses import Course
from api.demonstration.people import STEWARD
from api.demonstration.plan import up
from api.demonstration.script import PositionOf
from api.demonstration.stage import Stage

UNCOMMITTED = frozenset({"places"})


def before_the_line(stage: Stage) -> None:
    """Move the commit-by, and say who commits late all the same."""
    moved_to = stage.quarter.commit_by + timedelta(days=4)
    stage.script.act(
        stage.at((2, 3, "16:00")),
        STEWARD,
        "move_commit_by",
        label="moved",
        cycle=stage.quarter.key,
        commit_by=moved_to.isoformat(),
        reason={
            "kind": "external",
            "text": "Half of Fleet Operations was at the depot move in the second week.",
        },
    )
    stage.answer(
        (3, 1, "08:30"),
        "tomas",
        "commit_by_moved",
        PositionOf("moved"),
        "explained",
        "The depot move had to happen on the one weekend without a football match.",
    )
    stage.company.late[2, "depots"] = 3
    stage.company.late[2, "crew-safety"] = 10


def after_the_line(stage: Stage) -> None:
    """Play the changes so far."""
    _changes_with_a_decision(stage)
    _changes_without(stage)
    _people(stage)
    for theme, place, week in (
        ("brand", 0, 5),
        ("brand", 2, 4),
        ("discovery", 0, 6),
        ("data-use", 2, 3),
        ("unit-costs", 1, 5),
        ("care-team", 1, 6),
        ("health", 2, 4),
        ("leads", 1, 6),
        ("partners", 1, 5),
    ):
        stage.silence(theme, place, week)


def _changes_with_a_decision(stage: Stage) -> None:
    stage.decide(
        "winter-tyres",
        (4, 2, "10:00"),
        "Put winter tyres on three quarters of the fleet first; the rest after the new year.",
        ("winter-fleet",),
        decided_by="tomas",
        decided=(4, 1, "14:00"),
        confirmed=(4, 2, "17:20"),
    )
    reason = ("external", "The tyre maker delivers the last lot four weeks late.")
    stage.lower(
        "winter-fleet",
        2,
        (4, 2, "10:30"),
        stage.target("winter-fleet", 2, 0.7),
        reason,
        decision="winter-tyres",
    )
    stage.decide(
        "margin-up",
        (5, 3, "09:00"),
        "The trips earn more than we planned. Expect the higher margin from now on.",
        ("margin",),
        decided_by="adaeze",
        decided=(5, 2, "17:00"),
    )
    reason = ("recalibration", "Service costs fell faster than the plan assumed.")
    stage.lower("margin", 0, (5, 3, "09:20"), stage.target("margin", 0, 1.3), reason, decision="margin-up")
    stage.decide(
        "rain-covers",
        (6, 0, "11:00"),
        "Sell the rain cover, not only show it.",
        ("season",),
        decided_by="liv",
    )
    metric = up("Rain covers sold", None, "0", "100", "200", "600")
    added = stage.company.add_key_result(
        stage.quarter,
        "season",
        metric,
        Course(metric, stage.script.random),
        "fatima",
        stage.quarter.day(6, 1),
        "09:40",
        reason={"kind": "scope", "text": "Riders asked where to buy the cover from the film."},
        decision=stage.script.identifier("decision", "2:rain-covers"),
    )
    added.from_week = 7


def _changes_without(stage: Stage) -> None:
    reason = ("recalibration", "Sick leave in the night shift; we plan with what we have.")
    stage.lower("battery", 1, (6, 2, "18:10"), stage.target("battery", 1, 0.5), reason, label="2:battery")
    reason = ("external", "The city pays its bills after 60 days, whatever the contract says.")
    stage.lower("collections", 0, (7, 1, "17:45"), stage.target("collections", 0, 0.4), reason)
    stage.drop(
        "local",
        2,
        (7, 2, "12:20"),
        ("scope", "Councils do not meet before the elections."),
    )
    stage.change(
        "business",
        2,
        (5, 1, "15:50"),
        "change_weight",
        ("recalibration", "Trips matter less to us than that the business stays."),
        weight="0.5",
    )
    stage.change_objective(
        "delivery",
        (3, 4, "13:30"),
        "reword_objective",
        ("editorial", 'Teams read "any day" as weekends too.'),
        title="Let any team ship on any working day",
    )
    stage.end_objective(
        "care-voice",
        (6, 3, "16:15"),
        "withdraw_objective",
        ("scope", "Care takes over the winter hotline; the review of complaints waits until spring."),
    )


def _people(stage: Stage) -> None:
    stage.leave("kofi", (6, 0, "08:00"), (10, 0, "08:00"), "hana")
    stage.depart("yusuf", (6, 4, "17:00"))
    reason = ("external", "Yusuf left Pellworth last week.")
    company, left = stage.company, 0
    for (number, theme), owners in list(company.owners.items()):
        if number == 2 and owners[-1][1] == "yusuf":
            stage.hand_over(theme, None, (7, 0, "09:00"), "carla", reason, by=STEWARD)
    for (number, theme), found in list(company.key_results.items()):
        for place, key_result in enumerate(found):
            if number == 2 and key_result.owners[-1][1] == "yusuf":
                left += 1
                if left > 2:
                    stage.hand_over(theme, place, (7, 0, "09:30"), "anna", reason, by=STEWARD)
                else:
                    key_result.silent_from = 7
