"""The security log as it is told: to a steward or an auditor whole, to an operator without what it was about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aggregates.access import OFFICES
from aggregates.values import instant_text
from aggregates.world import state_of
from ledger.security import Line
from ledger.store import Ledger


def told(ledger: Ledger, reader: str, after: int, limit: int) -> dict[str, Any]:
    """Return `{lines: [{number, at, actor, token, action, subject, outcome, request, door, times}], people,
    next_after}`.

    `subject` is null for whoever holds neither of the offices that see the record.
    """
    state = state_of(ledger.world(), reader)
    whole = state is not None and bool(state.roles & OFFICES)
    lines = ledger.security.page(after, limit)
    names = ledger.directory.names()
    actors = {UUID(line.actor.partition(":")[2]) for line in lines if line.actor}
    return {
        "lines": [_line(line, whole=whole) for line in lines],
        "people": {
            str(one): {"name": names[one].display_name, "handle": names[one].handle, "kind": names[one].kind}
            for one in sorted(actors & names.keys())
        },
        "next_after": lines[-1].number if lines else after,
    }


def _line(line: Line, *, whole: bool) -> dict[str, Any]:
    return {
        "number": line.number,
        "at": instant_text(line.at),
        "actor": line.actor,
        "token": None if line.token is None else str(line.token),
        "action": line.action,
        "subject": line.subject if whole else None,
        "outcome": line.outcome,
        "request": None if line.request is None else str(line.request),
        "door": line.door,
        "times": line.times,
    }
