"""Migrations: numbered SQL files, applied once and in order under a lock, by the role that owns the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

from ledger import limits
from ledger.codec import MEMBERS
from ledger.place import Connection, Place, quoted
from ledger.settings import Settings


class MigrationError(Exception):
    """The ledger's schema cannot be brought to this release."""

    code = "migration_error"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: what it is called and its SQL, with `{schema}` and the limits still to be filled in."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statement(self, schema: str) -> str:
        """Return the SQL for one ledger."""
        text = self.text.replace("{schema}", quoted(schema))
        for name, value in (
            ("events_per_append", f"{limits.EVENTS_PER_APPEND}"),
            ("reads_per_append", f"{limits.READS_PER_APPEND}"),
            ("bytes_per_entry", f"{limits.BYTES_PER_ENTRY}"),
            ("bytes_per_append", f"{limits.BYTES_PER_APPEND}"),
            ("clock_bound", f"interval '{limits.CLOCK_BOUND_SECONDS} seconds'"),
            ("lock_bound", f"'{limits.LOCK_SECONDS}s'"),
            ("known_members", "'{" + ",".join(MEMBERS) + "}'"),
        ):
            text = text.replace("{" + name + "}", value)
        return text


def migrations() -> list[Migration]:
    """Return the migrations of this release in their order."""
    found = [path for path in files("ledger").joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return [
        Migration(
            int(path.name.split("_")[0]), path.name.removesuffix(".sql"), path.read_text(encoding="utf-8")
        )
        for path in sorted(found, key=lambda path: path.name)
    ]


def migrate(settings: Settings) -> list[str]:
    """Bring the schema of these settings to this release and return sentences on what is weaker than it could be.

    Raises MigrationError when the schema was made by a later release or a migration was changed afterwards.
    """
    with Place.open(settings) as place:
        return migrate_place(place)


def prepare(settings: Settings) -> list[str]:
    """Bring the schema to this release at start-up where this login may, and return what is weaker than it could be.

    A login that may only use the ledger is enough while nothing has to be migrated. Raises MigrationError.
    """
    with Place.open(settings) as place:
        try:
            return migrate_place(place)
        except psycopg.errors.InsufficientPrivilege as error:
            with psycopg.connect(place.owner_url) as connection:
                place.take_on(connection, place.application_role)
                row = connection.execute(
                    sql.SQL("select max(number) from {}").format(sql.Identifier(place.schema, "migrations"))
                ).fetchone()
            if row == (migrations()[-1].number,):
                return []
            raise MigrationError(
                f"The schema {place.schema} has to be migrated, and this login may not; name one that may in "
                "STRATEGY_LEDGER_MIGRATE_URL."
            ) from error


def migrate_place(place: Place) -> list[str]:
    """Bring the schema of a place to this release; see `migrate`."""
    with psycopg.connect(place.owner_url) as connection:
        connection.execute("select pg_catalog.set_config('search_path', 'pg_catalog', false)")
        connection.execute("select pg_advisory_xact_lock(hashtextextended('strategy-ledger migrations', 0))")
        version = connection.info.server_version
        if version < 150_000:
            raise MigrationError(
                f"The server is PostgreSQL {version // 10_000}; version 15 or later is needed."
            )
        weaker, grantee = _roles(connection, place)
        _schema(connection, place)
        _apply(connection, place)
        _grant(connection, place, grantee)
        return weaker


def _roles(connection: Connection, place: Place) -> tuple[list[str], str | None]:
    """Make the roles where that is allowed; return what is weaker and who gets the application's rights."""
    row = connection.execute(
        "select rolname, rolsuper, rolsuper or rolcreaterole from pg_roles where rolname = current_user"
    ).fetchone()
    me, superuser, may_create = row if row else ("", False, False)
    application = me if place.same_login and not place.embedded else _login(place)
    roles = [place.owner_role, place.application_role, place.auditor_role]
    known = {
        name
        for (name,) in connection.execute(
            "select rolname from pg_roles where rolname = any (%s)", [roles]
        ).fetchall()
    }
    if not may_create and known != set(roles):
        told = f"The role {me} may not create roles, so the ledger's tables belong to {me}"
        if application == me:
            return [
                f"{told} and the application, being the same role, could switch its protection off."
            ], None
        return [f"{told}, which could switch their protection off; the application cannot."], application
    for role in roles:
        if role not in known:
            login = "login" if place.embedded and role == place.application_role else "nologin"
            connection.execute(sql.SQL(f"create role {{}} {login}").format(sql.Identifier(role)))
    weaker = []
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


def _schema(connection: Connection, place: Place) -> None:
    """Make the schema, owned by the owner's role where there is one, and act as that role from here on."""
    there = connection.execute("select to_regnamespace(%s) is not null", [quoted(place.schema)]).fetchone()
    owner = connection.execute("select to_regrole(%s) is not null", [quoted(place.owner_role)]).fetchone()
    if not (there and there[0]):
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(place.schema)))
        if owner and owner[0]:
            connection.execute(
                sql.SQL("alter schema {} owner to {}").format(
                    sql.Identifier(place.schema), sql.Identifier(place.owner_role)
                )
            )
    place.take_on(connection, place.owner_role)


def _apply(connection: Connection, place: Place) -> None:
    table = sql.Identifier(place.schema, "migrations")
    connection.execute(
        sql.SQL(
            "create table if not exists {} ("
            " number integer primary key, name text not null, digest text not null,"
            " applied_at timestamptz not null default now())"
        ).format(table)
    )
    done = {
        number: (name, digest)
        for number, name, digest in connection.execute(
            sql.SQL("select number, name, digest from {} order by number").format(table)
        ).fetchall()
    }
    ours = migrations()
    if done and max(done) > ours[-1].number:
        raise MigrationError(
            f"The schema {place.schema} was made by a later release (migration {max(done)}); use that release."
        )
    for migration in ours:
        if migration.number in done:
            if done[migration.number] != (migration.name, migration.digest):
                raise MigrationError(
                    f"Migration {migration.name} is not the one that made the schema {place.schema}; "
                    "use the release that made it."
                )
            continue
        connection.execute(migration.statement(place.schema).encode())
        connection.execute(
            sql.SQL("insert into {} (number, name, digest) values (%s, %s, %s)").format(table),
            [migration.number, migration.name, migration.digest],
        )


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
            "grant select, insert, update, delete on {schema}.people, {schema}.aliases, {schema}.person_keys,"
            " {schema}.source_versions, {schema}.tokens to {grantee}; "
            "grant execute on function {schema}.append, {schema}.append_each, {schema}.next_references,"
            " {schema}.position_at, {schema}.settle, {schema}.wait_for_appends to {grantee}; "
        ).format(schema=schema, grantee=sql.Identifier(grantee))
    auditor = connection.execute("select to_regrole(%s) is not null", [quoted(place.auditor_role)]).fetchone()
    if auditor and auditor[0]:
        statement += sql.SQL(
            "grant usage on schema {schema} to {auditor}; "
            "grant select on {schema}.head, {schema}.entries, {schema}.entries_json to {auditor}; "
        ).format(schema=schema, auditor=sql.Identifier(place.auditor_role))
    connection.execute(statement)
