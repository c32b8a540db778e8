"""Backups brought back: the native one, pg_dump, and a base backup up to a point in time."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.backup import (
    DIRECTORY,
    ENTRIES,
    MANIFEST,
    BackupIsDamaged,
    back_up,
    check,
    later_beside,
    later_file_beside,
)
from ledger.embedded import EmbeddedServer
from ledger.embedded.programs import Account, find_engine
from ledger.embedded.programs import run as run_as
from ledger.identifiers import new_id
from ledger.last_line import last_line
from ledger.migrate import prepare
from ledger.place import Place
from ledger.receipts import IdempotencyKey
from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from replay.verify import verify
from tests.badday.programs import program, run
from tests.laws.shelf import Shelf
from tests.laws.test_writers import is_in_order
from tests.laws.writer import give, item_of, told
from tests.ledger.helpers import forming
from tests.waiting import until

NewSettings = Callable[[], Settings]


# -- the native way


def test_a_backup_is_made_while_others_write_and_comes_back(
    ledger: Ledger, steward: str, new_settings: NewSettings, tmp_path: Path
) -> None:
    """Given somebody who goes on writing, when a backup is made, then it holds the ledger up to one position, equals
    its manifest, comes back byte for byte, and a key of then is answered with its receipt."""
    key = IdempotencyKey("monday", b"body")
    first = ledger.execute("A", forming(ledger.new_id()), by=steward, idempotency=key)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            ledger.execute("B", forming(ledger.new_id()), by=steward)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        place = back_up(ledger, tmp_path / "kept")
    finally:
        ended.set()
        writer.join()
    manifest = check(place)
    assert manifest.ledger == ledger.identifier
    assert 5 <= manifest.position <= ledger.head().position
    entries = [*ledger.export(0, manifest.position), last_line(manifest.ledger, manifest.position)]
    assert (place / ENTRIES).read_bytes() == b"".join(entries)
    assert {one.name for one in (tmp_path / "kept").iterdir()} == {place.name}
    assert (place / ENTRIES).stat().st_mode & 0o077 == 0
    settings = new_settings()
    with (place / ENTRIES).open("rb") as lines, (place / DIRECTORY).open("rb") as people:
        restore(settings, lines, people)
    with Ledger.open(settings) as again:
        answer = again.execute("A", forming(ledger.new_id()), by=steward, idempotency=key)
        assert (answer.replayed, answer.position) == (True, first.position)
        assert again.head().position == manifest.position


def test_a_backup_is_never_written_over(ledger: Ledger, tmp_path: Path) -> None:
    place = back_up(ledger, tmp_path)
    before = (place / MANIFEST).read_bytes()
    with pytest.raises(FileExistsError, match="a backup of this position already"):
        back_up(ledger, tmp_path)
    assert (place / MANIFEST).read_bytes() == before


def test_of_two_directories_of_one_position_the_older_is_known(
    ledger: Ledger, steward: str, new_settings: NewSettings, tmp_path: Path
) -> None:
    """Given a backup, when a token is revoked (which makes no entry) and another backup is made, then both stand, the
    later is known by its time, and what it restores says when its directory was written."""
    token = ledger.tokens.issue(steward, "lost laptop")
    first = back_up(ledger, tmp_path)
    (found,) = [one for one in ledger.tokens.list() if one.label == "lost laptop"]
    assert token
    ledger.tokens.revoke(found.id)
    second = back_up(ledger, tmp_path)
    assert second.name == f"{first.name}.2"
    assert (later_beside(first), later_beside(second)) == (second, None)
    for place, other in ((first, second), (second, first)):
        assert (place / ENTRIES).read_bytes() == (other / ENTRIES).read_bytes()
        with pytest.raises(FileExistsError, match="a backup of this position already"):
            back_up(ledger, tmp_path)
    with (second / ENTRIES).open("rb") as lines, (second / DIRECTORY).open("rb") as people:
        done = restore(new_settings(), lines, people)
    assert done.written is not None
    assert done.written.position == done.entries
    assert done.written.at in (second / DIRECTORY).read_text()


def test_of_two_plain_directory_files_of_one_position_the_older_is_known(
    ledger: Ledger, steward: str, tmp_path: Path
) -> None:
    # given a directory that was written down, a token that is revoked, which makes no entry, and a second one
    ledger.tokens.issue(steward, "lost laptop")
    monday, tuesday = tmp_path / "monday.jsonl", tmp_path / "tuesday.jsonl"
    monday.write_bytes(b"".join(ledger.directory.export()))
    (found,) = [one for one in ledger.tokens.list() if one.label == "lost laptop"]
    ledger.tokens.revoke(found.id)
    tuesday.write_bytes(b"".join(ledger.directory.export()))
    # and beside them what is neither, one of another position, and a link to the first
    (tmp_path / "notes.txt").write_text("Restore on Friday.")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(monday)
    (tmp_path / "below").mkdir()
    ledger.execute("Ovens", forming(new_id()), by=steward)
    (tmp_path / "later.jsonl").write_bytes(b"".join(ledger.directory.export()))
    # then the later of the two is known, whichever way the first is named
    assert later_file_beside(monday) == later_file_beside(tmp_path / "link") == tuesday
    assert later_file_beside(tuesday) is None
    assert later_file_beside(tmp_path / "later.jsonl") is None
    assert later_file_beside(tmp_path / "notes.txt") is None


def test_a_backup_that_fails_leaves_nothing(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ledger.backup.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        back_up(ledger, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        (ENTRIES, lambda path: path.write_bytes(path.read_bytes()[:-200]), "instead of"),
        (ENTRIES, lambda path: path.write_bytes(path.read_bytes().replace(b"Example", b"Exomple")), "others"),
        (DIRECTORY, Path.unlink, "is missing"),
        (MANIFEST, Path.unlink, "was not finished"),
        (MANIFEST, lambda path: path.write_bytes(b'{"format":1}'), "cannot be read"),
        (MANIFEST, lambda path: path.write_bytes(b'{"format":9}'), "is of format 9"),
    ],
)
def test_a_damaged_backup_is_refused(
    ledger: Ledger, tmp_path: Path, name: str, damage: Callable[[Path], object], what: str
) -> None:
    place = back_up(ledger, tmp_path)
    damage(place / name)
    with pytest.raises(BackupIsDamaged, match=what):
        check(place)


# -- PostgreSQL's ways, as docs/operating.md tells them


def test_a_dump_comes_back(shelf: Shelf, tmp_path: Path) -> None:
    """Given a dump of the schema without what can be made anew, when the schema is lost and the dump brought back, then
    nothing is missing, the answers are made anew, old keys are answered and writing goes on."""
    with shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        receipt = give(book.ledger, 1, steward, item)
        book.engine.catch_up()
        lines, answers = b"".join(book.ledger.export()), book.answers(as_of=str(receipt.position))
        url, schema, file = book.ledger.place.owner_url, book.settings.schema, tmp_path / "ledger.dump"
        anew = [f"--exclude-table={schema}.{pattern}" for pattern in ("g[0-9]*", "projections_*", "v1_*")]
        run(program("pg_dump", url), "-Fc", f"--schema={schema}", *anew, f"--file={file}", url)
        _drop_schema(book.settings)
        run(program("pg_restore", url), "--exit-on-error", f"--dbname={url}", file)
        prepare(book.settings)
        with shelf.opened(book.settings) as again:
            assert b"".join(again.ledger.export()) == lines
            assert again.answers(as_of=str(receipt.position)) == answers
            repeated = give(again.ledger, 1, steward, item)
            assert repeated.replayed
            assert told(repeated) == told(receipt)
            assert give(again.ledger, 2, steward, item).first_position == receipt.position + 1
            again.engine.catch_up()
            assert verify(again.ledger, pairs=3, engine=again.engine).clean
            is_in_order(again)


def test_a_base_backup_comes_back_up_to_the_moment_before_a_mistake(own_shelf: Shelf, tmp_path: Path) -> None:
    """Given a base backup and the archived log after it, when the ledger is brought back to the time of an entry, then
    it ends right before that entry, verifies, and goes on."""
    with own_shelf.company() as (book, company):
        steward, item = f"person:{company.steward}", item_of(book.ledger)
        data, back = book.settings.data_dir, tmp_path / "back"
        account = _account(data)
        archive, base = _directory(tmp_path / "archive", account), back / "postgres"
        back.mkdir(mode=0o711)
        _directory(base, account)
        for path in (tmp_path, *tmp_path.parents):
            if path.stat().st_uid == 0 and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
        _archives(data, archive)
        with EmbeddedServer.start(data) as server:
            programs = find_engine()[0]
            host = _host(server.url)
            give(book.ledger, 1, steward, item)
            done = run_as(
                account,
                *(str(programs / "pg_basebackup"), "-h", host, "-p", "5432", "-U", "postgres"),
                *("-D", str(base), "-X", "none", "--checkpoint=fast", "--no-password"),
            )
            assert done.returncode == 0, done.stderr
            last = give(book.ledger, 2, steward, item)
            mistake = give(book.ledger, 4, steward, item)
            with psycopg.connect(server.url, autocommit=True) as connection:
                row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
                until((archive / str(row and row[0])).exists)
        entry = book.ledger.entry(mistake.first_position)
        assert entry is not None
        recovery = (
            f"restore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_time = '{entry.recorded_at.isoformat()}'\n"
            "recovery_target_inclusive = off\nrecovery_target_action = promote\narchive_mode = off\n"
        )
        for name, text in (("recovery.signal", ""), ("postgresql.auto.conf", recovery)):
            (base / name).write_text(text)
            if account is not None:
                shutil.chown(base / name, account.user, account.group)
        settings = replace(book.settings, data_dir=back)
        with EmbeddedServer.start(back), own_shelf.opened(settings) as again:
            assert again.ledger.head().position == last.position
            assert verify(again.ledger, pairs=3, engine=again.engine).clean
            repeated = give(again.ledger, 2, steward, item)
            assert (repeated.replayed, repeated.position) == (True, last.position)
            is_in_order(again)
            assert give(again.ledger, 4, steward, item).first_position == mistake.first_position


def _drop_schema(settings: Settings) -> None:
    with Place.open(settings) as place, psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(place.schema)))


def _account(data: Path) -> Account | None:
    found = Account.of(data / "postgres")
    return found if found.user != data.stat().st_uid else None


def _directory(path: Path, account: Account | None) -> Path:
    path.mkdir(mode=0o700, parents=True)
    if account is not None:
        shutil.chown(path, account.user, account.group)
    return path


def _host(url: str) -> str:
    return str(conninfo_to_dict(url)["host"])


def _archives(data: Path, archive: Path) -> None:
    """Let the server keep its log, which it begins with at its next start; a part that is there is whole."""
    command = f"cp %p {archive}/%f.part && mv {archive}/%f.part {archive}/%f"
    with EmbeddedServer.start(data) as server, psycopg.connect(server.url, autocommit=True) as connection:
        for name, value in {"archive_mode": "on", "archive_command": command}.items():
            connection.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), value))
        connection.execute("select pg_reload_conf()")
        process = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGINT)  # the next start takes the settings up
    until(lambda: not (data / "postgres" / "postmaster.pid").exists())
