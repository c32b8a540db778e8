"""The demonstration company as a whole: its teams, who plays which role, who is where."""

from __future__ import annotations

from api.demonstration.plan import Team, Theme
from api.demonstration.work_behind_it import FINANCE, MARKETING, PEOPLE
from api.demonstration.work_of_the_company import LEADERSHIP, PLATFORM, PRODUCT
from api.demonstration.work_on_the_street import CARE, FLEET, SALES

TEAMS: tuple[Team, ...] = (LEADERSHIP, PRODUCT, PLATFORM, FLEET, CARE, SALES, MARKETING, FINANCE, PEOPLE)

THEMES: dict[str, tuple[Team, Theme]] = {theme.key: (team, theme) for team in TEAMS for theme in team.themes}

ROLES: dict[str, tuple[str, ...]] = {
    "jonah": ("facilitator",),  # a steward from the first entry on
    "tomas": ("steward",),
    "viktor": ("auditor",),
}
"""Roles beside `owner` and `reader`, which everybody here holds but the auditor."""


def leader_of(theme: str) -> str:
    """Return who leads the team of a theme."""
    return THEMES[theme][0].people[0]


GONE: dict[str, tuple[int, str]] = {"rhys": (0, "fatima")}
"""Who left in which quarter, and who took over from the next one on."""


def objective_owner(team: Team, number: int, quarter: int) -> str:
    """Return who owns the n-th objective of a team in a quarter: the lead the first, then in turn."""
    return _still_here(team.people[number % len(team.people)], quarter)


def key_result_owner(team: Team, objective: int, number: int, quarter: int) -> str:
    """Return who owns the n-th key result of a team's objective in a quarter."""
    return _still_here(team.people[(objective + number) % len(team.people)], quarter)


def _still_here(handle: str, quarter: int) -> str:
    left_in, successor = GONE.get(handle, (quarter, handle))
    return successor if quarter > left_in else handle
