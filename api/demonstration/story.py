"""The whole story of the demonstration company, written as a script for a given day."""

from __future__ import annotations

from datetime import date, timedelta

from api.demonstration import scenes_of_the_first, scenes_of_the_last, scenes_of_the_running
from api.demonstration.calendar import quarters
from api.demonstration.harvest import harvest
from api.demonstration.people import STEWARD
from api.demonstration.routine import Company
from api.demonstration.script import Script
from api.demonstration.stage import Stage

SEED = 20_240
"""The company's luck: another seed makes another company with the same people and plans."""


def write(today: date, script: Script) -> Company:
    """Write the story of three quarters, the last of which is in its eighth week today."""
    company = Company(script, quarters(today))
    first, last, running = company.quarters
    company.gather()

    company.plan_cycle(first)
    stage = Stage(company, first)
    company.draft(first)
    scenes_of_the_first.before_the_line(stage)
    company.commit(first)
    scenes_of_the_first.after_the_line(stage)
    company.weeks(first)
    harvest(company, first)
    scenes_of_the_first.after_the_end(stage)

    company.plan_cycle(last, opened=False)
    stage = Stage(company, last)
    scenes_of_the_last.opening(stage)
    company.draft(last)
    scenes_of_the_last.before_the_line(stage)
    company.commit(last)
    scenes_of_the_last.after_the_line(stage)
    company.plan_cycle(running)
    company.carry("insurance", running, last.ends_on - timedelta(days=4))
    company.weeks(last)
    for carried in company.key_results[running.number, "insurance"]:
        carried.course.baseline = carried.course.last
    harvest(company, last)
    scenes_of_the_last.after_the_end(stage)

    stage = Stage(company, running)
    company.draft(running, skip=frozenset({"insurance"}))
    company.align(running, "insurance", running.starts_on - timedelta(days=2))
    scenes_of_the_running.before_the_line(stage)
    company.commit(running, leave_out=scenes_of_the_running.UNCOMMITTED)
    scenes_of_the_running.after_the_line(stage)
    company.weeks(running)
    return company


__all__ = ["SEED", "STEWARD", "write"]
