"""The short lists for people: cycles, people, teams, the policy."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block, Table
from api.cli.show.words import Body, Words, plain


def cycles(body: Body, _: ZoneInfo) -> list[Block]:
    """Return every cycle with its days and where it stands."""
    table = Table(("key", "name", "from", "commit-by", "to", "stands"))
    for row in body["cycles"]:
        moved = f" (now {row['commit_by_now']})" if row["commit_by_now"] != row["commit_by"] else ""
        table.row(
            row["key"],
            row["name"],
            row["starts_on"],
            f"{row['commit_by']}{moved}",
            row["ends_on"],
            row["standing"],
        )
    return [table] if table.rows else ["No cycle has been planned; `record` takes plan_cycle."]


def people(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return everybody with presence and roles."""
    words = Words(body, zone)
    table = Table(("name", "handle", "presence", "since", "roles", "identifier"))
    rows = body["people"]
    for identifier, row in rows.items() if isinstance(rows, dict) else ((row["id"], row) for row in rows):
        presence = row.get("presence") or {}
        value: Any = presence.get("value", presence) if isinstance(presence, dict) else {"word": presence}
        word = str(value.get("word", "–")).replace("_", " ")
        if value.get("acting_owner"):
            word += f", {words.person(value['acting_owner'])} acts"
        since = presence.get("effective_at") if isinstance(presence, dict) else row.get("since")
        roles = ", ".join(row.get("roles", ()))
        table.row(row.get("name"), row.get("handle"), word, words.day(since), roles, identifier)
    return [table]


def teams(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return the teams and what they are part of."""
    words = Words(body, zone)
    table = Table(("team", "part of", "identifier"))
    rows = body["teams"]
    for identifier, row in rows.items() if isinstance(rows, dict) else ((row["id"], row) for row in rows):
        parent = row.get("parent")
        parent = parent.get("value") if isinstance(parent, dict) else parent
        table.row(words.team(identifier), words.team(parent), identifier)
    return [table] if table.rows else ["No team has been formed; `record` takes form_team."]


def policy(body: Body, _: ZoneInfo) -> list[Block]:
    """Return every parameter of the policy that rules."""
    told = body["policy"]
    version = body.get("version", told.get("version"))
    table = Table(("parameter", "value"))
    for name, value in told.get("policy", told).items():
        table.row(name, plain(value))
    return [f"Policy version {version}", table]
