"""Whether there is a ledger where the settings point, asked without waiting and without making anything."""

from __future__ import annotations

import psycopg

from ledger.place import Place, quoted
from ledger.settings import Settings


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
