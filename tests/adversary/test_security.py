"""Attacks on the locks of the house: the database's roles, the append, files, keys.

Every test here failed once, or holds a wall that was leaned on.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.cli.files import write_whole
from ledger.appends import append
from ledger.embedded import DirectoryIsNotUsable, EmbeddedServer
from ledger.errors import EntryIsMalformed, LedgerIsBusy
from ledger.keys import MasterKey, MasterKeyError, make_master_key_file
from ledger.lifecycle import RestoreRefused, initialise, restore
from ledger.limits import LOCK_SECONDS
from ledger.lines import LONGEST_LINE, read_lines
from ledger.migrate import migrate
from ledger.place import Connection, Place
from ledger.settings import Settings
from ledger.store import Ledger
from tests.waiting import PATIENCE


def entry(by: str, **more: Any) -> bytes:
    """The bytes of an entry as an application that lies would send them."""
    told = {
        "stream": "team:x",
        "version": 1,
        "name": "team.formed",
        "by": by,
        "request": str(uuid4()),
        "body": {},
    }
    return json.dumps({**told, **more}, ensure_ascii=False).encode()


@contextmanager
def as_application(settings: Settings) -> Iterator[Connection]:
    """A connection of the application's role, as somebody who has stolen it would use it."""
    with Place.open(settings) as place, place.pool(largest=1) as pool, pool.connection() as connection:
        yield connection


@contextmanager
def as_owner(settings: Settings) -> Iterator[Connection]:
    """A connection of the role that owns the ledger."""
    with Place.open(settings) as place, place.as_owner() as connection:
        yield connection


# -- the database


@pytest.mark.parametrize(
    "statement",
    [
        "update entries set name = 'x.y'",
        "delete from entries",
        "truncate entries",
        "insert into entries (position, recorded_at, stream, version, name, data) values (9, now(), 'x', 1, 'a.b', '')",
        "update head set position = 1",
        "select from head for update",
        "alter table entries disable trigger all",
        "alter table entries add column more text",
        "drop table entries",
        "create or replace view entries_json as select 1",
        "drop function append",
        "insert into receipts values ('a', 'b', 'c', 1, 1)",
        "update settings set value = '1'",
        "select setval('reference_obj', 5)",
        "create trigger x before insert on people execute function refuse_change()",
        "set session_replication_role = replica",
        "create schema elsewhere",
        "create table public.elsewhere (a int)",
        "copy entries to '/tmp/entries'",
        "copy entries to program 'cat'",
        "select pg_read_file('PG_VERSION')",
    ],
)
def test_the_application_s_role_may_not(untouched: Ledger, statement: str) -> None:
    with untouched.pool.connection() as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.encode())
    assert refused.value.sqlstate in ("42501", "42809")


@pytest.mark.parametrize("statement", ["update entries set name = 'x.y'", "delete from entries", "truncate entries",
                                       "delete from head", "truncate head"])  # fmt: skip
def test_the_owner_s_triggers_refuse(untouched: Ledger, statement: str) -> None:
    with as_owner(untouched.settings) as owner, pytest.raises(psycopg.Error) as refused:
        owner.execute(statement.encode())
    assert refused.value.sqlstate == "SL001"


@pytest.mark.parametrize(
    "lie",
    [
        {"stream": True},
        {"version": "1"},
        {"decision": "x"},
        {"decision": {"a": 1}},
        {"supersedes": 0},
        {"supersedes": -5},
        {"supersedes": "2"},
        {"supersedes": 2},
        {"supersedes": 99},
        {"effective_at": "2026-01-01T24:00:00.000000Z"},
        {"effective_at": "2026-06-30T23:59:60.000000Z"},
        {"effective_at": "infinity"},
        {"idempotency": {"key": ["a"], "fingerprint": "f" * 64}},
        {"body": {"reference": "abc"}},
        {"body": {"reference": {"a": 1}}},
        {"body": {"text": "a\0b"}},
        {"body": {"deep": json.loads("[" * 400 + "]" * 400)}, "position": 3},
        {"recorded_at": "1999-01-01T00:00:00.000000Z"},
    ],
    ids=str,
)
def test_lying_bytes_are_refused_and_the_auditor_s_view_stays_whole(
    untouched: Ledger, lie: dict[str, Any]
) -> None:
    # given an application that has been taken over and calls the append with bytes of its own
    before, by = untouched.head().position, f"person:{untouched.new_id()}"
    # when it lies in them; then they are refused as malformed, and every entry can still be read in plain SQL
    with untouched.pool.connection() as connection:
        with pytest.raises(EntryIsMalformed):
            append(connection, [entry(by, **lie)], {})
        assert connection.execute("select count(*) from entries_json").fetchone() == (before,)


