"""The life of a ledger as a whole: created once, exported as lines, restored from them into an empty one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from psycopg.types.json import Jsonb

from aggregates.entry import ORGANISATION, Circumstances, Event, stream_of
from aggregates.near import near, near_is
from aggregates.organisation.events import LedgerCreated, PolicyAdopted
from aggregates.person.events import PersonJoined, RoleGranted
from aggregates.policy import DEFAULT_POLICY, Policy
from ledger.appends import append
from ledger.codec import encode
from ledger.copying import RestoreRefused
from ledger.directory import Somebody, checked, write
from ledger.errors import LedgerExists
from ledger.identifiers import new_id
from ledger.keys import MasterKey
from ledger.migrate import migrate_place
from ledger.place import Place
from ledger.restore import Restored, restore
from ledger.settings import Settings
from ledger.tokens import insert_token

__all__ = ["Created", "RestoreRefused", "Restored", "ZoneIsUnknown", "initialise", "restore"]


class ZoneIsUnknown(ValueError):
    """This time zone is not known; name one such as Europe/Berlin."""

    code = "zone_is_unknown"


@dataclass(frozen=True, slots=True)
class Created:
    """A new ledger: its identifier, its first steward, the steward's token (shown once), and what is weaker."""

    ledger: UUID
    steward: UUID
    token: str
    position: int
    weaker: tuple[str, ...]


def initialise(
    settings: Settings,
    organisation: str,
    zone: str,
    *,
    steward_name: str,
    steward_handle: str | None = None,
    steward_email: str | None = None,
    policy: Policy = DEFAULT_POLICY,
    demonstration: bool = False,
) -> Created:
    """Create a ledger: migrate its schema, make its master key, record its first four entries, issue a token.

    Raises LedgerExists, ZoneIsUnknown, MasterKeyError, ValueError. Either all of it happens or none, the file of the
    master key excepted.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        told = near_is(near(zone, sorted(available_timezones()))) or "name one such as Europe/Berlin"
        raise ZoneIsUnknown(f"{zone!r} is no time zone; {told}.") from error
    ledger, steward = new_id(), new_id()
    actor, person = (
        stream_of("person", steward),
        Somebody(steward, "person", steward_name, steward_handle, steward_email),
    )
    person = checked(person)
    events: list[tuple[str, int, Event]] = [
        (
            ORGANISATION,
            1,
            LedgerCreated(ledger=ledger, organisation=organisation, zone=zone, demonstration=demonstration),
        ),
        (ORGANISATION, 2, PolicyAdopted(version=1, policy=policy)),
        (actor, 1, PersonJoined()),
        (actor, 2, RoleGranted(role="steward")),
    ]
    circumstances = Circumstances(by=actor, request=new_id())
    with Place.open(settings) as place:
        weaker = migrate_place(place)
        with place.as_owner() as connection:
            row = connection.execute("select ledger from head for update").fetchone()
            if row is not None and row[0] is not None:
                raise LedgerExists
            master = MasterKey.load_or_make(settings)
            data = [encode(stream, version, circumstances, event) for stream, version, event in events]
            appended = append(connection, data, {})
            write(connection, person)
            token = insert_token(connection, actor, "first steward")
            connection.execute(
                "insert into settings (name, value) values ('master_key_check', %s)",
                [Jsonb(master.check(ledger))],
            )
    return Created(ledger, steward, token, appended.position, tuple(weaker))
