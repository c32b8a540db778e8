"""`upgrade`: the ledger of an earlier release brought to this one."""

from __future__ import annotations

import sys
from typing import Any

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.page import show, write_json
from api.cli.place import PLACE


def upgrade(*, check: bool, json: bool) -> None:
    """Say what stands between the ledger and this release, and do away with it unless it is only to be checked."""
    from ledger.migrate import prepare, survey
    from ledger.presence import may_be_there
    from ledger.releases import release

    settings = PLACE.settings()
    plan = survey(settings) if may_be_there(settings) else None
    if plan is None or not plan.applied:
        raise Fault(Code.UNAVAILABLE, f"There is no ledger {settings.schema!r} to upgrade.")
    plan.check()
    pending = plan.pending if not plan.ahead else []
    told: dict[str, Any] = {
        "release": release(),
        "schema": plan.schema,
        "applied": [one.name for one in plan.applied],
        "pending": [one.name for one in pending],
        "serves": plan.serves,
        "done": not check,
    }
    if not json:
        show(_lines(told, plan.sentence() if plan.ahead else None))
    if not check:
        for sentence in prepare(settings):
            sys.stderr.write(f"strategy-ledger: {sentence}\n")
        if not json and pending:
            show(["Done. Restart the servers of the earlier release one after the other."])
    if json:
        write_json(told)


def _lines(told: dict[str, Any], ahead: str | None) -> list[str]:
    """Return what is told of an upgrade before it is done."""
    if ahead is not None:
        return [ahead]
    if not told["pending"]:
        return [
            f"The schema {told['schema']} is of this release ({told['release']}); nothing has to be done."
        ]
    return [
        f"The schema {told['schema']} is at {told['applied'][-1]}; this release ({told['release']}) applies:",
        *(f"  {name}" for name in told["pending"]),
        f"Programs that know migration {told['serves']} or later go on working beside this one; others are refused "
        "when they start.",
    ]
