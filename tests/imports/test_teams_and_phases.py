"""What a table says beyond figures: the team of an objective, targets reached by steps, stages to finish."""

from __future__ import annotations

from tests.imports.conftest import Bakery, others, refused

HEAD = "Objective,Objective Owner,Team,Key Result,Owner,Baseline,Target,Current,Steps,Stages\n"
BREAD = "Bread,ada@bakery.example,{team},Loaves,ben@bakery.example,120,200,130,,\n"


def test_a_team_that_is_known_is_taken_over_and_one_that_is_not_is_listed(bakery: Bakery) -> None:
    """Given a team that is not known, when the table is imported, then its objective has none and the report says so;
    when it is imported again with --create-teams, then the team is formed and the objective follows.
    """
    path = bakery.file("teams.csv", HEAD + BREAD.format(team="Ovens"))
    report = bakery.takes(path)
    assert (report.counts["recorded"], report.missing_teams) == (1, ["Ovens"])
    assert others(report, "left out") == ["2 team_is_unknown"]
    before = bakery.head
    report = bakery.takes(path, create_teams=True)
    assert report.teams == ["Ovens"]
    formed, moved = bakery.entries(before)
    assert formed == "2026-06-30 team.formed  name=Ovens"
    assert moved.startswith("2026-08-31 objective.reteamed OBJ-1 team=")
    before = bakery.head
    assert bakery.takes(path, create_teams=True).entries == 0
    later = bakery.file("later.csv", HEAD + BREAD.format(team="ovens"))
    report = bakery.takes(later, version="later")
    assert (report.entries, bakery.head) == (0, before), "a team's name is found whatever its case"


def test_a_series_may_say_another_team(bakery: Bakery) -> None:
    path = bakery.file("one.csv", HEAD + BREAD.format(team="Ovens"))
    bakery.takes(path, create_teams=True)
    other = bakery.file("two.csv", HEAD + BREAD.format(team="Counter"))
    report = bakery.takes(other, create_teams=True, version="second")
    assert [row.what for row in report.rows if row.became == "recorded"] == ["team of “Bread”: Counter"]


def test_steps_and_stages_are_taken_over(bakery: Bakery) -> None:
    rows = (
        "Bread,ada@bakery.example,,Loaves,ben@bakery.example,100,,120,2026-07-31: 120; 2026-09-30: 200,\n"
        "Bread,ada@bakery.example,,New oven,ben@bakery.example,,,Plan,,Plan 30 %; Build: 0.5; Light it 20%\n"
    )
    report = bakery.takes(bakery.file("phases.csv", HEAD + rows))
    assert refused(report) == []
    added = [one for one in bakery.entries() if "key_result." in one]
    assert added == [
        "2026-08-31 key_result.added KR-1 title=Loaves owner=ben measure={kind phased} baseline=100 "
        "target={steps [{'on': '2026-07-31', 'at': '120'}, {'on': '2026-09-30', 'at': '200'}]} "
        "weight=1 ambition=committed",
        "2026-08-31 key_result.measured KR-1 value=120",
        "2026-08-31 key_result.added KR-2 title=New oven owner=ben measure={kind milestones} "
        "target={stages [{'name': 'Plan', 'weight': '0.3'}, {'name': 'Build', 'weight': '0.5'}, "
        "{'name': 'Light it', 'weight': '0.2'}]} weight=1 ambition=committed",
        "2026-08-31 key_result.measured KR-2 value=['Plan']",
    ]


def test_steps_and_stages_that_cannot_be_meant_are_refused(bakery: Bakery) -> None:
    rows = "".join(
        f"Bread,ada@bakery.example,,Key result {number},ben@bakery.example,{told}\n"
        for number, told in enumerate(
            (
                "100,,120,2026-09-30: 200; 2026-07-31: 120,",  # not in the order of their days
                "100,,120,2026-07-31: many,",
                "100,180,120,2026-07-31: 120; 2026-09-30: 200,",  # the target says something else
                ",,120,2026-07-31: 120,",  # no baseline
                "100,,120,2027-01-31: 200,",  # outside the cycle
                ",,Bake,,Plan 30 %; Build 70 %",  # none of the stages
                ",,,,Plan 60 %; Build 70 %",  # more than the whole
                ",,,,Plan; Build",  # no weights
            )
        )
    )
    report = bakery.takes(bakery.file("phases.csv", HEAD + rows))
    assert refused(report) == [
        "2 Steps: steps_are_malformed",
        "3 Steps: number_is_malformed",
        "4 Target: target_is_not_the_last_step",
        "5 Baseline: baseline_is_missing",
        "7 Current: stage_is_unknown",
        "8 Stages: stages_are_malformed",
        "9 Stages: stages_are_malformed",
        "6: target_does_not_fit_measure",
    ]
