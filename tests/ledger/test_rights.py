"""What the database itself refuses, to the application and to the owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from ledger.errors import is_gone
from ledger.lifecycle import initialise
from ledger.migrate import migrate, prepare
from ledger.place import Place, quoted
from ledger.settings import Settings, load_settings
from ledger.store import Ledger

CHANGES = [
    "update entries set name = 'x.y' where position = 2",
    "delete from entries where position = 2",
    "truncate entries",
]


@pytest.fixture
def roles(untouched: Ledger) -> None:
    """Skip where the server's login may not create roles, as a sentence at start-up says."""
    with untouched.pool.connection() as connection:
        row = connection.execute(
            "select to_regrole(%s) is not null", [quoted(untouched.place.owner_role)]
        ).fetchone()
    if not (row and row[0]):
        pytest.skip("this server's login may not create roles, so the application has the owner's rights")


@pytest.mark.parametrize("statement", CHANGES)
def test_the_owner_cannot_change_what_was_recorded(untouched: Ledger, statement: str) -> None:
    with (
        pytest.raises(psycopg.errors.DatabaseError, match="stays as it is"),
        untouched.place.as_owner() as owner,
    ):
        owner.execute(statement)
    assert len(untouched.read_page(0, 10)) == 4


@pytest.mark.parametrize(
    "statement",
    [
        *CHANGES,
        "insert into entries values (5, now(), 'team:x', 1, 'team.formed', 'x')",
        "update head set position = 99",
        "delete from head",
        "insert into receipts values ('a', 'b', 'c', 1, 1)",
        "alter table entries disable trigger all",
        "select setval('reference_obj', 1)",
        "insert into settings values ('restored', '{}')",
    ],
)
@pytest.mark.usefixtures("roles")
def test_the_application_may_only_read_and_call(untouched: Ledger, statement: str) -> None:
    with (
        untouched.pool.connection() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege) as denied,
    ):
        connection.execute(statement)
    assert not is_gone(denied.value)  # a right that is missing is not a ledger that is


@pytest.mark.usefixtures("roles")
def test_the_application_cannot_become_somebody_else(untouched: Ledger) -> None:
    if untouched.place.same_login:
        pytest.skip(
            "the application logs in as the role that made the ledger, as a sentence at start-up says"
        )
    with untouched.pool.connection() as connection:
        for role in (untouched.place.owner_role, "postgres"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"set role {role}")


def test_what_the_application_plants_is_not_called(ledger: Ledger) -> None:
    """Given a function of the application's own with a name that the append uses, then the append is not fooled."""
    with ledger.pool.connection() as connection:
        connection.execute(
            "create function clock_timestamp() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$"
        )
    assert ledger.position_at(ledger.head().now) == 4


def test_migrating_again_changes_nothing(settings: Settings, ledger: Ledger) -> None:
    assert migrate(settings) == migrate(settings)
    assert ledger.head().position == 4


@pytest.mark.parametrize(
    "statement",
    ["update security_log set actor = null", "delete from security_log", "truncate security_log"],
)
def test_the_application_changes_nothing_in_the_security_log(
    ledger: Ledger, roles: None, statement: str
) -> None:
    ledger.security.note("refused", "read", door="http")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ledger.pool.connection() as connection:
        connection.execute(statement)
    assert len(ledger.security.page()) == 1


@pytest.fixture
def without_roles(server_environ: dict[str, str], new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Settings of a login that may make schemas and no roles, for a ledger that does not exist yet."""
    usual = new_settings()
    login, secret = f"{usual.schema}_login", "only-for-this-test"
    with Place.open(usual) as place:
        owner_url = place.owner_url
    split = urlsplit(owner_url)
    netloc = f"{login}:{secret}@{split.netloc.rpartition('@')[2]}"
    with psycopg.connect(owner_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("create role {} login nocreaterole password {}").format(sql.Identifier(login), secret)
        )
        connection.execute(
            sql.SQL("grant create on database {} to {}").format(database, sql.Identifier(login))
        )
        yield load_settings(
            {
                **server_environ,
                "STRATEGY_LEDGER_SCHEMA": usual.schema,
                "STRATEGY_LEDGER_DATABASE_URL": urlunsplit(split._replace(netloc=netloc)),
                "STRATEGY_LEDGER_MIGRATE_URL": "",
            }
        )
        superuser = connection.execute("select from pg_roles where rolname = current_user and rolsuper")
        if not superuser.rowcount:
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(login)))
        connection.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(login)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


def test_where_roles_cannot_be_created_it_is_said_what_is_weaker(without_roles: Settings) -> None:
    """Given a login that may make no roles, the ledger works, and init and every start say what is weaker."""
    created = initialise(without_roles, "Example Works", "Europe/Berlin", steward_name="Ada Example")
    (said,) = created.weaker
    assert "may not create roles" in said
    assert "could switch its protection off" in said
    assert prepare(without_roles) == [said]
    with Ledger.open(without_roles) as ledger:
        assert ledger.head().position == 4
        with (
            ledger.pool.connection() as connection,
            pytest.raises(psycopg.errors.DatabaseError, match="stays as it is"),
        ):
            connection.execute("delete from entries where position = 2")
