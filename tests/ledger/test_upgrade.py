"""Start-up finds a schema of this release, of a later one, or one that was made otherwise."""

from __future__ import annotations

import pytest

from ledger.migrate import MigrationError, prepare
from ledger.settings import Settings
from ledger.store import Ledger


def test_a_schema_of_this_release_is_left_as_it_is(ledger: Ledger, settings: Settings) -> None:
    before = ledger.head().position
    prepare(settings)
    assert ledger.head().position == before


def test_a_schema_of_a_later_release_is_refused_with_a_sentence(ledger: Ledger, settings: Settings) -> None:
    with ledger.place.as_owner() as owner:
        owner.execute("insert into migrations (number, name, digest) values (9999, 'from_the_future', 'x')")
        owner.commit()
    with pytest.raises(MigrationError, match="later release"):
        prepare(settings)


def test_a_migration_that_was_changed_afterwards_is_refused(ledger: Ledger, settings: Settings) -> None:
    with ledger.place.as_owner() as owner:
        owner.execute("update migrations set digest = 'another' where number = 2")
        owner.commit()
    with pytest.raises(MigrationError, match="is not the one that made the schema"):
        prepare(settings)
