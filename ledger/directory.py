"""The directory: names, handles and addresses of people, beside the entries and erasable, never in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg.errors import UniqueViolation

from aggregates.refusals import Conflict, Refusal
from aggregates.values import clean_text
from ledger.directory_file import Written, sealed
from ledger.identifiers import new_id
from ledger.keys import Keys
from ledger.place import Connection, Connections

Kind = Literal["person", "service"]
_HANDLE = re.compile(r"[\w][\w.-]{0,62}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class HandleIsTaken(Conflict):
    """This handle or e-mail address already belongs to somebody."""


class HandleIsMalformed(Refusal):
    """A handle has 1 to 63 letters, digits, points, hyphens and underscores; an e-mail address has one @."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """What the directory says of a person or a service."""

    identifier: UUID
    kind: Kind
    display_name: str
    handle: str | None = None
    email: str | None = None

    @property
    def actor(self) -> str:
        """Return `person:<uuid>` or `service:<uuid>`."""
        return f"{self.kind}:{self.identifier}"


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that a source uses, the identifier that stands for it in entries, and the person if known."""

    source: str
    name: str
    alias: UUID
    person: UUID | None = None


class Directory:
    """The directory of one ledger."""

    def __init__(self, connections: Connections, keys: Callable[[], Keys]) -> None:
        self._connections = connections
        self._keys = keys

    def add(
        self,
        identifier: UUID,
        display_name: str,
        *,
        handle: str | None = None,
        email: str | None = None,
        kind: Kind = "person",
    ) -> Somebody:
        """Write somebody down, or change what is written. Raises HandleIsTaken, HandleIsMalformed, ValueError."""
        somebody = checked(Somebody(identifier, kind, display_name, handle, email))
        with self._connections.use() as connection:
            try:
                write(connection, somebody)
            except UniqueViolation as error:
                raise HandleIsTaken from error
        return somebody

    def check_free(
        self, display_name: str, *, handle: str | None = None, email: str | None = None, kind: Kind = "person"
    ) -> None:
        """Refuse what `add` would refuse of somebody new. Raises HandleIsTaken, HandleIsMalformed, ValueError."""
        somebody = checked(Somebody(UUID(int=0), kind, display_name, handle, email))
        with self._connections.use() as connection:
            row = connection.execute(
                "select from people where lower(handle) = lower(%s) or lower(email) = lower(%s) limit 1",
                [somebody.handle, somebody.email],
            ).fetchone()
        if row is not None:
            raise HandleIsTaken

    def of(self, identifier: UUID) -> Somebody | None:
        """Return who this is, or None for somebody unknown or erased."""
        found = self.names([identifier])
        return found.get(identifier)

    def names(self, identifiers: Iterable[UUID] | None = None) -> dict[UUID, Somebody]:
        """Return who these are in one round trip; everybody without identifiers."""
        asked = None if identifiers is None else list(identifiers)
        with self._connections.use() as connection:
            rows = connection.execute(
                "select actor, kind, display_name, handle, email from people"
                " where %s::uuid[] is null or actor = any (%s)",
                [asked, asked],
            ).fetchall()
        return {row[0]: Somebody(*row) for row in rows}

    def lookup(self, text: str) -> UUID | None:
        """Return the person or service with this identifier, handle (with or without @) or e-mail address."""
        text = text.strip()
        try:
            return self._known(UUID(text.rpartition(":")[2]))
        except ValueError:
            pass
        with self._connections.use() as connection:
            row = connection.execute(
                "select actor from people where lower(handle) = lower(%s) or lower(email) = lower(%s) limit 1",
                [text.removeprefix("@"), text],
            ).fetchone()
        return row[0] if row else None

    def called(self, name: str) -> list[Somebody]:
        """Return those whose whole name this is, whatever its case."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select actor, kind, display_name, handle, email from people"
                " where lower(display_name) = lower(%s) order by actor",
                [name.strip()],
            ).fetchall()
        return [Somebody(*row) for row in rows]

    def alias(self, source: str, name: str, *, person: UUID | None = None) -> Alias:
        """Return the alias of a source's name, made where it is new; a person, once given, is written down."""
        with self._connections.use() as connection:
            row = connection.execute(
                "insert into aliases (source, name, alias, person) values (%s, %s, %s, %s)"
                " on conflict (source, name) do update set person = coalesce(excluded.person, aliases.person)"
                " returning alias, person",
                [source, name, new_id(), person],
            ).fetchone()
        assert row is not None  # noqa: S101 (an insert that returns always has a row)
        return Alias(source, name, *row)

    def aliases(self, source: str | None = None) -> list[Alias]:
        """Return the aliases of one source, or all."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select source, name, alias, person from aliases where %s::text is null or source = %s"
                " order by source, name",
                [source, source],
            ).fetchall()
        return [Alias(*row) for row in rows]

    def note_versions(self, source: str, subjects: Mapping[str, str]) -> None:
        """Keep what a source's versions were called by those who wrote them; what is kept already stays."""
        with self._connections.use() as connection:
            connection.execute(
                "insert into source_versions (source, version, subject)"
                " select %s, v.version, v.subject from unnest(%s::text[], %s::text[]) as v (version, subject)"
                " on conflict do nothing",
                [source, list(subjects), list(subjects.values())],
            )

    def subjects(self, sources: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return what the versions of these sources were called: source to version to subject."""
        found: dict[str, dict[str, str]] = {}
        with self._connections.use() as connection:
            rows = connection.execute(
                "select source, version, subject from source_versions where source = any (%s)",
                [list(sources)],
            )
            for source, version, subject in rows:
                found.setdefault(source, {})[version] = subject
        return found

    def erased(self) -> tuple[int, ...]:
        """Return figures that are others as soon as a key is erased, or what a source's version was called.

        And as soon as a text could not be opened for want of the master key: then it is told as one that was erased.
        """
        with self._connections.use() as connection:
            row = connection.execute(
                "select (select coalesce(sum(hashtext(key_id::text)), 0) from person_keys where wrapped is null),"
                " count(*), coalesce(sum(hashtext(v::text)), 0) from source_versions as v"
            ).fetchone()
        return (self._keys().missed, *(row or ()))

    def alias_names(self) -> dict[UUID, Alias]:
        """Return all aliases by their identifier."""
        return {alias.alias: alias for alias in self.aliases()}

    def erase(self, identifier: UUID) -> bool:
        """Forget name, handle, address and aliases of somebody; the entries keep the identifier."""
        with self._connections.use() as connection, connection.transaction():
            connection.execute("delete from aliases where person = %s", [identifier])
            return connection.execute("delete from people where actor = %s", [identifier]).rowcount == 1

    def export(self) -> Iterator[bytes]:
        """Give the directory, the wrapped keys and the digests of tokens as lines: the second file of a backup.

        The keys in it are of no use without the master key, and no token can be made from its digest. The last line
        seals the others. Raises MasterKeyError where there is no master key to seal them with.
        """
        keys = self._keys()
        with self._connections.use() as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            yield from sealed(_rows(connection), keys.ledger, keys.master, lambda: _written(connection))

    def _known(self, identifier: UUID) -> UUID | None:
        return identifier if self.of(identifier) else None


_TABLES = {
    "people": ("actor", "kind", "display_name", "handle", "email"),
    "aliases": ("source", "name", "alias", "person"),
    "source_versions": ("source", "version", "subject"),
    "person_keys": ("key_id", "person", "wrapped", "made_at", "erased_at"),
    "tokens": (
        "id",
        "digest",
        "actor",
        "label",
        "ending",
        "scopes",
        "created_at",
        "expires_at",
        "revoked_at",
    ),
}
_BYTES = frozenset({"wrapped", "digest"})
"""What the second file of a backup holds."""


def _rows(connection: Connection) -> Iterator[bytes]:
    """Give the lines of the directory."""
    for table, columns in _TABLES.items():
        rows = connection.execute(
            f"select {', '.join(columns)} from {table} order by 1, 2".encode()  # noqa: S608
        ).fetchall()
        for row in rows:
            values = {
                name: value.hex() if isinstance(value, bytes) else value
                for name, value in zip(columns, row, strict=True)
            }
            yield orjson.dumps({"table": table, **values}) + b"\n"


def _written(connection: Connection) -> Written:
    """Return where the ledger stood when the lines were read, in the same snapshot."""
    row = connection.execute("select position, now() from head").fetchone()
    assert row is not None  # noqa: S101 (the head is one row)
    return Written(row[0], row[1].astimezone(UTC).isoformat(timespec="microseconds"))


def import_directory(connection: Connection, lines: Iterable[bytes]) -> int:
    """Write the lines of `Directory.export`, without the last, into an empty directory; return how many they were.

    Raises ValueError with the number of the line and what is wrong with it.
    """
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            values: dict[str, Any] = orjson.loads(line)
            table = values.pop("table")
            columns = _TABLES[table]
            if not all(value is None or isinstance(value, str) for value in values.values()):
                raise ValueError("not a text")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(
                f"Line {number} of the directory's file is not one that an export writes."
            ) from error
        row = [
            bytes.fromhex(values[name])
            if name in _BYTES and values.get(name) is not None
            else values.get(name)
            for name in columns
        ]
        connection.execute(
            f"insert into {table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})".encode(),  # noqa: S608
            row,
        )
    return number


def write(connection: Connection, somebody: Somebody) -> None:
    """Write somebody down, or change what is written."""
    connection.execute(
        "insert into people (actor, kind, display_name, handle, email) values (%s, %s, %s, %s, %s)"
        " on conflict (actor) do update set kind = excluded.kind, display_name = excluded.display_name,"
        " handle = excluded.handle, email = excluded.email",
        [somebody.identifier, somebody.kind, somebody.display_name, somebody.handle, somebody.email],
    )


def checked(somebody: Somebody) -> Somebody:
    """Return somebody with a clean name; raise HandleIsMalformed or ValueError."""
    name = clean_text(somebody.display_name, longest=200, newlines=False)
    if somebody.handle is not None and not _HANDLE.fullmatch(somebody.handle):
        raise HandleIsMalformed(field="/handle")
    if somebody.email is not None and not _EMAIL.fullmatch(somebody.email):
        raise HandleIsMalformed(field="/email")
    return Somebody(somebody.identifier, somebody.kind, name, somebody.handle, somebody.email)
