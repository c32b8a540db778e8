"""The one kind of ledger that may be thrown away: a demonstration."""

from __future__ import annotations

from psycopg import sql

from aggregates.refusals import Conflict
from ledger.place import Place
from ledger.settings import Settings


class IsNoDemonstration(Conflict):
    """This ledger is not a demonstration; it is kept."""


def discard(settings: Settings) -> None:
    """Drop the schema of a demonstration, with its owner's rights.

    One that holds no entry was broken off while it was made. Raises IsNoDemonstration where entry 1 does not say that
    the ledger is one.
    """
    with Place.open(settings) as place, place.as_owner() as connection:
        row = connection.execute(
            "select convert_from(data, 'UTF8')::jsonb #>> '{body,demonstration}' from entries where position = 1"
        ).fetchone()
        if row is not None and row[0] != "true":
            raise IsNoDemonstration(
                f"The ledger in schema {settings.schema!r} is not a demonstration; it is kept."
            )
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(settings.schema)))
        connection.commit()
