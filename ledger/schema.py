"""Whether a ledger's schema is of this release: asked by a server that runs, while somebody else may migrate."""

from __future__ import annotations

from ledger.releases import MigrationError, plan_of
from ledger.store import Ledger


def difference(ledger: Ledger) -> str | None:
    """Return in words why this program must not work on the schema; None where it may, as in a rollout."""
    with ledger.pool.connection() as connection:
        plan = plan_of(connection, ledger.schema)
    try:
        plan.check()
    except MigrationError as error:
        return str(error)
    missing = [one.name for one in plan.pending if not one.concurrently and not plan.ahead]
    return f"{plan.sentence()} Run `strategy-ledger upgrade`, or restart this server." if missing else None
