"""Upgrades: while others read and write, beside an older program, past one that must not go on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import orjson
import psycopg
import pytest
from psycopg import sql

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger import migrate as migrating
from ledger.identifiers import new_id
from ledger.migrate import MigrationError, migrate, prepare, survey
from ledger.place import Connection, Place
from ledger.receipts import IdempotencyKey
from ledger.releases import migrations
from ledger.schema import difference
from ledger.settings import Settings
from ledger.store import Ledger
from projections import tables
from replay.engine import Engine
from replay.questions import Reader
from replay.verify import verify
from tests.badday.conftest import Release
from tests.badday.test_faults import served
from tests.laws.shelf import Book, Shelf
from tests.ledger.helpers import forming
from tests.waiting import PATIENCE, until

OURS = migrations()[-1].number
SERVES_US = f"-- A table more.\n-- serves: {OURS}\n\ncreate table {{schema}}.later (one integer);\n"
NEEDS_ITSELF = "create table {schema}.later (one integer);\n"
LOCKS = "alter table {schema}.receipts add column note text;\n"
BUILDS = (
    "-- concurrently\n\ndrop index concurrently if exists {schema}.entries_of_a_test;\n"
    "create index concurrently entries_of_a_test on {schema}.entries (name, position);\n"
)


# -- two releases side by side


def test_an_older_program_goes_on_beside_a_newer_one_that_serves_it(
    ledger: Ledger, settings: Settings, steward: str, release: Release
) -> None:
    """Given a later release that still serves this one, when it migrated, then this one starts, says so, and works."""
    with pytest.MonkeyPatch.context() as later:
        later.setattr("ledger.releases.migrations", _with(SERVES_US))
        migrate(settings)
        assert difference(ledger) is None
    assert difference(ledger) is None
    told = prepare(settings)
    assert "is of a later release" in told[0]
    assert "still serves this one" in told[0]
    with Ledger.open(settings) as again:
        assert again.execute("A", forming(new_id()), by=steward).position == 5
    assert [one.name for one in survey(settings).ahead] == ["9001_of_a_test"]


def test_an_older_program_on_a_newer_ledger_is_refused_with_a_sentence(
    ledger: Ledger, settings: Settings, release: Release
) -> None:
    """Given a later release that no longer serves this one, then this one names both and says what to do, and a server
    of it that still runs says at its readiness that it has to go."""
    with pytest.MonkeyPatch.context() as later:
        later.setattr("ledger.releases.migrations", _with(SERVES_US, NEEDS_ITSELF.replace("later", "latest")))
        migrate(settings)
    with pytest.raises(MigrationError) as refused:
        prepare(settings)
    told = str(refused.value)
    assert "made by a later release" in told
    assert "9002_of_a_test serves programs that know 9002 or later" in told
    assert f"knows them up to {OURS}" in told
    assert "Use that release or a later one here" in told
    assert difference(ledger) == told


def test_a_program_that_may_not_migrate_by_itself_says_what_is_to_be_done(
    ledger: Ledger, settings: Settings, release: Release
) -> None:
    release(SERVES_US)
    with pytest.raises(MigrationError, match=r"9001_of_a_test has not been applied.*strategy-ledger upgrade"):
        prepare(settings, upgrade=False)
    assert [one.name for one in survey(settings).pending] == ["9001_of_a_test"]
    assert "is of an earlier release" in (difference(ledger) or "")
    prepare(settings)
    assert survey(settings).pending == []
    assert difference(ledger) is None


# -- while others read and write


def test_others_read_and_write_while_a_ledger_is_migrated(
    ledger: Ledger, settings: Settings, steward: str, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given somebody who reads for long what a migration changes and writers who go on, when the ledger is migrated,
    then nobody gets an error or waits longer than the migration may hold them, and it is done once the reader is."""
    monkeypatch.setattr(
        migrating, "PATIENCE", 1_000_000
    )  # it never gives up, and whom it held, it would hold for ever
    release(SERVES_US, LOCKS, BUILDS)
    before = ledger.head().position
    written: list[int] = []
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            receipt = ledger.execute("A", forming(new_id()), by=steward)
            ledger.read_page(0, 5)
            written.append(receipt.position)

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write) for _ in range(2)]
        with _reading(settings) as reader:
            migration = pool.submit(migrate, settings)
            until(lambda: len(written) > 40)
            assert not migration.done()
            assert reader.execute("select count(*) from receipts").fetchone() is not None
        migration.result(PATIENCE)
        ended.set()
        for writer in writers:
            writer.result(PATIENCE)
    assert ledger.head().position >= before + len(written)
    assert survey(settings).pending == []
    with ledger.pool.connection() as connection:
        row = connection.execute(
            "select indisvalid from pg_index where indexrelid = 'entries_of_a_test'::regclass"
        ).fetchone()
    assert row == (True,)


