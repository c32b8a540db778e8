"""Migrations and releases: what a program brings, what a schema holds, and whether the two may work together.

Each migration says in its head how far back programs may be that go on working on a schema that has it:

    -- serves: 4          programs whose last migration is 4 or later; without the line, only those that know this one
    -- concurrently       statements that keep nobody waiting, carried out last, each by itself, if need be again
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

from psycopg import sql

from aggregates.values import LINE_LENGTH
from ledger import circumstances, limits
from ledger.codec import MEMBERS
from ledger.place import Connection, quoted

_HEADER = re.compile(r"^-- (serves|concurrently)(?:: *(\d+))?[ \t]*$", re.MULTILINE)


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

    @property
    def serves(self) -> int:
        """Return the last migration that a program has to know to go on working on a schema with this one."""
        return next((int(told) for name, told in _HEADER.findall(self.text) if name == "serves"), self.number)

    @property
    def concurrently(self) -> bool:
        """Whether it is carried out by itself, outside a transaction, without keeping anybody waiting."""
        return any(name == "concurrently" for name, _ in _HEADER.findall(self.text))

    def statement(self, schema: str, *, alone: bool = False) -> str:
        """Return the SQL for one ledger; with `alone`, for a ledger that nobody uses yet."""
        text = self.text.replace("{schema}", quoted(schema))
        for name, value in (
            ("schema_name", "'" + schema.replace("'", "''") + "'"),
            ("line_length", f"{LINE_LENGTH}"),
            ("events_per_append", f"{limits.EVENTS_PER_APPEND}"),
            ("reads_per_append", f"{limits.READS_PER_APPEND}"),
            ("bytes_per_entry", f"{limits.BYTES_PER_ENTRY}"),
            ("bytes_per_append", f"{limits.BYTES_PER_APPEND}"),
            ("clock_bound", f"interval '{limits.CLOCK_BOUND_SECONDS} seconds'"),
            ("lock_bound", f"'{limits.LOCK_SECONDS}s'"),
            ("known_members", "'{" + ",".join(MEMBERS) + "}'"),
            ("sound_circumstances", circumstances.SOUND),
            ("sound_key", circumstances.SOUND_KEY),
        ):
            text = text.replace("{" + name + "}", value)
        return re.sub(r"\bindex concurrently\b", "index", text) if alone else text


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that a schema has had; `serves` and `release` are None where an early release left them out."""

    number: int
    name: str
    digest: str
    serves: int | None = None
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What stands between a schema and this program."""

    schema: str
    ours: tuple[Migration, ...]
    applied: tuple[Applied, ...]

    @property
    def pending(self) -> list[Migration]:
        """Return what this program would apply, in its order."""
        done = {one.number for one in self.applied}
        return [one for one in self.ours if one.number not in done]

    @property
    def ahead(self) -> list[Applied]:
        """Return what the schema has had from later releases."""
        known = {one.number for one in self.ours}
        return [one for one in self.applied if one.number not in known]

    @property
    def serves(self) -> int:
        """Return the last migration that a program has to know to work on the schema, once this one has migrated it."""
        wanted = [one.serves or one.number for one in self.ahead]
        return max([*wanted, *(one.serves for one in self.ours)])

    def check(self) -> None:
        """Refuse a schema on which this program must not work. Raises MigrationError."""
        ours = {one.number: one for one in self.ours}
        for one in self.applied:
            own = ours.get(one.number)
            if own is not None and (one.name, one.digest) != (own.name, own.digest):
                raise MigrationError(
                    f"Migration {own.name} is not the one that made the schema {self.schema}; "
                    "use the release that made it."
                )
        known = self.ours[-1].number
        wanting = [one for one in self.ahead if one.serves is None or one.serves > known]
        if wanting:
            last = wanting[-1]
            made = f" ({last.release})" if last.release else ""
            raise MigrationError(
                f"The schema {self.schema} was made by a later release{made}: its migration {last.name} serves "
                f"programs that know {last.serves or last.number} or later, and this program ({release()}) knows them "
                f"up to {known}. Use that release or a later one here; to go back to this one, restore an export or a "
                "backup into another schema."
            )

    def sentence(self) -> str | None:
        """Return what is unlike in a schema on which this program may work; None where nothing is."""
        if self.ahead:
            last = self.ahead[-1]
            return (
                f"The schema {self.schema} is of a later release ({last.release or last.name}), which still serves "
                f"this one ({release()}); upgrade this program when the others are."
            )
        if self.pending:
            names = ", ".join(one.name for one in self.pending)
            return f"The schema {self.schema} is of an earlier release: {names} has not been applied."
        return None


def migrations() -> list[Migration]:
    """Return the migrations of this release in their order."""
    return list(_brought())


@cache
def _brought() -> tuple[Migration, ...]:
    found = [path for path in files("ledger").joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return tuple(
        Migration(
            int(path.name.split("_")[0]), path.name.removesuffix(".sql"), path.read_text(encoding="utf-8")
        )
        for path in sorted(found, key=lambda path: path.name)
    )


def plan_of(connection: Connection, schema: str) -> Plan:
    """Return what stands between a schema and this program, as the owner or the application reads it."""
    there = connection.execute(
        "select to_regclass(%s) is not null", [f"{quoted(schema)}.migrations"]
    ).fetchone()
    rows = []
    if there and there[0]:  # as JSON, for an early release has fewer columns
        query = sql.SQL("select to_jsonb(m) from {} as m order by number").format(
            sql.Identifier(schema, "migrations")
        )
        rows = [row for (row,) in connection.execute(query).fetchall()]
    names = ("number", "name", "digest", "serves", "release")
    return Plan(
        schema, tuple(migrations()), tuple(Applied(*(row.get(name) for name in names)) for row in rows)
    )


@cache
def release() -> str:
    """Return which release this program is."""
    try:
        return version("strategy-ledger")
    except PackageNotFoundError:
        return "0"