def test_bytes_up_to_the_limit_are_kept(ledger: Ledger, steward: str) -> None:
    # given entries far over the 8 kB of a database page: once, each of them was answered "connection lost"
    with ledger.pool.connection() as connection:
        for number, size in enumerate((7_000, 8_200, 16_000, 32_000)):
            data = entry(steward, stream=f"team:x{number}", body={"text": os.urandom(size // 2).hex()})
            append(connection, [data], {})
            row = connection.execute(
                "select data from entries where stream = %s", [f"team:x{number}"]
            ).fetchone()
            assert row == (data,)


@pytest.mark.slow
def test_who_holds_the_end_of_the_ledger_is_not_waited_for_for_ever(
    ledger: Ledger, settings: Settings, steward: str
) -> None:
    # given functions that wait for the head no longer than the limits say, and here for a shorter time
    with as_owner(settings) as owner:
        bounds = owner.execute(
            "select oid::regprocedure::text, array_to_string(proconfig, ' ') like %s from pg_proc"
            " where pronamespace = %s::regnamespace and array_to_string(proconfig, ' ') ~ 'lock_timeout'",
            [f"%lock_timeout={LOCK_SECONDS}s%", f'"{ledger.schema}"'],
        ).fetchall()
        assert {name.partition("(")[0] for name, _ in bounds} >= {"append", "append_each", "append_next"}
        assert all(as_said for _, as_said in bounds)
        for name, _ in bounds:
            owner.execute(f"alter function {name} set lock_timeout = '200ms'".encode())
    # and somebody who holds the head's lock and does nothing
    with as_application(settings) as idle, idle.transaction():
        idle.execute("select wait_for_appends()")
        # when several writers come at once

        def write(_: int) -> type[BaseException]:
            with pytest.raises(LedgerIsBusy) as refused:
                _form(ledger, steward)
            return refused.type

        with ThreadPoolExecutor(3) as writers:
            found = list(writers.map(write, range(3), timeout=PATIENCE))
        # then each is refused with a sentence
        assert found == [LedgerIsBusy] * 3
    # and once the lock is free, writing goes on
    _form(ledger, steward)


def _form(ledger: Ledger, by: str) -> None:
    from tests.ledger.helpers import forming

    ledger.execute("A team", forming(uuid4()), by=by)


@pytest.mark.parametrize(
    "planted",
    [
        "create function setval(regclass, {kind}) returns bigint language plpgsql as $$ {steal} return 1; end $$",
        "create function jsonb_build_object(text, timestamptz) returns jsonb language plpgsql as"
        " $$ {steal} return '{{}}'; end $$",
    ],
)
def test_a_function_that_the_application_planted_never_runs_as_the_owner(
    ledger: Ledger, new_settings: Callable[[], Settings], planted: str
) -> None:
    # given a schema that was migrated and is still empty, and a stolen application's role that plants a namesake in it
    settings = new_settings()
    migrate(settings)
    with as_application(settings) as stolen:
        stolen.execute("create table seen (who text)")
        stolen.execute("grant all on seen to public")
        for kind in ("smallint", "integer"):
            steal = "begin insert into seen values (current_user);"
            stolen.execute(planted.format(kind=kind, steal=steal).encode())
            if "{kind}" not in planted:
                break
    # when the owner restores into it
    restore(settings, list(ledger.export()))
    # then nothing of the planted kind was called: it could have become the superuser
    with as_application(settings) as stolen:
        assert stolen.execute("select who from seen").fetchall() == []


def test_the_superuser_is_not_the_application(ledger: Ledger, settings: Settings) -> None:
    # a stolen pool cannot take on the owner's role again where the server is the embedded one
    with Place.open(settings) as place:
        if not place.embedded:
            pytest.skip("what is weaker there is said at start-up")
        url = make_conninfo(place.owner_url, user=place.application_role)
        with psycopg.connect(url, autocommit=True) as stolen:
            for statement in (
                f"set role {place.owner_role}",
                "set role postgres",
                "set session authorization postgres",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    stolen.execute(statement.encode())


# -- restore


@pytest.mark.parametrize(
    ("at", "change", "said"),
    [
        (-1, {"recorded_at": "2199-01-01T00:00:00.000000Z"}, "future"),
        (0, {"data.body.zone": "Mars/Base"}, "time zone"),
        (0, {"data.body.zone": "../../etc/passwd"}, "time zone"),
        (-1, {"data.effective_at": "2199-01-01"}, "after it was recorded"),
        (-1, {"data.supersedes": 1}, "another stream"),
        (-1, {"data.more": "a\u0000"}, "nothing that an entry says"),
    ],
)
def test_a_tampered_line_is_refused(
    ledger: Ledger, new_settings: Callable[[], Settings], at: int, change: dict[str, Any], said: str
) -> None:
    lines = list(ledger.export())
    told = json.loads(lines[at])
    for path, value in change.items():
        *parents, last = path.split(".")
        where = told
        for parent in parents:
            where = where[parent]
        where[last] = value
    if (
        "data.supersedes" in change
    ):  # a superseding entry carries no reference of its own; the roles have none
        assert told["stream"] != "organisation"
    lines[at] = json.dumps(told, separators=(",", ":")).encode() + b"\n"
    settings = new_settings()
    with pytest.raises(RestoreRefused, match=said):
        restore(settings, lines)
    with as_owner(settings) as owner:
        assert owner.execute("select count(*) from entries").fetchone() == (0,)


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n",
        b'{"table":["people"]}\n',
        b'{"table":"tokens","id":"x","digest":5,"actor":"x","label":"y"}\n',
        b'{"table":"people","actor":"00000000-0000-0000-0000-000000000001","kind":"person","display_name":{"a":1}}\n',
        b'{"table":"people","actor":"00000000-0000-0000-0000-000000000001","kind":"person","display_name":["a"]}\n',
        b'{"table":"people","actor":99999999999999999999999,"kind":"person","display_name":"a"}\n',
        b'{"table":"entries"}\n',
    ],
)
def test_a_hostile_directory_file_is_refused_with_a_sentence(
    ledger: Ledger, new_settings: Callable[[], Settings], line: bytes
) -> None:
    with pytest.raises(RestoreRefused, match="directory's file"):
        restore(new_settings(), list(ledger.export()), [line])


def test_a_line_without_an_end_is_not_read_to_its_end() -> None:
    # given a file that is one endless line
    with Path("/dev/zero").open("rb") as endless:
        first = next(read_lines(endless))
    # then no more of it is held than shows that it is none
    assert len(first) == LONGEST_LINE + 1


# -- files and keys


def test_a_master_key_that_others_can_read_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    make_master_key_file(path)
    own = replace(settings, master_key=None, master_key_file=path)
    MasterKey.load(own)
    for mode in (0o644, 0o640, 0o606):
        path.chmod(mode)
        with pytest.raises(MasterKeyError, match="chmod 600"):
            MasterKey.load(own)


def test_a_data_directory_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o777)
    with pytest.raises(DirectoryIsNotUsable, match="chmod o-w"):
        EmbeddedServer.start(directory)


def test_an_export_follows_no_link_that_somebody_laid(tmp_path: Path) -> None:
    # given a directory of many, in which somebody laid a link under the name that a growing export had
    victim, out = tmp_path / "victim", tmp_path / "export.ndjson"
    victim.write_text("mine")
    (tmp_path / f".{out.name}.partial").symlink_to(victim)
    # when an export is written there
    write_whole(out, [b"line\n"], replace=False)
    # then the link's target is as it was, and the export is its owner's alone
    assert victim.read_text() == "mine"
    assert out.read_bytes() == b"line\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_two_who_create_one_ledger_at_once_are_told_that_it_exists(settings: Settings) -> None:
    def create(number: int) -> str:
        try:
            initialise(settings, "Example Works", "Europe/Berlin", steward_name=f"Ada {number}")
        except Exception as refused:  # noqa: BLE001 (whatever it is, it is compared)
            return type(refused).__name__
        return "created"

    migrate(settings)
    with ThreadPoolExecutor(4) as many:
        assert sorted(many.map(create, range(4))) == ["LedgerExists"] * 3 + ["created"]
