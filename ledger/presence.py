"""Whether there is a ledger where the settings point, asked without waiting and without making anything."""

from __future__ import annotations

import psycopg

from ledger.errors import is_lost
from ledger.place import Place, quoted
from ledger.settings import Settings


def is_starting(error: Exception, *, embedded: bool) -> bool:
    """Return whether a database that refused just now is on its way up, or down to come up again, as after a kill."""
    if not is_lost(error):
        return False
    state = getattr(error, "sqlstate", None) or ""
    return embedded or state.startswith("57P") or "the database system is" in str(error)


def may_be_there(settings: Settings) -> bool:
    """Return whether it is worth connecting: an embedded server's directory holds a server already."""
    return not settings.embedded or (settings.data_dir / "postgres").is_dir()


def is_there(place: Place) -> bool:
    """Return whether the schema of this place holds a ledger that has been created.

    Raises psycopg.Error where the database does not answer.
    """
    with psycopg.connect(place.owner_url, connect_timeout=10) as connection:
        place.take_on(connection, place.application_role)
        head = f"{quoted(place.schema)}.head"
        row = connection.execute("select to_regclass(%s) is not null", [head]).fetchone()
        if row is None or not row[0]:
            return False
        found = connection.execute(f"select ledger is not null from {head}".encode()).fetchone()  # noqa: S608
        return bool(found and found[0])
