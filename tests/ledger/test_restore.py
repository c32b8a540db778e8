"""Native lines out and, into an empty ledger, back in: byte for byte, or not at all."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from aggregates.entry import Recorded, stream_of
from aggregates.objective.events import ObjectiveDrafted
from bench.company import Company
from ledger.errors import IdempotencyKeyReused, LedgerExists, StaleVersion
from ledger.identifiers import new_id
from ledger.keys import MasterKey, MasterKeyError
from ledger.last_line import last_line
from ledger.lifecycle import RestoreRefused, initialise, restore
from ledger.lines import read_lines
from ledger.migrate import migrate
from ledger.place import Place
from ledger.receipts import IdempotencyKey
from ledger.settings import Settings, load_settings
from ledger.store import Ledger
from tests.conftest import drop
from tests.ledger.helpers import forming, team_of

NewSettings = Callable[[], Settings]


@pytest.fixture
def lines(ledger: Ledger, steward: str) -> list[bytes]:
    """The export of a ledger with nine entries: teams, a keyed command, an objective with a reference."""
    return written_to(ledger, steward)


@pytest.fixture(scope="module")
def same_lines(server_environ: dict[str, str]) -> list[bytes]:
    """The export of such a ledger, which is gone."""
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": f"exported{os.getpid()}"})
    try:
        created = initialise(settings, "Example Works", "Europe/Berlin", steward_name="Ada Example")
        with Ledger.open(settings) as ledger:
            return written_to(ledger, f"person:{created.steward}")
    finally:
        drop(settings)


def written_to(ledger: Ledger, steward: str) -> list[bytes]:
    team = new_id()
    ledger.execute("One", forming(team), by=steward)
    ledger.execute("Two", forming(team), by=steward, idempotency=IdempotencyKey("monday", b"body"))
    ledger.execute("Three", forming(team), by=steward, idempotency=IdempotencyKey("tuesday", b"body"))
    objective = new_id()
    drafted = ObjectiveDrafted(
        reference=ledger.next_reference("OBJ"), cycle="2026-q3", title="Fewer surprises", owner=new_id()
    )
    ledger.append([Recorded(stream_of("objective", objective), drafted)], by=steward)
    ledger.execute("Four", forming(new_id()), by=steward)
    return list(ledger.export())


def test_what_was_exported_comes_back_byte_for_byte(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    settings = new_settings()
    told: list[int] = []
    done = restore(settings, iter(lines), ledger.directory.export(), progress=told.append)
    assert (done.ledger, done.entries) == (ledger.identifier, 9)
    assert told == [9]
    with Ledger.open(settings) as restored:
        assert list(restored.export()) == lines
        assert restored.read_page(0, 100) == ledger.read_page(0, 100)
        assert list(restored.directory.export())[:-1] == list(ledger.directory.export())[:-1]
        assert (restored.identifier, restored.zone) == (ledger.identifier, ledger.zone)
        mark = restored.restored()
        assert mark is not None
        assert mark["entries"] == 9
        assert ledger.restored() is None


def test_writing_goes_on_after_a_restore(
    ledger: Ledger, steward: str, lines: list[bytes], new_settings: NewSettings
) -> None:
    settings, team = new_settings(), new_id()
    sealed = ledger.keys.seal(team, "personal")
    restore(settings, lines, list(ledger.directory.export()))
    with Ledger.open(settings) as restored:
        known = ledger.entry(6)
        assert known is not None
        again = restored.execute(
            "?", forming(team), by=steward, idempotency=IdempotencyKey("monday", b"body")
        )
        assert (again.replayed, again.position, again.recorded_at) == (True, 6, known.recorded_at)
        with pytest.raises(IdempotencyKeyReused):
            restored.execute("?", forming(team), by=steward, idempotency=IdempotencyKey("tuesday", b"other"))
        with pytest.raises(StaleVersion):
            restored.execute("?", forming(team), by=steward, expected={known.stream: 1})
        assert restored.execute("On", forming(team), by=steward).position == 10
        assert restored.next_reference("OBJ") == "OBJ-2"
        assert restored.keys.open(sealed) == "personal"


def test_a_restore_without_the_second_file_says_what_is_missing(
    lines: list[bytes], new_settings: NewSettings
) -> None:
    assert "No directory" in restore(new_settings(), lines).notes[-1]


def test_a_restore_goes_only_into_an_empty_ledger(ledger: Ledger, lines: list[bytes]) -> None:
    with pytest.raises(LedgerExists):
        restore(ledger.settings, lines)


def test_keys_that_another_master_key_wrapped_are_refused(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    ledger.keys.seal(new_id(), "personal")
    other = replace(new_settings(), master_key="YW5vdGhlciBrZXksIGFsc28gMzIgYnl0ZXMgbG9uZy4=")
    with pytest.raises(MasterKeyError):
        restore(other, lines, ledger.directory.export())


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


def changed(number: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        assert old in lines[number - 1]
        return [line.replace(old, new) if place == number else line for place, line in enumerate(lines, 1)]

    return change


@pytest.mark.parametrize(
    ("damage", "line", "says"),
    [
        (lambda lines: [], 0, "empty"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], 9, "cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 9, "cut off"),
        (lambda lines: lines[1:], 1, "position 2 follows 0"),
        (lambda lines: [*lines[:4], *lines[5:]], 5, "position 6 follows 4"),
        (swapped, 6, "position 7 follows 5"),
        (lambda lines: [b"id,name\n", *lines], 1, "not a line"),
        (lambda lines: [b'{"hello":"world"}\n'], 1, "not a line"),
        (lambda lines: [b"[]\n"], 1, "not a line"),
        (lambda lines: [*lines, b"\n"], 10, "not a line"),
        (lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]], 1, "spelled"),
        (changed(5, b'"stream"', b'"extra":1,"stream"'), 5, "spelled"),
        (changed(6, b'"version":2,"name":"team.renamed","data"', b'"version":3,"name":"team.renamed","data"'), 6,
         "version 3"),
        (changed(6, b'"version":2', b'"version":3'), 6, "version 3"),
        (changed(5, b'"name":"team.formed","data"', b'"name":"team.renamed","data"'), 5, "do not say"),
        (changed(5, b"team.formed", b"team.founded"), 5, "not known"),
        (changed(5, b'"body":{"name":"One"}', b'"body":{"title":"One"}'), 5, "cannot be read"),
        (changed(5, b'"body":{"name":"One"}', b'"body":{"name":"O\\u0000e"}'), 5, "cannot be read"),
        (changed(5, b'"by":"person:', b'"by":"parson:'), 5, "malformed"),
        (changed(5, b'"body":{"name":"One"}', b'"on_behalf_of":"me","body":{"name":"One"}'), 5, "not spelled"),
        (changed(5, b'"body":{"name":"One"}', b'"decision":"{' + b"0" * 32 + b'}","body":{"name":"One"}'), 5,
         "not spelled"),
        (changed(5, b'"body":{"name":"One"}', b'"effective_at":"2026-W01-1","body":{"name":"One"}'), 5,
         "no day and no instant"),
        (changed(1, b"ledger.created", b"policy.adopted"), 1, "creates it"),
        (changed(9, b'"recorded_at":"2', b'"recorded_at":"1'), 9, "not later"),
        (changed(5, b'"data":{', b'"data":[{'), 5, "not a line"),
        (lambda lines: [lines[0][: lines[0].index(b'"data":')] + b'"data":[]}\n'], 1, "do not say"),
        (changed(5, b'"version":1,"name":"team.formed","by"', b'"version":true,"name":"team.formed","by"'), 5,
         "do not say"),
        (lambda lines: [lines[0].replace(b"T", b" ", 1), *lines[1:]], 1, "not spelled"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_and_leaves_nothing(
    same_lines: list[bytes], new_settings: NewSettings, damage: Any, line: int, says: str
) -> None:
    settings = new_settings()
    with pytest.raises(RestoreRefused) as refused:
        restore(settings, damage(same_lines))
    assert refused.value.line == line
    assert says in str(refused.value).lower()
    assert "Nothing was restored" in str(refused.value)
    with Ledger.open(settings) as empty:
        assert (empty.head().position, empty.identifier) == (0, None)
    restore(settings, same_lines)


LARGE, WRONG = 3_000, 2_345


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"position":2345,', b'"position":2346,', "Position 2346 follows 2344"),
        (b'"by":"person:', b'"by":"parson:', "malformed"),
        (b'"body":{"', b'"body":{"more":1,"', "cannot be read"),
        (b',"data":', b', "data":', "spelled"),
        (b"\n", b"", "cut off"),
    ],
)
def test_a_wrong_line_deep_inside_a_large_file_is_named(
    new_settings: NewSettings, old: bytes, new: bytes, says: str
) -> None:
    # given three thousand lines, one of them wrong
    lines, settings = list(Company(objectives=4).lines(LARGE)), new_settings()
    assert old in lines[WRONG - 1]
    lines[WRONG - 1] = lines[WRONG - 1].replace(old, new, 1)
    # when they are restored, then that line is named, and nothing is there
    with pytest.raises(RestoreRefused) as refused:
        restore(settings, lines)
    assert refused.value.line == WRONG
    assert says in str(refused.value)
    with Ledger.open(settings) as empty:
        assert (empty.head().position, empty.identifier) == (0, None)


def test_a_large_file_comes_back_with_every_index(new_settings: NewSettings) -> None:
    lines, settings, told = list(Company(objectives=4).lines(LARGE)), new_settings(), list[int]()
    migrate(settings)
    before = indexes(settings)
    restore(settings, lines, progress=told.append)
    with Ledger.open(settings) as restored:
        assert list(restored.export()) == lines
    assert indexes(settings) == before
    assert told == sorted(set(told))
    assert told[-1] == LARGE


def indexes(settings: Settings) -> list[tuple[str, str]]:
    with Place.open(settings) as place, place.as_owner() as owner:
        return owner.execute(
            "select indexname, indexdef from pg_indexes where schemaname = %s order by 1", [settings.schema]
        ).fetchall()


def test_a_file_that_was_cut_between_two_lines_is_refused(
    same_lines: list[bytes], new_settings: NewSettings
) -> None:
    """Given the file of an export with its last line, when entries are missing before it, or it is that of another
    ledger, then nothing is restored; whole it comes back, and nothing is noted about its end."""
    settings, ledger = new_settings(), UUID(orjson.loads(same_lines[0])["data"]["body"]["ledger"])
    end = last_line(ledger, 9)
    assert orjson.loads(end) == {"table": "end", "ledger": str(ledger), "position": 9}
    for lines, line, says in (
        ([*same_lines[:8], end], 9, "written up to position 9, and the entries before this line end at 8"),
        ([*same_lines, last_line(ledger, 8)], 10, "written up to position 8"),
        ([end], 1, "end at 0"),
        ([last_line(UUID(int=0), 0)], 1, "not spelled"),
        ([*same_lines, last_line(UUID(int=7), 9)], 10, "it ends ledger 00000000"),
        ([*same_lines, end[:-5]], 10, "has no end; the file was cut off"),
        ([*same_lines, end.replace(b":9}", b": 9}")], 10, "not spelled"),
        ([*same_lines, b'{"table":"end","ledger":"it"}\n'], 10, "not a last line"),
        ([*same_lines, end, same_lines[-1]], 11, "follows 9"),
    ):
        with pytest.raises(RestoreRefused, match=says) as refused:
            restore(settings, lines)
        assert refused.value.line == line
    with pytest.raises(RestoreRefused, match="written up to position 9, and the file ends at 8"):
        restore(settings, same_lines[:8], until=9)
    migrate(settings)
    with Ledger.open(settings) as empty:
        assert (empty.head().position, empty.identifier) == (0, None)
    done = restore(settings, [*same_lines, end])
    assert done.entries == 9
    assert not [note for note in done.notes if "position" in note]
    with Ledger.open(settings) as restored:
        assert list(restored.export()) == same_lines


def test_a_file_without_a_last_line_is_restored_and_that_is_said(
    same_lines: list[bytes], new_settings: NewSettings
) -> None:
    """Given a file of an earlier release, or one that was cut off between two lines, then it comes back as far as it
    goes, and who restores it is told that nobody knows its end; where a manifest says it, nothing is to be told."""
    done = restore(new_settings(), same_lines[:7])
    assert done.entries == 7
    (note,) = [note for note in done.notes if "position 7" in note]
    assert "cut off between two lines" in note
    assert not [note for note in restore(new_settings(), same_lines, until=9).notes if "position" in note]


def test_pieces_of_a_ledger_can_follow_each_other_in_one_file(
    same_lines: list[bytes], new_settings: NewSettings
) -> None:
    """Given two exports one after the other in one file, each with its last line, then they are one ledger."""
    ledger = UUID(orjson.loads(same_lines[0])["data"]["body"]["ledger"])
    pieces = [*same_lines[:5], last_line(ledger, 5), *same_lines[5:], last_line(ledger, 9)]
    assert restore(new_settings(), pieces).entries == 9
    with pytest.raises(RestoreRefused, match="entries are missing") as refused:
        restore(new_settings(), [*same_lines[:4], last_line(ledger, 5), *same_lines[5:]])
    assert refused.value.line == 5


def test_a_damaged_directory_is_refused(
    ledger: Ledger, steward: str, lines: list[bytes], new_settings: NewSettings
) -> None:
    # given the second file of a backup, with the steward and a token
    ledger.tokens.issue(steward, "laptop")
    good = list(ledger.directory.export())
    assert b'"table":"tokens"' in good[-2]
    stranger = good[-2].replace(b'"label":"', b'"label":"also ')
    other = [*good[:-1], good[-1].replace(str(ledger.identifier).encode(), str(new_id()).encode())]
    settings = new_settings()
    for directory, says in (
        ([b"{}\n"], "not one that an export writes"),
        ([b"x"], "not one that an export writes"),
        ([], "no last line"),
        (good[:-1], "no last line"),
        (good[1:], "it was cut or changed"),
        ([good[0].replace(b'"handle":', b'"handle":"eve","x":'), *good[1:]], "its seal does not fit"),
        ([*good[:-2], stranger, good[-1]], "its seal does not fit"),
        ([good[1], good[0], *good[2:]], "its seal does not fit"),
        ([*good, good[0]], "comes after its end"),
        ([*good, *good], "comes after its end"),
        ([*good[:-1], good[-1][:-20]], "cannot be read"),
        ([*good[:-1], good[-1].replace(b'"seal":"', b'"seal": "')], "not spelled"),
        (other, "it belongs to ledger"),
    ):
        with pytest.raises(RestoreRefused, match=says) as refused:
            restore(settings, lines, directory)
        assert "The directory's file" in str(refused.value)
        migrate(settings)
        # then nothing of either file is there
        with Ledger.open(settings) as empty:
            assert (empty.head().position, empty.directory.names()) == (0, {})


def test_without_a_master_key_the_seal_is_said_to_be_unchecked(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings, tmp_path: Path
) -> None:
    # given a machine that has no master key yet, and a backup in which nothing is sealed by one
    directory = list(ledger.directory.export())
    bare = replace(new_settings(), master_key=None, master_key_file=tmp_path / "master.key")
    # when it is restored, then that is said; and a cut file is refused all the same
    with pytest.raises(RestoreRefused, match="no last line"):
        restore(bare, lines, directory[:-1])
    assert "could not be checked" in restore(bare, lines, directory).notes[-1]
    # and who needs the key reads what to do
    with pytest.raises(MasterKeyError, match="Put your copy of it there"):
        MasterKey.load(replace(bare, master_key_file=tmp_path / "none"))


def test_an_older_directory_beside_newer_entries_is_refused_unless_it_is_asked_for(
    ledger: Ledger, steward: str, new_settings: NewSettings
) -> None:
    """Given a genuine second file of an earlier backup, when it is restored with later entries, then it is refused;
    where it is asked for all the same, it is told what may be missing; with the file of these entries nothing is."""
    before, stood = list(ledger.directory.export()), ledger.head().position
    ledger.execute("Since then", forming(new_id()), by=steward)
    lines, after = list(ledger.export()), list(ledger.directory.export())
    assert ledger.identifier is not None
    shorter = [*lines[:stood], last_line(ledger.identifier, stood)]
    lines.append(last_line(ledger.identifier, stood + 1))
    assert restore(new_settings(), lines, after).notes == restore(new_settings(), shorter, after).notes
    settings = new_settings()
    with pytest.raises(RestoreRefused, match="give --older-directory"):
        restore(settings, lines, before)
    done = restore(settings, lines, before, older_directory=True)  # nothing had been left behind
    (note,) = set(done.notes) - set(restore(new_settings(), lines, after).notes)
    assert f"when the ledger stood at position {stood}, and the entries go on to {stood + 1}" in note
    moved = [*before[:-1], before[-1].replace(b'"position":%d' % stood, b'"position":%d' % (stood + 1))]
    with pytest.raises(RestoreRefused, match="its seal does not fit"):
        restore(new_settings(), lines, moved)


def test_lines_of_a_part_can_be_read(ledger: Ledger, lines: Sequence[bytes]) -> None:
    assert list(ledger.export(after=2, until=4)) == list(lines[2:4])
    assert team_of(new_id()).startswith("team:")


def test_an_export_packed_by_gzip_is_read_as_it_was_written(
    ledger: Ledger, lines: list[bytes], new_settings: NewSettings
) -> None:
    settings, packed = new_settings(), packed_file(b"".join(lines))
    restore(settings, read_lines(packed, unpacking=True), ledger.directory.export())
    with Ledger.open(settings) as restored:
        assert list(restored.export()) == lines


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (lambda packed: packed[:-9], "The gzip file is cut off before its end."),
        (lambda packed: packed[:-8] + b"\x00\x00\x00\x00" + packed[-4:], "The gzip file is damaged"),
        (lambda packed: packed[:10] + b"\xff" * 40, "The gzip file is damaged"),
    ],
)
def test_a_gzip_file_that_was_harmed_is_refused(
    same_lines: list[bytes], new_settings: NewSettings, harm: Callable[[bytes], bytes], what: str
) -> None:
    settings, packed = new_settings(), gzip.compress(b"".join(same_lines))
    with pytest.raises(RestoreRefused, match=what):
        restore(settings, read_lines(BufferedReader(BytesIO(harm(packed))), unpacking=True))
    assert restore(settings, iter(same_lines)).entries == len(same_lines)


@pytest.mark.parametrize(
    ("befell", "what"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), "Line 1: It ends with CR LF, as Windows ends lines"),
        (
            lambda text: text.replace(b"}\n", b"}\r\n", 4).replace(b"}\r\n", b"}\n", 3),
            "Line 4: It ends with CR LF",
        ),
        (lambda text: b"\xef\xbb\xbf" + text, "The file begins with a byte order mark"),
        (lambda text: text.decode().encode("utf-16"), "The file is text in UTF-16"),
        (lambda text: text.decode().encode("utf-16-be"), "The file is text in UTF-16"),
        (gzip.compress, r"The file is packed by gzip; unpack it first: `gunzip FILE`"),
        (lzma.compress, r"The file is packed by xz; unpack it first: `unxz FILE`"),
        (bz2.compress, "The file is packed by bzip2"),
        (lambda text: b"\x28\xb5\x2f\xfd" + text, "The file is packed by zstd"),
        (lambda text: b"PK\x03\x04" + text, "The file is packed by zip"),
        (lambda text: b"\x00" * 257 + b"ustar" + text, "The file is packed by tar"),
        (lambda text: b"PGDMP\x01" + text, "The file is a dump of the database; `pg_restore` takes it"),
    ],
)
def test_what_befell_a_file_on_its_way_is_named(
    same_lines: list[bytes], new_settings: NewSettings, befell: Callable[[bytes], bytes], what: str
) -> None:
    settings, text = new_settings(), b"".join(same_lines)
    with pytest.raises(RestoreRefused, match=what):
        restore(settings, read_lines(BytesIO(befell(text))))
    about_people = what.replace("The file", "The directory's file").replace(
        "It ends", "Of the directory's file: it ends"
    )
    if not what.startswith("Line 4"):
        with pytest.raises(RestoreRefused, match=about_people):
            restore(settings, iter(same_lines), read_lines(BytesIO(befell(text))))
    assert restore(settings, iter(same_lines)).entries == len(same_lines)


def packed_file(content: bytes) -> BufferedReader:
    """A gzip file of two members, as `cat` of two makes it."""
    half = len(content) // 2
    return BufferedReader(BytesIO(gzip.compress(content[:half]) + gzip.compress(content[half:])))
