"""Migrating: numbered SQL files, applied once and in order by the role that owns the ledger, while others go on.

What is pending is one transaction: it takes its locks within half a second or gives them back and tries again, so that
nobody who reads or appends waits longer than that. Only one program migrates at a time, and none waits inside the
database for another, because what is built concurrently would wait for it in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors, sql

from ledger.place import Connection, Place, quoted
from ledger.releases import Migration, MigrationError, Plan, migrations, plan_of, release
from ledger.settings import Settings

__all__ = ["Migration", "MigrationError", "migrate", "migrate_place", "migrations", "prepare", "survey"]

LOCK_MS = 500
"""How long a migration waits for a lock; whoever comes after it waits behind it meanwhile."""
PATIENCE = 60.0
"""Seconds after which a migration that gets no lock gives up."""
_PAUSE = 0.02
_LONGEST_PAUSE = 2.0
_KEY = "select {}(hashtextextended('strategy-ledger migrations', 0))"


def migrate(settings: Settings) -> list[str]:
    """Bring the schema of these settings to this release and return sentences on what is weaker than it could be.

    Raises MigrationError when the schema is of a release that serves this one no more, when a migration was changed
    afterwards, or when somebody holds a lock for too long; the schema is then as it was.
    """
    with Place.open(settings) as place:
        return migrate_place(place)


def survey(settings: Settings) -> Plan:
    """Return what stands between the schema of these settings and this release; nothing is changed."""
    with Place.open(settings) as place:
        return _survey(place)


def prepare(settings: Settings, *, upgrade: bool = True) -> list[str]:
    """Bring the schema to this release at start-up where this login may, and return what is weaker than it could be.

    A login that may only use the ledger is enough while nothing has to be migrated; with `upgrade` false nothing is
    migrated. Raises MigrationError.
    """
    with Place.open(settings) as place:
        plan = _survey(place)
        plan.check()
        if plan.pending and not upgrade:
            raise MigrationError(
                f"{plan.sentence()} Run `strategy-ledger upgrade`, or let the server do it at its start."
            )
        told = plan.sentence() if plan.ahead else None
        try:
            return [*([told] if told else []), *migrate_place(place)]
        except psycopg.errors.InsufficientPrivilege as error:
            if not plan.pending:
                return [told] if told else []
            raise MigrationError(
                f"The schema {place.schema} has to be migrated, and this login may not; name one that may in "
                "STRATEGY_LEDGER_MIGRATE_URL."
            ) from error


def migrate_place(place: Place) -> list[str]:
    """Bring the schema of a place to this release; see `migrate`."""
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("select pg_catalog.set_config('search_path', 'pg_catalog', false)")
        version = connection.info.server_version
        if version < 150_000:
            raise MigrationError(
                f"The server is PostgreSQL {version // 10_000}; version 15 or later is needed."
            )
        with _alone(connection):
            weaker = _patiently(place, lambda: _upgrade(connection, place))
            return [*weaker, *_build(connection, place)]


def _survey(place: Place) -> Plan:
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        if not place.take_on(connection, place.owner_role):
            place.take_on(connection, place.application_role)
        return plan_of(connection, place.schema)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Hold the right to migrate in this database; looks for it again and again, without waiting in the database."""
    deadline = time.monotonic() + PATIENCE
    while connection.execute(_KEY.format("pg_try_advisory_lock").encode()).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise MigrationError(
                "Another program has been migrating in this database for a minute; try again."
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("reset role")
            connection.execute(_KEY.format("pg_advisory_unlock").encode())


def _patiently(place: Place, work: Callable[[], list[str]]) -> list[str]:
    """Return what a piece of work comes to that gives up as soon as it would keep others waiting."""
    deadline, pause = time.monotonic() + PATIENCE, _PAUSE
    while True:
        try:
            return work()
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise MigrationError(
                    f"The schema {place.schema} could not be migrated: for {PATIENCE:.0f} seconds somebody held "
                    "what has to be changed, such as a backup or a long query. Nothing was changed; run "
                    "`strategy-ledger upgrade` when it is done."
                ) from error
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _upgrade(connection: Connection, place: Place) -> list[str]:
    """Apply what is pending, with roles and rights, in one transaction, or nothing of it."""
    with connection.transaction():
        weaker, grantee = _roles(connection, place)
        if _schema(connection, place):  # it is of this transaction, so nobody holds anything in it
            connection.execute("set local lock_timeout = 0")
        else:
            connection.execute(f"set local lock_timeout = '{LOCK_MS}ms'".encode())
        _apply(connection, place)
        _grant(connection, place, grantee)
        return weaker


def _build(connection: Connection, place: Place) -> list[str]:
    """Carry out what is built concurrently; readers and writers go on, so it may have to wait for them."""
    plan = plan_of(connection, place.schema)
    for migration in plan.pending if not plan.ahead else []:
        connection.execute(f"set lock_timeout = {int(PATIENCE * 1_000)}".encode())
        try:
            for statement in _statements(migration.statement(place.schema)):
                connection.execute(statement.encode())
        except errors.LockNotAvailable:
            return [
                f"{migration.name} is still to be carried out: somebody has been reading for long. Nothing but speed "
                "depends on it; run `strategy-ledger upgrade` again."
            ]
        finally:
            connection.execute("set lock_timeout = 0")
        _note(connection, place, migration)
    return []


def _roles(connection: Connection, place: Place) -> tuple[list[str], str | None]:
    """Make the roles where that is allowed; return what is weaker and who gets the application's rights."""
    row = connection.execute(
        "select rolname, rolsuper, rolsuper or rolcreaterole from pg_roles where rolname = current_user"
    ).fetchone()
    me, superuser, may_create = row if row else ("", False, False)
    application = me if place.same_login and not place.embedded else _login(place)
    needed = {place.owner_role, place.application_role, place.auditor_role}
    roles = [place.owner_role, place.application_role, place.auditor_role, place.reader_role]
    known = {
        name
        for (name,) in connection.execute(
            "select rolname from pg_roles where rolname = any (%s)", [roles]
        ).fetchall()
    }
    if not may_create and not needed <= known:
        told = f"The role {me} may not create roles, so the ledger's tables belong to {me}"
        if application == me:
            return [
                f"{told} and the application, being the same role, could switch its protection off."
            ], None
        return [f"{told}, which could switch their protection off; the application cannot."], application
    weaker = []
    if not may_create and place.reader_role not in known:
        weaker.append(
            f"The role {me} may not create roles, so nobody reads the views for plain SQL (v1_…) but the application; "
            f"let an administrator create the role {place.reader_role}."
        )
    for role in roles if may_create else ():
        if role not in known:
            login = "login" if place.embedded and role == place.application_role else "nologin"
            connection.execute(sql.SQL(f"create role {{}} {login}").format(sql.Identifier(role)))
    if not superuser:
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(place.owner_role)))
    if application != me and not place.embedded:
        connection.execute(
            sql.SQL("grant {} to {}").format(
                sql.Identifier(place.application_role), sql.Identifier(application)
            )
        )
    elif not place.embedded:
        if not superuser:
            connection.execute(
                sql.SQL("grant {} to current_user").format(sql.Identifier(place.application_role))
            )
        weaker.append(
            f"The application logs in as {me}, which also made the ledger: it lays those rights down when it "
            "connects, but could take them up again. Give it a login of its own in STRATEGY_LEDGER_DATABASE_URL "
            "and this one in STRATEGY_LEDGER_MIGRATE_URL."
        )
    return weaker, place.application_role