def test_a_migration_that_gets_no_lock_gives_up_and_leaves_nothing_half_done(
    ledger: Ledger, settings: Settings, steward: str, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(SERVES_US, LOCKS)
    alone = migrating._alone

    @contextmanager
    def alone_and_hasty(connection: Connection) -> Iterator[None]:
        with (
            alone(connection),
            pytest.MonkeyPatch.context() as hasty,
        ):  # others migrate theirs in this database too
            hasty.setattr(migrating, "PATIENCE", 0.2)
            hasty.setattr(migrating, "LOCK_MS", 50)
            yield

    with monkeypatch.context() as once, _reading(settings):
        once.setattr(migrating, "_alone", alone_and_hasty)
        with pytest.raises(MigrationError, match=r"somebody held.*Nothing was changed"):
            migrate(settings)
    assert [one.number for one in survey(settings).pending] == [9001, 9002]
    with ledger.pool.connection() as connection:
        assert connection.execute("select to_regclass('later')").fetchone() == (None,)
    assert ledger.execute("A", forming(new_id()), by=steward).position == 5
    migrate(settings)
    assert survey(settings).pending == []


def test_programs_that_start_together_migrate_once(
    ledger: Ledger, settings: Settings, release: Release
) -> None:
    release(SERVES_US, BUILDS)
    with ThreadPoolExecutor(4) as pool:
        for told in pool.map(lambda _: prepare(settings), range(4)):
            assert not any("earlier release" in sentence for sentence in told)
    assert [one.number for one in survey(settings).applied][-2:] == [9001, 9002]


# -- the answers of a new release


def test_who_asks_while_the_answers_are_made_anew_is_told_to_come_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a server whose tables of answers are another release's, while it builds its own, then readers are told
    within a bounded time, commands are recorded, the earlier release goes on, and it answers once they are built."""
    with shelf.company() as (book, company):
        earlier = book.ledger.head().position
        monkeypatch.setattr(tables, "REVISION", tables.REVISION + 1)
        engine = Engine(book.ledger)
        later = Book(book.settings, book.ledger, engine, Reader(book.ledger, engine))
        with served(later, company.steward, patience=0.2) as client:
            with book.ledger.pool.connection() as holder, holder.transaction():
                engine.control.lock(holder, "generations")  # the building gets no further
                told = [client.get("/v1/cycles/first/board"), client.get("/v1/entries")]
                ready, alive = client.get("/v1/ready"), client.get("/v1/health")
                recorded = client.post("/v1/teams", json={"name": "Meanwhile"})
            for answer in told:
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                assert answer.json()["type"] == "/v1/problems/answers_are_being_made"
                assert "ask again in a moment" in answer.json()["detail"]
            assert (ready.status_code, ready.json()["status"]) == (503, "being_made")
            assert alive.status_code == 200
            assert (recorded.status_code, recorded.json()["position"]) == (201, earlier + 1)
            until(lambda: client.get("/v1/cycles/first/board").status_code == 200)
            board = client.get("/v1/cycles/first/board", params={"min_position": earlier + 1})
            assert board.json()["basis"]["position"] == earlier + 1
            assert client.get("/v1/ready").json()["status"] == "ready"


# -- a ledger that release 0.1.0 left


def test_a_ledger_of_an_earlier_release_goes_on(settings: Settings, shelf: Shelf) -> None:
    """Given a ledger as 0.1.0 left it, when this release is started on it, then it is migrated, verifies, answers the
    old keys with their first receipts, takes the old token and new commands, and exports the bytes of then."""
    _left_by(settings, "0.1.0")
    _goes_on(settings, shelf)


def _with(*texts: str) -> Callable[[], list[migrating.Migration]]:
    ours = migrations()
    more = [migrating.Migration(9_000 + n, f"{9_000 + n}_of_a_test", text) for n, text in enumerate(texts, 1)]
    return lambda: [*ours, *more]


@contextmanager
def _reading(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Hold a transaction that has read the receipts."""
    with Ledger.open(settings) as own, own.pool.connection() as connection, connection.transaction():
        connection.execute("select count(*) from receipts")
        yield connection


FIXTURES = Path(__file__).parent.parent / "fixtures"
KEYED = IdempotencyKey("weekly value 2024-05-06", b"the value of the sixth of May")
OLD_TOKEN = "sl_guAzXNPKt4oRZb19rK1VdBmONBmDPpb70YQ_mIhtviI"


def _left_by(settings: Settings, release: str) -> None:
    """Load the schema that a release left, with its rows."""
    text = (FIXTURES / f"release-{release}" / "ledger.sql").read_text().replace("{schema}", settings.schema)
    with Place.open(settings) as place, psycopg.connect(place.owner_url) as connection:
        roles = [place.owner_role, place.auditor_role, place.application_role]
        for role in roles:
            login = sql.SQL("login" if place.embedded and role == place.application_role else "nologin")
            connection.execute(sql.SQL("create role {} {}").format(sql.Identifier(role), login))
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
        connection.execute("set local check_function_bodies = off")
        connection.execute(text.encode())


def _goes_on(settings: Settings, shelf: Shelf) -> None:
    given = (FIXTURES / "release-0.1.0" / "ledger.jsonl").read_bytes()
    plan = survey(settings)
    assert [one.name for one in plan.applied] == ["0001_entries", "0002_append", "0003_beside"]
    prepare(settings)
    assert survey(settings).pending == []
    with shelf.opened(settings) as book:
        ledger = book.ledger
        assert b"".join(ledger.export()) == given
        assert verify(ledger, pairs=6, engine=book.engine).clean
        with book.engine.reading() as reading:
            assert reading.generation.number == 2
            assert reading.position == given.count(b"\n")
        actor = ledger.tokens.actor_of(OLD_TOKEN)
        assert actor is not None
        keyed = [raw for raw in book.entries() if b'"idempotency"' in raw.data]
        by = orjson.loads(keyed[0].data)["by"]
        again = ledger.execute(None, decide, by=by, idempotency=KEYED)
        assert (again.replayed, again.first_position) == (True, keyed[0].position)
        taken = ledger.execute(
            COMMANDS["form_team"].model_validate({"team": new_id(), "name": "After the upgrade"}),
            decide,
            by=actor,
        )
        assert taken.position == given.count(b"\n") + 1
        with pytest.raises(psycopg.DatabaseError, match="stays as it is"), ledger.place.as_owner() as owner:
            owner.execute("delete from entries where position = 1")


def test_what_was_released_is_never_changed() -> None:
    """The migrations that made a released ledger are those of today, byte for byte; what changes comes in new ones."""
    ours = {one.name: one.digest for one in migrations()}
    released = list(FIXTURES.glob("release-*/ledger.sql"))
    assert released
    for path in released:
        applied = re.findall(r"\(\d+, '(\d{4}_\w+)', '([0-9a-f]{64})'", path.read_text())
        assert applied
        for name, digest in applied:
            assert ours[name] == digest, (
                f"{name} was changed after {path.parent.name}; write a new migration instead"
            )
