"""Attacks on the locks of the house: the database's roles, the append, the HTTP door, files, keys.

Every test here failed once, or holds a wall that was leaned on.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api import connection as door
from api.cli.files import write_whole
from ledger.appends import append
from ledger.embedded import DirectoryIsNotUsable, EmbeddedServer
from ledger.errors import EntryIsMalformed, LedgerIsBusy
from ledger.keys import MasterKey, MasterKeyError, make_master_key_file
from ledger.lifecycle import RestoreRefused, initialise, restore
from ledger.lines import LONGEST_LINE, read_lines
from ledger.migrate import migrate
from ledger.place import Connection, Place
from ledger.settings import Settings
from ledger.store import Ledger
from tests.api.conftest import House, house
from tests.waiting import PATIENCE

__all__ = ["house"]


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
    # given somebody who holds the head's lock and does nothing
    with as_application(settings) as idle, idle.transaction():
        idle.execute("select wait_for_appends()")
        # when several writers come at once
        began = time.monotonic()

        def write(_: int) -> type[BaseException]:
            with pytest.raises(LedgerIsBusy) as refused:
                _form(ledger, steward)
            return refused.type

        with ThreadPoolExecutor(3) as writers:
            found = list(writers.map(write, range(3)))
        # then each is refused with a sentence, in about the time of one wait
        assert found == [LedgerIsBusy] * 3
        assert time.monotonic() - began < 35
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


# -- the HTTP door


def test_the_longest_narratives_are_taken(house: House) -> None:
    # given two narratives of the longest kind, which filled more than a page of the database
    _, key_result = house.objective("now")
    body = {"confidence": "0.5", "what_changed": "a" * 4_000, "needs_decision": "b" * 4_000}
    house.post(f"/v1/key-results/{key_result}/check-ins", body, by="ines")
    # and when they are too long for an entry, that is said at once and not "connection lost" after sixteen seconds
    body = {"confidence": "0.5", "what_changed": "\N{GRINNING FACE}" * 4_000, "needs_decision": "漢" * 4_000}
    began = time.monotonic()
    house.refused(f"/v1/key-results/{key_result}/check-ins", body, "append_is_too_large", by="ines")
    assert time.monotonic() - began < 12


def test_sealed_text_from_outside_is_refused_and_cannot_stop_a_history(house: House) -> None:
    # given an owner's check-in with a narrative
    objective, key_result = house.objective("now")
    body = {"confidence": "0.5", "what_changed": "The new oven came."}
    receipt = house.post(f"/v1/key-results/{key_result}/check-ins", body, by="ines")
    stored = house.get(f"/v1/entries/{receipt['position']}")["data"]["body"]
    # when the owner amends it with a seal that opens nothing
    forged = {
        **stored,
        "what_changed": {**stored["what_changed"], "commitment": "0" * 64, "ciphertext": "AAAA"},
    }
    house.refused(
        f"/v1/entries/{receipt['position']}/amendments",
        {"body": forged},
        "body_is_invalid",
        "/body/what_changed",
        by="ines",
    )
    # then it is refused; the seal as it stands is taken, and the history answers
    house.post(
        f"/v1/entries/{receipt['position']}/amendments", {"body": {**stored, "confidence": "0.6"}}, by="ines"
    )
    house.get(f"/v1/objectives/{objective}/history", by="rita")


def test_without_its_master_key_everything_but_personal_text_is_answered(house: House) -> None:
    objective, key_result = house.objective("now")
    path = f"/v1/key-results/{key_result}/check-ins"
    house.post(path, {"confidence": "0.5", "what_changed": "Only Ines may know."}, by="ines")
    keys = house.ledger.keys
    right, keys._settings, keys._master = (
        keys._settings,
        replace(keys._settings, master_key="A" * 43 + "="),
        None,
    )
    try:
        house.get(f"/v1/objectives/{objective}/history", by="rita")
        for body, headers in (
            ({"confidence": "0.5", "what_changed": "x"}, {}),
            ({"confidence": "0.5"}, {"Idempotency-Key": "lost"}),
        ):
            answer = house["ines"].post(path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/master_key_is_away")
    finally:
        keys._settings, keys._master = right, None


def test_nobody_ratifies_what_was_changed_on_another_s_objective(house: House) -> None:
    # given Tom's softened target, and Ines, who owns another objective
    mine, _ = house.objective("now", owner="ines")
    _, his = house.objective("now", owner="tom", title="Another")
    change = {
        "target": {"kind": "point", "at": "50"},
        "reason": {"kind": "recalibration", "text": "Too hard."},
    }
    cause = house.post(f"/v1/key-results/{his}/target-changes", change, by="tom")["position"]
    # when she writes down a decision on her own objective that ratifies his change
    told = {"text": "We agreed.", "decided_by": "ines", "touches": [mine], "ratifies": [cause]}
    # then that is refused: it would answer the auditor's question about him
    house.refused("/v1/decisions", told, "action_is_not_allowed", by="ines")


@pytest.mark.parametrize("item", ["OBJ-99999999999999999999", "KR-4294967296", "OBJ-\u0663", "OBJ-0"])
def test_a_reference_that_cannot_be_is_unknown(house: House, item: str) -> None:
    for path in ("/v1/objectives/{}/history", "/v1/key-results/{}/history", "/v1/objectives/{}/drift"):
        assert house["rita"].get(path.format(item)).status_code == 404


@pytest.mark.parametrize("name", ["Ev\u202eil", "a\u2066b"])
def test_no_name_reads_in_another_order_than_it_is_kept(house: House, name: str) -> None:
    house.refused("/v1/teams", {"name": name}, "body_is_invalid", "/name")


def knock(house: House, data: bytes, *, seconds: float = PATIENCE) -> bytes:
    """Send these bytes and return what comes back until the door closes the connection."""
    place = urlsplit(house.address)
    with socket.create_connection((place.hostname, place.port or 80), timeout=seconds) as raw:
        raw.sendall(data)
        parts = []
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def request_of(house: House, path: str, length: int, by: str = "ada") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.tokens[by]}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def test_half_a_command_is_none(house: House) -> None:
    # given a command whose body may be empty, sent with a body that is cut off
    house.cycle("cut", opened=False)
    before = house.ledger.head().position
    place = urlsplit(house.address)
    for part in (b"", b'{"reason":{"kind":"external","text":"It'):
        with socket.create_connection((place.hostname, place.port or 80)) as raw:
            raw.sendall(request_of(house, "/v1/cycles/cut/openings", 500) + part)
            time.sleep(0.1)
    time.sleep(0.5)
    # then nothing was recorded: once the part that came was taken for the whole
    assert house.ledger.head().position == before


@pytest.mark.parametrize("whole", ["GET /v1/health HTTP/1.1\r\nHost: x\r\n", "body"])
def test_who_sends_slowly_is_hung_up_on(house: House, whole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REQUEST_SECONDS", 0.5)
    slow = request_of(house, "/v1/teams", 100) + b"{" if whole == "body" else whole.encode()
    began = time.monotonic()
    assert knock(house, slow) == b""
    assert 0.3 < time.monotonic() - began < 20


def test_what_is_no_http_is_answered_as_a_problem(house: House) -> None:
    for nonsense in (b"GET\r\n\r\n", b"\x00\x01\r\n\r\n", request_of(house, "/v1/teams", -5)):
        answer = knock(house, nonsense)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert json.loads(body)["type"] == "/v1/problems/request_is_malformed"


@pytest.mark.parametrize(
    ("head", "status", "says"),
    [
        ("GET /v1/health HTTP/1.1\r\n", 400, "Host"),
        ("GET /v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400, "Host"),
        ("GET /v1/health HTTP/2.0\r\nHost: a\r\n", 505, "HTTP/1.1"),
        (f"GET /v1/health?{'x' * 20_000} HTTP/1.1\r\nHost: a\r\n", 400, "16,384 bytes"),
        (f"GET /v1/health HTTP/1.1\r\nHost: a\r\n{'X: ' + 'x' * 20_000}", 400, "16,384 bytes"),
        ("MISLAY /v1/health HTTP/1.1\r\nHost: a\r\n", 405, "method"),
        (
            "POST /v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            400,
            "HTTP/1.1",
        ),
    ],
)
def test_a_head_that_must_not_be_answered_is_refused_in_words(
    house: House, head: str, status: int, says: str
) -> None:
    answer, _, body = knock(house, f"{head}\r\n".encode()).partition(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert says in json.loads(body)["detail"] + json.loads(body)["title"]


def test_nonsense_behind_a_request_is_no_answer_to_it(house: House) -> None:
    # given a request that is whole, and behind it what is no HTTP
    whole = request_of(house, "/v1/cycles/cut-off/openings", 2) + b"{}"
    answer = knock(house, whole + b"\x00\x01\r\n\r\n")
    # then the request has its own answer, and nothing else is said on this connection
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_asks_for_another_protocol_is_answered_in_this_one(house: House) -> None:
    head = b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = knock(house, head + b"\x81\x05frame")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer


def test_two_tokens_are_none(house: House) -> None:
    headers = [
        ("Authorization", f"Bearer {house.tokens['ada']}"),
        ("Authorization", "Bearer strategy_ledger_p_other"),
    ]
    for sent in (headers, headers[::-1]):
        assert house["nobody"].get("/v1/cycles", headers=sent).status_code == 401


def test_two_senders_of_one_idempotency_key_record_once(house: House) -> None:
    _, key_result = house.objective("now")
    before = house.ledger.head().position
    together = threading.Barrier(8)

    def send(_: int) -> int:
        together.wait()
        body = {"confidence": "0.5"}
        path = f"/v1/key-results/{key_result}/check-ins"
        return house["ines"].post(path, json=body, headers={"Idempotency-Key": "race"}).status_code

    house["ines"].get("/v1/cycles")
    with ThreadPoolExecutor(8) as senders:
        found = set(senders.map(send, range(8)))
    assert found <= {201, 409}
    assert house.ledger.head().position == before + 1


def test_a_fingerprint_is_no_way_to_guess_an_erased_text(house: House) -> None:
    # given a short narrative under an idempotency key, whose fingerprint is kept for ever
    _, key_result = house.objective("now", owner="tom")
    path, body = f"/v1/key-results/{key_result}/check-ins", {"confidence": "0.5", "what_changed": "ill"}
    headers = {"Idempotency-Key": "erased"}
    first = house["tom"].post(path, json=body, headers=headers)
    assert first.status_code == 201
    assert house["tom"].post(path, json=body, headers=headers).json() == first.json()
    # when its author's key is erased
    house.ledger.keys.erase(UUID(house.people["tom"]))
    # then not even who holds the master key can test a guess against it
    again = house["tom"].post(path, json=body, headers=headers)
    assert again.json()["type"] == "/v1/problems/idempotency_key_reused"


def test_a_number_of_any_length_in_an_amendment_is_refused(house: House) -> None:
    _, key_result = house.objective("now")
    position = house.post(f"/v1/key-results/{key_result}/check-ins", {"confidence": "0.5"}, by="ines")[
        "position"
    ]
    for number in (10**30, 10**300):
        for headers in ({}, {"Idempotency-Key": f"long {number % 7}"}):
            path = f"/v1/entries/{position}/amendments"
            house.refused(
                path, {"body": {"confidence": number}}, "amendment_does_not_fit", by="ines", headers=headers
            )


def test_readiness_tells_strangers_nothing_of_an_entry(house: House) -> None:
    # given a projection that stopped with a sentence that repeats what an entry says
    control = house.desk.engine.control
    with house.ledger.pool.connection() as connection:
        generation = control.prepare(connection)
        control.stop(connection, generation, "board", 7, "Entry 7: input_value='Only Ines may know.'")
        try:
            stranger, steward = (house[who].get("/v1/ready") for who in ("nobody", "ada"))
        finally:
            control.stop(connection, generation, "board", None, None)  # type: ignore[arg-type]
    assert (stranger.status_code, steward.status_code) == (503, 503)
    assert set(stranger.json()) == {"status", "detail"}
    assert steward.json()["stopped"]["board"]["entry"] == 7
    assert "Ines" not in stranger.text + steward.text


def test_the_server_s_log_repeats_no_row(house: House) -> None:
    # given an address that is taken, which the database refuses with the row in its detail
    if not house.ledger.place.embedded:
        pytest.skip("the log of a server of your own is its operator's")
    house.refused("/v1/people", {"name": "P", "email": "ines@example.org"}, "handle_is_taken")
    log = house.ledger.settings.data_dir / "postgres" / "server.log"
    assert "ines@example.org" not in log.read_text(errors="replace")


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