def _login(place: Place) -> str:
    """Return the role as which the application logs in."""
    if place.embedded:
        return place.application_role
    with psycopg.connect(place.application_url) as connection:
        row = connection.execute("select session_user::text").fetchone()
    return str(row[0]) if row else ""


def _schema(connection: Connection, place: Place) -> bool:
    """Make the schema, owned by the owner's role where there is one, and act as that role; say if it is new."""
    there = connection.execute("select to_regnamespace(%s) is not null", [quoted(place.schema)]).fetchone()
    owner = connection.execute("select to_regrole(%s) is not null", [quoted(place.owner_role)]).fetchone()
    is_new = not (there and there[0])
    if is_new:
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(place.schema)))
        if owner and owner[0]:
            connection.execute(
                sql.SQL("alter schema {} owner to {}").format(
                    sql.Identifier(place.schema), sql.Identifier(place.owner_role)
                )
            )
    place.take_on(connection, place.owner_role)
    return is_new


def _apply(connection: Connection, place: Place) -> None:
    """Apply what is pending in this transaction; on a ledger that is not empty, what is built concurrently waits."""
    table = sql.Identifier(place.schema, "migrations")
    there = connection.execute(
        "select count(*) from pg_attribute where attrelid = to_regclass(%s) and attname in ('number', 'release')",
        [f"{quoted(place.schema)}.migrations"],
    ).fetchone()
    if there != (2,):
        connection.execute(
            sql.SQL(
                "create table if not exists {0} ("
                " number integer primary key, name text not null, digest text not null,"
                " applied_at timestamptz not null default now());"
                " alter table {0} add column if not exists serves integer;"
                " alter table {0} add column if not exists release text"
            ).format(table)
        )
    plan = plan_of(connection, place.schema)
    plan.check()
    if plan.ahead:  # an older program leaves a newer schema as it is
        return
    is_empty = not plan.applied
    for migration in plan.pending:
        if migration.concurrently and not is_empty:
            continue
        connection.execute(migration.statement(place.schema, alone=is_empty).encode())
        _note(connection, place, migration)


