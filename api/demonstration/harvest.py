"""How a quarter of the demonstration company ends: last values, scores, closing."""

from __future__ import annotations

from datetime import timedelta

from api.demonstration.calendar import WEEKS, Quarter
from api.demonstration.people import STEWARD
from api.demonstration.routine import Company


def harvest(company: Company, quarter: Quarter) -> None:
    """Score and close a quarter in the three weeks after its end."""
    script, number = company.script, quarter.number
    script.act(
        script.moment(quarter.ends_on + timedelta(days=1), "08:00"),
        STEWARD,
        "start_scoring",
        cycle=quarter.key,
    )
    for (found, theme), key_results in company.key_results.items():
        if found == number:
            _finish(company, quarter, theme)
            _ = key_results
    script.act(
        script.moment(quarter.ends_on + timedelta(days=22), "16:00"),
        STEWARD,
        "close_cycle",
        label=f"closed:{number}",
        cycle=quarter.key,
    )


def _finish(company: Company, quarter: Quarter, theme: str) -> None:
    script, number, chance = company.script, quarter.number, company.script.random
    objective = company.objective(number, theme)
    scored = False
    for key_result in company.key_results[number, theme]:
        names = {"objective": objective, "key_result": script.identifier("key_result", key_result.name)}
        last_value = key_result.course.value(WEEKS)
        at = script.moment(
            quarter.ends_on + timedelta(days=chance.randint(1, 5)), f"{chance.randint(9, 16):02d}:10"
        )
        if company.over(number, theme, key_result, at):
            continue
        by = company.acting(key_result.owner(at), at)
        script.act(at, by, "record_value", **names, value=last_value, measured_on=quarter.ends_on.isoformat())
        at = script.moment(
            quarter.ends_on + timedelta(days=chance.randint(8, 15)), f"{chance.randint(9, 16):02d}:20"
        )
        by = company.acting(key_result.owner(at), at)
        score = key_result.course.score()
        script.act(at, by, "score_key_result", label=f"score:{key_result.name}", **names, score=score)
        scored = True
    at = script.moment(quarter.ends_on + timedelta(days=chance.randint(16, 19)), "15:00")
    if scored and company.ends.get((number, theme), at) >= at:
        script.act(at, company.owner(number, theme, at), "close_objective", objective=objective)
