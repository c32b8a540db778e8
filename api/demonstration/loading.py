"""The demonstration in a ledger of its own: generated, sealed with real keys, restored, renewed when it is stale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from aggregates.values import day_of
from api.demonstration.people import ADDRESS, NAMES, STEWARD, ZONE
from api.demonstration.player import demonstration_id, rehearse
from api.demonstration.script import Script
from ledger.demonstration import IsNoDemonstration, discard
from ledger.directory_file import Written, sealed
from ledger.keys import Keys, MasterKey
from ledger.lifecycle import restore
from ledger.migrate import MigrationError, migrate
from ledger.place import Connections
from ledger.settings import Settings
from ledger.store import Ledger

SCHEMA = "demo"
STALE_AFTER = timedelta(days=7)
"""A demonstration that was made longer ago is made anew, so that its running quarter is in its eighth week."""
_BEFORE_NOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading did: how many entries were made just now (0: the ledger was there), and why."""

    made: int
    renewed: bool = False


def settings_of(settings: Settings) -> Settings:
    """Return the settings of the demonstration: never the user's ledger, neither its data nor its keys.

    It has a schema and a directory of its own, beside the directory of the user's ledger.
    """
    directory = settings.data_dir.with_name(f"{settings.data_dir.name}-{SCHEMA}")
    return replace(
        settings,
        data_dir=directory,
        schema=SCHEMA,
        master_key_file=directory / "master.key",
        master_key=None,
        token=None,
    )


def load(settings: Settings) -> Loaded:
    """Make the demonstration's ledger where there is none, and make it anew where it is stale.

    `settings` are those of `settings_of`. Raises IsNoDemonstration where another ledger lives there.
    """
    try:
        migrate(settings)
    except MigrationError:  # another release made it; nothing in a demonstration is worth keeping
        discard(settings)
        migrate(settings)
    with Ledger.open(settings) as ledger:
        if ledger.identifier is None:
            return Loaded(_make(ledger))
        restored = ledger.restored()
        if not restored or not restored.get("demonstration"):
            raise IsNoDemonstration(
                f"The schema {settings.schema!r} holds a ledger that is not the demonstration; it is kept. "
                "Choose another place with --data-dir."
            )
        if ledger.head().now - datetime.fromisoformat(restored["at"]) <= STALE_AFTER:
            return Loaded(0)
    discard(settings)
    migrate(settings)
    with Ledger.open(settings) as ledger:
        return Loaded(_make(ledger), renewed=True)


def token_file_of(ledger: Ledger, settings: Settings) -> Path:
    """Return the file beside the demonstration that keeps a token of its steward; it is never printed."""
    kept = settings.data_dir / "demo.token"
    token = kept.read_text(encoding="ascii").strip() if kept.exists() else ""
    if not token or ledger.tokens.actor_of(token) is None:
        steward = ledger.directory.lookup(STEWARD)
        token = ledger.tokens.issue(f"person:{steward}", "demonstration")
        handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"{token}\n")
    return kept


def _make(ledger: Ledger) -> int:
    """Generate the company's three quarters up to now, and restore them into this empty ledger."""
    settings, now = ledger.settings, ledger.head().now
    today = day_of(now, ZoneInfo(ZONE))
    identifier = demonstration_id(today)
    master = MasterKey.load_or_make(settings)
    keys = Keys(Connections(ledger.pool), settings, identifier)
    stage, script = rehearse(today, now - _BEFORE_NOW, identifier, keys.seal)
    restore(
        settings,
        (line + b"\n" for line in stage.lines()),
        sealed(directory_of(script), identifier, master, lambda: Written(stage.position, now.isoformat())),
        demonstration=True,
    )
    return stage.position


def directory_of(script: Script) -> Iterator[bytes]:
    """Give the lines of the directory's file: the company's people, without keys."""
    for handle, name in NAMES.items():
        person: UUID = script.person(handle)
        yield (
            orjson.dumps(
                {
                    "table": "people",
                    "actor": str(person),
                    "kind": "person",
                    "display_name": name,
                    "handle": handle,
                    "email": f"{handle}@{ADDRESS}",
                }
            )
            + b"\n"
        )