def _note(connection: Connection, place: Place, migration: Migration) -> None:
    connection.execute(
        sql.SQL("insert into {} (number, name, digest, serves, release) values (%s, %s, %s, %s, %s)").format(
            sql.Identifier(place.schema, "migrations")
        ),
        [migration.number, migration.name, migration.digest, migration.serves, release()],
    )


def _statements(text: str) -> list[str]:
    """Return the statements of what is built concurrently, which holds no semicolon inside a statement."""
    return [part for part in text.split(";") if part.strip()]


def _grant(connection: Connection, place: Place, grantee: str | None) -> None:
    """Give the application what it needs and no more: to read, to call, and to keep what stands beside the record."""
    schema = sql.Identifier(place.schema)
    statement = sql.SQL(
        "revoke all on schema {schema} from public; "
        "revoke all on all functions in schema {schema} from public; "
    ).format(schema=schema)
    if grantee is not None:
        statement += sql.SQL(
            "grant usage, create on schema {schema} to {grantee}; "
            "grant select on {schema}.head, {schema}.entries, {schema}.entries_json, {schema}.receipts,"
            " {schema}.settings, {schema}.migrations to {grantee}; "
            "grant select, insert on {schema}.security_log to {grantee}; "
            "grant select, insert, update, delete on {schema}.people, {schema}.aliases, {schema}.person_keys,"
            " {schema}.source_versions, {schema}.tokens to {grantee}; "
            "grant execute on function {schema}.append, {schema}.append_next, {schema}.append_each,"
            " {schema}.next_references, {schema}.position_at, {schema}.settle, {schema}.wait_for_appends to {grantee}; "
        ).format(schema=schema, grantee=sql.Identifier(grantee))
    auditor = connection.execute("select to_regrole(%s) is not null", [quoted(place.auditor_role)]).fetchone()
    if auditor and auditor[0]:
        statement += sql.SQL(
            "grant usage on schema {schema} to {auditor}; "
            "grant select on {schema}.head, {schema}.entries, {schema}.entries_json to {auditor}; "
        ).format(schema=schema, auditor=sql.Identifier(place.auditor_role))
    reader = connection.execute("select to_regrole(%s) is not null", [quoted(place.reader_role)]).fetchone()
    if reader and reader[0]:  # what it may select, the engine grants with the views
        statement += sql.SQL("grant usage on schema {schema} to {reader}; ").format(
            schema=schema, reader=sql.Identifier(place.reader_role)
        )
    connection.execute(statement)
